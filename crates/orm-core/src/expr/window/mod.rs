//! Window functions: `row_number().over(window().partition_by(Post::author_id).order_by(Post::score.desc()))`.
//!
//! Types hold what databases do silently or refuse late: a rank needs an order, and an aggregate over an ordered window
//! must say which rows it sees. SQL has a default for the latter (up to the current row *and its equals*) that few expect.

mod functions;

use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

use super::kind::{Const, Mix, Windowed};
use super::scope::{Uni, Union};
use super::{Expr, ExprOps, Ordering};
use crate::backend::{And, Needs, Plus};
use crate::error::{Error, ErrorKind};
use crate::ir::{self, Frame, Order, WindowCall, WindowFunc};

pub use functions::{Framed, OrderedFunc, WindowOps, dense_rank, rank, row_number};

/// How many rows away a window can look.
const FURTHEST: i64 = i32::MAX as i64;

type Mixed<A, B> = <A as Mix<B>>::Out;
type Kind<A, B> = <Mixed<A, B> as Windowed>::Out;

/// The rows around a row: a partition, an order in it, and which of the rows are seen. Made by [`window`].
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// // A window can be used more than once.
/// let by_author = window().partition_by(Post::author_id).order_by(Post::score.desc());
/// let query = Post::query().order_by(Post::id.asc());
/// let rows = query.select((Post::title, rank().over(by_author.clone()), Post::title.lag(1).over(by_author)));
/// let notes = ("Notes".to_owned(), 1, None);
/// assert_eq!(rows.all(&db).await?[1], notes);
/// # Ok(()) }
/// ```
pub struct Window<S = (), N = (), K = Const, O = Unordered, F = Whole> {
    partition: Vec<ir::Expr>,
    order: Vec<Order>,
    frame: Option<Frame>,
    fault: Option<&'static str>,
    marker: PhantomData<fn() -> (S, N, K, O, F)>,
}

/// A window without an order.
///
/// ```
/// use orm::expr::window;
/// let _: orm::expr::Window<(), (), orm::expr::kind::Const, orm::expr::Unordered> = window();
/// ```
#[derive(Debug)]
pub struct Unordered;
/// A window with an order.
///
/// ```
/// use orm::expr::{HasOrder, Ordered};
/// fn ordered<O: HasOrder>() {}
/// ordered::<Ordered>();
/// ```
#[derive(Debug)]
pub struct Ordered;
/// A window whose functions see the whole partition.
///
/// ```
/// use orm::expr::{KnowsRows, Unordered, Whole};
/// fn clear<W: KnowsRows>() {}
/// clear::<(Unordered, Whole)>();
/// ```
#[derive(Debug)]
pub struct Whole;
/// A window whose functions see some rows of the partition.
///
/// ```
/// use orm::expr::{KnowsRows, Ordered, Rows};
/// fn clear<W: KnowsRows>() {}
/// clear::<(Ordered, Rows)>();
/// ```
#[derive(Debug)]
pub struct Rows;

/// A window that has an order.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::{HasOrder, Window};
/// fn in_order<S, N, K, O: HasOrder, F>(_: &Window<S, N, K, O, F>) {}
/// in_order(&window().order_by(Post::id.asc()));
/// ```
#[diagnostic::on_unimplemented(
    message = "this window function needs an order",
    label = "the rows of this window are in no order",
    note = "say `window().order_by(..)`"
)]
pub trait HasOrder {}
impl HasOrder for Ordered {}

/// A window of which it is clear what rows an aggregate sees.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// // Without an order it is all of them; with an order, say which.
/// let all = Post::score.sum().over(window());
/// let so_far = Post::score.sum().over(window().order_by(Post::id.asc()).rows(..=0));
/// let rows = Post::query().order_by(Post::id.asc()).select((all, so_far)).all(&db).await?;
/// assert_eq!(rows, [(Some(9), Some(3)), (Some(9), Some(8)), (Some(9), Some(9))]);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "which rows of the ordered window does this see?",
    label = "the window has an order and does not say which rows",
    note = "say `.rows(..=0)` for those up to the current row, `.rows(..)` for all, `.rows(-2..=0)` for three"
)]
pub trait KnowsRows {}
impl KnowsRows for (Unordered, Whole) {}
impl KnowsRows for (Ordered, Rows) {}

