//! From SQLSTATE to the kinds of the library.
//!
//! Source: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use orm_core::meta::ModelMeta;
use orm_core::{Error, ErrorKind};
use tokio_postgres::error::DbError;

/// An error of the driver. `model` is what the statement was about.
pub fn map(error: tokio_postgres::Error, model: Option<&'static ModelMeta>) -> Error {
    if let Some(server) = error.as_db_error() {
        let mapped = of_server(server, model);
        return mapped.with_source(error);
    }
    if error.is_closed() {
        return Error::new(ErrorKind::ConnectionLost, "the connection to the server is gone")
            .with_source(error);
    }
    let source = std::error::Error::source(&error);
    if error.to_string().starts_with("error performing TLS handshake") {
        let text = source.map_or_else(|| error.to_string(), |source| format!("no TLS connection: {source}"));
        return Error::new(ErrorKind::Configuration, text)
            .with_hint("trust the certificate with `root_certificate(..)`, or say `sslmode=disable` to a server without TLS")
            .with_source(error);
    }
    if source.is_some_and(|source| source.is::<std::io::Error>()) {
        return Error::new(ErrorKind::ConnectionLost, "the connection to the server failed")
            .with_source(error);
    }
    let text = match source {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let encoding = text.starts_with("error serializing parameter");
    let kind = if encoding { ErrorKind::Encode } else { ErrorKind::Database };
    let mapped = Error::new(kind, text);
    let mapped = match model {
        Some(model) if encoding => mapped
            .with_model(model.name)
            .with_hint("the column in the database has another type than the field"),
        _ => mapped,
    };
    mapped.with_source(error)
}

fn of_server(server: &DbError, model: Option<&'static ModelMeta>) -> Error {
    let code = server.code().code();
    let (kind, text) = match code {
        "23505" => (ErrorKind::Unique, "another row has this value already".to_owned()),
        "23503" => (
            ErrorKind::ForeignKey,
            "a row refers to one that is not there, or is still referred to".to_owned(),
        ),
        "23502" => (ErrorKind::NotNull, "a required value is missing".to_owned()),
        "23514" => {
            let name = server.constraint().unwrap_or_default();
            (ErrorKind::Check, format!("the check `{name}` does not hold"))
        }
        "23P01" => (ErrorKind::Exclusion, "another row excludes this one".to_owned()),
        "22001" => (ErrorKind::ValueTooLong, "a text is longer than its column".to_owned()),
        "22003" | "22008" => (ErrorKind::OutOfRange, "a number or date does not fit".to_owned()),
        "40001" => (ErrorKind::Serialization, "the transaction conflicted with another one".to_owned()),
        "40P01" => (ErrorKind::Deadlock, "the transaction was chosen to end a deadlock".to_owned()),
        "55P03" => (ErrorKind::LockTimeout, "a lock was not granted in time".to_owned()),
        "57014" => (ErrorKind::StatementTimeout, "the statement was cancelled".to_owned()),
        "42P01" | "42703" | "42704" | "3F000" => (ErrorKind::Schema, server.message().to_owned()),
        "3D000" | "28000" | "28P01" => (ErrorKind::Configuration, server.message().to_owned()),
        "25006" => (ErrorKind::Database, "the transaction is read-only".to_owned()),
        "0A000" => (ErrorKind::Unsupported, server.message().to_owned()),
        "57P01" | "57P02" | "57P03" | "57P05" => {
            (ErrorKind::ConnectionLost, "the server ended the connection".to_owned())
        }
        code if code.starts_with("08") => (ErrorKind::ConnectionLost, server.message().to_owned()),
        code if code.starts_with("53") => (ErrorKind::Database, server.message().to_owned()),
        _ => (ErrorKind::Database, server.message().to_owned()),
    };
    let mut error = Error::new(kind, text).with_code(code.to_owned());
    if let Some(model) = model {
        error = error.with_model(model.name);
    }
    if let Some(constraint) = server.constraint() {
        error = error.with_constraint(constraint.to_owned());
    }
    for field in fields(server, kind, model) {
        error = error.with_field(field);
    }
    match hint(server, kind, model) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The fields that an error is about, by the column or the constraint that the server names.
fn fields(server: &DbError, kind: ErrorKind, model: Option<&'static ModelMeta>) -> Vec<String> {
    let Some(model) = model.filter(|model| server.table().is_none_or(|table| table == model.table)) else {
        return Vec::new();
    };
    let paths = |columns: &[u16]| columns.iter().map(|index| model.column(*index).field.clone()).collect();
    if let Some(index) = server.column().and_then(|name| model.column_of_name(name)) {
        return paths(&[index]);
    }
    let Some(constraint) = server.constraint() else { return Vec::new() };
    if let Some(index) = model.indexes.iter().find(|index| cut(&index.name) == constraint) {
        return paths(&index.columns);
    }
    if kind == ErrorKind::Unique && constraint == cut(&format!("{}_pkey", model.table)) {
        return paths(model.primary_key);
    }
    if kind == ErrorKind::ForeignKey
        && let Some(key) =
            model.foreign_keys.iter().find(|key| cut(&crate::schema::key_name(model, key)) == constraint)
    {
        return paths(key.columns);
    }
    Vec::new()
}

/// A name as the server keeps it: 63 bytes at most, whole characters.
pub fn cut(name: &str) -> &str {
    let mut end = name.len().min(63);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

fn hint(server: &DbError, kind: ErrorKind, model: Option<&'static ModelMeta>) -> Option<String> {
    match (kind, server.code().code()) {
        (ErrorKind::ForeignKey, _) => {
            Some("insert the parent first, or delete the children first".to_owned())
        }
        (ErrorKind::Serialization | ErrorKind::Deadlock, _) => Some("run the transaction again".to_owned()),
        (ErrorKind::Schema, "42P01") => {
            Some("create the tables with `create_all`, or run the pending migrations".to_owned())
        }
        (ErrorKind::Schema, "42704") => Some(
            "a type of the program is there after `create_all`, one of an extension after `CREATE EXTENSION` in a schema of the search path"
                .to_owned(),
        ),
        (ErrorKind::Schema, "42703") => {
            let wanted = server.message().split('"').nth(1).unwrap_or_default();
            let names = model?.columns.iter().map(|column| column.name.as_str());
            let near =
                names.filter(|name| *name != wanted).min_by_key(|name| strsim::levenshtein(name, wanted))?;
            Some(format!("the model has a similar column `{near}`; the table may lack a migration"))
        }
        (_, "26000") => Some(
            "behind PgBouncer, types of extensions and of the program need version 1.21 or later with `max_prepared_statements`"
                .to_owned(),
        ),
        (_, "25006") => Some("a read-only transaction cannot write".to_owned()),
        _ => server.hint().map(str::to_owned),
    }
}
