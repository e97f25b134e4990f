//! Building a query.

use std::marker::PhantomData;

use super::group::{GroupKeys, Grouped};
use super::projection::Projection;
use super::select::Selection;
use crate::backend::{And, Needs, Plus};
use crate::expr::kind::OneKind;
use crate::expr::scope::InScope;
use crate::expr::{Condition, IntoOrder, Only};
use crate::ir::{self, Output};
use crate::model::Model;
use crate::relation::{Includable, IncludePlan};

/// A query over the model `M`: `Q` is the scope, `Out` what comes out, `N` what the database must offer.
///
/// `Query<User>` is the type of a query that yields users, however many filters it has.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// fn search(name: Option<&str>) -> Query<User> {
///     let mut query = User::query().order_by(User::name.asc());
///     if let Some(name) = name {
///         query = query.filter(User::name.icontains(name));
///     }
///     query
/// }
/// assert_eq!(search(Some("D")).count(&db).await?, 2);
/// assert_eq!(search(None).count(&db).await?, 3);
/// # Ok(()) }
/// ```
pub struct Query<M, Q = Only<M>, Out = M, N = ()> {
    pub(crate) select: ir::Select,
    pub(crate) includes: Vec<IncludePlan>,
    marker: PhantomData<fn() -> (M, Q, Out, N)>,
}

impl<M, Q, Out, N> Clone for Query<M, Q, Out, N> {
    fn clone(&self) -> Self {
        Query::from_parts(self.select.clone(), self.includes.clone())
    }
}

impl<M, Q, Out, N> std::fmt::Debug for Query<M, Q, Out, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.select.fmt(f)
    }
}

impl<M, Q, Out, N> Query<M, Q, Out, N> {
    /// Gives a SELECT a type. The caller vouches for it.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::ir;
    /// let select = ir::Select::new(ir::Source { model: User::meta(), alias: "" });
    /// let query: Query<User> = Query::from_parts(select, Vec::new());
    /// assert_eq!(query.count(&db).await?, 3);
    /// # Ok(()) }
    /// ```
    pub fn from_parts(select: ir::Select, includes: Vec<IncludePlan>) -> Self {
        Query { select, includes, marker: PhantomData }
    }

    /// The IR.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// let select = User::filter(User::age.gt(18)).limit(5).into_select();
    /// assert!(select.filter.is_some());
    /// assert_eq!(select.limit, Some(5));
    /// ```
    pub fn into_select(self) -> ir::Select {
        self.select
    }

    pub(super) fn retype<Q2, Out2, N2>(self) -> Query<M, Q2, Out2, N2> {
        Query::from_parts(self.select, self.includes)
    }
}

impl<M: Model> Query<M> {
    pub(crate) fn all_rows_of() -> Self {
        Query::from_parts(ir::Select::new(ir::Source { model: M::meta(), alias: "" }), Vec::new())
    }
}

impl<M: Model, N: Needs> Query<M, Only<M>, M, N> {
    /// Loads a relation together with the rows: one query for all of them.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let users = User::query().order_by(User::id.asc()).include(User::profile).include(User::posts).all(&db).await?;
    /// assert_eq!(users[0].posts.get()?.len(), 2);
    /// assert!(users[2].profile.get()?.is_none());
    /// # Ok(()) }
    /// ```
    pub fn include<X>(mut self, relation: impl Includable<M, X>) -> Query<M, Only<M>, M, And<N, X>>
    where
        N: Plus<X>,
        X: Needs,
    {
        self.includes.push(relation.into_plan());
        self.retype()
    }
}

impl<M: Model, Q, Out, N: Needs> Query<M, Q, Out, N> {
    /// Puts the check of what the database must offer off to run time: then it is an error of kind
    /// [`Unsupported`](crate::ErrorKind::Unsupported). For programs that choose their database when they start.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// // The compiler no longer asks whether the database has row locks; the database says it has not.
    /// let query: Query<User> = User::query().for_update().dynamic();
    /// assert_eq!(query.all(&db).await.unwrap_err().kind(), ErrorKind::Unsupported);
    /// # Ok(()) }
    /// ```
    pub fn dynamic(mut self) -> Query<M, Q, Out> {
        N::names(&mut self.select.requires);
        self.retype()
    }

    /// Only rows for which the condition is true. Several filters must all be true.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let query = User::query().filter(User::active).filter(User::age.gt(30));
    /// assert_eq!(query.one(&db).await?.name, "Ada");
    /// # Ok(()) }
    /// ```
    pub fn filter<I, X>(mut self, condition: impl Condition<Q, I, X>) -> Query<M, Q, Out, And<N, X>>
    where
        N: Plus<X>,
        X: Needs,
    {
        self.select.and_filter(condition.condition());
        self.retype()
    }

