//! From SQLSTATE to the kinds of the library.
//!
//! Source: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use std::{fmt, io};

use orm_core::ir::{Command, Expr, Output};
use orm_core::meta::{ColumnMeta, ModelMeta};
use orm_core::schema::{broken_limit, foreign_key_name};
use orm_core::{Error, ErrorKind};
use tokio_postgres::error::DbError;

/// An error of the driver. `model` is what the statement was about.
pub fn map(error: tokio_postgres::Error, model: Option<&'static ModelMeta>) -> Error {
    if let Some(server) = error.as_db_error() {
        return of_server(server, model).with_source(PgServerError(server.clone()));
    }
    if error.is_closed() {
        return Error::new(ErrorKind::ConnectionLost, "the connection to the server is gone")
            .with_source(error);
    }
    let source = std::error::Error::source(&error);
    let io = source.and_then(|source| source.downcast_ref::<io::Error>());
    match error.to_string().as_str() {
        text if text.starts_with("error performing TLS handshake") && !io.is_some_and(is_gone) => {
            let text =
                source.map_or_else(|| text.to_owned(), |source| format!("no TLS connection: {source}"));
            return Error::new(ErrorKind::Configuration, text)
                .with_hint("trust the certificate with `root_certificate(..)`, or say `sslmode=disable` to a server without TLS")
                .with_source(error);
        }
        text if text.starts_with("error encoding message") => {
            return Error::new(
                ErrorKind::Encode,
                "the statement is larger than a message to the server can be",
            )
            .with_source(error);
        }
        _ => {}
    }
    if let Some(io) = io {
        return of_lost(io).with_source(error);
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

/// Whether the other side went away in the middle of a handshake.
fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    matches!(
        error.kind(),
        ConnectionReset
            | ConnectionAborted
            | ConnectionRefused
            | BrokenPipe
            | UnexpectedEof
            | TimedOut
            | NotConnected
    )
}

/// An error of a socket.
pub fn of_io(error: io::Error) -> Error {
    of_lost(&error).with_source(error)
}

fn of_lost(error: &io::Error) -> Error {
    // EMFILE, ENFILE: of the process, of the machine.
    if matches!(error.raw_os_error(), Some(24 | 23)) {
        return Error::new(
            ErrorKind::Configuration,
            "no socket can be opened: there are too few file descriptors",
        )
        .with_hint("raise the limit of open files (`ulimit -n`), or allow fewer connections");
    }
    Error::new(ErrorKind::ConnectionLost, "the connection to the server failed")
}

/// Whether a lost connection means that its last statement had no effect: the server looks for reasons to end a connection before
/// a statement and in it, never between a commit and the answer. The words are the server's own, not those of a pooler in between.
pub fn never_ran(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<PgServerError>());
    source.is_some_and(|PgServerError(server)| {
        matches!(server.code().code(), "57P01" | "57P05" | "25P03")
            && server.routine() == Some("ProcessInterrupts")
    })
}

/// What the server said, as the [source](std::error::Error::source) of an [`Error`](orm_core::Error). Its text has no values of
/// rows and parameters, so that it can go into a log; [`message`](PgServerError::message) and [`detail`](PgServerError::detail) give the
/// server's own words, which may.
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # async fn example(db: Postgres) -> Result<()> {
/// use std::error::Error as _;
/// use orm::postgres::PgServerError;
/// let error = Tag::create().name("rust").insert(&db).await.unwrap_err();
/// let server = error.source().and_then(|source| source.downcast_ref::<PgServerError>()).unwrap();
/// println!("{server}");                                  // ERROR 23505, constraint uq_tags_name
/// println!("{}", server.detail().unwrap_or_default());   // Key (name)=(rust) already exists.
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct PgServerError(DbError);

impl PgServerError {
    /// The SQLSTATE.
    pub fn code(&self) -> &str {
        self.0.code().code()
    }
    /// The server's message; it may hold values.
    pub fn message(&self) -> &str {
        self.0.message()
    }
    /// The server's detail; it often holds values.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail()
    }
    /// The server's hint.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint()
    }
    /// Where it happened: a function of PL/pgSQL and what called it; it may hold values.
    pub fn context(&self) -> Option<&str> {
        self.0.where_()
    }
    /// The table concerned.
    pub fn table(&self) -> Option<&str> {
        self.0.table()
    }
    /// The column concerned.
    pub fn column(&self) -> Option<&str> {
        self.0.column()
    }
    /// The constraint concerned.
    pub fn constraint(&self) -> Option<&str> {
        self.0.constraint()
    }
}

