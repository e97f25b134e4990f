//! The gate: the one way of a command to its driver.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::Either;

use super::gate::{Gate, Watch, WatchedRows, end};
use super::{Context, Envelope, Scope, TxOptions, mark};
use crate::backend::{
    Backend, BoxStream, CommandKind, Decoder, Explain, FromRow, SchemaChanges, SchemaStore, Transactions,
};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::Command;
use crate::meta::ModelMeta;
use crate::schema::{Change, Difference, Snapshot};

/// A session of a driver with what is known about its commands. Every command passes here, and nothing else calls a driver.
///
/// A driver makes one for its database with [`Handle::new`]; [`begin`](Handle::begin) makes that of a transaction. On the way:
/// what a dynamic query requires is checked, [passes](super::Pass) act, observers are told, and a command on a database in
/// the closure of a transaction on it is refused.
pub struct Handle<B: Backend> {
    session: B::Session,
    /// Observers and passes; none for most.
    gate: Option<Arc<Gate>>,
    pub(super) context: Context,
    pub(super) home: Home,
    pub(super) scope: Scope,
}

/// Which database a handle belongs to.
#[derive(Clone, Copy)]
pub(super) struct Home {
    /// The number of the database in this process.
    database: u64,
    /// Whether its commands are refused in the closure of a transaction on the database. Those of the transaction itself are not.
    pub checked: bool,
}

impl<B: Backend> Clone for Handle<B> {
    fn clone(&self) -> Self {
        self.on(self.session.clone())
    }
}

impl<B: Backend> fmt::Debug for Handle<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("backend", &B::NAME)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

#[diagnostic::do_not_recommend]
impl<B: Transactions> super::Executor for Handle<B> {
    type Backend = B;
    fn handle(&self) -> &Handle<B> {
        self
    }
}

impl<B: Backend> Handle<B> {
    /// A handle on a session of a database of its own: for drivers.
    pub fn new(session: B::Session) -> Self {
        static DATABASES: AtomicU64 = AtomicU64::new(0);
        let database = DATABASES.fetch_add(1, Ordering::Relaxed);
        let home = Home { database, checked: true };
        Handle { session, gate: None, context: Context::new(), home, scope: Scope::database() }
    }

    /// The driver's session: for drivers, whose own commands need it. What is sent over it passes no gate: see
    /// [`native`](Self::native).
    pub fn session(&self) -> &B::Session {
        &self.session
    }

    /// What the caller said about the commands.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Another session of the same database, with everything else of this handle.
    fn on(&self, session: B::Session) -> Self {
        Handle {
            session,
            gate: self.gate.clone(),
            context: self.context.clone(),
            home: self.home,
            scope: self.scope.clone(),
        }
    }

    /// A session of another type for the same database: for drivers that stand for several.
    pub fn map<C: Backend>(&self, session: impl FnOnce(&B::Session) -> C::Session) -> Handle<C> {
        Handle {
            session: session(&self.session),
            gate: self.gate.clone(),
            context: self.context.clone(),
            home: self.home,
            scope: self.scope.clone(),
        }
    }

