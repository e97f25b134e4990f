//! Finished pieces of an expression, and when they need parentheses.

use orm_core::ir::{AggFunc, BinaryOp, Expr, Func};
use orm_core::value::DbType;

/// How tightly a piece of SQL holds together. Databases agree about these and about little more, so
/// arithmetic inside arithmetic always gets parentheses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Text of the user: unknown.
    Raw,
    Or,
    And,
    Not,
    Compare,
    Arithmetic,
    Atom,
}

/// A piece of SQL.
#[derive(Debug)]
pub(super) struct Sql {
    pub text: String,
    pub level: Level,
}

impl Sql {
    pub fn new(text: impl Into<String>, level: Level) -> Self {
        Sql { text: text.into(), level }
    }

    pub fn atom(text: impl Into<String>) -> Self {
        Sql::new(text, Level::Atom)
    }

    /// The text, in parentheses if it holds together less than `level`.
    pub fn at(self, level: Level) -> String {
        if self.level >= level { self.text } else { format!("({})", self.text) }
    }
}

/// The type of an expression, where the tree tells it.
pub(super) fn type_of(expr: &Expr) -> Option<DbType> {
    Some(match expr {
        Expr::Column(column) | Expr::Excluded(column) => {
            column.source.model.columns.get(usize::from(column.index))?.ty()
        }
        Expr::Key(_, ty) | Expr::Value(_, ty) | Expr::Cast(_, ty) | Expr::Unary(_, _, ty) => *ty,
        Expr::Binary(
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem | BinaryOp::Concat,
            _,
            ty,
        ) => *ty,
        Expr::Func(func, args) => match func {
            Func::Lower | Func::Upper | Func::Trim | Func::Substring | Func::Replace => DbType::Text,
            Func::CharLength => DbType::I64,
            Func::Now => DbType::Timestamp,
            Func::Coalesce | Func::NullIf | Func::Abs | Func::Round | Func::Append | Func::Without => {
                args.iter().find_map(type_of)?
            }
            _ => return None,
        },
        Expr::Case(arms, otherwise) => {
            arms.iter().map(|(_, then)| then).chain(otherwise.as_deref()).find_map(type_of)?
        }
        Expr::Aggregate { func, ty, .. } => match func {
            AggFunc::Count => DbType::I64,
            AggFunc::Avg if !matches!(ty, DbType::Decimal | DbType::Native(_)) => DbType::F64,
            _ => *ty,
        },
        Expr::Window(call) => match &call.arg {
            None => DbType::I64,
            Some(arg) => type_of(arg)?,
        },
        Expr::Scalar(select) => match &select.output {
            orm_core::ir::Output::Exprs(exprs) => type_of(exprs.first()?)?,
            orm_core::ir::Output::CountOf(_) => DbType::I64,
            _ => return None,
        },
        Expr::Raw(..) | Expr::Relation(_) => return None,
        _ => DbType::Bool,
    })
}
