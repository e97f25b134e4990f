//! A look at every command and every statement that goes out, for logs, traces, tests and tools.
//!
//! A *command* is what the program asked for; the gate tells of it, with the caller's context. A *statement* is what a driver sends for it: none,
//! one or several; the driver tells of it, with its text.

use std::fmt;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Context;
use crate::error::Error;
use crate::ir::{Command, Shape};
use crate::meta::ModelMeta;

/// A statement that a driver ran.
///
/// ```
/// use orm::backend::{Observer, StatementEvent};
/// struct Slow;
/// impl Observer for Slow {
///     fn statement(&self, event: &StatementEvent<'_>) {
///         if event.duration.as_millis() > 100 {
///             eprintln!("{} rows after {:?}: {}", event.rows, event.duration, event.text);
///         }
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct StatementEvent<'a> {
    /// The text sent, without values.
    pub text: &'a str,
    /// How long it took, decoding included.
    pub duration: Duration,
    /// Rows read, or changed by a write.
    pub rows: u64,
    /// Whether it succeeded.
    pub ok: bool,
    /// Whether the driver added it to keep what other databases keep by themselves: foreign keys, counters.
    pub upkeep: bool,
    /// The main model that it is about, if the driver knows.
    pub model: Option<&'static ModelMeta>,
}

impl<'a> StatementEvent<'a> {
    /// For drivers.
    ///
    /// ```
    /// use std::time::Duration;
    /// use orm_core::backend::StatementEvent;
    /// let event = StatementEvent::new("SELECT 1", Duration::from_micros(12), 1, true);
    /// assert!(event.ok && event.rows == 1);
    /// ```
    pub fn new(text: &'a str, duration: Duration, rows: u64, ok: bool) -> Self {
        StatementEvent { text, duration, rows, ok, upkeep: false, model: None }
    }

    /// For drivers: whether the statement is their own.
    ///
    /// ```
    /// use std::time::Duration;
    /// use orm_core::backend::StatementEvent;
    /// assert!(StatementEvent::new("find orm_schema", Duration::ZERO, 1, true).upkeep(true).upkeep);
    /// ```
    pub fn upkeep(mut self, upkeep: bool) -> Self {
        self.upkeep = upkeep;
        self
    }
}

/// Is told of every statement, transaction control included. It runs on the driver's thread: be quick.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use orm::backend::{Observer, StatementEvent};
///
/// #[derive(Default)]
/// struct Counter(AtomicU64);
/// impl Observer for Counter {
///     fn statement(&self, _event: &StatementEvent<'_>) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
/// }
/// let counter = Arc::new(Counter::default());
/// let db = Sqlite::builder().observer(counter.clone()).connect().await?;
/// GuideSchema::create_all(&db).await?;
/// let before = counter.0.load(Ordering::Relaxed);
/// User::query().count(&db).await?;
/// assert_eq!(counter.0.load(Ordering::Relaxed) - before, 1);
/// # Ok(()) }
/// ```
pub trait Observer: Send + Sync + 'static {
    /// A statement ended.
    ///
    /// ```
    /// use std::time::Duration;
    /// use orm::backend::{Observer, StatementEvent, StatementLog};
    /// let log = StatementLog::default();
    /// log.statement(&StatementEvent::new("SELECT 1", Duration::ZERO, 1, true));
    /// assert_eq!(log.take(), ["SELECT 1"]);
    /// ```
    fn statement(&self, event: &StatementEvent<'_>);

    /// A command ended: it was answered, it failed, or its future or stream was dropped.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use std::sync::{Arc, Mutex};
    /// use orm::backend::{CommandEvent, Context, Observer, StatementEvent};
    ///
    /// #[derive(Default)]
    /// struct Log(Mutex<Vec<String>>);
    /// impl Observer for Log {
    ///     fn statement(&self, _: &StatementEvent<'_>) {}
    ///     fn command(&self, event: &CommandEvent<'_>) {
    ///         let model = event.model.map_or("-", |model| model.name);
    ///         let route = event.context.tag_value("route").unwrap_or("-");
    ///         self.0.lock().unwrap().push(format!("{} {model} {route}", event.kind));
    ///     }
    /// }
    /// let log = Arc::new(Log::default());
    /// let db = db.observed_by(log.clone()).with(Context::new().tag("route", "/users"));
    /// User::query().include(User::posts).all(&db).await?;
    /// assert_eq!(*log.0.lock().unwrap(), ["SELECT User /users", "SELECT Post /users"]);
    /// # Ok(()) }
    /// ```
    fn command(&self, event: &CommandEvent<'_>) {
        let _ = event;
    }
}

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CommandKind {
    /// Reads rows.
    Select,
    /// Reads rows one by one.
    Stream,
    /// Adds rows.
    Insert,
    /// Changes rows.
    Update,
    /// Removes rows.
    Delete,
    /// Runs a statement in the database's own language.
    Raw,
    /// Asks for a plan.
    Explain,
    /// Begins a transaction or a savepoint.
    Begin,
    /// Commits a transaction, or keeps what was done since a savepoint.
    Commit,
    /// Rolls back a transaction or to a savepoint; also when its guard was dropped.
    Rollback,
    /// Creates or drops tables.
    Schema,
    /// Does what only one driver can: a batch, a COPY, a pipeline.
    Native,
}

