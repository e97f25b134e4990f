//! From the driver's errors and the server's codes to the kinds of the library.
//!
//! Source: <https://www.mongodb.com/docs/manual/reference/error-codes/>.

use std::fmt;

use mongodb::error::{
    ErrorKind as Driver, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};
use orm_core::meta::ModelMeta;
use orm_core::{Error, ErrorKind};

use crate::bson::{Elements, get, i32_of, i64_of, str_of, tag};
use crate::{layout, rules};

/// Whether a server could not be reached.
pub fn is_lost(error: &mongodb::error::Error) -> bool {
    matches!(
        &*error.kind,
        Driver::Io(_) | Driver::ConnectionPoolCleared { .. } | Driver::ServerSelection { .. }
    )
}

/// Whether a command may have reached a server that did not answer.
pub fn was_sent(error: &mongodb::error::Error) -> bool {
    matches!(&*error.kind, Driver::Io(_))
}

/// Whether a read may be sent once more: the connection was lost, or the server is about to go or no longer the primary.
pub fn may_read_again(error: &mongodb::error::Error) -> bool {
    match &*error.kind {
        Driver::Io(_) | Driver::ConnectionPoolCleared { .. } => true,
        Driver::Command(command) => matches!(
            command.code,
            6 | 7 | 89 | 91 | 134 | 189 | 262 | 9001 | 10107 | 11600 | 11602 | 13435 | 13436
        ),
        _ => false,
    }
}

const NO_SUCH_TRANSACTION: i32 = 251;
const EXCEEDED_LIFETIME: i32 = 290;

/// What to do about a transaction that took too long.
pub const TOO_LONG: &str = "a server ends transactions older than its `transactionLifetimeLimitSeconds`, 60 if nobody set it: \
                            write fewer rows in one, or raise it";
const TOO_LONG_OR_LOST: &str = "run the transaction again; if it took longer than the server's `transactionLifetimeLimitSeconds`, \
                                60 if nobody set it, do less in one or raise it";

/// Whether the server ended the transaction for a reason of its own, not for a conflict.
pub fn is_aborted(error: &Error) -> bool {
    [NO_SUCH_TRANSACTION, EXCEEDED_LIFETIME].iter().any(|code| error.code() == Some(&code.to_string()))
}

/// What the server said, as far as it may be repeated: its messages and replies hold values and whole documents.
#[derive(Debug)]
struct ServerError {
    code: i32,
    name: String,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error {} of the server", self.code)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, " ({})", self.name) }
    }
}

impl std::error::Error for ServerError {}

/// The cause of an error of ours: the driver's error itself, unless it holds what the server said.
fn with_cause(mapped: Error, error: mongodb::error::Error) -> Error {
    let (code, name) = match &*error.kind {
        Driver::Command(command) => (command.code, command.code_name.clone()),
        Driver::Write(WriteFailure::WriteError(write)) => {
            (write.code, write.code_name.clone().unwrap_or_default())
        }
        Driver::Write(WriteFailure::WriteConcernError(concern)) => (concern.code, concern.code_name.clone()),
        Driver::Io(_)
        | Driver::ConnectionPoolCleared { .. }
        | Driver::ServerSelection { .. }
        | Driver::DnsResolve { .. }
        | Driver::InvalidTlsConfig { .. }
        | Driver::SessionsNotSupported => return mapped.with_source(error),
        _ => return mapped,
    };
    mapped.with_source(ServerError { code, name })
}

