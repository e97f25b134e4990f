//! The handle, its sessions, and the driver's side of the traits of the core.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use deadpool::managed::PoolError;
use orm_core::backend::{Backend, BoxStream, Database, Decoder, Executor, FromRow, Isolation, Tx, TxOptions};
use orm_core::ir::Command;
use orm_core::meta::ModelMeta;
use orm_core::{Error, ErrorKind, Result};

use crate::builder::{PostgresBuilder, Settings};
use crate::connection::{Connection, Guard, Pool};
use crate::plan::{ExplainOptions, Plan, sql_of};
use crate::{bind, copy, run, schema, stream};

/// A PostgreSQL database: a pool of connections, cheap to clone.
///
/// ```no_run
/// # async fn example() -> orm_core::Result<()> {
/// use orm_postgres::Postgres;
/// let db = Postgres::connect("postgres://user:password@localhost/app").await?;
/// assert!(Postgres::CAPABILITIES.contains(&"RowLocks"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Postgres {
    session: Session,
    pool: Pool,
}

/// How the connections of a pool are used at a moment.
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # async fn example(db: Postgres) -> Result<()> {
/// use orm::postgres::PoolStatus;
/// let PoolStatus { max, open, idle, waiting } = db.status();
/// println!("{open} of {max} connections, {idle} idle, {waiting} wait");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// How many connections there may be.
    pub max: usize,
    /// How many are open.
    pub open: usize,
    /// How many of them are idle.
    pub idle: usize,
    /// How many statements wait for one.
    pub waiting: usize,
}

/// Where commands are sent: the pool, or the connection of a transaction.
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # async fn example(db: Postgres) -> Result<()> {
/// use orm::backend::Backend;
/// use orm::postgres::Session;
/// let session: &Session = db.session();
/// assert!(Postgres::offers(session, "RowLocks"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Session(Place);

#[derive(Clone)]
enum Place {
    Pool(Pool, Arc<Settings>),
    /// One connection of the pool, for statements that are sent together.
    Together(Arc<Guard>),
    Tx {
        shared: Arc<Shared>,
        depth: u32,
    },
}

/// A transaction.
pub(crate) struct Shared {
    guard: Guard,
    depth: AtomicU32,
    /// Whether a savepoint was cut off before it was rolled back.
    broken: AtomicBool,
    /// Whether a statement failed: the server refuses all others until the savepoint or transaction is rolled back.
    failed: AtomicBool,
    ended: AtomicBool,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl Postgres {
    pub(crate) fn new(pool: Pool, settings: Arc<Settings>) -> Self {
        Postgres { session: Session(Place::Pool(pool.clone(), settings)), pool }
    }

    /// Connects to a database by its URL: `postgres://user:password@host:port/database`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// let db = Postgres::connect("postgres://user:password@localhost/app").await?;
    /// GuideSchema::create_all(&db).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`PostgresBuilder::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Postgres> {
        Postgres::builder(url).connect().await
    }

