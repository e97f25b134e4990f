//! Ranges: <https://www.postgresql.org/docs/current/functions-range.html>.

use orm_core::backend::capabilities::Ranges;
use orm_core::backend::{And, Plus};
use orm_core::expr::kind::{Aggregate, Mix, Row};
use orm_core::expr::scope::{Uni, Union};
use orm_core::expr::{Expr, ExprOps, Operand};
use orm_core::value::{Scalar, Value};

use super::raw;
use crate::types::{Multirange, Range, RangeLike};

type Needing<E, T> = Expr<T, <E as ExprOps>::S, And<<E as ExprOps>::N, (Ranges, ())>, <E as ExprOps>::K>;
type With<E, B, R, X> = Expr<
    <<E as ExprOps>::T as Value>::Lift<<<R as Operand<B>>::T as Value>::Lift<X>>,
    Uni<<E as ExprOps>::S, <R as Operand<B>>::S>,
    And<And<<E as ExprOps>::N, (Ranges, ())>, <R as Operand<B>>::N>,
    <<E as ExprOps>::K as Mix<<R as Operand<B>>::K>>::Out,
>;
type Element<B> = <B as RangeLike>::Element;

macro_rules! operator {
    ($(#[$doc:meta])* $name:ident($operand:ty) $sql:literal -> $out:ty;) => {
        $(#[$doc])*
        fn $name<R>(self, other: R) -> With<Self, $operand, R, $out>
        where
            R: Operand<$operand>,
            Self::S: Union<R::S>,
            And<Self::N, (Ranges, ())>: Plus<R::N>,
            Self::K: Mix<R::K>,
        {
            raw(&["(", $sql, ")"], vec![self.node(), other.ir()])
        }
    };
}

/// What can be done with a column of type [`Range`] or [`Multirange`]. `B` is that type. An index of kind GiST serves all but the
/// last ones.
///
/// ```
/// use orm_core::expr::val;
/// use orm_postgres::ops::RangeOps;
/// use orm_postgres::types::Range;
/// let free = val(Range::from(8..12)).overlaps(11..13) & val(Range::from(8..12)).holds(9);
/// # let _ = free;
/// ```
#[allow(clippy::wrong_self_convention)]
pub trait RangeOps<B: RangeLike>: ExprOps
where
    Self::T: Value<Base = B>,
    Self::N: Plus<(Ranges, ())>,
{
    operator! {
        /// Whether the value is in the range: `@>`.
        holds(Element<B>) " @> " -> bool;
    }
    operator! {
        /// Whether all of the other is in this one: `@>`.
        contains_range(B) " @> " -> bool;
    }
    operator! {
        /// Whether all of this one is in the other: `<@`.
        contained_in_range(B) " <@ " -> bool;
    }
    operator! {
        /// Whether the two have a value in common: `&&`.
        overlaps(B) " && " -> bool;
    }
    operator! {
        /// Whether the two touch and have nothing in common: `-|-`.
        adjacent_to(B) " -|- " -> bool;
    }
    operator! {
        /// Whether this one ends before the other begins: `<<`.
        before(B) " << " -> bool;
    }
    operator! {
        /// Whether this one begins after the other ends: `>>`.
        after(B) " >> " -> bool;
    }
    operator! {
        /// Whether this one does not reach beyond the end of the other: `&<`.
        ends_within(B) " &< " -> bool;
    }
    operator! {
        /// Whether this one does not begin before the other: `&>`.
        begins_within(B) " &> " -> bool;
    }
    operator! {
        /// What is in one of the two: `+`. The server refuses two ranges with a gap between; multiranges may have one.
        union(B) " + " -> B;
    }
    operator! {
        /// What is in both: `*`.
        intersection(B) " * " -> B;
    }
    operator! {
        /// What is in this one and not in the other: `-`. The server refuses a range that would fall into two; a multirange may.
        difference(B) " - " -> B;
    }

    /// The lower bound; NULL without one and for an empty range.
    fn lower_bound(self) -> Needing<Self, Option<Element<B>>> {
        raw(&["lower(", ")"], vec![self.node()])
    }

    /// The upper bound; NULL without one and for an empty range.
    fn upper_bound(self) -> Needing<Self, Option<Element<B>>> {
        raw(&["upper(", ")"], vec![self.node()])
    }

    /// Whether nothing is in it.
    fn is_empty_range(self) -> Needing<Self, <Self::T as Value>::Lift<bool>> {
        raw(&["isempty(", ")"], vec![self.node()])
    }

    /// Whether the lower bound is part of it.
    fn includes_lower(self) -> Needing<Self, <Self::T as Value>::Lift<bool>> {
        raw(&["lower_inc(", ")"], vec![self.node()])
    }

    /// Whether the upper bound is part of it.
    fn includes_upper(self) -> Needing<Self, <Self::T as Value>::Lift<bool>> {
        raw(&["upper_inc(", ")"], vec![self.node()])
    }

    /// All ranges of the group as one multirange; `None` over no rows.
    fn range_agg(self) -> Expr<Option<Multirange<Element<B>>>, Self::S, And<Self::N, (Ranges, ())>, Aggregate>
    where
        Self: ExprOps<K = Row>,
    {
        raw(&["range_agg(", ")"], vec![self.node()])
    }
}

impl<E: ExprOps, B: RangeLike> RangeOps<B> for E
where
    E::T: Value<Base = B>,
    E::N: Plus<(Ranges, ())>,
{
}

/// What can be done with a column of type [`Range`] and not with one of [`Multirange`].
pub trait OneRangeOps<T: Scalar>: ExprOps
where
    Self::T: Value<Base = Range<T>>,
    Self::N: Plus<(Ranges, ())>,
{
    /// The range alone as a multirange.
    fn to_multirange(self) -> Needing<Self, <Self::T as Value>::Lift<Multirange<T>>> {
        raw(&["multirange(", ")"], vec![self.node()])
    }

    /// The smallest range that holds both, the gap between them included: `range_merge`.
    fn merge<R>(self, other: R) -> With<Self, Range<T>, R, Range<T>>
    where
        R: Operand<Range<T>>,
        Self::S: Union<R::S>,
        And<Self::N, (Ranges, ())>: Plus<R::N>,
        Self::K: Mix<R::K>,
    {
        raw(&["range_merge(", ", ", ")"], vec![self.node(), other.ir()])
    }
}

impl<E: ExprOps, T: Scalar> OneRangeOps<T> for E
where
    E::T: Value<Base = Range<T>>,
    E::N: Plus<(Ranges, ())>,
{
}
