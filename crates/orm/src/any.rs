//! A database that is chosen when the program starts.

use orm_core::backend::{Backend, BoxStream, Database, Decoder, Executor, FromRow, TxOptions};
use orm_core::ir::Command;
use orm_core::meta::ModelMeta;
use orm_core::{Error, ErrorKind, Result};

/// Whichever database a URL names: `sqlite:app.db`, `sqlite::memory:`, `postgres://…`, `mongodb://…`, a path.
///
/// It offers what SQLite and PostgreSQL have in common; the rest is asked for with [`dynamic`](orm_core::query::Query::dynamic) and
/// checked when the query runs, as is what MongoDB lacks of it. The price: one branch for each statement, and the code of every query once for each
/// database that is compiled in.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> orm::Result<()> {
/// use orm::prelude::*;
///
/// #[derive(Debug, Model)]
/// struct Note {
///     #[orm(primary_key, auto)]
///     id: i64,
///     text: String,
/// }
/// orm::schema!(Notes: Note);
///
/// let db = AnyDb::connect("sqlite::memory:").await?;
/// Notes::create_all(&db).await?;
/// Note::create().text("one").insert(&db).await?;
/// let locked = Note::query().for_update().dynamic().all(&db).await;
/// assert_eq!(locked.unwrap_err().kind(), ErrorKind::Unsupported);
/// assert!(!AnyDb::CAPABILITIES.contains(&"RowLocks"));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct AnyDb(AnySession);

/// Where the commands of an [`AnyDb`] are sent.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> orm::Result<()> {
/// use orm::AnySession;
/// use orm::backend::Backend;
/// use orm::prelude::*;
///
/// let db = AnyDb::connect("sqlite::memory:").await?;
/// let session: &AnySession = db.session();
/// assert!(AnyDb::offers(session, "Savepoints"));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct AnySession(Inner);

#[derive(Clone, Debug)]
enum Inner {
    #[cfg(feature = "sqlite")]
    Sqlite(orm_sqlite::Session),
    #[cfg(feature = "postgres")]
    Postgres(orm_postgres::Session),
    #[cfg(feature = "mongo")]
    Mongo(orm_mongo::Session),
}

impl AnyDb {
    /// Connects to the database that a URL names.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> orm::Result<()> {
    /// use orm::prelude::*;
    ///
    /// let db = AnyDb::connect("sqlite::memory:").await?;
    /// assert_eq!(sql::<i64>("SELECT 1").one(&db).await?, 1);
    /// let error = AnyDb::connect("oracle://localhost/app").await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Configuration);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if the URL names no database that is compiled in, and whatever its driver says.
    pub async fn connect(url: &str) -> Result<Self> {
        #[cfg(feature = "postgres")]
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(orm_postgres::Postgres::connect(url).await?.into());
        }
        #[cfg(feature = "mongo")]
        if url.starts_with("mongodb://") || url.starts_with("mongodb+srv://") {
            return Ok(orm_mongo::Mongo::connect(url).await?.into());
        }
        #[cfg(feature = "sqlite")]
        if url.starts_with("sqlite:") || !url.contains("://") {
            return Ok(orm_sqlite::Sqlite::connect(url).await?.into());
        }
        let scheme = url.split("://").next().unwrap_or_default();
        Err(Error::new(ErrorKind::Configuration, format!("no driver for `{scheme}` is compiled in"))
            .with_hint("enable the feature of the driver: `sqlite`, `postgres`, `mongo`"))
    }
}

#[cfg(feature = "sqlite")]
impl From<orm_sqlite::Sqlite> for AnyDb {
    fn from(db: orm_sqlite::Sqlite) -> Self {
        AnyDb(AnySession(Inner::Sqlite(db.session().clone())))
    }
}

#[cfg(feature = "postgres")]
impl From<orm_postgres::Postgres> for AnyDb {
    fn from(db: orm_postgres::Postgres) -> Self {
        AnyDb(AnySession(Inner::Postgres(db.session().clone())))
    }
}

#[cfg(feature = "mongo")]
impl From<orm_mongo::Mongo> for AnyDb {
    fn from(db: orm_mongo::Mongo) -> Self {
        AnyDb(AnySession(Inner::Mongo(db.session().clone())))
    }
}

#[diagnostic::do_not_recommend]
impl Executor for AnyDb {
    type Backend = AnyDb;
    fn session(&self) -> &AnySession {
        &self.0
    }
}

