//! What is computed over a window.

use std::marker::PhantomData;

use super::{FURTHEST, HasOrder, Kind, KnowsRows, Mixed, Whole, Window};
use crate::backend::{And, Needs, Plus};
use crate::error::{Error, ErrorKind};
use crate::expr::kind::{Aggregate, Const, Mix, Row, Windowed};
use crate::expr::scope::{Uni, Union};
use crate::expr::{Expr, ExprOps};
use crate::ir::{self, WindowFunc};
use crate::value::Value;

/// A function that needs an order and sees the whole partition.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::expr::OrderedFunc;
/// let number: OrderedFunc<i64> = row_number();
/// let numbers = Post::query().order_by(Post::id.desc()).select(number.over(window().order_by(Post::id.asc())));
/// assert_eq!(numbers.all(&db).await?, [3, 2, 1]);
/// # Ok(()) }
/// ```
#[must_use = "say over which rows: `.over(window()…)`"]
pub struct OrderedFunc<T, S = (), N = (), K = Const> {
    func: WindowFunc,
    arg: Option<ir::Expr>,
    marker: PhantomData<fn() -> (T, S, N, K)>,
}

/// A function of one row of the frame.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let best = Post::title.first_value().over(window().order_by(Post::score.desc()).rows(..));
/// assert_eq!(Post::query().select(best).first(&db).await?, Some(Some("Notes".to_owned())));
/// # Ok(()) }
/// ```
#[must_use = "say over which rows: `.over(window()…)`"]
pub struct Framed<T, S, N, K> {
    func: WindowFunc,
    arg: ir::Expr,
    marker: PhantomData<fn() -> (T, S, N, K)>,
}

impl<T, S, N, K> std::fmt::Debug for OrderedFunc<T, S, N, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.func.fmt(f)
    }
}

impl<T, S, N, K> std::fmt::Debug for Framed<T, S, N, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.func.fmt(f)
    }
}

/// The row's number in its partition, from 1.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let number = row_number().over(window().partition_by(Post::author_id).order_by(Post::score.desc()));
/// assert_eq!(Post::query().order_by(Post::id.asc()).select(number).all(&db).await?, [2, 1, 1]);
/// # Ok(()) }
/// ```
pub fn row_number() -> OrderedFunc<i64> {
    counting(WindowFunc::RowNumber)
}

/// One more than the number of rows before those that are equal in the order: 1, 2, 2, 4.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let place = rank().over(window().order_by(Post::author_id.asc()));
/// assert_eq!(Post::query().order_by(Post::id.asc()).select(place).all(&db).await?, [1, 1, 3]);
/// # Ok(()) }
/// ```
pub fn rank() -> OrderedFunc<i64> {
    counting(WindowFunc::Rank)
}

/// One more than the number of different places before: 1, 2, 2, 3.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let place = dense_rank().over(window().order_by(Post::author_id.asc()));
/// assert_eq!(Post::query().order_by(Post::id.asc()).select(place).all(&db).await?, [1, 1, 2]);
/// # Ok(()) }
/// ```
pub fn dense_rank() -> OrderedFunc<i64> {
    counting(WindowFunc::DenseRank)
}

fn counting(func: WindowFunc) -> OrderedFunc<i64> {
    OrderedFunc { func, arg: None, marker: PhantomData }
}

impl<T, S, N, K> OrderedFunc<T, S, N, K> {
    /// Over the rows of a window.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// // Over groups as well: the authors by what their posts scored together.
    /// let totals = Post::query().group_by(Post::author_id).select(|author| {
    ///     (author, rank().over(window().order_by(Post::score.sum().desc())))
    /// });
    /// let mut totals = totals.all(&db).await?;
    /// totals.sort();
    /// assert_eq!(totals, [(1, 1), (2, 2)]);
    /// # Ok(()) }
    /// ```
    pub fn over<S2, N2: Needs, K2, O>(
        self,
        window: Window<S2, N2, K2, O, Whole>,
    ) -> Expr<T, Uni<S, S2>, And<N, N2>, Kind<K, K2>>
    where
        O: HasOrder,
        S: Union<S2>,
        N: Plus<N2>,
        K: Mix<K2>,
        Mixed<K, K2>: Windowed,
    {
        window.call(self.func, self.arg)
    }
}

impl<T, S, N, K> Framed<T, S, N, K> {
    /// Over the rows of a window, which has an order and says which rows are seen.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let newest = Post::title.last_value().over(window().order_by(Post::id.asc()).rows(..));
    /// assert_eq!(Post::query().select(newest).first(&db).await?, Some(Some("Hello".to_owned())));
    /// # Ok(()) }
    /// ```
    pub fn over<S2, N2: Needs, K2, O, F>(
        self,
        window: Window<S2, N2, K2, O, F>,
    ) -> Expr<T, Uni<S, S2>, And<N, N2>, Kind<K, K2>>
    where
        O: HasOrder,
        (O, F): KnowsRows,
        S: Union<S2>,
        N: Plus<N2>,
        K: Mix<K2>,
        Mixed<K, K2>: Windowed,
    {
        window.call(self.func, Some(self.arg))
    }
}

