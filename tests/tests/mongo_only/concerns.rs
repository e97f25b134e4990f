//! How safe reads and writes are, and who answers.

use std::sync::Arc;

use mongodb::bson::{Document, doc};
use orm::Result;
use orm::backend::StatementLog;
use orm::mongo::{Mongo, MongoBuilder, MongoBulk, MongoQuery, ReadConcern, ReadPreference, WriteConcern};
use orm::prelude::*;
use orm_tests::models::{Post, Tag, TestSchema, User};

use crate::between::Between;
use crate::{name, url, users};

async fn written_and_read(builder: MongoBuilder) {
    let between = Between::start().await;
    let log = Arc::new(StatementLog::default());
    let db = builder_of(&between, builder).observer(log.clone()).connect().await.unwrap();
    TestSchema::create_all(&db).await.unwrap();
    let concern = doc! {"w": "majority", "wtimeout": 5000, "j": true};
    for made in between.take("") {
        let writes = made.keys().next().unwrap() != "find";
        assert_eq!(made.get_document("writeConcern").ok(), writes.then_some(&concern), "{made}");
    }
    let tag = Tag::create().name("a").insert(&db).await.unwrap();
    tag.update().name("b").save(&db).await.unwrap();
    Tag::filter(Tag::id.eq(tag.id)).update().set(Tag::name, "c").exec(&db).await.unwrap();
    Tag::filter(Tag::name.eq("c")).find_one_and_delete(&db).await.unwrap().unwrap();
    Post::filter(Post::id.eq(1)).delete().exec(&db).await.unwrap();
    log.take();
    let raised = Tag::filter(Tag::name.eq("x")).update().set(Tag::name, "y");
    let _ = MongoBulk::new().update(raised).exec(&db).await;
    let told = log.take().remove(0);
    assert!(told.ends_with(r#"{"writeConcern": {"w": "majority", "wtimeout": 5000, "j": true}}"#), "{told}");
    for sent in between.take("") {
        let name = sent.keys().next().unwrap();
        let in_transaction = sent.contains_key("autocommit");
        let writes = !matches!(name.as_str(), "find" | "aggregate" | "abortTransaction");
        // Those of a transaction have it when it is committed.
        let expected = writes && (!in_transaction || name == "commitTransaction");
        assert_eq!(sent.get_document("writeConcern").ok(), expected.then_some(&concern), "{sent}");
    }

    log.take();
    Tag::query().all(&db).await.unwrap();
    Tag::query().count(&db).await.unwrap();
    let level = r#"{"readConcern": {"level": "majority"}}"#;
    assert!(log.take().iter().all(|told| told.ends_with(level)));
    db.transaction(async |tx| {
        Tag::query().all(tx).await?;
        Tag::query().count(tx).await
    })
    .await
    .unwrap();
    let reads = between.take("");
    let level = |sent: &Document| {
        let concern = sent.get_document("readConcern").ok()?;
        concern.get_str("level").ok().map(str::to_owned)
    };
    let levels: Vec<_> = reads.iter().map(level).collect();
    let majority = Some("majority".to_owned());
    // The first command of a transaction begins it, and says what all of it reads.
    assert_eq!(levels, [majority.clone(), majority, Some("snapshot".to_owned()), None, None], "{reads:?}");
}

fn builder_of(between: &Between, builder: MongoBuilder) -> MongoBuilder {
    let port = between.port();
    builder.database(name()).option(move |options| {
        options.hosts =
            vec![mongodb::options::ServerAddress::Tcp { host: "127.0.0.1".into(), port: Some(port) }];
        options.direct_connection = Some(true);
    })
}

#[tokio::test]
async fn concerns_of_the_url_go_out_with_every_command_outside_of_transactions() {
    let url = "mongodb://localhost/?w=majority&journal=true&wtimeoutMS=5000&readConcernLevel=majority";
    written_and_read(Mongo::builder(url)).await;
}

#[tokio::test]
async fn concerns_of_the_builder_go_out_with_every_command_outside_of_transactions() {
    let mut concern = WriteConcern::majority();
    concern.journal = Some(true);
    concern.w_timeout = Some(std::time::Duration::from_secs(5));
    let builder = Mongo::builder("mongodb://localhost/?w=1&readConcernLevel=local");
    written_and_read(builder.write_concern(concern).read_concern(ReadConcern::majority())).await;
}

#[tokio::test]
async fn the_read_preference_is_that_of_reads_outside_of_transactions() {
    let between = Between::start().await;
    let prefer =
        |sent: &Document| sent.get_document("$readPreference").unwrap().get_str("mode").unwrap().to_owned();
    let by_builder = between.builder("").read_preference(ReadPreference::Nearest { options: None });
    for (builder, mode) in [
        (between.builder("&readPreference=secondaryPreferred"), "secondaryPreferred"),
        (by_builder, "nearest"),
    ] {
        let db = builder.connect().await.unwrap();
        TestSchema::create_all(&db).await.unwrap();
        let all = users(&db).await;
        between.take("");
        User::query().all(&db).await.unwrap();
        User::query().count(&db).await.unwrap();
        User::filter(User::name.eq("A")).explain(&db).await.unwrap();
        User::query().pipeline().rows(&db).await.unwrap();
        let sent = between.take("");
        assert_eq!(sent.iter().map(prefer).collect::<Vec<_>>(), [mode; 4], "{sent:?}");
        // What the driver reads for itself is read where it is true now: the keys of children, and all that a transaction reads.
        Post::create().title("t").score(1).author_id(all[0].id).insert(&db).await.unwrap();
        all[0].clone().delete(&db).await.unwrap();
        db.transaction(async |tx| User::query().all(tx).await).await.unwrap();
        let sent = between.take("find");
        assert!(sent.len() > 3 && sent.iter().all(|sent| prefer(sent) != mode), "{sent:?}");
    }
}

/// No server has so many others.
async fn too_safe() -> Mongo {
    let name = name();
    let db = Mongo::builder(url()).database(&name).connect().await.unwrap();
    TestSchema::create_all(&db).await.unwrap();
    users(&db).await;
    Mongo::builder(url()).database(name).write_concern(WriteConcern::nodes(20)).connect().await.unwrap()
}

fn unconfirmed<T: std::fmt::Debug>(result: Result<T>) {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::CommitUnknown, Some("100")), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("look")), "{error}");
}

