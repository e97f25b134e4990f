//! Children that follow their parents: what the driver does in the place of foreign keys.

use std::sync::Arc;

use mongodb::bson::{Document, doc};
use orm::backend::StatementLog;
use orm::mongo::Mongo;
use orm::prelude::*;
use orm_tests::models::{Node, TestSchema};
use rust_decimal::Decimal;

use super::{name, url};

/// A link of a chain.
#[derive(Debug, Clone, Model)]
#[orm(table = "links")]
pub struct Link {
    #[orm(primary_key)]
    pub id: i64,
    pub before_id: Option<i64>,
    #[orm(foreign_key = before_id, on_delete = cascade, on_update = cascade)]
    pub before: BelongsTo<Link>,
    pub next: HasMany<Link>,
}

/// A price list, told by a decimal number.
#[derive(Debug, Clone, Model)]
#[orm(table = "lists")]
pub struct List {
    #[orm(primary_key)]
    pub version: Decimal,
    pub entries: HasMany<Entry>,
}

/// An entry of a price list.
#[derive(Debug, Clone, Model)]
#[orm(table = "entries")]
pub struct Entry {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub list_version: Decimal,
    #[orm(foreign_key = list_version)]
    pub list: BelongsTo<List>,
}

orm::schema!(pub Chains: Link, List, Entry);

async fn chains() -> Mongo {
    let db = Mongo::builder(url()).database(name()).connect().await.unwrap();
    Chains::create_all(&db).await.unwrap();
    db
}

#[tokio::test]
async fn a_chain_of_any_length_goes_with_its_root() {
    let db = chains().await;
    let link = |id: i64| Link::create().id(id).before_id((id > 0).then(|| id - 1));
    Link::insert_many((0..300).map(link)).exec(&db).await.unwrap();
    assert_eq!(Link::filter(Link::id.eq(0)).delete().exec(&db).await.unwrap(), 1);
    assert_eq!(Link::query().count(&db).await.unwrap(), 0);
}

#[tokio::test]
async fn a_changed_key_is_carried_on_to_the_next_and_no_further() {
    let db = chains().await;
    Link::insert_many((0..3).map(|id: i64| Link::create().id(id).before_id((id > 0).then(|| id - 1))))
        .exec(&db)
        .await
        .unwrap();
    Link::filter(Link::id.eq(0)).update().set(Link::id, 10).exec(&db).await.unwrap();
    let links: Vec<(i64, Option<i64>)> =
        Link::query().order_by(Link::id.asc()).select((Link::id, Link::before_id)).all(&db).await.unwrap();
    assert_eq!(links, [(1, Some(10)), (2, Some(1)), (10, None)]);
}

#[tokio::test]
async fn a_cascade_that_another_program_declares_is_followed_at_once() {
    let database = name();
    let connect = || Mongo::builder(url()).database(&database).connect();
    let (first, second) = (connect().await.unwrap(), connect().await.unwrap());
    orm::schema!(pub Parents: Link);
    Parents::create_all(&first).await.unwrap();
    first.driver().collection::<Document>("orm_schema").delete_one(doc! {"_id": "links"}).await.unwrap();
    Link::insert_many((0..2).map(|id: i64| Link::create().id(id))).exec(&first).await.unwrap();
    // The first program learns that nobody refers to a link.
    assert_eq!(Link::filter(Link::id.eq(1)).delete().exec(&first).await.unwrap(), 1);
    Chains::create_all(&second).await.unwrap();
    Link::create().id(5).before_id(0).insert(&second).await.unwrap();
    assert_eq!(Link::filter(Link::id.eq(0)).delete().exec(&first).await.unwrap(), 1);
    assert_eq!(Link::query().count(&first).await.unwrap(), 0);
}

#[tokio::test]
async fn decimal_keys_are_equal_whatever_zeros_they_end_in() {
    let db = chains().await;
    List::create().version(Decimal::new(10, 1)).insert(&db).await.unwrap();
    for version in [Decimal::new(1, 0), Decimal::new(100, 2)] {
        Entry::create().list_version(version).insert(&db).await.unwrap();
    }
    let error = Entry::create().list_version(Decimal::new(11, 1)).insert(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignKey);
    let list = List::query().include(List::entries).one(&db).await.unwrap();
    assert_eq!(list.entries.get().unwrap().len(), 2);
    // An equal key is no change, which `on_update` would refuse.
    let same =
        List::filter(List::version.eq(Decimal::ONE)).update().set(List::version, Decimal::new(1000, 3));
    assert_eq!(same.exec(&db).await.unwrap(), 1);
    let other = List::filter(List::version.eq(Decimal::ONE)).update().set(List::version, Decimal::TWO);
    assert_eq!(other.exec(&db).await.unwrap_err().kind(), ErrorKind::ForeignKey);
}

#[tokio::test]
async fn rows_that_may_be_there_are_passed_over_in_commands_that_fit() {
    let log = Arc::new(StatementLog::default());
    let db = Mongo::builder(url()).database(name()).observer(log.clone()).connect().await.unwrap();
    TestSchema::create_all(&db).await.unwrap();
    let big = "x".repeat(1 << 20);
    let insert = || {
        let nodes = (0..20).map(|id: i64| Node::create().id(id).label(big.as_str()));
        Node::insert_many(nodes).on_conflict_do_nothing()
    };
    log.take();
    assert_eq!(insert().exec(&db).await.unwrap(), 20);
    let commands = log.take().iter().filter(|text| text.starts_with("update nodes")).count();
    assert_eq!(commands, 2);
    assert_eq!(insert().exec(&db).await.unwrap(), 0);
}
