//! The traits that a database driver implements, and the ones a query runs through.
//!
//! A query travels: typed shell → [`ir::Command`](crate::ir::Command) → [`Backend::run`] with a [`Decoder`], which the
//! driver feeds with its own [`Row`]s. `run` is generic over the decoder, so decoding is compiled for the driver's
//! row and happens where the row is; nothing dynamic stands between.
//!
//! [`Executor`] is what `&db` and `&tx` have in common. A driver's obligations are written on the methods of
//! [`Backend`]; it depends on this crate (and `orm-sql` if it speaks SQL) and on no other driver.

mod capability;
mod decode;
mod observe;
mod tx;

use std::future::Future;
use std::pin::Pin;

use futures_core::Stream;

use crate::error::Result;
use crate::ir::Command;
use crate::meta::ModelMeta;

pub use capability::{And, Needs, Plus, ProvidedBy, Supports, capabilities};
pub(crate) use decode::field;
pub use decode::{Affected, Collect, Decoder, First, Flow, FromRow, Nullable, Row};
pub use observe::{Observer, StatementEvent, StatementLog};
pub use tx::{Database, Isolation, Tx, TxOptions};

/// A future on the heap, for recursion over relations.
///
/// ```
/// use orm::backend::BoxFuture;
/// fn depth(levels: u32) -> BoxFuture<'static, u32> {
///     Box::pin(async move { if levels == 0 { 0 } else { 1 + depth(levels - 1).await } })
/// }
/// ```
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A stream on the heap.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::backend::BoxStream;
/// use futures_util::StreamExt;
/// let names: BoxStream<'static, Result<String>> = User::query().select(User::name).stream(&db);
/// assert_eq!(names.count().await, 3);
/// # Ok(()) }
/// ```
pub type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + Send + 'a>>;