    /// Where what this handle reads is read.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whether passes may change what is read.
    pub(super) fn has_passes(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| !gate.passes.is_empty())
    }

    pub(super) fn gate_mut(&mut self) -> &mut Gate {
        Arc::make_mut(self.gate.get_or_insert_default())
    }

    /// The number of the database in this process.
    pub(super) fn database(&self) -> u64 {
        self.home.database
    }

    /// What every command has to pass before it is sent.
    #[inline]
    fn admit(&self, envelope: Envelope, kind: Option<CommandKind>) -> Result<(Command, Option<Watch>)> {
        self.in_place(envelope.command().model())?;
        if self.gate.is_none() && envelope.requires().is_empty() {
            return Ok((envelope.into_command(), None));
        }
        self.inspect(envelope, kind)
    }

    #[inline(never)]
    fn inspect(&self, mut envelope: Envelope, kind: Option<CommandKind>) -> Result<(Command, Option<Watch>)> {
        if let Some(name) = envelope.requires().iter().find(|name| !self.offers(name)) {
            return Err(lacks(name, envelope.command().model()));
        }
        let watch = match &self.gate {
            Some(gate) => gate.admit(&mut envelope, &self.context, kind)?,
            None => None,
        };
        Ok((envelope.into_command(), watch))
    }

    /// What has to pass that is no command of the IR.
    fn admit_native(&self, kind: CommandKind, model: Option<&'static ModelMeta>) -> Result<Option<Watch>> {
        self.in_place(model)?;
        let Some(gate) = &self.gate else { return Ok(None) };
        if kind == CommandKind::Native {
            gate.passes.iter().try_for_each(|pass| pass.native(model, &self.context))?;
        }
        Ok(gate.watch(kind, model, None, None, &self.context))
    }

    /// Refuses what is sent to the database in the closure of a transaction on it.
    #[inline]
    fn in_place(&self, model: Option<&'static ModelMeta>) -> Result<()> {
        match self.home.checked && mark::is_marked(self.home.database) {
            true => Err(misplaced(model)),
            false => Ok(()),
        }
    }

    /// Runs one command and feeds its rows to the decoder.
    pub fn run<C: Into<Envelope>, D: Decoder>(
        &self,
        command: C,
        decoder: D,
    ) -> impl Future<Output = Result<D::Out>> + Send + use<'_, B, C, D> {
        // Not an async block: it would keep the command and the decoder beside the driver's future, and make every future of the
        // library larger. Those who call this do it when they are polled.
        match self.admit(command.into(), None) {
            Ok((command, None)) => Either::Left(B::run(&self.session, command, decoder)),
            other => {
                let work = other.map(|(command, watch)| (B::run(&self.session, command, decoder), watch));
                Either::Right(Box::pin(async move {
                    let (work, watch) = work?;
                    let result = work.await;
                    end(watch, result.as_ref().map(drop));
                    result
                }))
            }
        }
    }

    /// Rows one by one, as [`Backend::stream`].
    pub fn stream<T: FromRow + Send + 'static>(
        &self,
        command: impl Into<Envelope>,
    ) -> BoxStream<'static, Result<T>> {
        match self.admit(command.into(), Some(CommandKind::Stream)) {
            Ok((command, None)) => B::stream(&self.session, command),
            Ok((command, watch)) => Box::pin(WatchedRows { rows: B::stream(&self.session, command), watch }),
            Err(error) => refused(error),
        }
    }

    /// The command in the database's language, without values; as the passes leave it.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn render(&self, command: impl Into<Envelope>) -> Result<String> {
        let mut envelope = command.into();
        if let Some(name) = envelope.requires().iter().find(|name| !self.offers(name)) {
            return Err(lacks(name, envelope.command().model()));
        }
        if let Some(gate) = &self.gate {
            gate.passes.iter().try_for_each(|pass| pass.apply(envelope.command_mut(), &self.context))?;
        }
        B::render(&self.session, envelope.command())
    }

    /// Runs what is a driver's own and no command of the IR: a batch, a COPY, a pipeline. Observers are told of it as
    /// [`CommandKind::Native`].
    pub async fn native<'h, T, F: Future<Output = Result<T>>>(
        &'h self,
        model: Option<&'static ModelMeta>,
        work: impl FnOnce(&'h B::Session) -> F,
    ) -> Result<T> {
        self.told(CommandKind::Native, model, work).await
    }

    /// As [`native`](Self::native), for a driver's own way of running a command of the IR, which the passes may change.
    pub async fn native_command<'h, T, F: Future<Output = Result<T>>>(
        &'h self,
        command: impl Into<Envelope>,
        work: impl FnOnce(&'h B::Session, Command) -> F,
    ) -> Result<T> {
        let (command, watch) = self.admit(command.into(), Some(CommandKind::Native))?;
        let result = work(&self.session, command).await;
        end(watch, result.as_ref().map(drop));
        result
    }

    /// As [`native_command`](Self::native_command), for rows one by one.
    pub fn native_rows<T: Send + 'static>(
        &self,
        command: impl Into<Envelope>,
        rows: impl FnOnce(&B::Session, Command) -> BoxStream<'static, Result<T>>,
    ) -> BoxStream<'static, Result<T>> {
        match self.admit(command.into(), Some(CommandKind::Native)) {
            Ok((command, None)) => rows(&self.session, command),
            Ok((command, watch)) => Box::pin(WatchedRows { rows: rows(&self.session, command), watch }),
            Err(error) => refused(error),
        }
    }

    async fn told<'h, T, F: Future<Output = Result<T>>>(
        &'h self,
        kind: CommandKind,
        model: Option<&'static ModelMeta>,
        work: impl FnOnce(&'h B::Session) -> F,
    ) -> Result<T> {
        let watch = self.admit_native(kind, model)?;
        let result = work(&self.session).await;
        end(watch, result.as_ref().map(drop));
        result
    }

    /// A handle for several commands that go out together, as [`Backend::together`].
    pub(crate) async fn together(&self) -> Result<Self> {
        self.in_place(None)?;
        Ok(self.on(B::together(&self.session).await?))
    }

    /// Whether the database has a capability, by its name.
    pub fn offers(&self, capability: &str) -> bool {
        B::offers(&self.session, capability)
    }

    /// Whether the database changes many rows by one command, as [`Backend::updates_rows`].
    pub fn updates_rows(&self) -> bool {
        B::updates_rows(&self.session)
    }

    /// Whether an order puts NaN before all numbers.
    pub(crate) fn nan_first(&self) -> bool {
        B::nan_first(&self.session)
    }
}

