//! The handle, and the driver's side of the traits of the core.

use mongodb::Client;
use orm_core::backend::{
    Backend, BoxStream, Database, Decoder, Executor, Explain, FromRow, Handle, SchemaChanges, SchemaStore,
    Transactions, TxOptions,
};
use orm_core::ir::Command;
use orm_core::meta::ModelMeta;
use orm_core::schema::{Change, Difference, Snapshot};
use orm_core::{Error, ErrorKind, Result};

use crate::builder::{MongoBuilder, Settings};
use crate::concern::Concerns;
use crate::session::{MongoSession, Shared, no_sql};
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
    handle: Handle<Mongo>,
}

impl std::fmt::Debug for Mongo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mongo")
            .field("database", &self.handle.session().shared.db.name())
            .finish_non_exhaustive()
    }
}

impl Mongo {
    pub(crate) fn new(client: Client, db: mongodb::Database, settings: Settings, concerns: Concerns) -> Self {
        let observer = settings.observer.clone();
        let mut handle = Handle::new(MongoSession::new(Shared::new(client, db, settings, concerns)));
        if let Some(observer) = observer {
            handle = handle.observed_by(observer);
        }
        Mongo { handle }
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
    /// use orm_mongo::{Mongo, MongoTimes};
    /// let db = Mongo::builder("mongodb://localhost/app").times(MongoTimes::Micros).connect().await?;
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
        &self.handle.session().shared.db
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
        self.handle.session().shared.client.clone().shutdown().await;
    }
}

#[diagnostic::do_not_recommend]
impl Executor for Mongo {
    type Backend = Mongo;
    fn handle(&self) -> &Handle<Mongo> {
        &self.handle
    }
}

impl Database for Mongo {}
orm_core::supports!(Mongo: Elements);

impl Backend for Mongo {
    const NAME: &'static str = "mongodb";
    type Session = MongoSession;

    async fn run<D: Decoder>(session: &MongoSession, command: Command, decoder: D) -> Result<D::Out> {
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
        session: &MongoSession,
        command: Command,
    ) -> BoxStream<'static, Result<T>> {
        read::stream(session.clone(), command)
    }

    fn offers(_: &MongoSession, capability: &str) -> bool {
        Self::CAPABILITIES.contains(&capability)
    }

    fn updates_rows(_: &MongoSession) -> bool {
        true
    }

    fn nan_first(_: &MongoSession) -> bool {
        true
    }

    fn render(session: &MongoSession, command: &Command) -> Result<String> {
        explain::render(session, command)
    }
}

impl Explain for Mongo {
    async fn explain(session: &MongoSession, command: Command) -> Result<String> {
        explain::plan(session, command).await
    }
}

impl Transactions for Mongo {
    async fn begin(session: &MongoSession, options: TxOptions) -> Result<MongoSession> {
        session.begin(options).await
    }

    async fn savepoint(_: &MongoSession) -> Result<MongoSession> {
        Err(Error::new(ErrorKind::Unsupported, "MongoDB has no transactions within transactions")
            .with_hint("do it all in the outer one: an error in it undoes the whole"))
    }

    async fn commit(session: &MongoSession) -> Result<()> {
        session.commit().await
    }

    async fn rollback(session: &MongoSession) -> Result<()> {
        session.rollback().await
    }

    fn abandon(session: &MongoSession) {
        session.abandon();
    }
}

impl SchemaStore for Mongo {
    async fn create_all(session: &MongoSession, models: &[&'static ModelMeta]) -> Result<()> {
        schema::create_all(session, models).await
    }

    async fn drop_all(session: &MongoSession, models: &[&'static ModelMeta]) -> Result<()> {
        schema::drop_all(session, models).await
    }
}

impl SchemaChanges for Mongo {
    fn language(_: &MongoSession) -> &'static str {
        "mongo"
    }

    async fn change(_: &MongoSession, _: &Change) -> Result<()> {
        Err(no_migrations())
    }

    async fn count(_: &MongoSession, _: &[String]) -> Result<Vec<i64>> {
        Err(no_migrations())
    }

    async fn differences(_: &MongoSession, _: &Snapshot, _: &[String]) -> Result<Vec<Difference>> {
        Err(no_migrations())
    }
}

fn no_migrations() -> Error {
    Error::new(ErrorKind::Unsupported, "migrations of MongoDB are not there yet")
        .with_hint("`create_all` makes collections, validators and indexes that are missing")
}