impl fmt::Display for PgServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.severity(), self.code())?;
        let said = [("table", self.table()), ("column", self.column()), ("constraint", self.constraint())];
        for (what, name) in said {
            if let Some(name) = name {
                write!(f, ", {what} {name}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for PgServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PgServerError({self})")
    }
}

impl std::error::Error for PgServerError {}

/// The server's message for the text of an error. Complaints about data quote it.
fn message(server: &DbError) -> String {
    let text = server.message();
    match (server.code().code().starts_with("22"), text.split_once(": \"")) {
        (true, Some((before, _))) => before.to_owned(),
        (true, None) if text.contains('"') => "a value does not fit where it is used".to_owned(),
        _ => text.to_owned(),
    }
}

/// Which way a broken foreign key points.
#[derive(Clone, Copy, PartialEq)]
enum Direction {
    /// A row that refers to one that is not there.
    ToParent,
    /// A row that others still refer to.
    FromChildren,
}

fn direction(server: &DbError, model: Option<&'static ModelMeta>) -> Direction {
    let says = |text: &str| {
        server.message().contains(text) || server.detail().is_some_and(|detail| detail.contains(text))
    };
    if says("is still referenced") || says("update or delete on table") {
        Direction::FromChildren
    } else if says("is not present") || says("insert or update on table") {
        Direction::ToParent
    } else if model.is_some_and(|model| server.table().is_some_and(|table| table != model.table)) {
        // In another language: the table that is named is always the one that refers.
        Direction::FromChildren
    } else {
        Direction::ToParent
    }
}