    /// Settings other than the defaults.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// let builder = Postgres::builder("postgres://user:password@localhost/app").max_connections(5);
    /// let db = builder.connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn builder(url: impl Into<String>) -> PostgresBuilder {
        PostgresBuilder::new(url)
    }

    /// Runs statements of your own, as they are; several are one transaction.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// db.execute_batch("CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE SCHEMA IF NOT EXISTS shop").await?;
    /// # Ok(()) }
    /// ```
    pub async fn execute_batch(&self, sql: &str) -> Result<()> {
        run::batch(&self.session, sql).await
    }

    /// Takes a connection from the pool and gives it back.
    pub(crate) async fn ping(&self) -> Result<()> {
        self.session.work().await.map(drop)
    }

    /// Takes a lock that means what its key means to the program; waits for it. It is held until the transaction ends, so
    /// it can neither be forgotten nor leak into the pool.
    ///
    /// ```no_run
    /// # async fn example(db: &orm_postgres::Postgres) -> orm_core::Result<()> {
    /// use orm_core::backend::Database;
    /// db.transaction(async |tx| {
    ///     orm_postgres::Postgres::advisory_lock(tx, 42).await?;
    ///     // only one program at a time is here
    ///     Ok(())
    /// })
    /// .await
    /// # }
    /// ```
    pub async fn advisory_lock(tx: &Tx<Postgres>, key: i64) -> Result<()> {
        let lock = orm_core::query::sql::<i64>("SELECT 1::bigint FROM pg_advisory_xact_lock(?)");
        lock.bind(key).all(tx).await.map(drop)
    }

    /// As [`advisory_lock`](Postgres::advisory_lock), but says `false` instead of waiting.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// let done = db
    ///     .transaction(async |tx| {
    ///         if !Postgres::try_advisory_lock(tx, 42).await? {
    ///             return Ok(false);     // somebody else is at it
    ///         }
    ///         Comment::query().into_delete().all_rows().exec(tx).await?;
    ///         Ok(true)
    ///     })
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub async fn try_advisory_lock(tx: &Tx<Postgres>, key: i64) -> Result<bool> {
        orm_core::query::sql::<bool>("SELECT pg_try_advisory_xact_lock(?)").bind(key).one(tx).await
    }

    /// Checks deferrable foreign keys at the end of the transaction, whatever the model says of them.
    ///
    /// ```no_run
    /// # async fn example(db: &orm_postgres::Postgres) -> orm_core::Result<()> {
    /// use orm_core::backend::Database;
    /// db.transaction(async |tx| {
    ///     orm_postgres::Postgres::defer_constraints(tx).await?;
    ///     // rows in any order
    ///     orm_postgres::Postgres::check_constraints(tx).await
    /// })
    /// .await
    /// # }
    /// ```
    pub async fn defer_constraints(tx: &Tx<Postgres>) -> Result<()> {
        orm_core::query::sql::<()>("SET CONSTRAINTS ALL DEFERRED").exec(tx).await.map(drop)
    }

    /// Checks deferred foreign keys now, and from now on with each statement.
    ///
    /// # Errors
    /// [`ErrorKind::ForeignKey`] if one does not hold.
    pub async fn check_constraints(tx: &Tx<Postgres>) -> Result<()> {
        orm_core::query::sql::<()>("SET CONSTRAINTS ALL IMMEDIATE").exec(tx).await.map(drop)
    }

    /// Sets a parameter of the server until the transaction ends, such as `app.tenant` for row-level security.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// let own = db
    ///     .transaction(async |tx| {
    ///         Postgres::set_local(tx, "app.tenant", "7").await?;
    ///         Post::query().all(tx).await     // the rows that the tenant may see
    ///     })
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub async fn set_local(tx: &Tx<Postgres>, name: &str, value: &str) -> Result<()> {
        let set = orm_core::query::sql::<String>("SELECT set_config(?, ?, true)");
        set.bind(name.to_owned()).bind(value.to_owned()).all(tx).await.map(drop)
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        match &self.session.0 {
            Place::Pool(_, settings) => Arc::clone(settings),
            Place::Together(guard) => Arc::clone(&guard.settings),
            Place::Tx { shared, .. } => Arc::clone(&shared.guard.settings),
        }
    }

    /// How the connections are used at this moment.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// assert!(db.status().open <= db.status().max);
    /// # Ok(()) }
    /// ```
    pub fn status(&self) -> PoolStatus {
        let status = self.pool.status();
        PoolStatus {
            max: status.max_size,
            open: status.size,
            idle: status.available,
            waiting: status.waiting,
        }
    }

    /// Closes the connections: idle ones now, those on loan when they come back. Later calls fail with `ConnectionLost`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// db.close().await;
    /// assert_eq!(User::query().count(&db).await.unwrap_err().kind(), ErrorKind::ConnectionLost);
    /// # Ok(()) }
    /// ```
    pub async fn close(&self) {
        self.pool.close();
    }
}

#[diagnostic::do_not_recommend]
impl Executor for Postgres {
    type Backend = Postgres;
    fn session(&self) -> &Session {
        &self.session
    }
}

impl Database for Postgres {}
orm_core::supports!(
    Postgres: Savepoints, RawSql, InsertSelect, RowLocks, DistinctOn, Regex, JsonOperators, Arrays,
    FullText, TextAggregates, NativeOperators, Ranges, ListAggregates, OrderedSets, Lateral, TableSample
);

/// A connection to work on: on loan from the pool, or the transaction's.
pub(crate) enum Work {
    Pooled(Box<Guard>),
    Together(Arc<Guard>),
    Tx(Arc<Shared>),
}

