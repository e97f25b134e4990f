//! Sessions: what everything that talks to a server stands on. A session is the client or a transaction of it.

use std::sync::{Arc, Mutex, PoisonError};

use mongodb::Client;
use orm_core::backend::TxOptions;
use orm_core::meta::ModelMeta;
use orm_core::{Error, ErrorKind, Result};
use rustc_hash::FxHashMap;

use crate::builder::Settings;
use crate::concern::Concerns;
use crate::layout::Layout;
use crate::transaction::Transaction;

/// Where commands are sent: the client, or the session of a transaction.
///
/// ```no_run
/// # fn example(db: orm_mongo::Mongo) -> orm_core::Result<()> {
/// use orm_core::backend::{Backend, Executor};
/// use orm_mongo::{Mongo, MongoSession};
///
/// let session: &MongoSession = db.handle().session();
/// assert!(Mongo::offers(session, "Elements"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct MongoSession {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tx: Option<Arc<Transaction>>,
    /// Whether this is a part of the transaction that must succeed as a whole.
    part: bool,
    /// Whether commands are the driver's own: what other databases do by themselves.
    pub(crate) upkeep: bool,
}

/// What all sessions of a handle have in common.
pub(crate) struct Shared {
    pub client: Client,
    pub db: mongodb::Database,
    pub settings: Settings,
    pub concerns: Concerns,
    layouts: Mutex<FxHashMap<usize, Arc<Layout>>>,
}

impl std::fmt::Debug for MongoSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MongoSession").field("tx", &self.tx.is_some()).finish_non_exhaustive()
    }
}

impl Shared {
    pub fn new(client: Client, db: mongodb::Database, settings: Settings, concerns: Concerns) -> Self {
        Shared { client, db, settings, concerns, layouts: Mutex::default() }
    }

    /// The layout of a model's documents, made once.
    pub fn layout(&self, model: &'static ModelMeta) -> Arc<Layout> {
        let mut layouts = self.layouts.lock().unwrap_or_else(PoisonError::into_inner);
        let address = std::ptr::from_ref(model).addr();
        Arc::clone(layouts.entry(address).or_insert_with(|| Arc::new(Layout::of_model(model))))
    }
}

impl MongoSession {
    pub(crate) fn new(shared: Shared) -> Self {
        MongoSession { shared: Arc::new(shared), tx: None, part: false, upkeep: false }
    }

    /// The same database outside of any transaction.
    pub(crate) fn outside(&self) -> MongoSession {
        MongoSession { shared: Arc::clone(&self.shared), tx: None, part: false, upkeep: false }
    }

    /// The same session for what other databases do by themselves: checks of keys, counters, actions. Observers learn it.
    pub(crate) fn upkeep(&self) -> MongoSession {
        MongoSession { upkeep: true, ..self.clone() }
    }

    /// A transaction of its own.
    pub(crate) async fn transaction(&self, options: TxOptions) -> Result<MongoSession> {
        let transaction = Transaction::start(&self.shared.client, options).await?;
        Ok(MongoSession { tx: Some(Arc::new(transaction)), ..self.outside() })
    }

    /// A transaction; within one, a part of it.
    pub(crate) async fn begin(&self, options: TxOptions) -> Result<MongoSession> {
        match &self.tx {
            None => self.transaction(options).await,
            // No savepoints: what the library does in one is a part that must succeed for the whole to be committed.
            Some(tx) => {
                tx.check()?;
                Ok(MongoSession { part: true, ..self.clone() })
            }
        }
    }

    pub(crate) async fn commit(&self) -> Result<()> {
        match &self.tx {
            None => Ok(()),
            Some(tx) if self.part => tx.check(),
            Some(tx) => tx.commit().await,
        }
    }

    pub(crate) async fn rollback(&self) -> Result<()> {
        match &self.tx {
            None => Ok(()),
            Some(tx) if self.part => {
                tx.doubt();
                Ok(())
            }
            Some(tx) => tx.rollback().await,
        }
    }

    pub(crate) fn abandon(&self) {
        match &self.tx {
            None => {}
            Some(tx) if self.part => tx.doubt(),
            Some(tx) => tx.abandon(),
        }
    }
}

pub(crate) fn no_sql() -> Error {
    Error::new(ErrorKind::Unsupported, "MongoDB speaks no SQL")
}
