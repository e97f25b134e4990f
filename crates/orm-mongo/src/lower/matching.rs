//! The query language: conditions that an index can serve.

use orm_core::Result;
use orm_core::ir::facts::conjuncts;
use orm_core::ir::{BinaryOp, ColumnRef, Expr, LikeOp, UnaryOp};
use orm_core::value::{ColumnType, Datum};

use super::truth::inverse;
use super::{Level, Lower};
use crate::bson::{Key, Writer};
use crate::value;

/// Which columns a condition may name to be served.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Those of the root: before anything was joined.
    Root,
    /// All of the level.
    Joined,
}

impl Lower<'_> {
    /// Adds what a condition demands to a filter document that is open: the parts that the query language has as they are, the
    /// rest as expressions.
    pub fn filter(&mut self, w: &mut Writer, expr: &Expr) -> Result<()> {
        let mut parts = Vec::new();
        conjuncts(expr, &mut parts);
        self.all_of(w, &parts)
    }

    pub(super) fn all_of(&mut self, w: &mut Writer, parts: &[&Expr]) -> Result<()> {
        match parts {
            [] => Ok(()),
            [only] => self.part(w, only),
            parts => {
                let list = w.open_array("$and");
                for (at, part) in parts.iter().enumerate() {
                    let open = w.open(at);
                    self.part(w, part)?;
                    w.close(open);
                }
                w.close(list);
                Ok(())
            }
        }
    }

    fn part(&mut self, w: &mut Writer, expr: &Expr) -> Result<()> {
        let plain = self.levels.last().is_some_and(|level| level.serves(expr, Reach::Joined));
        if plain {
            return self.matches(w, expr, true);
        }
        self.truth(w, Key::Name("$expr"), expr, true)
    }

    fn field(&mut self, expr: &Expr) -> Option<String> {
        let Expr::Column(column) = expr else { return None };
        let level = self.levels.last()?;
        level.path_of(*column).map(|(path, _)| path.into_owned())
    }

    /// Writes the elements of a document that matches where the condition is `wanted`. Only for what [`Level::serves`].
    pub(super) fn matches(&mut self, w: &mut Writer, expr: &Expr, wanted: bool) -> Result<()> {
        match expr {
            Expr::All(list) => self.several(w, list, wanted, wanted),
            Expr::Any(list) => self.several(w, list, !wanted, wanted),
            Expr::Unary(UnaryOp::Not, inner, _) => self.matches(w, inner, !wanted),
            Expr::Binary(BinaryOp::ElementOf, both, ty) => {
                let (Expr::Value(datum, _), column) = (&both.0, &both.1) else { return Ok(()) };
                // A field that is an array equals a value where one of its elements does.
                let field = self.field(column).unwrap_or_default();
                self.compare(w, &field, BinaryOp::Eq, datum, *ty, wanted)
            }
            Expr::Overlap { array, list, ty } => {
                let field = self.field(array).unwrap_or_default();
                let open = w.open(&field);
                let values = w.open_array(if wanted { "$in" } else { "$nin" });
                for (at, datum) in list.iter().enumerate() {
                    value::write(w, Key::At(at), datum, *ty, self.times)?;
                }
                w.close(values);
                if !wanted {
                    // NULL has nothing in common with a list, nor has it not.
                    w.str("$type", "array");
                }
                w.close(open);
                Ok(())
            }
            Expr::Binary(op, both, ty) => match (self.field(&both.0), &both.0, &both.1) {
                (Some(field), _, Expr::Value(datum, _)) => self.compare(w, &field, *op, datum, *ty, wanted),
                (_, Expr::Value(datum, _), column) => {
                    let field = self.field(column).unwrap_or_default();
                    self.compare(w, &field, mirrored(*op), datum, *ty, wanted)
                }
                _ => Ok(()),
            },
            Expr::IsNull(operand, negated) => {
                let field = self.field(operand).unwrap_or_default();
                let operator = if *negated != wanted { "$eq" } else { "$ne" };
                let open = w.open(&field);
                w.null(operator);
                w.close(open);
                Ok(())
            }
            Expr::Between(three, ty) => {
                let field = self.field(&three.0).unwrap_or_default();
                let (Expr::Value(low, _), Expr::Value(high, _)) = (&three.1, &three.2) else { return Ok(()) };
                if wanted {
                    if low.is_null() || high.is_null() {
                        return nothing(w);
                    }
                    let open = w.open(&field);
                    value::write(w, Key::Name("$gte"), low, *ty, self.times)?;
                    value::write(w, Key::Name("$lte"), high, *ty, self.times)?;
                    w.close(open);
                    return Ok(());
                }
                let list = w.open_array("$or");
                for (at, (op, bound)) in [(BinaryOp::Lt, low), (BinaryOp::Gt, high)].into_iter().enumerate() {
                    let open = w.open(at);
                    self.compare(w, &field, op, bound, *ty, true)?;
                    w.close(open);
                }
                w.close(list);
                Ok(())
            }
            Expr::InList { expr, list, ty, negated } => {
                let field = self.field(expr).unwrap_or_default();
                let inside = wanted != *negated;
                if list.is_empty() {
                    return if inside { nothing(w) } else { Ok(()) };
                }
                let open = w.open(&field);
                let array = w.open_array(if inside { "$in" } else { "$nin" });
                for (at, datum) in list.iter().enumerate() {
                    value::write(w, Key::At(at), datum, *ty, self.times)?;
                }
                if !inside {
                    w.null(list.len());
                }
                w.close(array);
                w.close(open);
                Ok(())
            }
            Expr::InTuples { exprs, rows, types } => {
                if rows.is_empty() {
                    return if wanted { nothing(w) } else { Ok(()) };
                }
                let list = w.open_array(if wanted { "$or" } else { "$nor" });
                for (at, row) in rows.chunks(exprs.len().max(1)).enumerate() {
                    let open = w.open(at);
                    for ((expr, datum), ty) in exprs.iter().zip(row).zip(types) {
                        let field = self.field(expr).unwrap_or_default();
                        value::write(w, Key::Name(&field), datum, *ty, self.times)?;
                    }
                    w.close(open);
                }
                w.close(list);
                Ok(())
            }
            Expr::Like { op, expr, pattern, insensitive } => {
                let field = self.field(expr).unwrap_or_default();
                let Expr::Value(Datum::Text(pattern), _) = &**pattern else { return nothing(w) };
                let regex = super::text::regex(*op, pattern, *insensitive);
                let open = w.open(&field);
                if wanted {
                    w.str("$regex", &regex);
                } else {
                    let not = w.open("$not");
                    w.str("$regex", &regex);
                    w.close(not);
                    w.null("$ne");
                }
                w.close(open);
                Ok(())
            }
            Expr::Elements(test) => {
                let field = self.field(&test.list).unwrap_or_default();
                self.match_elements(w, &field, test, wanted)
            }
            Expr::Value(datum, _) => {
                if matches!(datum, Datum::Bool(value) if *value == wanted) {
                    return Ok(());
                }
                nothing(w)
            }
            column => {
                let field = self.field(column).unwrap_or_default();
                w.bool(&field, wanted);
                Ok(())
            }
        }
    }

    fn several(&mut self, w: &mut Writer, list: &[Expr], all: bool, wanted: bool) -> Result<()> {
        match list {
            [] if all => Ok(()),
            [] => nothing(w),
            [only] => self.matches(w, only, wanted),
            list => {
                let array = w.open_array(if all { "$and" } else { "$or" });
                for (at, expr) in list.iter().enumerate() {
                    let open = w.open(at);
                    self.matches(w, expr, wanted)?;
                    w.close(open);
                }
                w.close(array);
                Ok(())
            }
        }
    }

    fn compare(
        &mut self,
        w: &mut Writer,
        field: &str,
        op: BinaryOp,
        datum: &Datum,
        ty: ColumnType,
        wanted: bool,
    ) -> Result<()> {
        let op = if wanted { op } else { inverse(op).unwrap_or(op) };
        if datum.is_null() && !matches!(op, BinaryOp::IsSame | BinaryOp::IsNotSame) {
            return nothing(w);
        }
        let operator = match op {
            BinaryOp::Eq | BinaryOp::IsSame => "$eq",
            BinaryOp::IsNotSame => "$ne",
            // Neither the value nor NULL.
            BinaryOp::Ne => {
                let open = w.open(field);
                let array = w.open_array("$nin");
                value::write(w, Key::At(0), datum, ty, self.times)?;
                w.null(1);
                w.close(array);
                w.close(open);
                return Ok(());
            }
            BinaryOp::Lt => "$lt",
            BinaryOp::Le => "$lte",
            BinaryOp::Gt => "$gt",
            _ => "$gte",
        };
        let open = w.open(field);
        value::write(w, Key::Name(operator), datum, ty, self.times)?;
        w.close(open);
        Ok(())
    }
}

