//! Running a query.

use std::future::Future;

use futures_util::FutureExt;

use super::projection::QueryOutput;
use super::query::Query;
use crate::backend::{
    BoxStream, Collect, Envelope, Executor, Explain, First, FromRow, Needs, ProvidedBy, run,
};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::scope::Closed;
use crate::ir::{Command, IntoCommand, Output, Select};
use crate::model::Model;
use crate::relation::IncludePlan;

impl<M, Q: Closed, Out, N> IntoCommand for Query<M, Q, Out, N> {
    fn into_command(self) -> Result<Command> {
        if !self.includes.is_empty() {
            return Err(Error::new(ErrorKind::Usage, "a query with included relations is several commands")
                .with_model(self.select.from.model.name)
                .with_hint("drop `.include(..)`"));
        }
        Ok(Command::Select(Box::new(self.select)))
    }
}

impl<M: Model, Q, Out, N: Needs> Query<M, Q, Out, N> {
    #[track_caller]
    pub(super) fn envelope(self) -> (Envelope, Box<[IncludePlan]>) {
        (Envelope::of_select(self.select).from_here(), self.includes.into_boxed_slice())
    }

    /// Every row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let users: Vec<User> = User::filter(User::active).all(&db).await?;
    /// assert_eq!(users.len(), 3);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Whatever the database says; [`ErrorKind::Decode`] if a stored value does not fit its field.
    #[track_caller]
    pub fn all<E>(self, db: &E) -> impl Future<Output = Result<Vec<Out>>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
        Q: Closed,
        Out: QueryOutput,
    {
        let (command, includes) = self.envelope();
        async move {
            let rows = run(db, command, Collect::<Out::Raw>::default()).await?;
            Out::finish::<E::Backend>(rows, &includes, db.handle()).await
        }
    }

    /// The first row, `None` if there is none. Without an order, any of them.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let oldest = User::query().order_by(User::age.desc()).first(&db).await?;
    /// assert_eq!(oldest.map(|user| user.name), Some("Ada".to_owned()));
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn first<E>(mut self, db: &E) -> impl Future<Output = Result<Option<Out>>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
        Q: Closed,
        Out: QueryOutput,
    {
        at_most(&mut self.select, 1);
        let (command, includes) = self.envelope();
        async move {
            match run(db, command, First::<Out::Raw>::default()).await? {
                Some(row) => Ok(Out::finish::<E::Backend>(vec![row], &includes, db.handle()).await?.pop()),
                None => Ok(None),
            }
        }
    }

    /// The only row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::filter(User::name.eq("Ada")).one(&db).await?.age, Some(36));
    /// assert_eq!(User::filter(User::name.eq("Eve")).one(&db).await.unwrap_err().kind(), ErrorKind::NotFound);
    /// assert_eq!(User::query().one(&db).await.unwrap_err().kind(), ErrorKind::MultipleRows);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none, [`ErrorKind::MultipleRows`] if there are more.
    #[track_caller]
    pub fn one<E>(self, db: &E) -> impl Future<Output = Result<Out>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
        Q: Closed,
        Out: QueryOutput,
    {
        self.optional(db).map(|row| row?.ok_or_else(not_found::<M>))
    }

    /// The only row, `None` if there is none.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::filter(User::name.eq("Zoe")).optional(&db).await?, None);
    /// let error = User::query().optional(&db).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::MultipleRows);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::MultipleRows`] if there are more.
    #[track_caller]
    pub fn optional<E>(mut self, db: &E) -> impl Future<Output = Result<Option<Out>>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
        Q: Closed,
        Out: QueryOutput,
    {
        at_most(&mut self.select, 2);
        // Mapped, and not awaited in a block, which would keep the future twice.
        self.all(db).map(|rows| {
            let mut rows = rows?;
            match rows.len() {
                0 | 1 => Ok(rows.pop()),
                _ => Err(Error::new(ErrorKind::MultipleRows, "more than one row matches")
                    .with_model(M::meta().name)
                    .with_hint("use `first` or `all`, or filter by a unique column")),
            }
        })
    }

    /// How many rows the query yields; limit, offset and distinct count.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::query().count(&db).await?, 3);
    /// assert_eq!(User::query().limit(2).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn count<E>(mut self, db: &E) -> impl Future<Output = Result<u64>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
        Q: Closed,
    {
        if self.select.limit.is_none() && self.select.offset.is_none() {
            self.select.order.clear();
        }
        let output = std::mem::replace(&mut self.select.output, Output::One);
        self.select.output = Output::CountOf(Box::new(output));
        let (command, _) = self.envelope();
        async move {
            let count = run(db, command, First::<i64>::default()).await?;
            Ok(count.unwrap_or(0).max(0) as u64)
        }
    }

