//! The handle, and the driver's side of the traits of the core.

use std::sync::Arc;

use orm_core::Result;
use orm_core::backend::{
    Backend, BoxStream, Database, Decoder, Executor, Explain, FromRow, Handle, SchemaChanges, SchemaStore,
    Transactions, Tx, TxOptions,
};
use orm_core::ir::{Command, shape};
use orm_core::meta::ModelMeta;
use orm_core::schema::{Change, Difference, Snapshot};

use crate::builder::{PgBuilder, Settings};
use crate::connection::Pool;
use crate::session::{PgSession, Place, Work};
use crate::transaction::{self, Unfinished};
use crate::{bind, changes, copy, relations, run, schema, stream};

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
    handle: Handle<Postgres>,
    pool: Pool,
}

/// How the connections of a pool are used at a moment.
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # async fn example(db: Postgres) -> Result<()> {
/// use orm::postgres::PgPoolStatus;
/// let PgPoolStatus { max, open, idle, waiting } = db.status();
/// println!("{open} of {max} connections, {idle} idle, {waiting} wait");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PgPoolStatus {
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
        let observer = settings.observer.clone();
        let mut handle = Handle::new(PgSession(Place::Pool(pool.clone(), settings)));
        if let Some(observer) = observer {
            handle = handle.observed_by(observer);
        }
        Postgres { handle, pool }
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
    /// As [`PgBuilder::connect`].
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
    pub fn builder(url: impl Into<String>) -> PgBuilder {
        PgBuilder::new(url)
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
        self.handle.native(None, |session| run::batch(session, sql)).await
    }

    /// Takes a connection from the pool and gives it back.
    pub(crate) async fn ping(&self) -> Result<()> {
        self.handle.session().work().await.map(drop)
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
    ///         Comment::query().delete().all_rows().exec(tx).await?;
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
        Arc::clone(self.handle.session().settings())
    }

    /// How the connections are used at this moment.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// assert!(db.status().open <= db.status().max);
    /// # Ok(()) }
    /// ```
    pub fn status(&self) -> PgPoolStatus {
        let status = self.pool.status();
        PgPoolStatus {
            max: status.max_size,
            open: status.size,
            idle: status.available,
            waiting: status.waiting,
        }
    }

    /// Closes the connections: idle ones now, those on loan when they come back. Later calls fail with `Closed`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// db.close().await;
    /// assert_eq!(User::query().count(&db).await.unwrap_err().kind(), ErrorKind::Closed);
    /// # Ok(()) }
    /// ```
    pub async fn close(&self) {
        self.pool.close();
    }
}

#[diagnostic::do_not_recommend]
impl Executor for Postgres {
    type Backend = Postgres;
    fn handle(&self) -> &Handle<Postgres> {
        &self.handle
    }
}

impl Database for Postgres {}
orm_core::supports!(
    Postgres: Savepoints, RawSql, InsertSelect, RowLocks, DistinctOn, Regex, JsonOperators, Arrays,
    FullText, TextAggregates, NativeOperators, Ranges, ListAggregates, OrderedSets, Lateral, TableSample
);

impl Backend for Postgres {
    const NAME: &'static str = "postgresql";
    type Session = PgSession;

    async fn run<D: Decoder>(session: &PgSession, mut command: Command, mut decoder: D) -> Result<D::Out> {
        let mut shape = bind::check(&command)?;
        if relations::names_rows(&command) {
            Box::pin(relations::by_place(session, &mut command)).await?;
            shape = orm_core::ir::shape(&command);
        }
        if copy::suits(&command).is_some()
            && let Some(affected) = Box::pin(copy_in(session, &command)).await?
        {
            return decoder.finish(affected);
        }
        let pieces = match &command {
            Command::Insert(insert) => run::pieces(insert)
                .map(|pieces| pieces.into_iter().map(|piece| Command::Insert(Box::new(piece))).collect()),
            Command::UpdateRows(update) => run::single_updates(update),
            _ => None,
        };
        if let Some(pieces) = pieces {
            return Box::pin(run_pieces(session, pieces, false, decoder)).await;
        }
        if relations::gives_rows_back(&command)
            && Box::pin(relations::returns_what_a_trigger_says(session, &command)).await?
        {
            // In a transaction, which is rolled back if the row cannot be read.
            return Box::pin(run_pieces(session, vec![command], true, decoder)).await;
        }
        let mut moves = session.moves();
        loop {
            let work = session.work().await?;
            match run::execute(work.settings(), work.connection()?, &command, shape, &mut decoder).await {
                Ok(affected) => {
                    if matches!(command, Command::Raw(_)) {
                        work.check_left()?;
                    }
                    drop(work);
                    return decoder.finish(if command.is_write() { affected } else { 0 });
                }
                Err(error) if moves.again(&work, &error, &command) => decoder.reset(),
                Err(error) => return Err(error),
            }
        }
    }

