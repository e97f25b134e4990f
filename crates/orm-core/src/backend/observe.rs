//! A look at every statement that goes out, for tests and tools.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A statement that a driver ran.
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
}

impl<'a> StatementEvent<'a> {
    /// For drivers.
    pub fn new(text: &'a str, duration: Duration, rows: u64, ok: bool) -> Self {
        StatementEvent { text, duration, rows, ok }
    }
}

/// Is told of every statement, transaction control included. It runs on the driver's thread: be quick.
pub trait Observer: Send + Sync + 'static {
    /// A statement ended.
    fn statement(&self, event: &StatementEvent<'_>);
}

/// An observer that keeps the texts, so that a test can assert how many statements went out.
#[derive(Default)]
pub struct StatementLog(Mutex<Vec<String>>);

impl StatementLog {
    /// The texts so far; the log is empty afterwards.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for StatementLog {
    fn statement(&self, event: &StatementEvent<'_>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.text.to_owned());
    }
}

impl fmt::Debug for StatementLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatementLog").finish_non_exhaustive()
    }
}