/// All rows of the query, in no order.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let share = Post::score.cast::<f64>() / Post::score.sum().over(window()).cast::<f64>();
/// let rows = Post::query().order_by(Post::id.asc()).select(share).all(&db).await?;
/// assert_eq!(rows[0], Some(3.0 / 9.0));
/// # Ok(()) }
/// ```
pub fn window() -> Window {
    Window { partition: Vec::new(), order: Vec::new(), frame: None, fault: None, marker: PhantomData }
}

impl<S, N, K, O, F> Clone for Window<S, N, K, O, F> {
    fn clone(&self) -> Self {
        let Window { partition, order, frame, fault, .. } = self;
        Window {
            partition: partition.clone(),
            order: order.clone(),
            frame: *frame,
            fault: *fault,
            marker: PhantomData,
        }
    }
}

impl<S, N, K, O, F> std::fmt::Debug for Window<S, N, K, O, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Window { partition, order, frame, .. } = self;
        f.debug_struct("Window")
            .field("partition", partition)
            .field("order", order)
            .field("frame", frame)
            .finish()
    }
}

impl<S, N, K, O, F> Window<S, N, K, O, F> {
    fn retype<S2, N2, K2, O2, F2>(self) -> Window<S2, N2, K2, O2, F2> {
        let Window { partition, order, frame, fault, .. } = self;
        Window { partition, order, frame, fault, marker: PhantomData }
    }

    /// Rows that have this value (or these values, as a tuple) in common form a window of their own.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let of_author = Post::score.max().over(window().partition_by(Post::author_id));
    /// let rows = Post::query().order_by(Post::id.asc()).select((Post::score, of_author)).all(&db).await?;
    /// assert_eq!(rows, [(3, Some(5)), (5, Some(5)), (1, Some(1))]);
    /// # Ok(()) }
    /// ```
    pub fn partition_by<P>(mut self, keys: P) -> Window<Uni<S, P::S>, And<N, P::N>, Mixed<K, P::K>, O, F>
    where
        P: WindowKeys,
        S: Union<P::S>,
        N: Plus<P::N>,
        K: Mix<P::K>,
    {
        keys.keys(&mut self.partition);
        self.retype()
    }

    /// The order of the rows within a partition; a tuple orders by several keys.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let place = rank().over(window().order_by(Post::score.desc()));
    /// assert_eq!(Post::query().order_by(Post::id.asc()).select(place).all(&db).await?, [2, 1, 3]);
    /// # Ok(()) }
    /// ```
    pub fn order_by<R>(mut self, order: R) -> Window<Uni<S, R::S>, And<N, R::N>, Mixed<K, R::K>, Ordered, F>
    where
        R: WindowOrder,
        S: Union<R::S>,
        N: Plus<R::N>,
        K: Mix<R::K>,
    {
        order.keys(&mut self.order);
        self.retype()
    }

    /// The rows that are seen, counted from the current one: `..=0` up to it, `-2..=0` it and the two before, `..` all.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let two = Post::score.sum().over(window().order_by(Post::id.asc()).rows(-1..=0));
    /// let rows = Post::query().order_by(Post::id.asc()).select(two).all(&db).await?;
    /// assert_eq!(rows, [Some(3), Some(8), Some(6)]);
    /// # Ok(()) }
    /// ```
    pub fn rows(mut self, range: impl RangeBounds<i64>) -> Window<S, N, K, O, Rows>
    where
        O: HasOrder,
    {
        let start = match range.start_bound() {
            Bound::Included(start) => Some(*start),
            Bound::Excluded(start) => start.checked_add(1),
            Bound::Unbounded => None,
        };
        let end = match range.end_bound() {
            Bound::Included(end) => Some(*end),
            Bound::Excluded(end) => end.checked_sub(1),
            Bound::Unbounded => None,
        };
        // Databases count rows in 32 bits, and no partition has as many: further on is to its end.
        let start = start.filter(|start| *start > -FURTHEST).map(|start| start.min(FURTHEST));
        let end = end.filter(|end| *end < FURTHEST).map(|end| end.max(-FURTHEST));
        if start.zip(end).is_some_and(|(start, end)| start > end) {
            self.fault = Some("the window sees no rows: its range is empty");
        }
        self.frame = Some(Frame { start, end });
        self.retype()
    }

