//! Opening one connection.

use rusqlite::{Connection, OpenFlags};

use orm_core::Result;

use crate::builder::SqliteBuilder;
use crate::{errors, functions};

pub fn open(settings: &SqliteBuilder, writer: bool) -> Result<Connection> {
    configure(settings, writer).map_err(|error| errors::map(error, &errors::Context::default()))
}

fn configure(settings: &SqliteBuilder, writer: bool) -> rusqlite::Result<Connection> {
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
    Ok(connection)
}
