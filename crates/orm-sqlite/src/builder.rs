//! Settings of a database handle.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use orm_core::backend::Observer;
use orm_core::{Error, ErrorKind, Result};

use crate::database::Sqlite;
use crate::name::{self, Name};
use crate::pool::Pool;

/// Settings of a [`Sqlite`] handle: made by [`Sqlite::builder`].
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// use std::time::Duration;
/// # let dir = std::env::temp_dir().join(format!("orm-doc-all-{}", std::process::id())); std::fs::create_dir_all(&dir).unwrap();
/// let db = Sqlite::builder()
///     .path(dir.join("app.db"))
///     .readers(8)
///     .busy_timeout(Duration::from_secs(2))
///     .pragma("cache_size", "-16000")
///     .connect()
///     .await?;
/// GuideSchema::create_all(&db).await?;
/// # db.close().await; std::fs::remove_dir_all(&dir).ok();
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "nothing is opened before `.connect()`"]
pub struct SqliteBuilder {
    pub(crate) path: Option<PathBuf>,
    /// Why the name is none of a database that can be shared.
    refused: Option<(&'static str, &'static str)>,
    pub(crate) wal: Option<bool>,
    pub(crate) readers: usize,
    pub(crate) busy_timeout: Duration,
    pub(crate) acquire_timeout: Duration,
    pub(crate) pragmas: Vec<(String, String)>,
    pub(crate) create: bool,
    pub(crate) read_only: bool,
    pub(crate) statement_cache: usize,
    pub(crate) read_budget: u32,
    pub(crate) write_budget: usize,
    pub(crate) statement_timeout: Option<Duration>,
    pub(crate) trust_dates: bool,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

impl std::fmt::Debug for SqliteBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteBuilder")
            .field("path", &self.path)
            .field("readers", &self.readers)
            .finish_non_exhaustive()
    }
}

impl SqliteBuilder {
    pub(crate) fn new() -> Self {
        SqliteBuilder {
            path: None,
            refused: None,
            wal: None,
            readers: 4,
            busy_timeout: Duration::from_secs(5),
            acquire_timeout: Duration::from_secs(30),
            pragmas: Vec::new(),
            create: true,
            read_only: false,
            statement_cache: 256,
            read_budget: 100_000,
            write_budget: 64 << 10,
            statement_timeout: None,
            trust_dates: false,
            observer: None,
        }
    }

    /// The database file, as a path or as `sqlite:` with a path behind. Without one, or with `:memory:`, the database is in memory
    /// and has a single connection.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # let dir = std::env::temp_dir().join(format!("orm-doc-path-{}", std::process::id())); std::fs::create_dir_all(&dir).unwrap();
    /// let db = Sqlite::builder().path(dir.join("app.db")).connect().await?;
    /// GuideSchema::create_all(&db).await?;
    /// assert!(dir.join("app.db").exists());
    /// # db.close().await; std::fs::remove_dir_all(&dir).ok();
    /// # Ok(()) }
    /// ```
    pub fn path(mut self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        (self.path, self.refused) = match path.to_str().map(name::parse) {
            Some(Name::Memory) => (None, None),
            Some(Name::File(name)) => (Some(name.into()), None),
            Some(Name::Refused(text, hint)) => (None, Some((text, hint))),
            None => (Some(path.to_owned()), None),
        };
        self
    }

    /// Whether the file has a write-ahead log, with which readers and the writer do not wait for each other. Unless set, a new file has one
    /// and an existing file stays as it is; `true` turns an existing file to it, for every program that uses the file.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # let dir = std::env::temp_dir().join(format!("orm-doc-wal-{}", std::process::id())); std::fs::create_dir_all(&dir).unwrap();
    /// let db = Sqlite::builder().path(dir.join("app.db")).wal(false).connect().await?;
    /// assert_eq!(sql::<String>("PRAGMA journal_mode").one(&db).await?, "delete");
    /// # db.close().await; std::fs::remove_dir_all(&dir).ok();
    /// # Ok(()) }
    /// ```
    pub fn wal(mut self, wal: bool) -> Self {
        self.wal = Some(wal);
        self
    }

