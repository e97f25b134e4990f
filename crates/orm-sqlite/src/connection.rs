//! Opening one connection.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use orm_core::Result;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OpenFlags};

use crate::builder::SqliteBuilder;
use crate::watch::Watch;
use crate::{errors, functions};

/// A connection and what the driver knows of it.
pub struct Open {
    pub connection: Connection,
    pub watch: Arc<Watch>,
    /// Whether COMMIT waits for the disk, or for readers: it belongs on a thread then.
    pub syncs: bool,
    /// The pages of the write-ahead log at which it is written back to the database; 0 for never.
    checkpoint: i32,
    /// The pages at which that is tried next: readers may keep the log from starting over.
    next: AtomicI32,
    due: AtomicBool,
    /// Whether SQL of the program has changed what belongs to the connection alone.
    pub touched: Arc<AtomicBool>,
}

/// Opens a connection of a handle that is made now, or again of one that has been in use.
pub fn open(settings: &SqliteBuilder, writer: bool, again: bool) -> Result<Box<Open>> {
    configure(settings, writer, again)
        .map(Box::new)
        .map_err(|error| errors::map(error, &errors::Context::default()))
}

fn configure(settings: &SqliteBuilder, writer: bool, again: bool) -> rusqlite::Result<Open> {
    let connection = match &settings.path {
        None => Connection::open_in_memory()?,
        Some(path) => {
            let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
            if settings.read_only {
                flags |= OpenFlags::SQLITE_OPEN_READ_ONLY;
            } else {
                flags |= OpenFlags::SQLITE_OPEN_READ_WRITE;
                // A file that is gone by now is not replaced by an empty one.
                if settings.create && writer && (!again || path.exists()) {
                    flags |= OpenFlags::SQLITE_OPEN_CREATE;
                }
            }
            Connection::open_with_flags(path, flags)?
        }
    };
    connection.busy_timeout(settings.busy_timeout)?;
    let writes = settings.path.is_some() && !settings.read_only && writer;
    if writes && !again {
        // The journal is the file's, and another program may count on it: only a file without a page is ours to choose for.
        let is_new = || connection.query_row("PRAGMA page_count", [], |row| Ok(row.get::<_, i64>(0)? == 0));
        if settings.wal.map_or_else(is_new, Ok)? {
            connection.pragma_update(None, "journal_mode", "WAL")?;
        }
    }
    // SQLite takes a quoted name that it does not know for a text: a column that is missing would be read as its own name.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    for (name, value) in &settings.pragmas {
        connection.pragma_update(None, name, value)?;
    }
    if !writer {
        connection.pragma_update(None, "query_only", true)?;
    }
    connection.set_prepared_statement_cache_capacity(settings.statement_cache);
    rusqlite::vtab::array::load_module(&connection)?;
    functions::register(&connection)?;
    let (mut syncs, mut checkpoint) = (false, 0);
    if writes {
        let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        let wal = journal.eq_ignore_ascii_case("wal");
        // https://sqlite.org/pragma.html#pragma_synchronous: with a write-ahead log, NORMAL syncs at checkpoints only.
        syncs = !wal || number("synchronous")? > 1;
        if wal {
            checkpoint = number("wal_autocheckpoint")?;
            // In the place of SQLite's own checkpoint, which COMMIT would run.
            connection.wal_hook(Some(|_, pages| {
                PAGES.set(pages);
                Ok(())
            }));
        }
    }
    // From here on only what runs on a thread of its own waits for locks: see `watch`.
    let watch = Watch::install(&connection, settings.read_budget)?;
    let touched = Arc::new(AtomicBool::new(false));
    let mark = Arc::clone(&touched);
    connection.authorizer(Some(move |context: AuthContext<'_>| {
        if stays_on_connection(&context.action) {
            mark.store(true, Ordering::Relaxed);
        }
        Authorization::Allow
    }))?;
    Ok(Open {
        connection,
        watch,
        touched,
        syncs,
        checkpoint,
        next: AtomicI32::new(checkpoint),
        due: AtomicBool::new(false),
    })
}

/// Whether a statement leaves something on the connection that the others do not have: attached databases, temporary tables,
/// settings. Asked when it is prepared.
fn stays_on_connection(action: &AuthAction<'_>) -> bool {
    // Pragmas that ask or do something and are given what about, and one that ends with its transaction.
    const PASS: [&str; 17] = [
        "application_id",
        "data_version",
        "defer_foreign_keys",
        "foreign_key_check",
        "foreign_key_list",
        "incremental_vacuum",
        "index_info",
        "index_list",
        "index_xinfo",
        "integrity_check",
        "optimize",
        "quick_check",
        "table_info",
        "table_list",
        "table_xinfo",
        "user_version",
        "wal_checkpoint",
    ];
    match action {
        AuthAction::Attach { .. }
        | AuthAction::Detach { .. }
        | AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. } => true,
        AuthAction::Pragma { pragma_name, pragma_value: Some(_) } => {
            !PASS.iter().any(|known| known.eq_ignore_ascii_case(pragma_name))
        }
        _ => false,
    }
}

thread_local! {
    /// The pages of the write-ahead log after the last COMMIT on this thread.
    static PAGES: Cell<i32> = const { Cell::new(0) };
}

impl Open {
    /// Takes note of how long the write-ahead log has become: to be called on the thread on which something was committed.
    pub fn note_pages(&self) {
        let pages = PAGES.take();
        if pages == 0 || self.checkpoint <= 0 {
            return;
        }
        if pages < self.checkpoint {
            self.next.store(self.checkpoint, Ordering::Relaxed);
        } else if pages >= self.next.load(Ordering::Relaxed) {
            self.next.store(pages.saturating_add(self.checkpoint / 4 + 1), Ordering::Relaxed);
            self.due.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the write-ahead log is to be written back before the connection is lent again.
    pub fn is_due(&self) -> bool {
        self.due.load(Ordering::Relaxed)
    }

    /// Whether its return reads or writes the disk.
    pub fn needs_thread(&self) -> bool {
        !self.connection.is_autocommit() || self.is_due() || self.touched.load(Ordering::Relaxed)
    }

    /// Writes back as much of the log as no reader needs any more. If that fails, it is tried again later: nothing is lost.
    pub fn checkpoint(&self) {
        self.due.store(false, Ordering::Relaxed);
        let _ = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    }
}
