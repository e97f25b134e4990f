//! Transactions and savepoints.

use orm::backend::{Supports, Tx, TxOptions, capabilities::Savepoints};
use orm::prelude::*;
use orm::{ErrorKind, Result};

use crate::Fixture;
use crate::models::Tag;

pub async fn a_transaction_commits_on_ok<D: Database>(f: &Fixture<D>) -> Result<()> {
    let tag = f.db.transaction(async |tx| Tag::create().name("kept").insert(tx).await).await?;
    assert_eq!(Tag::find(tag.id).one(&f.db).await?.name, "kept");
    Ok(())
}

pub async fn a_transaction_rolls_back_on_error<D: Database>(f: &Fixture<D>) -> Result<()> {
    let result: Result<()> =
        f.db.transaction(async |tx| {
            Tag::create().name("lost").insert(tx).await?;
            assert_eq!(Tag::query().count(tx).await?, 1);
            Err(Error::new(ErrorKind::Usage, "changed my mind"))
        })
        .await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Usage);
    assert_eq!(Tag::query().count(&f.db).await?, 0);
    Ok(())
}

pub async fn a_dropped_guard_rolls_back<D: Database>(f: &Fixture<D>) -> Result<()> {
    let tx = f.db.begin().await?;
    Tag::create().name("lost").insert(&tx).await?;
    drop(tx);
    assert_eq!(Tag::query().count(&f.db).await?, 0);
    Tag::create().name("after").insert(&f.db).await?;
    Ok(())
}

pub async fn a_read_only_transaction_refuses_writes<D: Database>(f: &Fixture<D>) -> Result<()> {
    Tag::create().name("kept").insert(&f.db).await?;
    let options = TxOptions::new().read_only();
    let writes = async |tx: &Tx<D::Backend>, which: usize| match which {
        0 => Tag::create().name("more").insert(tx).await.map(drop),
        1 => Tag::filter(Tag::name.eq("kept")).update().set(Tag::name, "lost").exec(tx).await.map(drop),
        2 => Tag::filter(Tag::name.eq("kept")).delete().exec(tx).await.map(drop),
        _ => Tag::insert_many((0..50).map(|n| Tag::create().name(format!("{n}")))).exec(tx).await.map(drop),
    };
    for which in 0..4 {
        let tx = f.db.begin_with(options).await?;
        assert_eq!(Tag::query().count(&tx).await?, 1);
        let refused = writes(&tx, which).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ReadOnly, "{refused}");
        assert!(refused.message().contains("only"), "{refused}");
        drop(tx);
    }
    // It was the transaction that could not write: the connection it had can.
    f.db.transaction(async |tx| Tag::create().name("after").insert(tx).await).await?;
    let names = Tag::query().order_by(Tag::name.asc()).select(Tag::name).all(&f.db).await?;
    assert_eq!(names, ["after", "kept"]);
    Ok(())
}

pub async fn a_savepoint_rolls_back_alone<D: Database>(f: &Fixture<D>) -> Result<()>
where
    D::Backend: Supports<Savepoints>,
{
    f.db.transaction(async |tx| {
        Tag::create().name("outer").insert(tx).await?;
        let inner: Result<()> = tx
            .transaction(async |tx| {
                Tag::create().name("inner").insert(tx).await?;
                Err(Error::new(ErrorKind::Usage, "no"))
            })
            .await;
        assert!(inner.is_err());
        tx.transaction(async |tx| Tag::create().name("second").insert(tx).await).await?;
        Ok(())
    })
    .await?;
    let names = Tag::query().order_by(Tag::name.asc()).select(Tag::name).all(&f.db).await?;
    assert_eq!(names, ["outer", "second"]);
    Ok(())
}

pub async fn a_dropped_transaction_future_leaves_nothing<D: Database>(f: &Fixture<D>) -> Result<()> {
    use std::future::Future;
    // Polled k times and dropped, for every k until it ends by itself.
    for k in 1..200 {
        let name = format!("try {k}");
        let mut work = Box::pin(f.db.transaction(async |tx| {
            Tag::create().name(name.as_str()).insert(tx).await?;
            Tag::query().count(tx).await
        }));
        let mut done = false;
        for _ in 0..k {
            let poll =
                std::future::poll_fn(|context| std::task::Poll::Ready(work.as_mut().poll(context))).await;
            if poll.is_ready() {
                done = true;
                break;
            }
        }
        drop(work);
        let there = Tag::filter(Tag::name.eq(name.as_str())).count(&f.db).await?;
        if done {
            assert_eq!(there, 1);
            return Ok(());
        }
        assert!(there <= 1);
    }
    Ok(())
}