impl<T: Value, S, N: Needs> Expr<T, S, N, Aggregate> {
    /// The aggregate of the rows of a window instead of a group: every row keeps its place and has the result beside it.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let running = Post::score.sum().over(window().order_by(Post::id.asc()).rows(..=0));
    /// let rows = Post::query().order_by(Post::id.asc()).select((Post::title, running)).all(&db).await?;
    /// assert_eq!(rows[2], ("Hello".to_owned(), Some(9)));
    /// # Ok(()) }
    /// ```
    pub fn over<S2, N2: Needs, K2, O, F>(
        self,
        window: Window<S2, N2, K2, O, F>,
    ) -> Expr<T, Uni<S, S2>, And<N, N2>, Kind<Row, K2>>
    where
        (O, F): KnowsRows,
        S: Union<S2>,
        N: Plus<N2>,
        Row: Mix<K2>,
        Mixed<Row, K2>: Windowed,
    {
        let arg = match self.into_ir() {
            arg @ ir::Expr::Aggregate { distinct: false, .. } => arg,
            ir::Expr::Aggregate { .. } => ir::Expr::invalid(Error::new(
                ErrorKind::Unsupported,
                "an aggregate of distinct values cannot be computed over a window",
            )),
            _ => ir::Expr::invalid(
                Error::new(ErrorKind::Usage, "only an aggregate itself takes `over`")
                    .with_hint("call it before the aggregate becomes part of another expression"),
            ),
        };
        if let ir::Expr::Value(..) = arg {
            return Expr::new(arg);
        }
        window.call(WindowFunc::Aggregate, Some(arg))
    }
}

/// The window functions of a column or an expression.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let by_id = window().order_by(Post::id.asc());
/// let change = Post::score - Post::score.lag(1).over(by_id);
/// let rows = Post::query().order_by(Post::id.asc()).select(change).all(&db).await?;
/// assert_eq!(rows, [None, Some(2), Some(-4)]);
/// # Ok(()) }
/// ```
pub trait WindowOps: ExprOps {
    /// The value in the row so many rows before; NULL where there is none.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let before = Post::score.lag(1).over(window().order_by(Post::id.asc()));
    /// let rows = Post::query().order_by(Post::id.asc()).select(before).all(&db).await?;
    /// assert_eq!(rows, [None, Some(3), Some(5)]);
    /// # Ok(()) }
    /// ```
    fn lag(self, rows: u32) -> OrderedFunc<<Self::T as Value>::Nullable, Self::S, Self::N, Self::K> {
        OrderedFunc {
            func: WindowFunc::Shift(-i64::from(rows).min(FURTHEST)),
            arg: Some(self.node()),
            marker: PhantomData,
        }
    }

    /// The value in the row so many rows further on; NULL where there is none.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let next = Post::score.lead(1).over(window().order_by(Post::id.asc()));
    /// let rows = Post::query().order_by(Post::id.asc()).select(next).all(&db).await?;
    /// assert_eq!(rows, [Some(5), Some(1), None]);
    /// # Ok(()) }
    /// ```
    fn lead(self, rows: u32) -> OrderedFunc<<Self::T as Value>::Nullable, Self::S, Self::N, Self::K> {
        OrderedFunc {
            func: WindowFunc::Shift(i64::from(rows).min(FURTHEST)),
            arg: Some(self.node()),
            marker: PhantomData,
        }
    }

    /// The value in the first of the rows that are seen.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let first = Post::score.first_value().over(window().order_by(Post::id.asc()).rows(-1..=0));
    /// let rows = Post::query().order_by(Post::id.asc()).select(first).all(&db).await?;
    /// assert_eq!(rows, [Some(3), Some(3), Some(5)]);
    /// # Ok(()) }
    /// ```
    fn first_value(self) -> Framed<<Self::T as Value>::Nullable, Self::S, Self::N, Self::K> {
        Framed { func: WindowFunc::First, arg: self.node(), marker: PhantomData }
    }

    /// The value in the last of the rows that are seen.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let last = Post::score.last_value().over(window().order_by(Post::id.asc()).rows(0..));
    /// let rows = Post::query().order_by(Post::id.asc()).select(last).all(&db).await?;
    /// assert_eq!(rows, [Some(1), Some(1), Some(1)]);
    /// # Ok(()) }
    /// ```
    fn last_value(self) -> Framed<<Self::T as Value>::Nullable, Self::S, Self::N, Self::K> {
        Framed { func: WindowFunc::Last, arg: self.node(), marker: PhantomData }
    }
}

impl<E: ExprOps> WindowOps for E {}
