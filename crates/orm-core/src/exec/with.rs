//! A database or a transaction, with something about its commands.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{Context, Database, Executor, Handle, Pass};
use crate::backend::{Backend, Observer};

/// A database or a transaction whose commands carry a [`Context`], are seen by an observer, or go through a [`Pass`]: made by
/// [`Database::with`] and its siblings, and by [`Tx::with`](super::Tx::with). It is an [`Executor`], and a [`Database`] if it was made of one.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::backend::Context;
/// let job = db.with(Context::new().tag("job", "nightly"));
/// let tagged = job.transaction(async |tx| Ok(tx.handle().context().tag_value("job").is_some())).await?;
/// assert!(tagged);
/// # Ok(()) }
/// ```
pub struct With<E: Executor> {
    handle: Handle<E::Backend>,
    /// A transaction is borrowed: it must not be outlived.
    of: PhantomData<fn() -> E>,
}

impl<E: Executor> With<E> {
    pub(super) fn new(handle: Handle<E::Backend>) -> Self {
        With { handle, of: PhantomData }
    }
}

impl<E: Executor> Clone for With<E> {
    fn clone(&self) -> Self {
        With::new(self.handle.clone())
    }
}

impl<E: Executor> fmt::Debug for With<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("With").field("context", self.handle.context()).finish_non_exhaustive()
    }
}

#[diagnostic::do_not_recommend]
impl<E: Executor> Executor for With<E> {
    type Backend = E::Backend;
    fn handle(&self) -> &Handle<E::Backend> {
        &self.handle
    }
}

impl<D: Database> Database for With<D> {}

/// What can be said about the commands of a handle.
impl<B: Backend> Handle<B> {
    /// This handle with what a context says.
    pub fn with(&self, context: &Context) -> Self {
        let mut handle = self.clone();
        handle.context = handle.context.and(context);
        if handle.has_passes() {
            // They may show other rows for it.
            handle.scope = self.scope().inner();
        }
        handle
    }

    /// This handle with one more pass, the last to act.
    pub fn passing(&self, pass: impl Pass) -> Self {
        let mut handle = self.clone();
        handle.gate_mut().passes.push(Arc::new(pass));
        handle.scope = self.scope().inner();
        handle
    }

    /// This handle with one more observer.
    pub fn observed_by(&self, observer: Arc<dyn Observer>) -> Self {
        let mut handle = self.clone();
        handle.gate_mut().observers.push(observer);
        handle
    }

    /// This handle for use in the closure of a transaction on the same database, apart from it.
    pub fn apart(&self) -> Self {
        let mut handle = self.clone();
        handle.home.checked = false;
        handle
    }
}
