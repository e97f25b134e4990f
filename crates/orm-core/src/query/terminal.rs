//! Running a query.

use std::future::Future;

use super::projection::QueryOutput;
use super::query::Query;
use crate::backend::{Backend, BoxStream, Collect, Executor, First, FromRow, Needs, ProvidedBy, run};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::scope::Closed;
use crate::ir::{Command, IntoCommand, Output, Select, WindowFunc};
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
    fn command(self) -> (Command, Vec<IncludePlan>) {
        (Command::Select(Box::new(self.select)), self.includes)
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
    pub fn all<E>(self, db: &E) -> impl Future<Output = Result<Vec<Out>>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
        Q: Closed,
        Out: QueryOutput,
    {
        let (command, includes) = self.command();
        async move {
            check::<E>(&command, db)?;
            let rows = run(db, command, Collect::<Out::Raw>::default()).await?;
            Out::finish::<E::Backend>(rows, &includes, db.session()).await
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
    pub fn first<E>(mut self, db: &E) -> impl Future<Output = Result<Option<Out>>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
        Q: Closed,
        Out: QueryOutput,
    {
        self.select.limit = Some(self.select.limit.map_or(1, |limit| limit.min(1)));
        let (command, includes) = self.command();
        async move {
            check::<E>(&command, db)?;
            match run(db, command, First::<Out::Raw>::default()).await? {
                Some(row) => Ok(Out::finish::<E::Backend>(vec![row], &includes, db.session()).await?.pop()),
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
    pub fn one<E>(mut self, db: &E) -> impl Future<Output = Result<Out>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
        Q: Closed,
        Out: QueryOutput,
    {
        self.select.limit = Some(self.select.limit.map_or(2, |limit| limit.min(2)));
        let rows = self.all(db);
        async move {
            let mut rows = rows.await?;
            match (rows.pop(), rows.len()) {
                (Some(row), 0) => Ok(row),
                (None, _) => Err(not_found::<M>()),
                (Some(_), _) => Err(Error::new(ErrorKind::MultipleRows, "more than one row matches")
                    .with_model(M::meta().name)
                    .with_hint("use `first` or `all`, or filter by a unique column")),
            }
        }
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
        let (command, _) = self.command();
        async move {
            check::<E>(&command, db)?;
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
    pub fn exists<E>(mut self, db: &E) -> impl Future<Output = Result<bool>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
        Q: Closed,
    {
        let select = &mut self.select;
        if select.group_by.is_empty() && select.having.is_none() && !select.distinct {
            let aggregates =
                matches!(&select.output, Output::Exprs(exprs) if exprs.iter().any(has_aggregate));
            if !aggregates {
                select.output = Output::One;
            }
        }
        select.order.clear();
        select.limit = Some(select.limit.map_or(1, |limit| limit.min(1)));
        let (command, _) = self.command();
        async move {
            check::<E>(&command, db)?;
            run(db, command, AnyRow(false)).await
        }
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
        let (command, _) = self.command();
        if let Err(error) = check::<E>(&command, db) {
            return Box::pin(futures_util::stream::once(std::future::ready(Err(error))));
        }
        E::Backend::stream::<Out>(db.session(), command)
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
        E::Backend::render(db.session(), &Command::Select(Box::new(self.select.clone())))
    }

    /// The database's plan for the query, as text for people.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert!(User::filter(User::name.eq("Ada")).explain(&db).await?.contains("SCAN users"));
    /// # Ok(()) }
    /// ```
    pub fn explain<E>(&self, db: &E) -> impl Future<Output = Result<String>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
        Q: Closed,
    {
        let command = Command::Select(Box::new(self.select.clone()));
        async move { E::Backend::explain(db.session(), command).await }
    }
}

/// The capabilities of a dynamic query, checked now.
fn check<E: Executor + ?Sized>(command: &Command, db: &E) -> Result<()> {
    match command {
        Command::Select(select) => offered::<E::Backend>(select, db.session()),
        _ => Ok(()),
    }
}

/// Whether the database offers what a dynamic query needs.
pub(crate) fn offered<B: Backend>(select: &Select, session: &B::Session) -> Result<()> {
    match select.requires.iter().find(|name| !B::offers(session, name)) {
        None => Ok(()),
        Some(name) => Err(lacks(name, select.from.model.name)),
    }
}

#[cold]
fn lacks(name: &str, model: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("this database cannot run the query: it has no `{name}`"))
        .with_model(model)
        .with_hint("leave out the part that needs it, or use a database that has it")
}

pub(super) fn not_found<M: Model>() -> Error {
    Error::new(ErrorKind::NotFound, "no row matches").with_model(M::meta().name)
}

pub(crate) fn has_aggregate(expr: &crate::ir::Expr) -> bool {
    use crate::ir::Expr::*;
    match expr {
        Aggregate { .. } => true,
        Window(call) => {
            let own = call.func != WindowFunc::Aggregate && call.arg.as_ref().is_some_and(has_aggregate);
            let keys = call.partition.iter().chain(call.order.iter().map(|order| &order.expr));
            own || keys.into_iter().any(has_aggregate)
        }
        Unary(_, inner, _) | IsNull(inner, _) | Cast(inner, _) => has_aggregate(inner),
        Binary(_, both, _) => has_aggregate(&both.0) || has_aggregate(&both.1),
        Func(_, args) | All(args) | Any(args) | InTuples { exprs: args, .. } | Raw(_, args) => {
            args.iter().any(has_aggregate)
        }
        InList { expr, .. } | InSelect { expr, .. } | Overlap { array: expr, .. } => has_aggregate(expr),
        Between(three, _) => [&three.0, &three.1, &three.2].into_iter().any(has_aggregate),
        Like { expr, pattern, .. } => has_aggregate(expr) || has_aggregate(pattern),
        Case(arms, otherwise) => {
            arms.iter().any(|(when, then)| has_aggregate(when) || has_aggregate(then))
                || otherwise.as_deref().is_some_and(has_aggregate)
        }
        Elements(test) => has_aggregate(&test.list),
        ListChange(change) => has_aggregate(&change.list),
        // A query inside has aggregates of its own.
        Column(_) | Value(..) | Key(..) | Excluded(_) | Exists(_) | Scalar(_) | Relation(_) => false,
    }
}

/// Whether there was a row.
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
