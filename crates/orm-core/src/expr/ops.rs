//! The verbs of every typed expression.

use super::kind::{Aggregate, Mix, Row};
use super::scope::{Uni, Union};
use super::{Column, Expr, InOperand, NotInOperand, Operand, Ordering};
use crate::backend::capabilities::Regex;
use crate::backend::{And, Needs, Plus};
use crate::error::{Error, ErrorKind};
use crate::ir::{self, AggFunc, BinaryOp, Direction, Func, LikeOp, UnaryOp};
use crate::model::Named;
use crate::value::{ColumnType, Number, Scalar, Textual, Value};

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
        ///
        /// ```
        /// # use orm_guide::prelude::*;
        /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
        /// // The scores are 1, 3 and 5.
        /// let count = async |condition| Post::filter(condition).count(&db).await;
        /// assert_eq!((count(Post::score.eq(3)).await?, count(Post::score.ne(3)).await?), (1, 2));
        /// assert_eq!((count(Post::score.lt(3)).await?, count(Post::score.le(3)).await?), (1, 2));
        /// assert_eq!((count(Post::score.gt(3)).await?, count(Post::score.ge(3)).await?), (1, 2));
        /// // Bob has no age: he is neither 36 nor different from 36.
        /// assert_eq!(User::filter(User::age.ne(36)).count(&db).await?, 1);
        /// # Ok(()) }
        /// ```
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
        ///
        /// ```
        /// # use orm_guide::prelude::*;
        /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
        /// // The titles are `Engines`, `Notes` and `Hello`.
        /// let count = async |condition| Post::filter(condition).count(&db).await;
        /// assert_eq!((count(Post::title.contains("gin")).await?, count(Post::title.contains("%")).await?), (1, 0));
        /// assert_eq!((count(Post::title.starts_with("No")).await?, count(Post::title.ends_with("es")).await?), (1, 2));
        /// assert_eq!((count(Post::title.like("_o%")).await?, count(Post::title.like("h%")).await?), (1, 0));
        /// assert_eq!((count(Post::title.ilike("h%")).await?, count(Post::title.icontains("N")).await?), (1, 2));
        /// assert_eq!((count(Post::title.istarts_with("n")).await?, count(Post::title.iends_with("ES")).await?), (1, 2));
        /// # Ok(()) }
        /// ```
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
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let old = User::age.ge(18) & User::name.starts_with("A");
/// let next_age = User::age + 1;
/// assert_eq!(User::filter(old).select(next_age).one(&db).await?, Some(37));
/// # Ok(()) }
/// ```
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
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::ir;
    /// let node = User::age.node();
    /// assert!(matches!(node, ir::Expr::Column(column) if column.source.model.name == "User"));
    /// # let _ = db;
    /// # Ok(()) }
    /// ```
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
    matching! {
        /// Starts with the text literally; the case of ASCII letters does not matter.
        istarts_with StartsWith true;
    }
    matching! {
        /// Ends with the text literally; the case of ASCII letters does not matter.
        iends_with EndsWith true;
    }

    /// Part of the text matches the regular expression, in the database's own dialect; case matters.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let query = User::query().filter(User::email.matches_regex("^a.*@"));
    /// // SQLite has no regular expressions: `query.all(&db)` does not compile.
    /// let error = query.dynamic().all(&db).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Unsupported);
    /// # Ok(()) }
    /// ```
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
            pattern: Box::new(ir::Expr::Value(Scalar::encode(pattern.into()), ColumnType::Text)),
            insensitive: false,
        })
    }

    /// Equal, with `None` equal to NULL; never NULL itself.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::filter(User::age.eq_or_null(36)).count(&db).await?, 1);
    /// assert_eq!(User::filter(User::age.eq_or_null(None)).count(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    fn eq_or_null(self, right: impl Into<Option<Base<Self>>>) -> Same<Self, bool> {
        same(BinaryOp::IsSame, self.node(), right.into())
    }

    /// Not equal, with `None` equal to NULL; never NULL itself.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::filter(User::age.ne_or_null(36)).count(&db).await?, 2);
    /// assert_eq!(User::filter(User::age.ne_or_null(None)).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    fn ne_or_null(self, right: impl Into<Option<Base<Self>>>) -> Same<Self, bool> {
        same(BinaryOp::IsNotSame, self.node(), right.into())
    }

    /// Whether the value is NULL.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ageless = User::filter(User::age.is_null()).one(&db).await?;
    /// assert_eq!(ageless.name, "Bob");
    /// # Ok(()) }
    /// ```
    fn is_null(self) -> Same<Self, bool> {
        Expr::new(ir::Expr::IsNull(Box::new(self.node()), false))
    }

    /// Whether the value is not NULL.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::filter(User::age.is_not_null()).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    fn is_not_null(self) -> Same<Self, bool> {
        Expr::new(ir::Expr::IsNull(Box::new(self.node()), true))
    }

    /// Between two values, both included.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(Post::filter(Post::score.between(1, 3)).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    fn between<A, B>(self, low: A, high: B) -> Same<Self, <Self::T as Value>::Lift<bool>>
    where
        A: Operand<Base<Self>, S = ()>,
        B: Operand<Base<Self>, S = ()>,
    {
        Expr::new(ir::Expr::Between(Box::new((self.node(), low.ir(), high.ir())), <Self::T as Value>::TYPE))
    }

    /// One of the values of a list, or of a query of one column. False for an empty list.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::filter(User::name.in_(["Ada", "Cid"])).count(&db).await?, 2);
    ///
    /// let authors = Post::filter(Post::score.gt(2)).select(Post::author_id);
    /// assert_eq!(User::filter(User::id.in_(authors)).count(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    fn in_<X: Needs>(
        self,
        list: impl InOperand<Base<Self>, X>,
    ) -> Expr<<Self::T as Value>::Lift<bool>, Self::S, And<Self::N, X>, Self::K>
    where
        Self::N: Plus<X>,
    {
        Expr::new(list.test(self.node(), false))
    }

    /// None of the values of a list, or of a query of one column that is never NULL. True for an empty list.
    ///
    /// Beside a NULL SQL knows of no value that it is not in the list, so `NOT IN` would be true for no row: leave NULLs out of the
    /// query with [`not_null`](crate::query::Query::not_null).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::filter(User::name.not_in(["Ada", "Cid"])).count(&db).await?, 1);
    /// assert_eq!(User::filter(User::name.not_in(Vec::<String>::new())).count(&db).await?, 3);
    /// # Ok(()) }
    /// ```
    fn not_in<X: Needs>(
        self,
        list: impl NotInOperand<Base<Self>, X>,
    ) -> Expr<<Self::T as Value>::Lift<bool>, Self::S, And<Self::N, X>, Self::K>
    where
        Self::N: Plus<X>,
    {
        Expr::new(list.test(self.node(), true))
    }

    /// This value, or the other where this is NULL.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ages = User::query().order_by(User::id.asc()).select(User::age.coalesce(0)).all(&db).await?;
    /// assert_eq!(ages, [36, 0, 20]);
    /// # Ok(()) }
    /// ```
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
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let label = User::name.concat(" <").concat(User::email).concat(">");
    /// assert_eq!(User::find_many([1]).select(label).one(&db).await?, "Ada <ada@example.org>");
    /// # Ok(()) }
    /// ```
    fn concat<R>(self, right: R) -> With<Self, R, String>
    where
        Base<Self>: Textual,
        R: Operand<Base<Self>>,
        Self::S: Union<R::S>,
        Self::N: Plus<R::N>,
        Self::K: Mix<R::K>,
    {
        Expr::new(ir::Expr::binary(BinaryOp::Concat, self.node(), right.ir(), ColumnType::Text))
    }

    /// The text in lower case (of ASCII letters at least).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::filter(User::name.lower().eq("ada")).count(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    fn lower(self) -> Same<Self, Self::T>
    where
        Base<Self>: Textual,
    {
        Expr::new(ir::Expr::Func(Func::Lower, vec![self.node()]))
    }

    /// The text in upper case (of ASCII letters at least).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::find_many([1]).select(User::name.upper()).one(&db).await?, "ADA");
    /// # Ok(()) }
    /// ```
    fn upper(self) -> Same<Self, Self::T>
    where
        Base<Self>: Textual,
    {
        Expr::new(ir::Expr::Func(Func::Upper, vec![self.node()]))
    }

    /// The text without spaces at both ends.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::find_many([1]).select(val("  x ".to_owned()).trim()).one(&db).await?, "x");
    /// # Ok(()) }
    /// ```
    fn trim(self) -> Same<Self, Self::T>
    where
        Base<Self>: Textual,
    {
        Expr::new(ir::Expr::Func(Func::Trim, vec![self.node()]))
    }

    /// The length in characters.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(Post::filter(Post::title.char_length().gt(6)).count(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    fn char_length(self) -> Same<Self, <Self::T as Value>::Lift<i64>>
    where
        Base<Self>: Textual,
    {
        Expr::new(ir::Expr::Func(Func::CharLength, vec![self.node()]))
    }

    /// Part of the text: `length` characters from the character `start` on, counted from 1.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::find_many([1]).select(User::email.substring(5, 7)).one(&db).await?, "example");
    /// # Ok(()) }
    /// ```
    fn substring(self, start: i64, length: i64) -> Same<Self, Self::T>
    where
        Base<Self>: Textual,
    {
        let number = |value: i64| ir::Expr::Value(Scalar::encode(value), ColumnType::I64);
        Expr::new(ir::Expr::Func(Func::Substring, vec![self.node(), number(start), number(length)]))
    }

    /// The text with every occurrence of `from` replaced.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let hidden = User::email.replace("@example.org", "@…");
    /// assert_eq!(User::find_many([1]).select(hidden).one(&db).await?, "ada@…");
    /// # Ok(()) }
    /// ```
    fn replace(self, from: &str, to: &str) -> Same<Self, Self::T>
    where
        Base<Self>: Textual,
    {
        let text = |value: &str| ir::Expr::Value(Scalar::encode(value.to_owned()), ColumnType::Text);
        Expr::new(ir::Expr::Func(Func::Replace, vec![self.node(), text(from), text(to)]))
    }

    /// NULL where the value equals the other, else the value.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ages = User::query().order_by(User::id.asc()).select(User::age.null_if(20)).all(&db).await?;
    /// assert_eq!(ages, [Some(36), None, None]);
    /// # Ok(()) }
    /// ```
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
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::find_many([1]).select(val(2.25).round(1)).one(&db).await?, 2.3);
    /// # Ok(()) }
    /// ```
    fn round(self, digits: u8) -> Same<Self, Self::T>
    where
        Base<Self>: Number,
    {
        let digits = ir::Expr::Value(Scalar::encode(i64::from(digits)), ColumnType::I64);
        Expr::new(ir::Expr::Func(Func::Round, vec![self.node(), digits]))
    }

    /// The absolute value.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(Post::find_many([2]).select((Post::score - 9).abs()).one(&db).await?, 4);
    /// # Ok(()) }
    /// ```
    fn abs(self) -> Same<Self, Self::T>
    where
        Base<Self>: Number,
    {
        Expr::new(ir::Expr::Func(Func::Abs, vec![self.node()]))
    }

    /// The value converted to another type; NULL stays NULL.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let half = Post::score.cast::<f64>() / 2.0;
    /// assert_eq!(Post::find_many([2]).select(half).one(&db).await?, Some(2.5));
    /// # Ok(()) }
    /// ```
    fn cast<X: Scalar>(self) -> Same<Self, <Self::T as Value>::Lift<X>> {
        Expr::new(convert(self.node(), <Self::T as Value>::TYPE, <X as Scalar>::TYPE))
    }

    /// How many values are not NULL; 0 over no rows.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::query().select((count_all(), User::age.count())).one(&db).await?, (3, 2));
    /// # Ok(()) }
    /// ```
    fn count(self) -> Total<Self, i64>
    where
        Self: ExprOps<K = Row>,
    {
        aggregate(AggFunc::Count, self.node(), false, <Self::T as Value>::TYPE)
    }

    /// How many different values there are, NULL not counted.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(Post::query().select(Post::author_id.count_distinct()).one(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    fn count_distinct(self) -> Total<Self, i64>
    where
        Self: ExprOps<K = Row>,
    {
        aggregate(AggFunc::Count, self.node(), true, <Self::T as Value>::TYPE)
    }

    /// The sum; `None` over no rows.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(Post::query().select(Post::score.sum()).one(&db).await?, Some(9));
    /// assert_eq!(Post::filter(Post::score.lt(0)).select(Post::score.sum()).one(&db).await?, None);
    /// # Ok(()) }
    /// ```
    fn sum(self) -> Total<Self, Option<<Base<Self> as Number>::Sum>>
    where
        Self: ExprOps<K = Row>,
        Base<Self>: Number,
    {
        aggregate(AggFunc::Sum, self.node(), false, <Self::T as Value>::TYPE)
    }

    /// The arithmetic mean; `None` over no rows.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(Post::query().select(Post::score.avg()).one(&db).await?, Some(3.0));
    /// # Ok(()) }
    /// ```
    fn avg(self) -> Total<Self, Option<<Base<Self> as Number>::Avg>>
    where
        Self: ExprOps<K = Row>,
        Base<Self>: Number,
    {
        aggregate(AggFunc::Avg, self.node(), false, <Self::T as Value>::TYPE)
    }

    /// The smallest value; `None` over no rows.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::query().select(User::age.min()).one(&db).await?, Some(20));
    /// # Ok(()) }
    /// ```
    fn min(self) -> Total<Self, Option<Base<Self>>>
    where
        Self: ExprOps<K = Row>,
    {
        aggregate(AggFunc::Min, self.node(), false, <Self::T as Value>::TYPE)
    }

    /// The largest value; `None` over no rows.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::query().select(User::name.max()).one(&db).await?, Some("Cid".to_owned()));
    /// # Ok(()) }
    /// ```
    fn max(self) -> Total<Self, Option<Base<Self>>>
    where
        Self: ExprOps<K = Row>,
    {
        aggregate(AggFunc::Max, self.node(), false, <Self::T as Value>::TYPE)
    }

    /// Smallest first; NULLs come first.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let names = User::query().order_by(User::age.asc()).select(User::name).all(&db).await?;
    /// assert_eq!(names, ["Bob", "Cid", "Ada"]);
    /// # Ok(()) }
    /// ```
    fn asc(self) -> Ordering<Self::S, Self::N, Self::K> {
        Ordering::new(self.node(), Direction::Asc, <Self::T as Value>::TYPE)
    }

    /// Largest first; NULLs come last.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let names = User::query().order_by(User::age.desc()).select(User::name).all(&db).await?;
    /// assert_eq!(names, ["Ada", "Cid", "Bob"]);
    /// # Ok(()) }
    /// ```
    fn desc(self) -> Ordering<Self::S, Self::N, Self::K> {
        Ordering::new(self.node(), Direction::Desc, <Self::T as Value>::TYPE)
    }

    /// Minus the value.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(Post::find_many([2]).select(Post::score.negate()).one(&db).await?, -5);
    /// # Ok(()) }
    /// ```
    fn negate(self) -> Same<Self, Self::T>
    where
        Base<Self>: Number,
    {
        Expr::new(ir::Expr::Unary(UnaryOp::Neg, Box::new(self.node()), <Self::T as Value>::TYPE))
    }
}

fn convert(node: ir::Expr, from: ColumnType, to: ColumnType) -> ir::Expr {
    if ir::castable(from, to) {
        return ir::Expr::Cast(Box::new(node), from, to);
    }
    let error = Error::new(
        ErrorKind::Unsupported,
        format!("a conversion from {from:?} to {to:?} has no one meaning"),
    )
    .with_hint("convert the value in the program, or use SQL of your own");
    ir::Expr::invalid(error)
}

fn same<B: Scalar, S, N, K>(op: BinaryOp, left: ir::Expr, right: Option<B>) -> Expr<bool, S, N, K> {
    Expr::new(ir::Expr::binary(
        op,
        left,
        ir::Expr::Value(Value::encode(right), <B as Scalar>::TYPE),
        <B as Scalar>::TYPE,
    ))
}

fn aggregate<T, S, N>(
    func: AggFunc,
    arg: ir::Expr,
    distinct: bool,
    ty: ColumnType,
) -> Expr<T, S, N, Aggregate> {
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
