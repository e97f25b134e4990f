//! What is MongoDB's own: how documents look, which rules they have, what the driver keeps in place of the database, the
//! surface beyond the portable query, and what happens when servers and futures go away.
#![cfg(feature = "mongo")]

mod any;
mod arrays;
mod between;
mod collations;
mod computed;
mod concerns;
mod contention;
mod dropped;
mod following;
mod gate;
mod json;
mod killed;
mod meaning;
mod pages;
mod retries;
mod secrets;

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use mongodb::bson::{Bson, Document, doc};
use orm::mongo::{
    Mongo, MongoBulk, MongoChangeKind, MongoIndex, MongoIndexKind, MongoQuery, MongoTimes, MongoUpdate,
    ReturnDocument, types::ObjectId,
};
use orm::prelude::*;
use orm_tests::cases::shapes::item;
use orm_tests::models::{
    Address, Basket, Customer, Item, Line, Node, Order, Place, Post, PostTag, Tag, TestSchema, User,
};
use uuid::Uuid;

fn url() -> String {
    std::env::var("ORM_TEST_MONGO_URL")
        .expect("ORM_TEST_MONGO_URL names a MongoDB server; `cargo xtask test` starts one")
}

/// The name of a database that nobody else has.
fn name() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("only_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

async fn fresh() -> Mongo {
    let db = Mongo::builder(url()).database(name()).connect().await.unwrap();
    TestSchema::create_all(&db).await.unwrap();
    db
}

async fn users(db: &Mongo) -> Vec<User> {
    let row = |email: &str, age: Option<i32>| User::create().email(email).name(email.to_uppercase()).age(age);
    User::insert_many([row("a", Some(30)), row("b", None), row("c", Some(50))]).returning(db).await.unwrap()
}

async fn raw(db: &Mongo, collection: &str) -> Vec<Document> {
    let mut cursor = db.driver().collection::<Document>(collection).find(doc! {}).await.unwrap();
    let mut found = Vec::new();
    while let Some(document) = cursor.next().await {
        found.push(document.unwrap());
    }
    found
}

fn address(city: &str) -> Address {
    Address { street: "Weg 1".into(), city: city.into(), zip: None, place: Place { lat: 1.5, lon: 2.5 } }
}

#[tokio::test]
async fn a_model_is_a_document_with_its_key_as_id() {
    let db = fresh().await;
    users(&db).await;
    let found = raw(&db, "users").await;
    assert_eq!(found[0], doc! {"_id": 1_i64, "email": "a", "name": "A", "active": true, "age": 30});
    assert_eq!(found[1].get("age"), Some(&Bson::Null));
}

#[tokio::test]
async fn embedded_structs_nest_and_composite_keys_are_ids_of_several_fields() {
    let db = fresh().await;
    let ada = Customer::create().code("ada").home(address("Ulm")).insert(&db).await.unwrap();
    let found = raw(&db, Customer::meta().table).await;
    let home = doc! {"street": "Weg 1", "town": "Ulm", "zip": null, "place": {"lat": 1.5, "lon": 2.5}};
    assert_eq!(found[0].get_document("home").unwrap(), &home);
    assert_eq!(Customer::filter(Customer::home.place.lat.gt(1.0)).count(&db).await.unwrap(), 1);
    let order = Order::create().customer(&ada).insert(&db).await.unwrap();
    Line::create().order(&order).number(1).what("bolt").insert(&db).await.unwrap();
    let line = raw(&db, Line::meta().table).await.remove(0);
    let id = line.get_document("_id").unwrap();
    assert_eq!((id.get("order_id"), id.get("number")), (line.get("order_id"), Some(&Bson::Int32(1))));
}

#[tokio::test]
async fn lists_are_asked_about_and_changed_in_place() {
    let db = fresh().await;
    let first = Basket::create().items(vec![item("a", 1), item("b", 5)]).insert(&db).await.unwrap();
    let second = Basket::create().items(vec![item("a", 2)]).insert(&db).await.unwrap();
    Basket::create().items(Vec::new()).insert(&db).await.unwrap();
    macro_rules! ids {
        ($condition:expr) => {
            Basket::query()
                .filter($condition)
                .order_by(Basket::id.asc())
                .select(Basket::id)
                .all(&db)
                .await
                .unwrap()
        };
    }
    // Both conditions hold for one and the same element.
    assert_eq!(ids!(Basket::items.any(Item::sku.eq("a") & Item::quantity.gt(1))), [2]);
    assert_eq!(ids!(Basket::items.none(Item::sku.eq("b"))), [2, 3]);
    assert_eq!(ids!(Basket::items.all(Item::quantity.lt(5))), [2, 3]);
    assert_eq!(ids!(Basket::items.any(Item::place.lon.lt(0.0) & Item::code.is_null())), [1]);
    assert_eq!(ids!(Basket::items.any((Item::quantity * 2).ge(10))), [1]);
    assert_eq!(ids!(!Basket::items.any(Item::quantity.eq(5)) & Basket::items.count().gt(0)), [2]);
    let one = Basket::filter(Basket::id.eq(first.id));
    let sent = one.clone().filter(Basket::items.any(Item::sku.eq("b"))).to_sql(&db).unwrap();
    assert!(sent.contains("$elemMatch"), "{sent}");

    let update =
        one.clone().update().push(Basket::items, [item("c", 7)]).pull(Basket::items, Item::sku.eq("a"));
    assert_eq!(update.exec(&db).await.unwrap(), 1);
    let skus = |basket: &Basket| basket.items.iter().map(|item| item.sku.clone()).collect::<Vec<_>>();
    let after = Basket::find(first.id).one(&db).await.unwrap();
    assert_eq!(skus(&after), ["b", "c"]);
    let again = one.clone().update().add_to_set(Basket::items, [item("c", 7), item("d", 1)]);
    assert_eq!(skus(&again.returning(&db).await.unwrap()[0]), ["b", "c", "d"]);
    let more =
        one.update().set_elements(Basket::items, Item::sku.ne("b"), Item::quantity, Item::quantity + 10);
    let more = more
        .set_elements(Basket::items, Item::sku.eq("b"), Item::place.lat, 9.5)
        .returning(&db)
        .await
        .unwrap();
    assert_eq!(more[0].items.iter().map(|item| item.quantity).collect::<Vec<_>>(), [5, 17, 11]);
    assert_eq!((more[0].items[0].place.lat, more[0].items[0].place.lon), (9.5, -1e300));
    assert_eq!(Basket::find(second.id).one(&db).await.unwrap(), second, "the others are as they were");
    let wrong = db.driver().collection::<Document>(Basket::meta().table);
    wrong.insert_one(doc! {"_id": 99_i64, "items": [{"sku": 1}]}).await.unwrap_err();
}

#[tokio::test]
async fn a_missing_field_is_null() {
    let db = fresh().await;
    users(&db).await;
    let collection = db.driver().collection::<Document>("users");
    collection.update_one(doc! {"_id": 3_i64}, doc! {"$unset": {"age": ""}}).await.unwrap();
    let nulls = User::filter(User::age.is_null()).order_by(User::id.asc()).select(User::id);
    assert_eq!(nulls.all(&db).await.unwrap(), [2, 3]);
    assert_eq!(User::filter(User::age.eq_or_null(None)).count(&db).await.unwrap(), 2);
    let groups = User::query().group_by(User::age).select(|age| (age, count_all()));
    let mut groups = groups.all(&db).await.unwrap();
    groups.sort();
    assert_eq!(groups, [(None, 2), (Some(30), 1)]);
}

#[tokio::test]
async fn the_rules_of_a_collection_hold_for_other_programs_too() {
    let db = fresh().await;
    users(&db).await;
    let collection = db.driver().collection::<Document>("users");
    for wrong in [
        doc! {"_id": 9_i64, "email": "x", "name": "x", "active": "yes", "age": null},
        doc! {"_id": 9_i64, "email": "x", "active": true, "age": null},
        doc! {"_id": 9_i64, "email": "x", "name": "x", "active": true, "age": -1},
        doc! {"_id": 9_i64, "email": "y".repeat(321), "name": "x", "active": true, "age": 1},
        doc! {"_id": 9_i64, "email": "a", "name": "x", "active": true, "age": 1},
    ] {
        collection.insert_one(wrong).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_broken_rule_has_its_kind_and_names() {
    let db = fresh().await;
    users(&db).await;
    let error = User::filter(User::id.eq(1)).update().set(User::age, -5).exec(&db).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.constraint(), error.code()),
        (ErrorKind::Check, Some("age_is_sane"), Some("121"))
    );
    let error = User::filter(User::id.eq(2)).update().set(User::email, "a").exec(&db).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.model(), error.fields()),
        (ErrorKind::Unique, Some("User"), &["email".into()][..])
    );
    let long = User::create().email("x".repeat(321)).name("x").insert(&db).await.unwrap_err();
    assert_eq!((long.kind(), long.fields()), (ErrorKind::ValueTooLong, &["email".into()][..]));
    let computed =
        User::filter(User::id.eq(1)).update().set(User::email, User::email.concat("y".repeat(400)));
    assert_eq!(computed.exec(&db).await.unwrap_err().kind(), ErrorKind::ValueTooLong);
    let sum = Post::filter(Post::id.eq(1)).update().set(Post::score, Post::score + i32::MAX);
    Post::create().title("t").score(1).author_id(1).insert(&db).await.unwrap();
    assert_eq!(sum.exec(&db).await.unwrap_err().kind(), ErrorKind::OutOfRange);
}