#[tokio::test]
async fn a_write_concern_that_is_not_met_is_an_error_of_every_write() {
    let db = too_safe().await;
    let row = |email: &str| User::create().id(50).email(email).name("n");
    // The counter of the keys is what is written first.
    unconfirmed(User::create().email("x").name("n").insert(&db).await);
    unconfirmed(row("d").insert(&db).await);
    let named = |id: i64| User::filter(User::id.eq(id));
    unconfirmed(named(1).update().set(User::name, "new").exec(&db).await);
    unconfirmed(named(1).update().set(User::name, "new").returning(&db).await);
    unconfirmed(named(2).find_one_and_delete(&db).await);
    unconfirmed(User::query().update().set(User::active, false).all_rows().exec(&db).await);
    unconfirmed(User::filter(User::name.eq("C")).delete().exec(&db).await);
    unconfirmed(db.transaction(async |tx| named(1).update().set(User::age, 7).exec(tx).await).await);
    unconfirmed(User::query().pipeline().merge_into::<User>().exec(&db).await);
    let rest = User::query().order_by(User::id.asc()).select((User::name, User::age)).all(&db).await.unwrap();
    assert_eq!(rest, [("new".to_owned(), Some(7))], "it was written all the same");
    unconfirmed(TestSchema::drop_all(&db).await);
}

#[tokio::test]
async fn a_write_concern_of_bulk_writes_comes_after_their_errors() {
    let db = too_safe().await;
    let raise = || User::filter(User::name.eq("A")).update().set(User::age, 31);
    unconfirmed(MongoBulk::new().update(raise()).exec(&db).await);
    let clash = User::filter(User::name.eq("A")).update().set(User::email, "c");
    let error = MongoBulk::new().update(raise()).update(clash).exec(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unique, "{error}");
}

#[tokio::test]
async fn writes_without_an_answer_are_refused() {
    let error = Mongo::connect("mongodb://localhost/x?w=0").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.hint().is_some(), "{error}");
}