    /// How many connections read beside the writer (at least 1; 4 unless set).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # let dir = std::env::temp_dir().join(format!("orm-doc-readers-{}", std::process::id())); std::fs::create_dir_all(&dir).unwrap();
    /// let db = Sqlite::builder().path(dir.join("app.db")).readers(8).connect().await?;
    /// assert_eq!(sql::<i64>("SELECT 1").one(&db).await?, 1);
    /// # db.close().await; std::fs::remove_dir_all(&dir).ok();
    /// # Ok(()) }
    /// ```
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How long a statement waits for a lock of another process (5 s unless set).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// use std::time::Duration;
    /// # let dir = std::env::temp_dir().join(format!("orm-doc-busy-{}", std::process::id())); std::fs::create_dir_all(&dir).unwrap();
    /// let open = || Sqlite::builder().path(dir.join("app.db")).busy_timeout(Duration::from_millis(10)).connect();
    /// let (one, two) = (open().await?, open().await?);
    /// GuideSchema::create_all(&one).await?;
    ///
    /// let tx = one.begin().await?;
    /// let error = Tag::create().name("news").insert(&two).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::LockTimeout);
    /// tx.rollback().await?;
    /// # two.close().await; let db = one;
    /// # db.close().await; std::fs::remove_dir_all(&dir).ok();
    /// # Ok(()) }
    /// ```
    pub fn busy_timeout(mut self, time: Duration) -> Self {
        self.busy_timeout = time;
        self
    }

    /// How long a caller waits for a free connection (30 s unless set).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// use std::time::Duration;
    /// let db = Sqlite::builder().acquire_timeout(Duration::from_millis(10)).connect().await?;
    /// // The transaction has the only connection of a database in memory.
    /// let tx = db.begin().await?;
    /// assert_eq!(sql::<i64>("SELECT 1").one(&db).await.unwrap_err().kind(), ErrorKind::PoolTimeout);
    /// tx.rollback().await?;
    /// # Ok(()) }
    /// ```
    pub fn acquire_timeout(mut self, time: Duration) -> Self {
        self.acquire_timeout = time;
        self
    }

    /// Sets a pragma on every connection, after the library's own (`synchronous = NORMAL`, `foreign_keys = ON`, and `journal_mode = WAL`
    /// for a new file).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let db = Sqlite::builder().pragma("cache_size", "-16000").connect().await?;
    /// assert_eq!(sql::<i64>("PRAGMA cache_size").one(&db).await?, -16000);
    /// # Ok(()) }
    /// ```
    pub fn pragma(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.pragmas.push((name.into(), value.into()));
        self
    }