impl Database for AnyDb {}

orm_core::supports!(AnyDb: Savepoints, RawSql, InsertSelect);

/// The same call on whichever driver it is; `$wrap` makes its session one of ours.
macro_rules! each {
    ($session:expr, $backend:ident, $inner:ident => $call:expr) => {
        match &$session.0 {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite($inner) => {
                type $backend = orm_sqlite::Sqlite;
                $call
            }
            #[cfg(feature = "postgres")]
            Inner::Postgres($inner) => {
                type $backend = orm_postgres::Postgres;
                $call
            }
            #[cfg(feature = "mongo")]
            Inner::Mongo($inner) => {
                type $backend = orm_mongo::Mongo;
                $call
            }
        }
    };
}

impl Backend for AnyDb {
    const NAME: &'static str = "any";
    type Session = AnySession;

    async fn run<D: Decoder>(session: &AnySession, command: Command, decoder: D) -> Result<D::Out> {
        each!(session, B, inner => <B as Backend>::run(inner, command, decoder).await)
    }

    fn stream<T: FromRow + Send + 'static>(
        session: &AnySession,
        command: Command,
    ) -> BoxStream<'static, Result<T>> {
        each!(session, B, inner => <B as Backend>::stream(inner, command))
    }

    async fn together(session: &AnySession) -> Result<AnySession> {
        Ok(AnySession(match &session.0 {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(inner) => Inner::Sqlite(inner.clone()),
            #[cfg(feature = "postgres")]
            Inner::Postgres(inner) => {
                Inner::Postgres(<orm_postgres::Postgres as Backend>::together(inner).await?)
            }
            #[cfg(feature = "mongo")]
            Inner::Mongo(inner) => Inner::Mongo(inner.clone()),
        }))
    }

    fn offers(session: &AnySession, capability: &str) -> bool {
        each!(session, B, inner => <B as Backend>::offers(inner, capability))
    }

    fn updates_rows(session: &AnySession) -> bool {
        each!(session, B, inner => <B as Backend>::updates_rows(inner))
    }

    fn render(session: &AnySession, command: &Command) -> Result<String> {
        each!(session, B, inner => <B as Backend>::render(inner, command))
    }

    async fn explain(session: &AnySession, command: Command) -> Result<String> {
        each!(session, B, inner => <B as Backend>::explain(inner, command).await)
    }

    async fn begin(session: &AnySession, options: TxOptions) -> Result<AnySession> {
        Ok(AnySession(match &session.0 {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(inner) => {
                Inner::Sqlite(<orm_sqlite::Sqlite as Backend>::begin(inner, options).await?)
            }
            #[cfg(feature = "postgres")]
            Inner::Postgres(inner) => {
                Inner::Postgres(<orm_postgres::Postgres as Backend>::begin(inner, options).await?)
            }
            #[cfg(feature = "mongo")]
            Inner::Mongo(inner) => Inner::Mongo(<orm_mongo::Mongo as Backend>::begin(inner, options).await?),
        }))
    }

    async fn savepoint(session: &AnySession) -> Result<AnySession> {
        Ok(AnySession(match &session.0 {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(inner) => Inner::Sqlite(<orm_sqlite::Sqlite as Backend>::savepoint(inner).await?),
            #[cfg(feature = "postgres")]
            Inner::Postgres(inner) => {
                Inner::Postgres(<orm_postgres::Postgres as Backend>::savepoint(inner).await?)
            }
            #[cfg(feature = "mongo")]
            Inner::Mongo(inner) => Inner::Mongo(<orm_mongo::Mongo as Backend>::savepoint(inner).await?),
        }))
    }

    async fn commit(session: &AnySession) -> Result<()> {
        each!(session, B, inner => <B as Backend>::commit(inner).await)
    }

    async fn rollback(session: &AnySession) -> Result<()> {
        each!(session, B, inner => <B as Backend>::rollback(inner).await)
    }

    fn abandon(session: &AnySession) {
        each!(session, B, inner => <B as Backend>::abandon(inner))
    }

    async fn create_all(session: &AnySession, models: &[&'static ModelMeta]) -> Result<()> {
        each!(session, B, inner => <B as Backend>::create_all(inner, models).await)
    }

    async fn drop_all(session: &AnySession, models: &[&'static ModelMeta]) -> Result<()> {
        each!(session, B, inner => <B as Backend>::drop_all(inner, models).await)
    }
}
