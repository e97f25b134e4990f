//! Futures that are dropped at every await: the data is as before or as after, and nothing stays open on the server.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use mongodb::bson::{Document, doc};
use orm::Result;
use orm::mongo::{Mongo, MongoBulk, MongoIndex, MongoIndexKind, MongoQuery, MongoUpdate, ReturnDocument};
use orm::prelude::*;
use orm::write::Insertable;
use orm_tests::dropping::Few;
use orm_tests::models::{Post, PostTag, Tag, TestSchema, User};

use crate::between::Between;
use crate::{url, users};

/// The documents of the collections that the operations write, in the order of their keys.
type State = BTreeMap<&'static str, Vec<Document>>;

const COUNTERS: &str = "orm_counters";

async fn state(db: &mongodb::Database) -> State {
    let mut state = State::new();
    for name in [User::meta().table, Post::meta().table, Tag::meta().table, PostTag::meta().table, COUNTERS] {
        let collection = db.collection::<Document>(name);
        let cursor = collection.find(doc! {}).sort(doc! {"_id": 1}).await.unwrap();
        state.insert(name, cursor.map(|document| document.unwrap()).collect().await);
    }
    state
}

async fn restore(db: &mongodb::Database, to: &State) {
    for (name, documents) in state(db).await {
        if to[name] == documents {
            continue;
        }
        let collection = db.collection::<Document>(name);
        collection.delete_many(doc! {}).await.unwrap();
        if !to[name].is_empty() {
            collection.insert_many(&to[name]).await.unwrap();
        }
    }
}

/// What a rollback may leave behind: numbers that are not given again.
fn without_gaps(mut state: State) -> State {
    state.remove(COUNTERS);
    state
}

/// Drops an operation after each number of polls until it ends by itself. Each time the same rows are there when it begins.
async fn dropping<T>(operation: impl AsyncFn(&Mongo) -> Result<T>) {
    let between = Between::start().await;
    let db = between.fresh("").await;
    // Sees and sets the data without the program between.
    let direct = Mongo::builder(url()).database(db.driver().name()).connect().await.unwrap();
    users(&direct).await;
    let post = |author: i64| Post::create().title("t").score(1).author_id(author);
    let posts = Post::insert_many([post(1), post(1), post(3)]).returning(&direct).await.unwrap();
    let tag = Tag::create().name("old").insert(&direct).await.unwrap();
    Post::tags.of(&posts[0]).add(&tag, &direct).await.unwrap();
    let before = state(direct.driver()).await;

    operation(&db).await.unwrap();
    let whole = without_gaps(state(direct.driver()).await);
    let unchanged = without_gaps(before.clone());
    for polls in 1.. {
        assert!(polls < 500, "it takes more than 500 polls");
        between.settled().await;
        restore(direct.driver(), &before).await;
        let done = Few::polls(polls, operation(&db)).await;
        let done = done.map(|result| result.unwrap_or_else(|error| panic!("after {polls} polls: {error}")));
        // The handle serves at once,
        User::query().count(&db).await.unwrap();
        // and once all is quiet, what is there is whole,
        between.settled().await;
        let after = without_gaps(state(direct.driver()).await);
        assert!(after == whole || (done.is_none() && after == unchanged), "after {polls} polls: {after:#?}");
        // and nobody holds a lock.
        let rival = direct.begin().await.unwrap();
        User::query().update().set(User::name, "rival").all_rows().exec(&rival).await.unwrap();
        Post::query().update().set(Post::score, 9).all_rows().exec(&rival).await.unwrap();
        Tag::query().update().set(Tag::name, Tag::name.concat("!")).all_rows().exec(&rival).await.unwrap();
        rival.rollback().await.unwrap();
        if done.is_some() {
            return;
        }
    }
}

macro_rules! dropped {
    ($($name:ident: |$db:ident| $operation:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            dropping(async |$db| $operation).await;
        }
    )*};
}

fn first() -> Query<User> {
    User::filter(User::id.eq(1))
}

fn new(email: &str) -> impl Insertable<User> + use<> {
    User::create().email(email).name("new")
}

