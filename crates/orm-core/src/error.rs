//! The one error of the library.
//!
//! Every backend maps what its driver says onto the same [`ErrorKind`]s, with the model and the
//! fields named where the metadata can tell. Values never appear in the text.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// The result of every fallible operation of the library.
///
/// ```
/// fn age(text: &str) -> orm::Result<u8> {
///     text.parse().map_err(|error| orm::Error::new(orm::ErrorKind::Decode, "no age").with_source(error))
/// }
/// assert!(age("old").is_err());
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, independent of the database.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// match User::create().email("ada@example.org").name("Another").insert(&db).await {
///     Err(error) if error.kind() == ErrorKind::Unique => assert_eq!(error.fields(), ["email"]),
///     other => panic!("{other:?}"),
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A row was asked for and none was there.
    NotFound,
    /// One row was asked for and there were more.
    MultipleRows,
    /// A unique constraint or primary key would be broken.
    Unique,
    /// A foreign key points at no row, or a row is still referred to.
    ForeignKey,
    /// A required column would be NULL.
    NotNull,
    /// A check constraint would be broken.
    Check,
    /// A trigger or a function of the database refused the write; the message is its own.
    Raised,
    /// An exclusion constraint would be broken.
    Exclusion,
    /// A text or binary value is longer than its column.
    ValueTooLong,
    /// A number or a date does not fit its column.
    OutOfRange,
    /// The row was changed or deleted by somebody else since it was read.
    Stale,
    /// A relation was read before it was loaded.
    NotLoaded,
    /// The transaction conflicted with another one; run it again.
    Serialization,
    /// The transaction was chosen to end a deadlock; run it again.
    Deadlock,
    /// A lock was not granted in time.
    LockTimeout,
    /// A statement took longer than its limit, or was interrupted.
    StatementTimeout,
    /// A statement was cancelled by somebody who asked for it.
    Cancelled,
    /// A statement of the transaction failed before: nothing else runs in it, and it cannot be committed.
    Aborted,
    /// The transaction, the connection or the database can only be read.
    ReadOnly,
    /// The user of the database may not do this.
    PermissionDenied,
    /// No connection became free in time.
    PoolTimeout,
    /// The database handle was closed.
    Closed,
    /// The server takes no more connections.
    TooManyConnections,
    /// The connection or the server is gone.
    ConnectionLost,
    /// The connection was lost while COMMIT was under way, or fewer servers than asked for have confirmed a write: the data may
    /// or may not be saved.
    CommitUnknown,
    /// A stored value does not fit the type of the field.
    Decode,
    /// A value cannot be stored without changing it.
    Encode,
    /// This database has no such feature.
    Unsupported,
    /// The disk or the database is full.
    DiskFull,
    /// The stored data is damaged.
    Corrupt,
    /// A table, column or index is not what the models say.
    Schema,
    /// A set-based update or delete has no filter and did not say `.all_rows()`.
    Unfiltered,
    /// The library was used in a way that cannot work; the text says how to mend it.
    Usage,
    /// The database could not be opened, or its settings are wrong.
    Configuration,
    /// Anything the database said that has no kind of its own.
    Database,
    /// A migration failed or is missing.
    Migration,
}

