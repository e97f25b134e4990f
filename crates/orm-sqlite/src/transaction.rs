//! Transactions and savepoints: their state, their beginning and their end.
//!
//! Whether a transaction is still open is asked of SQLite after every statement: `ON CONFLICT ROLLBACK`, `RAISE(ROLLBACK)`, a full
//! disk and an interrupted write end it (<https://sqlite.org/lang_transaction.html>), and so may SQL of the program's own. What came
//! afterwards would be stored at once, each statement for itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use orm_core::backend::TxOptions;
use orm_core::{Error, ErrorKind, Result};
use rusqlite::Connection;
use tokio::sync::{Mutex, Notify, OwnedMutexGuard};

use crate::pool::{Guard, Pool};
use crate::run;
use crate::session::{On, Place, SqliteSession, Work, ended};

/// A transaction that has changed more rows ends on a thread: COMMIT writes their pages, and ROLLBACK reads them back.
const LIGHT: u64 = 1000;

/// A transaction. Its connection rolls back when the last session of the transaction is gone.
pub(crate) struct Transaction {
    pool: Arc<Pool>,
    guard: Arc<Mutex<Option<Guard>>>,
    depth: AtomicU32,
    /// SQLite has ended it.
    aborted: AtomicBool,
    /// It was rolled back while a stream had its connection.
    left: AtomicBool,
    /// The savepoint that is undone before the next statement; 0 for none.
    undo: AtomicU32,
    /// A stream has the connection until it is read to its end or dropped.
    streams: AtomicBool,
    opened: Notify,
    /// The connection's count of changed rows when it began, and the bytes that were bound since.
    changes: u64,
    bytes: AtomicU64,
}

impl Transaction {
    pub fn has_ended_by_itself(&self) {
        self.aborted.store(true, Ordering::Release);
    }

