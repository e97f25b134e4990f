//! Transactions in spawned tasks, and what observers are told of MongoDB's own commands.

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};

use orm::backend::{CommandEvent, CommandKind, Context, Observer, Pass, StatementEvent, TxOptions};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_with_retries_can_be_spawned_with_what_it_borrows() {
    let db = fresh().await;
    let (shared, name) = (db.clone(), String::from("spawned"));
    let spawned = tokio::spawn(async move {
        let attempts = AtomicU32::new(0);
        let body = async |tx: &_| {
            if attempts.fetch_add(1, Ordering::Relaxed) < 2 {
                return Err(Error::new(ErrorKind::Serialization, "again"));
            }
            Tag::create().name(name.as_str()).insert(tx).await
        };
        shared.transaction_with(TxOptions::new().retries(3), body).await?;
        let built = shared.tx().isolation(Isolation::RepeatableRead).retries(3);
        built.run(async |tx| Tag::filter(Tag::name.eq(&name)).count(tx).await).await?;
        shared.atomic(async |tx| Tag::filter(Tag::name.eq(&name)).count(tx).await).await
    });
    assert_eq!(spawned.await.unwrap().unwrap(), 1);
    assert_eq!(Tag::filter(Tag::name.eq("spawned")).count(&db).await.unwrap(), 1);
}

#[tokio::test]
async fn a_write_on_the_database_does_not_survive_the_transaction_around_it() {
    let db = fresh().await;
    let result: orm::Result<()> = db
        .transaction(async |tx| {
            Tag::create().name("inside").insert(tx).await?;
            Tag::create().name("outside").insert(&db).await?;
            Ok(())
        })
        .await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Usage);
    assert_eq!(Tag::query().count(&db).await.unwrap(), 0);
}

#[tokio::test]
async fn commands_of_mongodb_itself_pass_the_gate() {
    #[derive(Default)]
    struct Seen(Mutex<Vec<CommandKind>>);
    impl Observer for Seen {
        fn statement(&self, _: &StatementEvent<'_>) {}
        fn command(&self, event: &CommandEvent<'_>) {
            self.0.lock().unwrap().push(event.kind);
        }
    }
    struct Closed;
    impl Pass for Closed {
        fn apply(&self, _: &mut orm::ir::Command, _: &Context) -> orm::Result<()> {
            Ok(())
        }
        fn native(&self, _: Option<&'static orm::meta::ModelMeta>, _: &Context) -> orm::Result<()> {
            Err(Error::new(ErrorKind::Usage, "closed"))
        }
    }
    let db = fresh().await;
    let seen = Arc::new(Seen::default());
    let watched = db.observed_by(seen.clone());
    let rename = || Tag::filter(Tag::name.eq("none")).update().set(Tag::name, "x");
    rename().find_one_and_update(ReturnDocument::After, &watched).await.unwrap();
    Tag::query().pipeline().rows(&watched).await.unwrap();
    assert_eq!(*seen.0.lock().unwrap(), [CommandKind::Native; 2]);
    let closed = db.passing(Closed);
    assert_eq!(
        rename().find_one_and_update(ReturnDocument::After, &closed).await.unwrap_err().message(),
        "closed"
    );
    assert_eq!(Tag::query().pipeline().rows(&closed).await.unwrap_err().message(), "closed");
    let body = db.transaction(async |tx| {
        Tag::create().name("inside").insert(tx).await?;
        Tag::query().pipeline().rows(&db).await
    });
    assert_eq!(body.await.unwrap_err().kind(), ErrorKind::Usage);
}
