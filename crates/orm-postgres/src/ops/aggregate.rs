//! Aggregates that PostgreSQL has beyond the core's: <https://www.postgresql.org/docs/current/functions-aggregate.html>.

use orm_core::backend::capabilities::{ListAggregates, OrderedSets};
use orm_core::backend::{And, Needs, Plus};
use orm_core::expr::kind::{Aggregate, Row};
use orm_core::expr::scope::{Uni, Union};
use orm_core::expr::{Expr, ExprOps, Ordering};
use orm_core::ir::{self, Direction, Nulls};
use orm_core::value::{Array, ColumnType, JsonDocument, Number, Scalar, Value};

use super::raw;

type Total<E, C, T> = Expr<T, <E as ExprOps>::S, And<<E as ExprOps>::N, (C, ())>, Aggregate>;

/// All values of a group as one. NULLs are kept.
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # async fn example(db: Postgres) -> Result<()> {
/// use orm::postgres::ops::ListOps;
/// use orm::value::Array;
/// let query = Post::query()
///     .group_by(Post::author_id)
///     .select(|author| (author, Post::title.array_agg_by(Post::score.desc()).filter_where(Post::score.gt(3))));
/// let titles: Vec<(i64, Option<Array<String>>)> = query.all(&db).await?;
/// # Ok(()) }
/// ```
pub trait ListOps: ExprOps<K = Row>
where
    Self::N: Plus<(ListAggregates, ())>,
{
    /// The values as an array, in any order; `None` over no rows.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::ListOps;
    /// let query = Post::query().select(Post::title.array_agg());
    /// assert_eq!(text(query), r#"SELECT array_agg("title") FROM "posts""#);
    /// ```
    fn array_agg(self) -> Total<Self, ListAggregates, Option<Array<Self::T>>> {
        raw(&["array_agg(", ")"], vec![self.node()])
    }

    /// The values as an array in an order: `Post::title.array_agg_by(Post::id.desc())`. `None` over no rows.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::ListOps;
    /// let query = Post::query().select(Post::title.array_agg_by(Post::id.desc()));
    /// assert_eq!(text(query), r#"SELECT array_agg("title" ORDER BY "id" DESC NULLS LAST) FROM "posts""#);
    /// ```
    fn array_agg_by<S, N, K>(
        self,
        order: Ordering<S, N, K>,
    ) -> Expr<Option<Array<Self::T>>, Uni<Self::S, S>, And<And<Self::N, (ListAggregates, ())>, N>, Aggregate>
    where
        Self::S: Union<S>,
        And<Self::N, (ListAggregates, ())>: Plus<N>,
        N: Needs,
    {
        let order = order.into_order();
        // As everywhere in the library, NULLs are the smallest values unless the order says otherwise.
        let first = order.nulls.map_or(order.direction == Direction::Asc, |nulls| nulls == Nulls::First);
        let end = match (order.direction, first) {
            (Direction::Asc, true) => " ASC NULLS FIRST)",
            (Direction::Asc, false) => " ASC NULLS LAST)",
            (Direction::Desc, true) => " DESC NULLS FIRST)",
            (Direction::Desc, false) => " DESC NULLS LAST)",
        };
        Expr::new(ir::Expr::Raw(vec!["array_agg(", " ORDER BY ", end], vec![self.node(), order.expr]))
    }

    /// The values as a JSON array, in any order; `None` over no rows.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::ListOps;
    /// let query = Post::query().select(Post::title.jsonb_agg::<serde_json::Value>());
    /// assert_eq!(text(query), r#"SELECT jsonb_agg("title") FROM "posts""#);
    /// ```
    fn jsonb_agg<J: JsonDocument>(self) -> Total<Self, ListAggregates, Option<J>> {
        raw(&["jsonb_agg(", ")"], vec![self.node()])
    }
}

impl<E: ExprOps<K = Row>> ListOps for E where E::N: Plus<(ListAggregates, ())> {}

/// Aggregates over the values of a group in order. NULLs are passed over.
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # async fn example(db: Postgres) -> Result<()> {
/// use orm::postgres::ops::OrderedSetOps;
/// let query = User::query().select((User::age.percentile_cont(0.5), User::age.mode()));
/// let (median, usual): (Option<f64>, Option<i32>) = query.one(&db).await?;
/// # Ok(()) }
/// ```
pub trait OrderedSetOps: ExprOps<K = Row>
where
    Self::N: Plus<(OrderedSets, ())>,
{
    /// The value at a fraction (0 to 1) of the way, between two values if it falls there: 0.5 is the median. `None` over no rows.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::OrderedSetOps;
    /// let query = Post::query().select(Post::score.percentile_cont(0.5));
    /// assert_eq!(text(query), r#"SELECT percentile_cont($1::double precision) WITHIN GROUP (ORDER BY ("score")::double precision) FROM "posts""#);
    /// ```
    fn percentile_cont(self, fraction: f64) -> Total<Self, OrderedSets, Option<f64>>
    where
        <Self::T as Value>::Base: Number,
    {
        let value = ir::Expr::Cast(Box::new(self.node()), <Self::T as Value>::TYPE, ColumnType::F64);
        raw(&["percentile_cont(", ") WITHIN GROUP (ORDER BY ", ")"], vec![number(fraction), value])
    }

    /// The first value that is at least this fraction (0 to 1) of the way. `None` over no rows.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::OrderedSetOps;
    /// let query = Post::query().select(Post::score.percentile_disc(0.9));
    /// assert_eq!(text(query), r#"SELECT percentile_disc($1::double precision) WITHIN GROUP (ORDER BY "score") FROM "posts""#);
    /// ```
    fn percentile_disc(self, fraction: f64) -> Total<Self, OrderedSets, Option<<Self::T as Value>::Base>> {
        raw(&["percentile_disc(", ") WITHIN GROUP (ORDER BY ", ")"], vec![number(fraction), self.node()])
    }

    /// The most frequent value, any of them if there are several. `None` over no rows.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::OrderedSetOps;
    /// let query = Post::query().select(Post::score.mode());
    /// assert_eq!(text(query), r#"SELECT mode() WITHIN GROUP (ORDER BY "score") FROM "posts""#);
    /// ```
    fn mode(self) -> Total<Self, OrderedSets, Option<<Self::T as Value>::Base>> {
        raw(&["mode() WITHIN GROUP (ORDER BY ", ")"], vec![self.node()])
    }
}

fn number(value: f64) -> ir::Expr {
    ir::Expr::Value(Scalar::encode(value), ColumnType::F64)
}

impl<E: ExprOps<K = Row>> OrderedSetOps for E where E::N: Plus<(OrderedSets, ())> {}