/// An error of the driver. `model` is what the command was about.
pub fn map(error: mongodb::error::Error, model: Option<&'static ModelMeta>) -> Error {
    let transient = error.contains_label(TRANSIENT_TRANSACTION_ERROR);
    let mapped = match &*error.kind {
        Driver::Command(command) => {
            let reply = error.server_response().map(|reply| reply.as_bytes().to_vec()).unwrap_or_default();
            of_code(command.code, &command.message, &reply, model)
        }
        Driver::Write(WriteFailure::WriteConcernError(concern)) => {
            unconfirmed(concern.code.into(), &concern.message)
        }
        Driver::Write(WriteFailure::WriteError(write)) => of_single(&error, write, model),
        Driver::Io(_) | Driver::ConnectionPoolCleared { .. } => {
            Error::new(ErrorKind::ConnectionLost, "the connection to the server failed")
        }
        Driver::ServerSelection { .. } => {
            Error::new(ErrorKind::ConnectionLost, "no server could be reached that takes this command")
                .with_hint("is the server running, and is the address in the URL right?")
        }
        Driver::DnsResolve { .. } => {
            Error::new(ErrorKind::Configuration, "the host's name cannot be resolved")
        }
        Driver::Authentication { message, .. } => Error::new(ErrorKind::Configuration, message.clone()),
        Driver::InvalidArgument { message, .. } => Error::new(ErrorKind::Usage, message.clone()),
        Driver::InvalidTlsConfig { message, .. } => Error::new(ErrorKind::Configuration, message.clone()),
        Driver::SessionsNotSupported => Error::new(ErrorKind::Unsupported, "this server has no sessions")
            .with_hint("transactions need a replica set"),
        _ => Error::new(ErrorKind::Database, error.kind.to_string()),
    };
    let mapped = match (transient, mapped.kind()) {
        (true, _) if is_lost(&error) => {
            // What could not be sent says already what to do.
            let hint = "nothing of the transaction is saved: run it again when the server is back";
            let mapped = if was_sent(&error) { mapped.with_hint(hint) } else { mapped };
            mapped.with_retry()
        }
        (false, _) | (true, ErrorKind::Unique) => mapped,
        (true, _) if is_aborted(&mapped) => mapped,
        (true, _) => mapped.with_kind(ErrorKind::Serialization).with_hint("run the transaction again"),
    };
    with_cause(mapped, error)
}

/// An error of COMMIT.
pub fn of_commit(error: mongodb::error::Error) -> Error {
    let unconfirmed = matches!(&*error.kind, Driver::Write(WriteFailure::WriteConcernError(_)));
    if !unconfirmed && error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) {
        let unknown = Error::new(
            ErrorKind::CommitUnknown,
            "the connection was lost during the commit: the changes may or may not be saved",
        )
        .with_hint("look whether they are there before you try again");
        return with_cause(unknown, error);
    }
    map(error, None)
}

/// A command that is no BSON, or a reply.
pub fn encoding(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Encode, "the command cannot be written as BSON").with_source(error)
}

/// The error that a reply to a write carries.
pub fn of_write(reply: &[u8], model: Option<&'static ModelMeta>) -> Option<Error> {
    if let Some((_, errors)) = get(reply, "writeErrors") {
        let (_, _, first) = Elements::of(errors).next()?;
        let code = get(first, "code").map_or(0, |(ty, value)| number(ty, value));
        let message = get(first, "errmsg").and_then(|(ty, value)| str_of(ty, value)).unwrap_or_default();
        return Some(of_code(code as i32, message, first, model));
    }
    let (_, concern) = get(reply, "writeConcernError")?;
    let message = get(concern, "errmsg").and_then(|(ty, value)| str_of(ty, value)).unwrap_or_default();
    Some(unconfirmed(get(concern, "code").map_or(0, |(ty, value)| number(ty, value)), message))
}

/// The error of an operation of the driver that writes one document.
fn of_single(
    error: &mongodb::error::Error,
    write: &mongodb::error::WriteError,
    model: Option<&'static ModelMeta>,
) -> Error {
    if let Some(error) = error.server_response().and_then(|reply| of_write(reply.as_bytes(), model)) {
        return error;
    }
    // The driver keeps this much of the reply to an insert.
    let details = mongodb::bson::doc! {"errInfo": write.details.clone()};
    let details = mongodb::bson::serialize_to_vec(&details).unwrap_or_default();
    of_code(write.code, &write.message, &details, model)
}

/// A write concern that was not met.
fn unconfirmed(code: i64, message: &str) -> Error {
    let text = format!("written, but not confirmed as the write concern asks: {message}");
    Error::new(ErrorKind::CommitUnknown, text)
        .with_hint("another primary may not know of it: look whether it is there before you try again")
        .with_code(code.to_string())
}

/// The error of one operation among many.
pub fn of_result(result: &[u8], model: Option<&'static ModelMeta>) -> Error {
    let code = get(result, "code").map_or(0, |(ty, value)| number(ty, value));
    let message = get(result, "errmsg").and_then(|(ty, value)| str_of(ty, value)).unwrap_or_default();
    of_code(code as i32, message, result, model)
}

