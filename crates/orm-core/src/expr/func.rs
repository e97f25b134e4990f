//! Free functions that make expressions.

use super::Expr;
use super::kind::{Aggregate, Const, Row};
use super::scope::Free;
use crate::ir::{self, AggFunc, Func, Output};
use crate::query::{Query, has_aggregate};
use crate::value::{DbType, Scalar, Value};

/// How many rows; 0 over no rows.
pub fn count_all() -> Expr<i64, (), (), Aggregate> {
    Expr::new(ir::Expr::Aggregate {
        func: AggFunc::Count,
        arg: None,
        distinct: false,
        ty: DbType::I64,
        filter: None,
        order: Vec::new(),
    })
}

/// A value as an expression.
pub fn val<T: Scalar>(value: T) -> Expr<T, (), (), Const> {
    Expr::new(ir::Expr::Value(Scalar::encode(value), <T as Scalar>::TYPE))
}

/// True if all of the conditions are; true for none.
pub fn all_of<P, S, N, K>(conditions: impl IntoIterator<Item = Expr<P, S, N, K>>) -> Expr<P, S, N, K> {
    Expr::new(ir::Expr::All(conditions.into_iter().map(Expr::into_ir).collect()))
}

/// True if one of the conditions is; false for none.
pub fn any_of<P, S, N, K>(conditions: impl IntoIterator<Item = Expr<P, S, N, K>>) -> Expr<P, S, N, K> {
    Expr::new(ir::Expr::Any(conditions.into_iter().map(Expr::into_ir).collect()))
}

/// Whether the query has a row.
pub fn exists<M, Q: Free, Out, N>(query: Query<M, Q, Out, N>) -> Expr<bool, Q::Out, N, Row> {
    let mut select = query.into_select().nested();
    if select.group_by.is_empty() && select.having.is_none() && !select.distinct {
        let aggregates = matches!(&select.output, Output::Exprs(exprs) if exprs.iter().any(has_aggregate));
        if !aggregates {
            select.output = Output::One;
        }
        select.order.clear();
    }
    Expr::new(ir::Expr::Exists(Box::new(select)))
}

/// The value that a query of one column has in its first row, NULL without a row: a scalar subquery.
pub fn scalar<M, Q: Free, T: Value, N>(
    query: Query<M, Q, T, N>,
) -> Expr<<T as Value>::Nullable, Q::Out, N, Row> {
    let mut select = query.into_select().nested();
    let one_row = select.group_by.is_empty()
        && matches!(&select.output, Output::Exprs(exprs) if exprs.iter().any(has_aggregate));
    if !one_row {
        select.limit = Some(select.limit.map_or(1, |limit| limit.min(1)));
    }
    Expr::new(ir::Expr::Scalar(Box::new(select)))
}

/// The instant of the database's clock.
///
/// Rows of one statement see the same instant. Compare it with a column of an instant: `Session::expires_at.lt(now())`.
pub fn now<T: Instant>() -> Expr<T, (), (), Const> {
    Expr::new(ir::Expr::Func(Func::Now, Vec::new()))
}

/// A type that holds an instant in UTC.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an instant",
    label = "expected a type stored as a timestamp in UTC"
)]
pub trait Instant: Scalar {}
