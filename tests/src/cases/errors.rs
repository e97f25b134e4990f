//! Errors have the same kinds and names everywhere.

use orm::prelude::*;
use orm::{ErrorKind, Result};

use super::people;
use crate::Fixture;
use crate::models::{Everything, Post, User};

pub async fn a_unique_violation_names_model_and_field<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let error = User::create().email("ada@x.org").name("Imposter").insert(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unique);
    assert_eq!(error.model(), Some("User"));
    assert_eq!(error.fields(), ["email"]);
    assert!(!error.to_string().contains("ada@x.org"), "values stay out of the text: {error}");
    Ok(())
}

pub async fn a_foreign_key_violation_has_its_kind<D: Database>(f: &Fixture<D>) -> Result<()> {
    let error = Post::create().title("orphan").score(1).author_id(404).insert(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignKey);
    Ok(())
}

pub async fn a_check_violation_names_its_constraint<D: Database>(f: &Fixture<D>) -> Result<()> {
    let error = User::create().email("x").name("x").age(-1).insert(&f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.constraint()), (ErrorKind::Check, Some("age_is_sane")));
    Ok(())
}

pub async fn a_value_too_large_is_refused_before_it_is_sent<D: Database>(f: &Fixture<D>) -> Result<()> {
    f.log.take();
    let error = Everything::filter(Everything::ubig.eq(u64::MAX)).all(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfRange);
    assert!(f.log.take().is_empty());
    Ok(())
}

pub async fn not_a_number_is_refused<D: Database>(f: &Fixture<D>) -> Result<()> {
    let error = Everything::filter(Everything::double.eq(f64::NAN)).all(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode);
    Ok(())
}
