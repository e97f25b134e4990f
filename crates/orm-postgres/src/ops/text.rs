//! Text aggregates.

use orm_core::backend::capabilities::TextAggregates;
use orm_core::backend::{And, Plus};
use orm_core::expr::kind::{Aggregate, Row};
use orm_core::expr::{Expr, ExprOps};
use orm_core::value::{Textual, Value};

use super::{raw, text};

/// Aggregates that PostgreSQL has for text.
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # async fn example(db: Postgres) -> Result<()> {
/// use orm::postgres::ops::TextOps;
/// let query = Post::query().group_by(Post::author_id).select(|author| (author, Post::title.string_agg(", ")));
/// let titles: Vec<(i64, Option<String>)> = query.all(&db).await?;
/// # Ok(()) }
/// ```
pub trait TextOps: ExprOps<K = Row>
where
    <Self::T as Value>::Base: Textual,
    Self::N: Plus<(TextAggregates, ())>,
{
    /// The values one after the other in their own order, with a separator between: `string_agg`. `None` over no rows.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::TextOps;
    /// let names: Option<String> = User::query().select(User::name.string_agg(", ")).one(&db).await?;
    /// # Ok(()) }
    /// ```
    fn string_agg(
        self,
        separator: impl Into<String>,
    ) -> Expr<Option<String>, Self::S, And<Self::N, (TextAggregates, ())>, Aggregate> {
        let node = self.node();
        raw(&["string_agg(", ", ", "::text ORDER BY ", ")"], vec![node.clone(), text(separator), node])
    }
}

impl<E: ExprOps<K = Row>> TextOps for E
where
    <E::T as Value>::Base: Textual,
    E::N: Plus<(TextAggregates, ())>,
{
}
