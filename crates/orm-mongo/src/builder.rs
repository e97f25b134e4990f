//! Settings of a connection.

use std::sync::Arc;
use std::time::Duration;

use mongodb::Client;
use mongodb::options::{ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern};
use orm_core::backend::Observer;
use orm_core::{Error, ErrorKind, Result};

use crate::concern::Concerns;
use crate::value::MongoTimes;
use crate::{Mongo, errors};

/// What a handle was told.
pub(crate) struct Settings {
    pub times: MongoTimes,
    pub foreign_keys: bool,
    pub observer: Option<Arc<dyn Observer>>,
}

/// Settings for [`Mongo`]: made by [`Mongo::builder`].
///
/// ```no_run
/// # async fn example() -> orm_core::Result<()> {
/// let db = orm_mongo::Mongo::builder("mongodb://localhost")
///     .database("shop")
///     .max_connections(20)
///     .application_name("shop")
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
#[must_use = "nothing happens before `.connect()`"]
pub struct MongoBuilder {
    url: String,
    database: Option<String>,
    settings: Settings,
    options: Vec<Box<dyn FnOnce(&mut ClientOptions) + Send>>,
}

impl std::fmt::Debug for MongoBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may hold a password.
        f.debug_struct("MongoBuilder").field("database", &self.database).finish_non_exhaustive()
    }
}

impl MongoBuilder {
    pub(crate) fn new(url: impl Into<String>) -> Self {
        let settings = Settings { times: MongoTimes::default(), foreign_keys: true, observer: None };
        MongoBuilder { url: url.into(), database: None, settings, options: Vec::new() }
    }