    /// As [`filter`](Query::filter) if there is a condition, else nothing.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let (name, age): (Option<&str>, Option<i32>) = (Some("Ada"), None);
    /// let query = User::query()
    ///     .filter_opt(name.map(|name| User::name.eq(name)))
    ///     .filter_opt(age.map(|age| User::age.eq(age)));
    /// assert_eq!(query.count(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    pub fn filter_opt<I, X>(self, condition: Option<impl Condition<Q, I, X>>) -> Query<M, Q, Out, And<N, X>>
    where
        N: Plus<X>,
        X: Needs,
    {
        match condition {
            Some(condition) => self.filter(condition),
            None => self.retype(),
        }
    }

    /// Adds keys to the order.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let query = Post::query().order_by((Post::author_id.asc(), Post::score.desc()));
    /// assert_eq!(query.select(Post::title).all(&db).await?, ["Notes", "Engines", "Hello"]);
    /// # Ok(()) }
    /// ```
    pub fn order_by<I, X>(mut self, order: impl IntoOrder<Q, I, X>) -> Query<M, Q, Out, And<N, X>>
    where
        N: Plus<X>,
        X: Needs,
    {
        order.orders(&mut self.select.order);
        self.select.name_keys();
        self.retype()
    }

    /// At most this many rows.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::query().limit(2).all(&db).await?.len(), 2);
    /// # Ok(()) }
    /// ```
    pub fn limit(mut self, rows: u64) -> Self {
        self.select.limit = Some(rows);
        self
    }

    /// Leaves out this many rows first.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let names = User::query().order_by(User::id.asc()).offset(1).limit(1).select(User::name).all(&db).await?;
    /// assert_eq!(names, ["Bob"]);
    /// # Ok(()) }
    /// ```
    pub fn offset(mut self, rows: u64) -> Self {
        self.select.offset = Some(rows);
        self
    }

    /// Equal results come once.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let authors = Post::query().select(Post::author_id).distinct().all(&db).await?;
    /// assert_eq!(authors.len(), 2);
    /// # Ok(()) }
    /// ```
    pub fn distinct(mut self) -> Self {
        self.select.distinct = true;
        self
    }

    /// Selects columns and expressions instead of whole rows: one, or a tuple of up to twelve.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let names: Vec<String> = User::query().order_by(User::id.asc()).select(User::name).all(&db).await?;
    /// let pairs: Vec<(String, Option<i32>)> = User::query().select((User::name, User::age)).all(&db).await?;
    /// assert_eq!((names[0].as_str(), pairs.len()), ("Ada", 3));
    /// # Ok(()) }
    /// ```
    pub fn select<L, I>(mut self, list: L) -> Query<M, Q, L::Out, And<N, L::N>>
    where
        L: Selection<Q, I>,
        L::K: OneKind,
        N: Plus<L::N>,
    {
        let mut exprs = Vec::new();
        list.exprs(&mut exprs);
        self.select.output = Output::Exprs(exprs);
        self.includes.clear();
        self.retype()
    }

    /// Selects the columns that a struct with `#[derive(Projection)]` names.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// #[derive(Debug, Projection)]
    /// #[orm(model = User)]
    /// struct UserCard {
    ///     name: String,
    ///     #[orm(count = posts)]
    ///     posts: i64,
    /// }
    /// let cards = User::query().order_by(User::id.asc()).select_as::<UserCard>().all(&db).await?;
    /// assert_eq!((cards[0].name.as_str(), cards[0].posts), ("Ada", 2));
    /// # Ok(()) }
    /// ```
    pub fn select_as<P: Projection<Model = M>>(mut self) -> Query<M, Q, P, N> {
        self.select.output = Output::Exprs(P::columns());
        self.includes.clear();
        self.retype()
    }

    /// Groups the rows by one key or a tuple of keys; then `select` what each group yields.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let rows = User::query().join(User::posts).group_by(User::name).select(|name| (name, Post::id.count()));
    /// assert!(rows.all(&db).await?.contains(&("Ada".to_owned(), 2)));
    /// # Ok(()) }
    /// ```
    pub fn group_by<G, I>(mut self, keys: G) -> Grouped<M, Q, G::Keys, And<N, G::N>>
    where
        G: GroupKeys<Q, I>,
        N: Plus<G::N>,
    {
        let typed = keys.keys(&mut self.select.group_by);
        Grouped::new(self.retype(), typed)
    }

    /// Only groups for which the condition is true.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let busy = Post::query().group_by(Post::author_id).select(|author| author).having(count_all().gt(1));
    /// assert_eq!(busy.all(&db).await?, [1]);
    /// # Ok(()) }
    /// ```
    pub fn having<P, S, X, K, I>(
        mut self,
        condition: crate::expr::Expr<P, S, X, K>,
    ) -> Query<M, Q, Out, And<N, X>>
    where
        P: crate::expr::Predicate,
        S: InScope<Q, I>,
        K: crate::expr::kind::PerGroup,
        X: Needs,
        N: Plus<X>,
    {
        self.select.having = Some(ir::Expr::and(self.select.having.take(), condition.into_ir()));
        self.select.name_keys();
        self.retype()
    }
}