/// A database driver.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm_core::backend::{Backend, Executor};
/// /// The name of the database and its text of a query.
/// fn describe<E: Executor>(query: Query<User>, db: &E) -> Result<(&'static str, String)> {
///     Ok((E::Backend::NAME, query.to_sql(db)?))
/// }
/// assert_eq!(describe(User::query(), &db)?.0, "sqlite");
/// # Ok(()) }
/// ```
pub trait Backend: Sized + Send + Sync + 'static {
    /// The name as OpenTelemetry writes it in `db.system.name`: `sqlite`, `postgresql`, `mongodb`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_core::backend::Backend;
    /// assert_eq!(Sqlite::NAME, "sqlite");
    /// ```
    const NAME: &'static str;

    /// Where commands are sent: the pool, or the connection of a transaction. Cheap to clone.
    type Session: Clone + Send + Sync + 'static;

    /// Runs one command and feeds its rows to the decoder.
    ///
    /// Obligations: a [`Datum::Invalid`](crate::value::Datum::Invalid) is returned as its error before anything is sent; the
    /// decoder may be [`reset`](Decoder::reset) and fed again from the start as long as the command is a read; errors are
    /// mapped to the kinds of [`ErrorKind`](crate::ErrorKind) with model and fields; dropping the future leaves
    /// the session usable and the data either unchanged or as after the command.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm_core::backend::{Backend, Collect};
    /// use orm_core::ir::Command;
    /// let command = Command::Select(Box::new(User::query().into_select()));
    /// let users = Sqlite::run(db.session(), command, Collect::<User>::default()).await?;
    /// assert_eq!(users.len(), 3);
    /// # Ok(()) }
    /// ```
    fn run<D: Decoder>(
        session: &Self::Session,
        command: Command,
        decoder: D,
    ) -> impl Future<Output = Result<D::Out>> + Send;

    /// Rows one by one, in constant memory, with back-pressure. A dropped stream frees its connection.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use futures_util::TryStreamExt;
    /// use orm_core::backend::Backend;
    /// use orm_core::ir::Command;
    /// let command = Command::Select(Box::new(User::query().into_select()));
    /// let users: Vec<User> = Sqlite::stream(db.session(), command).try_collect().await?;
    /// assert_eq!(users.len(), 3);
    /// # Ok(()) }
    /// ```
    fn stream<T: FromRow + Send + 'static>(
        session: &Self::Session,
        command: Command,
    ) -> BoxStream<'static, Result<T>>;

    /// A session for several statements that go out together: on one connection where the driver can send one before the
    /// answer of another is there.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm_core::backend::{Backend, Collect};
    /// use orm_core::ir::Command;
    /// let session = Sqlite::together(db.session()).await?;
    /// let command = || Command::Select(Box::new(User::query().into_select()));
    /// let first = Sqlite::run(&session, command(), Collect::<User>::default());
    /// let second = Sqlite::run(&session, command(), Collect::<User>::default());
    /// let (first, second) = futures_util::future::join(first, second).await;
    /// assert_eq!(first?.len(), second?.len());
    /// # Ok(()) }
    /// ```
    fn together(session: &Self::Session) -> impl Future<Output = Result<Self::Session>> + Send {
        let session = session.clone();
        async move { Ok(session) }
    }

    /// Whether the database behind a session has a capability, by its name: for queries that were made
    /// [`dynamic`](crate::query::Query::dynamic).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm_core::backend::Backend;
    /// assert!(Sqlite::offers(db.session(), "Savepoints"));
    /// assert!(!Sqlite::offers(db.session(), "RowLocks"));
    /// # Ok(()) }
    /// ```
    fn offers(session: &Self::Session, capability: &str) -> bool {
        let _ = (session, capability);
        false
    }

    /// Whether the database behind a session understands [`Command::UpdateRows`]. If not, it never comes: rows are changed one by one
    /// instead.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm_core::backend::Backend;
    /// assert!(Sqlite::updates_rows(db.session()));
    /// # Ok(()) }
    /// ```
    fn updates_rows(session: &Self::Session) -> bool {
        let _ = session;
        false
    }

    /// The command in the database's language, for reading. Parameters are left as placeholders.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm_core::backend::Backend;
    /// use orm_core::ir::Command;
    /// let command = Command::Select(Box::new(User::query().select(User::id).into_select()));
    /// assert_eq!(Sqlite::render(db.session(), &command)?, r#"SELECT "id" FROM "users""#);
    /// # Ok(()) }
    /// ```
    fn render(session: &Self::Session, command: &Command) -> Result<String>;

    /// The database's plan for the command, as text for people.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm_core::backend::Backend;
    /// use orm_core::ir::Command;
    /// let command = Command::Select(Box::new(User::query().into_select()));
    /// assert!(Sqlite::explain(db.session(), command).await?.contains("SCAN users"));
    /// # Ok(()) }
    /// ```
    fn explain(session: &Self::Session, command: Command) -> impl Future<Output = Result<String>> + Send;

    /// Begins a transaction on a pool, or a savepoint in a transaction. The session that comes back stands for it.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm_core::backend::{Affected, Backend};
    /// use orm_core::ir::{Command, RawSql};
    /// let session = <Sqlite as Backend>::begin(db.session(), TxOptions::new()).await?;
    /// let raw = RawSql { sql: "DELETE FROM comments".to_owned(), binds: Vec::new(), write: true };
    /// Sqlite::run(&session, Command::Raw(Box::new(raw)), Affected::default()).await?;
    /// Sqlite::rollback(&session).await?;
    /// drop(session);
    /// assert_eq!(Comment::query().count(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    fn begin(
        session: &Self::Session,
        options: TxOptions,
    ) -> impl Future<Output = Result<Self::Session>> + Send;

    /// Begins a savepoint that a program asked for. A database without them says so here, while [`begin`](Backend::begin) in a
    /// transaction still has to serve the library, which writes some things in parts that must all succeed.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm_core::backend::Backend;
    /// let tx = db.begin().await?;
    /// let inner = <Sqlite as Backend>::savepoint(tx.session()).await?;
    /// Sqlite::rollback(&inner).await?;
    /// tx.commit().await?;
    /// # Ok(()) }
    /// ```
    fn savepoint(session: &Self::Session) -> impl Future<Output = Result<Self::Session>> + Send {
        Self::begin(session, TxOptions::default())
    }

    /// Commits what `begin` began. An error means rolled back, but for `CommitUnknown`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm_core::backend::{Affected, Backend};
    /// use orm_core::ir::{Command, RawSql};
    /// let session = <Sqlite as Backend>::begin(db.session(), TxOptions::new()).await?;
    /// let raw = RawSql { sql: "DELETE FROM comments".to_owned(), binds: Vec::new(), write: true };
    /// Sqlite::run(&session, Command::Raw(Box::new(raw)), Affected::default()).await?;
    /// Sqlite::commit(&session).await?;
    /// drop(session);
    /// assert_eq!(Comment::query().count(&db).await?, 0);
    /// # Ok(()) }
    /// ```
    fn commit(session: &Self::Session) -> impl Future<Output = Result<()>> + Send;

    /// Rolls back what `begin` began.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm_core::backend::Backend;
    /// let session = <Sqlite as Backend>::begin(db.session(), TxOptions::new()).await?;
    /// Sqlite::rollback(&session).await?;
    /// # Ok(()) }
    /// ```
    fn rollback(session: &Self::Session) -> impl Future<Output = Result<()>> + Send;

    /// Called from `Drop` for a transaction or savepoint that was neither committed nor rolled back: it must never commit, and
    /// the connection must not be used again before it is clean.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm_core::backend::Backend;
    /// let session = <Sqlite as Backend>::begin(db.session(), TxOptions::new()).await?;
    /// Sqlite::abandon(&session);
    /// drop(session);
    /// assert_eq!(User::query().count(&db).await?, 3);
    /// # Ok(()) }
    /// ```
    fn abandon(session: &Self::Session);

    /// Creates the tables, indexes and constraints of the models, parents first; existing ones are left alone.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// use orm_core::backend::Backend;
    /// let db = Sqlite::memory().await?;
    /// Sqlite::create_all(db.session(), &[Tag::meta()]).await?;
    /// assert_eq!(Tag::query().count(&db).await?, 0);
    /// # Ok(()) }
    /// ```
    fn create_all(
        session: &Self::Session,
        models: &[&'static ModelMeta],
    ) -> impl Future<Output = Result<()>> + Send;

    /// Drops the tables of the models, children first; missing ones are passed over.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm_core::backend::Backend;
    /// Sqlite::drop_all(db.session(), &[Comment::meta()]).await?;
    /// assert_eq!(Comment::query().count(&db).await.unwrap_err().kind(), ErrorKind::Schema);
    /// # Ok(()) }
    /// ```
    fn drop_all(
        session: &Self::Session,
        models: &[&'static ModelMeta],
    ) -> impl Future<Output = Result<()>> + Send;
}

/// What a query can be run on: a database handle or a transaction, by shared reference.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// /// Runs on a database and in a transaction.
/// async fn how_many<E: Executor>(db: &E) -> Result<u64> {
///     User::query().count(db).await
/// }
/// let outside = how_many(&db).await?;
/// let inside = db.transaction(async |tx| how_many(tx).await).await?;
/// assert_eq!((outside, inside), (3, 3));
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "a query cannot be run on `{Self}`",
    label = "expected a database such as `&db` or a transaction such as `tx`"
)]
pub trait Executor: Sync {
    /// The driver.
    type Backend: Backend;
    /// Where commands are sent.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::backend::Backend;
    /// assert!(Sqlite::offers(db.session(), "RawSql"));
    /// # Ok(()) }
    /// ```
    fn session(&self) -> &<Self::Backend as Backend>::Session;
}

