//! The verbs of every typed expression.

use super::kind::{Aggregate, Mix, Row};
use super::scope::{Uni, Union};
use super::{Column, Expr, InOperand, Operand, Ordering};
use crate::backend::capabilities::Regex;
use crate::backend::{And, Needs, Plus};
use crate::error::{Error, ErrorKind};
use crate::ir::{self, AggFunc, BinaryOp, Direction, Func, LikeOp, UnaryOp};
use crate::model::Named;
use crate::value::{Datum, DbType, Number, Scalar, Textual, Value};

type Base<E> = <<E as ExprOps>::T as Value>::Base;
/// `X`, nullable if one of two types is.
pub(super) type Lift2<A, B, X> = <A as Value>::Lift<<B as Value>::Lift<X>>;
/// An expression of type `X` over this expression and another operand.
pub(super) type With<E, R, X> = Expr<
    Lift2<<E as ExprOps>::T, <R as Operand<Base<E>>>::T, X>,
    Uni<<E as ExprOps>::S, <R as Operand<Base<E>>>::S>,
    And<<E as ExprOps>::N, <R as Operand<Base<E>>>::N>,
    <<E as ExprOps>::K as Mix<<R as Operand<Base<E>>>::K>>::Out,
>;
/// An expression of type `X` over this expression and a text operand.
type WithText<E, R> = Expr<
    Lift2<<E as ExprOps>::T, <R as Operand<String>>::T, bool>,
    Uni<<E as ExprOps>::S, <R as Operand<String>>::S>,
    And<<E as ExprOps>::N, <R as Operand<String>>::N>,
    <<E as ExprOps>::K as Mix<<R as Operand<String>>::K>>::Out,
>;
type Same<E, X> = Expr<X, <E as ExprOps>::S, <E as ExprOps>::N, <E as ExprOps>::K>;
type Total<E, X> = Expr<X, <E as ExprOps>::S, <E as ExprOps>::N, Aggregate>;

