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

pub use capability::{And, Needs, Plus, Provides, Supports, capabilities};
pub use decode::{Affected, Collect, Decoder, First, Flow, FromRow, Nullable, Row, field};
pub use observe::{Observer, StatementEvent, StatementLog};
pub use tx::{Database, Isolation, Tx, TxOptions};

/// A future on the heap, for recursion over relations.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A stream on the heap.
pub type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + Send + 'a>>;

/// A database driver.
pub trait Backend: Sized + Send + Sync + 'static {
    /// The name as OpenTelemetry writes it in `db.system.name`: `sqlite`, `postgresql`, `mongodb`.
    const NAME: &'static str;

    /// Whether [`Command::UpdateRows`] is understood. If not, it never comes: rows are changed one by one instead.
    const UPDATE_ROWS: bool = false;

    /// Where commands are sent: the pool, or the connection of a transaction. Cheap to clone.
    type Session: Clone + Send + Sync + 'static;

    /// Runs one command and feeds its rows to the decoder.
    ///
    /// Obligations: a [`Datum::Invalid`](crate::value::Datum::Invalid) is returned as its error before anything is sent; the
    /// decoder may be [`reset`](Decoder::reset) and fed again from the start as long as the command is a read; errors are
    /// mapped to the kinds of [`ErrorKind`](crate::ErrorKind) with model and fields; dropping the future leaves
    /// the session usable and the data either unchanged or as after the command.
    fn run<D: Decoder>(
        session: &Self::Session,
        command: Command,
        decoder: D,
    ) -> impl Future<Output = Result<D::Out>> + Send;

    /// Rows one by one, in constant memory, with back-pressure. A dropped stream frees its connection.
    fn stream<T: FromRow + Send + 'static>(
        session: &Self::Session,
        command: Command,
    ) -> BoxStream<'static, Result<T>>;

    /// A session for several statements that go out together: on one connection where the driver can send one before the
    /// answer of another is there.
    fn together(session: &Self::Session) -> impl Future<Output = Result<Self::Session>> + Send {
        let session = session.clone();
        async move { Ok(session) }
    }

    /// Whether the database behind a session has a capability, by its name: for queries that were made
    /// [`dynamic`](crate::query::Query::dynamic).
    fn offers(session: &Self::Session, capability: &str) -> bool {
        let _ = (session, capability);
        false
    }

    /// The command in the database's language, for reading. Parameters are left as placeholders.
    fn render(session: &Self::Session, command: &Command) -> Result<String>;

    /// The database's plan for the command, as text for people.
    fn explain(session: &Self::Session, command: Command) -> impl Future<Output = Result<String>> + Send;

    /// Begins a transaction on a pool, or a savepoint in a transaction. The session that comes back stands for it.
    fn begin(
        session: &Self::Session,
        options: TxOptions,
    ) -> impl Future<Output = Result<Self::Session>> + Send;

    /// Commits what `begin` began. An error means rolled back, but for `CommitUnknown`.
    fn commit(session: &Self::Session) -> impl Future<Output = Result<()>> + Send;

    /// Rolls back what `begin` began.
    fn rollback(session: &Self::Session) -> impl Future<Output = Result<()>> + Send;

    /// Called from `Drop` for a transaction or savepoint that was neither committed nor rolled back: it must never commit, and
    /// the connection must not be used again before it is clean.
    fn abandon(session: &Self::Session);

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

/// What a query can be run on: a database handle or a transaction, by shared reference.
#[diagnostic::on_unimplemented(
    message = "a query cannot be run on `{Self}`",
    label = "expected a database such as `&db` or a transaction such as `tx`"
)]
pub trait Executor: Sync {
    /// The driver.
    type Backend: Backend;
    /// Where commands are sent.
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
