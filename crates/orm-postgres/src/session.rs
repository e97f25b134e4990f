//! Where commands are sent, and the connection that they get.

use std::sync::Arc;

use deadpool::managed::PoolError;
use orm_core::{Error, ErrorKind, Result};

use crate::builder::Settings;
use crate::connection::{Connection, Guard, Pool};
use crate::transaction::Transaction;

/// Where commands are sent: the pool, or the connection of a transaction.
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # async fn example(db: Postgres) -> Result<()> {
/// use orm::backend::Backend;
/// use orm::postgres::Session;
/// let session: &Session = db.session();
/// assert!(Postgres::offers(session, "RowLocks"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Session(pub(crate) Place);

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

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl Session {
    pub(crate) async fn work(&self) -> Result<Work> {
        match &self.0 {
            Place::Pool(pool, settings) => {
                match pool.get().await {
                    Ok(object) => Ok(Work::Pooled(Box::new(Guard::new(object, Arc::clone(settings))))),
                    Err(PoolError::Backend(error)) => Err(error),
                    Err(PoolError::Timeout(_)) => {
                        Err(Error::new(ErrorKind::PoolTimeout, "no connection became free in time")
                            .with_hint("allow more connections, or hold transactions for a shorter time"))
                    }
                    Err(PoolError::Closed) => {
                        Err(Error::new(ErrorKind::ConnectionLost, "the database handle was closed"))
                    }
                    Err(error) => Err(Error::new(ErrorKind::ConnectionLost, "no connection could be made")
                        .with_source(error)),
                }
            }
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

    /// Rows are on their way until [`finish_stream`](Work::finish_stream) says that all of them came.
    pub(crate) fn start_stream(&self) {
        if let Ok(connection) = self.connection() {
            std::mem::forget(connection.start());
        }
    }

    pub(crate) fn finish_stream(&self) {
        if let Ok(connection) = self.connection() {
            connection.finish();
        }
    }

    /// Notes that the server refuses what else the transaction sends.
    pub(crate) fn fail(&self) {
        if let Work::Tx(tx) = self {
            tx.fail();
        }
    }

    /// Notes what the server thinks of the transaction after a statement.
    pub(crate) fn note<T>(&self, result: &Result<T>) {
        if let (Work::Tx(tx), Err(error)) = (self, result)
            && error.code().is_some()
        {
            tx.fail();
        }
    }
}
