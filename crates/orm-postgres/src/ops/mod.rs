//! What only PostgreSQL can do in an expression, as methods on columns and expressions.
//!
//! Each needs a capability, so a query that uses it does not compile on a database that lacks it. The expressions are
//! pieces of SQL with typed operands between them.

mod aggregate;
mod array;
mod composite;
mod json;
mod native;
mod range;
mod search;
mod text;

pub use aggregate::{ListOps, OrderedSetOps};
pub use array::ArrayOps;
pub use composite::CompositeOps;
pub use json::JsonOps;
pub use native::{HstoreOps, IntervalOps, LtreeOps, Network, NetworkOps, TsVectorOps};
pub use range::{OneRangeOps, RangeOps};
pub use search::SearchOps;
pub use text::TextOps;

use orm_core::expr::Expr;
use orm_core::ir;
use orm_core::value::{ColumnType, Datum};

/// Pieces of SQL with these operands between them.
fn raw<T, S, N, K>(pieces: &[&'static str], args: Vec<ir::Expr>) -> Expr<T, S, N, K> {
    Expr::new(ir::Expr::Raw(pieces.to_vec(), args))
}

fn text(value: impl Into<String>) -> ir::Expr {
    ir::Expr::Value(Datum::Text(value.into()), ColumnType::Text)
}
