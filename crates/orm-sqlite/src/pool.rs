//! One writer and several readers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{Either, select};
use orm_core::{Error, ErrorKind, Result};
use orm_sql::{Compiled, ShapeCache};
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::builder::SqliteBuilder;
use crate::connection::{self, Open};
use crate::errors::{self, Context};

/// A compiled command, and what is known of its cost.
pub struct Planned {
    pub compiled: Compiled,
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

// A connection is lent and returned by moving it: a pointer, and not some hundred bytes.
#[allow(clippy::vec_box)]
struct Side {
    idle: Mutex<Vec<Box<Open>>>,
    permits: Arc<Semaphore>,
}

#[allow(clippy::vec_box)]
impl Side {
    fn new(connections: Vec<Box<Open>>) -> Self {
        let permits = Arc::new(Semaphore::new(connections.len()));
        Side { idle: Mutex::new(connections), permits }
    }
}

/// What a connection is wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Read,
    Write,
}

/// A connection on loan. Dropped, it is cleaned and returned.
pub struct Guard {
    open: Option<Box<Open>>,
    pool: Arc<Pool>,
    role: Role,
    /// The connection could write, and was told not to for the length of this loan.
    barred: bool,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub fn open(settings: SqliteBuilder) -> Result<Self> {
        settings.check()?;
        let writer = connection::open(&settings, true)?;
        let readers = match settings.path {
            None => None,
            Some(_) => {
                let open = |_| connection::open(&settings, false);
                Some(Side::new((0..settings.readers).map(open).collect::<Result<_>>()?))
            }
        };
        Ok(Pool { cache: ShapeCache::new(), writer: Side::new(vec![writer]), readers, settings })
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
        let idle = &self.side(role).idle;
        let connection = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match connection {
            Some(connection) => Ok(Guard {
                open: Some(connection),
                pool: Arc::clone(self),
                role,
                barred: false,
                _permit: permit,
            }),
            None => Err(closed()),
        }
    }

    /// Lets nobody in any more and closes what is idle.
    pub async fn close(&self) {
        for side in [Some(&self.writer), self.readers.as_ref()].into_iter().flatten() {
            side.permits.close();
            side.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::ConnectionLost, "the database was closed")
}

impl Guard {
    pub fn connection(&self) -> Result<&Connection> {
        self.open.as_ref().map(|open| &open.connection).ok_or_else(closed)
    }

    /// Makes the connection refuse writes until it is returned.
    pub fn bar_writes(&mut self) -> Result<()> {
        if self.role == Role::Write {
            let connection = self.connection()?;
            connection
                .pragma_update(None, "query_only", true)
                .map_err(|error| errors::map(error, &Context::default()))?;
            self.barred = true;
        }
        Ok(())
    }

    /// Whether a statement that spends its budget of steps is interrupted from now on.
    pub fn arm(&self, armed: bool) {
        if let Some(open) = &self.open {
            open.armed.store(armed, Ordering::Relaxed);
        }
    }

    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else { return };
        let clean = (open.connection.is_autocommit() || open.connection.execute_batch("ROLLBACK").is_ok())
            && (!self.barred || open.connection.pragma_update(None, "query_only", false).is_ok());
        let side = self.pool.side(self.role);
        if side.permits.is_closed() {
            return;
        }
        // A connection that cannot be rolled back is replaced by a new one, unless it is the whole database.
        let connection = if clean || self.pool.settings.path.is_none() {
            Some(open)
        } else {
            connection::open(&self.pool.settings, self.role == Role::Write).ok()
        };
        side.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(connection);
    }
}