pub fn number(ty: u8, value: &[u8]) -> i64 {
    match ty {
        tag::INT32 => i32_of(value).into(),
        tag::INT64 => i64_of(value),
        tag::DOUBLE => value.try_into().map_or(0, |bytes| f64::from_le_bytes(bytes) as i64),
        _ => 0,
    }
}

/// What a pipeline says of a second row where one is wanted: a text that is no number, which the server quotes as it refuses it.
pub const SEVERAL_ROWS: &str = "a scalar subquery has more than one row";

fn of_code(code: i32, message: &str, details: &[u8], model: Option<&'static ModelMeta>) -> Error {
    let named = |error: Error| match model {
        Some(model) => error.with_model(model.name),
        None => error,
    };
    let plain = |kind, text: &str| named(Error::new(kind, text).with_code(code.to_string()));
    match code {
        _ if message.contains(SEVERAL_ROWS) => plain(ErrorKind::MultipleRows, SEVERAL_ROWS).with_hint(
            "ask for one: `.order_by(..).limit(1)`, an aggregate, or a condition on a unique column",
        ),
        241 if message.contains("overflow") || message.contains("out of range") => {
            plain(ErrorKind::OutOfRange, "a number does not fit the type that it is cast to")
        }
        241 => plain(ErrorKind::Decode, "the text is no value of the type that it is cast to"),
        11000 | 11001 => {
            unique(message, details, plain(ErrorKind::Unique, "another row has this value already"), model)
        }
        112 => plain(ErrorKind::Serialization, "the transaction conflicted with another one")
            .with_hint("run the transaction again"),
        NO_SUCH_TRANSACTION => plain(ErrorKind::Serialization, "the transaction was aborted by the server")
            .with_hint(TOO_LONG_OR_LOST),
        EXCEEDED_LIFETIME => {
            plain(ErrorKind::Serialization, "the transaction lived longer than the server lets one")
                .with_hint(TOO_LONG)
        }
        121 => invalid(
            details,
            plain(ErrorKind::Check, "the document does not meet the rules of its collection"),
            model,
        ),
        50 => plain(ErrorKind::StatementTimeout, "the command took longer than its limit"),
        24 => plain(ErrorKind::LockTimeout, "a lock was not granted in time"),
        11601 => plain(ErrorKind::StatementTimeout, "the command was interrupted"),
        26 => plain(ErrorKind::Schema, "the collection is not there")
            .with_hint("create the collections with `create_all`"),
        13 | 18 => plain(ErrorKind::Configuration, message),
        20 if message.contains("Transaction numbers") => {
            plain(ErrorKind::Unsupported, "this server has no transactions")
                .with_hint("they need a replica set")
        }
        // A cursor that nobody read for ten minutes, or whose server was started again.
        43 => plain(ErrorKind::ConnectionLost, "the server no longer knows the cursor")
            .with_hint("read again from the start"),
        59 | 115 | 263 | 303 | 40324 => plain(ErrorKind::Unsupported, message),
        6 | 7 | 89 | 91 | 189 | 9001 | 10107 | 11600 | 11602 | 13435 | 13436 => {
            plain(ErrorKind::ConnectionLost, "the server ended the connection")
        }
        _ => plain(ErrorKind::Database, message),
    }
}

/// Which unique columns: the server names the index, and mostly its keys. Values are in the message, so it is not repeated.
fn unique(message: &str, details: &[u8], error: Error, model: Option<&'static ModelMeta>) -> Error {
    let index =
        message.split("index: ").nth(1).and_then(|rest| rest.split([' ', '\n']).next()).unwrap_or_default();
    let Some(model) = model else { return error.with_constraint(index.to_owned()) };
    let known = model.indexes.iter().find(|known| known.unique && known.name == index);
    let mut columns: Vec<u16> = match known {
        Some(known) => known.columns.clone(),
        None if index.starts_with("_id") => model.primary_key.to_vec(),
        None => Vec::new(),
    };
    if columns.is_empty()
        && let Some((_, pattern)) = get(details, "keyPattern")
    {
        let named = |name: &[u8]| {
            (0..model.columns.len() as u16).find(|index| layout::path(model, *index).as_bytes() == name)
        };
        columns = Elements::of(pattern).filter_map(|(name, _, _)| named(name)).collect();
    }
    let error = error.with_constraint(index.to_owned());
    columns.iter().fold(error, |error, column| error.with_field(model.column(*column).field.clone()))
}

