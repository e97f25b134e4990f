//! From SQLite's extended codes to the kinds of the library.

use orm_core::meta::ModelMeta;
use orm_core::schema::broken_limit;
use orm_core::{Error, ErrorKind};
use rusqlite::ffi;

/// What the statement was about.
#[derive(Default, Clone, Copy)]
pub struct Context {
    pub model: Option<&'static ModelMeta>,
}

pub fn map(error: rusqlite::Error, context: &Context) -> Error {
    let (code, message) = match &error {
        rusqlite::Error::SqliteFailure(failure, message) => {
            (failure.extended_code, message.clone().unwrap_or_default())
        }
        rusqlite::Error::SqlInputError { error: failure, msg, .. } => (failure.extended_code, msg.clone()),
        _ => (0, error.to_string()),
    };
    let named = |mut error: Error| {
        if let Some(model) = context.model {
            error = error.with_model(model.name);
        }
        error
    };
    let mapped = match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            fields(Error::new(ErrorKind::Unique, "another row has this value already"), &message, context)
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => {
            fields(Error::new(ErrorKind::NotNull, "a required value is missing"), &message, context)
        }
        // RESTRICT is a trigger of SQLite's own, with this text.
        ffi::SQLITE_CONSTRAINT_TRIGGER if message != "FOREIGN KEY constraint failed" => {
            named(Error::new(ErrorKind::Raised, message))
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY | ffi::SQLITE_CONSTRAINT_TRIGGER => named(
            Error::new(
                ErrorKind::ForeignKey,
                "a row refers to one that is not there, or is still referred to",
            )
            .with_hint("insert the parent first, or delete the children first"),
        ),
        ffi::SQLITE_CONSTRAINT_CHECK => {
            let name = message.rsplit(": ").next().unwrap_or_default().to_owned();
            let limit = context.model.and_then(|model| broken_limit(model, &name));
            limit.unwrap_or_else(|| {
                named(
                    Error::new(ErrorKind::Check, format!("the check `{name}` does not hold"))
                        .with_constraint(name),
                )
            })
        }
        ffi::SQLITE_BUSY_SNAPSHOT => {
            Error::new(ErrorKind::Serialization, "the data changed since the transaction read it")
                .with_hint("run the transaction again")
        }
        code if code & 0xff == ffi::SQLITE_BUSY || code & 0xff == ffi::SQLITE_LOCKED => {
            Error::new(ErrorKind::LockTimeout, "another process kept the database locked")
        }
        code if code & 0xff == ffi::SQLITE_INTERRUPT => {
            Error::new(ErrorKind::StatementTimeout, "the statement was interrupted")
        }
        code if code & 0xff == ffi::SQLITE_TOOBIG => {
            named(Error::new(ErrorKind::ValueTooLong, "a value is too long for SQLite"))
        }
        code if code & 0xff == ffi::SQLITE_CANTOPEN => {
            Error::new(ErrorKind::Configuration, "the database file cannot be opened")
                .with_hint("check the path and its permissions")
        }
        code if code & 0xff == ffi::SQLITE_NOTADB => {
            Error::new(ErrorKind::Configuration, "the file is not an SQLite database")
        }
        code if code & 0xff == ffi::SQLITE_READONLY => read_only(code),
        code if code & 0xff == ffi::SQLITE_FULL => {
            Error::new(ErrorKind::DiskFull, "the disk is full, or the database has reached `max_page_count`")
                .with_hint("make room and run it again; what was not committed is not stored")
        }
        code if code & 0xff == ffi::SQLITE_CORRUPT => {
            Error::new(ErrorKind::Corrupt, "the database file is damaged")
                .with_hint("restore it from a backup, or save what `sqlite3 FILE .recover` still reads")
        }
        code if code & 0xff == ffi::SQLITE_ERROR
            && (message.contains("no such table") || message.contains("no such column")) =>
        {
            named(missing(&message, context))
        }
        _ if message.contains(crate::functions::SEVERAL_ROWS) => {
            Error::new(ErrorKind::MultipleRows, crate::functions::SEVERAL_ROWS).with_hint(
                "ask for one: `.order_by(..).limit(1)`, an aggregate, or a condition on a unique column",
            )
        }
        _ if message.contains(crate::functions::casts::NO_VALUE)
            || message.contains(crate::functions::NO_DECIMAL) =>
        {
            named(Error::new(ErrorKind::Decode, crate::functions::casts::NO_VALUE))
        }
        _ if message.contains(crate::functions::OTHER_FORM) => {
            named(Error::new(ErrorKind::Decode, crate::functions::OTHER_FORM)).with_hint(
                "a date-time that compares is `2024-01-31 23:59:59.5`, in UTC and without zeros at the end: write the others anew \
                 with `strftime`",
            )
        }
        _ if message.contains("integer overflow") || message.contains("more digits than") => {
            Error::new(ErrorKind::OutOfRange, "the result of the calculation is too large")
        }
        _ => named(Error::new(ErrorKind::Database, message)),
    };
    mapped.with_code(code.to_string()).with_source(error)
}

/// A transaction or a handle that is to read only, and a file that the process may not write, are one code to SQLite.
fn read_only(code: i32) -> Error {
    match code {
        ffi::SQLITE_READONLY_DBMOVED => {
            Error::new(ErrorKind::ReadOnly, "the database file was moved or replaced while it is open")
                .with_hint("close the handle and open the file again")
        }
        ffi::SQLITE_READONLY_DIRECTORY | ffi::SQLITE_READONLY_CANTINIT | ffi::SQLITE_READONLY_CANTLOCK => {
            Error::new(ErrorKind::ReadOnly, "the files beside the database cannot be written").with_hint(
                "the process needs to write the folder of the database, or open it with `.read_only()`",
            )
        }
        _ => Error::new(ErrorKind::ReadOnly, "the database can only be read here")
            .with_hint("the handle or the transaction is read-only, or the process may not write the file"),
    }
}

/// `UNIQUE constraint failed: users.email, users.name` names tables and columns.
fn fields(error: Error, message: &str, context: &Context) -> Error {
    let Some(model) = context.model else { return error };
    let mut error = error.with_model(model.name);
    let list = message.split_once("failed: ").map_or("", |(_, list)| list);
    let prefix = format!("{}.", model.table);
    // Names may hold commas and dots: look for each known column instead of cutting the text.
    let mut rest = list;
    while let Some(after) = rest.strip_prefix(prefix.as_str()) {
        let longest = model.columns.iter().filter(|column| after.starts_with(column.name.as_str()));
        let Some(column) = longest.max_by_key(|column| column.name.len()) else { break };
        error = error.with_field(column.field.clone());
        rest = after[column.name.len()..].trim_start_matches(", ");
    }
    error
}

fn missing(message: &str, context: &Context) -> Error {
    let error = Error::new(ErrorKind::Schema, message.to_owned());
    if message.contains("no such table") {
        return error.with_hint("create the tables with `create_all`, or run the pending migrations");
    }
    let wanted = message.split(": ").nth(1).and_then(|name| name.split(' ').next()).unwrap_or_default();
    let wanted = wanted.rsplit('.').next().unwrap_or_default();
    error.with_hint(orm_sql::missing_column(context.model, wanted))
}

#[cfg(test)]
mod tests;
