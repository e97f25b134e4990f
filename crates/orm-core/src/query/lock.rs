//! Row locks and `DISTINCT ON`, for databases that have them.

use super::group::GroupKeys;
use super::query::Query;
use crate::backend::capabilities::{DistinctOn, RowLocks};
use crate::backend::{And, Needs, Plus};
use crate::ir::{Lock, LockStrength, LockWait};
use crate::model::{Model, Named};

/// A lock on rows that are read, held until the transaction ends: `RowLock::update().skip_locked()`.
#[derive(Debug, Clone)]
#[must_use = "it does nothing until it is passed to `.lock(..)`"]
pub struct RowLock(Lock);

impl RowLock {
    fn new(strength: LockStrength) -> Self {
        RowLock(Lock { strength, wait: LockWait::Wait, of: Vec::new() })
    }

    /// Against any change and any other lock: `FOR UPDATE`.
    pub fn update() -> Self {
        Self::new(LockStrength::Update)
    }

    /// As [`update`](RowLock::update), but rows that refer to the key may still be inserted: `FOR NO KEY UPDATE`.
    pub fn no_key_update() -> Self {
        Self::new(LockStrength::NoKeyUpdate)
    }

    /// Against any change; others may share it: `FOR SHARE`.
    pub fn share() -> Self {
        Self::new(LockStrength::Share)
    }

    /// Against deletion and changes of the key: `FOR KEY SHARE`.
    pub fn key_share() -> Self {
        Self::new(LockStrength::KeyShare)
    }

    /// Fails with [`LockTimeout`](crate::ErrorKind::LockTimeout) instead of waiting.
    pub fn nowait(mut self) -> Self {
        self.0.wait = LockWait::NoWait;
        self
    }

    /// Leaves out rows that somebody else has locked: for queues of work.
    pub fn skip_locked(mut self) -> Self {
        self.0.wait = LockWait::SkipLocked;
        self
    }

    /// Only the rows of this model of the query.
    pub fn of<M: Named>(mut self) -> Self {
        self.0.of.push(M::source());
        self
    }
}

impl<M: Model, Q, Out, N: Needs> Query<M, Q, Out, N> {
    /// Locks the rows until the transaction ends. Outside of a transaction that is at once.
    pub fn lock(mut self, lock: RowLock) -> Query<M, Q, Out, And<N, (RowLocks, ())>>
    where
        N: Plus<(RowLocks, ())>,
    {
        self.select.lock = Some(lock.0);
        self.retype()
    }

    /// Locks the rows against changes: short for `.lock(RowLock::update())`.
    pub fn for_update(self) -> Query<M, Q, Out, And<N, (RowLocks, ())>>
    where
        N: Plus<(RowLocks, ())>,
    {
        self.lock(RowLock::update())
    }

    /// Of the rows that agree in these keys, only the first in the order. The order has to begin with the keys.
    pub fn distinct_on<G, I>(mut self, keys: G) -> Query<M, Q, Out, And<N, (DistinctOn, ())>>
    where
        G: GroupKeys<Q, I>,
        N: Plus<(DistinctOn, ())>,
    {
        keys.keys(&mut self.select.distinct_on);
        self.retype()
    }
}
