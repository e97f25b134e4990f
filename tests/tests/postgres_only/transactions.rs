//! Transactions that fail or conflict, and the locks that they hold.

use super::*;

#[tokio::test]
async fn a_failed_transaction_does_not_pretend_to_commit() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    user(&db, "ada").await?;
    let result = db
        .transaction(async |tx| {
            user(tx, "bob").await?;
            // The error is swallowed; the server has aborted the transaction all the same.
            let _ = user(tx, "ada").await;
            Ok(())
        })
        .await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Aborted);
    assert_eq!(User::query().count(&db).await?, 1);
    db.transaction(async |tx| {
        user(tx, "bob").await?;
        let inner = tx.transaction(async |tx| user(tx, "ada").await).await;
        assert_eq!(inner.unwrap_err().kind(), ErrorKind::Unique);
        user(tx, "cid").await.map(drop)
    })
    .await?;
    assert_eq!(User::query().count(&db).await?, 3);
    Ok(())
}

#[tokio::test]
async fn serializable_transactions_that_conflict_run_again() -> Result<()> {
    let Place { db, .. } = place(4).await?;
    let ada = user(&db, "ada").await?;
    User::filter(User::id.eq(ada.id)).update().set(User::age, 0).exec(&db).await?;
    let options = TxOptions::new().isolation(Isolation::Serializable).retries(50);
    let add = async |db: Postgres| {
        db.transaction_with(options, async |tx| {
            let age = User::find(ada.id).one(tx).await?.age.unwrap_or(0);
            tokio::task::yield_now().await;
            User::filter(User::id.eq(ada.id)).update().set(User::age, age + 1).exec(tx).await
        })
        .await
    };
    let runs = futures_util::future::join_all((0..4).map(|_| add(db.clone()))).await;
    assert!(runs.iter().all(|run| matches!(run, Ok(1))), "{runs:?}");
    assert_eq!(User::find(ada.id).one(&db).await?.age, Some(4));
    Ok(())
}

#[tokio::test]
async fn locked_rows_are_skipped_or_refused() -> Result<()> {
    let Place { db, log, .. } = place(3).await?;
    for name in ["a", "b", "c"] {
        user(&db, name).await?;
    }
    let next = || User::query().order_by(User::id.asc()).limit(1).lock(RowLock::update().skip_locked());
    let (first, second) = (db.begin().await?, db.begin().await?);
    log.take();
    assert_eq!(next().one(&first).await?.name, "a");
    assert_eq!(next().one(&second).await?.name, "b", "the row of the other is left out");
    assert!(log.take()[0].ends_with("FOR UPDATE SKIP LOCKED"));
    let busy = User::filter(User::name.eq("a")).lock(RowLock::no_key_update().nowait());
    assert_eq!(busy.one(&db).await.unwrap_err().kind(), ErrorKind::LockTimeout);
    let joined = User::query().left_join(User::posts).lock(RowLock::share().of::<User>().skip_locked());
    assert_eq!(joined.select(User::name).all(&db).await?, ["c"]);
    first.rollback().await?;
    assert_eq!(User::query().for_update().limit(1).all(&db).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn locks_and_settings_end_with_their_transaction() -> Result<()> {
    let Place { db, .. } = place(3).await?;
    let (one, two) = (db.begin().await?, db.begin().await?);
    Postgres::advisory_lock(&one, 4711).await?;
    assert!(!Postgres::try_advisory_lock(&two, 4711).await?);
    one.commit().await?;
    assert!(Postgres::try_advisory_lock(&two, 4711).await?);
    Postgres::set_local(&two, "app.tenant", "7").await?;
    let tenant = || sql::<Option<String>>("SELECT current_setting('app.tenant', true)");
    assert_eq!(tenant().one(&two).await?.as_deref(), Some("7"));
    two.commit().await?;
    for _ in 0..3 {
        assert!(tenant().one(&db).await?.is_none_or(|tenant| tenant.is_empty()));
    }
    Ok(())
}
