//! Settings of a database handle.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use deadpool::managed;
use orm_core::backend::{Observer, Watcher};
use orm_core::{Error, ErrorKind, Result};
use orm_sql::{Dialect, PostgresDialect, ShapeCache};
use rustc_hash::FxHashMap;
use tokio_postgres::Config;

use crate::connection::{Manager, Pool};
use crate::database::Postgres;
use crate::tls::{Connector, PgTls};

/// What every part of the driver may ask for.
pub struct Settings {
    pub config: Config,
    pub connector: Connector,
    pub after_connect: Vec<String>,
    pub max_lifetime: Option<Duration>,
    pub idle_timeout: Option<Duration>,
    pub observer: Option<Arc<dyn Observer>>,
    pub cache: ShapeCache<orm_sql::Compiled>,
    pub pooled: bool,
    /// How often statements were found to be older than the schema.
    pub schema: AtomicU64,
    /// Whether triggers store what is inserted, by the address of the model.
    pub by_triggers: RwLock<FxHashMap<usize, bool>>,
}

impl Settings {
    /// Whom statements are told to.
    pub fn watcher(&self) -> Watcher<'_> {
        Watcher::new("postgresql", self.observer.as_ref())
    }
}

/// Settings of a [`Postgres`] handle: made by [`Postgres::builder`].
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # async fn example(db: Postgres) -> Result<()> {
/// use std::time::Duration;
/// let db = Postgres::builder("postgres://app:secret@localhost/app")
///     .max_connections(20)
///     .application_name("shop")
///     .search_path("shop, public")
///     .statement_timeout(Duration::from_secs(5))
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "nothing is opened before `.connect()`"]
pub struct PgBuilder {
    url: String,
    max_size: usize,
    wait_timeout: Duration,
    create_timeout: Duration,
    max_lifetime: Option<Duration>,
    idle_timeout: Option<Duration>,
    application_name: Option<String>,
    search_path: Option<String>,
    statement_timeout: Option<Duration>,
    after_connect: Vec<String>,
    observer: Option<Arc<dyn Observer>>,
    socket: Option<std::path::PathBuf>,
    pgbouncer: bool,
    tls: Option<PgTls>,
    roots: Vec<Vec<u8>>,
}

impl std::fmt::Debug for PgBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may hold a password.
        f.debug_struct("PgBuilder").field("max_size", &self.max_size).finish_non_exhaustive()
    }
}

impl PgBuilder {
    pub(crate) fn new(url: impl Into<String>) -> Self {
        PgBuilder {
            url: url.into(),
            max_size: 10,
            wait_timeout: Duration::from_secs(30),
            create_timeout: Duration::from_secs(10),
            max_lifetime: Some(Duration::from_secs(30 * 60)),
            idle_timeout: Some(Duration::from_secs(10 * 60)),
            application_name: None,
            search_path: None,
            statement_timeout: None,
            after_connect: Vec::new(),
            observer: None,
            socket: None,
            pgbouncer: false,
            tls: None,
            roots: Vec::new(),
        }
    }

