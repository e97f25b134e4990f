//! A database that a URL names, when that is MongoDB: what SQL databases have and it has not is refused at once.

use std::sync::Arc;

use orm::backend::StatementLog;
use orm::mongo::Mongo;
use orm::prelude::*;
use orm::write::insert_from;
use orm_tests::models::{Post, Tag, TestSchema, User};

use crate::{name, url, users};

async fn any() -> (AnyDb, Arc<StatementLog>) {
    let log = Arc::new(StatementLog::default());
    let db = Mongo::builder(url()).database(name()).observer(log.clone()).connect().await.unwrap();
    TestSchema::create_all(&db).await.unwrap();
    users(&db).await;
    log.take();
    (AnyDb::from(db), log)
}

fn refused<T>(result: orm::Result<T>, text: &str) {
    let Err(error) = result else { panic!("it was not refused") };
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains(text), "{error}");
}

#[tokio::test]
async fn a_transaction_within_a_transaction_is_refused_at_its_beginning() {
    let (db, log) = any().await;
    let done = db.transaction(async |tx| {
        Tag::create().name("outer").insert(tx).await?;
        log.take();
        refused(tx.begin().await.map(drop), "within transactions");
        let inner = tx.transaction(async |tx| {
            Tag::create().name("inner").insert(tx).await?;
            panic!("it began")
        });
        refused::<()>(inner.await, "within transactions");
        assert!(log.take().is_empty());
        // The outer one is as it was.
        Tag::create().name("more").insert(tx).await
    });
    done.await.unwrap();
    assert_eq!(
        Tag::query().order_by(Tag::id.asc()).select(Tag::name).all(&db).await.unwrap(),
        ["outer", "more"]
    );
}

#[tokio::test]
async fn writes_in_several_parts_are_no_transactions_of_the_program() {
    let (db, _) = any().await;
    let tx = db.begin().await.unwrap();
    let post = |title: &str| Post::create().title(title).score(1).tags([Tag::create().name(title)]);
    User::create().email("d").name("D").posts([post("one"), post("two")]).insert(&tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((Post::query().count(&db).await.unwrap(), Tag::query().count(&db).await.unwrap()), (2, 2));
}

#[tokio::test]
async fn sql_is_refused_before_anything_is_sent() {
    let (db, log) = any().await;
    let one = || sql::<i64>("SELECT 1");
    refused(one().all(&db).await, "SQL");
    refused(one().first(&db).await, "SQL");
    refused(one().one(&db).await, "SQL");
    refused(sql::<()>("DELETE FROM users").exec(&db).await, "SQL");
    let tx = db.begin().await.unwrap();
    refused(sql::<()>("DELETE FROM users").exec(&tx).await, "SQL");
    tx.commit().await.unwrap();
    assert!(log.take().is_empty());
    assert_eq!(User::query().count(&db).await.unwrap(), 3);
}

#[tokio::test]
async fn inserts_from_a_query_are_refused_before_anything_is_sent() {
    let (db, log) = any().await;
    let names = || insert_from::<Tag, _, _, _, _, _>(User::query().select(User::name), Tag::name);
    refused(names().exec(&db).await, "insert_many");
    refused(names().returning(&db).await, "insert_many");
    let tx = db.begin().await.unwrap();
    refused(names().exec(&tx).await, "insert_many");
    tx.commit().await.unwrap();
    assert!(log.take().is_empty());
}
