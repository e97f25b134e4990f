//! Where commands are sent, and the connection that a command works on.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use orm_core::{Error, ErrorKind, Result};
use rusqlite::Connection;
use tokio::sync::OwnedMutexGuard;

use crate::connection::Open;
use crate::limits::Limits;
use crate::pool::{Guard, Pool, Role};
use crate::transaction::Transaction;
use crate::watch::{self, Caller, Cause, Stop, Watch};

/// Where commands are sent: the pool, or the connection of a transaction.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::backend::Backend;
/// use orm::sqlite::SqliteSession;
/// let session: &SqliteSession = db.handle().session();
/// assert!(Sqlite::offers(session, "Savepoints"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SqliteSession {
    pub(crate) place: Place,
    pub(crate) limits: Limits,
}

#[derive(Clone)]
pub(crate) enum Place {
    Pool(Arc<Pool>),
    Tx { transaction: Arc<Transaction>, depth: u32 },
}

impl std::fmt::Debug for SqliteSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqliteSession")
    }
}

impl SqliteSession {
    pub(crate) fn of_pool(pool: Arc<Pool>) -> Self {
        SqliteSession { place: Place::Pool(pool), limits: Limits::default() }
    }

    /// The session of a transaction that this one has begun.
    pub(crate) fn within(&self, transaction: Arc<Transaction>, depth: u32) -> Self {
        SqliteSession { place: Place::Tx { transaction, depth }, limits: self.limits.clone() }
    }

    /// The writing connection, waited for no longer than this.
    pub(crate) async fn work_within(&self, wait: Option<Duration>) -> Result<Work> {
        let Some(wait) = wait else { return self.work(true).await };
        match select(Box::pin(self.work(true)), futures_timer::Delay::new(wait)).await {
            Either::Left((work, _)) => work,
            Either::Right(_) => Err(Error::new(
                ErrorKind::LockTimeout,
                "a transaction of this program kept the database locked",
            )),
        }
    }

    /// A connection to work on.
    pub(crate) async fn work(&self, write: bool) -> Result<Work> {
        watch::not_cancelled(self.limits.cancel.as_ref())?;
        let lent = match &self.place {
            Place::Pool(pool) => {
                let role = if write { Role::Write } else { Role::Read };
                Lent::Pooled(pool.acquire(role).await?)
            }
            Place::Tx { transaction, depth } => {
                Lent::Tx(transaction.lock(*depth).await?, Arc::clone(transaction))
            }
        };
        Ok(Work { lent, limits: self.limits.clone() })
    }
}

/// A connection on loan, and what may stop the work on it.
pub(crate) struct Work {
    lent: Lent,
    limits: Limits,
}

enum Lent {
    Pooled(Guard),
    Tx(OwnedMutexGuard<Option<Guard>>, Arc<Transaction>),
}

/// What a statement runs on.
#[derive(Clone, Copy)]
pub(crate) struct On<'w> {
    pub pool: &'w Pool,
    pub connection: &'w Connection,
    pub watch: &'w Watch,
}

/// What came of an attempt on the caller's thread.
pub(crate) enum Attempt<T> {
    Done(T),
    /// It is too much, or has to wait: it starts again on a thread.
    Move,
}

impl Work {
    /// The connection of a transaction that is to be undone, whatever its limits are.
    pub fn of_transaction(guard: OwnedMutexGuard<Option<Guard>>, transaction: Arc<Transaction>) -> Self {
        Work { lent: Lent::Tx(guard, transaction), limits: Limits::default() }
    }

    /// With a connection of the pool, what is not stored when SQLite stops a statement is that statement alone.
    pub fn is_pooled(&self) -> bool {
        matches!(self.lent, Lent::Pooled(_))
    }

    pub fn guard(&self) -> Result<&Guard> {
        match &self.lent {
            Lent::Pooled(guard) => Ok(guard),
            Lent::Tx(guard, _) => guard.as_ref().ok_or_else(ended),
        }
    }

    /// The connection of the pool, for a transaction that begins.
    pub fn into_guard(self) -> Result<Guard> {
        match self.lent {
            Lent::Pooled(guard) => Ok(guard),
            Lent::Tx(..) => Err(ended()),
        }
    }

    pub fn transaction(&self) -> Option<&Arc<Transaction>> {
        match &self.lent {
            Lent::Pooled(_) => None,
            Lent::Tx(_, transaction) => Some(transaction),
        }
    }

    pub fn pool(&self) -> Result<&Arc<Pool>> {
        Ok(self.guard()?.pool())
    }

