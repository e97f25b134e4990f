//! Who waits for whom: locks of other processes, transactions, the pool.

use super::*;

#[tokio::test]
async fn a_lock_of_another_process_is_waited_for() -> Result<()> {
    let place = place(|builder| builder).await?;
    let other = place.another().connect().await?;
    let tx = other.begin().await?;
    Tag::create().name("first").insert(&tx).await?;
    let waiting = async {
        Tag::create().name("second").insert(&place.db).await?;
        place.db.transaction(async |tx| Tag::create().name("third").insert(tx).await).await
    };
    let release = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        tx.commit().await
    };
    let (waited, released) = tokio::join!(waiting, release);
    released?;
    assert_eq!(waited?.name, "third");
    let names = Tag::query().order_by(Tag::id.asc()).select(Tag::name).all(&place.db).await?;
    assert_eq!(names, ["first", "second", "third"]);
    Ok(())
}

#[tokio::test]
async fn a_lock_that_is_kept_is_an_error_in_time() -> Result<()> {
    let place = place(|builder| builder.busy_timeout(Duration::from_millis(30))).await?;
    let other = place.another().connect().await?;
    let tx = other.begin().await?;
    let error = Tag::create().name("late").insert(&place.db).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::LockTimeout, Some("5")));
    assert!(error.is_retryable());
    assert_eq!(kind(place.db.begin().await), ErrorKind::LockTimeout);
    assert_eq!(Tag::query().count(&place.db).await?, 0, "readers wait for nobody");
    tx.rollback().await?;
    Tag::create().name("in time").insert(&place.db).await?;
    Ok(())
}

#[tokio::test]
async fn a_transaction_is_run_again_as_often_as_it_may() -> Result<()> {
    let place = place(|builder| builder.busy_timeout(Duration::from_millis(1))).await?;
    let other = place.another().connect().await?;
    let tx = other.begin().await?;
    let start = Instant::now();
    let options = TxOptions::new().isolation(Isolation::Serializable).deferrable().retries(2);
    let never: Result<()> =
        place.db.transaction_with(options, async |_| unreachable!("the lock is taken")).await;
    assert_eq!(kind(never), ErrorKind::LockTimeout);
    assert!(start.elapsed() >= Duration::from_millis(15), "pauses of at least 5 and 10 ms");
    tx.commit().await?;

    let runs = AtomicU32::new(0);
    let made = place.db.transaction_with(options, async |tx| {
        let tag = Tag::create().name("once").insert(tx).await?;
        match runs.fetch_add(1, Ordering::Relaxed) {
            0 => Err(Error::new(ErrorKind::Deadlock, "as if")),
            _ => Ok(tag),
        }
    });
    assert_eq!(made.await?.name, "once");
    assert_eq!((runs.into_inner(), Tag::query().count(&place.db).await?), (2, 1), "the first run was undone");

    let runs = AtomicU32::new(0);
    let failed: Result<()> = place
        .db
        .transaction_with(options, async |_| {
            runs.fetch_add(1, Ordering::Relaxed);
            Err(Error::new(ErrorKind::Unique, "for good"))
        })
        .await;
    assert_eq!((kind(failed), runs.into_inner()), (ErrorKind::Unique, 1));
    Ok(())
}

#[tokio::test]
async fn an_error_type_of_ones_own_rolls_back() -> Result<()> {
    #[derive(Debug)]
    enum Mine {
        Orm(Error),
        Full,
    }
    impl From<Error> for Mine {
        fn from(error: Error) -> Self {
            Mine::Orm(error)
        }
    }
    let Place { db, .. } = place(|builder| builder).await?;
    let full = db.try_transaction(async |tx| {
        Tag::create().name("lost").insert(tx).await?;
        Err::<(), _>(Mine::Full)
    });
    assert!(matches!(full.await, Err(Mine::Full)));
    let twice = db.try_transaction(async |tx| {
        Tag::create().name("twice").insert(tx).await?;
        Ok::<_, Mine>(Tag::create().name("twice").insert(tx).await?)
    });
    assert!(matches!(twice.await, Err(Mine::Orm(error)) if error.kind() == ErrorKind::Unique));
    assert_eq!(Tag::query().count(&db).await?, 0);
    Ok(())
}

