//! Opening one connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use orm_core::Result;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::builder::SqliteBuilder;
use crate::{errors, functions};

/// A connection and the switch of its budget.
pub struct Open {
    pub connection: Connection,
    /// Whether a statement that spends its budget of steps is interrupted.
    pub armed: Arc<AtomicBool>,
}

pub fn open(settings: &SqliteBuilder, writer: bool) -> Result<Box<Open>> {
    configure(settings, writer).map(Box::new).map_err(|error| errors::map(error, &errors::Context::default()))
}

fn configure(settings: &SqliteBuilder, writer: bool) -> rusqlite::Result<Open> {
    let connection = match &settings.path {
        None => Connection::open_in_memory()?,
        Some(path) => {
            let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
            if settings.read_only {
                flags |= OpenFlags::SQLITE_OPEN_READ_ONLY;
            } else {
                flags |= OpenFlags::SQLITE_OPEN_READ_WRITE;
                if settings.create && writer {
                    flags |= OpenFlags::SQLITE_OPEN_CREATE;
                }
            }
            Connection::open_with_flags(path, flags)?
        }
    };
    connection.busy_timeout(settings.busy_timeout)?;
    if settings.path.is_some() && !settings.read_only && writer {
        connection.pragma_update(None, "journal_mode", "WAL")?;
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
    let armed = Arc::new(AtomicBool::new(false));
    if settings.read_budget > 0 {
        let budget = i32::try_from(settings.read_budget).unwrap_or(i32::MAX);
        let switch = Arc::clone(&armed);
        connection.progress_handler(budget, Some(move || switch.load(Ordering::Relaxed)))?;
    }
    // From here on only what runs on a thread of its own waits for locks: see `at_length`.
    connection.busy_timeout(Duration::ZERO)?;
    Ok(Open { connection, armed })
}
