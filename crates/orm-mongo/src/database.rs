//! The handle, its sessions, and the driver's side of the traits of the core.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use mongodb::bson::RawDocumentBuf;
use mongodb::options::{ReadConcern, TransactionOptions};
use mongodb::{Client, ClientSession};
use orm_core::backend::{
    Backend, BoxStream, Database, Decoder, Executor, FromRow, Isolation, StatementEvent, TxOptions,
};
use orm_core::ir::Command;
use orm_core::meta::ModelMeta;
use orm_core::{Error, ErrorKind, Result};
use rustc_hash::FxHashMap;
use tokio::sync::Mutex as AsyncMutex;

use crate::builder::{MongoBuilder, Settings};
use crate::layout::Layout;
use crate::registry::Registry;
use crate::{errors, explain, read, schema, value, write};

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
/// assert!(Mongo::offers(session, "Explain"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Session {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tx: Option<Arc<Transaction>>,
    /// Whether this is a part of the transaction that must succeed as a whole.
    part: bool,
    /// Whether commands are the driver's own: what other databases do by themselves.
    upkeep: bool,
}

/// What all sessions of a handle have in common.
pub(crate) struct Shared {
    pub client: Client,
    pub db: mongodb::Database,
    pub settings: Settings,
    layouts: Mutex<FxHashMap<usize, Arc<Layout>>>,
    pub registry: Mutex<Option<Arc<Registry>>>,
}

/// A transaction under way.
pub(crate) struct Transaction {
    pub session: AsyncMutex<ClientSession>,
    read_only: bool,
    /// Whether a statement failed, or was cut off: nothing of it may be committed.
    failed: AtomicBool,
    ended: AtomicBool,
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
    pub(crate) fn new(client: Client, db: mongodb::Database, settings: Settings) -> Self {
        let shared = Shared { client, db, settings, layouts: Mutex::default(), registry: Mutex::default() };
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
orm_core::supports!(Mongo: Elements, Explain);

impl Shared {
    /// The layout of a model's documents, made once.
    pub fn layout(&self, model: &'static ModelMeta) -> Arc<Layout> {
        let mut layouts = self.layouts.lock().unwrap_or_else(PoisonError::into_inner);
        let address = std::ptr::from_ref(model).addr();
        Arc::clone(layouts.entry(address).or_insert_with(|| Arc::new(Layout::of_model(model))))
    }
}

impl Transaction {
    pub fn check(&self) -> Result<()> {
        if self.ended.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Usage, "the transaction has ended"));
        }
        if self.failed.load(Ordering::Acquire) {
            return Err(Error::new(
                ErrorKind::Usage,
                "a statement of this transaction failed or was cut off; roll it back",
            ));
        }
        Ok(())
    }

    /// Whether a command may be sent. The server knows no read-only transactions, so writes are refused here.
    fn admit(&self, command: &RawDocumentBuf) -> Result<()> {
        self.check()?;
        let name = command.iter().next().and_then(|first| first.ok().map(|(name, _)| name.as_str()));
        let reads = matches!(name, Some("find" | "aggregate" | "getMore" | "killCursors" | "explain"));
        if self.read_only && !reads {
            return Err(Error::new(ErrorKind::Database, "the transaction is read-only")
                .with_hint("write in a transaction without `read_only()`"));
        }
        Ok(())
    }

    /// In doubt until [`settle`](Transaction::settle) says how the command ended.
    fn doubt(&self) {
        self.failed.store(true, Ordering::Release);
    }

    fn settle<T>(&self, result: &mongodb::error::Result<T>) {
        if result.is_ok() {
            self.failed.store(false, Ordering::Release);
        }
    }
}

impl Session {
    /// Sends a command and takes its reply.
    pub(crate) async fn command(
        &self,
        command: Vec<u8>,
        model: Option<&'static ModelMeta>,
    ) -> Result<Vec<u8>> {
        self.send(&self.shared.db, command, model).await
    }

    /// Sends a command that is about no database in particular.
    pub(crate) async fn admin(&self, command: Vec<u8>) -> Result<Vec<u8>> {
        self.send(&self.shared.client.database("admin"), command, None).await
    }

