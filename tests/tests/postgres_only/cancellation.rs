//! Futures that are dropped before they end: the pool stays clean, the data is as before or after.

use std::time::Instant;

use futures_util::StreamExt;
use orm_tests::dropping::{Few, every_operation};

use super::*;

/// Drops an operation after each number of polls until it ends by itself; the pool must serve afterwards, nothing may be
/// left open on the server, and the number of users must be as before or after.
async fn dropping<T>(operation: impl AsyncFn(&Postgres, u32) -> Result<T>) -> Result<()> {
    let Place { db, schema, .. } = place(2).await?;
    let watcher = Postgres::builder(url()).max_connections(1).connect().await?;
    user(&db, "first").await?;
    for polls in 1..60 {
        let before = User::query().count(&db).await?;
        let done = Few::polls(polls, operation(&db, polls)).await;
        let after = User::query().count(&db).await?;
        assert!(after == before || after == before + 2, "{before} and then {after} after {polls} polls");
        open_transactions(&watcher, &schema).await?;
        if let Some(result) = done {
            result?;
            return Ok(());
        }
    }
    panic!("it takes more than 60 polls");
}

/// Waits until no connection of this test has a transaction open.
async fn open_transactions(watcher: &Postgres, application: &str) -> Result<()> {
    let start = Instant::now();
    loop {
        let sql = format!(
            "DO $$ BEGIN IF EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '{application}' \
             AND state <> 'idle') THEN RAISE EXCEPTION 'open'; END IF; END $$"
        );
        match watcher.execute_batch(&sql).await {
            Ok(()) => return Ok(()),
            Err(error) if start.elapsed() > Duration::from_secs(5) => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

#[tokio::test]
async fn every_operation_can_be_dropped_at_every_poll() -> Result<()> {
    let Place { db, schema, .. } = place(2).await?;
    let watcher = Postgres::builder(url()).max_connections(1).connect().await?;
    every_operation(&db, async || open_transactions(&watcher, &schema).await).await
}

#[tokio::test]
async fn a_read_can_be_dropped_at_every_poll() -> Result<()> {
    dropping(async |db, _| User::query().include(User::posts).all(db).await).await
}

#[tokio::test]
async fn a_write_can_be_dropped_at_every_poll() -> Result<()> {
    let pair = |polls: u32| {
        let one = move |n: u32| User::create().email(format!("{polls}-{n}@x")).name("x");
        [one(0), one(1)]
    };
    dropping(async |db, polls| User::insert_many(pair(polls)).returning(db).await).await
}

#[tokio::test]
async fn an_insert_in_pieces_can_be_dropped_at_every_poll() -> Result<()> {
    let pair = |polls: u32| {
        let one = move |n: u32| User::create().email(format!("{polls}-{n}@x")).name("x");
        [one(0), one(1).active(false)]
    };
    dropping(async |db, polls| User::insert_many(pair(polls)).returning(db).await).await
}

#[tokio::test]
async fn a_transaction_can_be_dropped_at_every_poll() -> Result<()> {
    dropping(async |db, polls| {
        db.transaction(async |tx| {
            user(tx, &format!("{polls}-a")).await?;
            tx.transaction(async |tx| user(tx, &format!("{polls}-b")).await).await
        })
        .await
    })
    .await
}

#[tokio::test]
async fn a_row_with_children_can_be_dropped_at_every_poll() -> Result<()> {
    dropping(async |db, polls| {
        let one = move |n: u32| {
            User::create().email(format!("{polls}-{n}@x")).name("x").posts([Post::create()
                .title("t")
                .score(1)
                .tags([Tag::create().name(format!("{polls}-{n}"))])])
        };
        User::insert_many([one(0), one(1)]).returning(db).await
    })
    .await
}

#[tokio::test]
async fn a_copy_can_be_dropped_at_every_poll() -> Result<()> {
    let Place { db, schema, .. } = place(2).await?;
    let watcher = Postgres::builder(url()).max_connections(1).connect().await?;
    for polls in 1..400 {
        let before = Tag::query().count(&db).await?;
        let rows: Vec<_> =
            (0..3000).map(|n| Tag::create().name(format!("{polls} {n} {}", "x".repeat(100)))).collect();
        let done = Few::polls(polls, Tag::insert_many(rows).exec(&db)).await;
        open_transactions(&watcher, &schema).await?;
        let after = Tag::query().count(&db).await?;
        assert!(after == before || after == before + 3000, "{before} and then {after} after {polls} polls");
        if let Some(result) = done {
            assert_eq!(result?, 3000);
            return Ok(());
        }
    }
    panic!("it takes more than 400 polls");
}

#[tokio::test]
async fn a_stream_can_be_dropped_after_any_row() -> Result<()> {
    let Place { db, schema, .. } = place(1).await?;
    let names: Vec<_> = (0..5000).map(|number| Tag::create().name(format!("{number:05}"))).collect();
    Tag::insert_many(names).exec(&db).await?;
    for rows in [0, 1, 100, 4999, 6000] {
        let mut stream = Tag::query().order_by(Tag::name.asc()).stream(&db);
        for _ in 0..rows {
            let _ = stream.next().await.transpose()?;
        }
        drop(stream);
        assert_eq!(Tag::query().count(&db).await?, 5000);
    }
    let watcher = Postgres::builder(url()).max_connections(1).connect().await?;
    open_transactions(&watcher, &schema).await
}

#[tokio::test]
async fn a_statement_that_is_dropped_stops_on_the_server() -> Result<()> {
    let Place { db, schema, .. } = place(1).await?;
    let watcher = Postgres::builder(url()).max_connections(1).connect().await?;
    let sleeping = db.execute_batch("SELECT pg_sleep(60)");
    assert!(tokio::time::timeout(Duration::from_millis(200), sleeping).await.is_err());
    let start = Instant::now();
    open_transactions(&watcher, &schema).await?;
    assert_eq!(User::query().count(&db).await?, 0);
    assert!(start.elapsed() < Duration::from_secs(10));
    Ok(())
}

#[tokio::test]
async fn a_statement_cut_off_ends_its_transaction() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    let tx = db.begin().await?;
    user(&tx, "ada").await?;
    Few::polls(1, user(&tx, "bob")).await;
    let error = user(&tx, "cid").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    drop(tx);
    assert_eq!(User::query().count(&db).await?, 0);
    Ok(())
}
