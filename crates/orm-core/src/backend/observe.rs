//! A look at every statement that goes out, for tests and tools.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

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
        StatementEvent { text, duration, rows, ok, upkeep: false }
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
