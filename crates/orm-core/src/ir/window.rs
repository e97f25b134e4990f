//! Window functions.

use super::{Expr, Order};

/// A function over the rows around a row: its window.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Expr, WindowFunc};
/// let place = row_number().over(window().order_by(Post::id.asc())).into_ir();
/// assert!(matches!(place, Expr::Window(call) if call.func == WindowFunc::RowNumber));
/// ```
#[derive(Debug, Clone)]
pub struct WindowCall {
    /// The function.
    pub func: WindowFunc,
    /// Its argument: none for those that count rows; for [`WindowFunc::Aggregate`] the aggregate.
    pub arg: Option<Expr>,
    /// The rows that have these in common form a partition; all rows if it is empty.
    pub partition: Vec<Expr>,
    /// The order within a partition.
    pub order: Vec<Order>,
    /// Which rows of the partition are seen; `None` is all of them.
    pub frame: Option<Frame>,
}

/// What is computed over a window.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Expr, WindowFunc};
/// let earlier = Post::title.lag(2).over(window().order_by(Post::id.asc())).into_ir();
/// assert!(matches!(earlier, Expr::Window(call) if call.func == WindowFunc::Shift(-2)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WindowFunc {
    /// An aggregate of the rows in the frame.
    Aggregate,
    /// The row's number in its partition, from 1.
    RowNumber,
    /// One more than the number of rows before those that are equal in the order.
    Rank,
    /// One more than the number of different places before.
    DenseRank,
    /// The value in the row so many rows further on; NULL where there is none.
    Shift(i64),
    /// The value in the first row of the frame.
    First,
    /// The value in the last row of the frame.
    Last,
}

/// Rows counted from the current one: negative before it, positive after it, `None` to the end of the partition.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Expr, Frame};
/// let recent = Post::score.sum().over(window().order_by(Post::id.asc()).rows(-2..=0)).into_ir();
/// let frame = Frame { start: Some(-2), end: Some(0) };
/// assert!(matches!(recent, Expr::Window(call) if call.frame == Some(frame)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The first row.
    pub start: Option<i64>,
    /// The last row, itself included.
    pub end: Option<i64>,
}
