//! Statements in the database's own language.

use std::future::Future;
use std::marker::PhantomData;

use super::projection::QueryOutput;
use crate::backend::capabilities::RawSql as RawSqlCapability;
use crate::backend::{Affected, Collect, Executor, First, FromRow, Supports, run};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{Command, IntoCommand, RawSql};
use crate::value::Value;

/// A statement of your own, `?` standing for each value in order: see [`sql`].
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::query::Sql;
/// let statement: Sql<String> = sql("SELECT name FROM users WHERE id = ?").bind(1);
/// assert_eq!(statement.one(&db).await?, "Ada");
/// # Ok(()) }
/// ```
#[must_use = "nothing is sent before `.all(&db)`, `.one(&db)`, `.exec(&db)` …"]
pub struct Sql<Out> {
    raw: RawSql,
    marker: PhantomData<fn() -> Out>,
}

impl<Out> std::fmt::Debug for Sql<Out> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sql").field("sql", &self.raw.sql).finish_non_exhaustive()
    }
}

/// A statement of your own. `?` stands for each value that is bound, on every database; what comes out is read by position: a
/// column type, a tuple, or a model whose columns are selected in the order of its fields.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let names: Vec<(i64, String)> = sql("SELECT id, name FROM users WHERE age > ?").bind(20).all(&db).await?;
/// let changed = sql("UPDATE users SET age = ? WHERE id = ?").bind(37).bind(1).exec(&db).await?;
/// assert_eq!((names[0].1.as_str(), changed), ("Ada", 1));
/// # Ok(()) }
/// ```
pub fn sql<Out>(text: impl Into<String>) -> Sql<Out> {
    Sql { raw: RawSql { sql: text.into(), binds: Vec::new(), write: false }, marker: PhantomData }
}

impl<Out> IntoCommand for Sql<Out> {
    fn into_command(self) -> Result<Command> {
        Ok(self.command())
    }
}

impl<Out> Sql<Out> {
    /// The value of the next `?`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let names: Vec<String> =
    ///     sql("SELECT name FROM users WHERE age > ? AND name <> ?").bind(18).bind("Ada".to_owned()).all(&db).await?;
    /// assert_eq!(names, ["Cid"]);
    /// # Ok(()) }
    /// ```
    pub fn bind<T: Value>(mut self, value: T) -> Self {
        self.raw.binds.push((value.encode(), T::TYPE));
        self
    }

    /// Says that the statement changes data and gives rows back, as `INSERT … RETURNING` does.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let id: i64 = sql("INSERT INTO tags (name) VALUES (?) RETURNING id")
    ///     .bind("news".to_owned())
    ///     .writing()
    ///     .one(&db)
    ///     .await?;
    /// assert_eq!(Tag::find(id).one(&db).await?.name, "news");
    /// # Ok(()) }
    /// ```
    pub fn writing(mut self) -> Self {
        self.raw.write = true;
        self
    }

    fn command(self) -> Command {
        Command::Raw(Box::new(self.raw))
    }
}

impl<Out: FromRow + QueryOutput<Raw = Out>> Sql<Out> {
    /// Every row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let rows: Vec<(i64, String)> = sql("SELECT id, name FROM users ORDER BY id").all(&db).await?;
    /// assert_eq!(rows[1], (2, "Bob".to_owned()));
    /// # Ok(()) }
    /// ```
    pub fn all<E>(self, db: &E) -> impl Future<Output = Result<Vec<Out>>> + Send
    where
        E: Executor + ?Sized,
        E::Backend: Supports<RawSqlCapability>,
    {
        async move {
            let rows = run(db, self.command(), Collect::<Out>::default()).await?;
            Out::finish::<E::Backend>(rows, &[], db.session()).await
        }
    }

    /// The first row, `None` if there is none.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tag: Option<Tag> = sql("SELECT id, name FROM tags ORDER BY id").first(&db).await?;
    /// assert_eq!(tag.map(|tag| tag.name), Some("machines".to_owned()));
    /// # Ok(()) }
    /// ```
    pub fn first<E>(self, db: &E) -> impl Future<Output = Result<Option<Out>>> + Send
    where
        E: Executor + ?Sized,
        E::Backend: Supports<RawSqlCapability>,
    {
        async move { run(db, self.command(), First::<Out>::default()).await }
    }

    /// The only row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let count: i64 = sql("SELECT count(*) FROM users").one(&db).await?;
    /// assert_eq!(count, 3);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none, [`ErrorKind::MultipleRows`] if there are more.
    pub fn one<E>(self, db: &E) -> impl Future<Output = Result<Out>> + Send
    where
        E: Executor + ?Sized,
        E::Backend: Supports<RawSqlCapability>,
    {
        async move {
            let mut rows = self.all(db).await?;
            match (rows.pop(), rows.len()) {
                (Some(row), 0) => Ok(row),
                (None, _) => Err(Error::new(ErrorKind::NotFound, "no row matches")),
                (Some(_), _) => Err(Error::new(ErrorKind::MultipleRows, "more than one row matches")),
            }
        }
    }
}

impl Sql<()> {
    /// Runs a statement that changes data and returns how many rows it changed.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let changed = sql("UPDATE users SET age = age + 1 WHERE age IS NOT NULL").exec(&db).await?;
    /// assert_eq!(changed, 2);
    /// # Ok(()) }
    /// ```
    pub fn exec<E>(mut self, db: &E) -> impl Future<Output = Result<u64>> + Send
    where
        E: Executor + ?Sized,
        E::Backend: Supports<RawSqlCapability>,
    {
        self.raw.write = true;
        async move { run(db, self.command(), Affected::default()).await }
    }
}