impl CommandKind {
    pub(crate) fn of(command: &Command) -> Self {
        match command {
            Command::Select(_) => CommandKind::Select,
            Command::Insert(_) => CommandKind::Insert,
            Command::Update(_) | Command::UpdateRows(_) => CommandKind::Update,
            Command::Delete(_) => CommandKind::Delete,
            Command::Raw(_) => CommandKind::Raw,
        }
    }

    /// The name, in capitals, as OpenTelemetry writes it in `db.operation.name`.
    pub fn name(self) -> &'static str {
        match self {
            CommandKind::Select => "SELECT",
            CommandKind::Stream => "STREAM",
            CommandKind::Insert => "INSERT",
            CommandKind::Update => "UPDATE",
            CommandKind::Delete => "DELETE",
            CommandKind::Raw => "RAW",
            CommandKind::Explain => "EXPLAIN",
            CommandKind::Begin => "BEGIN",
            CommandKind::Commit => "COMMIT",
            CommandKind::Rollback => "ROLLBACK",
            CommandKind::Schema => "SCHEMA",
            CommandKind::Native => "NATIVE",
        }
    }
}

impl fmt::Display for CommandKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// With its result.
    Done,
    /// With an error.
    Failed(&'a Error),
    /// Its future or stream was dropped before.
    Dropped,
}

/// A command that passed the gate.
#[derive(Debug)]
#[non_exhaustive]
pub struct CommandEvent<'a> {
    /// What it does.
    pub kind: CommandKind,
    /// Its main model, if it has one.
    pub model: Option<&'static ModelMeta>,
    /// Everything about it but its values: equal for equal statements.
    pub shape: Option<Shape>,
    /// What the caller said about it.
    pub context: &'a Context,
    /// Where in the program it was asked for; none for what the library sends by itself, such as includes.
    pub caller: Option<&'static Location<'static>>,
    /// From the gate to the end; for a stream to its last row.
    pub duration: Duration,
    /// How it ended.
    pub outcome: Outcome<'a>,
}

/// An observer that keeps the texts, so that a test can assert how many statements went out. What a driver added for
/// [upkeep](StatementEvent::upkeep) is left out.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// use std::sync::Arc;
/// use orm::backend::StatementLog;
/// let log = Arc::new(StatementLog::default());
/// let db = Sqlite::builder().observer(log.clone()).connect().await?;
/// GuideSchema::create_all(&db).await?;
/// User::create().email("a@x").name("A").insert(&db).await?;
/// log.take();
///
/// User::query().include(User::posts).include(User::profile).all(&db).await?;
/// assert_eq!(log.take().len(), 3);
/// # Ok(()) }
/// ```
#[derive(Default)]
pub struct StatementLog(Mutex<Vec<String>>);

impl StatementLog {
    /// The texts so far; the log is empty afterwards.
    ///
    /// ```
    /// use std::time::Duration;
    /// use orm::backend::{Observer, StatementEvent, StatementLog};
    /// let log = StatementLog::default();
    /// log.statement(&StatementEvent::new("BEGIN", Duration::ZERO, 0, true));
    /// assert_eq!(log.take().len(), 1);
    /// assert!(log.take().is_empty());
    /// ```
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for StatementLog {
    fn statement(&self, event: &StatementEvent<'_>) {
        if !event.upkeep {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.text.to_owned());
        }
    }
}

impl fmt::Debug for StatementLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatementLog").finish_non_exhaustive()
    }
}