fn of_server(server: &DbError, model: Option<&'static ModelMeta>) -> Error {
    let code = server.code().code();
    let own = model.filter(|model| server.table().is_none_or(|table| table == model.table));
    if let ("23514", Some(model), Some(check)) = (code, own, server.constraint())
        && let Some(error) = broken_limit(model, check)
    {
        return error.with_code(code.to_owned());
    }
    let (kind, text) = match code {
        "23505" => (ErrorKind::Unique, "another row has this value already".to_owned()),
        "23503" | "23001" => (
            ErrorKind::ForeignKey,
            match direction(server, model) {
                Direction::ToParent => "a row refers to one that is not there".to_owned(),
                Direction::FromChildren => match server.table() {
                    Some(table) => format!("rows of `{table}` still refer to this one"),
                    None => "other rows still refer to this one".to_owned(),
                },
            },
        ),
        "23502" => (ErrorKind::NotNull, "a required value is missing".to_owned()),
        "23514" => match server.constraint() {
            Some(name) => (ErrorKind::Check, format!("the check `{name}` does not hold")),
            None => (ErrorKind::Check, "no partition of the table takes this row".to_owned()),
        },
        "44000" => (ErrorKind::Check, "the row is not one that the view shows".to_owned()),
        "23P01" => (ErrorKind::Exclusion, "another row excludes this one".to_owned()),
        "22001" => (ErrorKind::ValueTooLong, "a text is longer than its column".to_owned()),
        "22003" | "22008" => (ErrorKind::OutOfRange, "a number or date does not fit".to_owned()),
        "22P02" if server.message().starts_with("invalid input syntax") => {
            (ErrorKind::Decode, "the text is no value of the type that it is cast to".to_owned())
        }
        "21000" if server.message().contains("subquery") => {
            (ErrorKind::MultipleRows, "a scalar subquery has more than one row".to_owned())
        }
        "40001" => (ErrorKind::Serialization, "the transaction conflicted with another one".to_owned()),
        "40P01" => (ErrorKind::Deadlock, "the transaction was chosen to end a deadlock".to_owned()),
        "55P03" => (ErrorKind::LockTimeout, "a lock was not granted in time".to_owned()),
        "57014" if server.message().contains("user request") => {
            (ErrorKind::Cancelled, "the statement was cancelled".to_owned())
        }
        "57014" => (ErrorKind::StatementTimeout, "the statement was cancelled".to_owned()),
        "25P02" => (
            ErrorKind::Aborted,
            "a statement of the transaction failed before, so the server takes no more of it".to_owned(),
        ),
        "42P01" | "42703" | "42704" | "3F000" => (ErrorKind::Schema, server.message().to_owned()),
        "428C9" => (ErrorKind::Schema, "the table makes the value of this column itself, always".to_owned()),
        "42501" if server.message().contains("row-level security") => {
            (ErrorKind::PermissionDenied, "a policy of the table forbids this row".to_owned())
        }
        "42501" => (ErrorKind::PermissionDenied, server.message().to_owned()),
        "3D000" | "28000" | "28P01" => (ErrorKind::Configuration, server.message().to_owned()),
        "25006" => (ErrorKind::ReadOnly, "the transaction is read-only".to_owned()),
        "0A000" => (ErrorKind::Unsupported, server.message().to_owned()),
        "P0001" => (ErrorKind::Raised, server.message().to_owned()),
        "53100" => (ErrorKind::DiskFull, "the server has no room left on its disk".to_owned()),
        "XX001" | "XX002" => (ErrorKind::Corrupt, "a file of the server's is damaged".to_owned()),
        "53300" => (ErrorKind::TooManyConnections, "the server takes no more connections".to_owned()),
        "25P03" => (
            ErrorKind::ConnectionLost,
            "the server ended the connection: its transaction was idle for too long".to_owned(),
        ),
        "57P01" | "57P02" | "57P03" | "57P05" => {
            (ErrorKind::ConnectionLost, "the server ended the connection".to_owned())
        }
        code if code.starts_with("08") => (ErrorKind::ConnectionLost, server.message().to_owned()),
        _ => (ErrorKind::Database, message(server)),
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

/// The fields that an error is about: by the column that the server names, the columns of its detail, or the constraint.
fn fields(server: &DbError, kind: ErrorKind, model: Option<&'static ModelMeta>) -> Vec<String> {
    let Some(model) = model else { return Vec::new() };
    let paths = |columns: &[u16]| columns.iter().map(|index| model.column(*index).field.clone()).collect();
    if server.code().code() == "428C9" {
        let name = server.message().split('"').nth(1).unwrap_or_default();
        return model.column_of_name(name).map_or_else(Vec::new, |index| paths(&[index]));
    }
    let of_children =
        kind == ErrorKind::ForeignKey && direction(server, Some(model)) == Direction::FromChildren;
    if !of_children && server.table().is_some_and(|table| table != model.table) {
        return Vec::new();
    }
    if let Some(index) = server.column().and_then(|name| model.column_of_name(name)) {
        return paths(&[index]);
    }
    if matches!(kind, ErrorKind::Unique | ErrorKind::ForeignKey | ErrorKind::Exclusion) {
        let columns: Option<Vec<u16>> = key_columns(server.detail().unwrap_or_default())
            .iter()
            .map(|name| model.column_of_name(name))
            .collect();
        if let Some(columns) = columns.filter(|columns| !columns.is_empty()) {
            return paths(&columns);
        }
    }
    let Some(constraint) = server.constraint() else { return Vec::new() };
    if let Some(index) = model.indexes.iter().find(|index| index.name == constraint) {
        return paths(&index.columns);
    }
    if kind == ErrorKind::Unique && constraint == cut(&format!("{}_pkey", model.table)) {
        return paths(model.primary_key);
    }
    if kind == ErrorKind::ForeignKey
        && let Some(key) = model.foreign_keys.iter().find(|key| foreign_key_name(model, key) == constraint)
    {
        return paths(key.columns);
    }
    if kind == ErrorKind::Check {
        // The name that the server makes for a check of one column.
        let own = |name: &str| constraint.starts_with(cut(&format!("{}_{name}_check", model.table)));
        let index = model.columns.iter().position(|column| own(&column.name));
        return index.map_or_else(Vec::new, |index| paths(&[index as u16]));
    }
    Vec::new()
}

/// The columns of `Key (a, "b c")=(1, 2) already exists.`, in whatever language. An expression among them is no column.
fn key_columns(detail: &str) -> Vec<String> {
    let key = detail.find(")=(").and_then(|end| detail[..end].find('(').map(|start| &detail[start + 1..end]));
    let Some(mut rest) = key else { return Vec::new() };
    let mut names = Vec::new();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut name = String::new();
            let mut characters = quoted.char_indices().peekable();
            let mut end = quoted.len();
            while let Some((at, character)) = characters.next() {
                match character {
                    '"' if characters.next_if(|(_, next)| *next == '"').is_none() => {
                        end = at + 1;
                        break;
                    }
                    character => name.push(character),
                }
            }
            names.push(name);
            rest = quoted[end..].strip_prefix(", ").unwrap_or_default();
        } else {
            let (name, after) = rest.split_once(", ").unwrap_or((rest, ""));
            names.push(name.to_owned());
            rest = after;
        }
    }
    names
}