    /// Whether the query yields a row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert!(User::filter(User::age.gt(30)).exists(&db).await?);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn exists<E>(mut self, db: &E) -> impl Future<Output = Result<bool>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
        Q: Closed,
    {
        let select = &mut self.select;
        if !select.is_aggregated() && !select.distinct {
            select.output = Output::One;
        }
        select.order.clear();
        at_most(select, 1);
        let (command, _) = self.envelope();
        async move { run(db, command, AnyRow(false)).await }
    }

    /// The rows one by one, in constant memory. Included relations are not loaded: use `all` or pages for those.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use futures_util::TryStreamExt;
    ///
    /// let mut posts = Post::query().order_by(Post::id.asc()).stream(&db);
    /// let mut titles = Vec::new();
    /// while let Some(post) = posts.try_next().await? {
    ///     titles.push(post.title);
    /// }
    /// assert_eq!(titles, ["Engines", "Notes", "Hello"]);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn stream<E>(self, db: &E) -> BoxStream<'static, Result<Out>>
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
        Q: Closed,
        Out: FromRow + Send + 'static,
    {
        if !self.includes.is_empty() {
            let error = Error::new(ErrorKind::Usage, "a stream cannot load included relations")
                .with_model(M::meta().name)
                .with_hint("drop `.include(..)`, or read pages with `.page(..)` or `.keyset(..)`");
            return Box::pin(futures_util::stream::once(std::future::ready(Err(error))));
        }
        let (command, _) = self.envelope();
        db.handle().stream(command)
    }

    /// Calls the closure with each row, in constant memory; its first error ends the query.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let mut sum = 0;
    /// Post::query().select(Post::score).for_each(&db, |score| { sum += score; Ok(()) }).await?;
    /// assert_eq!(sum, 9);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn for_each<E, F>(self, db: &E, mut body: F) -> impl Future<Output = Result<()>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
        Q: Closed,
        Out: FromRow + Send + 'static,
        F: FnMut(Out) -> Result<()> + Send,
    {
        use futures_util::StreamExt;
        let mut rows = self.stream(db);
        async move {
            while let Some(row) = rows.next().await {
                body(row?)?;
            }
            Ok(())
        }
    }

    /// The query in the database's language, for reading.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let query = User::filter(User::name.eq("Ada")).select(User::id);
    /// assert_eq!(query.to_sql(&db)?, r#"SELECT "id" FROM "users" WHERE "name" = ?1"#);
    /// # Ok(()) }
    /// ```
    pub fn to_sql<E>(&self, db: &E) -> Result<String>
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
        Q: Closed,
    {
        db.handle().render(Envelope::of_select(self.select.clone()))
    }

    /// The database's plan for the query, as text for people.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert!(User::filter(User::name.eq("Ada")).explain(&db).await?.contains("SCAN users"));
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn explain<E>(&self, db: &E) -> impl Future<Output = Result<String>> + Send
    where
        E: Executor<Backend: Explain> + ?Sized,
        N: ProvidedBy<E::Backend>,
        Q: Closed,
    {
        let command = Envelope::of_select(self.select.clone()).from_here();
        async move { db.handle().explain(command).await }
    }
}

pub(super) fn not_found<M: Model>() -> Error {
    Error::new(ErrorKind::NotFound, "no row matches").with_model(M::meta().name)
}

/// Whether there was a row.
/// Reads no more rows than are wanted. An aggregate of all rows is one anyway, and a limit would be about the rows it reads.
fn at_most(select: &mut Select, rows: u64) {
    if !select.is_single_group() || select.limit.is_some() {
        select.limit = Some(select.limit.map_or(rows, |limit| limit.min(rows)));
    }
}

struct AnyRow(bool);

impl crate::backend::Decoder for AnyRow {
    type Out = bool;
    fn row<R: crate::backend::Row>(&mut self, _: &R) -> Result<crate::backend::Flow> {
        self.0 = true;
        Ok(crate::backend::Flow::Enough)
    }
    fn reset(&mut self) {
        self.0 = false;
    }
    fn finish(self, _: u64) -> Result<bool> {
        Ok(self.0)
    }
}

/// The SELECT of one row by its primary key.
pub(super) fn by_key(
    select: &mut Select,
    meta: &'static crate::meta::ModelMeta,
    key: Vec<crate::value::Datum>,
) {
    use crate::ir::{BinaryOp, ColumnRef, Expr};
    for (index, datum) in meta.primary_key.iter().zip(key) {
        let ty = meta.column(*index).ty();
        let column = Expr::Column(ColumnRef { source: select.from, index: *index });
        select.and_filter(Expr::binary(BinaryOp::Eq, column, Expr::Value(datum, ty), ty));
    }
}