impl Work {
    fn guard(&self) -> &Guard {
        match self {
            Work::Pooled(guard) => guard,
            Work::Together(guard) => guard,
            Work::Tx(shared) => &shared.guard,
        }
    }

    pub(crate) fn connection(&self) -> Result<&Connection> {
        self.guard().connection()
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.guard().settings
    }

    /// Rows are on their way until [`finish_stream`](Work::finish_stream) says that all of them came.
    pub(crate) fn start_stream(&self) {
        if let Ok(connection) = self.connection() {
            std::mem::forget(connection.start());
        }
    }

    pub(crate) fn finish_stream(&self) {
        if let Ok(connection) = self.connection() {
            connection.finish();
        }
    }

    /// Notes that the server refuses what else the transaction sends.
    pub(crate) fn fail(&self) {
        if let Work::Tx(shared) = self {
            shared.failed.store(true, Ordering::Release);
        }
    }

    /// Notes what the server thinks of the transaction after a statement.
    fn note<T>(&self, result: &Result<T>) {
        if let (Work::Tx(shared), Err(error)) = (self, result)
            && error.code().is_some()
        {
            shared.failed.store(true, Ordering::Release);
        }
    }
}

impl Session {
    pub(crate) async fn work(&self) -> Result<Work> {
        match &self.0 {
            Place::Pool(pool, settings) => {
                match pool.get().await {
                    Ok(object) => Ok(Work::Pooled(Box::new(Guard::new(object, Arc::clone(settings))))),
                    Err(PoolError::Backend(error)) => Err(error),
                    Err(PoolError::Timeout(_)) => {
                        Err(Error::new(ErrorKind::PoolTimeout, "no connection became free in time")
                            .with_hint("allow more connections, or hold transactions for a shorter time"))
                    }
                    Err(PoolError::Closed) => {
                        Err(Error::new(ErrorKind::ConnectionLost, "the database handle was closed"))
                    }
                    Err(error) => Err(Error::new(ErrorKind::ConnectionLost, "no connection could be made")
                        .with_source(error)),
                }
            }
            Place::Together(guard) => Ok(Work::Together(Arc::clone(guard))),
            Place::Tx { shared, depth } => {
                shared.check(*depth)?;
                Ok(Work::Tx(Arc::clone(shared)))
            }
        }
    }

    fn settings(&self) -> &Settings {
        match &self.0 {
            Place::Pool(_, settings) => settings,
            Place::Together(guard) => &guard.settings,
            Place::Tx { shared, .. } => &shared.guard.settings,
        }
    }
}

impl Shared {
    fn check(&self, depth: u32) -> Result<()> {
        if self.ended.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Usage, "the transaction has ended"));
        }
        if self.broken.load(Ordering::Acquire) || self.guard.connection()?.is_spoiled() {
            return Err(Error::new(ErrorKind::Usage, "a part of this transaction was cut off; roll it back"));
        }
        if self.depth.load(Ordering::Acquire) != depth {
            return Err(Error::new(ErrorKind::Usage, "a nested transaction is open")
                .with_hint("use the inner `tx` until it ends"));
        }
        Ok(())
    }

    async fn control(&self, sql: &str) -> Result<()> {
        run::control(&self.guard.settings, self.guard.connection()?, sql).await
    }

    /// The transaction is over: its connection is clean again.
    fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.guard.open.store(false, Ordering::Release);
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

impl Backend for Postgres {
    const NAME: &'static str = "postgresql";
    type Session = Session;

    async fn run<D: Decoder>(session: &Session, command: Command, mut decoder: D) -> Result<D::Out> {
        bind::check(&command)?;
        let pieces = match &command {
            Command::Insert(insert) => run::pieces(insert, session.settings().pooled)
                .map(|pieces| pieces.into_iter().map(|piece| Command::Insert(Box::new(piece))).collect()),
            Command::UpdateRows(update) => run::single_updates(update),
            _ => None,
        };
        if let Some(pieces) = pieces {
            return Box::pin(run_pieces(session, pieces, decoder)).await;
        }
        let work = session.work().await?;
        let result = run::execute(work.settings(), work.connection()?, &command, &mut decoder).await;
        work.note(&result);
        if result.is_err() && copy::suits(&command).is_some() {
            // A copy that was broken off here is an error there.
            work.fail();
        }
        let affected = result?;
        drop(work);
        decoder.finish(if command.is_write() { affected } else { 0 })
    }

