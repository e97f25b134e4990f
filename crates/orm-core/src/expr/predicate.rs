//! Conditions and orders, as a query takes them.

use std::marker::PhantomData;

use super::kind::PerRow;
use super::scope::InScope;
use super::{Column, Expr, ExprOps};
use crate::ir::{self, Direction, Nulls, Order};
use crate::model::Named;
use crate::query::ListNeeds;
use crate::value::{ColumnType, Value};

/// The type of a condition: `bool`, or `Option<bool>` where NULL can result.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::expr::Predicate;
/// /// Takes conditions that may be NULL and those that never are.
/// fn both_true<P: Predicate>(left: Expr<P, User>, right: Expr<P, User>) -> Expr<P, User> {
///     all_of([left, right])
/// }
/// let grown = both_true(User::age.ge(18), User::age.le(30));
/// assert_eq!(User::filter(grown).count(&db).await?, 1);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "a condition is wanted here, not a value of type `{Self}`",
    label = "not a condition",
    note = "compare it: `.eq(..)`, `.gt(..)`, `.is_null()` …"
)]
pub trait Predicate: Value<Base = bool> {}
impl Predicate for bool {}
impl Predicate for Option<bool> {}

/// A condition on the rows of the scope `Q`, needing `N` of the database. `I` and `N` are inferred.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::expr::{Condition, Only};
/// async fn how_many<I>(condition: impl Condition<Only<User>, I, ()>, db: &Sqlite) -> Result<u64> {
///     User::filter(condition).count(db).await
/// }
/// assert_eq!(how_many(User::active, &db).await?, 3);
/// assert_eq!(how_many(User::age.gt(30), &db).await?, 1);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a condition",
    label = "expected a comparison such as `User::age.ge(18)`"
)]
pub trait Condition<Q, I, N> {
    /// The IR.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::expr::{Condition, Only};
    /// use orm::ir;
    /// let node = Condition::<Only<User>, _, _>::condition(User::age.gt(30));
    /// assert!(matches!(node, ir::Expr::Binary(ir::BinaryOp::Gt, ..)));
    /// ```
    fn condition(self) -> ir::Expr;
}

impl<P: Predicate, S, N, K: PerRow, Q, I> Condition<Q, I, N> for Expr<P, S, N, K>
where
    S: InScope<Q, I>,
{
    fn condition(self) -> ir::Expr {
        self.into_ir()
    }
}

impl<P: Predicate, S: Named, Q, I> Condition<Q, I, ()> for Column<S, P>
where
    S: InScope<Q, I>,
{
    fn condition(self) -> ir::Expr {
        self.node()
    }
}

/// A key of an order: made by `.asc()` and `.desc()`.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::expr::Ordering;
/// use orm::expr::kind::Row;
/// fn newest() -> Ordering<Post, (), Row> {
///     Post::id.desc()
/// }
/// assert_eq!(Post::query().order_by(newest()).select(Post::title).first(&db).await?, Some("Hello".to_owned()));
/// # Ok(()) }
/// ```
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
    pub(super) fn new(expr: ir::Expr, direction: Direction, ty: ColumnType) -> Self {
        Ordering { order: Order { expr, direction, nulls: None, ty }, marker: PhantomData }
    }

    /// NULLs before all values.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let names = User::query().order_by(User::age.desc().nulls_first()).select(User::name).all(&db).await?;
    /// assert_eq!(names, ["Bob", "Ada", "Cid"]);
    /// # Ok(()) }
    /// ```
    pub fn nulls_first(mut self) -> Self {
        self.order.nulls = Some(Nulls::First);
        self
    }

    /// NULLs after all values.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let names = User::query().order_by(User::age.asc().nulls_last()).select(User::name).all(&db).await?;
    /// assert_eq!(names, ["Cid", "Ada", "Bob"]);
    /// # Ok(()) }
    /// ```
    pub fn nulls_last(mut self) -> Self {
        self.order.nulls = Some(Nulls::Last);
        self
    }

    /// The IR.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_core::ir::Direction;
    /// assert_eq!(User::age.desc().into_order().direction, Direction::Desc);
    /// ```
    pub fn into_order(self) -> Order {
        self.order
    }
}

/// One key of an order or a tuple of them, over the scope `Q`, needing `N` of the database. `I` and `N` are inferred.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::expr::{IntoOrder, Only};
/// fn sorted<I>(order: impl IntoOrder<Only<User>, I, ()>) -> Query<User> {
///     User::query().order_by(order)
/// }
/// assert_eq!(sorted(User::name.desc()).all(&db).await?[0].name, "Cid");
/// assert_eq!(sorted((User::active.asc(), User::name.asc())).all(&db).await?[0].name, "Ada");
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an order",
    label = "expected `column.asc()` or `column.desc()`, or a tuple of them"
)]
pub trait IntoOrder<Q, I, N> {
    /// Appends the keys.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::expr::{IntoOrder, Only};
    /// let mut keys = Vec::new();
    /// IntoOrder::<Only<User>, _, _>::orders((User::age.desc(), User::id.asc()), &mut keys);
    /// assert_eq!(keys.len(), 2);
    /// ```
    fn orders(self, out: &mut Vec<Order>);
}

impl<S, N, K, Q, I> IntoOrder<Q, I, N> for Ordering<S, N, K>
where
    S: InScope<Q, I>,
{
    fn orders(self, out: &mut Vec<Order>) {
        out.push(self.order);
    }
}

macro_rules! nest {
    () => { () };
    ($head:ident $($tail:ident)*) => { ($head, nest!($($tail)*)) };
}

macro_rules! tuples {
    ($($($name:ident $index:ident $needs:ident $var:ident),+;)*) => {$(
        impl<Q, $($name, $index, $needs),+>
            IntoOrder<Q, ($(($index, $needs),)+), <nest!($($needs)+) as ListNeeds>::Out> for ($($name,)+)
        where
            nest!($($needs)+): ListNeeds,
            $($name: IntoOrder<Q, $index, $needs>),+
        {
            fn orders(self, out: &mut Vec<Order>) {
                let ($($var,)+) = self;
                $($var.orders(out);)+
            }
        }
    )*};
}
tuples! {
    A I N a;
    A I N a, B J O b;
    A I N a, B J O b, C K P c;
    A I N a, B J O b, C K P c, D L R d;
}
