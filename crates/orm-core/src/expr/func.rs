//! Free functions that make expressions.

use super::Expr;
use super::kind::{Aggregate, Const, Row};
use super::scope::Free;
use crate::ir::{self, AggFunc, Func, Output};
use crate::query::Query;
use crate::value::{ColumnType, Scalar, Value};

/// How many rows; 0 over no rows.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// assert_eq!(User::query().select(count_all()).one(&db).await?, 3);
/// # Ok(()) }
/// ```
pub fn count_all() -> Expr<i64, (), (), Aggregate> {
    Expr::new(ir::Expr::Aggregate {
        func: AggFunc::Count,
        arg: None,
        distinct: false,
        ty: ColumnType::I64,
        filter: None,
        order: Vec::new(),
    })
}

/// A value as an expression.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// assert_eq!(User::find_many([1]).select((val(1_i64), User::name)).one(&db).await?, (1, "Ada".to_owned()));
/// # Ok(()) }
/// ```
pub fn val<T: Scalar>(value: T) -> Expr<T, (), (), Const> {
    Expr::new(ir::Expr::Value(Scalar::encode(value), <T as Scalar>::TYPE))
}

/// True if all of the conditions are; true for none.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let words = ["n", "e"];
/// let every = all_of(words.map(|word| Post::title.contains(word)));
/// assert_eq!(Post::filter(every).count(&db).await?, 1);
/// # Ok(()) }
/// ```
pub fn all_of<P, S, N, K>(conditions: impl IntoIterator<Item = Expr<P, S, N, K>>) -> Expr<P, S, N, K> {
    Expr::new(ir::Expr::All(conditions.into_iter().map(Expr::into_ir).collect()))
}

/// True if one of the conditions is; false for none.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let words = ["gin", "ello"];
/// let one = any_of(words.map(|word| Post::title.contains(word)));
/// assert_eq!(Post::filter(one).count(&db).await?, 2);
/// # Ok(()) }
/// ```
pub fn any_of<P, S, N, K>(conditions: impl IntoIterator<Item = Expr<P, S, N, K>>) -> Expr<P, S, N, K> {
    Expr::new(ir::Expr::Any(conditions.into_iter().map(Expr::into_ir).collect()))
}

/// Whether the query has a row.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let posts = Post::query().correlate::<User>().filter(Post::author_id.eq(User::id));
/// assert_eq!(User::filter(exists(posts)).count(&db).await?, 2);
/// # Ok(()) }
/// ```
pub fn exists<M, Q: Free, Out, N>(query: Query<M, Q, Out, N>) -> Expr<bool, Q::Out, N, Row> {
    let mut select = query.into_select().nested();
    if !select.is_aggregated() && !select.distinct {
        select.output = Output::One;
    }
    select.order.clear();
    Expr::new(ir::Expr::Exists(Box::new(select)))
}

/// The value of a query of one column and one row, NULL without a row: a scalar subquery. Of several rows it is an error
/// ([`ErrorKind::MultipleRows`](crate::ErrorKind::MultipleRows)): the first by an order is asked for by `.order_by(..).limit(1)`.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let best = Post::query().correlate::<User>().filter(Post::author_id.eq(User::id)).select(Post::score.max());
/// let rows = User::query().order_by(User::id.asc()).select((User::name, scalar(best))).all(&db).await?;
/// assert_eq!(rows[0], ("Ada".to_owned(), Some(5)));
/// # Ok(()) }
/// ```
pub fn scalar<M, Q: Free, T: Value, N>(
    query: Query<M, Q, T, N>,
) -> Expr<<T as Value>::Nullable, Q::Out, N, Row> {
    Expr::new(ir::Expr::Scalar(Box::new(query.into_select().nested())))
}

/// The instant of the database's clock.
///
/// Rows of one statement see the same instant. Compare it with a column of an instant and name the type:
/// `Session::expires_at.lt(now::<DateTime<Utc>>())`.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// use chrono::{DateTime, Utc};
///
/// #[derive(Debug, Clone, Model)]
/// pub struct Session {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     pub expires_at: DateTime<Utc>,
/// }
/// orm::schema!(Sessions: Session);
///
/// let db = Sqlite::memory().await?;
/// Sessions::create_all(&db).await?;
/// Session::create().expires_at(Utc::now() + chrono::Duration::hours(1)).insert(&db).await?;
/// assert_eq!(Session::filter(Session::expires_at.lt(now::<DateTime<Utc>>())).count(&db).await?, 0);
/// assert_eq!(Session::filter(Session::expires_at.gt(now::<DateTime<Utc>>())).count(&db).await?, 1);
/// # Ok(()) }
/// ```
pub fn now<T: Instant>() -> Expr<T, (), (), Const> {
    Expr::new(ir::Expr::Func(Func::Now, Vec::new()))
}

/// A type that holds an instant in UTC.
///
/// ```
/// use orm::expr::Instant;
/// fn clock<T: Instant>() {}
/// clock::<chrono::DateTime<chrono::Utc>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an instant",
    label = "expected a type stored as a timestamp in UTC"
)]
pub trait Instant: Scalar {}
