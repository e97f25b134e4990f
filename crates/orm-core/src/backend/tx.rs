//! Transactions: the closure, the guard, savepoints and retries.
//!
//! Everything stands on [`Tx`], a guard that abandons its transaction when it is dropped. The closure forms commit it
//! on `Ok` and roll it back on `Err`; a future dropped in the middle drops the guard.

use std::time::Duration;

use super::capability::capabilities::Savepoints;
use super::{Backend, Executor, Supports};
use crate::error::{Error, Result};

/// How transactions that run at the same time see each other.
///
/// ```
/// use orm::backend::{Isolation, TxOptions};
/// let options = TxOptions::new().isolation(Isolation::RepeatableRead);
/// assert_eq!(options.isolation, Some(Isolation::RepeatableRead));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// Each statement sees what is committed when it starts.
    ReadCommitted,
    /// All statements see the same snapshot.
    RepeatableRead,
    /// As if the transactions ran one after the other. SQLite is always serializable.
    Serializable,
}

/// The options of a transaction.
///
/// ```
/// use orm_core::backend::{Isolation, TxOptions};
/// let options = TxOptions::new().isolation(Isolation::Serializable).retries(5);
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct TxOptions {
    /// The isolation; `None` leaves it to the database.
    pub isolation: Option<Isolation>,
    /// Whether writes are refused.
    pub read_only: bool,
    /// Whether a serializable read-only transaction may wait for a safe snapshot (PostgreSQL).
    pub deferrable: bool,
    /// How often a transaction that failed with a retryable error is run again.
    pub retries: u32,
}

impl TxOptions {
    /// The database's own defaults, no retries.
    ///
    /// ```
    /// use orm::backend::TxOptions;
    /// let options = TxOptions::new();
    /// assert_eq!((options.isolation, options.read_only, options.retries), (None, false, 0));
    /// ```
    pub fn new() -> Self {
        Self::default()
    }
    /// Sets the isolation.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let options = TxOptions::new().isolation(Isolation::Serializable);
    /// let count = db.transaction_with(options, async |tx| User::query().count(tx).await).await?;
    /// assert_eq!(count, 3);
    /// # Ok(()) }
    /// ```
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = Some(isolation);
        self
    }
    /// Refuses writes.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tx = db.begin_with(TxOptions::new().read_only()).await?;
    /// assert_eq!(User::query().count(&tx).await?, 3);
    /// # Ok(()) }
    /// ```
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }
    /// Lets a serializable read-only transaction wait for a safe snapshot.
    ///
    /// ```
    /// use orm::backend::{Isolation, TxOptions};
    /// let report = TxOptions::new().isolation(Isolation::Serializable).read_only().deferrable();
    /// assert!(report.deferrable);
    /// ```
    pub fn deferrable(mut self) -> Self {
        self.deferrable = true;
        self
    }
    /// Runs the transaction again, up to `times`, after a retryable error.
    ///
    /// ```
    /// use orm::backend::TxOptions;
    /// assert_eq!(TxOptions::new().retries(3).retries, 3);
    /// ```
    pub fn retries(mut self, times: u32) -> Self {
        self.retries = times;
        self
    }
}

/// A transaction or a savepoint within one. Dropped without [`commit`](Tx::commit), it is rolled back.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let tx = db.begin().await?;
/// Tag::create().name("news").insert(&tx).await?;
/// drop(tx);
/// assert_eq!(Tag::query().count(&db).await?, 1);
/// # Ok(()) }
/// ```
pub struct Tx<B: Backend> {
    session: B::Session,
    open: bool,
}

impl<B: Backend> std::fmt::Debug for Tx<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("backend", &B::NAME).field("open", &self.open).finish()
    }
}

#[diagnostic::do_not_recommend]
impl<B: Backend> Executor for Tx<B> {
    type Backend = B;
    fn session(&self) -> &B::Session {
        &self.session
    }
}

impl<B: Backend> Tx<B> {
    pub(crate) async fn start(session: &B::Session, options: TxOptions) -> Result<Self> {
        Ok(Tx { session: B::begin(session, options).await?, open: true })
    }

