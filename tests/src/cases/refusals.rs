//! What would be lost or half done is refused.

use std::collections::HashMap;

use orm::Result;
use orm::backend::Supports;
use orm::backend::capabilities::RawSql;
use orm::prelude::*;
use orm::value::Json;

use super::people;
use crate::Fixture;
use crate::models::{Post, PostTag, Tag, User};

#[derive(Debug, Clone, PartialEq, Embedded)]
pub struct Place {
    pub street: String,
    pub number: i32,
    pub note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "lodgers")]
pub struct Lodger {
    #[orm(primary_key)]
    pub id: i64,
    #[orm(embed)]
    pub home: Option<Place>,
}

#[derive(Debug, Clone, PartialEq, Model)]
pub struct Box3 {
    #[orm(primary_key)]
    pub id: i64,
    pub width: i32,
    #[orm(generated = "width * 2")]
    pub twice: i32,
}

#[derive(Debug, Clone, PartialEq, Model)]
pub struct Leaflet {
    #[orm(primary_key)]
    pub id: i64,
    pub words: Json<HashMap<String, i32>>,
}
orm::schema!(pub LodgerSchema: Lodger);
orm::schema!(pub Boxes: Box3);
orm::schema!(pub Leaflets: Leaflet);

/// Fields that are assigned on the struct are not what `update()` sends: that it has nothing to send is said.
pub async fn a_change_that_sets_nothing_is_refused<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (mut ada, ..) = people(&f.db).await?;
    ada.age = Some(99);
    let error = ada.update().save(&f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Usage, Some("User")));
    assert!(error.hint().is_some_and(|hint| hint.contains("row.save(&db)")), "{error}");
    assert_eq!(User::update_many([ada.update()]).exec(&f.db).await.unwrap_err().kind(), ErrorKind::Usage);
    assert_eq!(
        User::update_many([ada.update()]).returning(&f.db).await.unwrap_err().kind(),
        ErrorKind::Usage
    );
    assert_eq!(ada.save(&f.db).await?.age, Some(99));
    // A struct that is its key has nothing else to send.
    let tag = Tag::create().name("rust").insert(&f.db).await?;
    let post = Post::query().order_by(Post::id.asc()).first(&f.db).await?.unwrap();
    let link = PostTag::create().post_id(post.id).tag_id(tag.id).insert(&f.db).await?;
    assert_eq!(link.save(&f.db).await?.tag_id, tag.id);
    Ok(())
}

/// Only a unique column can tell that a row is there.
pub async fn a_conflict_target_is_unique<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    f.log.take();
    let row = || User::create().email("ada@x.org").name("Ada").age(1);
    let error = User::upsert(row()).on(User::name).returning(&f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Usage, &["name".to_owned()][..]));
    let error = User::upsert(row()).on((User::email, User::name)).returning(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    let ignored = User::upsert(row()).on(User::name).do_nothing().returning(&f.db).await;
    assert_eq!(ignored.unwrap_err().kind(), ErrorKind::Usage);
    assert_eq!(f.log.take(), Vec::<String>::new());
    assert_eq!(User::upsert(row()).on(User::email).returning(&f.db).await?.age, Some(1));
    Ok(())
}

/// A part of an optional struct cannot be set where the whole is absent: the row could not be read.
pub async fn an_optional_struct_is_whole_or_absent<D: Database>(f: &Fixture<D>) -> Result<()>
where
    D::Backend: Supports<RawSql>,
{
    LodgerSchema::create_all(&f.db).await?;
    let place = Place { street: "Hafenbad".into(), number: 1, note: None };
    Lodger::create().id(1).insert(&f.db).await?;
    Lodger::create().id(2).home(place.clone()).insert(&f.db).await?;
    let of = |id: i64| Lodger::filter(Lodger::id.eq(id)).update();
    for result in [
        of(1).set(Lodger::home.street, "x").exec(&f.db).await,
        of(1).set(Lodger::home.note, "x").exec(&f.db).await,
        of(2).set(Lodger::home.number, None).exec(&f.db).await,
    ] {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.fields()), (ErrorKind::NotNull, &["home".to_owned()][..]), "{error}");
    }
    of(2).set(Lodger::home.note, "x").exec(&f.db).await?;
    of(1).set(Lodger::home.street, "x").set(Lodger::home.number, 7).exec(&f.db).await?;
    let rows = Lodger::query().order_by(Lodger::id.asc()).all(&f.db).await?;
    assert_eq!(rows[0].home, Some(Place { street: "x".into(), number: 7, note: None }));
    assert_eq!(rows[1].home, Some(Place { note: Some("x".into()), ..place }));
    Ok(())
}

/// A column that the database computes is set by nobody.
pub async fn a_computed_column_cannot_be_set<D: Database>(f: &Fixture<D>) -> Result<()>
where
    D::Backend: Supports<RawSql>,
{
    Boxes::create_all(&f.db).await?;
    assert_eq!(Box3::create().id(1).width(2).insert(&f.db).await?.twice, 4);
    let update = Box3::filter(Box3::id.eq(1)).update().set(Box3::twice, 5);
    let error = update.exec(&f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Usage, &["twice".to_owned()][..]));
    let upsert = Box3::upsert(Box3::create().id(1).width(3)).on(Box3::id).set(Box3::twice, 5);
    assert_eq!(upsert.returning(&f.db).await.unwrap_err().kind(), ErrorKind::Usage);
    // The field's range holds for what is computed, too.
    let wide = Box3::filter(Box3::id.eq(1)).update().set(Box3::width, i32::MAX);
    assert_eq!(wide.exec(&f.db).await.unwrap_err().kind(), ErrorKind::OutOfRange);
    Ok(())
}

/// The keys of a document have no order.
pub async fn documents_are_equal_whatever_the_order_of_their_keys<D: Database>(f: &Fixture<D>) -> Result<()> {
    Leaflets::create_all(&f.db).await?;
    let words = || Json((0..20).map(|n| (format!("word {}", (n * 7) % 20), n)).collect::<HashMap<_, _>>());
    let row = Leaflet::create().id(1).words(words()).insert(&f.db).await?;
    assert_eq!(row.words, words());
    for _ in 0..5 {
        // Each map has an order of its own.
        assert_eq!(Leaflet::filter(Leaflet::words.eq(words())).count(&f.db).await?, 1);
    }
    Ok(())
}
