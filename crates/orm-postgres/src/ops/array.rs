//! Arrays: <https://www.postgresql.org/docs/current/functions-array.html>.

use orm_core::backend::capabilities::Arrays;
use orm_core::backend::{And, Plus};
use orm_core::expr::{Expr, ExprOps};
use orm_core::ir;
use orm_core::value::{Array, Scalar, Value};

use super::raw;

type Needing<E, T> = Expr<T, <E as ExprOps>::S, And<<E as ExprOps>::N, (Arrays, ())>, <E as ExprOps>::K>;

/// What PostgreSQL adds to [`ArrayExpr`](orm_core::expr::ArrayExpr) for a column of type [`Array`]. `T` is the type of its elements.
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # #[derive(Debug, Clone, Model)]
/// # pub struct Article {
/// #     #[orm(primary_key, auto)]
/// #     pub id: i64,
/// #     pub tags: orm::value::Array<String>,
/// #     pub extra: serde_json::Value,
/// # }
/// # async fn example(db: Postgres) -> Result<()> {
/// use orm::postgres::ops::ArrayOps;
/// let both = ["rust".to_owned(), "sql".to_owned()];
/// let found = Article::filter(Article::tags.has_all(both)).order_by(Article::tags.array_length().desc()).all(&db).await?;
/// # Ok(()) }
/// ```
pub trait ArrayOps<T: Value>: ExprOps
where
    Self::T: Value<Base = Array<T>>,
    Self::N: Plus<(Arrays, ())>,
{
    /// Whether all of the values are elements: `@>`. An index of kind GIN serves it.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Article {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub tags: orm::value::Array<String>,
    /// #     pub extra: serde_json::Value,
    /// # }
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::ArrayOps;
    /// let both = ["rust".to_owned(), "sql".to_owned()];
    /// let found = Article::filter(Article::tags.has_all(both)).all(&db).await?;
    /// # Ok(()) }
    /// ```
    fn has_all(self, elements: impl Into<Array<T>>) -> Needing<Self, <Self::T as Value>::Lift<bool>> {
        raw(&["(", " @> ", ")"], vec![self.node(), array(elements)])
    }

    /// Whether every element is one of the values: `<@`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Article {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub tags: orm::value::Array<String>,
    /// #     pub extra: serde_json::Value,
    /// # }
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::ArrayOps;
    /// let known = ["rust".to_owned(), "sql".to_owned()];
    /// let strange = Article::filter(!Article::tags.contained_in(known)).count(&db).await?;
    /// # Ok(()) }
    /// ```
    fn contained_in(self, elements: impl Into<Array<T>>) -> Needing<Self, <Self::T as Value>::Lift<bool>> {
        raw(&["(", " <@ ", ")"], vec![self.node(), array(elements)])
    }

    /// The elements, each in a row of its own beside what else is selected: `unnest`. It can be selected and not filtered by; a row
    /// whose array is empty or NULL is left out.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Article {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub tags: orm::value::Array<String>,
    /// #     pub extra: serde_json::Value,
    /// # }
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::ArrayOps;
    /// let tags: Vec<(i64, String)> = Article::query().select((Article::id, Article::tags.unnest())).all(&db).await?;
    /// # Ok(()) }
    /// ```
    fn unnest(self) -> Needing<Self, T> {
        raw(&["unnest(", ")"], vec![self.node()])
    }

    /// How many elements there are: `cardinality`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Article {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub tags: orm::value::Array<String>,
    /// #     pub extra: serde_json::Value,
    /// # }
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::ArrayOps;
    /// let sizes: Vec<i32> = Article::query().select(Article::tags.array_length()).all(&db).await?;
    /// # Ok(()) }
    /// ```
    fn array_length(self) -> Needing<Self, <Self::T as Value>::Lift<i32>> {
        raw(&["cardinality(", ")"], vec![self.node()])
    }

    /// Both arrays, one after the other.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Article {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub tags: orm::value::Array<String>,
    /// #     pub extra: serde_json::Value,
    /// # }
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::ArrayOps;
    /// let more = ["sql".to_owned(), "orm".to_owned()];
    /// Article::filter(Article::id.eq(1)).update().set(Article::tags, Article::tags.followed_by(more)).exec(&db).await?;
    /// # Ok(()) }
    /// ```
    fn followed_by(self, elements: impl Into<Array<T>>) -> Needing<Self, Self::T> {
        raw(&["(", " || ", ")"], vec![self.node(), array(elements)])
    }
}

impl<E: ExprOps, T: Value> ArrayOps<T> for E
where
    E::T: Value<Base = Array<T>>,
    E::N: Plus<(Arrays, ())>,
{
}

fn array<T: Value>(elements: impl Into<Array<T>>) -> ir::Expr {
    ir::Expr::Value(Scalar::encode(elements.into()), <Array<T> as Scalar>::TYPE)
}
