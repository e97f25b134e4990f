//! The driver kit: what a driver does around each statement so that observers and traces learn of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Observer, StatementEvent};
use crate::ir::Command;
use crate::meta::ModelMeta;

/// Whom a driver tells of its statements.
#[derive(Clone, Copy)]
pub struct Watcher<'w> {
    /// The name of the database, as [`Backend::NAME`](super::Backend::NAME).
    pub system: &'static str,
    /// The observer that the database handle was built with.
    pub observer: Option<&'w Arc<dyn Observer>>,
    /// Whether the statement is the driver's own.
    pub upkeep: bool,
}

impl std::fmt::Debug for Watcher<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watcher").field("system", &self.system).finish_non_exhaustive()
    }
}

impl<'w> Watcher<'w> {
    /// For the statements of a program.
    pub fn new(system: &'static str, observer: Option<&'w Arc<dyn Observer>>) -> Self {
        Watcher { system, observer, upkeep: false }
    }

    /// Whether anybody listens. If not, a text need not be made.
    #[inline]
    pub fn listens(&self) -> bool {
        self.observer.is_some() || tracing::enabled!(tracing::Level::DEBUG)
    }

    /// Starts watching a statement that is about to be sent; `None` if nobody listens.
    #[inline]
    pub fn start(&self, what: What, text: &str) -> Option<StatementWatch> {
        self.listens().then(|| self.watch(what, text.to_owned()))
    }

    /// Tells of a statement that ended: how long it took, and how many rows it read or changed.
    pub fn tell(&self, what: What, text: &str, duration: Duration, rows: u64, ok: bool) {
        if let Some(observer) = self.observer {
            let mut event = StatementEvent::new(text, duration, rows, ok).upkeep(self.upkeep);
            event.model = what.model;
            observer.statement(&event);
        }
        tracing::debug!(
            "db.system.name" = self.system,
            "db.operation.name" = what.operation,
            "db.collection.name" = what.model.map(|model| model.table),
            "db.query.text" = text,
            "db.response.returned_rows" = rows,
            duration_us = duration.as_micros() as u64,
            ok,
            "statement"
        );
    }

    /// As [`start`](Self::start), for a text that was made for it.
    pub fn watch(&self, what: What, text: String) -> StatementWatch {
        StatementWatch(Some(Box::new(Watched {
            system: self.system,
            observer: self.observer.cloned(),
            upkeep: self.upkeep,
            what,
            text,
            start: Instant::now(),
            rows: 0,
        })))
    }
}

/// What a statement is about.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct What {
    /// The operation's name, as [`Command::operation`].
    pub operation: Option<&'static str>,
    /// Its main model.
    pub model: Option<&'static ModelMeta>,
}

impl What {
    /// What a command is about.
    pub fn of(command: &Command) -> Self {
        What { operation: Some(command.operation()), model: command.model() }
    }

    /// A statement about a model.
    pub fn about(model: Option<&'static ModelMeta>) -> Self {
        What { operation: None, model }
    }
}

/// A statement under way. It is told of once: when it [ends](StatementWatch::end), or, as failed, when this is dropped because it was cut off.
#[must_use = "dropped, it tells that the statement was cut off"]
pub struct StatementWatch(Option<Box<Watched>>);

struct Watched {
    system: &'static str,
    observer: Option<Arc<dyn Observer>>,
    upkeep: bool,
    what: What,
    text: String,
    start: Instant,
    rows: u64,
}

impl std::fmt::Debug for StatementWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatementWatch").field("text", &self.0.as_ref().map(|watched| &watched.text)).finish()
    }
}

impl StatementWatch {
    /// Counts rows of a statement whose rows come one by one.
    pub fn add_rows(&mut self, rows: u64) {
        if let Some(watched) = &mut self.0 {
            watched.rows += rows;
        }
    }

    /// The statement ended: with how many more rows, or with an error.
    pub fn end<E>(mut self, result: Result<u64, E>) {
        if let Some(mut watched) = self.0.take() {
            watched.rows += *result.as_ref().unwrap_or(&0);
            watched.tell(result.is_ok());
        }
    }

    /// The statement does not count: it will be sent again.
    pub fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for StatementWatch {
    fn drop(&mut self) {
        if let Some(watched) = self.0.take() {
            watched.tell(false);
        }
    }
}

impl Watched {
    fn tell(&self, ok: bool) {
        let watcher = Watcher { system: self.system, observer: self.observer.as_ref(), upkeep: self.upkeep };
        watcher.tell(self.what, &self.text, self.start.elapsed(), self.rows, ok);
    }
}