    /// Whether a missing file is created (yes unless set).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # let dir = std::env::temp_dir().join(format!("orm-doc-create-{}", std::process::id())); std::fs::create_dir_all(&dir).unwrap();
    /// let error = Sqlite::builder().path(dir.join("app.db")).create_if_missing(false).connect().await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Configuration);
    /// # std::fs::remove_dir_all(&dir).ok();
    /// # Ok(()) }
    /// ```
    pub fn create_if_missing(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Opens the file for reading only. Nothing is written, unless the file has a write-ahead log: its readers share `-shm` and `-wal`
    /// beside it, which are created if they are missing. Where no program writes, `file:app.db?immutable=1` does without them.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # let dir = std::env::temp_dir().join(format!("orm-doc-reading-{}", std::process::id())); std::fs::create_dir_all(&dir).unwrap();
    /// # let db = Sqlite::connect(dir.join("app.db")).await?; GuideSchema::create_all(&db).await?; db.close().await;
    /// let db = Sqlite::builder().path(dir.join("app.db")).read_only().connect().await?;
    /// assert_eq!(Tag::query().count(&db).await?, 0);
    /// assert!(Tag::create().name("news").insert(&db).await.is_err());
    /// # db.close().await; std::fs::remove_dir_all(&dir).ok();
    /// # Ok(()) }
    /// ```
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// How many prepared statements each connection keeps (256 unless set).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let db = Sqlite::builder().statement_cache(1000).connect().await?;
    /// GuideSchema::create_all(&db).await?;
    /// # Ok(()) }
    /// ```
    pub fn statement_cache(mut self, statements: usize) -> Self {
        self.statement_cache = statements;
        self
    }

    /// How many steps of SQLite's virtual machine a read may take on the caller's thread before it moves to another
    /// (100 000 unless set, about a millisecond); 0 moves every read.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// // Every read goes to a thread of its own.
    /// let db = Sqlite::builder().read_budget(0).connect().await?;
    /// GuideSchema::create_all(&db).await?;
    /// assert_eq!(User::query().count(&db).await?, 0);
    /// # Ok(()) }
    /// ```
    pub fn read_budget(mut self, steps: u32) -> Self {
        self.read_budget = steps;
        self
    }

    /// How many bytes the values of a write on the caller's thread may have (64 KiB unless set); 0 sends every write, COMMIT and ROLLBACK
    /// to a thread. Set-based writes go there in any case, and so does a COMMIT that syncs the disk: under `synchronous = FULL`, or
    /// without a write-ahead log.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// // Every write goes to a thread of its own.
    /// let db = Sqlite::builder().write_budget(0).connect().await?;
    /// GuideSchema::create_all(&db).await?;
    /// assert_eq!(Tag::create().name("news").insert(&db).await?.name, "news");
    /// # Ok(()) }
    /// ```
    pub fn write_budget(mut self, bytes: usize) -> Self {
        self.write_budget = bytes;
        self
    }

    /// How long a statement may take, waiting for locks included (no limit unless set). One that takes longer ends with
    /// [`ErrorKind::StatementTimeout`]; inside a transaction, a write that does takes the transaction with it. For single calls:
    /// [`SqliteLimits`](crate::SqliteLimits).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// use std::time::Duration;
    /// let db = Sqlite::builder().statement_timeout(Duration::from_millis(20)).connect().await?;
    /// let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    /// assert_eq!(sql::<i64>(endless).one(&db).await.unwrap_err().kind(), ErrorKind::StatementTimeout);
    /// # Ok(()) }
    /// ```
    pub fn statement_timeout(mut self, time: Duration) -> Self {
        self.statement_timeout = Some(time);
        self
    }

    /// Compares dates and times in the tables of other programs as the texts they are, so that an index serves a filter and an
    /// order. Unless set, a column that is not declared as this library does (`DATETIME_TEXT`) has each value checked as it is compared,
    /// and one in another form, which would be compared wrongly, is an error of kind [`ErrorKind::Decode`].
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let db = Sqlite::builder().trust_dates().connect().await?;
    /// GuideSchema::create_all(&db).await?;
    /// # Ok(()) }
    /// ```
    pub fn trust_dates(mut self) -> Self {
        self.trust_dates = true;
        self
    }

    /// Is told of every statement.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// use std::sync::Arc;
    /// use orm::backend::StatementLog;
    /// let log = Arc::new(StatementLog::default());
    /// let db = Sqlite::builder().observer(log.clone()).connect().await?;
    /// GuideSchema::create_all(&db).await?;
    /// log.take();
    /// User::query().count(&db).await?;
    /// assert_eq!(log.take().len(), 1);
    /// # Ok(()) }
    /// ```
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Opens the database.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let db = Sqlite::builder().connect().await?;
    /// assert_eq!(sql::<i64>("SELECT 1").one(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if the file cannot be opened or is not a database.
    pub async fn connect(self) -> Result<Sqlite> {
        let pool = blocking::unblock(move || Pool::open(self)).await.map_err(|error| {
            if error.kind() == ErrorKind::Database {
                error.with_kind(ErrorKind::Configuration)
            } else {
                error
            }
        })?;
        Ok(Sqlite::new(Arc::new(pool)))
    }

    pub(crate) fn check(&self) -> Result<()> {
        if let Some((text, hint)) = self.refused {
            return Err(Error::new(ErrorKind::Configuration, text).with_hint(hint));
        }
        if self.read_only && self.path.is_none() {
            return Err(Error::new(ErrorKind::Configuration, "a database in memory cannot be read-only"));
        }
        Ok(())
    }
}
