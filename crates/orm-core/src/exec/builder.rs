//! A transaction with settings, and its retries.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use super::transaction::finish;
use super::{Handle, Isolation, Tx, TxOptions};
use crate::backend::Transactions;
use crate::error::Result;

/// Settings of a transaction that is about to run: made by [`Database::tx`](super::Database::tx).
#[derive(Clone, Copy)]
#[must_use = "nothing happens before `.run(async |tx| ..)` or `.begin()`"]
pub struct TxBuilder<'d, B: Transactions> {
    handle: &'d Handle<B>,
    options: TxOptions,
}

impl<B: Transactions> fmt::Debug for TxBuilder<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.options.fmt(f)
    }
}

impl<'d, B: Transactions> TxBuilder<'d, B> {
    pub(super) fn new(handle: &'d Handle<B>) -> Self {
        TxBuilder { handle, options: TxOptions::default() }
    }

    /// Sets the isolation.
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.options.isolation = Some(isolation);
        self
    }

    /// Refuses writes.
    pub fn read_only(mut self) -> Self {
        self.options.read_only = true;
        self
    }

    /// Lets a serializable read-only transaction wait for a safe snapshot.
    pub fn deferrable(mut self) -> Self {
        self.options.deferrable = true;
        self
    }

    /// Runs the transaction again, up to `times`, after a retryable error.
    pub fn retries(mut self, times: u32) -> Self {
        self.options.retries = times;
        self
    }

    /// Runs the closure in the transaction: `Ok` commits, `Err` rolls back, and so does dropping the future. Each attempt runs a
    /// clone of the closure, so it borrows what it needs.
    ///
    /// # Errors
    /// That of the last attempt.
    pub async fn run<T, F>(self, body: F) -> Result<T>
    where
        F: AsyncFnOnce(&Tx<B>) -> Result<T> + Clone,
    {
        run(self.handle, self.options, body).await
    }

    /// Begins the transaction, as a guard. Retries are the caller's then.
    ///
    /// # Errors
    /// If the database cannot be reached or has no such transactions.
    pub fn begin(self) -> impl Future<Output = Result<Tx<B>>> + Send + use<'d, B> {
        Tx::start(self.handle, self.options)
    }
}

/// Runs a closure in a transaction, again after a retryable error as often as the options say.
pub(super) async fn run<B, T, F>(handle: &Handle<B>, options: TxOptions, body: F) -> Result<T>
where
    B: Transactions,
    F: AsyncFnOnce(&Tx<B>) -> Result<T> + Clone,
{
    let mut attempt = 0;
    loop {
        // A clone, because the future of a closure that is called by reference is `Send` for one lifetime and not for all, and could
        // not be spawned.
        let result = match Tx::start(handle, options).await {
            Ok(tx) => finish(tx, body.clone()).await,
            Err(error) => Err(error),
        };
        match result {
            Err(error) if error.is_retryable() && attempt < options.retries => {
                attempt += 1;
                crate::pause::pause(backoff(attempt)).await;
            }
            other => return other,
        }
    }
}

/// 5 ms doubled for each attempt, at most a second, of which a random half is taken off.
fn backoff(attempt: u32) -> Duration {
    let full = Duration::from_millis(5).saturating_mul(1 << attempt.min(8)).min(Duration::from_secs(1));
    let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), attempt);
    full / 2 + full.mul_f64((random % 1000) as f64 / 2000.0)
}
