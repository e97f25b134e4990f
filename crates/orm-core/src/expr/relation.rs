//! Tests and counts over the rows that a relation leads to.

use super::scope::Only;
use super::{Condition, Expr};
use crate::ir::{self, Quantifier, RelationTest};
use crate::model::{Model, Named};
use crate::relation::{Rel, Slot, Via};

impl<A: Named, T: Named> Via<A, T> {
    fn test<X>(self, quantifier: Quantifier, filter: Option<ir::Expr>) -> Expr<X, A> {
        Expr::new(ir::Expr::Relation(Box::new(RelationTest {
            relation: self.relation(),
            from: A::source(),
            alias: T::source().alias,
            quantifier,
            filter,
        })))
    }

    /// Whether the relation leads to a row.
    pub fn exists(self) -> Expr<bool, A> {
        self.test(Quantifier::Any, None)
    }

    /// Whether the relation leads to no row.
    pub fn none(self) -> Expr<bool, A> {
        self.test(Quantifier::None, None)
    }

    /// Whether one of the relation's rows meets the condition.
    pub fn any<I>(self, condition: impl Condition<Only<T>, I, N = ()>) -> Expr<bool, A> {
        self.test(Quantifier::Any, Some(condition.condition()))
    }

    /// Whether every row of the relation meets the condition; true without rows.
    pub fn all<I>(self, condition: impl Condition<Only<T>, I, N = ()>) -> Expr<bool, A> {
        self.test(Quantifier::All, Some(condition.condition()))
    }

    /// Whether no row of the relation meets the condition.
    pub fn not_any<I>(self, condition: impl Condition<Only<T>, I, N = ()>) -> Expr<bool, A> {
        self.test(Quantifier::None, Some(condition.condition()))
    }

    /// How many rows the relation leads to.
    pub fn count(self) -> Expr<i64, A> {
        self.test(Quantifier::Count, None)
    }

    /// How many of the relation's rows meet the condition.
    pub fn count_where<I>(self, condition: impl Condition<Only<T>, I, N = ()>) -> Expr<i64, A> {
        self.test(Quantifier::Count, Some(condition.condition()))
    }
}

impl<M: Model, S: Slot> Rel<M, S> {
    /// Whether the relation leads to a row.
    pub fn exists(self) -> Expr<bool, M> {
        self.via().exists()
    }

    /// Whether the relation leads to no row.
    pub fn none(self) -> Expr<bool, M> {
        self.via().none()
    }

    /// Whether one of the relation's rows meets the condition.
    pub fn any<I>(self, condition: impl Condition<Only<S::Target>, I, N = ()>) -> Expr<bool, M> {
        self.via().any(condition)
    }

    /// Whether every row of the relation meets the condition; true without rows.
    pub fn all<I>(self, condition: impl Condition<Only<S::Target>, I, N = ()>) -> Expr<bool, M> {
        self.via().all(condition)
    }

    /// Whether no row of the relation meets the condition.
    pub fn not_any<I>(self, condition: impl Condition<Only<S::Target>, I, N = ()>) -> Expr<bool, M> {
        self.via().not_any(condition)
    }

    /// How many rows the relation leads to.
    pub fn count(self) -> Expr<i64, M> {
        self.via().count()
    }

    /// How many of the relation's rows meet the condition.
    pub fn count_where<I>(self, condition: impl Condition<Only<S::Target>, I, N = ()>) -> Expr<i64, M> {
        self.via().count_where(condition)
    }
}
