//! A database that is chosen when the program starts.

use orm_core::{Error, ErrorKind, Result};

orm_core::any_database! {
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
    pub struct AnyDb;
    /// Where the commands of an [`AnyDb`] are sent.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> orm::Result<()> {
    /// use orm::AnySession;
    /// use orm::backend::Backend;
    /// use orm::prelude::*;
    ///
    /// let db = AnyDb::connect("sqlite::memory:").await?;
    /// let session: &AnySession = db.handle().session();
    /// assert!(AnyDb::offers(session, "Savepoints"));
    /// # Ok(()) }
    /// ```
    pub enum AnySession {
        #[cfg(feature = "sqlite")]
        Sqlite(orm_sqlite::Sqlite),
        #[cfg(feature = "postgres")]
        Postgres(orm_postgres::Postgres),
        #[cfg(feature = "mongo")]
        Mongo(orm_mongo::Mongo),
    }
    capabilities: Savepoints, RawSql, InsertSelect;
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
