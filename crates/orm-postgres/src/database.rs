//! The handle, and the driver's side of the traits of the core.

use std::sync::Arc;

use orm_core::Result;
use orm_core::backend::{Backend, BoxStream, Database, Decoder, Executor, FromRow, Tx, TxOptions};
use orm_core::ir::Command;
use orm_core::meta::ModelMeta;

use crate::builder::{PostgresBuilder, Settings};
use crate::connection::Pool;
use crate::session::{Place, Session, Work};
use crate::transaction::{self, Unfinished};
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

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").field("status", &self.status()).finish_non_exhaustive()
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
    /// [`ErrorKind::ForeignKey`](orm_core::ErrorKind::ForeignKey) if one does not hold.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// db.transaction(async |tx| {
    ///     Postgres::defer_constraints(tx).await?;
    ///     // rows in any order
    ///     Postgres::check_constraints(tx).await     // a row without its parent is named here, not at COMMIT
    /// })
    /// .await
    /// # }
    /// ```
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
        Arc::clone(self.session.settings())
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
        transaction::begin(session, options).await
    }

    async fn commit(session: &Session) -> Result<()> {
        transaction::commit(session).await
    }

    async fn rollback(session: &Session) -> Result<()> {
        transaction::rollback(session).await
    }

    fn abandon(session: &Session) {
        transaction::abandon(session);
    }

    async fn create_all(session: &Session, models: &[&'static ModelMeta]) -> Result<()> {
        schema::create_all(session, models).await
    }

    async fn drop_all(session: &Session, models: &[&'static ModelMeta]) -> Result<()> {
        schema::drop_all(session, models).await
    }
}

/// The pieces of a command, all of them or none.
async fn run_pieces<D: Decoder>(
    session: &Session,
    mut pieces: Vec<Command>,
    mut decoder: D,
) -> Result<D::Out> {
    let alone = pieces.len() == 1;
    let session = if alone { session.clone() } else { transaction::begin(session, TxOptions::new()).await? };
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
            let rolled_back = transaction::rollback(&session).await;
            guard.forget();
            return Err(rolled_back.err().unwrap_or(error));
        }
        (Some(guard), Ok(())) => {
            transaction::commit(&session).await?;
            guard.forget();
        }
    }
    decoder.finish(affected)
}