    fn stream<T: FromRow + Send + 'static>(
        session: &Session,
        command: Command,
    ) -> BoxStream<'static, Result<T>> {
        stream::rows(session.clone(), command)
    }

    async fn together(session: &Session) -> Result<Session> {
        match &session.0 {
            Place::Pool(..) => match session.work().await? {
                Work::Pooled(guard) => Ok(Session(Place::Together(Arc::new(*guard)))),
                _ => Ok(session.clone()),
            },
            // A transaction has one connection anyway.
            _ => Ok(session.clone()),
        }
    }

    fn offers(_: &Session, capability: &str) -> bool {
        Self::CAPABILITIES.contains(&capability)
    }

    fn updates_rows(_: &Session) -> bool {
        true
    }

    fn render(session: &Session, command: &Command) -> Result<String> {
        Ok(run::compiled(session.settings(), command)?.1.sql.clone())
    }

    async fn explain(session: &Session, command: Command) -> Result<String> {
        let work = session.work().await?;
        let explain = |sql: &str| format!("EXPLAIN {sql}");
        let result = run::explain(work.settings(), work.connection()?, &command, explain).await;
        work.note(&result);
        result
    }

    async fn begin(session: &Session, options: TxOptions) -> Result<Session> {
        match &session.0 {
            Place::Pool(_, settings) => {
                let Work::Pooled(guard) = session.work().await? else {
                    return Err(Error::new(ErrorKind::Usage, "the transaction has ended"));
                };
                // In doubt from here on: whoever drops the guard rolls back.
                guard.open.store(true, Ordering::Release);
                run::control(settings, guard.connection()?, &begin_sql(options)).await?;
                let shared = Shared {
                    guard: *guard,
                    depth: AtomicU32::new(0),
                    broken: AtomicBool::new(false),
                    failed: AtomicBool::new(false),
                    ended: AtomicBool::new(false),
                };
                Ok(Session(Place::Tx { shared: Arc::new(shared), depth: 0 }))
            }
            Place::Together(_) => Err(Error::new(ErrorKind::Usage, "no transaction can begin here")),
            Place::Tx { shared, depth } => {
                shared.check(*depth)?;
                // If this is cut off, nobody knows whether the savepoint is there.
                shared.broken.store(true, Ordering::Release);
                let result = shared.control(&format!("SAVEPOINT orm_{}", depth + 1)).await;
                shared.broken.store(false, Ordering::Release);
                if result.is_err() {
                    shared.failed.store(true, Ordering::Release);
                }
                result?;
                shared.depth.store(depth + 1, Ordering::Release);
                Ok(Session(Place::Tx { shared: Arc::clone(shared), depth: depth + 1 }))
            }
        }
    }

    async fn commit(session: &Session) -> Result<()> {
        let Place::Tx { shared, depth } = &session.0 else { return Ok(()) };
        shared.check(*depth)?;
        if shared.failed.load(Ordering::Acquire) {
            // COMMIT would roll back and say nothing of it.
            Self::rollback(session).await?;
            return Err(Error::new(
                ErrorKind::Database,
                "a statement of the transaction failed, so it was rolled back and not committed",
            )
            .with_hint("run what may fail in a nested transaction, or return its error"));
        }
        if *depth > 0 {
            shared.broken.store(true, Ordering::Release);
            shared.control(&format!("RELEASE SAVEPOINT orm_{depth}")).await?;
            shared.broken.store(false, Ordering::Release);
            shared.depth.store(depth - 1, Ordering::Release);
            return Ok(());
        }
        match shared.control("COMMIT").await {
            Ok(()) => {
                shared.end();
                Ok(())
            }
            Err(error) if run::is_lost(&error) => Err(Error::new(
                ErrorKind::CommitUnknown,
                "the connection was lost during COMMIT: the changes may or may not be saved",
            )
            .with_source(error)),
            Err(error) => {
                // The server rolled back: a deferred constraint, a serialization failure.
                shared.end();
                Err(error)
            }
        }
    }

    async fn rollback(session: &Session) -> Result<()> {
        let Place::Tx { shared, depth } = &session.0 else { return Ok(()) };
        if shared.ended.load(Ordering::Acquire) {
            return Ok(());
        }
        if *depth > 0 {
            shared.broken.store(true, Ordering::Release);
            shared
                .control(&format!("ROLLBACK TO SAVEPOINT orm_{depth}; RELEASE SAVEPOINT orm_{depth}"))
                .await?;
            shared.broken.store(false, Ordering::Release);
            shared.failed.store(false, Ordering::Release);
            shared.depth.store(depth - 1, Ordering::Release);
            return Ok(());
        }
        shared.control("ROLLBACK").await?;
        shared.end();
        Ok(())
    }

    fn abandon(session: &Session) {
        // The guard of the transaction rolls back when its last session is dropped. A savepoint cannot be undone without
        // waiting, so the transaction around it cannot go on.
        if let Place::Tx { shared, depth } = &session.0 {
            if *depth > 0 {
                shared.broken.store(true, Ordering::Release);
            } else {
                shared.ended.store(true, Ordering::Release);
            }
        }
    }

    async fn create_all(session: &Session, models: &[&'static ModelMeta]) -> Result<()> {
        schema::create_all(session, models).await
    }

    async fn drop_all(session: &Session, models: &[&'static ModelMeta]) -> Result<()> {
        schema::drop_all(session, models).await
    }
}

/// The plan of a command as a tree. One that runs a write is rolled back.
pub(crate) async fn plan(session: &Session, mut command: Command, options: ExplainOptions) -> Result<Plan> {
    if let Command::Insert(insert) = &command
        && let Some(mut pieces) = run::pieces(insert, session.settings().pooled)
    {
        match (pieces.pop(), pieces.is_empty()) {
            (Some(only), true) => command = Command::Insert(Box::new(only)),
            _ => {
                return Err(Error::new(
                    ErrorKind::Usage,
                    "these rows are several statements, each with a plan of its own",
                )
                .with_hint("give the same columns in every row, or ask for the plan of one row"));
            }
        }
    }
    let explain = |sql: &str| sql_of(options, sql);
    let changes = !matches!(command, Command::Select(_));
    if !(options.runs() && changes) {
        let work = session.work().await?;
        let result = run::explain(work.settings(), work.connection()?, &command, explain).await;
        work.note(&result);
        return Plan::parse(&result?);
    }
    let inner = <Postgres as Backend>::begin(session, TxOptions::new()).await?;
    let guard = Unfinished(&inner);
    let work = inner.work().await?;
    let result = run::explain(work.settings(), work.connection()?, &command, explain).await;
    work.note(&result);
    drop(work);
    let rolled_back = Postgres::rollback(&inner).await;
    guard.forget();
    let text = result?;
    rolled_back?;
    Plan::parse(&text)
}

/// The pieces of a command, all of them or none.
async fn run_pieces<D: Decoder>(
    session: &Session,
    mut pieces: Vec<Command>,
    mut decoder: D,
) -> Result<D::Out> {
    let alone = pieces.len() == 1;
    let session =
        if alone { session.clone() } else { <Postgres as Backend>::begin(session, TxOptions::new()).await? };
    let guard = (!alone).then(|| Unfinished(&session));
    let mut affected = 0;
    let mut result = Ok(());
    for piece in pieces.drain(..) {
        let work = session.work().await?;
        let one = run::execute(work.settings(), work.connection()?, &piece, &mut decoder).await;
        work.note(&one);
        match one {
            Ok(rows) => affected += rows,
            Err(error) => {
                result = Err(error);
                break;
            }
        }
    }
    match (guard, result) {
        (None, Err(error)) => return Err(error),
        (None, Ok(())) => {}
        (Some(guard), Err(error)) => {
            let rolled_back = Postgres::rollback(&session).await;
            guard.forget();
            return Err(rolled_back.err().unwrap_or(error));
        }
        (Some(guard), Ok(())) => {
            Postgres::commit(&session).await?;
            guard.forget();
        }
    }
    decoder.finish(affected)
}

/// A transaction of the driver itself; cut off, it is abandoned.
struct Unfinished<'s>(&'s Session);

impl Unfinished<'_> {
    fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        Postgres::abandon(self.0);
    }
}
