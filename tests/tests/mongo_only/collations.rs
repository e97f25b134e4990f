//! Keys that MongoDB compares by the collation of a collection.

use orm::ErrorKind;

use super::*;

#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "owners")]
pub struct Owner {
    #[orm(primary_key)]
    pub code: String,
    pub things: HasMany<Thing>,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "things")]
pub struct Thing {
    #[orm(primary_key)]
    pub id: i64,
    pub owner_code: String,
    #[orm(foreign_key = owner_code)]
    pub owner: BelongsTo<Owner>,
}

#[tokio::test]
async fn keys_that_only_the_server_finds_equal_are_an_error() {
    let db = Mongo::builder(url()).database(name()).connect().await.unwrap();
    for collection in ["owners", "things"] {
        let create = doc! {"create": collection, "collation": {"locale": "en", "strength": 2}};
        db.driver().run_command(create).await.unwrap();
    }
    db.driver().collection("owners").insert_one(doc! {"_id": "Ada"}).await.unwrap();
    let things = [doc! {"_id": 1_i64, "owner_code": "Ada"}, doc! {"_id": 2_i64, "owner_code": "ADA"}];
    db.driver().collection("things").insert_many(things).await.unwrap();
    // The stand-in compares by bytes whatever the collection says; a MongoDB server finds both.
    let found = db
        .driver()
        .collection::<Document>("things")
        .count_documents(doc! {"owner_code": "Ada"})
        .await
        .unwrap();
    let owners = Owner::query().include(Owner::things).all(&db).await;
    if found == 1 {
        assert_eq!(owners.unwrap()[0].things.get().unwrap().len(), 1);
        return;
    }
    let error = owners.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Unsupported, &["things".to_owned()][..]));
    let error = Thing::query().include(Thing::owner).all(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Unsupported, &["owner".to_owned()][..]));
}
