//! Transactions and savepoints: what is known of their state, and how they begin and end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use orm_core::backend::{Isolation, TxOptions};
use orm_core::{Error, ErrorKind, Result};

use crate::connection::Guard;
use crate::session::{PgSession, Place, Work};
use crate::wire::Status;
use crate::{errors, run};

/// A transaction on the server, as all of its sessions see it. Whether it is open and whether it has failed is what the
/// server last [said](crate::wire) of it.
pub struct Transaction {
    pub guard: Guard,
    depth: AtomicU32,
    /// Streams whose rows are not all read.
    streams: AtomicU32,
    /// Whether a savepoint was cut off before it was rolled back.
    broken: AtomicBool,
    ended: AtomicBool,
}

impl Transaction {
    pub fn check(&self, depth: u32) -> Result<()> {
        let usage = |text: &str| Err(Error::new(ErrorKind::Usage, text));
        if self.ended.load(Ordering::Acquire) {
            return usage("the transaction has ended");
        }
        let connection = self.guard.connection()?;
        if connection.is_lost() {
            return Err(Error::new(ErrorKind::ConnectionLost, "the connection to the server is gone")
                .with_hint("nothing of the transaction is saved; run it again")
                .with_retry());
        }
        if self.broken.load(Ordering::Acquire) || connection.is_spoiled() {
            return usage("a part of this transaction was cut off; roll it back");
        }
        self.check_streams()?;
        if self.depth.load(Ordering::Acquire) != depth {
            return Err(Error::new(ErrorKind::Usage, "a nested transaction is open")
                .with_hint("use the inner `tx` until it ends"));
        }
        if !connection.is_in_transaction() {
            return Err(Error::new(ErrorKind::Usage, "the transaction was ended by SQL that ran in it")
                .with_hint("end it with `tx.commit()` or `tx.rollback()`, not with a statement"));
        }
        Ok(())
    }

    /// A statement behind rows that nobody reads meanwhile would wait for ever.
    fn check_streams(&self) -> Result<()> {
        if self.streams.load(Ordering::Acquire) == 0 {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Usage, "a stream of this transaction is still open")
            .with_hint("read it to its end or drop it first, or collect its rows with `.all(tx)`"))
    }

    pub fn open_stream(&self) {
        self.streams.fetch_add(1, Ordering::AcqRel);
    }

    pub fn close_stream(&self) {
        self.streams.fetch_sub(1, Ordering::AcqRel);
    }

    fn has_failed(&self) -> bool {
        self.guard.connection().is_ok_and(|connection| connection.wire.status() == Status::Failed)
    }

    async fn control(&self, sql: &str) -> Result<()> {
        run::control(&self.guard.settings, self.guard.connection()?, sql).await
    }

    fn end(&self) {
        self.ended.store(true, Ordering::Release);
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

pub async fn begin(session: &PgSession, options: TxOptions) -> Result<PgSession> {
    match &session.0 {
        Place::Pool(_, settings) => {
            let mut moves = session.moves();
            let guard = loop {
                let work = session.work().await?;
                let begun = run::control(settings, work.connection()?, &begin_sql(options)).await;
                match (begun, work) {
                    (Ok(()), Work::Pooled(guard)) => break guard,
                    // BEGIN alone has no effect: another connection serves as well.
                    (Err(error), work) if moves.again_idle(&work, &error) => {}
                    (Err(error), _) => return Err(error),
                    (Ok(()), _) => return Err(Error::new(ErrorKind::Usage, "no transaction can begin here")),
                }
            };
            let tx = Transaction {
                guard: *guard,
                depth: AtomicU32::new(0),
                streams: AtomicU32::new(0),
                broken: AtomicBool::new(false),
                ended: AtomicBool::new(false),
            };
            Ok(PgSession(Place::Tx { tx: Arc::new(tx), depth: 0 }))
        }
        Place::Together(_) => Err(Error::new(ErrorKind::Usage, "no transaction can begin here")),
        Place::Tx { tx, depth } => {
            tx.check(*depth)?;
            // If this is cut off, nobody knows whether the savepoint is there.
            tx.broken.store(true, Ordering::Release);
            let result = tx.control(&format!("SAVEPOINT orm_{}", depth + 1)).await;
            tx.broken.store(false, Ordering::Release);
            result?;
            tx.depth.store(depth + 1, Ordering::Release);
            Ok(PgSession(Place::Tx { tx: Arc::clone(tx), depth: depth + 1 }))
        }
    }
}

pub async fn commit(session: &PgSession) -> Result<()> {
    let Place::Tx { tx, depth } = &session.0 else { return Ok(()) };
    tx.check(*depth)?;
    if tx.has_failed() {
        // COMMIT would roll back and say nothing of it.
        rollback(session).await?;
        return Err(aborted());
    }
    if *depth > 0 {
        tx.broken.store(true, Ordering::Release);
        let released = tx.control(&format!("RELEASE SAVEPOINT orm_{depth}")).await;
        tx.broken.store(false, Ordering::Release);
        if let Err(error) = released {
            // A statement beside it failed, or SQL of the user's own took the savepoint away.
            rollback(session).await?;
            return Err(error);
        }
        tx.depth.store(depth - 1, Ordering::Release);
        return Ok(());
    }
    let connection = tx.guard.connection()?;
    let sent = connection.wire.sent();
    match tx.control("COMMIT").await {
        Ok(()) => {
            tx.end();
            // The server says ROLLBACK where it could not commit.
            if connection.wire.rolled_back() { Err(aborted()) } else { Ok(()) }
        }
        Err(error)
            if run::is_lost(&error) && (connection.wire.sent() == sent || errors::never_ran(&error)) =>
        {
            tx.end();
            Err(Error::new(
                ErrorKind::ConnectionLost,
                "the connection was lost before COMMIT was carried out: nothing is saved",
            )
            .with_source(error)
            .with_retry())
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

#[cold]
fn aborted() -> Error {
    Error::new(
        ErrorKind::Aborted,
        "a statement of the transaction failed, so it was rolled back and not committed",
    )
    .with_hint("run what may fail in a nested transaction, or return its error")
}

pub async fn rollback(session: &PgSession) -> Result<()> {
    let Place::Tx { tx, depth } = &session.0 else { return Ok(()) };
    if tx.ended.load(Ordering::Acquire) {
        return Ok(());
    }
    tx.check_streams()?;
    if !tx.guard.connection()?.is_in_transaction() {
        // SQL of the user's own ended it.
        tx.end();
        return Ok(());
    }
    if *depth > 0 {
        tx.broken.store(true, Ordering::Release);
        tx.control(&format!("ROLLBACK TO SAVEPOINT orm_{depth}; RELEASE SAVEPOINT orm_{depth}")).await?;
        tx.broken.store(false, Ordering::Release);
        tx.depth.store(depth - 1, Ordering::Release);
        return Ok(());
    }
    tx.control("ROLLBACK").await?;
    tx.end();
    Ok(())
}

pub fn abandon(session: &PgSession) {
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
pub struct Unfinished<'s>(pub &'s PgSession);

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