/// Whether a condition on a field of this type is one on its elements as well: `{f: null}` finds an array with a NULL in it.
pub(super) fn is_looked_into(ty: ColumnType) -> bool {
    matches!(ty, ColumnType::Array(_) | ColumnType::Json | ColumnType::List(_))
}

/// A condition that no document meets.
fn nothing(w: &mut Writer) -> Result<()> {
    let open = w.open("_id");
    let list = w.open_array("$in");
    w.close(list);
    w.close(open);
    Ok(())
}

/// The comparison with its sides exchanged.
fn mirrored(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Ge => BinaryOp::Le,
        other => other,
    }
}

impl Level {
    /// Whether the query language has a condition.
    pub(super) fn serves(&self, expr: &Expr, reach: Reach) -> bool {
        let typed = |expr: &Expr, test: fn(ColumnType) -> bool| match expr {
            Expr::Column(column) => {
                self.reaches(*column, reach) && test(column.source.model.column(column.index).ty())
            }
            _ => false,
        };
        let column = |expr: &Expr| typed(expr, |ty| !is_looked_into(ty));
        // An element that is an array itself would be found by the field that holds nothing else.
        let array = |expr: &Expr| {
            typed(expr, |ty| matches!(ty, ColumnType::Array(element) if !is_looked_into(*element)))
        };
        let value = |expr: &Expr| matches!(expr, Expr::Value(..));
        if self.group.is_some() {
            return false;
        }
        match expr {
            Expr::All(list) | Expr::Any(list) => list.iter().all(|expr| self.serves(expr, reach)),
            Expr::Unary(UnaryOp::Not, inner, _) => self.serves(inner, reach),
            Expr::Binary(BinaryOp::ElementOf, both, _) => value(&both.0) && array(&both.1),
            Expr::Overlap { array: list, .. } => array(list),
            Expr::Binary(op, both, _) => {
                inverse(*op).is_some()
                    && ((column(&both.0) && value(&both.1)) || (value(&both.0) && column(&both.1)))
            }
            Expr::IsNull(operand, _) => column(operand),
            Expr::Between(three, _) => column(&three.0) && value(&three.1) && value(&three.2),
            Expr::InList { expr, .. } => column(expr),
            Expr::InTuples { exprs, .. } => exprs.iter().all(column),
            Expr::Like { op, expr, pattern, .. } => column(expr) && value(pattern) && *op != LikeOp::Regex,
            Expr::Value(datum, _) => matches!(datum, Datum::Bool(_) | Datum::Null),
            Expr::Elements(test) => self.serves_elements(test, reach),
            Expr::Column(own) => {
                self.reaches(*own, reach) && own.source.model.column(own.index).ty() == ColumnType::Bool
            }
            _ => false,
        }
    }

    pub(super) fn reaches(&self, column: ColumnRef, reach: Reach) -> bool {
        match reach {
            Reach::Root => self.root == column.source,
            Reach::Joined => self.path_of(column).is_some(),
        }
    }
}
