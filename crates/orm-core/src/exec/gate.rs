//! What may stand at the gate: observers, who are told of commands, and passes, which may change them.
//!
//! Most handles have neither, and pay for the gate with the test whether it is there.

use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use futures_core::Stream;

use super::{Context, Envelope};
use crate::backend::{BoxStream, CommandEvent, CommandKind, Observer, Outcome};
use crate::error::{Error, Result};
use crate::ir::{Command, Shape};
use crate::meta::ModelMeta;

/// A pass over every command before it is sent: a scope that adds a filter, a check of what an actor may do, an audit.
///
/// It sees reads, writes, includes, lazy loads, streams and explained queries. What it must leave alone: the output and the RETURNING
/// of a command, because rows are decoded by it.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::backend::{Context, Pass};
/// use orm::ir::Command;
///
/// /// Refuses what would change data.
/// struct Frozen;
/// impl Pass for Frozen {
///     fn apply(&self, command: &mut Command, _context: &Context) -> Result<()> {
///         match command.is_write() {
///             true => Err(Error::new(ErrorKind::Usage, "the archive is frozen")),
///             false => Ok(()),
///         }
///     }
/// }
/// let archive = db.passing(Frozen);
/// assert_eq!(User::query().count(&archive).await?, 3);
/// assert!(User::filter(User::active).delete().exec(&archive).await.is_err());
/// # Ok(()) }
/// ```
pub trait Pass: Send + Sync + 'static {
    /// Changes the command, or refuses it.
    ///
    /// # Errors
    /// What the caller of the command gets instead of its result; nothing is sent then.
    fn apply(&self, command: &mut Command, context: &Context) -> Result<()>;

    /// Refuses what is a driver's own and cannot be changed: a batch of SQL, COPY, MongoDB's pipelines.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    fn native(&self, model: Option<&'static ModelMeta>, context: &Context) -> Result<()> {
        let _ = (model, context);
        Ok(())
    }
}

/// The observers and passes of a handle.
#[derive(Clone, Default)]
pub(super) struct Gate {
    pub observers: Vec<Arc<dyn Observer>>,
    pub passes: Vec<Arc<dyn Pass>>,
}

impl Gate {
    /// Lets the passes act and starts watching.
    pub fn admit(
        self: &Arc<Self>,
        envelope: &mut Envelope,
        context: &Context,
        kind: Option<CommandKind>,
    ) -> Result<Option<Watch>> {
        let passed = self.passes.iter().try_for_each(|pass| pass.apply(envelope.command_mut(), context));
        let command = envelope.command();
        let kind = kind.unwrap_or_else(|| CommandKind::of(command));
        let shape = (!self.observers.is_empty()).then(|| crate::ir::shape(command));
        let watch = self.watch(kind, command.model(), shape, envelope.caller, context);
        match passed {
            Ok(()) => Ok(watch),
            Err(error) => {
                end(watch, Err(&error));
                Err(error)
            }
        }
    }

    /// Starts watching what is no command of the IR.
    pub fn watch(
        self: &Arc<Self>,
        kind: CommandKind,
        model: Option<&'static ModelMeta>,
        shape: Option<Shape>,
        caller: Option<&'static Location<'static>>,
        context: &Context,
    ) -> Option<Watch> {
        if self.observers.is_empty() {
            return None;
        }
        Some(Watch(Box::new(Watched {
            gate: Arc::clone(self),
            kind,
            model,
            shape,
            caller,
            context: context.clone(),
            start: Instant::now(),
            told: false,
        })))
    }
}

/// A command under way of which observers will be told. Dropped, it was cut off.
pub(super) struct Watch(Box<Watched>);

struct Watched {
    gate: Arc<Gate>,
    kind: CommandKind,
    model: Option<&'static ModelMeta>,
    shape: Option<Shape>,
    caller: Option<&'static Location<'static>>,
    context: Context,
    start: Instant,
    told: bool,
}

impl Watched {
    fn tell(&mut self, outcome: Outcome<'_>) {
        self.told = true;
        let event = CommandEvent {
            kind: self.kind,
            model: self.model,
            shape: self.shape,
            context: &self.context,
            caller: self.caller,
            duration: self.start.elapsed(),
            outcome,
        };
        self.gate.observers.iter().for_each(|observer| observer.command(&event));
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.told {
            self.tell(Outcome::Dropped);
        }
    }
}

/// Tells observers how a command ended.
pub(super) fn end(watch: Option<Watch>, result: Result<(), &Error>) {
    if let Some(mut watch) = watch {
        watch.0.tell(match result {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Failed(error),
        });
    }
}

/// Rows of which observers are told when the last one came.
pub(super) struct WatchedRows<T> {
    pub rows: BoxStream<'static, Result<T>>,
    pub watch: Option<Watch>,
}

impl<T> Stream for WatchedRows<T> {
    type Item = Result<T>;
    fn poll_next(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<Option<Result<T>>> {
        let next = self.rows.as_mut().poll_next(context);
        match &next {
            Poll::Ready(None) => end(self.watch.take(), Ok(())),
            Poll::Ready(Some(Err(error))) => end(self.watch.take(), Err(error)),
            _ => {}
        }
        next
    }
}