#[tokio::test]
async fn who_waits_for_a_connection_gets_it_or_a_timeout() -> Result<()> {
    let Place { db, .. } = place(|builder| builder.acquire_timeout(Duration::from_millis(300))).await?;
    let tx = db.begin().await?;
    let error = Tag::create().name("stuck").insert(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PoolTimeout);
    assert!(error.hint().is_some_and(|hint| hint.contains("use `tx` and not `db`")), "{error}");
    let release = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        tx.commit().await
    };
    let (inserted, released) = tokio::join!(Tag::create().name("free").insert(&db), release);
    released?;
    assert_eq!(inserted?.name, "free");
    Ok(())
}

#[tokio::test]
async fn a_closed_database_answers_nobody() -> Result<()> {
    let Place { db, .. } = place(|builder| builder).await?;
    let tx = db.begin().await?;
    Tag::create().name("kept").insert(&tx).await?;
    let close = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        db.close().await;
    };
    let (waiting, ()) = tokio::join!(Tag::create().name("waits").insert(&db), close);
    assert_eq!(kind(waiting), ErrorKind::Closed);
    assert_eq!(kind(Tag::query().all(&db).await), ErrorKind::Closed);
    assert_eq!(kind(db.execute_batch("SELECT 1").await), ErrorKind::Closed);
    let first = Tag::query().stream(&db).next().await.expect("an item");
    assert_eq!(kind(first), ErrorKind::Closed);
    tx.commit().await?;
    assert_eq!(kind(db.begin().await), ErrorKind::Closed, "what comes back is closed");
    Ok(())
}

#[tokio::test]
async fn the_outer_transaction_waits_for_the_inner() -> Result<()> {
    let Place { db, .. } = place(|builder| builder).await?;
    let outer = db.begin().await?;
    let inner = outer.begin().await?;
    assert_eq!(format!("{inner:?}"), r#"Tx { backend: "sqlite", open: true }"#);
    assert_eq!(format!("{:?}", inner.handle().session()), "SqliteSession");
    let error = Tag::create().name("x").insert(&outer).await.unwrap_err();
    assert_eq!((error.kind(), error.hint()), (ErrorKind::Usage, Some("use the inner `tx` until it ends")));
    Tag::create().name("inner").insert(&inner).await?;
    drop(inner);
    assert_eq!(Tag::query().count(&outer).await?, 0, "the savepoint was undone");
    let inner = outer.begin().await?;
    Tag::create().name("kept").insert(&inner).await?;
    inner.commit().await?;
    let session = outer.handle().session().clone();
    outer.commit().await?;
    let late = <Sqlite as Transactions>::begin(&session, TxOptions::new()).await;
    assert_eq!(late.unwrap_err().message(), "the transaction has ended");
    Sqlite::rollback(&session).await?;
    assert_eq!(Tag::query().count(&db).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_savepoint_dropped_under_a_statement_leaves_nothing_behind() -> Result<()> {
    let Place { db, .. } = place(|builder| builder).await?;
    tags(&db, 50_000).await?;
    let outer = db.begin().await?;
    let inner = outer.begin().await?;
    // A write of all rows goes to a thread, and the savepoint is dropped while it is there.
    let mut update =
        Box::pin(Tag::query().update().all_rows().set(Tag::name, Tag::name.concat("!")).exec(&inner));
    assert!(update.as_mut().now_or_never().is_none());
    drop(update);
    drop(inner);
    // Stopped in the middle, the write has taken the transaction with it; before and after, only the savepoint is undone.
    let changed = Tag::filter(Tag::name.ends_with("!"));
    match changed.clone().count(&outer).await {
        Ok(changed) => {
            assert_eq!(changed, 0);
            outer.commit().await?;
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Aborted);
            outer.rollback().await?;
        }
    }
    assert_eq!((changed.count(&db).await?, Tag::query().count(&db).await?), (0, 50_000));
    Ok(())
}