    fn stream<T: FromRow + Send + 'static>(
        session: &PgSession,
        command: Command,
    ) -> BoxStream<'static, Result<T>> {
        stream::rows(session.clone(), command)
    }

    async fn together(session: &PgSession) -> Result<PgSession> {
        match &session.0 {
            Place::Pool(..) => match session.work().await? {
                Work::Pooled(guard) => Ok(PgSession(Place::Together(Arc::new(*guard)))),
                _ => Ok(session.clone()),
            },
            // A transaction has one connection anyway.
            _ => Ok(session.clone()),
        }
    }

    fn offers(_: &PgSession, capability: &str) -> bool {
        Self::CAPABILITIES.contains(&capability)
    }

    fn updates_rows(_: &PgSession) -> bool {
        true
    }

    fn render(session: &PgSession, command: &Command) -> Result<String> {
        Ok(run::compiled(session.settings(), command, shape(command))?.1.sql.clone())
    }
}

impl Explain for Postgres {
    async fn explain(session: &PgSession, command: Command) -> Result<String> {
        run::explain_on(session, &command, |sql| format!("EXPLAIN {sql}")).await
    }
}

impl Transactions for Postgres {
    async fn begin(session: &PgSession, options: TxOptions) -> Result<PgSession> {
        transaction::begin(session, options).await
    }

    async fn commit(session: &PgSession) -> Result<()> {
        transaction::commit(session).await
    }

    async fn rollback(session: &PgSession) -> Result<()> {
        transaction::rollback(session).await
    }

    fn abandon(session: &PgSession) {
        transaction::abandon(session);
    }
}

impl SchemaStore for Postgres {
    async fn create_all(session: &PgSession, models: &[&'static ModelMeta]) -> Result<()> {
        schema::create_all(session, models).await
    }

    async fn drop_all(session: &PgSession, models: &[&'static ModelMeta]) -> Result<()> {
        schema::drop_all(session, models).await
    }
}

impl SchemaChanges for Postgres {
    fn language(_: &PgSession) -> &'static str {
        "postgres"
    }

    async fn change(session: &PgSession, change: &Change) -> Result<()> {
        changes::change(session, change).await
    }

    async fn count(session: &PgSession, queries: &[String]) -> Result<Vec<i64>> {
        changes::count(session, queries).await
    }

    async fn differences(session: &PgSession, schema: &Snapshot, gone: &[String]) -> Result<Vec<Difference>> {
        changes::differences(session, schema, gone).await
    }
}

/// Many rows by COPY, if that does the same.
async fn copy_in(session: &PgSession, command: &Command) -> Result<Option<u64>> {
    let mut moves = session.moves();
    loop {
        let work = session.work().await?;
        match run::copy(work.settings(), work.connection()?, command).await {
            Err(error) if moves.again(&work, &error, command) => work.connection()?.lose(),
            other => return other,
        }
    }
}

/// The pieces of a command, all of them or none.
async fn run_pieces<D: Decoder>(
    session: &PgSession,
    mut pieces: Vec<Command>,
    whole: bool,
    mut decoder: D,
) -> Result<D::Out> {
    let alone = pieces.len() == 1 && !whole;
    let session = if alone { session.clone() } else { transaction::begin(session, TxOptions::new()).await? };
    let guard = (!alone).then(|| Unfinished(&session));
    let mut affected = 0;
    let mut result = Ok(());
    for piece in pieces.drain(..) {
        let work = session.work().await?;
        let one =
            run::execute(work.settings(), work.connection()?, &piece, shape(&piece), &mut decoder).await;
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