impl<B: Explain> Handle<B> {
    /// The database's plan for the command, as text for people.
    pub fn explain<C: Into<Envelope>>(
        &self,
        command: C,
    ) -> impl Future<Output = Result<String>> + Send + use<'_, B, C> {
        let envelope = command.into();
        async move {
            let (command, watch) = self.admit(envelope, Some(CommandKind::Explain))?;
            let result = B::explain(&self.session, command).await;
            end(watch, result.as_ref().map(drop));
            result
        }
    }
}

impl<B: Transactions> Handle<B> {
    /// Begins a transaction on a database, or what the library needs of one within a transaction. Whoever calls this
    /// ends it: with [`commit`](Self::commit), [`rollback`](Self::rollback) or [`abandon`](Self::abandon).
    pub(super) async fn begin(&self, options: TxOptions) -> Result<Self> {
        let session = self.told(CommandKind::Begin, None, |session| B::begin(session, options)).await?;
        Ok(self.inner(session))
    }

    /// Begins a savepoint that the program asked for.
    pub(super) async fn savepoint(&self) -> Result<Self> {
        let session = self.told(CommandKind::Begin, None, |session| B::savepoint(session)).await?;
        Ok(self.inner(session))
    }

    fn inner(&self, session: B::Session) -> Self {
        let mut handle = self.on(session);
        handle.home.checked = false;
        handle.scope = self.scope.inner();
        handle
    }

    pub(super) async fn commit(&self) -> Result<()> {
        self.told(CommandKind::Commit, None, |session| B::commit(session)).await
    }

    pub(super) async fn rollback(&self) -> Result<()> {
        self.told(CommandKind::Rollback, None, |session| B::rollback(session)).await
    }

    pub(super) fn abandon(&self) {
        let watch = self.admit_native(CommandKind::Rollback, None).ok().flatten();
        B::abandon(&self.session);
        end(watch, Ok(()));
    }
}

impl<B: SchemaStore> Handle<B> {
    /// Creates the tables of models, as [`Backend::create_all`].
    pub(crate) async fn create_all(&self, models: &[&'static ModelMeta]) -> Result<()> {
        self.told(CommandKind::Schema, None, |session| B::create_all(session, models)).await
    }

    /// Drops the tables of models, as [`Backend::drop_all`].
    pub(crate) async fn drop_all(&self, models: &[&'static ModelMeta]) -> Result<()> {
        self.told(CommandKind::Schema, None, |session| B::drop_all(session, models)).await
    }
}

/// Pieces of migrations: what `orm-migrate` needs of a database.
impl<B: SchemaChanges> Handle<B> {
    /// In which language the statements of a migration are written, as [`SchemaChanges::language`].
    pub fn language(&self) -> &'static str {
        B::language(&self.session)
    }

    /// Sends a piece of a migration, as [`SchemaChanges::change`].
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::schema::Change;
    /// db.handle().change(&Change::whole(["ALTER TABLE tags ADD COLUMN note TEXT".into()])).await?;
    /// assert_eq!(db.handle().count(&["SELECT count(note) FROM tags".into()]).await?, [0]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Those of the statements; [`ErrorKind::Migration`] if the guard does not hold.
    pub async fn change(&self, change: &Change) -> Result<()> {
        self.told(CommandKind::Schema, None, |session| B::change(session, change)).await
    }

    /// Asks queries for one number each, as [`SchemaChanges::count`].
    ///
    /// # Errors
    /// Those of the queries.
    pub async fn count(&self, queries: &[String]) -> Result<Vec<i64>> {
        self.told(CommandKind::Schema, None, |session| B::count(session, queries)).await
    }

    /// What the database has otherwise than a schema, as [`SchemaChanges::differences`].
    ///
    /// # Errors
    /// Those of the queries.
    pub async fn differences(&self, schema: &Snapshot, gone: &[String]) -> Result<Vec<Difference>> {
        self.told(CommandKind::Schema, None, |session| B::differences(session, schema, gone)).await
    }
}

fn refused<T: Send + 'static>(error: Error) -> BoxStream<'static, Result<T>> {
    Box::pin(futures_util::stream::once(std::future::ready(Err(error))))
}

#[cold]
fn lacks(name: &str, model: Option<&'static ModelMeta>) -> Error {
    let error =
        Error::new(ErrorKind::Unsupported, format!("this database cannot run the query: it has no `{name}`"))
            .with_hint("leave out the part that needs it, or use a database that has it");
    named(error, model)
}

#[cold]
fn misplaced(model: Option<&'static ModelMeta>) -> Error {
    let error = Error::new(ErrorKind::Usage, "the database is used in the closure of a transaction on it")
        .with_hint("run it on the closure's `tx`; if it is meant to happen apart from the transaction, on `db.apart()`");
    named(error, model)
}

fn named(error: Error, model: Option<&'static ModelMeta>) -> Error {
    match model {
        Some(model) => error.with_model(model.name),
        None => error,
    }
}