    /// The database; by default the one in the path of the URL.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// let db = orm_mongo::Mongo::builder("mongodb://localhost").database("shop").connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn database(mut self, name: impl Into<String>) -> Self {
        self.database = Some(name.into());
        self
    }

    /// How dates with a time of day are stored; by default as BSON dates, which keep milliseconds.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// let db = orm_mongo::Mongo::builder("mongodb://localhost/shop").times(orm_mongo::MongoTimes::Micros).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn times(mut self, times: MongoTimes) -> Self {
        self.settings.times = times;
        self
    }

    /// Whether foreign keys are checked when rows are written, and referential actions carried out when parents go. On by
    /// default; it costs a query for each foreign key that is written, and a transaction around the write.
    ///
    /// The check reads the parent in the transaction of the write. A parent that somebody else deletes at the same moment is not
    /// noticed: MongoDB has no locks that readers could take.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// let db = orm_mongo::Mongo::builder("mongodb://localhost/shop").foreign_keys(false).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn foreign_keys(mut self, check: bool) -> Self {
        self.settings.foreign_keys = check;
        self
    }

    /// Is told of every command.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// use std::sync::Arc;
    ///
    /// use orm_core::backend::StatementLog;
    ///
    /// let log = Arc::new(StatementLog::default());
    /// let db = orm_mongo::Mongo::builder("mongodb://localhost/shop").observer(log.clone()).connect().await?;
    /// assert!(log.take().is_empty());
    /// # Ok(()) }
    /// ```
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.settings.observer = Some(observer);
        self
    }

    /// At most this many connections to each server; the driver's default is 10.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// let db = orm_mongo::Mongo::builder("mongodb://localhost/shop").max_connections(20).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn max_connections(self, connections: u32) -> Self {
        self.option(move |options| options.max_pool_size = Some(connections))
    }

    /// How long a command waits for a server that can take it; the driver's default is 30 seconds.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// use std::time::Duration;
    ///
    /// let url = "mongodb://localhost/shop";
    /// let db = orm_mongo::Mongo::builder(url).server_timeout(Duration::from_secs(5)).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn server_timeout(self, timeout: Duration) -> Self {
        self.option(move |options| options.server_selection_timeout = Some(timeout))
    }

    /// How long connecting may take; the driver's default is 10 seconds.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// use std::time::Duration;
    ///
    /// let url = "mongodb://localhost/shop";
    /// let db = orm_mongo::Mongo::builder(url).connect_timeout(Duration::from_secs(2)).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        self.option(move |options| options.connect_timeout = Some(timeout))
    }

    /// How sure reads outside of transactions are to stay true; by default as the URL (`readConcernLevel`) or else the server says.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// use orm_mongo::ReadConcern;
    ///
    /// let url = "mongodb://localhost/shop";
    /// let db = orm_mongo::Mongo::builder(url).read_concern(ReadConcern::majority()).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn read_concern(self, concern: ReadConcern) -> Self {
        self.option(move |options| options.read_concern = Some(concern))
    }

    /// How many servers have to have a write before it is done; by default as the URL (`w`, `journal`, `wtimeoutMS`) or else the
    /// server says. A write that does not get that far in time is an error of kind [`ErrorKind::CommitUnknown`].
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// use orm_mongo::WriteConcern;
    ///
    /// let url = "mongodb://localhost/shop";
    /// let db = orm_mongo::Mongo::builder(url).write_concern(WriteConcern::majority()).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn write_concern(self, concern: WriteConcern) -> Self {
        self.option(move |options| options.write_concern = Some(concern))
    }

    /// Which servers answer reads outside of transactions; by default as the URL (`readPreference`) says, or else the primary
    /// alone. Others may be behind: what was just written may not be there.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// use orm_mongo::ReadPreference;
    ///
    /// let reports = orm_mongo::Mongo::builder("mongodb://localhost/shop")
    ///     .read_preference(ReadPreference::SecondaryPreferred { options: None })
    ///     .connect()
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub fn read_preference(self, preference: ReadPreference) -> Self {
        self.option(move |options| {
            options.selection_criteria = Some(SelectionCriteria::ReadPreference(preference));
        })
    }

    /// Whether a read that lost its server is sent once more; on unless the URL says `retryReads=false`.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// let db = orm_mongo::Mongo::builder("mongodb://localhost/shop").retry_reads(false).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn retry_reads(self, retry: bool) -> Self {
        self.option(move |options| options.retry_reads = Some(retry))
    }

    /// Whether a write that lost its server is sent once more, where it cannot happen twice; on unless the URL says
    /// `retryWrites=false`.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// let db = orm_mongo::Mongo::builder("mongodb://localhost/shop").retry_writes(false).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn retry_writes(self, retry: bool) -> Self {
        self.option(move |options| options.retry_writes = Some(retry))
    }

    /// The program's name, for the server's log.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// let db = orm_mongo::Mongo::builder("mongodb://localhost/shop").application_name("shop").connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn application_name(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.option(move |options| options.app_name = Some(name))
    }

    /// Any other option of the driver: TLS, credentials, compression.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// let db = orm_mongo::Mongo::builder("mongodb://localhost/app")
    ///     .option(|options| options.min_pool_size = Some(2))
    ///     .connect()
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub fn option(mut self, set: impl FnOnce(&mut ClientOptions) + Send + 'static) -> Self {
        self.options.push(Box::new(set));
        self
    }

    /// Connects.
    ///
    /// ```no_run
    /// # async fn example() -> orm_core::Result<()> {
    /// let error = orm_mongo::Mongo::builder("mongodb://localhost").connect().await.unwrap_err();
    /// assert_eq!(error.kind(), orm_core::ErrorKind::Configuration);      // no database is named
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if the URL is none or names no database, [`ErrorKind::ConnectionLost`] if no server answers.
    pub async fn connect(self) -> Result<Mongo> {
        let wrong = |error: mongodb::error::Error| {
            Error::new(ErrorKind::Configuration, "this is no URL of a MongoDB database")
                .with_hint("`mongodb://user:password@host:port/database`")
                .with_source(error)
        };
        let mut options = ClientOptions::parse(&self.url).await.map_err(wrong)?;
        for set in self.options {
            set(&mut options);
        }
        let concerns = Concerns::of(&options)?;
        let client = Client::with_options(options).map_err(wrong)?;
        let db = match &self.database {
            Some(name) => client.database(name),
            None => client.default_database().ok_or_else(|| {
                Error::new(ErrorKind::Configuration, "the URL names no database")
                    .with_hint("add it as the path, `mongodb://host/database`, or call `.database(..)`")
            })?,
        };
        db.run_command(mongodb::bson::doc! {"ping": 1}).await.map_err(|error| errors::map(error, None))?;
        Ok(Mongo::new(client, db, self.settings, concerns))
    }
}
