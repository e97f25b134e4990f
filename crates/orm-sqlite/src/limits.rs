//! Limits of the statements of one call: a time, a cancellation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use orm_core::backend::{Database, Executor, Handle};

use crate::{Sqlite, SqliteSession};

/// What may end a statement before its end.
#[derive(Clone, Default)]
pub(crate) struct Limits {
    /// Instead of the builder's.
    pub timeout: Option<Duration>,
    pub cancel: Option<SqliteCancel>,
}

/// Stops statements from outside: those that were sent through [`SqliteLimits::cancelled_by`], now and later.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::sqlite::{SqliteCancel, SqliteLimits};
/// let cancel = SqliteCancel::new();
/// let report = db.cancelled_by(&cancel);
/// assert_eq!(User::query().count(&report).await?, 3);
/// cancel.cancel();
/// assert_eq!(User::query().count(&report).await.unwrap_err().kind(), ErrorKind::Cancelled);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct SqliteCancel(Arc<AtomicBool>);

impl SqliteCancel {
    /// Nothing is cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the statements. A write that is stopped is undone; inside a transaction SQLite undoes all of it, and the transaction is
    /// [`Aborted`](orm_core::ErrorKind::Aborted) from then on.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`cancel`](SqliteCancel::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A database or a transaction whose statements have limits of their own: see [`SqliteLimits`].
#[derive(Clone)]
pub struct SqliteLimited(Handle<Sqlite>);

impl std::fmt::Debug for SqliteLimited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqliteLimited")
    }
}

#[diagnostic::do_not_recommend]
impl Executor for SqliteLimited {
    type Backend = Sqlite;
    fn handle(&self) -> &Handle<Sqlite> {
        &self.0
    }
}

impl Database for SqliteLimited {}

/// Limits for the statements of one call, on a database or in a transaction.
pub trait SqliteLimits: Executor<Backend = Sqlite> {
    /// Ends each statement that takes longer with [`StatementTimeout`](orm_core::ErrorKind::StatementTimeout).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use std::time::Duration;
    /// use orm::sqlite::SqliteLimits;
    /// let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    /// let error = sql::<i64>(endless).one(&db.statement_timeout(Duration::from_millis(20))).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::StatementTimeout);
    /// # Ok(()) }
    /// ```
    fn statement_timeout(&self, time: Duration) -> SqliteLimited {
        SqliteLimited(self.handle().map(|session| session.limited(|limits| limits.timeout = Some(time))))
    }

    /// Lets another task stop the statements.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use std::time::Duration;
    /// use orm::sqlite::{SqliteCancel, SqliteLimits};
    /// let cancel = SqliteCancel::new();
    /// let stop = cancel.clone();
    /// std::thread::spawn(move || {
    ///     std::thread::sleep(Duration::from_millis(20));
    ///     stop.cancel();
    /// });
    /// let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    /// let error = sql::<i64>(endless).one(&db.cancelled_by(&cancel)).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Cancelled);
    /// # Ok(()) }
    /// ```
    fn cancelled_by(&self, cancel: &SqliteCancel) -> SqliteLimited {
        let cancelled = |limits: &mut Limits| limits.cancel = Some(cancel.clone());
        SqliteLimited(self.handle().map(|session| session.limited(cancelled)))
    }
}

impl<E: Executor<Backend = Sqlite> + ?Sized> SqliteLimits for E {}

/// The session with other limits.
impl SqliteSession {
    fn limited(&self, change: impl FnOnce(&mut Limits)) -> SqliteSession {
        let mut session = self.clone();
        change(&mut session.limits);
        session
    }
}
