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
        ///
        /// ```
        /// # use orm_core::ir::IntoCommand;
        /// # use orm_guide::prelude::*;
        /// # use orm_postgres::types::Range;
        /// # use orm_sql::{PostgresDialect, compile};
        /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
        /// # fn text(query: impl IntoCommand) -> String {
        /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
        /// # }
        /// use orm_postgres::ops::RangeOps;
        /// let found = Booking::query().filter(Booking::seats.holds(Booking::room));
        /// assert!(text(found).ends_with(r#"WHERE ("seats" @> "room")"#));
        /// ```
        holds(Element<B>) " @> " -> bool;
    }
    operator! {
        /// Whether all of the other is in this one: `@>`.
        ///
        /// ```
        /// # use orm_core::ir::IntoCommand;
        /// # use orm_guide::prelude::*;
        /// # use orm_postgres::types::Range;
        /// # use orm_sql::{PostgresDialect, compile};
        /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
        /// # fn text(query: impl IntoCommand) -> String {
        /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
        /// # }
        /// use orm_postgres::ops::RangeOps;
        /// let found = Booking::query().filter(Booking::seats.contains_range(2..4));
        /// assert!(text(found).ends_with(r#"WHERE ("seats" @> $1::int4range)"#));
        /// ```
        contains_range(B) " @> " -> bool;
    }
    operator! {
        /// Whether all of this one is in the other: `<@`.
        ///
        /// ```
        /// # use orm_core::ir::IntoCommand;
        /// # use orm_guide::prelude::*;
        /// # use orm_postgres::types::Range;
        /// # use orm_sql::{PostgresDialect, compile};
        /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
        /// # fn text(query: impl IntoCommand) -> String {
        /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
        /// # }
        /// use orm_postgres::ops::RangeOps;
        /// let found = Booking::query().filter(Booking::seats.contained_in_range(..10));
        /// assert!(text(found).ends_with(r#"WHERE ("seats" <@ $1::int4range)"#));
        /// ```
        contained_in_range(B) " <@ " -> bool;
    }
    operator! {
        /// Whether the two have a value in common: `&&`.
        ///
        /// ```
        /// # use orm_core::ir::IntoCommand;
        /// # use orm_guide::prelude::*;
        /// # use orm_postgres::types::Range;
        /// # use orm_sql::{PostgresDialect, compile};
        /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
        /// # fn text(query: impl IntoCommand) -> String {
        /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
        /// # }
        /// use orm_postgres::ops::RangeOps;
        /// let found = Booking::query().filter(Booking::seats.overlaps(4..=6));
        /// assert!(text(found).ends_with(r#"WHERE ("seats" && $1::int4range)"#));
        /// ```
        overlaps(B) " && " -> bool;
    }
    operator! {
        /// Whether the two touch and have nothing in common: `-|-`.
        ///
        /// ```
        /// # use orm_core::ir::IntoCommand;
        /// # use orm_guide::prelude::*;
        /// # use orm_postgres::types::Range;
        /// # use orm_sql::{PostgresDialect, compile};
        /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
        /// # fn text(query: impl IntoCommand) -> String {
        /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
        /// # }
        /// use orm_postgres::ops::RangeOps;
        /// let found = Booking::query().filter(Booking::seats.adjacent_to(6..9));
        /// assert!(text(found).ends_with(r#"WHERE ("seats" -|- $1::int4range)"#));
        /// ```
        adjacent_to(B) " -|- " -> bool;
    }
    operator! {
        /// Whether this one ends before the other begins: `<<`.
        ///
        /// ```
        /// # use orm_core::ir::IntoCommand;
        /// # use orm_guide::prelude::*;
        /// # use orm_postgres::types::Range;
        /// # use orm_sql::{PostgresDialect, compile};
        /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
        /// # fn text(query: impl IntoCommand) -> String {
        /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
        /// # }
        /// use orm_postgres::ops::RangeOps;
        /// let found = Booking::query().filter(Booking::seats.before(6..));
        /// assert!(text(found).ends_with(r#"WHERE ("seats" << $1::int4range)"#));
        /// ```
        before(B) " << " -> bool;
    }
    operator! {
        /// Whether this one begins after the other ends: `>>`.
        ///
        /// ```
        /// # use orm_core::ir::IntoCommand;
        /// # use orm_guide::prelude::*;
        /// # use orm_postgres::types::Range;
        /// # use orm_sql::{PostgresDialect, compile};
        /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
        /// # fn text(query: impl IntoCommand) -> String {
        /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
        /// # }
        /// use orm_postgres::ops::RangeOps;
        /// let found = Booking::query().filter(Booking::seats.after(..2));
        /// assert!(text(found).ends_with(r#"WHERE ("seats" >> $1::int4range)"#));
        /// ```
        after(B) " >> " -> bool;
    }
    operator! {
        /// Whether this one does not reach beyond the end of the other: `&<`.
        ///
        /// ```
        /// # use orm_core::ir::IntoCommand;
        /// # use orm_guide::prelude::*;
        /// # use orm_postgres::types::Range;
        /// # use orm_sql::{PostgresDialect, compile};
        /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
        /// # fn text(query: impl IntoCommand) -> String {
        /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
        /// # }
        /// use orm_postgres::ops::RangeOps;
        /// let found = Booking::query().filter(Booking::seats.ends_within(..=5));
        /// assert!(text(found).ends_with(r#"WHERE ("seats" &< $1::int4range)"#));
        /// ```
        ends_within(B) " &< " -> bool;
    }
    operator! {
        /// Whether this one does not begin before the other: `&>`.
        ///
        /// ```
        /// # use orm_core::ir::IntoCommand;
        /// # use orm_guide::prelude::*;
        /// # use orm_postgres::types::Range;
        /// # use orm_sql::{PostgresDialect, compile};
        /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
        /// # fn text(query: impl IntoCommand) -> String {
        /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
        /// # }
        /// use orm_postgres::ops::RangeOps;
        /// let found = Booking::query().filter(Booking::seats.begins_within(3..));
        /// assert!(text(found).ends_with(r#"WHERE ("seats" &> $1::int4range)"#));
        /// ```
        begins_within(B) " &> " -> bool;
    }
    operator! {
        /// What is in one of the two: `+`. The server refuses two ranges with a gap between; multiranges may have one.
        ///
        /// ```
        /// # use orm_core::ir::IntoCommand;
        /// # use orm_guide::prelude::*;
        /// # use orm_postgres::types::Range;
        /// # use orm_sql::{PostgresDialect, compile};
        /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
        /// # fn text(query: impl IntoCommand) -> String {
        /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
        /// # }
        /// use orm_postgres::ops::RangeOps;
        /// let query = Booking::query().select(Booking::seats.union(6..9));
        /// assert_eq!(text(query), r#"SELECT ("seats" + $1::int4range) FROM "bookings""#);
        /// ```
        union(B) " + " -> B;
    }
    operator! {
        /// What is in both: `*`.
        ///
        /// ```
        /// # use orm_core::ir::IntoCommand;
        /// # use orm_guide::prelude::*;
        /// # use orm_postgres::types::Range;
        /// # use orm_sql::{PostgresDialect, compile};
        /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
        /// # fn text(query: impl IntoCommand) -> String {
        /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
        /// # }
        /// use orm_postgres::ops::RangeOps;
        /// let query = Booking::query().select(Booking::seats.intersection(4..));
        /// assert_eq!(text(query), r#"SELECT ("seats" * $1::int4range) FROM "bookings""#);
        /// ```
        intersection(B) " * " -> B;
    }
    operator! {
        /// What is in this one and not in the other: `-`. The server refuses a range that would fall into two; a multirange may.
        ///
        /// ```
        /// # use orm_core::ir::IntoCommand;
        /// # use orm_guide::prelude::*;
        /// # use orm_postgres::types::Range;
        /// # use orm_sql::{PostgresDialect, compile};
        /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
        /// # fn text(query: impl IntoCommand) -> String {
        /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
        /// # }
        /// use orm_postgres::ops::RangeOps;
        /// let query = Booking::query().select(Booking::seats.difference(..2));
        /// assert_eq!(text(query), r#"SELECT ("seats" - $1::int4range) FROM "bookings""#);
        /// ```
        difference(B) " - " -> B;
    }

    /// The lower bound; NULL without one and for an empty range.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::Range;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::RangeOps;
    /// let found = Booking::query().filter(Booking::seats.lower_bound().gt(3));
    /// assert!(text(found).ends_with(r#"WHERE (lower("seats")) > $1::integer"#));
    /// ```
    fn lower_bound(self) -> Needing<Self, Option<Element<B>>> {
        raw(&["lower(", ")"], vec![self.node()])
    }

    /// The upper bound; NULL without one and for an empty range.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::Range;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::RangeOps;
    /// let found = Booking::query().filter(Booking::seats.upper_bound().is_null());
    /// assert!(text(found).ends_with(r#"WHERE (upper("seats")) IS NULL"#));
    /// ```
    fn upper_bound(self) -> Needing<Self, Option<Element<B>>> {
        raw(&["upper(", ")"], vec![self.node()])
    }

    /// Whether nothing is in it.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::Range;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::RangeOps;
    /// let found = Booking::query().filter(Booking::seats.is_empty_range());
    /// assert!(text(found).ends_with(r#"WHERE isempty("seats")"#));
    /// ```
    fn is_empty_range(self) -> Needing<Self, <Self::T as Value>::Lift<bool>> {
        raw(&["isempty(", ")"], vec![self.node()])
    }

    /// Whether the lower bound is part of it.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::Range;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::RangeOps;
    /// let query = Booking::query().select(Booking::seats.includes_lower());
    /// assert_eq!(text(query), r#"SELECT lower_inc("seats") FROM "bookings""#);
    /// ```
    fn includes_lower(self) -> Needing<Self, <Self::T as Value>::Lift<bool>> {
        raw(&["lower_inc(", ")"], vec![self.node()])
    }

    /// Whether the upper bound is part of it.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::Range;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::RangeOps;
    /// let query = Booking::query().select(Booking::seats.includes_upper());
    /// assert_eq!(text(query), r#"SELECT upper_inc("seats") FROM "bookings""#);
    /// ```
    fn includes_upper(self) -> Needing<Self, <Self::T as Value>::Lift<bool>> {
        raw(&["upper_inc(", ")"], vec![self.node()])
    }

    /// All ranges of the group as one multirange; `None` over no rows.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::Range;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::RangeOps;
    /// let query = Booking::query().group_by(Booking::room).select(|room| (room, Booking::seats.range_agg()));
    /// assert_eq!(text(query), r#"SELECT "room", range_agg("seats") FROM "bookings" GROUP BY "room""#);
    /// ```
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
///
/// ```
/// # use orm_core::ir::IntoCommand;
/// # use orm_guide::prelude::*;
/// # use orm_postgres::types::Range;
/// # use orm_sql::{PostgresDialect, compile};
/// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
/// # fn text(query: impl IntoCommand) -> String {
/// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
/// # }
/// use orm_postgres::ops::OneRangeOps;
/// let query = Booking::query().select((Booking::seats.merge(10..12), Booking::seats.to_multirange()));
/// assert!(text(query).starts_with(r#"SELECT range_merge("seats", $1::int4range), multirange("seats")"#));
/// ```
pub trait OneRangeOps<T: Scalar>: ExprOps
where
    Self::T: Value<Base = Range<T>>,
    Self::N: Plus<(Ranges, ())>,
{
    /// The range alone as a multirange.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::Range;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::OneRangeOps;
    /// let query = Booking::query().select(Booking::seats.to_multirange());
    /// assert_eq!(text(query), r#"SELECT multirange("seats") FROM "bookings""#);
    /// ```
    fn to_multirange(self) -> Needing<Self, <Self::T as Value>::Lift<Multirange<T>>> {
        raw(&["multirange(", ")"], vec![self.node()])
    }

    /// The smallest range that holds both, the gap between them included: `range_merge`.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::Range;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Booking { #[orm(primary_key)] pub id: i64, pub room: i32, pub seats: Range<i32> }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::OneRangeOps;
    /// let query = Booking::query().select(Booking::seats.merge(10..12));
    /// assert_eq!(text(query), r#"SELECT range_merge("seats", $1::int4range) FROM "bookings""#);
    /// ```
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
