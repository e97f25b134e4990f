//! Transactions in spawned tasks, and databases beside them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use orm::backend::{Isolation, TxOptions};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_with_retries_can_be_spawned_with_what_it_borrows() -> Result<()> {
    let place = place(|builder| builder).await?;
    let (db, name) = (place.db.clone(), String::from("spawned"));
    tokio::spawn(async move {
        let attempts = AtomicU32::new(0);
        let body = async |tx: &_| {
            if attempts.fetch_add(1, Ordering::Relaxed) < 2 {
                return Err(Error::new(ErrorKind::Serialization, "again"));
            }
            Tag::create().name(name.as_str()).insert(tx).await
        };
        db.transaction_with(TxOptions::new().retries(3), body).await?;
        assert_eq!(attempts.load(Ordering::Relaxed), 3);
        let built = db.tx().isolation(Isolation::Serializable).retries(3);
        built.run(async |tx| Tag::filter(Tag::name.eq(&name)).count(tx).await).await?;
        db.transaction(async |tx| Tag::filter(Tag::name.eq(&name)).count(tx).await).await?;
        db.atomic(async |tx| Tag::filter(Tag::name.eq(&name)).count(tx).await).await
    })
    .await
    .unwrap()?;
    assert_eq!(Tag::filter(Tag::name.eq("spawned")).count(&place.db).await?, 1);
    Ok(())
}

#[tokio::test]
async fn what_belongs_to_another_task_or_database_is_not_refused_in_a_transaction() -> Result<()> {
    let (here, there) = (place(|builder| builder).await?, place(|builder| builder).await?);
    here.db
        .transaction(async |tx| {
            Tag::create().name("inside").insert(tx).await?;
            Tag::create().name("elsewhere").insert(&there.db).await?;
            let db = here.db.clone();
            let spawned = tokio::spawn(async move { Tag::query().count(&db).await });
            assert_eq!(spawned.await.unwrap()?, 0, "another task sees what is committed");
            assert_eq!(Tag::query().count(&here.db.apart()).await?, 0, "and so does this one if it says so");
            Ok(())
        })
        .await?;
    assert_eq!((Tag::query().count(&here.db).await?, Tag::query().count(&there.db).await?), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_batch_in_the_closure_of_a_transaction_is_refused_at_once() -> Result<()> {
    let place = place(|builder| builder).await?;
    let body = place.db.transaction(async |tx| {
        Tag::create().name("inside").insert(tx).await?;
        place.db.execute_batch("DELETE FROM tags").await
    });
    let error = tokio::time::timeout(Duration::from_secs(5), body).await.expect("at once").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    Ok(())
}

#[tokio::test]
async fn a_batch_and_the_end_of_a_dropped_transaction_are_seen() -> Result<()> {
    let place = place(|builder| builder).await?;
    place.db.execute_batch("DELETE FROM tags").await?;
    assert_eq!(place.log.take(), ["DELETE FROM tags"]);
    let tx = place.db.begin().await?;
    drop(tx);
    Tag::query().count(&place.db).await?;
    let log = place.log.take();
    assert_eq!(log[..2], ["BEGIN IMMEDIATE", "ROLLBACK"], "{log:?}");
    Ok(())
}

#[tokio::test]
async fn a_dynamic_query_can_change_and_delete_rows() -> Result<()> {
    let place = place(|builder| builder).await?;
    let regex = || Tag::query().filter(Tag::name.matches_regex("^A")).dynamic();
    let lacks = |error: Error| {
        assert_eq!((error.kind(), error.model()), (ErrorKind::Unsupported, Some("Tag")));
        assert!(error.message().contains("`Regex`"), "{error}");
    };
    lacks(regex().update().set(Tag::name, "x").exec(&place.db).await.unwrap_err());
    lacks(regex().delete().exec(&place.db).await.unwrap_err());
    lacks(regex().stream(&place.db).next().await.unwrap().unwrap_err());
    lacks(regex().explain(&place.db).await.unwrap_err());
    lacks(regex().to_sql(&place.db).unwrap_err());
    Ok(())
}