/// An error of decoding with the field whose column it is, where that is a plain one.
#[cold]
pub fn of_column(error: Error, command: &Command, index: usize) -> Error {
    if error.kind() != ErrorKind::Decode || !error.fields().is_empty() {
        return error;
    }
    let output = match command {
        Command::Select(select) => Some(&select.output),
        Command::Insert(insert) => insert.returning.as_ref(),
        Command::Update(update) => update.returning.as_ref(),
        Command::UpdateRows(update) => update.returning.as_ref(),
        Command::Delete(delete) => delete.returning.as_ref(),
        Command::Raw(_) => None,
    };
    let (Some(model), Some(output)) = (command.model(), output) else { return error };
    let whole = model.columns.len();
    let column = match output {
        Output::Model => model.columns.get(index).map(|column| (model, column)),
        Output::ModelAnd(_) if index < whole => model.columns.get(index).map(|column| (model, column)),
        Output::ModelAnd(more) => more.get(index - whole).and_then(column_of),
        Output::Exprs(list) => list.get(index).and_then(column_of),
        _ => None,
    };
    match column {
        Some((model, column)) => error.with_model(model.name).with_field(column.field.clone()),
        None => error,
    }
}

fn column_of(expr: &Expr) -> Option<(&'static ModelMeta, &'static ColumnMeta)> {
    match expr {
        Expr::Column(column) => {
            let model = column.source.model;
            model.columns.get(usize::from(column.index)).map(|column| (model, column))
        }
        _ => None,
    }
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
    let said = match (kind, server.code().code()) {
        (ErrorKind::ForeignKey, _) => match direction(server, model) {
            Direction::ToParent => "insert the parent first",
            Direction::FromChildren => {
                "delete or move those rows first, or say what becomes of them with `on_delete`"
            }
        },
        (ErrorKind::Serialization | ErrorKind::Deadlock, _) => "run the transaction again",
        (ErrorKind::Aborted, _) => "roll it back; run what may fail in a nested transaction",
        (ErrorKind::Check, "23514") if server.constraint().is_none() => {
            "create the partition for it, or a default one"
        }
        (ErrorKind::TooManyConnections, _) => {
            "allow fewer connections with `max_connections`, or more on the server"
        }
        (ErrorKind::Schema, "42P01") => "create the tables with `create_all`, or run the pending migrations",
        (ErrorKind::Schema, "42704") => {
            "a type of the program is there after `create_all`, one of an extension after `CREATE EXTENSION` in a schema of the search path"
        }
        (ErrorKind::Schema, "428C9") => {
            "leave the field out when a row is created, or make the column `GENERATED BY DEFAULT`"
        }
        (ErrorKind::Schema, "42703") => return similar(server, model?),
        (_, "26000" | "42P05") => {
            "behind a pooler in transaction mode, connect with `.pgbouncer(true)`; types of extensions and of the program then need PgBouncer 1.21 or later with `max_prepared_statements`"
        }
        (ErrorKind::MultipleRows, _) => {
            "ask for one: `.order_by(..).limit(1)`, an aggregate, or a condition on a unique column"
        }
        (_, "25006") => "a read-only transaction cannot write",
        _ => return server.hint().map(str::to_owned),
    };
    Some(said.to_owned())
}

/// The column that a misspelt or renamed one may be: close to it, and not itself.
fn similar(server: &DbError, model: &ModelMeta) -> Option<String> {
    let wanted = server.message().split('"').nth(1).unwrap_or_default();
    if model.column_of_name(wanted).is_some() {
        return Some(format!("the table `{}` lacks it: run the pending migrations", model.table));
    }
    let names = model.columns.iter().map(|column| column.name.as_str());
    let near = names.map(|name| (strsim::levenshtein(name, wanted), name)).min()?;
    let close = near.0 <= wanted.chars().count().max(3) / 3;
    close.then(|| format!("the model has a similar column `{}`", near.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_in_a_detail_of_any_language() {
        assert_eq!(key_columns("Key (email)=(ada@x) already exists."), ["email"]);
        assert_eq!(
            key_columns("Schlüssel »(a, \"größe ,\"\"x\", c)=(1, 2, 3)« existiert bereits."),
            ["a", "größe ,\"x", "c"]
        );
        assert_eq!(key_columns("Key (lower(email))=(x) already exists."), ["lower(email)"]);
        assert!(key_columns("nothing of the kind").is_empty());
    }

    #[test]
    fn too_few_file_descriptors_are_no_lost_connection() {
        let error = of_io(io::Error::from_raw_os_error(24));
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.hint().is_some_and(|hint| hint.contains("ulimit")), "{error}");
        assert_eq!(of_io(io::ErrorKind::ConnectionReset.into()).kind(), ErrorKind::ConnectionLost);
    }
}