/// Which rule: `create_all` makes a list of the schema and the checks, and the server says which part of the list failed.
fn invalid(details: &[u8], error: Error, model: Option<&'static ModelMeta>) -> Error {
    let Some(model) = model else { return error };
    let info = get(details, "errInfo").map_or(details, |(_, info)| info);
    let Some((_, rules)) = get(info, "details") else { return error };
    let mut found = Found::default();
    search(rules, &mut found);
    let of = |kind, text: &str| Error::new(kind, text).with_code("121").with_model(model.name);
    if let Some(check) = found.check.and_then(|place| model.checks.get(place)) {
        return of(ErrorKind::Check, &format!("the check `{}` does not hold", check.name))
            .with_constraint(check.name.to_owned());
    }
    let named = |error: Error, index: u16| error.with_field(model.column(index).field.clone());
    if let Some(place) = found.check {
        let limited = place
            .checked_sub(model.checks.len())
            .and_then(|place| rules::limited(model).into_iter().nth(place));
        let error = of(ErrorKind::OutOfRange, OUT_OF_RANGE);
        return limited.into_iter().fold(error, |error, limited| named(error, limited.column));
    }
    let column = found.property.as_ref().and_then(|path| column_around(model, path));
    let is_number = column.is_some_and(|index| {
        let ty = model.column(index).ty();
        ty.is_number() || matches!(ty, orm_core::value::ColumnType::List(_))
    });
    let error = match found.operator.as_str() {
        "maxLength" => of(ErrorKind::ValueTooLong, "a text is longer than its field takes"),
        "bsonType" | "required" | "not" if found.null => {
            of(ErrorKind::NotNull, "a required value is missing")
        }
        "minimum" | "maximum" => of(ErrorKind::OutOfRange, OUT_OF_RANGE),
        // A whole number that became too large is a double.
        "bsonType" if is_number => of(ErrorKind::OutOfRange, OUT_OF_RANGE),
        _ => error,
    };
    column.into_iter().fold(error, named)
}

const OUT_OF_RANGE: &str = "a value is outside the range of its field";

/// The column at a path, or around it: `lines.price` is in `lines`.
fn column_around(model: &ModelMeta, path: &str) -> Option<u16> {
    let mut around = path;
    loop {
        let found = (0..model.columns.len() as u16).find(|index| layout::path(model, *index) == around);
        match (found, around.rsplit_once('.')) {
            (Some(found), _) => return Some(found),
            (None, Some((outer, _))) => around = outer,
            (None, None) => return None,
        }
    }
}

#[derive(Default)]
struct Found {
    check: Option<usize>,
    property: Option<String>,
    operator: String,
    null: bool,
}

/// Looks through the server's explanation for the failed part of the list, the property and the rule.
fn search(document: &[u8], found: &mut Found) {
    let failed_clauses = get(document, "clausesNotSatisfied");
    if let Some((_, clauses)) = failed_clauses {
        for (_, _, clause) in Elements::of(clauses) {
            let place = get(clause, "index").map_or(0, |(ty, value)| number(ty, value));
            if place > 0 {
                found.check = found.check.or(Some(place as usize - 1));
            }
        }
    }
    if let Some((_, missing)) = get(document, "missingProperties") {
        found.null = true;
        found.operator = "required".to_owned();
        if let Some((_, ty, value)) = Elements::of(missing).next() {
            found.property = str_of(ty, value).map(str::to_owned);
        }
    }
    if let Some((ty, value)) = get(document, "propertyName") {
        let name = str_of(ty, value).unwrap_or_default();
        found.property = Some(match found.property.take() {
            Some(outer) => format!("{outer}.{name}"),
            None => name.to_owned(),
        });
    }
    if let Some((ty, value)) = get(document, "operatorName") {
        let name = str_of(ty, value).unwrap_or_default();
        if !name.starts_with('$') && name != "properties" {
            found.operator = name.to_owned();
        }
    }
    if get(document, "consideredType").and_then(|(ty, value)| str_of(ty, value)) == Some("null") {
        found.null = true;
    }
    for (name, ty, value) in Elements::of(document) {
        if matches!(ty, tag::DOCUMENT | tag::ARRAY)
            && !matches!(name, b"specifiedAs" | b"consideredValue" | b"missingProperties")
        {
            search(value, found);
        }
    }
}