/// The names of the kinds.
///
/// ```
/// assert_eq!(orm::ErrorKind::Stale.to_string(), "Stale");
/// ```
impl ErrorKind {
    /// The kind's name, as in the source.
    ///
    /// ```
    /// use orm::ErrorKind;
    /// assert_eq!(ErrorKind::NotLoaded.name(), "NotLoaded");
    /// ```
    pub fn name(self) -> &'static str {
        use ErrorKind::*;
        match self {
            NotFound => "NotFound",
            MultipleRows => "MultipleRows",
            Unique => "Unique",
            ForeignKey => "ForeignKey",
            NotNull => "NotNull",
            Check => "Check",
            Raised => "Raised",
            Exclusion => "Exclusion",
            ValueTooLong => "ValueTooLong",
            OutOfRange => "OutOfRange",
            Stale => "Stale",
            NotLoaded => "NotLoaded",
            Serialization => "Serialization",
            Deadlock => "Deadlock",
            LockTimeout => "LockTimeout",
            StatementTimeout => "StatementTimeout",
            Cancelled => "Cancelled",
            Aborted => "Aborted",
            ReadOnly => "ReadOnly",
            PermissionDenied => "PermissionDenied",
            PoolTimeout => "PoolTimeout",
            Closed => "Closed",
            TooManyConnections => "TooManyConnections",
            ConnectionLost => "ConnectionLost",
            CommitUnknown => "CommitUnknown",
            Decode => "Decode",
            Encode => "Encode",
            Unsupported => "Unsupported",
            DiskFull => "DiskFull",
            Corrupt => "Corrupt",
            Schema => "Schema",
            Unfiltered => "Unfiltered",
            Usage => "Usage",
            Configuration => "Configuration",
            Database => "Database",
            Migration => "Migration",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error of the library: one pointer wide, the same kinds on every backend.
///
/// ```
/// use orm_core::{Error, ErrorKind};
/// let error = Error::new(ErrorKind::NotFound, "no row matches").with_model("User");
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert_eq!(error.model(), Some("User"));
/// assert!(!error.is_retryable());
/// ```
///
/// A clone shares the source with the original.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Default, Clone)]
struct Inner {
    kind: Option<ErrorKind>,
    message: String,
    hint: Option<String>,
    model: Option<String>,
    fields: Vec<String>,
    constraint: Option<String>,
    code: Option<String>,
    retryable: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Making errors and asking them.
///
/// ```
/// use orm::{Error, ErrorKind};
/// let error = Error::new(ErrorKind::Unique, "another row has this value").with_model("User").with_field("email");
/// assert_eq!((error.kind(), error.fields()), (ErrorKind::Unique, &["email".to_owned()][..]));
/// ```
impl Error {
    /// An error of `kind` whose text is `message`.
    ///
    /// ```
    /// use orm::{Error, ErrorKind};
    /// let error = Error::new(ErrorKind::NotFound, "no row matches");
    /// assert_eq!(error.to_string(), "no row matches");
    /// ```
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner { kind: Some(kind), message: message.into(), ..Inner::default() }))
    }

