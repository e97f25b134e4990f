//! Settings of a database handle.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use orm_core::backend::Observer;
use orm_core::{Error, ErrorKind, Result};

use crate::database::Sqlite;
use crate::pool::Pool;

/// Settings of a [`Sqlite`] handle: made by [`Sqlite::builder`].
#[derive(Clone)]
#[must_use = "nothing is opened before `.connect()`"]
pub struct SqliteBuilder {
    pub(crate) path: Option<PathBuf>,
    pub(crate) readers: usize,
    pub(crate) busy_timeout: Duration,
    pub(crate) acquire_timeout: Duration,
    pub(crate) pragmas: Vec<(String, String)>,
    pub(crate) create: bool,
    pub(crate) read_only: bool,
    pub(crate) statement_cache: usize,
    pub(crate) read_budget: u32,
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
            readers: 4,
            busy_timeout: Duration::from_secs(5),
            acquire_timeout: Duration::from_secs(30),
            pragmas: Vec::new(),
            create: true,
            read_only: false,
            statement_cache: 256,
            read_budget: 100_000,
            observer: None,
        }
    }

    /// The database file. Without one, the database is in memory and has a single connection.
    pub fn path(mut self, path: impl AsRef<Path>) -> Self {
        self.path = Some(path.as_ref().to_owned());
        self
    }

    /// How many connections read beside the writer (at least 1; 4 unless set).
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How long a statement waits for a lock of another process (5 s unless set).
    pub fn busy_timeout(mut self, time: Duration) -> Self {
        self.busy_timeout = time;
        self
    }

    /// How long a caller waits for a free connection (30 s unless set).
    pub fn acquire_timeout(mut self, time: Duration) -> Self {
        self.acquire_timeout = time;
        self
    }

    /// Sets a pragma on every connection, after the library's own (`journal_mode = WAL`, `synchronous = NORMAL`,
    /// `foreign_keys = ON`).
    pub fn pragma(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.pragmas.push((name.into(), value.into()));
        self
    }

    /// Whether a missing file is created (yes unless set).
    pub fn create_if_missing(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Opens the file for reading only.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// How many prepared statements each connection keeps (256 unless set).
    pub fn statement_cache(mut self, statements: usize) -> Self {
        self.statement_cache = statements;
        self
    }

    /// How many steps of SQLite's virtual machine a read may take on the caller's thread before it moves to another
    /// (100 000 unless set, about a millisecond); 0 moves every read.
    pub fn read_budget(mut self, steps: u32) -> Self {
        self.read_budget = steps;
        self
    }

    /// Is told of every statement.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Opens the database.
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
        if self.read_only && self.path.is_none() {
            return Err(Error::new(ErrorKind::Configuration, "a database in memory cannot be read-only"));
        }
        Ok(())
    }
}
