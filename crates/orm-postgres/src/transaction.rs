//! Transactions and savepoints: what is known of their state, and how they begin and end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use orm_core::backend::{Isolation, TxOptions};
use orm_core::{Error, ErrorKind, Result};

use crate::connection::Guard;
use crate::run;
use crate::session::{Place, Session, Work};

/// A transaction on the server, as all of its sessions see it.
pub struct Transaction {
    pub guard: Guard,
    depth: AtomicU32,
    /// Whether a savepoint was cut off before it was rolled back.
    broken: AtomicBool,
    /// Whether a statement failed: the server refuses all others until the savepoint or transaction is rolled back.
    failed: AtomicBool,
    ended: AtomicBool,
}

impl Transaction {
    pub fn check(&self, depth: u32) -> Result<()> {
        if self.ended.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Usage, "the transaction has ended"));
        }
        if self.broken.load(Ordering::Acquire) || self.guard.connection()?.is_spoiled() {
            return Err(Error::new(ErrorKind::Usage, "a part of this transaction was cut off; roll it back"));
        }
        if self.depth.load(Ordering::Acquire) != depth {
            return Err(Error::new(ErrorKind::Usage, "a nested transaction is open")
                .with_hint("use the inner `tx` until it ends"));
        }
        Ok(())
    }

    /// Notes that the server refuses what else is sent.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    async fn control(&self, sql: &str) -> Result<()> {
        run::control(&self.guard.settings, self.guard.connection()?, sql).await
    }

    /// The transaction is over: its connection is clean again.
    fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.guard.open.store(false, Ordering::Release);
    }
}

fn begin_sql(options: TxOptions) -> String {
    let mut sql = String::from("BEGIN");
    match options.isolation {
        Some(Isolation::ReadCommitted) => sql += " ISOLATION LEVEL READ COMMITTED",
        Some(Isolation::RepeatableRead) => sql += " ISOLATION LEVEL REPEATABLE READ",
        Some(Isolation::Serializable) => sql += " ISOLATION LEVEL SERIALIZABLE",
        _ => {}
    }
    if options.read_only {
        sql += " READ ONLY";
    }
    if options.deferrable {
        sql += " DEFERRABLE";
    }
    sql
}

pub async fn begin(session: &Session, options: TxOptions) -> Result<Session> {
    match &session.0 {
        Place::Pool(_, settings) => {
            let Work::Pooled(guard) = session.work().await? else {
                return Err(Error::new(ErrorKind::Usage, "the transaction has ended"));
            };
            // In doubt from here on: whoever drops the guard rolls back.
            guard.open.store(true, Ordering::Release);
            run::control(settings, guard.connection()?, &begin_sql(options)).await?;
            let tx = Transaction {
                guard: *guard,
                depth: AtomicU32::new(0),
                broken: AtomicBool::new(false),
                failed: AtomicBool::new(false),
                ended: AtomicBool::new(false),
            };
            Ok(Session(Place::Tx { tx: Arc::new(tx), depth: 0 }))
        }
        Place::Together(_) => Err(Error::new(ErrorKind::Usage, "no transaction can begin here")),
        Place::Tx { tx, depth } => {
            tx.check(*depth)?;
            // If this is cut off, nobody knows whether the savepoint is there.
            tx.broken.store(true, Ordering::Release);
            let result = tx.control(&format!("SAVEPOINT orm_{}", depth + 1)).await;
            tx.broken.store(false, Ordering::Release);
            if result.is_err() {
                tx.fail();
            }
            result?;
            tx.depth.store(depth + 1, Ordering::Release);
            Ok(Session(Place::Tx { tx: Arc::clone(tx), depth: depth + 1 }))
        }
    }
}

pub async fn commit(session: &Session) -> Result<()> {
    let Place::Tx { tx, depth } = &session.0 else { return Ok(()) };
    tx.check(*depth)?;
    if tx.failed.load(Ordering::Acquire) {
        // COMMIT would roll back and say nothing of it.
        rollback(session).await?;
        return Err(Error::new(
            ErrorKind::Database,
            "a statement of the transaction failed, so it was rolled back and not committed",
        )
        .with_hint("run what may fail in a nested transaction, or return its error"));
    }
    if *depth > 0 {
        tx.broken.store(true, Ordering::Release);
        tx.control(&format!("RELEASE SAVEPOINT orm_{depth}")).await?;
        tx.broken.store(false, Ordering::Release);
        tx.depth.store(depth - 1, Ordering::Release);
        return Ok(());
    }
    match tx.control("COMMIT").await {
        Ok(()) => {
            tx.end();
            Ok(())
        }
        Err(error) if run::is_lost(&error) => Err(Error::new(
            ErrorKind::CommitUnknown,
            "the connection was lost during COMMIT: the changes may or may not be saved",
        )
        .with_source(error)),
        Err(error) => {
            // The server rolled back: a deferred constraint, a serialization failure.
            tx.end();
            Err(error)
        }
    }
}

pub async fn rollback(session: &Session) -> Result<()> {
    let Place::Tx { tx, depth } = &session.0 else { return Ok(()) };
    if tx.ended.load(Ordering::Acquire) {
        return Ok(());
    }
    if *depth > 0 {
        tx.broken.store(true, Ordering::Release);
        tx.control(&format!("ROLLBACK TO SAVEPOINT orm_{depth}; RELEASE SAVEPOINT orm_{depth}")).await?;
        tx.broken.store(false, Ordering::Release);
        tx.failed.store(false, Ordering::Release);
        tx.depth.store(depth - 1, Ordering::Release);
        return Ok(());
    }
    tx.control("ROLLBACK").await?;
    tx.end();
    Ok(())
}

pub fn abandon(session: &Session) {
    // The guard of the transaction rolls back when its last session is dropped. A savepoint cannot be undone without
    // waiting, so the transaction around it cannot go on.
    if let Place::Tx { tx, depth } = &session.0 {
        if *depth > 0 {
            tx.broken.store(true, Ordering::Release);
        } else {
            tx.ended.store(true, Ordering::Release);
        }
    }
}

/// A transaction of the driver itself; cut off, it is abandoned.
pub struct Unfinished<'s>(pub &'s Session);

impl Unfinished<'_> {
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        abandon(self.0);
    }
}
