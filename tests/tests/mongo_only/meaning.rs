//! Queries that would mean something else on MongoDB, and documents that would.

use mongodb::bson::doc;
use orm::mongo::Mongo;
use orm::prelude::*;
use orm_tests::models::{Post, User};

use super::{fresh, name, url, users};

/// A part with a field that another one has, too.
#[derive(Debug, Clone, PartialEq, Embedded)]
pub struct Part {
    #[orm(column = "size")]
    pub width: i32,
    pub size: i32,
}

/// A row with a part whose fields stand in one place.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "clashes")]
pub struct Clash {
    #[orm(primary_key)]
    pub id: i64,
    #[orm(embed)]
    pub part: Part,
}

#[tokio::test]
async fn fields_of_one_place_are_refused() {
    let db = Mongo::builder(url()).database(name()).connect().await.unwrap();
    orm::schema!(pub Clashes: Clash);
    let error = Clashes::create_all(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Schema, Some("Clash")), "{error}");
    assert!(error.fields().contains(&"part.size".to_owned()), "{error}");
}

#[tokio::test]
async fn distinct_rows_are_ordered_by_what_is_selected() {
    let db = fresh().await;
    users(&db).await;
    let names = |user: &str, titles: &[&str]| {
        let id = user.parse().unwrap();
        Post::insert_many(
            titles
                .iter()
                .map(|title| Post::create().title(*title).score(1).author_id(id))
                .collect::<Vec<_>>(),
        )
    };
    names("1", &["b", "a", "a"]).exec(&db).await.unwrap();
    names("2", &["a"]).exec(&db).await.unwrap();
    let titles =
        Post::query().distinct().order_by(Post::title.desc()).select(Post::title).all(&db).await.unwrap();
    assert_eq!(titles, ["b", "a"]);
    let lower = Post::query().distinct().order_by(Post::title.lower().asc()).select(Post::title.lower());
    assert_eq!(lower.all(&db).await.unwrap(), ["a", "b"]);
    let error =
        Post::query().distinct().order_by(Post::id.desc()).select(Post::title).all(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Usage, Some("Post")), "{error}");
}

#[tokio::test]
async fn a_null_of_another_program_stays_null() {
    let db = fresh().await;
    let row = doc! {"_id": 7_i64, "email": "x", "name": "X", "active": true};
    db.driver().collection("users").insert_one(row).await.unwrap();
    assert_eq!(User::find(7).one(&db).await.unwrap().age, None);
}