    /// Takes note of what a write was given; [`u64::MAX`] for one that may change any number of rows.
    pub fn add_bytes(&self, bytes: u64) {
        let add = |sum: u64| Some(sum.saturating_add(bytes));
        // The closure never gives None.
        let _ = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Whether its end is quick enough for the caller's thread.
    fn is_light(&self, connection: &Connection) -> bool {
        connection.total_changes().saturating_sub(self.changes) <= LIGHT
            && self.bytes.load(Ordering::Relaxed) <= self.pool.settings.write_budget as u64
            && self.pool.settings.write_budget > 0
    }

    /// The connection, for a statement of the session at this depth.
    pub async fn lock(self: &Arc<Self>, depth: u32) -> Result<OwnedMutexGuard<Option<Guard>>> {
        let guard = self.turn().await?;
        self.check(&guard, depth)?;
        self.undone(guard).await
    }

    /// Waits for the statement before, and never for a stream: it may be the same task that reads it.
    async fn turn(&self) -> Result<OwnedMutexGuard<Option<Guard>>> {
        let mut opened = std::pin::pin!(self.opened.notified());
        opened.as_mut().enable();
        if self.streams.load(Ordering::Acquire) {
            return Err(streaming());
        }
        if let Ok(guard) = Arc::clone(&self.guard).try_lock_owned() {
            return Ok(guard);
        }
        let lock = std::pin::pin!(Arc::clone(&self.guard).lock_owned());
        match futures_util::future::select(lock, opened).await {
            futures_util::future::Either::Left((guard, _)) => Ok(guard),
            futures_util::future::Either::Right(_) => Err(streaming()),
        }
    }

    fn check(&self, guard: &Option<Guard>, depth: u32) -> Result<()> {
        if guard.is_none() || self.left.load(Ordering::Acquire) {
            return Err(ended());
        }
        if self.aborted.load(Ordering::Acquire) {
            return Err(aborted());
        }
        if self.depth.load(Ordering::Acquire) != depth {
            return Err(Error::new(ErrorKind::Usage, "a nested transaction is open")
                .with_hint("use the inner `tx` until it ends"));
        }
        Ok(())
    }

    /// Undoes the savepoint that was left while a statement was under way.
    async fn undone(
        self: &Arc<Self>,
        guard: OwnedMutexGuard<Option<Guard>>,
    ) -> Result<OwnedMutexGuard<Option<Guard>>> {
        if self.undo.load(Ordering::Acquire) == 0 {
            return Ok(guard);
        }
        let transaction = Arc::clone(self);
        let undone = blocking::unblock(move || {
            // Taken here: if the caller leaves before the thread begins, it is still to be done.
            let depth = transaction.undo.swap(0, Ordering::AcqRel);
            let result = guard.as_ref().ok_or_else(ended).and_then(|open| undo(open, depth));
            if result.is_err() {
                // The savepoint's changes are still there: nothing may be committed.
                transaction.has_ended_by_itself();
            }
            (guard, result)
        });
        let (guard, result) = undone.await;
        result.map(|()| guard)
    }

    /// A stream begins on the connection that is locked now.
    pub fn opens_stream(&self) {
        self.streams.store(true, Ordering::Release);
        self.opened.notify_waiters();
    }

    pub fn closes_stream(&self) {
        self.streams.store(false, Ordering::Release);
    }
}

fn aborted() -> Error {
    Error::new(ErrorKind::Aborted, "the database has ended the transaction").with_hint(
        "an earlier statement failed, or was stopped, and took the transaction with it: begin a new one",
    )
}

fn streaming() -> Error {
    Error::new(ErrorKind::Usage, "a stream of this transaction is open")
        .with_hint("read it to its end, or drop it, before the next statement")
}

/// Undoes a savepoint and everything inside it.
fn undo(open: &Guard, depth: u32) -> Result<()> {
    control(open.on()?, &format!("ROLLBACK TO orm_{depth}; RELEASE orm_{depth}"))
}

fn control(on: On<'_>, sql: &str) -> Result<()> {
    run::control(on, sql)
}

pub(crate) async fn begin(session: &SqliteSession, options: TxOptions) -> Result<SqliteSession> {
    match &session.place {
        Place::Pool(pool) => {
            let file = pool.settings.path.is_some();
            let (write, sql) = match options.read_only {
                true if file => (false, "BEGIN"),
                // A database in memory has one connection, which writes, for everybody.
                true => (true, "BEGIN"),
                false => (true, "BEGIN IMMEDIATE"),
            };
            let work = session.work(write).await?;
            let work = work.patiently(move |on| control(on, sql)).await?;
            let mut guard = work.into_guard()?;
            if options.read_only {
                guard.bar_writes()?;
            }
            let transaction = Transaction {
                pool: Arc::clone(pool),
                changes: guard.open()?.connection.total_changes(),
                guard: Arc::new(Mutex::new(Some(guard))),
                depth: AtomicU32::new(0),
                aborted: AtomicBool::new(false),
                left: AtomicBool::new(false),
                undo: AtomicU32::new(0),
                streams: AtomicBool::new(false),
                opened: Notify::new(),
                bytes: AtomicU64::new(0),
            };
            Ok(session.within(Arc::new(transaction), 0))
        }
        Place::Tx { transaction, depth } => {
            let depth = depth + 1;
            let work = session.work(true).await?;
            work.patiently(move |on| control(on, &format!("SAVEPOINT orm_{depth}"))).await?;
            transaction.depth.store(depth, Ordering::Release);
            Ok(session.within(Arc::clone(transaction), depth))
        }
    }
}

pub(crate) async fn commit(session: &SqliteSession) -> Result<()> {
    let Place::Tx { transaction, depth } = &session.place else { return Ok(()) };
    if *depth > 0 {
        let depth = *depth;
        let work = session.work(true).await?;
        work.patiently(move |on| control(on, &format!("RELEASE orm_{depth}"))).await?;
        transaction.depth.store(depth - 1, Ordering::Release);
        return Ok(());
    }
    let work = match session.work(true).await {
        Ok(work) => work,
        Err(error) => {
            leave(transaction);
            return Err(error);
        }
    };
    let open = work.guard()?.open()?;
    // COMMIT may sync the disk, and write or wait for what others read.
    let quick = !open.syncs && transaction.is_light(&open.connection);
    let commit = |on: On<'_>| control(on, "COMMIT");
    let result = if quick { work.patiently(commit).await } else { work.away(commit).await };
    let result = result.map(drop);
    // Whatever came of it, the connection goes back; the guard rolls back what COMMIT refused.
    drop(transaction.guard.lock().await.take());
    result
}

pub(crate) async fn rollback(session: &SqliteSession) -> Result<()> {
    let Place::Tx { transaction, depth } = &session.place else { return Ok(()) };
    let depth = *depth;
    if transaction.streams.load(Ordering::Acquire) && depth == 0 {
        // The stream has the connection, which is rolled back when it returns.
        leave(transaction);
        return Ok(());
    }
    let guard = transaction.turn().await?;
    let Some(open) = guard.as_ref() else { return Ok(()) };
    let is_open = !open.open()?.connection.is_autocommit();
    let quick = transaction.is_light(&open.open()?.connection);
    let work = Work::of_transaction(guard, Arc::clone(transaction));
    let sql = match depth {
        0 => "ROLLBACK".to_owned(),
        _ => format!("ROLLBACK TO orm_{depth}; RELEASE orm_{depth}"),
    };
    let undo = move |on: On<'_>| control(on, &sql);
    let result = match (is_open, quick) {
        // SQLite has undone it before.
        (false, _) => {
            drop(work);
            Ok(())
        }
        (true, true) => work.patiently(undo).await.map(drop),
        (true, false) => work.away(undo).await.map(drop),
    };
    if depth == 0 {
        drop(transaction.guard.lock().await.take());
    } else if result.is_ok() {
        transaction.depth.store(depth - 1, Ordering::Release);
        // A savepoint inside this one is undone with it.
        let inside = |undo: u32| (undo >= depth).then_some(0);
        let _ = transaction.undo.fetch_update(Ordering::AcqRel, Ordering::Acquire, inside);
    }
    result
}

/// From `Drop`: nothing is waited for.
pub(crate) fn abandon(session: &SqliteSession) {
    let Place::Tx { transaction, depth } = &session.place else { return };
    let depth = *depth;
    if depth == 0 {
        leave(transaction);
        return;
    }
    transaction.depth.store(depth - 1, Ordering::Release);
    let outermost = |undo: u32| if undo == 0 { depth } else { undo.min(depth) };
    let (Ok(undone) | Err(undone)) =
        transaction.undo.fetch_update(Ordering::AcqRel, Ordering::Acquire, |undo| Some(outermost(undo)));
    // What is quickly undone is undone here; what is not, or what a statement is still at work on, before the next statement.
    if let Ok(guard) = transaction.guard.try_lock()
        && let Some(open) = guard.as_ref()
        && open.open().is_ok_and(|open| transaction.is_light(&open.connection))
        && undo(open, outermost(undone)).is_ok()
    {
        transaction.undo.store(0, Ordering::Release);
    }
}

/// Nothing more is done in the transaction. Its connection goes back now, or when the statement that has it ends.
fn leave(transaction: &Transaction) {
    transaction.left.store(true, Ordering::Release);
    if let Ok(mut guard) = transaction.guard.try_lock() {
        drop(guard.take());
    }
}
