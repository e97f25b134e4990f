//! Statements in the database's own language.

use std::future::Future;
use std::marker::PhantomData;

use futures_util::FutureExt;

use super::projection::QueryOutput;
use crate::backend::capabilities::RawSql as RawSqlCapability;
use crate::backend::{Affected, Collect, Decoder, Executor, First, Flow, FromRow, Row, Supports, run};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{Command, IntoCommand, RawSql};
use crate::model::Model;
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

/// A statement of your own. `?` stands for each value that is bound, in order, or `?1` for the first, `?2` for the second and so
/// on, on every database; a `?` in a text, a name or a comment is none. Where PostgreSQL has an operator with a question mark, it
/// is doubled: `document ?? 'key'`.
///
/// What comes out is read by position: a column type, a tuple, or a model whose columns are selected under their names and in the
/// order of its fields. The statement has to give as many columns as are read.
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
    /// The next value.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let names: Vec<String> =
    ///     sql("SELECT name FROM users WHERE age > ? AND name <> ?").bind(18).bind("Ada".to_owned()).all(&db).await?;
    /// assert_eq!(names, ["Cid"]);
    ///
    /// let error = sql("DELETE FROM users WHERE id = ? AND age = ?").bind(1).exec(&db).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Usage);
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
            let rows = run(db, self.command(), Columns::<Out, _>::of(Collect::<Out>::default())).await?;
            Out::finish::<E::Backend>(rows, &[], db.handle()).await
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
        async move { run(db, self.command(), Columns::<Out, _>::of(First::<Out>::default())).await }
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
        self.optional(db).map(|row| row?.ok_or_else(|| Error::new(ErrorKind::NotFound, "no row matches")))
    }

    /// The only row, `None` if there is none.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let name: Option<String> = sql("SELECT name FROM users WHERE id = ?").bind(999).optional(&db).await?;
    /// assert_eq!(name, None);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::MultipleRows`] if there are more.
    pub fn optional<E>(self, db: &E) -> impl Future<Output = Result<Option<Out>>> + Send
    where
        E: Executor + ?Sized,
        E::Backend: Supports<RawSqlCapability>,
    {
        self.all(db).map(|rows| {
            let mut rows = rows?;
            match rows.len() {
                0 | 1 => Ok(rows.pop()),
                _ => Err(Error::new(ErrorKind::MultipleRows, "more than one row matches")),
            }
        })
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

/// A decoder of rows whose columns nobody else knows: it looks at their number and names before it reads the first.
struct Columns<T, D> {
    inner: D,
    checked: bool,
    marker: PhantomData<fn() -> T>,
}

impl<T, D> Columns<T, D> {
    fn of(inner: D) -> Self {
        Columns { inner, checked: false, marker: PhantomData }
    }
}

impl<T: FromRow + Send + 'static, D: Decoder> Decoder for Columns<T, D> {
    type Out = D::Out;

    fn reserve(&mut self, rows: usize) {
        self.inner.reserve(rows);
    }

    fn row<R: Row>(&mut self, row: &R) -> Result<Flow> {
        if !self.checked {
            let mut names = Vec::with_capacity(T::WIDTH);
            T::names(&mut names);
            agree(row, &names)?;
            self.checked = true;
        }
        self.inner.row(row)
    }

    fn reset(&mut self) {
        self.inner.reset();
    }

    fn finish(self, affected: u64) -> Result<D::Out> {
        self.inner.finish(affected)
    }
}

/// Whether a row has these columns.
fn agree<R: Row>(row: &R, names: &[Option<&'static str>]) -> Result<()> {
    if row.width() != names.len() {
        let text = format!("the statement gives {} columns where {} are read", row.width(), names.len());
        return Err(Error::new(ErrorKind::Decode, text).with_hint(
            "select exactly what the row type reads, a model's columns in the order of its fields",
        ));
    }
    for (index, wanted) in names.iter().enumerate() {
        if let (Some(wanted), Some(found)) = (wanted, row.name(index))
            && !wanted.eq_ignore_ascii_case(found)
        {
            let text = format!("column {index} is `{found}` where the model's `{wanted}` is read");
            return Err(Error::new(ErrorKind::Decode, text).with_hint(
                "select the columns of a model in the order of its fields; an expression gets its name by `AS`",
            ));
        }
    }
    Ok(())
}

/// The names of a model's columns.
#[doc(hidden)]
pub fn column_names<M: Model>(out: &mut Vec<Option<&'static str>>) {
    out.extend(M::meta().columns.iter().map(|column| Some(&*column.name)));
}
