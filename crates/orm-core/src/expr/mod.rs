//! The typed shell over [`ir::Expr`](crate::ir::Expr).
//!
//! An [`Expr<T, S, N, K>`](Expr) has a value of type `T`, mentions the models `S`, needs the capabilities `N`, and is per row,
//! an aggregate or a group key (`K`). [`Column`] is the constant the derive makes of a field. What can be done with either
//! is in [`ExprOps`]; what may stand on the other side of an operator is an [`Operand`]. Which models a query may mention
//! is the business of [`scope`], what may stand beside an aggregate that of [`kind`]. Types hold what a user can get
//! wrong, data the rest: every method here ends in a plain IR node.

mod aggregate;
mod array;
mod case;
mod column;
#[cfg(feature = "json")]
mod element;
mod func;
pub mod kind;
mod operand;
mod operators;
mod ops;
mod predicate;
mod relation;
pub mod scope;
mod window;

pub use array::ArrayExpr;
pub use case::{Case, CaseStart, CaseValue, case};
pub use column::{Column, Expr, column_ir};
pub use func::{Instant, all_of, any_of, count_all, exists, now, scalar, val};
pub use operand::{InOperand, Literal, NotInOperand, Operand};
pub use ops::ExprOps;
pub use predicate::{Condition, IntoOrder, Ordering, Predicate};
pub use scope::{InScope, Only};
pub use window::{
    Framed, HasOrder, KnowsRows, Ordered, OrderedFunc, Rows, Unordered, Whole, Window, WindowKeys, WindowOps,
    WindowOrder, dense_rank, rank, row_number, window,
};
