//! What stops a statement that is under way: its budget of steps, its time limit, a cancellation, a caller who has left.
//!
//! SQLite asks once in a while whether to go on: its progress handler while it calculates, its busy handler while it waits for a
//! lock. Both ask the connection's [`Watch`]. Nothing is interrupted from outside: `sqlite3_interrupt` may hit the statement of
//! whoever has the connection by then.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use orm_core::{Error, ErrorKind, Result};
use rusqlite::Connection;

use crate::limits::SqliteCancel;

/// Steps of the virtual machine between two questions, about a millisecond.
pub const STEPS: u32 = 100_000;

/// Why a statement was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It spent its budget on the caller's thread.
    Budget = 1,
    /// Its time limit has passed.
    Time,
    /// A program asked for it.
    Cancelled,
    /// Nobody waits for the answer any more.
    Left,
}

impl Cause {
    /// What the program is told, from what SQLite said.
    pub fn explain(self, error: Error) -> Error {
        let (kind, text, hint) = match self {
            Cause::Cancelled | Cause::Left => (ErrorKind::Cancelled, "the statement was cancelled", None),
            Cause::Budget | Cause::Time => (
                ErrorKind::StatementTimeout,
                "the statement took longer than its limit",
                Some("raise `statement_timeout`, or give it less to do"),
            ),
        };
        let mut explained = Error::new(kind, text);
        if let Some(model) = error.model() {
            explained = explained.with_model(model);
        }
        if let Some(hint) = hint {
            explained = explained.with_hint(hint);
        }
        if let Some(code) = error.code() {
            explained = explained.with_code(code);
        }
        explained.with_source(error)
    }
}

/// What ends a statement before its end.
#[derive(Default, Clone)]
pub struct Stop {
    pub deadline: Option<Instant>,
    pub cancel: Option<SqliteCancel>,
    pub left: Option<Arc<AtomicBool>>,
}

impl Stop {
    fn cause(&self) -> Option<Cause> {
        if self.left.as_ref().is_some_and(|left| left.load(Ordering::Relaxed)) {
            Some(Cause::Left)
        } else if self.cancel.as_ref().is_some_and(SqliteCancel::is_cancelled) {
            Some(Cause::Cancelled)
        } else {
            self.deadline.is_some_and(|deadline| Instant::now() >= deadline).then_some(Cause::Time)
        }
    }
}

/// Says, when it is dropped, that the caller has left.
#[derive(Default)]
pub struct Caller(Arc<AtomicBool>);

impl Caller {
    pub fn left(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The watch of one connection.
pub struct Watch {
    /// How many questions the budget lasts.
    budget: u32,
    /// How many of them are left to the statement; 0 if it has no budget.
    left: AtomicU32,
    stop: Mutex<Option<Stop>>,
    cause: AtomicU8,
}

impl Watch {
    /// Lets the connection ask, `steps` being the budget of a statement on the caller's thread.
    pub fn install(connection: &Connection, steps: u32) -> rusqlite::Result<Arc<Self>> {
        let each = if steps == 0 { STEPS } else { steps.min(STEPS) };
        let watch = Arc::new(Watch {
            budget: steps.div_ceil(each).max(1),
            left: AtomicU32::new(0),
            stop: Mutex::new(None),
            cause: AtomicU8::new(0),
        });
        let asked = Arc::clone(&watch);
        let each = i32::try_from(each).unwrap_or(i32::MAX);
        connection.progress_handler(each, Some(move || asked.stops()))?;
        connection.busy_handler(Some(busy))?;
        Ok(watch)
    }

    /// A statement begins.
    pub fn begin(&self, budget: bool, stop: Option<Stop>) {
        self.cause.store(0, Ordering::Relaxed);
        self.left.store(if budget { self.budget } else { 0 }, Ordering::Relaxed);
        if stop.is_some() {
            *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = stop;
        }
    }

    /// It has ended: why it was stopped, if it was.
    pub fn end(&self, stop: bool) -> Option<Cause> {
        self.left.store(0, Ordering::Relaxed);
        if stop {
            *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        self.cause()
    }

    /// Holds the budget for spent.
    pub fn spend(&self) {
        self.cause.store(Cause::Budget as u8, Ordering::Relaxed);
    }

    /// Why the statement was stopped, if it was.
    pub fn cause(&self) -> Option<Cause> {
        const ALL: [Cause; 4] = [Cause::Budget, Cause::Time, Cause::Cancelled, Cause::Left];
        let cause = self.cause.load(Ordering::Relaxed);
        ALL.into_iter().find(|known| *known as u8 == cause)
    }

    fn stops(&self) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        let mut cause = None;
        if left > 0 {
            self.left.store(left - 1, Ordering::Relaxed);
            cause = (left == 1).then_some(Cause::Budget);
        }
        let cause = cause.or_else(|| {
            self.stop.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(Stop::cause)
        });
        if let Some(cause) = cause {
            self.cause.store(cause as u8, Ordering::Relaxed);
        }
        cause.is_some()
    }
}

thread_local! {
    /// Until when this thread waits for locks, and what may stop it before. Without it nothing is waited for.
    static WAIT: RefCell<Option<(Instant, Arc<Watch>)>> = const { RefCell::new(None) };
}

/// Runs a closure during which SQLite waits for locks, on this thread.
pub fn waiting<T>(watch: &Arc<Watch>, time: Duration, job: impl FnOnce() -> T) -> T {
    /// Ends the waiting, after a panic as well.
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            WAIT.set(None);
        }
    }
    let until = Instant::now().checked_add(time);
    WAIT.set(until.map(|until| (until, Arc::clone(watch))));
    let _end = End;
    job()
}

/// SQLite's own times of waiting (https://sqlite.org/c3ref/busy_timeout.html does not say them), no longer than a cancellation may
/// take to be noticed.
fn busy(times: i32) -> bool {
    const MILLIS: [u64; 6] = [1, 2, 5, 10, 15, 20];
    let Some((until, watch)) = WAIT.with_borrow(Clone::clone) else { return false };
    let now = Instant::now();
    if now >= until || watch.stops() {
        return false;
    }
    let millis = usize::try_from(times).ok().and_then(|times| MILLIS.get(times)).copied().unwrap_or(25);
    std::thread::sleep(Duration::from_millis(millis).min(until - now));
    true
}

/// Refuses what was cancelled before it began.
pub fn not_cancelled(cancel: Option<&SqliteCancel>) -> Result<()> {
    match cancel {
        Some(cancel) if cancel.is_cancelled() => {
            Err(Error::new(ErrorKind::Cancelled, "the statement was cancelled before it began"))
        }
        _ => Ok(()),
    }
}
