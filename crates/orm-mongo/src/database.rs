//! The handle, its sessions, and the driver's side of the traits of the core.

use std::sync::{Arc, Mutex, PoisonError};

use mongodb::Client;
use orm_core::backend::{Backend, BoxStream, Database, Decoder, Executor, FromRow, TxOptions};
use orm_core::ir::Command;
use orm_core::meta::ModelMeta;
use orm_core::{Error, ErrorKind, Result};
use rustc_hash::FxHashMap;

use crate::builder::{MongoBuilder, Settings};
use crate::concern::Concerns;
use crate::layout::Layout;
use crate::registry::Registry;
use crate::transaction::Transaction;
use crate::{explain, read, schema, value, write};

/// A MongoDB database: a client with its pool of connections, cheap to clone.
///
/// ```no_run
/// # async fn example() -> orm_core::Result<()> {
/// let db = orm_mongo::Mongo::connect("mongodb://localhost:27017/app").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Mongo {
    session: Session,
}

/// Where commands are sent: the client, or the session of a transaction.
///
/// ```no_run
/// # fn example(db: orm_mongo::Mongo) -> orm_core::Result<()> {
/// use orm_core::backend::{Backend, Executor};
/// use orm_mongo::{Mongo, Session};
///
/// let session: &Session = db.session();
/// assert!(Mongo::offers(session, "Elements"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Session {
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
    pub registry: Mutex<Option<Arc<Registry>>>,
}

impl std::fmt::Debug for Mongo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mongo").field("database", &self.session.shared.db.name()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("tx", &self.tx.is_some()).finish_non_exhaustive()
    }
}

impl Mongo {
    pub(crate) fn new(client: Client, db: mongodb::Database, settings: Settings, concerns: Concerns) -> Self {
        let shared =
            Shared { client, db, settings, concerns, layouts: Mutex::default(), registry: Mutex::default() };
        Mongo { session: Session { shared: Arc::new(shared), tx: None, part: false, upkeep: false } }
    }

    /// Connects to the database that a URL names: `mongodb://host:port/database?options`.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// let db = orm_mongo::Mongo::connect("mongodb://localhost:27017/app").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`MongoBuilder::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Mongo> {
        Mongo::builder(url).connect().await
    }

    /// Settings other than the defaults.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// use orm_mongo::{Mongo, Times};
    /// let db = Mongo::builder("mongodb://localhost/app").times(Times::Micros).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn builder(url: impl Into<String>) -> MongoBuilder {
        MongoBuilder::new(url)
    }

    /// The driver's own handle of the same database, for what this library does not have.
    ///
    /// ```no_run
    /// # async fn example(db: orm_mongo::Mongo) -> mongodb::error::Result<()> {
    /// let names = db.driver().list_collection_names().await?;
    /// # Ok(()) }
    /// ```
    pub fn driver(&self) -> &mongodb::Database {
        &self.session.shared.db
    }

    /// Closes the connections.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// let db = orm_mongo::Mongo::connect("mongodb://localhost/app").await?;
    /// db.close().await;
    /// # Ok(()) }
    /// ```
    pub async fn close(&self) {
        self.session.shared.client.clone().shutdown().await;
    }
}

#[diagnostic::do_not_recommend]
impl Executor for Mongo {
    type Backend = Mongo;
    fn session(&self) -> &Session {
        &self.session
    }
}

impl Database for Mongo {}
orm_core::supports!(Mongo: Elements);

impl Shared {
    /// The layout of a model's documents, made once.
    pub fn layout(&self, model: &'static ModelMeta) -> Arc<Layout> {
        let mut layouts = self.layouts.lock().unwrap_or_else(PoisonError::into_inner);
        let address = std::ptr::from_ref(model).addr();
        Arc::clone(layouts.entry(address).or_insert_with(|| Arc::new(Layout::of_model(model))))
    }
}

impl Session {
    /// The same database outside of any transaction.
    pub(crate) fn outside(&self) -> Session {
        Session { shared: Arc::clone(&self.shared), tx: None, part: false, upkeep: false }
    }

    /// The same session for what other databases do by themselves: checks of keys, counters, actions. Observers learn it.
    pub(crate) fn upkeep(&self) -> Session {
        Session { upkeep: true, ..self.clone() }
    }

    /// A session whose writes happen together: this one in a transaction, or one with a transaction of its own.
    pub(crate) async fn atomic(&self) -> Result<Atomic> {
        if self.tx.is_some() {
            return Ok(Atomic { session: self.clone(), own: false });
        }
        Ok(Atomic { session: self.transaction(TxOptions::default()).await?, own: true })
    }

