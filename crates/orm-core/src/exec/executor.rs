//! What a query can be run on.

use std::future::Future;

use super::transaction::finish;
use super::{Envelope, Handle, Tx, TxOptions};
use crate::backend::{Decoder, Transactions};
use crate::error::Result;

/// What a query can be run on: a database handle or a transaction, by shared reference.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// /// Runs on a database and in a transaction.
/// async fn how_many<E: Executor>(db: &E) -> Result<u64> {
///     User::query().count(db).await
/// }
/// let outside = how_many(&db).await?;
/// let inside = db.transaction(async |tx| how_many(tx).await).await?;
/// assert_eq!((outside, inside), (3, 3));
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "a query cannot be run on `{Self}`",
    label = "expected a database such as `&db` or a transaction such as `tx`"
)]
pub trait Executor: Sync {
    /// The driver. A write with children is several commands that happen together: hence transactions.
    type Backend: Transactions;

    /// What every command passes on its way to the driver.
    fn handle(&self) -> &Handle<Self::Backend>;

    /// Runs the closure so that all of its changes happen or none: in a transaction on a database, in a savepoint
    /// within a transaction. For functions that do not know what they are given.
    ///
    /// Where a database has no savepoints, an error in the closure undoes the transaction around it.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// async fn swap<E: Executor>(db: &E, a: i64, b: i64) -> Result<()> {
    ///     db.atomic(async |tx| {
    ///         let (first, second) = (User::find(a).one(tx).await?, User::find(b).one(tx).await?);
    ///         first.update().name(second.name.clone()).save(tx).await?;
    ///         second.update().name(first.name).save(tx).await?;
    ///         Ok(())
    ///     })
    ///     .await
    /// }
    /// swap(&db, 1, 2).await?;
    /// db.transaction(async |tx| swap(tx, 2, 3).await).await?;
    /// assert_eq!(User::find(3).one(&db).await?.name, "Ada");
    /// # Ok(()) }
    /// ```
    #[allow(async_fn_in_trait)]
    async fn atomic<T, F>(&self, body: F) -> Result<T>
    where
        F: AsyncFnOnce(&Tx<Self::Backend>) -> Result<T>,
        Self: Sized,
    {
        finish(Tx::start(self.handle(), TxOptions::default()).await?, body).await
    }
}

#[diagnostic::do_not_recommend]
impl<E: Executor + ?Sized> Executor for &E {
    type Backend = E::Backend;
    fn handle(&self) -> &Handle<E::Backend> {
        (**self).handle()
    }
}

#[diagnostic::do_not_recommend]
impl<E: Executor + Send + ?Sized> Executor for std::sync::Arc<E> {
    type Backend = E::Backend;
    fn handle(&self) -> &Handle<E::Backend> {
        (**self).handle()
    }
}

/// Runs a command on an executor.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::backend::{Collect, run};
/// use orm::ir::Command;
/// let command = Command::Select(Box::new(User::query().into_select()));
/// assert_eq!(run(&db, command, Collect::<User>::default()).await?.len(), 3);
/// # Ok(()) }
/// ```
pub fn run<'e, E: Executor + ?Sized, C: Into<Envelope>, D: Decoder>(
    db: &'e E,
    command: C,
    decoder: D,
) -> impl Future<Output = Result<D::Out>> + Send + use<'e, E, C, D> {
    db.handle().run(command, decoder)
}
