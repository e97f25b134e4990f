//! Transactions: the closure, the guard, savepoints and retries.
//!
//! Everything stands on [`Tx`], a guard that abandons its transaction when it is dropped. The closure forms commit it
//! on `Ok` and roll it back on `Err`; a future dropped in the middle drops the guard.

use std::sync::Arc;

use super::{Context, Executor, Handle, Pass, TxBuilder, TxOptions, With, mark};
use crate::backend::capabilities::Savepoints;
use crate::backend::{Explain, Observer, SchemaStore, Supports, Transactions};
use crate::error::{Error, Result};

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
pub struct Tx<B: Transactions> {
    handle: Handle<B>,
    open: bool,
}

impl<B: Transactions> std::fmt::Debug for Tx<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("backend", &B::NAME).field("open", &self.open).finish()
    }
}

#[diagnostic::do_not_recommend]
impl<B: Transactions> Executor for Tx<B> {
    type Backend = B;
    fn handle(&self) -> &Handle<B> {
        &self.handle
    }
}

impl<B: Transactions> Tx<B> {
    pub(crate) async fn start(handle: &Handle<B>, options: TxOptions) -> Result<Self> {
        Ok(Tx { handle: handle.begin(options).await?, open: true })
    }

    /// Another handle on the same transaction, which must not outlive it.
    pub(super) fn handle_clone(&self) -> Handle<B> {
        self.handle.clone()
    }

    async fn start_savepoint(handle: &Handle<B>) -> Result<Self> {
        Ok(Tx { handle: handle.savepoint().await?, open: true })
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
        let result = self.handle.commit().await;
        self.open = false;
        match result {
            Ok(()) => self.handle.scope().committed(),
            Err(_) => self.handle.scope().undone(),
        }
        result
    }

    /// Undoes the changes.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tx = db.begin().await?;
    /// Comment::query().delete().all_rows().exec(&tx).await?;
    /// tx.rollback().await?;
    /// assert_eq!(Comment::query().count(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    pub async fn rollback(mut self) -> Result<()> {
        let result = self.handle.rollback().await;
        self.open = false;
        self.handle.scope().undone();
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

    /// This transaction with something about its commands.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::backend::Context;
    /// db.transaction(async |tx| {
    ///     let step = tx.with(Context::new().tag("step", "cleanup"));
    ///     Comment::query().delete().all_rows().exec(&step).await
    /// })
    /// .await?;
    /// # Ok(()) }
    /// ```
    pub fn with(&self, context: Context) -> With<&Self> {
        With::new(self.handle.with(&context))
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
        Tx::start_savepoint(&self.handle).await
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
        finish(Tx::start_savepoint(&self.handle).await?, body).await
    }
}

impl<B: Transactions> Drop for Tx<B> {
    fn drop(&mut self) {
        if self.open {
            self.handle.scope().undone();
            self.handle.abandon();
        }
    }
}

/// Runs the closure in the transaction and ends it as the closure ends.
pub(super) async fn finish<B, T, E, F>(tx: Tx<B>, body: F) -> std::result::Result<T, E>
where
    B: Transactions,
    E: From<Error>,
    F: AsyncFnOnce(&Tx<B>) -> std::result::Result<T, E>,
{
    let result = mark::marked(tx.handle.database(), body(&tx)).await;
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
pub trait Database: Executor<Backend: Explain + SchemaStore> + Clone + Send + Sync + 'static {
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
        finish(Tx::start(self.handle(), TxOptions::default()).await?, body).await
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
        finish(Tx::start(self.handle(), TxOptions::default()).await?, body).await
    }

    /// As [`transaction`](Database::transaction), with options. The closure may run more than once when
    /// [`TxOptions::retries`] says so: after a [retryable](Error::is_retryable) error, following a pause that
    /// doubles from 5 ms and varies at random. Each attempt runs a clone of it, so it borrows what it needs, and counts in a `Cell` or an atomic.
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
    async fn transaction_with<T, F>(&self, options: TxOptions, body: F) -> Result<T>
    where
        F: AsyncFnOnce(&Tx<Self::Backend>) -> Result<T> + Clone,
    {
        super::builder::run(self.handle(), options, body).await
    }

    /// Settings of a transaction, one by one: `db.tx().isolation(..).retries(3).run(async |tx| ..)`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let name = String::from("Cyd");
    /// db.tx()
    ///     .isolation(Isolation::Serializable)
    ///     .retries(3)
    ///     .run(async |tx| User::find(3).one(tx).await?.update().name(name.as_str()).save(tx).await)
    ///     .await?;
    /// assert_eq!(User::find(3).one(&db).await?.name, "Cyd");
    /// # Ok(()) }
    /// ```
    fn tx(&self) -> TxBuilder<'_, Self::Backend> {
        TxBuilder::new(self.handle())
    }

    /// This database with something about its commands: see [`Context`].
    fn with(&self, context: Context) -> With<Self> {
        With::new(self.handle().with(&context))
    }

    /// This database with one more pass over every command: see [`Pass`].
    fn passing(&self, pass: impl Pass) -> With<Self> {
        With::new(self.handle().passing(pass))
    }

    /// This database with one more observer, who is told of the commands that are run here. Statements are told to the observer that the
    /// driver was built with.
    fn observed_by(&self, observer: Arc<dyn Observer>) -> With<Self> {
        With::new(self.handle().observed_by(observer))
    }

    /// This database for use in the closure of a transaction on it, where it is refused otherwise. What is done here happens at
    /// once and stays if the transaction is rolled back; on a database with one writer a write waits for the transaction, which waits for it.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # let dir = std::env::temp_dir().join(format!("orm-doc-apart-{}", std::process::id())); std::fs::create_dir_all(&dir).unwrap();
    /// # let db = Sqlite::connect(dir.join("app.db")).await?; GuideSchema::create_all(&db).await?;
    /// db.transaction(async |tx| {
    ///     Tag::create().name("new").insert(tx).await?;
    ///     let error = Tag::query().count(&db).await.unwrap_err();
    ///     assert_eq!(error.kind(), ErrorKind::Usage);
    ///     assert_eq!(Tag::query().count(&db.apart()).await?, 0, "what others see");
    ///     Ok(())
    /// })
    /// .await?;
    /// # db.close().await; std::fs::remove_dir_all(&dir).ok();
    /// # Ok(()) }
    /// ```
    fn apart(&self) -> With<Self> {
        With::new(self.handle().apart())
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
        async move { Tx::start(self.handle(), options).await }
    }
}
