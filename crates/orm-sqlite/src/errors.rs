//! From SQLite's extended codes to the kinds of the library.

use orm_core::meta::ModelMeta;
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
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY | ffi::SQLITE_CONSTRAINT_TRIGGER => named(
            Error::new(
                ErrorKind::ForeignKey,
                "a row refers to one that is not there, or is still referred to",
            )
            .with_hint("insert the parent first, or delete the children first"),
        ),
        ffi::SQLITE_CONSTRAINT_CHECK => {
            let name = message.rsplit(": ").next().unwrap_or_default().to_owned();
            named(
                Error::new(ErrorKind::Check, format!("the check `{name}` does not hold"))
                    .with_constraint(name),
            )
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
        code if code & 0xff == ffi::SQLITE_READONLY => {
            Error::new(ErrorKind::Database, "the database is open for reading only")
                .with_hint("a read-only transaction cannot write")
        }
        code if code & 0xff == ffi::SQLITE_ERROR
            && (message.contains("no such table") || message.contains("no such column")) =>
        {
            named(missing(&message, context))
        }
        _ if message.contains("integer overflow") || message.contains("more digits than") => {
            Error::new(ErrorKind::OutOfRange, "the result of the calculation is too large")
        }
        _ => named(Error::new(ErrorKind::Database, message)),
    };
    mapped.with_code(code.to_string()).with_source(error)
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
    let names = context
        .model
        .map(|model| model.columns.iter().map(|column| column.name.as_str()))
        .into_iter()
        .flatten();
    match names.filter(|name| *name != wanted).min_by_key(|name| strsim::levenshtein(name, wanted)) {
        Some(near) => error
            .with_hint(format!("the model has a similar column `{near}`; the table may lack a migration")),
        None => error.with_hint("the table may lack a migration"),
    }
}

#[cfg(test)]
mod tests;