    async fn start_savepoint(session: &B::Session) -> Result<Self> {
        Ok(Tx { session: B::savepoint(session).await?, open: true })
    }

    /// Makes the changes permanent (of a savepoint: part of the transaction around it).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tx = db.begin().await?;
    /// Tag::create().name("news").insert(&tx).await?;
    /// tx.commit().await?;
    /// assert_eq!(Tag::query().count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub async fn commit(mut self) -> Result<()> {
        // The driver marks the connection as in doubt before it waits and takes care of an error itself; a future that is
        // dropped while waiting still finds `open` and abandons.
        let result = B::commit(&self.session).await;
        self.open = false;
        result
    }

    /// Undoes the changes.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tx = db.begin().await?;
    /// Comment::query().into_delete().all_rows().exec(&tx).await?;
    /// tx.rollback().await?;
    /// assert_eq!(Comment::query().count(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    pub async fn rollback(mut self) -> Result<()> {
        let result = B::rollback(&self.session).await;
        self.open = false;
        result
    }

    /// Commits what succeeded and undoes what did not.
    pub(crate) async fn end<T, E: From<Error>>(
        self,
        result: std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        match result {
            Ok(value) => {
                self.commit().await?;
                Ok(value)
            }
            Err(error) => {
                // The work's error is the one that matters; the driver does not reuse a connection whose rollback failed.
                let _ = self.rollback().await;
                Err(error)
            }
        }
    }

    /// Begins a savepoint, as a guard.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tx = db.begin().await?;
    /// Tag::create().name("kept").insert(&tx).await?;
    /// let inner = tx.begin().await?;
    /// Tag::create().name("undone").insert(&inner).await?;
    /// inner.rollback().await?;
    /// tx.commit().await?;
    /// assert_eq!(Tag::query().count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub async fn begin(&self) -> Result<Tx<B>>
    where
        B: Supports<Savepoints>,
    {
        Tx::start_savepoint(&self.session).await
    }

    /// Runs the closure in a savepoint: `Ok` keeps its changes, `Err` undoes them and leaves the transaction usable.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// db.transaction(async |tx| {
    ///     Tag::create().name("kept").insert(tx).await?;
    ///     let inner = tx.transaction(async |tx| Tag::create().name("kept").insert(tx).await).await;
    ///     assert_eq!(inner.unwrap_err().kind(), ErrorKind::Unique);
    ///     Ok(())
    /// })
    /// .await?;
    /// assert_eq!(Tag::filter(Tag::name.eq("kept")).count(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    pub async fn transaction<T, F>(&self, body: F) -> Result<T>
    where
        F: AsyncFnOnce(&Tx<B>) -> Result<T>,
        B: Supports<Savepoints>,
    {
        finish(Tx::start_savepoint(&self.session).await?, body).await
    }
}

impl<B: Backend> Drop for Tx<B> {
    fn drop(&mut self) {
        if self.open {
            B::abandon(&self.session);
        }
    }
}

async fn finish<B, T, E, F>(tx: Tx<B>, body: F) -> std::result::Result<T, E>
where
    B: Backend,
    E: From<Error>,
    F: AsyncFnOnce(&Tx<B>) -> std::result::Result<T, E>,
{
    let result = body(&tx).await;
    tx.end(result).await
}

