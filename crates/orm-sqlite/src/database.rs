//! The handle, its sessions, and the driver's side of the traits of the core.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use orm_core::backend::{Backend, BoxStream, Database, Decoder, Executor, FromRow, TxOptions};
use orm_core::ir::{Command, InsertSource};
use orm_core::meta::ModelMeta;
use orm_core::{Error, ErrorKind, Result};
use rusqlite::Connection;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::builder::SqliteBuilder;
use crate::pool::{Guard, Pool, Role};
use crate::{bind, errors, run, schema, stream};

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
    session: Session,
    pool: Arc<Pool>,
}

/// Where commands are sent: the pool, or the connection of a transaction.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::backend::Backend;
/// use orm::sqlite::Session;
/// let session: &Session = db.session();
/// assert!(Sqlite::offers(session, "Savepoints"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Session(Place);

#[derive(Clone)]
enum Place {
    Pool(Arc<Pool>),
    Tx { shared: Arc<Shared>, depth: u32 },
}

/// A transaction. The guard rolls back when the last session of the transaction is gone.
struct Shared {
    pool: Arc<Pool>,
    guard: Arc<Mutex<Option<Guard>>>,
    depth: AtomicU32,
    broken: AtomicBool,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.pool.settings.fmt(f)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl Sqlite {
    pub(crate) fn new(pool: Arc<Pool>) -> Self {
        Sqlite { session: Session(Place::Pool(Arc::clone(&pool))), pool }
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
    /// [`ErrorKind::Configuration`] if the file cannot be opened.
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
        let work = Work::Pooled(self.pool.acquire(Role::Write).await?);
        let sql = sql.to_owned();
        blocking::unblock(move || {
            at_length(&work, |connection| {
                let batch = connection.execute_batch(&sql);
                batch.map_err(|error| errors::map(error, &errors::Context::default()))
            })
        })
        .await
    }

    /// Closes the connections: idle ones now, those on loan when they come back. Later calls fail with `ConnectionLost`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// db.close().await;
    /// assert_eq!(User::query().count(&db).await.unwrap_err().kind(), ErrorKind::ConnectionLost);
    /// # Ok(()) }
    /// ```
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

#[diagnostic::do_not_recommend]
impl Executor for Sqlite {
    type Backend = Sqlite;
    fn session(&self) -> &Session {
        &self.session
    }
}

impl Database for Sqlite {}
orm_core::supports!(Sqlite: Savepoints, RawSql, InsertSelect);

/// A connection to work on: on loan from the pool, or the transaction's.
pub(crate) enum Work {
    Pooled(Guard),
    Tx(OwnedMutexGuard<Option<Guard>>),
}

impl Work {
    fn guard(&self) -> Result<&Guard> {
        match self {
            Work::Pooled(guard) => Ok(guard),
            Work::Tx(guard) => {
                guard.as_ref().ok_or_else(|| Error::new(ErrorKind::Usage, "the transaction has ended"))
            }
        }
    }

    pub(crate) fn connection(&self) -> Result<&Connection> {
        self.guard()?.connection()
    }

    pub(crate) fn pool(&self) -> Result<&Pool> {
        Ok(self.guard()?.pool())
    }
}

impl Session {
    pub(crate) async fn work(&self, write: bool) -> Result<Work> {
        match &self.0 {
            Place::Pool(pool) => {
                let role = if write { Role::Write } else { Role::Read };
                Ok(Work::Pooled(pool.acquire(role).await?))
            }
            Place::Tx { shared, depth } => {
                let guard = Arc::clone(&shared.guard).lock_owned().await;
                shared.check(*depth)?;
                Ok(Work::Tx(guard))
            }
        }
    }

    fn pool(&self) -> &Pool {
        match &self.0 {
            Place::Pool(pool) => pool,
            Place::Tx { shared, .. } => &shared.pool,
        }
    }
}

impl Shared {
    fn check(&self, depth: u32) -> Result<()> {
        if self.broken.load(Ordering::Acquire) {
            return Err(Error::new(
                ErrorKind::Usage,
                "a savepoint of this transaction was cut off; roll it back",
            ));
        }
        if self.depth.load(Ordering::Acquire) != depth {
            return Err(Error::new(ErrorKind::Usage, "a nested transaction is open")
                .with_hint("use the inner `tx` until it ends"));
        }
        Ok(())
    }
}

/// Whether a command may run on the caller's thread.
fn is_small(command: &Command) -> bool {
    match command {
        Command::Select(_) => true,
        Command::Insert(insert) => {
            matches!(&insert.source, InsertSource::Values(values) if values.len() <= 1000)
        }
        // An UPDATE or DELETE by key is as small as an INSERT; the others may visit the whole table.
        Command::Update(update) => update.filter.as_ref().is_some_and(by_key),
        Command::UpdateRows(update) => update.values.len() <= 1000,
        Command::Delete(_) | Command::Raw(_) => false,
    }
}

fn by_key(filter: &orm_core::ir::Expr) -> bool {
    use orm_core::ir::{BinaryOp, Expr};
    match filter {
        Expr::Binary(BinaryOp::And, both, _) => by_key(&both.0) || by_key(&both.1),
        Expr::Binary(BinaryOp::Eq, both, _) => match &both.0 {
            Expr::Column(column) => column.source.model.primary_key == [column.index],
            _ => false,
        },
        _ => false,
    }
}

/// Runs a closure on the connection without waiting for locks, a read under its budget of steps.
fn briefly<T>(work: &Work, read: bool, job: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let guard = work.guard()?;
    let connection = guard.connection()?;
    // A connection at rest waits for nobody, and its handler lets everything pass.
    guard.arm(read);
    let result = job(connection);
    guard.arm(false);
    result
}

/// Runs a closure on the connection as long as it takes, and waits for locks as long as the settings say.
pub(crate) fn at_length<T>(work: &Work, job: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let connection = work.connection()?;
    let failed = |error| errors::map(error, &errors::Context::default());
    connection.busy_timeout(work.pool()?.settings.busy_timeout).map_err(failed)?;
    let result = job(connection);
    connection.busy_timeout(Duration::ZERO).map_err(failed)?;
    result
}

impl Backend for Sqlite {
    const NAME: &'static str = "sqlite";
    type Session = Session;

    async fn run<D: Decoder>(session: &Session, command: Command, mut decoder: D) -> Result<D::Out> {
        let shape = bind::check(&command)?;
        let write = command.is_write();
        let work = session.work(write).await?;
        let settings = &work.pool()?.settings;
        if is_small(&command) && (write || settings.read_budget > 0) {
            let result = briefly(&work, !write, |connection| {
                run::execute(work.pool()?, connection, &command, shape, true, &mut decoder)
            });
            match result {
                Ok(affected) => return decoder.finish(if write { affected } else { 0 }),
                Err(error) if !run::should_move(&error) => return Err(error),
                Err(_) => decoder.reset(),
            }
        }
        blocking::unblock(move || {
            let affected = at_length(&work, |connection| {
                run::execute(work.pool()?, connection, &command, shape, false, &mut decoder)
            })?;
            drop(work);
            decoder.finish(if write { affected } else { 0 })
        })
        .await
    }

    fn stream<T: FromRow + Send + 'static>(
        session: &Session,
        command: Command,
    ) -> BoxStream<'static, Result<T>> {
        stream::rows(session.clone(), command)
    }

