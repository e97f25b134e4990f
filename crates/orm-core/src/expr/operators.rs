//! `&`, `|`, `!`, `+`, `-`, `*`, `/`, `%` on columns and expressions.

use std::ops::{Add, BitAnd, BitOr, Div, Mul, Not, Rem, Sub};

use super::kind::Mix;
use super::ops::{Lift2, With};
use super::scope::{Uni, Union};
use super::{Column, Expr, ExprOps, Operand};
use crate::backend::{And, Needs, Plus};
use crate::ir::{self, BinaryOp};
use crate::model::Named;
use crate::value::{Exact, Number, Scalar, Value};

type Logic<L, R> = Expr<
    Lift2<<L as ExprOps>::T, <R as ExprOps>::T, bool>,
    Uni<<L as ExprOps>::S, <R as ExprOps>::S>,
    And<<L as ExprOps>::N, <R as ExprOps>::N>,
    <<L as ExprOps>::K as Mix<<R as ExprOps>::K>>::Out,
>;

macro_rules! logic {
    ($trait:ident $method:ident $join:path; $self:ty, [$($generics:tt)*], [$($bound:tt)*]) => {
        impl<$($generics)*, R> $trait<R> for $self
        where
            $($bound)*
            R: ExprOps,
            R::T: Value<Base = bool>,
            <Self as ExprOps>::S: Union<R::S>,
            <Self as ExprOps>::N: Plus<R::N>,
            <Self as ExprOps>::K: Mix<R::K>,
        {
            type Output = Logic<Self, R>;
            fn $method(self, right: R) -> Self::Output {
                $join(self.node(), right.node())
            }
        }
    };
}
logic!(BitAnd bitand Expr::conjunction; Expr<T, S, N, K>, [T, S, N, K], [T: Value<Base = bool>, N: Needs,]);
logic!(BitOr bitor Expr::disjunction; Expr<T, S, N, K>, [T, S, N, K], [T: Value<Base = bool>, N: Needs,]);
logic!(BitAnd bitand Expr::conjunction; Column<S, T>, [S, T], [T: Value<Base = bool>, S: Named,]);
logic!(BitOr bitor Expr::disjunction; Column<S, T>, [S, T], [T: Value<Base = bool>, S: Named,]);

impl<T: Value<Base = bool>, S, N: Needs, K> Not for Expr<T, S, N, K> {
    type Output = Self;
    fn not(self) -> Self {
        Expr::new(self.into_ir().negate())
    }
}

impl<T: Value<Base = bool>, S: Named> Not for Column<S, T> {
    type Output = Expr<T, S>;
    fn not(self) -> Expr<T, S> {
        Expr::new(self.node().negate())
    }
}

macro_rules! arithmetic {
    ($trait:ident $method:ident $op:ident $number:ident $output:ty; $self:ty, [$($generics:tt)*], [$($bound:tt)*]) => {
        impl<$($generics)*, R> $trait<R> for $self
        where
            $($bound)*
            T: Value,
            T::Base: $number,
            R: Operand<T::Base>,
            <Self as ExprOps>::S: Union<R::S>,
            <Self as ExprOps>::N: Plus<R::N>,
            <Self as ExprOps>::K: Mix<R::K>,
        {
            type Output = With<Self, R, $output>;
            fn $method(self, right: R) -> Self::Output {
                Expr::new(ir::Expr::binary(BinaryOp::$op, self.node(), right.ir(), <T::Base as Scalar>::TYPE))
            }
        }
    };
}
// Division by zero gives NULL on every backend, so a quotient is always nullable.
arithmetic!(Add add Add Number T::Base; Expr<T, S, N, K>, [T, S, N, K], [N: Needs,]);
arithmetic!(Sub sub Sub Number T::Base; Expr<T, S, N, K>, [T, S, N, K], [N: Needs,]);
arithmetic!(Mul mul Mul Number T::Base; Expr<T, S, N, K>, [T, S, N, K], [N: Needs,]);
arithmetic!(Div div Div Number Option<T::Base>; Expr<T, S, N, K>, [T, S, N, K], [N: Needs,]);
arithmetic!(Rem rem Rem Exact Option<T::Base>; Expr<T, S, N, K>, [T, S, N, K], [N: Needs,]);
arithmetic!(Add add Add Number T::Base; Column<S, T>, [S, T], [S: Named,]);
arithmetic!(Sub sub Sub Number T::Base; Column<S, T>, [S, T], [S: Named,]);
arithmetic!(Mul mul Mul Number T::Base; Column<S, T>, [S, T], [S: Named,]);
arithmetic!(Div div Div Number Option<T::Base>; Column<S, T>, [S, T], [S: Named,]);
arithmetic!(Rem rem Rem Exact Option<T::Base>; Column<S, T>, [S, T], [S: Named,]);
