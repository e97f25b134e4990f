use std::error::Error as _;
use std::sync::LazyLock;

use orm_core::meta::{ColumnMeta, ModelMeta};

use super::*;

fn failure(code: i32, message: &str) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(message.to_owned()))
}

/// A model whose columns are named as unkindly as SQL allows.
fn model() -> &'static ModelMeta {
    static META: LazyLock<ModelMeta> = LazyLock::new(|| {
        let column = |field: &'static str, name: &'static str| ColumnMeta {
            field: field.into(),
            name: name.into(),
            ..ColumnMeta::default()
        };
        ModelMeta {
            name: "User",
            table: "users",
            columns: vec![column("email", "email"), column("long", "email, a.b"), column("born", "birthday")],
            ..ModelMeta::default()
        }
    });
    &META
}

fn mapped(code: i32, message: &str) -> Error {
    map(failure(code, message), &Context { model: Some(model()) })
}

#[test]
fn each_code_has_its_kind() {
    for (code, kind) in [
        (ffi::SQLITE_CONSTRAINT_UNIQUE, ErrorKind::Unique),
        (ffi::SQLITE_CONSTRAINT_ROWID, ErrorKind::Unique),
        (ffi::SQLITE_CONSTRAINT_NOTNULL, ErrorKind::NotNull),
        (ffi::SQLITE_CONSTRAINT_FOREIGNKEY, ErrorKind::ForeignKey),
        (ffi::SQLITE_CONSTRAINT_CHECK, ErrorKind::Check),
        (ffi::SQLITE_BUSY, ErrorKind::LockTimeout),
        (ffi::SQLITE_BUSY_SNAPSHOT, ErrorKind::Serialization),
        (ffi::SQLITE_LOCKED_SHAREDCACHE, ErrorKind::LockTimeout),
        (ffi::SQLITE_INTERRUPT, ErrorKind::StatementTimeout),
        (ffi::SQLITE_TOOBIG, ErrorKind::ValueTooLong),
        (ffi::SQLITE_CANTOPEN, ErrorKind::Configuration),
        (ffi::SQLITE_NOTADB, ErrorKind::Configuration),
        (ffi::SQLITE_READONLY, ErrorKind::ReadOnly),
        (ffi::SQLITE_READONLY_DIRECTORY, ErrorKind::ReadOnly),
        (ffi::SQLITE_FULL, ErrorKind::DiskFull),
        (ffi::SQLITE_CORRUPT, ErrorKind::Corrupt),
        (ffi::SQLITE_CORRUPT_INDEX, ErrorKind::Corrupt),
        (ffi::SQLITE_CONSTRAINT_TRIGGER, ErrorKind::Raised),
        (ffi::SQLITE_IOERR_READ, ErrorKind::Database),
    ] {
        let error = mapped(code, "as SQLite says");
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.code(), Some(code.to_string().as_str()));
        assert!(error.source().is_some(), "the driver's error is kept");
    }
    let again = mapped(ffi::SQLITE_BUSY_SNAPSHOT, "");
    assert!(again.is_retryable() && again.hint() == Some("run the transaction again"));
}

#[test]
fn a_broken_constraint_names_the_fields() {
    let fields = |list: &str| {
        let error = mapped(ffi::SQLITE_CONSTRAINT_UNIQUE, &format!("UNIQUE constraint failed: {list}"));
        assert_eq!(error.model(), Some("User"));
        error.fields().to_vec()
    };
    assert_eq!(fields("users.email"), ["email"]);
    assert_eq!(fields("users.email, users.birthday"), ["email", "born"]);
    assert_eq!(fields("users.email, a.b, users.birthday"), ["long", "born"], "the longest name that fits");
    assert!(fields("others.email").is_empty() && fields("users.unknown").is_empty());
    let error = mapped(ffi::SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: users.birthday");
    assert_eq!(error.to_string(), "User.born: a required value is missing");
    let error = mapped(ffi::SQLITE_CONSTRAINT_CHECK, "CHECK constraint failed: age_is_sane");
    assert_eq!(error.constraint(), Some("age_is_sane"));
    let bare = map(
        failure(ffi::SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: users.email"),
        &Context::default(),
    );
    assert!(bare.model().is_none() && bare.fields().is_empty());
}

#[test]
fn a_trigger_keeps_its_words_and_restrict_is_a_foreign_key() {
    let error = mapped(ffi::SQLITE_CONSTRAINT_TRIGGER, "the month is closed");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Raised, "the month is closed"));
    let error = mapped(ffi::SQLITE_CONSTRAINT_TRIGGER, "FOREIGN KEY constraint failed");
    assert_eq!(error.kind(), ErrorKind::ForeignKey);
}

#[test]
fn a_missing_column_suggests_the_nearest() {
    let hint = |message: &str| {
        let error = mapped(ffi::SQLITE_ERROR, message);
        assert_eq!(error.kind(), ErrorKind::Schema);
        error.hint().unwrap_or_default().to_owned()
    };
    assert!(hint("no such column: users.birthdy").contains("`birthday`"));
    assert!(hint("no such column: t0.emal in SELECT").contains("`email`"));
    assert!(hint("no such table: users").contains("create_all"));
    let error = map(failure(ffi::SQLITE_ERROR, "no such column: x"), &Context::default());
    assert_eq!(error.hint(), Some("the table may lack a migration"));
}

#[test]
fn an_error_of_the_driver_itself_keeps_its_words() {
    let error = map(rusqlite::Error::InvalidQuery, &Context::default());
    assert_eq!((error.kind(), error.code()), (ErrorKind::Database, Some("0")));
    assert_eq!(error.message(), rusqlite::Error::InvalidQuery.to_string());
    let error = mapped(ffi::SQLITE_ERROR, "integer overflow");
    assert_eq!(error.kind(), ErrorKind::OutOfRange);
}
