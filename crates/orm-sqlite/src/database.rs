//! The handle, its sessions, and the driver's side of the traits of the core.

use std::path::Path;
use std::sync::Arc;

use orm_core::Result;
use orm_core::backend::{
    Backend, BoxStream, Database, Decoder, Executor, Explain, FromRow, Handle, SchemaChanges, SchemaStore,
    Transactions, TxOptions,
};
use orm_core::ir::{Command, InsertSource, facts};
use orm_core::meta::ModelMeta;
use orm_core::schema::{Change, Difference, Snapshot};
use orm_sql::{SqliteDialect, compile};

use crate::builder::SqliteBuilder;
use crate::pool::Pool;
use crate::session::{Attempt, SqliteSession, Work};
use crate::watch::Caller;
use crate::{bind, changes, run, schema, stream, transaction};

/// An SQLite database: a pool of connections, cheap to clone.
///
/// ```no_run
/// # async fn example() -> orm_core::Result<()> {
/// use orm_sqlite::Sqlite;
/// let db = Sqlite::connect("app.db").await?;
/// assert!(Sqlite::CAPABILITIES.contains(&"Savepoints"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Sqlite {
    handle: Handle<Sqlite>,
    pool: Arc<Pool>,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.pool.settings.fmt(f)
    }
}

impl Sqlite {
    pub(crate) fn new(pool: Arc<Pool>) -> Self {
        let mut handle = Handle::new(SqliteSession::of_pool(Arc::clone(&pool)));
        if let Some(observer) = &pool.settings.observer {
            handle = handle.observed_by(Arc::clone(observer));
        }
        Sqlite { handle, pool }
    }

    /// Opens a database file, created if it is missing, in WAL mode with foreign keys on. `sqlite:app.db` is a path, too, and
    /// `:memory:` the same as [`memory`](Sqlite::memory).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # let dir = std::env::temp_dir().join(format!("orm-doc-connect-{}", std::process::id())); std::fs::create_dir_all(&dir).unwrap();
    /// let db = Sqlite::connect(dir.join("app.db")).await?;
    /// GuideSchema::create_all(&db).await?;
    /// assert_eq!(User::query().count(&db).await?, 0);
    /// # db.close().await; std::fs::remove_dir_all(&dir).ok();
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](orm_core::ErrorKind::Configuration) if the file cannot be opened.
    pub async fn connect(path: impl AsRef<Path>) -> Result<Sqlite> {
        Sqlite::builder().path(path).connect().await
    }

    /// A database in memory, gone with its last handle. It has a single connection: reads wait for a transaction to end.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let db = Sqlite::memory().await?;
    /// GuideSchema::create_all(&db).await?;
    /// assert_eq!(User::query().count(&db).await?, 0);
    /// # Ok(()) }
    /// ```
    pub async fn memory() -> Result<Sqlite> {
        Sqlite::builder().connect().await
    }

    /// Settings other than the defaults.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let db = Sqlite::builder().pragma("cache_size", "-16000").connect().await?;
    /// # let _ = db;
    /// # Ok(()) }
    /// ```
    pub fn builder() -> SqliteBuilder {
        SqliteBuilder::new()
    }

    /// Runs statements of your own, as they are, on the writer.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// db.execute_batch("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('one'), ('two');").await?;
    /// assert_eq!(sql::<i64>("SELECT count(*) FROM notes").one(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub async fn execute_batch(&self, sql: &str) -> Result<()> {
        let batch = async |session: &SqliteSession| {
            let work = session.work(true).await?;
            let sql = sql.to_owned();
            work.on_thread(move |on| run::control(on, &sql)).await
        };
        self.handle.native(None, batch).await
    }

    /// Closes the connections: idle ones now, those on loan when they come back. Later calls fail with `Closed`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// db.close().await;
    /// assert_eq!(User::query().count(&db).await.unwrap_err().kind(), ErrorKind::Closed);
    /// # Ok(()) }
    /// ```
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

#[diagnostic::do_not_recommend]
impl Executor for Sqlite {
    type Backend = Sqlite;
    fn handle(&self) -> &Handle<Sqlite> {
        &self.handle
    }
}

impl Database for Sqlite {}
orm_core::supports!(Sqlite: Savepoints, RawSql, InsertSelect);

