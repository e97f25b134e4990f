//! How deep an expression may nest.
//!
//! Everything that reads, renders, copies or drops an expression goes by recursion. What an expression of the typed shell is made
//! of is measured where it is made, so that a tree that would overflow the stack never exists: in its place stands the error.

use super::visit::{Rewrite, Visit, rewrite_expr, walk_expr, walk_select};
use super::{Expr, Select};
use crate::error::{Error, ErrorKind};
use crate::value::{ColumnType, Datum};

/// How deep an expression may nest. A conjunction or disjunction is one level, however many conditions it has; a query inside
/// counts four.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::MAX_DEPTH;
/// let mut sum = Post::score + 1;
/// for _ in 1..MAX_DEPTH / 2 {
///     sum = sum + 1;
/// }
/// assert!(matches!(sum.into_ir(), orm_core::ir::Expr::Binary(..)));
/// ```
pub const MAX_DEPTH: u32 = 128;

/// The levels that a query inside an expression counts.
const QUERY: u32 = 4;

struct Measure {
    left: u32,
    exceeded: bool,
}

impl Measure {
    fn within(&mut self, levels: u32, walk: impl FnOnce(&mut Self)) {
        if self.exceeded || self.left < levels {
            self.exceeded = true;
            return;
        }
        self.left -= levels;
        walk(self);
        self.left += levels;
    }
}

impl<'a> Visit<'a> for Measure {
    fn expr(&mut self, expr: &'a Expr) {
        if !is_leaf(expr) {
            self.within(1, |measure| walk_expr(measure, expr));
        }
    }

    fn select(&mut self, select: &'a Select) {
        self.within(QUERY, |measure| walk_select(measure, select));
    }
}

#[inline]
fn is_leaf(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(_) | Expr::Place(_) | Expr::Value(..) | Expr::Key(..) | Expr::Excluded(_))
}

/// The expression, or the error in its place if it nests too deep.
#[inline]
pub(crate) fn bounded(expr: Expr) -> Expr {
    let flat = match &expr {
        Expr::Binary(_, both, _) => is_leaf(&both.0) && is_leaf(&both.1),
        other => is_leaf(other),
    };
    if flat { expr } else { measured(expr, MAX_DEPTH) }
}

/// The same for what becomes part of a list.
pub(crate) fn bounded_part(expr: Expr) -> Expr {
    measured(expr, MAX_DEPTH - 1)
}

fn measured(expr: Expr, levels: u32) -> Expr {
    let mut measure = Measure { left: levels, exceeded: false };
    measure.expr(&expr);
    if !measure.exceeded {
        return expr;
    }
    dismantle(expr);
    Expr::invalid(too_deep())
}

/// Whether a query nests too deep to be part of another.
pub(crate) fn is_too_deep(select: &Select) -> bool {
    let mut measure = Measure { left: MAX_DEPTH, exceeded: false };
    measure.select(select);
    measure.exceeded
}

#[cold]
pub(crate) fn too_deep() -> Error {
    Error::new(ErrorKind::Usage, format!("an expression nests more than {MAX_DEPTH} levels deep"))
        .with_hint("put conditions together with `all_of(..)` or `any_of(..)`, values with `in_(..)`")
}

/// Drops an expression level by level: it may come from elsewhere and nest as deep as it likes.
fn dismantle(expr: Expr) {
    struct Parts<'p>(&'p mut Vec<Expr>);
    impl Rewrite for Parts<'_> {
        fn expr(&mut self, expr: &mut Expr) {
            if !is_leaf(expr) {
                self.0.push(std::mem::replace(expr, Expr::Value(Datum::Null, ColumnType::Bool)));
            }
        }
    }
    let mut parts = vec![expr];
    while let Some(mut expr) = parts.pop() {
        rewrite_expr(&mut Parts(&mut parts), &mut expr);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: u32) -> Expr {
        let leaf = Expr::Value(Datum::Bool(true), ColumnType::Bool);
        (0..levels).fold(leaf, |expr, _| expr.negate())
    }

    #[test]
    fn a_tree_up_to_the_limit_stays() {
        assert!(matches!(bounded(nested(MAX_DEPTH)), Expr::Unary(..)));
    }

    #[test]
    fn a_tree_beyond_the_limit_becomes_an_error_whatever_its_depth() {
        for levels in [MAX_DEPTH + 1, 1_000_000] {
            let Expr::Value(Datum::Invalid(error), _) = bounded(nested(levels)) else { panic!() };
            assert_eq!(error.kind(), ErrorKind::Usage);
        }
    }
}