/// One method per call: a compile error shows the whole call.
macro_rules! comparison {
    ($(#[$doc:meta])* $name:ident $op:ident;) => {
        $(#[$doc])*
        #[inline]
        fn $name<R>(self, right: R) -> With<Self, R, bool>
        where
            R: Operand<Base<Self>>,
            Self::S: Union<R::S>,
            Self::N: Plus<R::N>,
            Self::K: Mix<R::K>,
        {
            Expr::new(ir::Expr::binary(BinaryOp::$op, self.node(), right.ir(), <Self::T as Value>::TYPE))
        }
    };
}

macro_rules! matching {
    ($(#[$doc:meta])* $name:ident $op:ident $insensitive:literal;) => {
        $(#[$doc])*
        fn $name<R>(self, right: R) -> WithText<Self, R>
        where
            Base<Self>: Textual,
            R: Operand<String>,
            Self::S: Union<R::S>,
            Self::N: Plus<R::N>,
            Self::K: Mix<R::K>,
        {
            Expr::new(ir::Expr::Like {
                op: LikeOp::$op,
                expr: Box::new(self.node()),
                pattern: Box::new(right.ir()),
                insensitive: $insensitive,
            })
        }
    };
}

/// Everything that can be done with a column or an expression. Comparisons follow SQL's three-valued logic on every
/// backend: with NULL on a side the result is NULL, which a filter does not select.
#[allow(clippy::wrong_self_convention)]
pub trait ExprOps: Sized {
    /// The type of the value.
    type T: Value;
    /// The models mentioned.
    type S;
    /// The capabilities needed.
    type N: Needs;
    /// Per row, aggregate, key or constant.
    type K;
    /// The IR.
    fn node(self) -> ir::Expr;

    comparison! {
        /// Equal.
        eq Eq;
    }
    comparison! {
        /// Not equal.
        ne Ne;
    }
    comparison! {
        /// Less than.
        lt Lt;
    }
    comparison! {
        /// Less than or equal to.
        le Le;
    }
    comparison! {
        /// Greater than.
        gt Gt;
    }
    comparison! {
        /// Greater than or equal to.
        ge Ge;
    }

    matching! {
        /// Contains the text literally; case matters.
        contains Contains false;
    }
    matching! {
        /// Starts with the text literally; case matters.
        starts_with StartsWith false;
    }
    matching! {
        /// Ends with the text literally; case matters.
        ends_with EndsWith false;
    }
    matching! {
        /// Matches the pattern (`%` any text, `_` any character, `\` escapes); case matters.
        like Pattern false;
    }
    matching! {
        /// Matches the pattern; the case of ASCII letters does not matter.
        ilike Pattern true;
    }
    matching! {
        /// Contains the text literally; the case of ASCII letters does not matter.
        icontains Contains true;
    }

    /// Part of the text matches the regular expression, in the database's own dialect; case matters.
    fn matches_regex(
        self,
        pattern: impl Into<String>,
    ) -> Expr<<Self::T as Value>::Lift<bool>, Self::S, And<Self::N, (Regex, ())>, Self::K>
    where
        Base<Self>: Textual,
        Self::N: Plus<(Regex, ())>,
    {
        Expr::new(ir::Expr::Like {
            op: LikeOp::Regex,
            expr: Box::new(self.node()),
            pattern: Box::new(ir::Expr::Value(Scalar::encode(pattern.into()), DbType::Text)),
            insensitive: false,
        })
    }

    /// Equal, with `None` equal to NULL; never NULL itself.
    fn eq_or_null(self, right: impl Into<Option<Base<Self>>>) -> Same<Self, bool> {
        same(BinaryOp::IsSame, self.node(), right.into())
    }

    /// Not equal, with `None` equal to NULL; never NULL itself.
    fn ne_or_null(self, right: impl Into<Option<Base<Self>>>) -> Same<Self, bool> {
        same(BinaryOp::IsNotSame, self.node(), right.into())
    }

    /// Whether the value is NULL.
    fn is_null(self) -> Same<Self, bool> {
        Expr::new(ir::Expr::IsNull(Box::new(self.node()), false))
    }

    /// Whether the value is not NULL.
    fn is_not_null(self) -> Same<Self, bool> {
        Expr::new(ir::Expr::IsNull(Box::new(self.node()), true))
    }

    /// Between two values, both included.
    fn between<A, B>(self, low: A, high: B) -> Same<Self, <Self::T as Value>::Lift<bool>>
    where
        A: Operand<Base<Self>, S = ()>,
        B: Operand<Base<Self>, S = ()>,
    {
        Expr::new(ir::Expr::Between(Box::new((self.node(), low.ir(), high.ir())), <Self::T as Value>::TYPE))
    }

    /// One of the values of a list, or of a query of one column. False for an empty list.
    fn in_(self, list: impl InOperand<Base<Self>>) -> Same<Self, <Self::T as Value>::Lift<bool>> {
        Expr::new(list.test(self.node(), false))
    }

    /// None of the values of a list, or of a query of one column. True for an empty list.
    fn not_in(self, list: impl InOperand<Base<Self>>) -> Same<Self, <Self::T as Value>::Lift<bool>> {
        Expr::new(list.test(self.node(), true))
    }

    /// This value, or the other where this is NULL.
    fn coalesce<R>(
        self,
        right: R,
    ) -> Expr<
        <R::T as Value>::Lift<Base<Self>>,
        Uni<Self::S, R::S>,
        And<Self::N, R::N>,
        <Self::K as Mix<R::K>>::Out,
    >
    where
        R: Operand<Base<Self>>,
        Self::S: Union<R::S>,
        Self::N: Plus<R::N>,
        Self::K: Mix<R::K>,
    {
        Expr::new(ir::Expr::Func(Func::Coalesce, vec![self.node(), right.ir()]))
    }

    /// The text followed by the other.
    fn concat<R>(self, right: R) -> With<Self, R, String>
    where
        Base<Self>: Textual,
        R: Operand<Base<Self>>,
        Self::S: Union<R::S>,
        Self::N: Plus<R::N>,
        Self::K: Mix<R::K>,
    {
        Expr::new(ir::Expr::binary(BinaryOp::Concat, self.node(), right.ir(), DbType::Text))
    }

    /// The text in lower case (of ASCII letters at least).
    fn lower(self) -> Same<Self, Self::T>
    where
        Base<Self>: Textual,
    {
        Expr::new(ir::Expr::Func(Func::Lower, vec![self.node()]))
    }

    /// The text in upper case (of ASCII letters at least).
    fn upper(self) -> Same<Self, Self::T>
    where
        Base<Self>: Textual,
    {
        Expr::new(ir::Expr::Func(Func::Upper, vec![self.node()]))
    }

    /// The text without spaces at both ends.
    fn trim(self) -> Same<Self, Self::T>
    where
        Base<Self>: Textual,
    {
        Expr::new(ir::Expr::Func(Func::Trim, vec![self.node()]))
    }

    /// The length in characters.
    fn char_length(self) -> Same<Self, <Self::T as Value>::Lift<i64>>
    where
        Base<Self>: Textual,
    {
        Expr::new(ir::Expr::Func(Func::CharLength, vec![self.node()]))
    }

    /// Part of the text: `length` characters from the character `start` on, counted from 1.
    fn substring(self, start: i64, length: i64) -> Same<Self, Self::T>
    where
        Base<Self>: Textual,
    {
        let number = |value: i64| ir::Expr::Value(Scalar::encode(value), DbType::I64);
        Expr::new(ir::Expr::Func(Func::Substring, vec![self.node(), number(start), number(length)]))
    }

    /// The text with every occurrence of `from` replaced.
    fn replace(self, from: &str, to: &str) -> Same<Self, Self::T>
    where
        Base<Self>: Textual,
    {
        let text = |value: &str| ir::Expr::Value(Scalar::encode(value.to_owned()), DbType::Text);
        Expr::new(ir::Expr::Func(Func::Replace, vec![self.node(), text(from), text(to)]))
    }

    /// NULL where the value equals the other, else the value.
    fn null_if<R>(
        self,
        right: R,
    ) -> Expr<<Self::T as Value>::Nullable, Uni<Self::S, R::S>, And<Self::N, R::N>, <Self::K as Mix<R::K>>::Out>
    where
        R: Operand<Base<Self>>,
        Self::S: Union<R::S>,
        Self::N: Plus<R::N>,
        Self::K: Mix<R::K>,
    {
        Expr::new(ir::Expr::Func(Func::NullIf, vec![self.node(), right.ir()]))
    }

    /// Rounded to `digits` digits behind the point, halves away from zero.
    fn round(self, digits: u8) -> Same<Self, Self::T>
    where
        Base<Self>: Number,
    {
        let digits = ir::Expr::Value(Scalar::encode(i64::from(digits)), DbType::I64);
        Expr::new(ir::Expr::Func(Func::Round, vec![self.node(), digits]))
    }

    /// The absolute value.
    fn abs(self) -> Same<Self, Self::T>
    where
        Base<Self>: Number,
    {
        Expr::new(ir::Expr::Func(Func::Abs, vec![self.node()]))
    }

    /// The value converted to another type; NULL stays NULL.
    fn cast<X: Scalar>(self) -> Same<Self, <Self::T as Value>::Lift<X>> {
        Expr::new(ir::Expr::Cast(Box::new(self.node()), <X as Scalar>::TYPE))
    }

    /// How many values are not NULL; 0 over no rows.
    fn count(self) -> Total<Self, i64>
    where
        Self: ExprOps<K = Row>,
    {
        aggregate(AggFunc::Count, self.node(), false, <Self::T as Value>::TYPE)
    }

    /// How many different values there are, NULL not counted.
    fn count_distinct(self) -> Total<Self, i64>
    where
        Self: ExprOps<K = Row>,
    {
        aggregate(AggFunc::Count, self.node(), true, <Self::T as Value>::TYPE)
    }

    /// The sum; `None` over no rows.
    fn sum(self) -> Total<Self, Option<<Base<Self> as Number>::Sum>>
    where
        Self: ExprOps<K = Row>,
        Base<Self>: Number,
    {
        aggregate(AggFunc::Sum, self.node(), false, <Self::T as Value>::TYPE)
    }

    /// The arithmetic mean; `None` over no rows.
    fn avg(self) -> Total<Self, Option<<Base<Self> as Number>::Avg>>
    where
        Self: ExprOps<K = Row>,
        Base<Self>: Number,
    {
        aggregate(AggFunc::Avg, self.node(), false, <Self::T as Value>::TYPE)
    }

    /// The smallest value; `None` over no rows.
    fn min(self) -> Total<Self, Option<Base<Self>>>
    where
        Self: ExprOps<K = Row>,
    {
        aggregate(AggFunc::Min, self.node(), false, <Self::T as Value>::TYPE)
    }

    /// The largest value; `None` over no rows.
    fn max(self) -> Total<Self, Option<Base<Self>>>
    where
        Self: ExprOps<K = Row>,
    {
        aggregate(AggFunc::Max, self.node(), false, <Self::T as Value>::TYPE)
    }

    /// Smallest first; NULLs come first.
    fn asc(self) -> Ordering<Self::S, Self::N, Self::K> {
        Ordering::new(self.node(), Direction::Asc, <Self::T as Value>::TYPE)
    }

    /// Largest first; NULLs come last.
    fn desc(self) -> Ordering<Self::S, Self::N, Self::K> {
        Ordering::new(self.node(), Direction::Desc, <Self::T as Value>::TYPE)
    }

    /// Minus the value.
    fn negate(self) -> Same<Self, Self::T>
    where
        Base<Self>: Number,
    {
        Expr::new(ir::Expr::Unary(UnaryOp::Neg, Box::new(self.node()), <Self::T as Value>::TYPE))
    }
}

fn same<B: Scalar, S, N, K>(op: BinaryOp, left: ir::Expr, right: Option<B>) -> Expr<bool, S, N, K> {
    Expr::new(ir::Expr::binary(
        op,
        left,
        ir::Expr::Value(Value::encode(right), <B as Scalar>::TYPE),
        <B as Scalar>::TYPE,
    ))
}

fn aggregate<T, S, N>(func: AggFunc, arg: ir::Expr, distinct: bool, ty: DbType) -> Expr<T, S, N, Aggregate> {
    Expr::new(ir::Expr::Aggregate {
        func,
        arg: Some(Box::new(arg)),
        distinct,
        ty,
        filter: None,
        order: Vec::new(),
    })
}

impl<S: Named, T: Value> ExprOps for Column<S, T> {
    type T = T;
    type S = S;
    type N = ();
    type K = Row;
    #[inline]
    fn node(self) -> ir::Expr {
        ir::Expr::Column(self.column_ref())
    }
}

impl<T: Value, S, N: Needs, K> ExprOps for Expr<T, S, N, K> {
    type T = T;
    type S = S;
    type N = N;
    type K = K;
    #[inline]
    fn node(self) -> ir::Expr {
        self.into_ir()
    }
}

/// How aggregates in the database's own language end, and how they do with a filter behind.
const ENDS: [(&str, &str); 5] = [
    (")", ") FILTER (WHERE "),
    (" ASC NULLS FIRST)", " ASC NULLS FIRST) FILTER (WHERE "),
    (" ASC NULLS LAST)", " ASC NULLS LAST) FILTER (WHERE "),
    (" DESC NULLS FIRST)", " DESC NULLS FIRST) FILTER (WHERE "),
    (" DESC NULLS LAST)", " DESC NULLS LAST) FILTER (WHERE "),
];

fn filtered(pieces: &[&'static str]) -> Option<&'static str> {
    let last = pieces.last()?;
    ENDS.iter().find(|(end, _)| end == last).map(|(_, filtered)| *filtered)
}

fn is_filtered(pieces: &[&'static str]) -> bool {
    let before = pieces.len().checked_sub(2).map(|place| pieces[place]);
    before.is_some_and(|before| ENDS.iter().any(|(_, filtered)| *filtered == before))
}

impl<T: Value, S, N: Needs> Expr<T, S, N, Aggregate> {
    /// Aggregates only the rows for which the condition is true: `Post::id.count().filter_where(Post::score.gt(3))`.
    pub fn filter_where<C>(self, condition: C) -> Expr<T, Uni<S, C::S>, And<N, C::N>, Aggregate>
    where
        C: ExprOps<K = Row>,
        C::T: super::Predicate,
        S: Union<C::S>,
        N: Plus<C::N>,
    {
        let mut node = self.into_ir();
        match &mut node {
            ir::Expr::Aggregate { filter, .. } => {
                let earlier = filter.take().map(|filter| *filter);
                *filter = Some(Box::new(ir::Expr::and(earlier, condition.node())));
            }
            ir::Expr::Raw(pieces, args) if is_filtered(pieces) => {
                let earlier = args.pop();
                args.push(ir::Expr::and(earlier, condition.node()));
            }
            ir::Expr::Raw(pieces, args) if filtered(pieces).is_some() => {
                let filtered = filtered(pieces);
                pieces.pop();
                pieces.extend(filtered);
                pieces.push(")");
                args.push(condition.node());
            }
            _ => {
                let error = Error::new(ErrorKind::Usage, "only an aggregate itself takes `filter_where`")
                    .with_hint("call it before the aggregate becomes part of another expression");
                node = ir::Expr::Value(Datum::invalid(error), DbType::Bool);
            }
        }
        Expr::new(node)
    }
}
