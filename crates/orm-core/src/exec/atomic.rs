//! What the library does in several commands, all of them or none.

use std::future::Future;

use super::{Handle, Tx, TxOptions};
use crate::backend::Transactions;
use crate::error::Result;

/// As [`Executor::atomic`](super::Executor::atomic), for futures that are `Send` whatever the database is: what an async closure
/// returns can be named for one database only.
pub(crate) async fn atomically<B, T, F>(handle: &Handle<B>, work: impl FnOnce(Handle<B>) -> F) -> Result<T>
where
    B: Transactions,
    F: Future<Output = Result<T>> + Send,
{
    let tx = Tx::start(handle, TxOptions::default()).await?;
    let result = work(tx.handle_clone()).await;
    tx.end(result).await
}
