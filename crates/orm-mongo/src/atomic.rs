//! Statements that are whole or not at all: a transaction around those of several commands, and another attempt after a
//! write conflict.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use orm_core::backend::TxOptions;
use orm_core::{Error, ErrorKind, Result};

use crate::errors;
use crate::session::MongoSession;

/// A statement that meets write conflicts is tried again for so long, and [`AT_LEAST`] so often: an attempt that takes longer than
/// the whole patience has not waited for others.
const PATIENCE: Duration = Duration::from_secs(30);
const AT_LEAST: u32 = 3;
/// How often one that lost a race for a unique value is: it finds the winner's row the next time.
const RACES: u32 = 5;

/// Runs something that must be whole: in the caller's transaction, or in one of its own, which is run again after a write
/// conflict and once more when it lost its server.
pub(crate) async fn again<T, F>(session: &MongoSession, mut work: impl FnMut(MongoSession) -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    if session.tx.is_some() {
        return work(session.clone()).await;
    }
    let mut backoff = Backoff::new();
    let (mut lost, mut races) = (false, 0);
    loop {
        let own = session.transaction(TxOptions::default()).await?;
        let error = match work(own.clone()).await {
            Ok(value) => match own.commit().await {
                Ok(()) => return Ok(value),
                Err(error) => error,
            },
            Err(error) => {
                let _ = own.rollback().await;
                error
            }
        };
        let again = match error.kind() {
            // Nothing was committed: a commit that may have happened has another kind.
            ErrorKind::ConnectionLost => {
                session.shared.concerns.retry_writes && !std::mem::replace(&mut lost, true)
            }
            ErrorKind::Unique if error.is_retryable() => {
                races += 1;
                races < RACES && backoff.pause().await
            }
            _ => error.is_retryable() && backoff.pause().await,
        };
        if !again {
            return Err(busy(error));
        }
    }
}

/// The error of a statement that met conflicts to the end: there is no transaction that could be run again.
pub(crate) fn busy(error: Error) -> Error {
    match error.kind() {
        // It met nobody.
        _ if errors::is_aborted(&error) => error.with_hint(errors::TOO_LONG),
        ErrorKind::Serialization => error.with_hint(
            "others change the same documents all the time: try it later, or change them less often",
        ),
        _ => error,
    }
}

/// Pauses between attempts, which grow and vary: those who met each other once shall not meet again.
pub(crate) struct Backoff {
    until: Instant,
    attempt: u32,
}

impl Backoff {
    pub fn new() -> Self {
        Backoff::until(Instant::now() + PATIENCE)
    }

    fn until(until: Instant) -> Self {
        Backoff { until, attempt: 0 }
    }

    /// 1 ms doubled for each attempt, at most half a second, and of that a random part.
    fn next(&mut self) -> Duration {
        let full = Duration::from_millis(1 << self.attempt.min(9));
        self.attempt += 1;
        let random = RandomState::new().hash_one(self.attempt);
        full / 4 + full.mul_f64((random % 1000) as f64 / 1000.0)
    }

    /// Waits before the next attempt. There is none when the patience is at its end.
    pub async fn pause(&mut self) -> bool {
        let pause = self.next();
        let left = self.attempt < AT_LEAST || Instant::now() + pause < self.until;
        if left {
            tokio::time::sleep(pause).await;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_that_take_longer_than_the_patience_are_three() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut backoff = Backoff::until(Instant::now());
        let mut attempts = 1;
        while runtime.block_on(backoff.pause()) {
            attempts += 1;
        }
        assert_eq!(attempts, AT_LEAST);
    }

    #[test]
    fn pauses_grow_and_vary() {
        let pauses = || {
            let mut backoff = Backoff::new();
            (0..12).map(|_| backoff.next()).collect::<Vec<_>>()
        };
        let (first, second) = (pauses(), pauses());
        assert_ne!(first, second);
        for (at, pause) in first.iter().enumerate() {
            let full = Duration::from_millis(1 << at.min(9));
            assert!((full / 4..full * 5 / 4).contains(pause), "{at}: {pause:?}");
        }
    }
}
