//! Statements of the user's own: every value has its place, every column its field.

use orm::backend::{Supports, capabilities::RawSql};
use orm::prelude::*;
use orm::{ErrorKind, Result};

use super::people;
use crate::Fixture;
use crate::models::{Tag, User};

pub async fn numbered_placeholders_are_bound<D: Database>(f: &Fixture<D>) -> Result<()>
where
    D::Backend: Supports<RawSql>,
{
    people(&f.db).await?;
    let changed = sql("UPDATE users SET age = ?1 WHERE name = 'Bob'").bind(44).exec(&f.db).await?;
    assert_eq!(changed, 1);
    assert_eq!(User::filter(User::name.eq("Bob")).one(&f.db).await?.age, Some(44));
    let names: Vec<String> =
        sql("SELECT name FROM users WHERE age > ?2 AND age < ?1 AND age <> ?2 ORDER BY id")
            .bind(40)
            .bind(30)
            .all(&f.db)
            .await?;
    assert_eq!(names, ["Ada"]);
    let ten = (1..=10).fold(
        sql::<i32>("SELECT age FROM users WHERE id = ?1 OR age IN (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"),
        |sql, _| sql.bind(44),
    );
    assert_eq!(ten.all(&f.db).await?, [44]);
    Ok(())
}

pub async fn a_value_without_a_place_and_a_place_without_a_value_are_refused<D: Database>(
    f: &Fixture<D>,
) -> Result<()>
where
    D::Backend: Supports<RawSql>,
{
    people(&f.db).await?;
    f.log.take();
    for (text, values) in [
        ("UPDATE users SET age = ?", 0),
        ("UPDATE users SET age = ?", 2),
        ("UPDATE users SET age = ?1", 0),
        ("UPDATE users SET age = ?2", 2),
        ("UPDATE users SET age = ?2", 1),
        ("UPDATE users SET age = ?1 WHERE id = ?", 2),
        ("UPDATE users SET age = $1", 0),
        ("UPDATE users SET age = $1", 1),
    ] {
        let statement = (0..values).fold(sql(text), |sql, _| sql.bind(1));
        let error = statement.exec(&f.db).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{text}: {error}");
        assert!(error.hint().is_some());
    }
    assert!(f.log.take().is_empty());
    Ok(())
}

pub async fn question_marks_in_texts_names_and_comments_are_no_placeholders<D: Database>(
    f: &Fixture<D>,
) -> Result<()>
where
    D::Backend: Supports<RawSql>,
{
    let text = "SELECT '?''?', \"a?b\", ? -- ? it's\n /* '? */ FROM (SELECT 1 AS \"a?b\") AS x";
    let row: (String, i32, String) = sql(text).bind("?".to_owned()).one(&f.db).await?;
    assert_eq!(row, ("?'?".to_owned(), 1, "?".to_owned()));
    Ok(())
}

pub async fn a_statement_gives_the_columns_that_are_read<D: Database>(f: &Fixture<D>) -> Result<()>
where
    D::Backend: Supports<RawSql>,
{
    people(&f.db).await?;
    Tag::create().name("a").insert(&f.db).await?;
    macro_rules! refused {
        ($ty:ty, $text:literal) => {
            for error in [
                sql::<$ty>($text).all(&f.db).await.map(drop),
                sql::<$ty>($text).first(&f.db).await.map(drop),
                sql::<$ty>($text).one(&f.db).await.map(drop),
                sql::<$ty>($text).optional(&f.db).await.map(drop),
            ] {
                assert_eq!(error.unwrap_err().kind(), ErrorKind::Decode, $text);
            }
        };
    }
    refused!((i64, Option<String>), "SELECT id FROM users ORDER BY id LIMIT 1");
    refused!(i64, "SELECT id, name FROM users ORDER BY id LIMIT 1");
    refused!((i64, Tag), "SELECT id, id FROM tags");
    refused!(Tag, "SELECT id, name, 1 FROM tags");
    // Two columns of the same type in the wrong order would be read without a word.
    refused!(Named, "SELECT last AS last, first AS first FROM (SELECT 'A' AS first, 'L' AS last) AS x");
    let read: Option<Named> = sql("SELECT 'A' AS first, 'L' AS last").optional(&f.db).await?;
    assert_eq!(read, Some(Named { first: "A".into(), last: "L".into() }));
    let pair: (Tag, String) = sql("SELECT id, name, 'more' FROM tags").one(&f.db).await?;
    assert_eq!((pair.0.name.as_str(), pair.1.as_str()), ("a", "more"));
    Ok(())
}

/// Two columns of one type.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Named {
    #[orm(primary_key)]
    first: String,
    last: String,
}

pub async fn one_and_optional_want_a_single_row<D: Database>(f: &Fixture<D>) -> Result<()>
where
    D::Backend: Supports<RawSql>,
{
    people(&f.db).await?;
    let names = |text: &str| sql::<String>(format!("SELECT name FROM users WHERE {text} ORDER BY id"));
    assert_eq!(names("1 = 0").optional(&f.db).await?, None);
    assert_eq!(names("1 = 0").one(&f.db).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(names("1 = 1").optional(&f.db).await.unwrap_err().kind(), ErrorKind::MultipleRows);
    assert_eq!(names("1 = 1").first(&f.db).await?.as_deref(), Some("Ada"));
    assert_eq!(User::query().optional(&f.db).await.unwrap_err().kind(), ErrorKind::MultipleRows);
    assert_eq!(User::filter(User::name.eq("Zoe")).optional(&f.db).await?, None);
    assert_eq!(User::find(999).all(&f.db).await?, []);
    assert_eq!(User::find(999).first(&f.db).await?, None);
    Ok(())
}
