//! Statements that are stopped: dropped, cancelled, out of time.

use orm::sqlite::{SqliteCancel, SqliteLimits};

use super::*;

/// A read without an end.
const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
/// A write that takes minutes.
const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000000)
    INSERT INTO tags (name) SELECT 'endless' FROM n WHERE i < 0";

async fn soon<T>(future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(Duration::from_millis(50), future).await.ok()
}

fn seconds(builder: SqliteBuilder) -> SqliteBuilder {
    builder.readers(1).acquire_timeout(Duration::from_secs(5))
}

#[tokio::test]
async fn a_dropped_read_gives_its_connection_back() -> Result<()> {
    let Place { db, .. } = place(seconds).await?;
    for _ in 0..4 {
        assert!(soon(sql::<i64>(ENDLESS).one(&db)).await.is_none());
        assert!(soon(raw_stream(&db, ENDLESS, false).next()).await.is_none());
    }
    let start = Instant::now();
    assert_eq!(Tag::query().count(&db).await?, 0);
    assert!(start.elapsed() < Duration::from_secs(2));
    Ok(())
}

#[tokio::test]
async fn a_dropped_read_leaves_its_transaction_as_it_is() -> Result<()> {
    let Place { db, .. } = place(seconds).await?;
    let tx = db.begin().await?;
    Tag::create().name("kept").insert(&tx).await?;
    assert!(soon(sql::<i64>(ENDLESS).one(&tx)).await.is_none());
    assert!(soon(raw_stream(&tx, ENDLESS, false).next()).await.is_none());
    assert_eq!(Tag::query().count(&tx).await?, 1);
    tx.commit().await?;
    assert_eq!(Tag::query().count(&db).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_dropped_write_is_undone_and_lets_others_write() -> Result<()> {
    let Place { db, .. } = place(seconds).await?;
    assert!(soon(sql::<()>(LONG).exec(&db)).await.is_none());
    assert!(soon(db.execute_batch(LONG)).await.is_none());
    Tag::create().name("next").insert(&db).await?;
    let tx = db.begin().await?;
    Tag::create().name("lost").insert(&tx).await?;
    assert!(soon(sql::<()>(LONG).exec(&tx)).await.is_none());
    let error = Tag::query().count(&tx).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Aborted, "SQLite undoes the transaction of a write that it stops");
    drop(tx);
    assert_eq!(Tag::query().select(Tag::name).all(&db).await?, ["next"]);
    Tag::create().name("last").insert(&db).await?;
    Ok(())
}

#[tokio::test]
async fn a_statement_has_its_time() -> Result<()> {
    let place = place(|builder| builder.statement_timeout(Duration::from_millis(40))).await?;
    let db = &place.db;
    place.log.take();
    for budget in [0, 100_000, u32::MAX] {
        let db = place
            .another()
            .read_budget(budget)
            .statement_timeout(Duration::from_millis(40))
            .connect()
            .await?;
        let error = sql::<i64>(ENDLESS).one(&db).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::StatementTimeout, Some("9")), "{budget}");
        assert_eq!(error.message(), "the statement took longer than its limit");
    }
    assert_eq!(
        kind(raw_stream(db, ENDLESS, false).next().await.expect("an item")),
        ErrorKind::StatementTimeout
    );
    assert_eq!(kind(sql::<()>(LONG).exec(db).await), ErrorKind::StatementTimeout);
    assert_eq!(place.log.take().len(), 2, "what took too long is reported");
    // Waiting for a lock is part of it.
    let other = place.another().connect().await?;
    let tx = other.begin().await?;
    let start = Instant::now();
    assert_eq!(kind(Tag::create().name("late").insert(db).await), ErrorKind::StatementTimeout);
    assert!(start.elapsed() < Duration::from_secs(2));
    tx.rollback().await?;
    Tag::create().name("in time").insert(db).await?;
    Ok(())
}

#[tokio::test]
async fn one_call_may_have_a_time_of_its_own() -> Result<()> {
    let Place { db, .. } = place(seconds).await?;
    let short = Duration::from_millis(30);
    assert_eq!(
        kind(sql::<i64>(ENDLESS).one(&db.statement_timeout(short)).await),
        ErrorKind::StatementTimeout
    );
    let tx = db.begin().await?;
    Tag::create().name("kept").insert(&tx).await?;
    assert_eq!(
        kind(sql::<i64>(ENDLESS).one(&tx.statement_timeout(short)).await),
        ErrorKind::StatementTimeout
    );
    assert_eq!(
        Tag::query().count(&tx.statement_timeout(short)).await?,
        1,
        "a read that is stopped changes nothing"
    );
    tx.commit().await?;
    let failed: Result<()> = db
        .statement_timeout(short)
        .transaction(async |tx| {
            Tag::create().name("lost").insert(tx).await?;
            sql::<()>(LONG).exec(tx).await.map(drop)
        })
        .await;
    assert_eq!(kind(failed), ErrorKind::StatementTimeout);
    assert_eq!(Tag::query().count(&db).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_statement_can_be_cancelled_from_elsewhere() -> Result<()> {
    let place = place(seconds).await?;
    let db = &place.db;
    for write in [false, true] {
        let cancel = SqliteCancel::new();
        let cancelled = db.cancelled_by(&cancel);
        let running = async {
            match write {
                false => sql::<i64>(ENDLESS).one(&cancelled).await.map(drop),
                true => sql::<()>(LONG).exec(&cancelled).await.map(drop),
            }
        };
        let stop = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            cancel.cancel();
        };
        let (stopped, ()) = tokio::join!(running, stop);
        assert_eq!(kind(stopped), ErrorKind::Cancelled);
        assert_eq!(
            kind(Tag::query().count(&cancelled).await),
            ErrorKind::Cancelled,
            "and all that comes later"
        );
        assert_eq!(Tag::query().count(db).await?, 0, "others go on");
    }
    // A lock that is waited for is given up at once.
    let tx = place.another().connect().await?.begin().await?;
    let cancel = SqliteCancel::new();
    let stop = cancel.clone();
    let start = Instant::now();
    let cancelled = db.cancelled_by(&cancel);
    let (waited, ()) = tokio::join!(Tag::create().name("x").insert(&cancelled), async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        stop.cancel();
    });
    assert_eq!(kind(waited), ErrorKind::Cancelled);
    assert!(start.elapsed() < Duration::from_secs(2));
    tx.rollback().await
}
