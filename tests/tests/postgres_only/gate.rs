//! Transactions in spawned tasks, databases beside them, and what observers see of the driver's own ways.

use futures_util::TryStreamExt;
use orm::backend::{Isolation, TxOptions};
use orm::postgres::plan::Planned;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_with_retries_can_be_spawned_with_what_it_borrows() -> Result<()> {
    let place = place(2).await?;
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
        db.atomic(async |tx| Tag::filter(Tag::name.eq(&name)).count(tx).await).await
    })
    .await
    .unwrap()?;
    assert_eq!(Tag::filter(Tag::name.eq("spawned")).count(&place.db).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_write_on_the_pool_does_not_survive_the_transaction_around_it() -> Result<()> {
    let place = place(3).await?;
    let result: Result<()> = place
        .db
        .transaction(async |tx| {
            Tag::create().name("inside").insert(tx).await?;
            Tag::create().name("outside").insert(&place.db).await?;
            Ok(())
        })
        .await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Usage);
    assert_eq!(Tag::query().count(&place.db).await?, 0);
    let result: Result<()> = place
        .db
        .transaction(async |tx| {
            Tag::create().name("inside").insert(tx).await?;
            Tag::create().name("meant").insert(&place.db.apart()).await?;
            Err(Error::new(ErrorKind::Usage, "no"))
        })
        .await;
    assert_eq!(result.unwrap_err().message(), "no");
    assert_eq!(Tag::query().select(Tag::name).all(&place.db).await?, ["meant"]);
    Ok(())
}

#[tokio::test]
async fn what_belongs_to_another_task_or_database_is_not_refused_in_a_transaction() -> Result<()> {
    let (here, there) = (place(3).await?, place(1).await?);
    here.db
        .transaction(async |tx| {
            Tag::create().name("inside").insert(tx).await?;
            Tag::create().name("elsewhere").insert(&there.db).await?;
            let db = here.db.clone();
            let spawned = tokio::spawn(async move { Tag::query().count(&db).await });
            assert_eq!(spawned.await.unwrap()?, 0, "another task sees what is committed");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn observers_see_streams_copies_plans_and_the_end_of_a_dropped_transaction() -> Result<()> {
    let place = place(1).await?;
    let starts = |log: &StatementLog| -> Vec<String> {
        log.take().iter().map(|text| text.split(' ').next().unwrap_or_default().to_owned()).collect()
    };
    Postgres::copy_in::<Tag, _, _>([Tag::create().name("one"), Tag::create().name("two")], &place.db).await?;
    assert_eq!(starts(&place.log), ["COPY"]);
    Tag::query().stream(&place.db).try_collect::<Vec<_>>().await?;
    Tag::query().for_each(&place.db, |_| Ok(())).await?;
    assert_eq!(starts(&place.log), ["SELECT", "SELECT"]);
    Postgres::copy_out(Tag::query(), &place.db).try_collect::<Vec<_>>().await?;
    assert_eq!(starts(&place.log), ["COPY"]);
    Tag::query().explain(&place.db).await?;
    Tag::query().plan(&place.db).await?;
    assert_eq!(starts(&place.log), ["EXPLAIN", "EXPLAIN"]);
    let tx = place.db.begin().await?;
    Tag::query().count(&tx).await?;
    drop(tx);
    Tag::query().count(&place.db).await?;
    assert_eq!(starts(&place.log), ["BEGIN", "SELECT", "ROLLBACK", "SELECT"]);
    let mut rows = Tag::query().stream(&place.db);
    rows.try_next().await?;
    drop(rows);
    assert_eq!(starts(&place.log), ["SELECT"], "cut off, but sent");
    Ok(())
}

#[tokio::test]
async fn a_dynamic_query_can_change_and_delete_rows() -> Result<()> {
    let place = place(1).await?;
    Tag::insert_many(["Ada", "Bob"].map(|name| Tag::create().name(name))).exec(&place.db).await?;
    let regex = || Tag::query().filter(Tag::name.matches_regex("^A")).dynamic();
    assert_eq!(regex().update().set(Tag::name, "Abc").exec(&place.db).await?, 1);
    assert_eq!(regex().delete().exec(&place.db).await?, 1);
    assert_eq!(Tag::query().select(Tag::name).all(&place.db).await?, ["Bob"]);
    Ok(())
}
