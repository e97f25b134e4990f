//! Free functions that make expressions.

use super::kind::{Aggregate, Const, Row};
use super::scope::Only;
use super::{Condition, Expr};
use crate::ir::{self, AggFunc, Output, Quantifier, RelationTest};
use crate::model::Model;
use crate::query::Query;
use crate::relation::{Rel, Slot};
use crate::value::{DbType, Scalar};

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
pub fn exists<M, Q, Out>(query: Query<M, Q, Out, ()>) -> Expr<bool, (), (), Row> {
    let mut select = query.into_select();
    if select.group_by.is_empty() && !select.distinct {
        select.output = Output::One;
        select.order.clear();
    }
    Expr::new(ir::Expr::Exists(Box::new(select)))
}

impl<M: Model, S: Slot> Rel<M, S> {
    fn test<T>(self, quantifier: Quantifier, filter: Option<ir::Expr>) -> Expr<T, M> {
        Expr::new(ir::Expr::Relation(Box::new(RelationTest {
            relation: self.meta(),
            from: self.source(),
            alias: "",
            quantifier,
            filter,
        })))
    }

    /// Whether the relation leads to a row.
    pub fn exists(self) -> Expr<bool, M> {
        self.test(Quantifier::Any, None)
    }

    /// Whether the relation leads to no row.
    pub fn none(self) -> Expr<bool, M> {
        self.test(Quantifier::None, None)
    }

    /// Whether one of the relation's rows meets the condition.
    pub fn any<I>(self, condition: impl Condition<Only<S::Target>, I, N = ()>) -> Expr<bool, M> {
        self.test(Quantifier::Any, Some(condition.condition()))
    }

    /// Whether every row of the relation meets the condition; true without rows.
    pub fn all<I>(self, condition: impl Condition<Only<S::Target>, I, N = ()>) -> Expr<bool, M> {
        self.test(Quantifier::All, Some(condition.condition()))
    }

    /// Whether no row of the relation meets the condition.
    pub fn not_any<I>(self, condition: impl Condition<Only<S::Target>, I, N = ()>) -> Expr<bool, M> {
        self.test(Quantifier::None, Some(condition.condition()))
    }

    /// How many rows the relation leads to.
    pub fn count(self) -> Expr<i64, M> {
        self.test(Quantifier::Count, None)
    }

    /// How many of the relation's rows meet the condition.
    pub fn count_where<I>(self, condition: impl Condition<Only<S::Target>, I, N = ()>) -> Expr<i64, M> {
        self.test(Quantifier::Count, Some(condition.condition()))
    }
}