/// Whether a command may run on the caller's thread.
fn is_small(command: &Command) -> bool {
    match command {
        Command::Select(_) => true,
        Command::Insert(insert) => {
            matches!(&insert.source, InsertSource::Values(values) if values.len() <= 1000)
        }
        // An UPDATE or DELETE by key is as small as an INSERT; the others may visit the whole table.
        Command::Update(update) => {
            update.filter.as_ref().is_some_and(|filter| facts::names_one(update.source.model, filter))
        }
        Command::UpdateRows(update) => update.values.len() <= 1000,
        Command::Delete(_) | Command::Raw(_) => false,
    }
}

/// Whether the command starts on the caller's thread.
fn starts_here(work: &Work, command: &Command, bytes: usize) -> Result<bool> {
    let settings = &work.pool()?.settings;
    if !command.is_write() {
        return Ok(is_small(command) && settings.read_budget > 0);
    }
    let small = is_small(command) && bytes <= settings.write_budget && settings.write_budget > 0;
    match work.transaction() {
        Some(transaction) => transaction.add_bytes(if small { bytes as u64 } else { u64::MAX }),
        // A write outside a transaction commits.
        None if work.guard()?.open()?.syncs => return Ok(false),
        None => {}
    }
    Ok(small)
}

impl Backend for Sqlite {
    const NAME: &'static str = "sqlite";
    type Session = SqliteSession;

    async fn run<D: Decoder>(session: &SqliteSession, command: Command, mut decoder: D) -> Result<D::Out> {
        let checked = bind::check(&command)?;
        let write = command.is_write();
        let work = session.work(write).await?;
        if starts_here(&work, &command, checked.bytes)? {
            let budget = !write || work.is_pooled();
            match work.at_once(budget, |on| run::execute(on, &command, &checked, true, &mut decoder))? {
                Attempt::Done(affected) => return decoder.finish(if write { affected } else { 0 }),
                Attempt::Move => decoder.reset(),
            }
        }
        let caller = Caller::default();
        let left = caller.left();
        blocking::unblock(move || {
            let affected =
                work.at_length(Some(left), |on| run::execute(on, &command, &checked, false, &mut decoder))?;
            drop(work);
            decoder.finish(if write { affected } else { 0 })
        })
        .await
    }

    fn stream<T: FromRow + Send + 'static>(
        session: &SqliteSession,
        command: Command,
    ) -> BoxStream<'static, Result<T>> {
        stream::rows(session.clone(), command)
    }

    fn offers(_: &SqliteSession, capability: &str) -> bool {
        Self::CAPABILITIES.contains(&capability)
    }

    fn updates_rows(_: &SqliteSession) -> bool {
        true
    }

    fn render(_: &SqliteSession, command: &Command) -> Result<String> {
        Ok(compile(&SqliteDialect, command, 1)?.sql)
    }
}

impl Explain for Sqlite {
    async fn explain(session: &SqliteSession, command: Command) -> Result<String> {
        let work = session.work(false).await?;
        work.on_thread(move |on| run::explain(on, &command)).await
    }
}

impl Transactions for Sqlite {
    async fn begin(session: &SqliteSession, options: TxOptions) -> Result<SqliteSession> {
        transaction::begin(session, options).await
    }

    async fn commit(session: &SqliteSession) -> Result<()> {
        transaction::commit(session).await
    }

    async fn rollback(session: &SqliteSession) -> Result<()> {
        transaction::rollback(session).await
    }

    fn abandon(session: &SqliteSession) {
        transaction::abandon(session);
    }
}

impl SchemaStore for Sqlite {
    async fn create_all(session: &SqliteSession, models: &[&'static ModelMeta]) -> Result<()> {
        schema::create_all(session, models).await
    }

    async fn drop_all(session: &SqliteSession, models: &[&'static ModelMeta]) -> Result<()> {
        schema::drop_all(session, models).await
    }
}

impl SchemaChanges for Sqlite {
    fn language(_: &SqliteSession) -> &'static str {
        "sqlite"
    }

    async fn change(session: &SqliteSession, change: &Change) -> Result<()> {
        changes::change(session, change).await
    }

    async fn count(session: &SqliteSession, queries: &[String]) -> Result<Vec<i64>> {
        changes::count(session, queries).await
    }

    async fn differences(
        session: &SqliteSession,
        schema: &Snapshot,
        gone: &[String],
    ) -> Result<Vec<Difference>> {
        changes::differences(session, schema, gone).await
    }
}
