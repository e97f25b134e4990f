//! Operators and logic.

use orm_core::Error;
use orm_core::ir::{BinaryOp, Expr};
use orm_core::value::ColumnType;

use super::Render;
use super::operand::{Level, Sql};

impl Render<'_> {
    /// Comparison and arithmetic on two rendered operands.
    pub(super) fn operator(&self, op: BinaryOp, left: Sql, right: Sql, ty: ColumnType) -> Result<Sql, Error> {
        let operator = match op {
            BinaryOp::Eq => "=",
            BinaryOp::Ne => "<>",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::IsSame => self.dialect.null_safe_equality(false),
            BinaryOp::IsNotSame => self.dialect.null_safe_equality(true),
            // Rendered by itself.
            BinaryOp::ElementOf => "",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Rem => "%",
            BinaryOp::Concat => "||",
        };
        match op {
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::Concat => {
                let (left, right) = (left.at(Level::Atom), right.at(Level::Atom));
                Ok(match self.dialect.arithmetic(op, &left, &right, ty) {
                    Some(sql) => Sql::atom(sql),
                    None => Sql::new(format!("{left} {operator} {right}"), Level::Arithmetic),
                })
            }
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                let left = self.dialect.ordered(left.at(Level::Atom), ty)?;
                Ok(Sql::new(format!("{left} {operator} {}", right.at(Level::Arithmetic)), Level::Compare))
            }
            _ => {
                let (left, right) = (left.at(Level::Arithmetic), right.at(Level::Arithmetic));
                Ok(Sql::new(format!("{left} {operator} {right}"), Level::Compare))
            }
        }
    }

    /// A conjunction or disjunction of any number of conditions.
    pub(super) fn chain(
        &mut self,
        list: &[Expr],
        word: &str,
        level: Level,
        empty: bool,
    ) -> Result<Sql, Error> {
        match list {
            [] => Ok(Sql::atom(self.dialect.boolean(empty))),
            [only] => self.expr(only),
            list => {
                let parts: Result<Vec<String>, Error> =
                    list.iter().map(|expr| Ok(within(self.expr(expr)?, level))).collect();
                Ok(Sql::new(chunked(parts?, word), level))
            }
        }
    }
}

/// The most conditions that stand in one chain. A chain is a tree as deep as it is long to SQLite, which takes no deeper one than
/// 1000 (<https://sqlite.org/limits.html#max_expr_depth>).
const CHAIN: usize = 64;

/// The parts with a word between them, many of them in parentheses of bounded length.
fn chunked(mut parts: Vec<String>, word: &str) -> String {
    while parts.len() > CHAIN {
        parts = parts.chunks(CHAIN).map(|chunk| format!("({})", chunk.join(word))).collect();
    }
    parts.join(word)
}

/// A condition inside a chain of AND or OR. AND inside OR gets parentheses for the reader's sake.
fn within(part: Sql, level: Level) -> String {
    if part.level == level { part.text } else { part.at(Level::Not) }
}