/// A database handle: it begins transactions.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// async fn rename<D: Database>(db: &D, id: i64, name: &str) -> Result<User> {
///     let tx = db.begin().await?;
///     let user = User::find(id).one(&tx).await?.update().name(name).save(&tx).await?;
///     tx.commit().await?;
///     Ok(user)
/// }
/// assert_eq!(rename(&db, 1, "Ada L.").await?.name, "Ada L.");
/// # Ok(()) }
/// ```
#[allow(async_fn_in_trait)]
pub trait Database: Executor + Clone + Send + Sync + 'static {
    /// Runs the closure in a transaction: `Ok` commits, `Err` rolls back, and so does dropping the future.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let moved = db
    ///     .transaction(async |tx| {
    ///         let bob = User::filter(User::name.eq("Bob")).one(tx).await?;
    ///         Post::filter(Post::author_id.eq(1)).update().set(Post::author_id, bob.id).exec(tx).await
    ///     })
    ///     .await?;
    /// assert_eq!(moved, 2);
    /// # Ok(()) }
    /// ```
    async fn transaction<T, F>(&self, body: F) -> Result<T>
    where
        F: AsyncFnOnce(&Tx<Self::Backend>) -> Result<T>,
    {
        finish(Tx::start(self.session(), TxOptions::default()).await?, body).await
    }

    /// As [`transaction`](Database::transaction), with an error type of your own.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// #[derive(Debug)]
    /// enum Refused {
    ///     Broke,
    ///     Database(orm::Error),
    /// }
    /// impl From<orm::Error> for Refused {
    ///     fn from(error: orm::Error) -> Self {
    ///         Refused::Database(error)
    ///     }
    /// }
    /// let result: Result<(), Refused> = db
    ///     .try_transaction(async |tx| {
    ///         Tag::create().name("news").insert(tx).await?;
    ///         Err(Refused::Broke)
    ///     })
    ///     .await;
    /// assert!(matches!(result, Err(Refused::Broke)));
    /// assert_eq!(Tag::query().count(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    async fn try_transaction<T, E, F>(&self, body: F) -> std::result::Result<T, E>
    where
        E: From<Error>,
        F: AsyncFnOnce(&Tx<Self::Backend>) -> std::result::Result<T, E>,
    {
        finish(Tx::start(self.session(), TxOptions::default()).await?, body).await
    }

    /// As [`transaction`](Database::transaction), with options. The closure may run more than once when
    /// [`TxOptions::retries`] says so: after a [retryable](Error::is_retryable) error, following a pause that
    /// doubles from 5 ms and varies at random.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let options = TxOptions::new().isolation(Isolation::Serializable).retries(3);
    /// let age = db
    ///     .transaction_with(options, async |tx| {
    ///         let user = User::find(3).one(tx).await?;
    ///         Ok(user.update().age(21).save(tx).await?.age)
    ///     })
    ///     .await?;
    /// assert_eq!(age, Some(21));
    /// # Ok(()) }
    /// ```
    async fn transaction_with<T, F>(&self, options: TxOptions, mut body: F) -> Result<T>
    where
        F: AsyncFnMut(&Tx<Self::Backend>) -> Result<T>,
    {
        let mut attempt = 0;
        loop {
            let result = match Tx::start(self.session(), options).await {
                Ok(tx) => finish(tx, &mut body).await,
                Err(error) => Err(error),
            };
            match result {
                Err(error) if error.is_retryable() && attempt < options.retries => {
                    attempt += 1;
                    crate::pause::pause(backoff(attempt)).await;
                }
                other => return other,
            }
        }
    }

    /// Begins a transaction, as a guard.
    ///
    /// Its future is `Send` for every database, that of [`transaction`](Database::transaction) only where the compiler knows which
    /// database it is: code that is generic over `D: Database` and runs on several threads uses the guard.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tx = db.begin().await?;
    /// User::find(1).one(&tx).await?.update().age(37).save(&tx).await?;
    /// tx.commit().await?;
    /// assert_eq!(User::find(1).one(&db).await?.age, Some(37));
    /// # Ok(()) }
    /// ```
    fn begin(&self) -> impl Future<Output = Result<Tx<Self::Backend>>> + Send {
        self.begin_with(TxOptions::default())
    }

    /// Begins a transaction with options, as a guard.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tx = db.begin_with(TxOptions::new().read_only()).await?;
    /// assert_eq!(User::query().count(&tx).await?, 3);
    /// # Ok(()) }
    /// ```
    fn begin_with(&self, options: TxOptions) -> impl Future<Output = Result<Tx<Self::Backend>>> + Send {
        async move { Tx::start(self.session(), options).await }
    }
}

/// 5 ms doubled for each attempt, at most a second, of which a random half is taken off.
fn backoff(attempt: u32) -> Duration {
    let full = Duration::from_millis(5).saturating_mul(1 << attempt.min(8)).min(Duration::from_secs(1));
    let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), attempt);
    full / 2 + full.mul_f64((random % 1000) as f64 / 2000.0)
}