    fn offers(_: &Session, capability: &str) -> bool {
        Self::CAPABILITIES.contains(&capability)
    }

    fn updates_rows(_: &Session) -> bool {
        true
    }

    fn render(session: &Session, command: &Command) -> Result<String> {
        Ok(run::compiled(session.pool(), command, orm_core::ir::shape(command), 1)?.compiled.sql.clone())
    }

    async fn explain(session: &Session, command: Command) -> Result<String> {
        let work = session.work(false).await?;
        blocking::unblock(move || run::explain(work.pool()?, work.connection()?, &command)).await
    }

    async fn begin(session: &Session, options: TxOptions) -> Result<Session> {
        match &session.0 {
            Place::Pool(pool) => {
                let file = pool.settings.path.is_some();
                let (role, sql) = match options.read_only {
                    true if file => (Role::Read, "BEGIN"),
                    // A database in memory has one connection, which writes, for everybody.
                    true => (Role::Write, "BEGIN"),
                    false => (Role::Write, "BEGIN IMMEDIATE"),
                };
                let work = Work::Pooled(pool.acquire(role).await?);
                let work = patiently(work, sql).await?;
                let Work::Pooled(mut guard) = work else {
                    return Err(Error::new(ErrorKind::Usage, "the transaction has ended"));
                };
                if options.read_only {
                    guard.bar_writes()?;
                }
                let shared = Shared {
                    pool: Arc::clone(pool),
                    guard: Arc::new(Mutex::new(Some(guard))),
                    depth: AtomicU32::new(0),
                    broken: AtomicBool::new(false),
                };
                Ok(Session(Place::Tx { shared: Arc::new(shared), depth: 0 }))
            }
            Place::Tx { shared, depth } => {
                let work = session.work(true).await?;
                run::control(work.pool()?, work.connection()?, &format!("SAVEPOINT orm_{}", depth + 1))?;
                shared.depth.store(depth + 1, Ordering::Release);
                Ok(Session(Place::Tx { shared: Arc::clone(shared), depth: depth + 1 }))
            }
        }
    }

