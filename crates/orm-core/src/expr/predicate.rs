//! Conditions and orders, as a query takes them.

use std::marker::PhantomData;

use super::kind::PerRow;
use super::scope::InScope;
use super::{Column, Expr, ExprOps};
use crate::backend::Needs;
use crate::ir::{self, Direction, Nulls, Order};
use crate::model::Named;
use crate::value::{DbType, Value};

/// The type of a condition: `bool`, or `Option<bool>` where NULL can result.
#[diagnostic::on_unimplemented(
    message = "a condition is wanted here, not a value of type `{Self}`",
    label = "not a condition",
    note = "compare it: `.eq(..)`, `.gt(..)`, `.is_null()` …"
)]
pub trait Predicate: Value<Base = bool> {}
impl Predicate for bool {}
impl Predicate for Option<bool> {}

/// A condition on the rows of the scope `Q`. `I` is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a condition",
    label = "expected a comparison such as `User::age.ge(18)`"
)]
pub trait Condition<Q, I> {
    /// The capabilities it needs.
    type N: Needs;
    /// The IR.
    fn condition(self) -> ir::Expr;
}

impl<P: Predicate, S, N: Needs, K: PerRow, Q, I> Condition<Q, I> for Expr<P, S, N, K>
where
    S: InScope<Q, I>,
{
    type N = N;
    fn condition(self) -> ir::Expr {
        self.into_ir()
    }
}

impl<P: Predicate, S: Named, Q, I> Condition<Q, I> for Column<S, P>
where
    S: InScope<Q, I>,
{
    type N = ();
    fn condition(self) -> ir::Expr {
        self.node()
    }
}

/// A key of an order: made by `.asc()` and `.desc()`.
pub struct Ordering<S, N, K> {
    order: Order,
    marker: PhantomData<fn() -> (S, N, K)>,
}

impl<S, N, K> std::fmt::Debug for Ordering<S, N, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.order.fmt(f)
    }
}

impl<S, N, K> Ordering<S, N, K> {
    pub(super) fn new(expr: ir::Expr, direction: Direction, ty: DbType) -> Self {
        Ordering { order: Order { expr, direction, nulls: None, ty }, marker: PhantomData }
    }

    /// NULLs before all values.
    pub fn nulls_first(mut self) -> Self {
        self.order.nulls = Some(Nulls::First);
        self
    }

    /// NULLs after all values.
    pub fn nulls_last(mut self) -> Self {
        self.order.nulls = Some(Nulls::Last);
        self
    }
}

/// One key of an order or a tuple of them, over the scope `Q`. `I` is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an order",
    label = "expected `column.asc()` or `column.desc()`, or a tuple of them"
)]
pub trait IntoOrder<Q, I> {
    /// Appends the keys.
    fn orders(self, out: &mut Vec<Order>);
}

impl<S, N, K, Q, I> IntoOrder<Q, I> for Ordering<S, N, K>
where
    S: InScope<Q, I>,
{
    fn orders(self, out: &mut Vec<Order>) {
        out.push(self.order);
    }
}

macro_rules! tuples {
    ($($($name:ident $index:ident $var:ident),+;)*) => {$(
        impl<Q, $($name, $index),+> IntoOrder<Q, ($($index,)+)> for ($($name,)+)
        where
            $($name: IntoOrder<Q, $index>),+
        {
            fn orders(self, out: &mut Vec<Order>) {
                let ($($var,)+) = self;
                $($var.orders(out);)+
            }
        }
    )*};
}
tuples! {
    A I a;
    A I a, B J b;
    A I a, B J b, C K c;
    A I a, B J b, C K c, D L d;
}