    async fn send(
        &self,
        db: &mongodb::Database,
        command: Vec<u8>,
        model: Option<&'static ModelMeta>,
    ) -> Result<Vec<u8>> {
        let start = self.watched().then(|| (Instant::now(), text_of(&command)));
        let buffer = RawDocumentBuf::from_bytes(command).map_err(errors::encoding)?;
        if let Some(tx) = &self.tx {
            tx.admit(&buffer)?;
        }
        let action = db.run_raw_command(buffer);
        let result = match &self.tx {
            None => action.await,
            Some(tx) => {
                let mut session = tx.session.lock().await;
                tx.doubt();
                let result = action.session(&mut *session).await;
                tx.settle(&result);
                result
            }
        };
        if let Some((start, text)) = start {
            self.observe(&text, start, 0, result.is_ok());
        }
        let reply = result.map_err(|error| errors::map(error, model))?;
        let reply = RawDocumentBuf::try_from(&reply).map_err(errors::encoding)?.into_bytes();
        if let Some(error) = errors::of_write(&reply, model) {
            if let Some(tx) = &self.tx {
                // The server aborts a transaction whose write failed.
                tx.doubt();
            }
            return Err(error);
        }
        Ok(reply)
    }

    pub(crate) fn watched(&self) -> bool {
        self.shared.settings.observer.is_some() || tracing::enabled!(tracing::Level::DEBUG)
    }

    pub(crate) fn observe(&self, text: &str, start: Instant, rows: u64, ok: bool) {
        let duration = start.elapsed();
        if let Some(observer) = &self.shared.settings.observer {
            observer.statement(&StatementEvent::new(text, duration, rows, ok).upkeep(self.upkeep));
        }
        tracing::debug!(
            "db.system.name" = "mongodb",
            "db.query.text" = text,
            "db.response.returned_rows" = rows,
            duration_us = duration.as_micros() as u64,
            ok,
            "statement"
        );
    }

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
        let failed = |error| errors::map(error, None);
        let mut session = self.shared.client.start_session().await.map_err(failed)?;
        let concern = match options.isolation {
            None | Some(Isolation::RepeatableRead) => ReadConcern::snapshot(),
            Some(Isolation::ReadCommitted) => ReadConcern::majority(),
            Some(_) => {
                return Err(Error::new(ErrorKind::Unsupported, "MongoDB has no serializable transactions")
                    .with_hint("`Isolation::RepeatableRead` is the strictest it has: a snapshot"));
            }
        };
        let read_only = options.read_only;
        let options = TransactionOptions::builder().read_concern(concern).build();
        session.start_transaction().with_options(options).await.map_err(failed)?;
        let transaction = Transaction {
            session: AsyncMutex::new(session),
            read_only,
            failed: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        };
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
    pub async fn end<T>(self, result: Result<T>) -> Result<T, (Error, bool)> {
        if !self.own {
            return result.map_err(|error| (error, false));
        }
        match result {
            Ok(value) => match Mongo::commit(&self.session).await {
                Ok(()) => Ok(value),
                Err(error) => {
                    let again = error.is_retryable();
                    Err((error, again))
                }
            },
            Err(error) => {
                let again = error.is_retryable();
                let _ = Mongo::rollback(&self.session).await;
                Err((error, again))
            }
        }
    }
}

/// How a command is told to observers: its name, collection and structure.
pub(crate) fn text_of(command: &[u8]) -> String {
    explain::shell(command, false)
}

impl Backend for Mongo {
    const NAME: &'static str = "mongodb";
    type Session = Session;

    async fn run<D: Decoder>(session: &Session, command: Command, decoder: D) -> Result<D::Out> {
        value::check(&command)?;
        match command {
            Command::Select(select) => read::run(session, &select, decoder).await,
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
        let Some(tx) = &session.tx else { return Ok(()) };
        if session.part {
            return tx.check();
        }
        if tx.failed.load(Ordering::Acquire) {
            Self::rollback(session).await?;
            return Err(Error::new(
                ErrorKind::Database,
                "a statement of the transaction failed, so it was rolled back and not committed",
            )
            .with_hint("return the statement's error from the transaction"));
        }
        tx.check()?;
        let mut driver = tx.session.lock().await;
        tx.doubt();
        let result = driver.commit_transaction().await;
        tx.ended.store(true, Ordering::Release);
        result.map_err(errors::of_commit)
    }

    async fn rollback(session: &Session) -> Result<()> {
        let Some(tx) = &session.tx else { return Ok(()) };
        if session.part {
            tx.doubt();
            return Ok(());
        }
        if tx.ended.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let mut driver = tx.session.lock().await;
        driver.abort_transaction().await.map_err(|error| errors::map(error, None))
    }

    fn abandon(session: &Session) {
        // The driver aborts the transaction of a session that is dropped.
        if let Some(tx) = &session.tx {
            tx.doubt();
            if !session.part {
                tx.ended.store(true, Ordering::Release);
            }
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