    async fn commit(session: &Session) -> Result<()> {
        let Place::Tx { shared, depth } = &session.0 else { return Ok(()) };
        let mut work = session.work(true).await?;
        if *depth > 0 {
            run::control(work.pool()?, work.connection()?, &format!("RELEASE orm_{depth}"))?;
            shared.depth.store(depth - 1, Ordering::Release);
            return Ok(());
        }
        let result = run::control(work.pool()?, work.connection()?, "COMMIT");
        // Whatever came of it, the connection goes back; the guard rolls back what COMMIT refused.
        if let Work::Tx(guard) = &mut work {
            guard.take();
        }
        result
    }

    async fn rollback(session: &Session) -> Result<()> {
        let Place::Tx { shared, depth } = &session.0 else { return Ok(()) };
        let mut guard = Arc::clone(&shared.guard).lock_owned().await;
        match guard.as_ref() {
            None => Ok(()),
            Some(open) if *depth > 0 => undo(shared, open, *depth),
            Some(open) => {
                let result = run::control(open.pool(), open.connection()?, "ROLLBACK");
                guard.take();
                result
            }
        }
    }

    fn abandon(session: &Session) {
        let Place::Tx { shared, depth } = &session.0 else { return };
        match Arc::clone(&shared.guard).try_lock_owned() {
            Ok(mut guard) if *depth == 0 => drop(guard.take()),
            Ok(guard) => {
                let undone = guard.as_ref().is_none_or(|open| undo(shared, open, *depth).is_ok());
                if !undone {
                    shared.broken.store(true, Ordering::Release);
                }
            }
            // A statement is still under way on a thread. It holds the last share of the transaction, which is rolled back when
            // it ends; a savepoint cannot be undone then, so the transaction around it cannot go on.
            Err(_) => shared.broken.store(true, Ordering::Release),
        }
    }

    async fn create_all(session: &Session, models: &[&'static ModelMeta]) -> Result<()> {
        schema::create_all(session, models).await
    }

    async fn drop_all(session: &Session, models: &[&'static ModelMeta]) -> Result<()> {
        schema::drop_all(session, models).await
    }
}

/// Undoes a savepoint and everything inside it.
fn undo(shared: &Shared, open: &Guard, depth: u32) -> Result<()> {
    run::control(open.pool(), open.connection()?, &format!("ROLLBACK TO orm_{depth}; RELEASE orm_{depth}"))?;
    shared.depth.store(depth - 1, Ordering::Release);
    Ok(())
}

/// A control statement: at once if no other process has the lock, else on a thread that waits.
async fn patiently(work: Work, sql: &'static str) -> Result<Work> {
    match briefly(&work, false, |connection| run::control(work.pool()?, connection, sql)) {
        Ok(()) => return Ok(work),
        Err(error) if !run::should_move(&error) => return Err(error),
        Err(_) => {}
    }
    blocking::unblock(move || {
        at_length(&work, |connection| run::control(work.pool()?, connection, sql))?;
        Ok(work)
    })
    .await
}
