//! Where commands are sent, and the connection that they get.

use std::sync::Arc;
use std::time::Instant;

use deadpool::managed::PoolError;
use orm_core::ir::Command;
use orm_core::{Error, ErrorKind, Result};

use crate::builder::Settings;
use crate::connection::{Connection, Guard, Pool};
use crate::transaction::Transaction;
use crate::{errors, run};

/// Where commands are sent: the pool, or the connection of a transaction.
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # async fn example(db: Postgres) -> Result<()> {
/// use orm::backend::Backend;
/// use orm::postgres::PgSession;
/// let session: &PgSession = db.handle().session();
/// assert!(Postgres::offers(session, "RowLocks"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct PgSession(pub(crate) Place);

#[derive(Clone)]
pub(crate) enum Place {
    Pool(Pool, Arc<Settings>),
    /// One connection of the pool, for statements that are sent together.
    Together(Arc<Guard>),
    Tx {
        tx: Arc<Transaction>,
        depth: u32,
    },
}

impl std::fmt::Debug for PgSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PgSession")
    }
}

impl PgSession {
    pub(crate) async fn work(&self) -> Result<Work> {
        match &self.0 {
            Place::Pool(pool, settings) => match pool.get().await {
                Ok(object) => {
                    let guard = Guard::new(object, Arc::clone(settings));
                    guard.connection()?.begin_sending();
                    Ok(Work::Pooled(Box::new(guard)))
                }
                Err(error) => Err(no_connection(error)),
            },
            Place::Together(guard) => Ok(Work::Together(Arc::clone(guard))),
            Place::Tx { tx, depth } => {
                tx.check(*depth)?;
                Ok(Work::Tx(Arc::clone(tx)))
            }
        }
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        match &self.0 {
            Place::Pool(_, settings) => settings,
            Place::Together(guard) => &guard.settings,
            Place::Tx { tx, .. } => &tx.guard.settings,
        }
    }

    /// How often a statement may move to another connection.
    pub(crate) fn moves(&self) -> Moves {
        let connections = match &self.0 {
            Place::Pool(pool, _) => pool.status().max_size + 1,
            _ => 0,
        };
        Moves { connections, reads: 1 }
    }
}

#[cold]
fn no_connection(error: PoolError<Error>) -> Error {
    match error {
        PoolError::Backend(error) => error,
        PoolError::Timeout(_) => Error::new(ErrorKind::PoolTimeout, "no connection became free in time")
            .with_hint("allow more connections, or hold transactions for a shorter time"),
        PoolError::Closed => Error::new(ErrorKind::Closed, "the database handle was closed"),
        error => Error::new(ErrorKind::ConnectionLost, "no connection could be made").with_source(error),
    }
}

/// What a statement that found its connection dead may still try: the connections of a pool may all have died since they were used.
pub(crate) struct Moves {
    connections: usize,
    /// A read that was sent is sent once more, since the data is as before; not oftener, as it may be what ends the server.
    reads: usize,
}

impl Moves {
    /// Whether to send it again on another connection, after an error on this one.
    pub fn again(&mut self, work: &Work, error: &Error, command: &Command) -> bool {
        // SQL of the user's own may commit parts of itself.
        let whole = !matches!(command, Command::Raw(_));
        let safe =
            work.connection().is_ok_and(Connection::is_untouched) || (whole && errors::never_ran(error));
        let read = matches!(command, Command::Select(_)) && std::mem::take(&mut self.reads) > 0;
        (safe || read) && self.again_idle(work, error)
    }

    /// As [`again`](Moves::again), for what has no effect.
    pub fn again_idle(&mut self, work: &Work, error: &Error) -> bool {
        let may = matches!(work, Work::Pooled(_))
            && error.kind() == ErrorKind::ConnectionLost
            && self.connections > 0;
        if may {
            self.connections -= 1;
        }
        may
    }
}

/// A connection to work on: on loan from the pool, or the transaction's.
pub(crate) enum Work {
    Pooled(Box<Guard>),
    Together(Arc<Guard>),
    Tx(Arc<Transaction>),
}

impl Work {
    fn guard(&self) -> &Guard {
        match self {
            Work::Pooled(guard) => guard,
            Work::Together(guard) => guard,
            Work::Tx(tx) => &tx.guard,
        }
    }

    pub(crate) fn connection(&self) -> Result<&Connection> {
        self.guard().connection()
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.guard().settings
    }

    /// Refuses what SQL of the user's own did to a connection of the pool: a transaction that it left open cannot go on.
    pub(crate) fn check_left(&self) -> Result<()> {
        let Work::Pooled(guard) = self else { return Ok(()) };
        if guard.connection()?.is_in_transaction() {
            return Err(Error::new(
                ErrorKind::Usage,
                "the statement left a transaction open on a connection of the pool; it is rolled back",
            )
            .with_hint("use `db.transaction(..)` or `db.begin()`"));
        }
        Ok(())
    }

    /// Rows are on their way until the [`Streaming`] that comes back says that all of them came.
    pub(crate) fn stream(self, command: Command, text: String) -> Streaming {
        if let Ok(connection) = self.connection() {
            std::mem::forget(connection.start());
        }
        if let Work::Tx(tx) = &self {
            tx.open_stream();
        }
        Streaming { work: self, command, text, start: Instant::now(), rows: 0, ended: false }
    }
}

/// A statement whose rows are being read. Dropped before the end, it takes a connection of the pool with it; a transaction goes
/// on behind the rest of the rows, which nobody reads.
pub(crate) struct Streaming {
    work: Work,
    pub command: Command,
    text: String,
    start: Instant,
    rows: u64,
    ended: bool,
}

impl Streaming {
    pub fn row(&mut self) {
        self.rows += 1;
    }

    /// All of the answer is there, or an error that ends it.
    pub fn end(mut self, result: Result<()>) -> Result<()> {
        self.ended = true;
        if let Ok(connection) = self.work.connection() {
            connection.finish();
        }
        self.report(&result);
        result
    }

    fn report(&self, result: &Result<()>) {
        let rows = result.as_ref().map(|()| self.rows).map_err(Error::clone);
        run::report(self.work.settings(), &self.command, &self.text, self.start, &rows);
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        if let Work::Tx(tx) = &self.work {
            tx.close_stream();
            if !self.ended
                && let Ok(connection) = self.work.connection()
            {
                connection.finish();
            }
        }
        if !self.ended {
            self.report(&Ok(()));
        }
    }
}