#[tokio::test]
async fn an_update_of_many_is_whole_or_nothing() {
    let db = fresh().await;
    users(&db).await;
    let all_same = User::query().update().set(User::email, "same").all_rows().exec(&db).await.unwrap_err();
    assert_eq!(all_same.kind(), ErrorKind::Unique);
    let emails = User::query().order_by(User::id.asc()).select(User::email).all(&db).await.unwrap();
    assert_eq!(emails, ["a", "b", "c"]);
    let rows = ["d", "e", "a"].map(|email| User::create().email(email).name("n"));
    assert_eq!(User::insert_many(rows).exec(&db).await.unwrap_err().kind(), ErrorKind::Unique);
    assert_eq!(User::query().count(&db).await.unwrap(), 3);
}

#[tokio::test]
async fn foreign_keys_are_checked_and_can_be_left_unchecked() {
    let db = fresh().await;
    users(&db).await;
    let error = Post::create().title("t").score(1).author_id(77).insert(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::ForeignKey, &["author_id".into()][..]));
    let post = Post::create().title("t").score(1).author_id(1).insert(&db).await.unwrap();
    let error = post.update().author_id(77).save(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignKey);
    let moved = Post::filter(Post::id.eq(post.id)).update().set(Post::author_id, Post::author_id + 70);
    assert_eq!(moved.exec(&db).await.unwrap_err().kind(), ErrorKind::ForeignKey);
    assert_eq!(Post::find(post.id).one(&db).await.unwrap().author_id, 1, "nothing of it was kept");
    let lax = Mongo::builder(url()).database(db.driver().name()).foreign_keys(false).connect().await.unwrap();
    Post::create().title("t").score(1).author_id(77).insert(&lax).await.unwrap();
    assert_eq!(Post::query().count(&db).await.unwrap(), 2);
}