dropped! {
    all_rows: |db| User::query().all(db).await;
    one_row: |db| first().one(db).await;
    the_first_row: |db| User::query().order_by(User::id.desc()).first(db).await;
    a_stream_of_rows: |db| User::query().stream(db).collect::<Vec<_>>().await.into_iter().collect::<Result<Vec<_>>>();
    each_row: |db| User::query().select(User::id).for_each(db, |_| Ok(())).await;
    a_page: |db| User::query().order_by(User::id.asc()).page(db, 1, 2).await;
    a_page_by_keys: |db| User::query().keyset(2).page(db).await;
    an_include: |db| User::query().include(User::posts.include(Post::tags)).all(db).await;
    a_lazy_load: |db| {
        let mut users = User::query().all(db).await?;
        users.load(User::posts, db).await
    };
    a_plan: |db| User::query().explain(db).await;
    a_pipeline: |db| User::query().pipeline().rows(db).await;
    a_pipeline_that_writes: |db| {
        let renamed = first().pipeline().stage(doc! {"$set": {"name": "merged"}});
        renamed.merge_into::<User>().exec(db).await
    };

    an_insert: |db| User::create().email("d").name("new").insert(db).await;
    an_insert_with_a_foreign_key: |db| Post::create().title("n").score(2).author_id(1).insert(db).await;
    an_insert_of_many: |db| User::insert_many(["d", "e", "f"].map(new)).returning(db).await;
    an_insert_with_children: |db| {
        let post = Post::create().title("n").score(1).tags([Tag::create().name("n")]);
        User::create().email("d").name("new").posts([post]).insert(db).await
    };
    an_upsert_of_a_new_row: |db| User::upsert(User::create().email("d").name("new")).on(User::email).returning(db).await;
    an_upsert_of_an_old_row: |db| {
        User::upsert(User::create().email("a").name("new")).on(User::email).update(User::name).returning(db).await
    };
    an_update_of_a_row: |db| first().one(db).await?.update().name("changed").save(db).await;
    an_update_by_key: |db| first().update().set(User::name, "changed").exec(db).await;
    an_update_of_many: |db| User::query().update().set(User::active, false).all_rows().exec(db).await;
    an_update_that_returns: |db| User::filter(User::age.gt(0)).update().set(User::age, 1).returning(db).await;
    many_updates: |db| {
        let users = User::query().order_by(User::id.asc()).all(db).await?;
        User::update_many(users.iter().map(|user| user.update().name(format!("{}!", user.id)))).exec(db).await
    };
    a_deletion: |db| PostTag::filter(PostTag::post_id.eq(1)).delete().exec(db).await;
    a_deletion_with_children: |db| first().one(db).await?.delete(db).await;
    a_deletion_that_returns: |db| User::filter(User::age.gt(40)).delete().returning(db).await;
    a_link: |db| {
        let post = Post::filter(Post::id.eq(2)).one(db).await?;
        let tag = Tag::filter(Tag::id.eq(1)).one(db).await?;
        Post::tags.of(&post).add(&tag, db).await
    };

    a_transaction: |db| db.transaction(async |tx| {
        first().update().set(User::name, "changed").exec(tx).await?;
        User::create().email("d").name("new").insert(tx).await?;
        User::query().count(tx).await
    }).await;
    a_transaction_that_reads_first: |db| db.transaction(async |tx| {
        let user = first().one(tx).await?;
        user.update().name("changed").save(tx).await?;
        Post::query().all(tx).await
    }).await;
    a_transaction_rolled_back: |db| {
        let tx = db.begin().await?;
        first().update().set(User::name, "changed").exec(&tx).await?;
        tx.rollback().await
    };

    a_row_found_and_changed: |db| first().update().set(User::name, "changed").find_one_and_update(ReturnDocument::After, db).await;
    a_row_found_and_removed: |db| User::filter(User::id.eq(2)).find_one_and_delete(db).await;
    many_writes_in_one: |db| MongoBulk::new().update(first().update().set(User::age, 31)).exec(db).await;
    an_index: |db| MongoIndex::<User>::new("by_age").on(User::age, MongoIndexKind::Descending).create(db).await;
}

#[tokio::test]
async fn making_the_collections() {
    for polls in 1.. {
        assert!(polls < 1000, "it takes more than 1000 polls");
        let between = Between::start().await;
        let db = between.builder("").connect().await.unwrap();
        let done = Few::polls(polls, TestSchema::create_all(&db)).await;
        between.settled().await;
        // Half of it is no harm: it can be done again.
        if polls % 10 == 1 || done.is_some() {
            TestSchema::create_all(&db).await.unwrap();
            let author = User::create().email("a").name("A").insert(&db).await.unwrap();
            Post::create().title("t").score(1).author(&author).insert(&db).await.unwrap();
            author.delete(&db).await.unwrap();
            assert_eq!(Post::query().count(&db).await.unwrap(), 0, "who refers to whom is known");
            let twice = User::insert_many(["d", "d"].map(new)).exec(&db).await.unwrap_err();
            assert_eq!(twice.kind(), ErrorKind::Unique);
        }
        db.driver().drop().await.unwrap();
        if let Some(result) = done {
            return result.unwrap();
        }
    }
}

#[tokio::test]
async fn a_stream_after_any_row() {
    let between = Between::start().await;
    let db = between.fresh("").await;
    Tag::insert_many((0..500).map(|number| Tag::create().name(format!("{number:03}"))))
        .exec(&db)
        .await
        .unwrap();
    for rows in [0, 1, 100, 101, 102, 499, 600] {
        let mut stream = Tag::query().order_by(Tag::name.asc()).stream(&db);
        for _ in 0..rows {
            let _ = stream.next().await.transpose().unwrap();
        }
        drop(stream);
        assert_eq!(Tag::query().count(&db).await.unwrap(), 500);
        between.settled().await;
    }
    assert!(!between.take("killCursors").is_empty(), "the server need not wait for those who left");
}

#[tokio::test]
async fn a_statement_cut_off_ends_its_transaction() {
    let between = Between::start().await;
    let db = between.fresh("").await;
    users(&db).await;
    // From here on it is known who refers to whom.
    first().update().set(User::age, 31).exec(&db).await.unwrap();
    for first_statement in [true, false] {
        let tx = db.begin().await.unwrap();
        if !first_statement {
            User::query().count(&tx).await.unwrap();
        }
        let update = first().update().set(User::name, "changed").exec(&tx);
        Few::polls(1, update).await;
        assert_eq!(User::query().count(&tx).await.unwrap_err().kind(), ErrorKind::Usage);
        assert_eq!(tx.commit().await.unwrap_err().kind(), ErrorKind::Database);
        tokio::time::timeout(Duration::from_secs(5), between.settled()).await.unwrap();
        assert_eq!(first().one(&db).await.unwrap().name, "A");
    }
}
