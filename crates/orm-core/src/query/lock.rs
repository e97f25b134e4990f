//! Row locks and `DISTINCT ON`, for databases that have them.

use super::group::GroupKeys;
use super::query::Query;
use crate::backend::capabilities::{DistinctOn, RowLocks};
use crate::backend::{And, Needs, Plus};
use crate::ir::{Lock, LockStrength, LockWait};
use crate::model::{Model, Named};

/// A lock on rows that are read, held until the transaction ends: `RowLock::update().skip_locked()`.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::ir::LockStrength;
/// let query = Post::query().limit(1).lock(RowLock::update().skip_locked());
/// assert_eq!(query.into_select().lock.unwrap().strength, LockStrength::Update);
/// ```
#[derive(Debug, Clone)]
#[must_use = "it does nothing until it is passed to `.lock(..)`"]
pub struct RowLock(Lock);

impl RowLock {
    fn new(strength: LockStrength) -> Self {
        RowLock(Lock { strength, wait: LockWait::Wait, of: Vec::new() })
    }

    /// Against any change and any other lock: `FOR UPDATE`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::ir::LockStrength;
    /// let query = User::find_many([1]).lock(RowLock::update());
    /// assert_eq!(query.into_select().lock.unwrap().strength, LockStrength::Update);
    /// ```
    pub fn update() -> Self {
        Self::new(LockStrength::Update)
    }

    /// As [`update`](RowLock::update), but rows that refer to the key may still be inserted: `FOR NO KEY UPDATE`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::ir::LockStrength;
    /// let query = User::find_many([1]).lock(RowLock::no_key_update());
    /// assert_eq!(query.into_select().lock.unwrap().strength, LockStrength::NoKeyUpdate);
    /// ```
    pub fn no_key_update() -> Self {
        Self::new(LockStrength::NoKeyUpdate)
    }

    /// Against any change; others may share it: `FOR SHARE`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::ir::LockStrength;
    /// let query = User::find_many([1]).lock(RowLock::share());
    /// assert_eq!(query.into_select().lock.unwrap().strength, LockStrength::Share);
    /// ```
    pub fn share() -> Self {
        Self::new(LockStrength::Share)
    }

    /// Against deletion and changes of the key: `FOR KEY SHARE`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::ir::LockStrength;
    /// let query = User::find_many([1]).lock(RowLock::key_share());
    /// assert_eq!(query.into_select().lock.unwrap().strength, LockStrength::KeyShare);
    /// ```
    pub fn key_share() -> Self {
        Self::new(LockStrength::KeyShare)
    }

    /// Fails with [`LockTimeout`](crate::ErrorKind::LockTimeout) instead of waiting.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::ir::LockWait;
    /// let query = User::find_many([1]).lock(RowLock::update().nowait());
    /// assert_eq!(query.into_select().lock.unwrap().wait, LockWait::NoWait);
    /// ```
    pub fn nowait(mut self) -> Self {
        self.0.wait = LockWait::NoWait;
        self
    }

    /// Leaves out rows that somebody else has locked: for queues of work.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::ir::LockWait;
    /// let next_job = Post::query().order_by(Post::id.asc()).limit(1).lock(RowLock::update().skip_locked());
    /// assert_eq!(next_job.into_select().lock.unwrap().wait, LockWait::SkipLocked);
    /// ```
    pub fn skip_locked(mut self) -> Self {
        self.0.wait = LockWait::SkipLocked;
        self
    }

    /// Only the rows of this model of the query.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// // Locks the posts and not their authors.
    /// let query = Post::query().join(Post::author).lock(RowLock::update().of::<Post>());
    /// assert_eq!(query.into_select().lock.unwrap().of.len(), 1);
    /// ```
    pub fn of<M: Named>(mut self) -> Self {
        self.0.of.push(M::source());
        self
    }
}

impl<M: Model, Q, Out, N: Needs> Query<M, Q, Out, N> {
    /// Locks the rows until the transaction ends. Outside of a transaction that is at once.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let query = User::find_many([1]).lock(RowLock::share());
    /// // SQLite has no row locks: `query.all(&db)` does not compile.
    /// assert_eq!(query.dynamic().all(&db).await.unwrap_err().kind(), ErrorKind::Unsupported);
    /// # Ok(()) }
    /// ```
    pub fn lock(mut self, lock: RowLock) -> Query<M, Q, Out, And<N, (RowLocks, ())>>
    where
        N: Plus<(RowLocks, ())>,
    {
        self.select.lock = Some(lock.0);
        self.retype()
    }

    /// Locks the rows against changes: short for `.lock(RowLock::update())`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # use orm::backend::{Supports, capabilities::RowLocks};
    /// /// Runs on every database that has row locks.
    /// async fn birthday<D: Database>(db: &D, id: i64) -> Result<User>
    /// where
    ///     D::Backend: Supports<RowLocks>,
    /// {
    ///     let tx = db.begin().await?;
    ///     let user = User::find_many([id]).for_update().one(&tx).await?;
    ///     let user = user.update().age(user.age.unwrap_or(0) + 1).save(&tx).await?;
    ///     tx.commit().await?;
    ///     Ok(user)
    /// }
    /// ```
    pub fn for_update(self) -> Query<M, Q, Out, And<N, (RowLocks, ())>>
    where
        N: Plus<(RowLocks, ())>,
    {
        self.lock(RowLock::update())
    }

    /// Of the rows that agree in these keys, only the first in the order. The order has to begin with the keys.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// // The best post of each author.
    /// let best = Post::query().distinct_on(Post::author_id).order_by((Post::author_id.asc(), Post::score.desc()));
    /// assert_eq!(best.into_select().distinct_on.len(), 1);
    /// ```
    pub fn distinct_on<G, I>(mut self, keys: G) -> Query<M, Q, Out, And<N, (DistinctOn, G::N)>>
    where
        G: GroupKeys<Q, I>,
        N: Plus<(DistinctOn, G::N)>,
    {
        keys.keys(&mut self.select.distinct_on);
        self.retype()
    }
}