#[tokio::test]
async fn parents_take_their_children_with_them_or_stay() {
    let db = fresh().await;
    let all = users(&db).await;
    let post = Post::create().title("t").score(1).author_id(all[0].id).insert(&db).await.unwrap();
    let tag = Tag::create().name("x").insert(&db).await.unwrap();
    Post::tags.of(&post).add(&tag, &db).await.unwrap();
    let root = Node::create().label("root").insert(&db).await.unwrap();
    let leaf = Node::create().label("leaf").parent_id(root.id).insert(&db).await.unwrap();
    let error = root.clone().delete(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignKey);
    assert_eq!(
        Node::filter(Node::id.in_([root.id, leaf.id])).delete().exec(&db).await.unwrap(),
        2,
        "both at once"
    );
    all[0].clone().delete(&db).await.unwrap();
    assert_eq!(Post::query().count(&db).await.unwrap(), 0);
    assert_eq!(PostTag::query().count(&db).await.unwrap(), 0);
    assert_eq!(Tag::query().count(&db).await.unwrap(), 1);
}

#[tokio::test]
async fn keys_are_counted_up_and_never_given_twice() {
    let db = fresh().await;
    let given = User::create().id(40).email("x").name("x").insert(&db).await.unwrap();
    let next = User::create().email("y").name("y").insert(&db).await.unwrap();
    assert_eq!((given.id, next.id), (40, 41));
    let lost: orm::Result<()> = db
        .transaction(async |tx| {
            User::create().email("z").name("z").insert(tx).await?;
            Err(Error::new(ErrorKind::Usage, "no"))
        })
        .await;
    assert!(lost.is_err());
    assert_eq!(User::create().email("z").name("z").insert(&db).await.unwrap().id, 43);
    let made = futures_util::future::try_join_all((0..20).map(|number| {
        let db = db.clone();
        async move { Tag::create().name(format!("{number}")).insert(&db).await }
    }));
    let mut keys: Vec<i64> = made.await.unwrap().iter().map(|tag| tag.id).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 20);
}