    async fn transaction(&self, options: TxOptions) -> Result<Session> {
        let transaction = Transaction::start(&self.shared.client, options).await?;
        Ok(Session {
            shared: Arc::clone(&self.shared),
            tx: Some(Arc::new(transaction)),
            part: false,
            upkeep: false,
        })
    }
}

/// Writes that happen together.
pub(crate) struct Atomic {
    pub session: Session,
    own: bool,
}

impl Atomic {
    /// Ends a transaction of its own as the result says. Whether the work may be tried again comes with an error.
    pub async fn end<T>(self, result: Result<T>) -> Result<T, (Error, Again)> {
        let error = match result {
            result if !self.own => return result.map_err(|error| (error, Again::Never)),
            Ok(value) => match Mongo::commit(&self.session).await {
                Ok(()) => return Ok(value),
                Err(error) => error,
            },
            Err(error) => {
                let _ = Mongo::rollback(&self.session).await;
                error
            }
        };
        let again = match error.kind() {
            // Nothing was committed: a commit that may have happened has another kind.
            ErrorKind::ConnectionLost if self.session.shared.concerns.retry_writes => Again::Once,
            ErrorKind::ConnectionLost => Again::Never,
            _ if error.is_retryable() => Again::Often,
            _ => Again::Never,
        };
        Err((error, again))
    }
}

/// How often work that failed may be tried again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    Never,
    /// The server was lost.
    Once,
    /// Somebody else was faster.
    Often,
}

impl Backend for Mongo {
    const NAME: &'static str = "mongodb";
    type Session = Session;

    async fn run<D: Decoder>(session: &Session, command: Command, decoder: D) -> Result<D::Out> {
        value::check(&command)?;
        match command {
            Command::Select(select) => Box::pin(read::run(session, &select, decoder)).await,
            Command::Insert(insert) => Box::pin(write::insert(session, *insert, decoder)).await,
            Command::Update(update) => Box::pin(write::update(session, *update, decoder)).await,
            Command::Delete(delete) => Box::pin(write::delete(session, *delete, decoder)).await,
            Command::UpdateRows(update) => Box::pin(write::update_rows(session, *update, decoder)).await,
            Command::Raw(_) => Err(no_sql()),
        }
    }

    fn stream<T: FromRow + Send + 'static>(
        session: &Session,
        command: Command,
    ) -> BoxStream<'static, Result<T>> {
        read::stream(session.clone(), command)
    }

    fn offers(_: &Session, capability: &str) -> bool {
        Self::CAPABILITIES.contains(&capability)
    }

    fn updates_rows(_: &Session) -> bool {
        true
    }

    fn render(session: &Session, command: &Command) -> Result<String> {
        explain::render(session, command)
    }

    async fn explain(session: &Session, command: Command) -> Result<String> {
        explain::plan(session, command).await
    }

    async fn begin(session: &Session, options: TxOptions) -> Result<Session> {
        match &session.tx {
            None => session.transaction(options).await,
            // No savepoints: what the library does in one is a part that must succeed for the whole to be committed.
            Some(tx) => {
                tx.check()?;
                Ok(Session { part: true, ..session.clone() })
            }
        }
    }

    async fn savepoint(_: &Session) -> Result<Session> {
        Err(Error::new(ErrorKind::Unsupported, "MongoDB has no transactions within transactions")
            .with_hint("do it all in the outer one: an error in it undoes the whole"))
    }

    async fn commit(session: &Session) -> Result<()> {
        match &session.tx {
            None => Ok(()),
            Some(tx) if session.part => tx.check(),
            Some(tx) => tx.commit().await,
        }
    }

    async fn rollback(session: &Session) -> Result<()> {
        match &session.tx {
            None => Ok(()),
            Some(tx) if session.part => {
                tx.doubt();
                Ok(())
            }
            Some(tx) => tx.rollback().await,
        }
    }

    fn abandon(session: &Session) {
        match &session.tx {
            None => {}
            Some(tx) if session.part => tx.doubt(),
            Some(tx) => tx.abandon(),
        }
    }

    async fn create_all(session: &Session, models: &[&'static ModelMeta]) -> Result<()> {
        schema::create_all(session, models).await
    }

    async fn drop_all(session: &Session, models: &[&'static ModelMeta]) -> Result<()> {
        schema::drop_all(session, models).await
    }
}

pub(crate) fn no_sql() -> Error {
    Error::new(ErrorKind::Unsupported, "MongoDB speaks no SQL")
}
