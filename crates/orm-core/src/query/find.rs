//! The verbs on a model, and reading by primary key.

use std::future::Future;

use futures_util::FutureExt;

use super::query::Query;
use super::terminal::{by_key, not_found};
use crate::backend::{And, Envelope, Executor, First, Needs, Plus, ProvidedBy, run};
use crate::error::Result;
use crate::expr::{Condition, Only};
use crate::ir::{ColumnRef, Expr};
use crate::model::{Model, ModelKey};
use crate::relation::Includable;

/// The verbs of every model: `User::filter(..)`, `User::find(..)` …
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// assert_eq!(User::query().count(&db).await?, 3);
/// assert_eq!(User::filter(User::age.gt(30)).one(&db).await?.name, "Ada");
/// assert_eq!(User::find(2).one(&db).await?.name, "Bob");
/// # Ok(()) }
/// ```
pub trait ModelQuery: Model {
    /// All rows, to be narrowed down.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let youngest = User::query().order_by(User::age.asc().nulls_last()).first(&db).await?;
    /// assert_eq!(youngest.map(|user| user.name), Some("Cid".to_owned()));
    /// # Ok(()) }
    /// ```
    fn query() -> Query<Self> {
        Query::all_rows_of()
    }

    /// The rows for which a condition is true.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let rows = User::filter(User::age.ge(18) & User::name.ne("Ada")).all(&db).await?;
    /// assert_eq!(rows[0].name, "Cid");
    /// # Ok(()) }
    /// ```
    fn filter<I, N: Needs>(condition: impl Condition<Only<Self>, I, N>) -> Query<Self, Only<Self>, Self, N> {
        Query::all_rows_of().filter(condition)
    }

    /// The row with a primary key.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::find(1).one(&db).await?.name, "Ada");
    /// // The key of a link is a tuple.
    /// assert_eq!(PostTag::find((1_i64, 1_i64)).one(&db).await?.tag_id, 1);
    /// # Ok(()) }
    /// ```
    fn find(key: impl Into<Self::Key>) -> Find<Self> {
        let mut query = Query::all_rows_of();
        by_key(&mut query.select, Self::meta(), key.into().datums());
        Find(query)
    }

    /// The rows with these primary keys, in no particular order; missing ones are simply not there.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::find_many([1, 3, 999]).all(&db).await?.len(), 2);
    /// # Ok(()) }
    /// ```
    fn find_many<K: Into<Self::Key>>(keys: impl IntoIterator<Item = K>) -> Query<Self> {
        let mut query: Query<Self> = Query::all_rows_of();
        let meta = Self::meta();
        let column = |index: &u16| Expr::Column(ColumnRef { source: query.select.from, index: *index });
        let datums = keys.into_iter().flat_map(|key| key.into().datums()).collect();
        let condition = match meta.primary_key {
            [only] => Expr::InList {
                expr: Box::new(column(only)),
                list: datums,
                ty: meta.column(*only).ty(),
                negated: false,
            },
            several => Expr::InTuples {
                exprs: several.iter().map(column).collect(),
                rows: datums,
                types: several.iter().map(|index| meta.column(*index).ty()).collect(),
            },
        };
        query.select.and_filter(condition);
        query
    }
}

impl<M: Model> ModelQuery for M {}

/// A read by primary key. `N` is what the database must offer for its includes.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let find = User::find(1).include(User::posts);
/// assert_eq!(find.one(&db).await?.posts.get()?.len(), 2);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is read before `.one(&db)` or `.optional(&db)`"]
pub struct Find<M: Model, N = ()>(Query<M, Only<M>, M, N>);

impl<M: Model, N: Needs> Find<M, N> {
    /// Loads a relation together with the row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let post = Post::find(1).include(Post::author).include(Post::comments).one(&db).await?;
    /// assert_eq!((post.author.get()?.name.as_str(), post.comments.get()?.len()), ("Ada", 1));
    /// # Ok(()) }
    /// ```
    pub fn include<X>(self, relation: impl Includable<M, X>) -> Find<M, And<N, X>>
    where
        N: Plus<X>,
        X: Needs,
    {
        Find(self.0.include(relation))
    }

    /// The row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::find(1).one(&db).await?.name, "Ada");
    /// assert_eq!(User::find(999).one(&db).await.unwrap_err().kind(), ErrorKind::NotFound);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none.
    #[track_caller]
    pub fn one<E>(self, db: &E) -> impl Future<Output = Result<M>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
    {
        // Mapped, and not awaited in a block, which would keep the future twice.
        self.optional(db).map(|row| row?.ok_or_else(not_found::<M>))
    }

    /// The row, `None` if there is none.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::find(999).optional(&db).await?, None);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn optional<E>(self, db: &E) -> impl Future<Output = Result<Option<M>>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
    {
        // A primary key needs no LIMIT: leaving it out keeps one shape for all reads by key.
        let Query { select, includes, .. } = self.0;
        let command = Envelope::of_select(select).from_here();
        async move {
            let mut row = run(db, command, First::<M>::default()).await?;
            if let Some(row) = &mut row {
                M::complete::<E::Backend>(std::slice::from_mut(row), &includes, db.handle()).await?;
            }
            Ok(row)
        }
    }

    /// The row as a list: of one, or empty.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::find(1).all(&db).await?.len(), 1);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn all<E>(self, db: &E) -> impl Future<Output = Result<Vec<M>>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
    {
        self.optional(db).map(|row| Ok(row?.into_iter().collect()))
    }

    /// The row, `None` if there is none: as [`optional`](Find::optional), since a key has no second row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert!(User::find(1).first(&db).await?.is_some());
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn first<E>(self, db: &E) -> impl Future<Output = Result<Option<M>>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
    {
        self.optional(db)
    }

    /// Whether the row exists.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert!(User::find(1).exists(&db).await?);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn exists<E>(self, db: &E) -> impl Future<Output = Result<bool>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
    {
        self.0.exists(db)
    }
}