#[tokio::test]
async fn a_time_finer_than_milliseconds_is_refused_and_not_cut() {
    #[derive(Debug, Model)]
    #[orm(table = "moments")]
    struct Moment {
        #[orm(primary_key)]
        id: i64,
        at: chrono::DateTime<chrono::Utc>,
        #[orm(created_at)]
        made: chrono::DateTime<chrono::Utc>,
    }
    orm::schema!(Moments: Moment);
    let db = fresh().await;
    Moments::create_all(&db).await.unwrap();
    let at = |micros: i64| chrono::DateTime::from_timestamp_micros(micros).unwrap();
    let kept = Moment::create().id(1).at(at(-1_000)).insert(&db).await.unwrap();
    assert_eq!(kept.at, at(-1_000));
    assert_eq!(Moment::find(1).one(&db).await.unwrap().made, kept.made);
    let error = Moment::create().id(2).at(at(1)).insert(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Encode, &["at".into()][..]));
    assert_eq!(Moment::filter(Moment::at.eq(at(1))).all(&db).await.unwrap_err().kind(), ErrorKind::Encode);
    assert!(matches!(raw(&db, "moments").await[0].get("at"), Some(Bson::DateTime(_))));
    let fine =
        Mongo::builder(url()).database(format!("{}_fine", db.driver().name())).times(MongoTimes::Micros);
    let fine = fine.connect().await.unwrap();
    Moments::create_all(&fine).await.unwrap();
    assert_eq!(Moment::create().id(2).at(at(1)).insert(&fine).await.unwrap().at, at(1));
}