    /// Runs a closure on the caller's thread: it waits for no lock, and stops when its budget of steps is spent, if it has one.
    pub fn at_once<T>(&self, budget: bool, job: impl FnOnce(On<'_>) -> Result<T>) -> Result<Attempt<T>> {
        let guard = self.guard()?;
        let open = guard.open()?;
        let stop = self.stop(guard.pool(), None);
        let stops = stop.is_some();
        open.watch.begin(budget, stop);
        let result = job(On { pool: guard.pool(), connection: &open.connection, watch: &open.watch });
        let cause = open.watch.end(stops);
        self.look_after(open);
        match (result, cause) {
            (Ok(value), _) => Ok(Attempt::Done(value)),
            (Err(_), Some(Cause::Budget)) => Ok(Attempt::Move),
            (Err(error), None) if error.kind() == ErrorKind::LockTimeout => Ok(Attempt::Move),
            (Err(error), None) => Err(error),
            (Err(error), Some(cause)) => Err(cause.explain(error)),
        }
    }

    /// Runs a closure on this thread as long as it takes, and waits for locks as long as the settings say; `left` says that nobody
    /// waits for it any more.
    pub fn at_length<T>(
        &self,
        left: Option<Arc<AtomicBool>>,
        job: impl FnOnce(On<'_>) -> Result<T>,
    ) -> Result<T> {
        self.within(None, left, job)
    }

    /// As [`at_length`](Work::at_length), with another limit of waiting for locks.
    fn within<T>(
        &self,
        wait: Option<Duration>,
        left: Option<Arc<AtomicBool>>,
        job: impl FnOnce(On<'_>) -> Result<T>,
    ) -> Result<T> {
        watch::not_cancelled(self.limits.cancel.as_ref())?;
        let guard = self.guard()?;
        let open = guard.open()?;
        let pool = guard.pool();
        let stop = self.stop(pool, left);
        let stops = stop.is_some();
        open.watch.begin(false, stop);
        let result = watch::waiting(&open.watch, wait.unwrap_or(pool.settings.busy_timeout), || {
            job(On { pool, connection: &open.connection, watch: &open.watch })
        });
        let cause = open.watch.end(stops);
        self.look_after(open);
        match (result, cause) {
            (Err(error), Some(cause)) => Err(cause.explain(error)),
            (result, _) => result,
        }
    }

    /// As [`on_thread`](Work::on_thread), with another limit of waiting for locks.
    pub async fn on_thread_within<T: Send + 'static>(
        self,
        wait: Option<Duration>,
        job: impl FnOnce(On<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let caller = Caller::default();
        let left = caller.left();
        blocking::unblock(move || self.within(wait, Some(left), job)).await
    }

    /// Runs a closure on a thread of its own, [at length](Work::at_length); it is stopped when the caller leaves.
    pub async fn on_thread<T: Send + 'static>(
        self,
        job: impl FnOnce(On<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let caller = Caller::default();
        let left = caller.left();
        blocking::unblock(move || self.at_length(Some(left), job)).await
    }

    /// At once if nothing has the lock, else on a thread that waits for it.
    pub async fn patiently(self, job: impl Fn(On<'_>) -> Result<()> + Send + 'static) -> Result<Work> {
        match self.at_once(false, &job)? {
            Attempt::Done(()) => Ok(self),
            Attempt::Move => self.away(job).await,
        }
    }

    /// On a thread, whether the caller stays or leaves.
    pub async fn away(self, job: impl Fn(On<'_>) -> Result<()> + Send + 'static) -> Result<Work> {
        blocking::unblock(move || {
            self.at_length(None, job)?;
            Ok(self)
        })
        .await
    }

    fn stop(&self, pool: &Pool, left: Option<Arc<AtomicBool>>) -> Option<Stop> {
        let timeout = self.limits.timeout.or(pool.settings.statement_timeout);
        let cancel = &self.limits.cancel;
        (timeout.is_some() || cancel.is_some() || left.is_some()).then(|| Stop {
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            cancel: cancel.clone(),
            left,
        })
    }

    /// What the statement has done to the transaction and to the log.
    fn look_after(&self, open: &Open) {
        open.note_pages();
        if let Lent::Tx(_, transaction) = &self.lent
            && open.connection.is_autocommit()
        {
            transaction.has_ended_by_itself();
        }
    }
}

pub(crate) fn ended() -> Error {
    Error::new(ErrorKind::Usage, "the transaction has ended")
}
