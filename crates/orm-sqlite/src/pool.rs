//! One writer and several readers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{Either, select};
use orm_core::{Error, ErrorKind, Result};
use orm_sql::{Compiled, ShapeCache};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::builder::SqliteBuilder;
use crate::connection::{self, Open};
use crate::errors::{self, Context};
use crate::run;
use crate::session::On;

/// A compiled command, and what is known of its cost.
pub struct Planned {
    pub compiled: Compiled,
    /// Whether the rows that come back of a write are what it changed: SQLite does not count those of a view.
    pub counted: bool,
    /// Whether they come back for the count alone.
    pub unread: bool,
    /// For how many more runs it is taken for too much for the caller's thread.
    pub heavy: AtomicU32,
    /// How many rows the last run had.
    pub rows: AtomicU32,
}

/// The connections of a database.
pub struct Pool {
    pub settings: SqliteBuilder,
    pub cache: ShapeCache<Planned>,
    writer: Side,
    /// None for a database in memory: everything happens on its one connection.
    readers: Option<Side>,
}

/// The connections at rest. None stands for one that was given up: it is opened when it is lent.
// A connection is lent and returned by moving it: a pointer, and not some hundred bytes.
type Idle = Vec<Option<Box<Open>>>;

struct Side {
    idle: Mutex<Idle>,
    permits: Arc<Semaphore>,
}

impl Side {
    fn new(connections: Idle) -> Self {
        let permits = Arc::new(Semaphore::new(connections.len()));
        Side { idle: Mutex::new(connections), permits }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a connection is wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Read,
    Write,
}

impl Pool {
    pub fn open(settings: SqliteBuilder) -> Result<Self> {
        settings.check()?;
        let writer = connection::open(&settings, true, false)?;
        let readers = match settings.path {
            None => None,
            Some(_) => {
                let open = |_| connection::open(&settings, false, false).map(Some);
                Some(Side::new((0..settings.readers).map(open).collect::<Result<_>>()?))
            }
        };
        Ok(Pool { cache: ShapeCache::new(), writer: Side::new(vec![Some(writer)]), readers, settings })
    }

    fn side(&self, role: Role) -> &Side {
        match (role, &self.readers) {
            (Role::Read, Some(readers)) => readers,
            _ => &self.writer,
        }
    }

    /// A connection, in the order of asking.
    pub async fn acquire(self: &Arc<Self>, role: Role) -> Result<Guard> {
        let permits = &self.side(role).permits;
        let permit = match Arc::clone(permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let wait = Box::pin(Arc::clone(permits).acquire_owned());
                match select(wait, futures_timer::Delay::new(self.settings.acquire_timeout)).await {
                    Either::Left((Ok(permit), _)) => permit,
                    Either::Left((Err(_), _)) => return Err(closed()),
                    Either::Right(_) => {
                        return Err(Error::new(ErrorKind::PoolTimeout, "no connection became free in time").with_hint(
                            "end transactions sooner, use `tx` and not `db` inside one, or raise `acquire_timeout`",
                        ));
                    }
                }
            }
        };
        let idle = self.side(role).idle().pop().ok_or_else(closed)?;
        // Dropped before it has a connection, the guard leaves the place of one behind.
        let given_up = idle.is_none();
        let mut guard =
            Guard { open: idle, pool: Arc::clone(self), role, barred: false, permit: Some(permit) };
        if given_up {
            let pool = Arc::clone(self);
            let open = move || connection::open(&pool.settings, role == Role::Write, true);
            guard.open = Some(blocking::unblock(open).await?);
        }
        Ok(guard)
    }

    /// Lets nobody in any more and closes what is idle.
    pub async fn close(&self) {
        let mut idle = Vec::new();
        for side in [Some(&self.writer), self.readers.as_ref()].into_iter().flatten() {
            side.permits.close();
            idle.append(&mut side.idle());
        }
        // The last connection writes back the write-ahead log.
        blocking::unblock(move || drop(idle)).await;
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the database was closed")
}

/// A connection on loan. Dropped, it is cleaned and returned.
pub struct Guard {
    open: Option<Box<Open>>,
    pool: Arc<Pool>,
    role: Role,
    /// The connection could write, and was told not to for the length of this loan.
    barred: bool,
    permit: Option<OwnedSemaphorePermit>,
}

impl Guard {
    pub fn open(&self) -> Result<&Open> {
        self.open.as_deref().ok_or_else(closed)
    }

    pub fn on(&self) -> Result<On<'_>> {
        let open = self.open()?;
        Ok(On { pool: &self.pool, connection: &open.connection, watch: &open.watch })
    }

    /// Makes the connection refuse writes until it is returned.
    pub fn bar_writes(&mut self) -> Result<()> {
        if self.role == Role::Write {
            let open = self.open()?;
            open.connection
                .pragma_update(None, "query_only", true)
                .map_err(|error| errors::map(error, &Context::default()))?;
            // The driver's own setting, taken back when the connection is.
            open.touched.store(false, Ordering::Relaxed);
            self.barred = true;
        }
        Ok(())
    }

    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let returned = Returned {
            open: self.open.take(),
            pool: Arc::clone(&self.pool),
            role: self.role,
            barred: self.barred,
            _permit: self.permit.take(),
        };
        // What reads or writes the disk is done on a thread; whoever asks for the connection waits until it is back.
        if returned.open.as_ref().is_some_and(|open| open.needs_thread()) {
            blocking::unblock(move || returned.give_back()).detach();
        } else {
            returned.give_back();
        }
    }
}

/// A connection on its way back. The permit is given up last, when the connection is there for the next to come.
struct Returned {
    open: Option<Box<Open>>,
    pool: Arc<Pool>,
    role: Role,
    barred: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Returned {
    fn give_back(mut self) {
        let open = self.open.take().filter(|open| self.is_clean(open));
        let side = self.pool.side(self.role);
        let mut idle = side.idle();
        // Asked under the lock: what comes back after `close` is closed.
        if !side.permits.is_closed() {
            idle.push(open);
        }
    }

    /// Cleans the connection. One that stays in a transaction, or that has what the others have not, is given up, unless it is the
    /// whole database.
    fn is_clean(&self, open: &Open) -> bool {
        let on = On { pool: &self.pool, connection: &open.connection, watch: &open.watch };
        let touched = open.touched.swap(false, Ordering::Relaxed);
        let rolled_back = open.connection.is_autocommit() || run::control(on, "ROLLBACK").is_ok();
        let unbarred = !self.barred || open.connection.pragma_update(None, "query_only", false).is_ok();
        let clean = rolled_back && unbarred && !touched;
        open.touched.store(false, Ordering::Relaxed);
        if clean && open.is_due() {
            open.checkpoint();
        }
        clean || self.pool.settings.path.is_none()
    }
}