    /// Says what the user can do about it.
    ///
    /// ```
    /// use orm::{Error, ErrorKind};
    /// let error = Error::new(ErrorKind::Unique, "another row has this value").with_hint("choose another");
    /// assert_eq!(error.to_string(), "another row has this value (choose another)");
    /// ```
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Names the model concerned.
    ///
    /// ```
    /// use orm::{Error, ErrorKind};
    /// let error = Error::new(ErrorKind::NotFound, "no row matches").with_model("User");
    /// assert_eq!(error.to_string(), "User: no row matches");
    /// ```
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.0.model = Some(model.into());
        self
    }

    /// Adds a field concerned.
    ///
    /// ```
    /// use orm::{Error, ErrorKind};
    /// let error = Error::new(ErrorKind::NotNull, "a value is needed").with_model("User").with_field("name");
    /// assert_eq!(error.to_string(), "User.name: a value is needed");
    /// ```
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.0.fields.push(field.into());
        self
    }

    /// Names the constraint that was broken.
    ///
    /// ```
    /// use orm::{Error, ErrorKind};
    /// let error = Error::new(ErrorKind::Check, "refused").with_constraint("length_is_sane");
    /// assert_eq!(error.constraint(), Some("length_is_sane"));
    /// ```
    pub fn with_constraint(mut self, constraint: impl Into<String>) -> Self {
        self.0.constraint = Some(constraint.into());
        self
    }

    /// Keeps the database's own code (an SQLite extended code, an SQLSTATE, …).
    ///
    /// ```
    /// use orm::{Error, ErrorKind};
    /// assert_eq!(Error::new(ErrorKind::Unique, "taken").with_code("23505").code(), Some("23505"));
    /// ```
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// Keeps the driver's error.
    ///
    /// ```
    /// use std::error::Error as _;
    /// use orm::{Error, ErrorKind};
    /// let error = Error::new(ErrorKind::ConnectionLost, "the server is gone").with_source("broken pipe");
    /// assert_eq!(error.source().unwrap().to_string(), "broken pipe");
    /// ```
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Changes the kind, for a driver that learns more about an error later.
    ///
    /// ```
    /// use orm::{Error, ErrorKind};
    /// let error = Error::new(ErrorKind::ConnectionLost, "the server is gone").with_kind(ErrorKind::CommitUnknown);
    /// assert_eq!(error.kind(), ErrorKind::CommitUnknown);
    /// ```
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = Some(kind);
        self
    }

    /// What went wrong.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::find(999).one(&db).await.unwrap_err().kind(), ErrorKind::NotFound);
    /// # Ok(()) }
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.0.kind.unwrap_or(ErrorKind::Database)
    }

    /// The message without kind, model and hint.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let error = User::find(999).one(&db).await.unwrap_err();
    /// assert_eq!((error.message(), error.to_string().as_str()), ("no row matches", "User: no row matches"));
    /// # Ok(()) }
    /// ```
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do about it, if the library knows.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let error = Post::query().delete().exec(&db).await.unwrap_err();
    /// assert!(error.hint().unwrap().contains(".all_rows()"));
    /// # Ok(()) }
    /// ```
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The Rust name of the model concerned.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::find(999).one(&db).await.unwrap_err().model(), Some("User"));
    /// # Ok(()) }
    /// ```
    pub fn model(&self) -> Option<&str> {
        self.0.model.as_deref()
    }

    /// The Rust names of the fields concerned.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let error = Tag::create().name("machines").insert(&db).await.unwrap_err();
    /// assert_eq!(error.fields(), ["name"]);
    /// # Ok(()) }
    /// ```
    pub fn fields(&self) -> &[String] {
        &self.0.fields
    }

    /// The name of the constraint that was broken, where the database tells it.
    ///
    /// ```
    /// use orm::{Error, ErrorKind};
    /// let error = Error::new(ErrorKind::Unique, "taken").with_constraint("users_email_key");
    /// assert_eq!(error.constraint(), Some("users_email_key"));
    /// ```
    pub fn constraint(&self) -> Option<&str> {
        self.0.constraint.as_deref()
    }

    /// The database's own code for the error.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let error = Tag::create().name("machines").insert(&db).await.unwrap_err();
    /// assert_eq!(error.code(), Some("2067"));     // SQLITE_CONSTRAINT_UNIQUE
    /// # Ok(()) }
    /// ```
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Says that nothing of the transaction is saved and that it can be run again, whatever the kind.
    ///
    /// ```
    /// use orm::{Error, ErrorKind};
    /// let lost = Error::new(ErrorKind::ConnectionLost, "the server went away");
    /// assert!(!lost.is_retryable());
    /// assert!(lost.with_retry().is_retryable());
    /// ```
    pub fn with_retry(mut self) -> Self {
        self.0.retryable = true;
        self
    }

    /// Whether running the whole transaction again can succeed.
    ///
    /// ```
    /// use orm::{Error, ErrorKind};
    /// assert!(Error::new(ErrorKind::Deadlock, "chosen to end a deadlock").is_retryable());
    /// assert!(!Error::new(ErrorKind::Unique, "taken").is_retryable());
    /// ```
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
            || matches!(self.kind(), ErrorKind::Serialization | ErrorKind::Deadlock | ErrorKind::LockTimeout)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        match (&inner.model, inner.fields.as_slice()) {
            (Some(model), []) => write!(f, "{model}: ")?,
            (Some(model), fields) => write!(f, "{model}.{}: ", fields.join(", "))?,
            (None, _) => {}
        }
        f.write_str(&inner.message)?;
        if let Some(hint) = &inner.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.kind())?;
        if let Some(code) = &self.0.code {
            write!(f, " [{code}]")?;
        }
        if let Some(source) = &self.0.source {
            write!(f, "; caused by: {source}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }

    #[test]
    fn the_text_names_model_field_and_way_out() {
        let error = Error::new(ErrorKind::Unique, "another row has this value")
            .with_model("User")
            .with_field("email")
            .with_hint("choose another");
        assert_eq!(error.to_string(), "User.email: another row has this value (choose another)");
    }

    #[test]
    fn the_debug_text_adds_kind_code_and_cause() {
        let error =
            Error::new(ErrorKind::Schema, "no such table").with_code("1").with_source("what the driver said");
        assert_eq!(format!("{error:?}"), "Schema: no such table [1]; caused by: what the driver said");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("what the driver said"));
        let copy = error.clone();
        assert_eq!(format!("{copy:?}"), format!("{error:?}"));
        assert_eq!(copy.source().map(ToString::to_string).as_deref(), Some("what the driver said"));
        let named = error.with_kind(ErrorKind::Configuration).with_model("User").with_constraint("uq");
        assert_eq!((named.kind().name(), named.constraint()), ("Configuration", Some("uq")));
        assert_eq!(named.to_string(), "User: no such table");
    }

    #[test]
    fn each_kind_is_written_as_its_name() {
        use ErrorKind::*;
        let all = [
            NotFound,
            MultipleRows,
            Unique,
            ForeignKey,
            NotNull,
            Check,
            Exclusion,
            ValueTooLong,
            OutOfRange,
            Stale,
            NotLoaded,
            Serialization,
            Deadlock,
            LockTimeout,
            StatementTimeout,
            PoolTimeout,
            ConnectionLost,
            CommitUnknown,
            Decode,
            Encode,
            Unsupported,
            Schema,
            Unfiltered,
            Usage,
            Configuration,
            Database,
            Migration,
        ];
        for kind in all {
            assert_eq!(kind.to_string(), format!("{kind:?}"));
        }
        let retryable = all.into_iter().filter(|kind| Error::new(*kind, "").is_retryable());
        assert_eq!(retryable.collect::<Vec<_>>(), [Serialization, Deadlock, LockTimeout]);
    }
}