    /// How many connections there may be (10 unless set, at least 1).
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// let db = Postgres::builder("postgres://app@localhost/app").max_connections(20).connect().await?;
    /// assert_eq!(db.status().max, 20);
    /// # Ok(()) }
    /// ```
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_size = connections.max(1);
        self
    }

    /// How long a statement waits for a free connection (30 s unless set) before it fails with
    /// [`PoolTimeout`](ErrorKind::PoolTimeout).
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use std::time::Duration;
    /// let builder = Postgres::builder("postgres://app@localhost/app").wait_timeout(Duration::from_secs(2));
    /// let db = builder.connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn wait_timeout(mut self, timeout: Duration) -> Self {
        self.wait_timeout = timeout;
        self
    }

    /// How long opening a connection may take (10 s unless set).
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use std::time::Duration;
    /// let builder = Postgres::builder("postgres://app@localhost/app").connect_timeout(Duration::from_secs(3));
    /// let db = builder.connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.create_timeout = timeout;
        self
    }

    /// How old a connection may become (30 min unless set); `None` for ever.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use std::time::Duration;
    /// let builder = Postgres::builder("postgres://app@localhost/app").max_lifetime(Duration::from_secs(600));
    /// let db = builder.max_lifetime(None).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn max_lifetime(mut self, lifetime: impl Into<Option<Duration>>) -> Self {
        self.max_lifetime = lifetime.into();
        self
    }

    /// How long a connection may be idle (10 min unless set); `None` for ever.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use std::time::Duration;
    /// let builder = Postgres::builder("postgres://app@localhost/app").idle_timeout(Duration::from_secs(60));
    /// let db = builder.connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.idle_timeout = timeout.into();
        self
    }

    /// The name that the server shows for the connections, in `pg_stat_activity`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// let db = Postgres::builder("postgres://app@localhost/app").application_name("shop").connect().await?;
    /// assert_eq!(sql::<String>("SHOW application_name").one(&db).await?, "shop");
    /// # Ok(()) }
    /// ```
    pub fn application_name(mut self, name: impl Into<String>) -> Self {
        self.application_name = Some(name.into());
        self
    }

    /// The schemas in which tables are looked for, such as `tenant_7, public`: names as SQL has them, and nothing else.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// let builder = Postgres::builder("postgres://app@localhost/app").search_path("tenant_7, public");
    /// let db = builder.connect().await?;
    /// assert_eq!(sql::<String>("SHOW search_path").one(&db).await?, "tenant_7, public");
    /// # Ok(()) }
    /// ```
    pub fn search_path(mut self, path: impl Into<String>) -> Self {
        self.search_path = Some(path.into());
        self
    }

    /// How long a statement may take before the server cancels it, in whole milliseconds.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use std::time::Duration;
    /// let builder = Postgres::builder("postgres://app@localhost/app").statement_timeout(Duration::from_secs(5));
    /// let db = builder.connect().await?;
    /// assert_eq!(sql::<String>("SHOW statement_timeout").one(&db).await?, "5s");
    /// # Ok(()) }
    /// ```
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = Some(timeout);
        self
    }

    /// Connects through the Unix socket in this folder.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// let db = Postgres::builder("postgres://app@/app").unix_socket("/var/run/postgresql").connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn unix_socket(mut self, folder: impl AsRef<Path>) -> Self {
        self.socket = Some(folder.as_ref().to_owned());
        self
    }

    /// A statement to run on each new connection.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// let builder = Postgres::builder("postgres://app@localhost/app").after_connect("SET work_mem = '64MB'");
    /// let db = builder.connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn after_connect(mut self, sql: impl Into<String>) -> Self {
        self.after_connect.push(sql.into());
        self
    }

    /// Whether PgBouncer in transaction mode stands between: statements are then sent with their text each time,
    /// since the next one may go to another connection of the server. Costs the planning of each statement.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// let db = Postgres::builder("postgres://app@localhost:6432/app").pgbouncer(true).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn pgbouncer(mut self, between: bool) -> Self {
        self.pgbouncer = between;
        self
    }

    /// Whether connections are encrypted. Unless this or `sslmode` in the URL says otherwise: not to this machine, and always to
    /// another.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::PgTls;
    /// let db = Postgres::builder("postgres://app@db.example.org/app").tls(PgTls::Require).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn tls(mut self, tls: PgTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// A root certificate in PEM that is trusted beside those of the platform.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// let pem = std::fs::read("ca.pem").expect("the certificate is there");
    /// let builder = Postgres::builder("postgres://app@db.example.org/app").root_certificate(pem);
    /// let db = builder.connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Is told of every statement.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use std::sync::Arc;
    /// use orm::backend::StatementLog;
    /// let log = Arc::new(StatementLog::default());
    /// let db = Postgres::builder("postgres://app@localhost/app").observer(log.clone()).connect().await?;
    /// User::query().count(&db).await?;
    /// assert_eq!(log.take().len(), 1);
    /// # Ok(()) }
    /// ```
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Opens the pool and one connection, to see that the settings are right.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// let db = Postgres::builder("postgres://app:secret@localhost:5432/app").connect().await?;
    /// assert_eq!(sql::<i32>("SELECT 1").one(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if the URL cannot be read or the server refuses the user or database;
    /// [`ErrorKind::ConnectionLost`] if there is no server.
    pub async fn connect(self) -> Result<Postgres> {
        let mut config: Config = self.url.parse().map_err(|error: tokio_postgres::Error| {
            Error::new(ErrorKind::Configuration, "the URL of the database cannot be read")
                .with_hint("expected `postgres://user:password@host:port/database`")
                .with_source(error)
        })?;
        config.connect_timeout(self.create_timeout);
        if let Some(name) = &self.application_name {
            config.application_name(name.as_str());
        }
        if let Some(folder) = &self.socket {
            config.host_path(folder);
        }
        let connector = Connector::new(self.tls, &self.url, &mut config, &self.roots)?;
        let mut after_connect = Vec::new();
        // Casts between instants, dates and texts mean the same everywhere.
        if self.pgbouncer {
            // A pooler carries this over to whatever connection it chooses; options of the start it refuses.
            after_connect.push("SET TIME ZONE 'UTC'".to_owned());
        } else {
            let options = config.get_options().unwrap_or_default().to_owned();
            config.options(format!("{options} -c TimeZone=UTC").trim_start());
        }
        if let Some(path) = &self.search_path {
            // As a value: what stands in it is names, and never a statement.
            let path = PostgresDialect.text_literal(path);
            after_connect.push(format!("SELECT pg_catalog.set_config('search_path', {path}, false)"));
        }
        if let Some(timeout) = self.statement_timeout {
            after_connect.push(format!("SET statement_timeout TO {}", timeout.as_millis()));
        }
        after_connect.extend(self.after_connect);
        let settings = Arc::new(Settings {
            config,
            connector,
            after_connect,
            max_lifetime: self.max_lifetime,
            idle_timeout: self.idle_timeout,
            observer: self.observer,
            cache: ShapeCache::default(),
            pooled: self.pgbouncer,
            schema: AtomicU64::new(0),
            by_triggers: RwLock::default(),
        });
        let pool = Pool::builder(Manager { settings: Arc::clone(&settings) })
            .max_size(self.max_size)
            .wait_timeout(Some(self.wait_timeout))
            .create_timeout(Some(self.create_timeout))
            .recycle_timeout(Some(self.create_timeout))
            .queue_mode(managed::QueueMode::Lifo)
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Configuration, "the pool cannot be built").with_source(error)
            })?;
        let postgres = Postgres::new(pool, settings);
        postgres.ping().await?;
        Ok(postgres)
    }
}
