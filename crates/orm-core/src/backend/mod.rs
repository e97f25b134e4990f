//! The traits that a database driver implements, and the ones a query runs through.
//!
//! A query travels: typed shell → [`ir::Command`](crate::ir::Command) → [`Backend::run`] with a [`Decoder`], which the
//! driver feeds with its own [`Row`]s. `run` is generic over the decoder, so decoding is compiled for the driver's
//! row and happens where the row is; nothing dynamic stands between.
//!
//! Only [`Handle`] calls a driver; [`Executor`] is what `&db` and `&tx` have in common. A driver's obligations are written on the methods of
//! [`Backend`]; it depends on this crate (and `orm-sql` if it speaks SQL) and on no other driver.

mod any;
mod capability;
mod decode;
mod observe;
mod watch;

use std::future::Future;
use std::pin::Pin;

use futures_core::Stream;

use crate::error::Result;
use crate::ir::Command;
use crate::meta::ModelMeta;
use crate::schema::{Change, Difference, Snapshot};

pub use capability::{And, Needs, Plus, ProvidedBy, Supports, capabilities};
pub(crate) use decode::field;
pub use decode::{Affected, Collect, Decoder, First, Flow, FromRow, Nullable, Row};
pub use observe::{CommandEvent, CommandKind, Observer, Outcome, StatementEvent, StatementLog};

pub(crate) use crate::exec::atomically;
pub use watch::{StatementWatch, Watcher, What};

pub use crate::exec::{
    Context, Database, Envelope, Executor, Handle, Isolation, Pass, Tx, TxBuilder, TxOptions, With, run,
};

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

/// A database driver: what every one can do. [`Transactions`], [`Explain`] and [`SchemaStore`] are what most can do.
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
    /// let users = Sqlite::run(db.handle().session(), command, Collect::<User>::default()).await?;
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
    /// let users: Vec<User> = Sqlite::stream(db.handle().session(), command).try_collect().await?;
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
    /// let session = Sqlite::together(db.handle().session()).await?;
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
    /// assert!(Sqlite::offers(db.handle().session(), "Savepoints"));
    /// assert!(!Sqlite::offers(db.handle().session(), "RowLocks"));
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
    /// assert!(Sqlite::updates_rows(db.handle().session()));
    /// # Ok(()) }
    /// ```
    fn updates_rows(session: &Self::Session) -> bool {
        let _ = session;
        false
    }

    /// Whether an order puts the floating-point NaN before all numbers, and a comparison with a number leaves it out. Otherwise it
    /// is larger than all numbers in both, or not stored at all.
    fn nan_first(session: &Self::Session) -> bool {
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
    /// assert_eq!(Sqlite::render(db.handle().session(), &command)?, r#"SELECT "id" FROM "users""#);
    /// # Ok(()) }
    /// ```
    fn render(session: &Self::Session, command: &Command) -> Result<String>;
}

/// A database that can say how it would run a command.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no plans to show",
    label = "this database cannot explain a query"
)]
pub trait Explain: Backend {
    /// The database's plan for the command, as text for people. A write is not carried out.
    fn explain(session: &Self::Session, command: Command) -> impl Future<Output = Result<String>> + Send;
}

/// A database with transactions.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no transactions",
    label = "this database cannot do several things as one"
)]
pub trait Transactions: Backend {
    /// Begins a transaction on a pool, or a savepoint in a transaction. The session that comes back stands for it.
    fn begin(
        session: &Self::Session,
        options: TxOptions,
    ) -> impl Future<Output = Result<Self::Session>> + Send;

    /// Begins a savepoint that a program asked for. A database without them says so here, while [`begin`](Transactions::begin) in a
    /// transaction still has to serve the library, which writes some things in parts that must all succeed.
    fn savepoint(session: &Self::Session) -> impl Future<Output = Result<Self::Session>> + Send {
        Self::begin(session, TxOptions::default())
    }

    /// Commits what `begin` began. An error means rolled back, but for `CommitUnknown`.
    fn commit(session: &Self::Session) -> impl Future<Output = Result<()>> + Send;

    /// Rolls back what `begin` began.
    fn rollback(session: &Self::Session) -> impl Future<Output = Result<()>> + Send;

    /// Called from `Drop` for a transaction or savepoint that was neither committed nor rolled back: it must never commit, and
    /// the connection must not be used again before it is clean.
    fn abandon(session: &Self::Session);
}

/// A database whose tables can be made from the models.
#[diagnostic::on_unimplemented(message = "`{Self}` makes no tables", label = "this database keeps no schema")]
pub trait SchemaStore: Backend {
    /// Creates the tables, indexes and constraints of the models, parents first; existing ones are left alone.
    fn create_all(
        session: &Self::Session,
        models: &[&'static ModelMeta],
    ) -> impl Future<Output = Result<()>> + Send;

    /// Drops the tables of the models, children first; missing ones are passed over.
    fn drop_all(
        session: &Self::Session,
        models: &[&'static ModelMeta],
    ) -> impl Future<Output = Result<()>> + Send;
}

/// A database whose schema can be changed while it has rows: what the migrations of `orm-migrate` need of a driver.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no migrations",
    label = "this database keeps no schema"
)]
pub trait SchemaChanges: SchemaStore {
    /// In which language the statements of a migration are written: the name of its files, `sqlite`, `postgres` or `mongo`.
    fn language(session: &Self::Session) -> &'static str;

    /// Sends a piece of a migration.
    ///
    /// Rows keep their foreign keys: a database that cannot rebuild a table under its children looks at all keys before it commits.
    ///
    /// # Errors
    /// Those of the statements; [`ErrorKind::Migration`](crate::ErrorKind::Migration) if the guard does not hold.
    fn change(session: &Self::Session, change: &Change) -> impl Future<Output = Result<()>> + Send;

    /// Asks queries for one number each, such as the rows that a change would not fit.
    fn count(session: &Self::Session, queries: &[String]) -> impl Future<Output = Result<Vec<i64>>> + Send;

    /// What the database has otherwise than a schema, in the database's own words. Tables that the schema lacks are not looked at,
    /// but for those named in `gone`, which should not be there.
    fn differences(
        session: &Self::Session,
        schema: &Snapshot,
        gone: &[String],
    ) -> impl Future<Output = Result<Vec<Difference>>> + Send;
}