#[diagnostic::do_not_recommend]
impl<E: Executor + ?Sized> Executor for &E {
    type Backend = E::Backend;
    fn session(&self) -> &<E::Backend as Backend>::Session {
        (**self).session()
    }
}

#[diagnostic::do_not_recommend]
impl<E: Executor + Send + ?Sized> Executor for std::sync::Arc<E> {
    type Backend = E::Backend;
    fn session(&self) -> &<E::Backend as Backend>::Session {
        (**self).session()
    }
}

/// Runs a command on an executor.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::backend::{Collect, run};
/// use orm::ir::Command;
/// let command = Command::Select(Box::new(User::query().into_select()));
/// assert_eq!(run(&db, command, Collect::<User>::default()).await?.len(), 3);
/// # Ok(()) }
/// ```
pub fn run<'e, E: Executor + ?Sized, D: Decoder>(
    db: &'e E,
    command: Command,
    decoder: D,
) -> impl Future<Output = Result<D::Out>> + Send + use<'e, E, D> {
    E::Backend::run(db.session(), command, decoder)
}

/// Runs a command on a session.
pub(crate) fn run_on<'s, B: Backend, D: Decoder>(
    session: &'s B::Session,
    command: Command,
    decoder: D,
) -> impl Future<Output = Result<D::Out>> + Send + use<'s, B, D> {
    B::run(session, command, decoder)
}