    fn call<T, S2, N2, K2>(self, func: WindowFunc, arg: Option<ir::Expr>) -> Expr<T, S2, N2, K2> {
        Expr::new(match self.fault {
            Some(fault) => ir::Expr::invalid(Error::new(ErrorKind::Usage, fault)),
            None => {
                let Window { partition, order, frame, .. } = self;
                ir::Expr::Window(Box::new(WindowCall { func, arg, partition, order, frame }))
            }
        })
    }
}

/// What rows of a partition have in common: a column, an expression, or a tuple of up to four.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::WindowKeys;
/// let mut keys = Vec::new();
/// (Post::author_id, Post::score).keys(&mut keys);
/// assert_eq!(keys.len(), 2);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot part the rows of a window",
    label = "expected a column or expression, or a tuple of up to four"
)]
pub trait WindowKeys {
    /// The models that are mentioned.
    type S;
    /// The capabilities that are needed.
    type N: Needs;
    /// The kind.
    type K;
    /// Appends the keys.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::expr::WindowKeys;
    /// let mut keys = Vec::new();
    /// Post::author_id.keys(&mut keys);
    /// assert_eq!(keys.len(), 1);
    /// ```
    fn keys(self, out: &mut Vec<ir::Expr>);
}

impl<E: ExprOps> WindowKeys for E {
    type S = E::S;
    type N = E::N;
    type K = E::K;
    fn keys(self, out: &mut Vec<ir::Expr>) {
        out.push(self.node());
    }
}

/// The order of a window: `column.asc()`, `column.desc()`, or a tuple of up to four.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::WindowOrder;
/// let mut keys = Vec::new();
/// (Post::score.desc(), Post::id.asc()).keys(&mut keys);
/// assert_eq!(keys.len(), 2);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an order",
    label = "expected `column.asc()` or `column.desc()`, or a tuple of up to four"
)]
pub trait WindowOrder {
    /// The models that are mentioned.
    type S;
    /// The capabilities that are needed.
    type N: Needs;
    /// The kind.
    type K;
    /// Appends the keys.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::expr::WindowOrder;
    /// let mut keys = Vec::new();
    /// Post::score.desc().keys(&mut keys);
    /// assert_eq!(keys.len(), 1);
    /// ```
    fn keys(self, out: &mut Vec<Order>);
}

impl<S, N: Needs, K> WindowOrder for Ordering<S, N, K> {
    type S = S;
    type N = N;
    type K = K;
    fn keys(self, out: &mut Vec<Order>) {
        out.push(self.into_order());
    }
}

macro_rules! tuples {
    ($trait:ident $item:ty; $($head:ident $first:ident, $($tail:ident $var:ident),*;)*) => {$(
        impl<$head: $trait, $($tail: $trait),*> $trait for ($head, $($tail),*)
        where
            ($($tail,)*): $trait,
            $head::S: Union<<($($tail,)*) as $trait>::S>,
            $head::N: Plus<<($($tail,)*) as $trait>::N>,
            $head::K: Mix<<($($tail,)*) as $trait>::K>,
        {
            type S = Uni<$head::S, <($($tail,)*) as $trait>::S>;
            type N = And<$head::N, <($($tail,)*) as $trait>::N>;
            type K = Mixed<$head::K, <($($tail,)*) as $trait>::K>;
            fn keys(self, out: &mut Vec<$item>) {
                let ($first, $($var),*) = self;
                $first.keys(out);
                ($($var,)*).keys(out);
            }
        }
    )*};
}
macro_rules! single {
    ($trait:ident $item:ty) => {
        impl<A: $trait> $trait for (A,) {
            type S = A::S;
            type N = A::N;
            type K = A::K;
            fn keys(self, out: &mut Vec<$item>) {
                self.0.keys(out);
            }
        }
    };
}
single!(WindowKeys ir::Expr);
single!(WindowOrder Order);
tuples! { WindowKeys ir::Expr; A a, B b; A a, B b, C c; A a, B b, C c, D d; }
tuples! { WindowOrder Order; A a, B b; A a, B b, C c; A a, B b, C c, D d; }