#[tokio::test]
async fn object_ids_are_keys_and_refer_to_each_other() {
    #[derive(Debug, Clone, PartialEq, Model)]
    #[orm(table = "leaves")]
    struct Leaf {
        #[orm(primary_key, default_fn = ObjectId::new)]
        id: ObjectId,
        above: Option<ObjectId>,
    }
    orm::schema!(Leaves: Leaf);
    let db = fresh().await;
    Leaves::create_all(&db).await.unwrap();
    let first = Leaf::create().insert(&db).await.unwrap();
    let second = Leaf::create().above(first.id).insert(&db).await.unwrap();
    assert_eq!(Leaf::find(second.id).one(&db).await.unwrap(), second);
    assert_eq!(Leaf::filter(Leaf::above.in_([first.id])).one(&db).await.unwrap(), second);
    assert!(matches!(raw(&db, "leaves").await[0].get("_id"), Some(Bson::ObjectId(_))));
    let page = Leaf::query().keyset(1).page(&db).await.unwrap();
    let rest = Leaf::query().keyset(1).after(page.next).page(&db).await.unwrap();
    assert_eq!(rest.items, [second]);
    let sqlite = Sqlite::memory().await.unwrap();
    assert_eq!(Leaves::create_all(&sqlite).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn null_may_come_often_in_a_unique_column() {
    #[derive(Debug, Model)]
    #[orm(table = "badges")]
    struct Badge {
        #[orm(primary_key, auto)]
        id: i64,
        #[orm(unique)]
        code: Option<String>,
        #[orm(unique)]
        number: Option<Uuid>,
    }
    orm::schema!(Badges: Badge);
    let db = fresh().await;
    Badges::create_all(&db).await.unwrap();
    Badge::insert_many([Badge::create(), Badge::create(), Badge::create().code("x".to_owned())])
        .exec(&db)
        .await
        .unwrap();
    let error = Badge::create().code("x".to_owned()).insert(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Unique, &["code".into()][..]));
    Badges::drop_all(&db).await.unwrap();
}

#[tokio::test]
async fn a_transaction_is_seen_by_nobody_until_it_commits() {
    let db = fresh().await;
    users(&db).await;
    let tx = db.begin().await.unwrap();
    User::filter(User::id.eq(1)).update().set(User::name, "new").exec(&tx).await.unwrap();
    assert_eq!(User::find(1).one(&db).await.unwrap().name, "A");
    assert_eq!(User::find(1).one(&tx).await.unwrap().name, "new");
    let rival = User::filter(User::id.eq(1)).update().set(User::name, "rival");
    let rival = db.begin().await.map(|other| async move { rival.exec(&other).await }).unwrap().await;
    assert!(rival.unwrap_err().is_retryable());
    tx.commit().await.unwrap();
    assert_eq!(User::find(1).one(&db).await.unwrap().name, "new");
}

#[tokio::test]
async fn what_a_snapshot_cannot_promise_is_refused() {
    let db = fresh().await;
    let options = TxOptions::new().isolation(Isolation::Serializable);
    let error = db.begin_with(options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.hint().unwrap().contains("RepeatableRead"), "{error}");
    for isolation in [Isolation::ReadCommitted, Isolation::RepeatableRead] {
        db.begin_with(TxOptions::new().isolation(isolation)).await.unwrap().commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_set_inside_of_a_transaction_is_refused() {
    let db = fresh().await;
    users(&db).await;
    let old = || User::filter(User::age.gt(30));
    let both = || old().union(User::filter(User::name.eq("A")));
    let done = db
        .transaction(async |tx| {
            let error = both().all(tx).await.unwrap_err();
            assert_eq!((error.kind(), error.model()), (ErrorKind::Unsupported, Some("User")));
            // Nothing was sent: the transaction goes on. As a filter of a write it needs no set.
            both().update().set(User::name, "seen").exec(tx).await
        })
        .await;
    assert!(done.unwrap() > 0);
    let named = old().limit(1).union(old());
    assert_eq!(named.delete().exec(&db).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_failed_statement_keeps_its_transaction_from_committing() {
    let db = fresh().await;
    users(&db).await;
    let done = db
        .transaction(async |tx| {
            Tag::create().name("lost").insert(tx).await?;
            User::create().email("a").name("twice").insert(tx).await.unwrap_err();
            Ok(())
        })
        .await;
    assert_eq!(done.unwrap_err().kind(), ErrorKind::Database);
    assert_eq!(Tag::query().count(&db).await.unwrap(), 0);
}

#[tokio::test]
async fn one_document_is_taken_or_changed_in_one_step() {
    let db = fresh().await;
    users(&db).await;
    let oldest = || User::filter(User::age.is_not_null()).order_by(User::age.desc());
    let raised = User::filter(User::name.eq("A")).update().set(User::age, User::age + 1);
    assert_eq!(raised.find_one_and_update(ReturnDocument::After, &db).await.unwrap().unwrap().age, Some(31));
    assert_eq!(oldest().find_one_and_delete(&db).await.unwrap().unwrap().name, "C");
    assert_eq!(oldest().find_one_and_delete(&db).await.unwrap().unwrap().name, "A");
    assert!(oldest().find_one_and_delete(&db).await.unwrap().is_none());
    let far = User::filter(User::posts.any(Post::score.gt(1))).find_one_and_delete(&db).await.unwrap_err();
    assert_eq!(far.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn pipelines_go_on_where_queries_end() {
    let db = fresh().await;
    users(&db).await;
    let root = Node::create().label("root").insert(&db).await.unwrap();
    let left = Node::create().label("left").parent_id(root.id).insert(&db).await.unwrap();
    Node::create().label("leaf").parent_id(left.id).insert(&db).await.unwrap();
    let adults = User::filter(User::age.ge(18));
    let buckets: Vec<Document> =
        adults.clone().pipeline().bucket(User::age, [0, 40]).documents(&db).await.unwrap();
    let counts: Vec<_> = buckets.iter().map(|bucket| bucket.get_i32("count").unwrap()).collect();
    assert_eq!(counts.iter().sum::<i32>(), 2);
    let text = adults.to_pipeline(&db).unwrap();
    assert_eq!(text, r#"[{"$match": {"age": {"$gte": 18}}}]"#);
    let tree: Vec<Document> = Node::filter(Node::label.eq("root"))
        .pipeline()
        .graph_lookup(Node::children, "below", None)
        .documents(&db)
        .await
        .unwrap();
    assert_eq!(tree[0].get_array("below").unwrap().len(), 2);
    let facets: Vec<Document> = User::query()
        .pipeline()
        .facets([
            ("names", User::query().pipeline().sort_by_count(User::name)),
            ("adults", User::filter(User::age.ge(18)).pipeline()),
        ])
        .documents(&db)
        .await
        .unwrap();
    assert_eq!(facets[0].get_array("names").unwrap().len(), 3);
    assert_eq!(facets[0].get_array("adults").unwrap().len(), 2);
    let rows = User::query().pipeline().stage(doc! {"$match": {"name": "B"}}).rows(&db).await.unwrap();
    assert_eq!(rows[0].email, "b");
    assert_eq!(User::query().pipeline().sample(2).rows(&db).await.unwrap().len(), 2);
    let filled: Vec<Document> =
        User::filter(User::age.is_not_null()).pipeline().densify(User::age, 10).documents(&db).await.unwrap();
    assert_eq!(filled.len(), 3);
    User::filter(User::name.eq("A"))
        .pipeline()
        .stage(doc! {"$set": {"name": "merged"}})
        .merge_into::<User>()
        .exec(&db)
        .await
        .unwrap();
    assert_eq!(User::find(1).one(&db).await.unwrap().name, "merged");
}

#[tokio::test]
async fn many_writes_go_in_one_command() {
    let db = fresh().await;
    users(&db).await;
    let raise = User::filter(User::age.is_not_null()).update().set(User::age, User::age + 1);
    let counts =
        MongoBulk::new().update(raise).delete(User::filter(User::name.eq("B"))).exec(&db).await.unwrap();
    assert_eq!(counts, [2, 1]);
    let clash = User::filter(User::name.eq("A")).update().set(User::email, "c");
    let error = MongoBulk::new().update(clash).exec(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Unique, Some("User")));
    let nothing: [Expr<bool, User>; 0] = [];
    for all in [User::query(), User::filter(all_of(nothing))] {
        assert_eq!(MongoBulk::new().delete(all).exec(&db).await.unwrap_err().kind(), ErrorKind::Unfiltered);
    }
    let both = User::filter(User::name.eq("A")).union(User::filter(User::name.eq("C")));
    assert_eq!(MongoBulk::new().delete(both).exec(&db).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn changes_arrive_typed_and_can_be_taken_up_again() {
    let db = fresh().await;
    let mut changes = db.watch::<User>(None).await.unwrap();
    users(&db).await;
    let mut next = async || changes.next().await.unwrap().unwrap();
    let first = next().await;
    assert_eq!(
        (first.kind, first.row.as_ref().map(|row| row.name.as_str())),
        (MongoChangeKind::Insert, Some("A"))
    );
    next().await;
    let third = next().await;
    User::filter(User::id.eq(1)).update().set(User::age, 31).exec(&db).await.unwrap();
    User::filter(User::id.eq(2)).delete().exec(&db).await.unwrap();
    drop(changes);
    let token = third.token.to_string().parse().unwrap();
    let mut changes = db.watch::<User>(Some(token)).await.unwrap();
    let update = changes.next().await.unwrap().unwrap();
    assert_eq!((update.kind, update.fields.as_slice()), (MongoChangeKind::Update, &["age".to_owned()][..]));
    assert_eq!(update.row.unwrap().age, Some(31));
    let gone = changes.next().await.unwrap().unwrap();
    assert_eq!(
        (gone.kind, gone.row, gone.key.as_deref()),
        (MongoChangeKind::Delete, None, Some(r#"{"_id": 2}"#))
    );
}

#[tokio::test]
async fn indexes_of_its_own_kinds_are_made_or_at_least_written() {
    let db = fresh().await;
    MongoIndex::<User>::new("by_age")
        .on(User::age, MongoIndexKind::Descending)
        .hidden()
        .create(&db)
        .await
        .unwrap();
    // The stand-in has no text indexes: the command is all that can be looked at.
    let text = MongoIndex::<User>::new("words").on(User::name, MongoIndexKind::Text).to_command().unwrap();
    assert_eq!(
        text,
        r#"{"createIndexes": "users", "indexes": [{"key": {"name": "text"}, "name": "words"}]}"#
    );
    assert_eq!(MongoIndex::<User>::new("none").create(&db).await.unwrap_err().kind(), ErrorKind::Usage);
}

#[tokio::test]
async fn a_plan_says_which_index_serves() {
    let db = fresh().await;
    let plan = User::filter(User::email.eq("a")).explain(&db).await.unwrap();
    assert!(plan.contains("IXSCAN"), "{plan}");
    let sent = User::filter(User::posts.is_empty() & User::age.ge(18)).to_sql(&db).unwrap();
    assert!(
        sent.starts_with(r#"aggregate users {"pipeline": [{"$match": {"age": {"$gte": 18}}}, {"$lookup""#),
        "{sent}"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_typed_error() {
    let gone =
        Mongo::builder("mongodb://127.0.0.1:9/x").server_timeout(std::time::Duration::from_millis(300));
    assert_eq!(gone.connect().await.unwrap_err().kind(), ErrorKind::ConnectionLost);
    assert_eq!(Mongo::connect("mongodb://127.0.0.1:9").await.unwrap_err().kind(), ErrorKind::Configuration);
    assert_eq!(Mongo::connect("no url").await.unwrap_err().kind(), ErrorKind::Configuration);
}
