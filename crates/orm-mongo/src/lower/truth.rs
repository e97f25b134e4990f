//! Conditions: whether one is true, or whether it is false. Where it is NULL it is neither.

use orm_core::Result;
use orm_core::ir::{BinaryOp, Expr, Quantifier, UnaryOp};
use orm_core::value::{ColumnType, Datum};

use super::expr::{Operand, begin, end};
use super::{Lower, unsupported};
use crate::bson::{Key, Writer};
use crate::value;

impl Lower<'_> {
    /// Writes an expression that is `true` where the condition is `wanted`, and `false` everywhere else.
    pub fn truth(&mut self, w: &mut Writer, key: Key<'_>, expr: &Expr, wanted: bool) -> Result<()> {
        match expr {
            Expr::All(list) => self.joint(w, key, list, wanted, wanted),
            Expr::Any(list) => self.joint(w, key, list, !wanted, wanted),
            Expr::Unary(UnaryOp::Not, inner, _) => self.truth(w, key, inner, !wanted),
            Expr::Binary(
                BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge,
                _,
                ty @ ColumnType::Array(_),
            )
            | Expr::Between(_, ty @ ColumnType::Array(_)) => has_order(*ty),
            Expr::Binary(op, both, _) if inverse(*op).is_some() => self.comparison(
                w,
                key,
                if wanted { *op } else { inverse(*op).unwrap_or(*op) },
                &both.0,
                &both.1,
            ),
            Expr::Binary(BinaryOp::ElementOf, both, _) => self.element_of(w, key, &both.0, &both.1, wanted),
            Expr::Overlap { array, list, ty } => self.overlap(w, key, array, list, *ty, wanted),
            Expr::IsNull(operand, negated) => {
                let null = *negated != wanted;
                self.with(w, key, [operand], |lower, w, key, [operand]| {
                    lower.null_test(w, key, &operand, null)
                })
            }
            Expr::Between(three, _) => {
                let ops = if wanted { [BinaryOp::Ge, BinaryOp::Le] } else { [BinaryOp::Lt, BinaryOp::Gt] };
                let (open, list) = begin(w, key, if wanted { "$and" } else { "$or" });
                self.comparison(w, Key::At(0), ops[0], &three.0, &three.1)?;
                self.comparison(w, Key::At(1), ops[1], &three.0, &three.2)?;
                end(w, open, list);
                Ok(())
            }
            Expr::InList { expr, list, ty, negated } => {
                self.in_list(w, key, expr, list, *ty, wanted != *negated)
            }
            Expr::InTuples { exprs, rows, types } => self.in_tuples(w, key, exprs, rows, types, wanted),
            Expr::InSelect { expr, select, negated, .. } => {
                let field = self.subquery(select, None)?;
                self.in_query(w, key, expr, &field, wanted != *negated)
            }
            Expr::Like { op, expr, pattern, insensitive } => {
                self.like(w, key, *op, expr, pattern, *insensitive, wanted)
            }
            Expr::Exists(select) => {
                let field = self.subquery(select, Some(1))?;
                self.emptiness(w, key, &field, !wanted);
                Ok(())
            }
            Expr::Relation(test) if test.quantifier != Quantifier::Count => {
                let field = self.relation(test)?;
                let wants_rows = test.quantifier == Quantifier::Any;
                self.emptiness(w, key, &field, wants_rows != wanted);
                Ok(())
            }
            Expr::Elements(test) if test.quantifier != Quantifier::Count => {
                self.element_truth(w, key, test, wanted)
            }
            Expr::Value(datum, _) => {
                w.bool(key, matches!(datum, Datum::Bool(value) if *value == wanted));
                Ok(())
            }
            other => {
                let (open, list) = begin(w, key, "$eq");
                self.expr(w, Key::At(0), other)?;
                w.bool(1, wanted);
                end(w, open, list);
                Ok(())
            }
        }
    }

    /// All of them (`all`) or one of them is `wanted`.
    fn joint(&mut self, w: &mut Writer, key: Key<'_>, list: &[Expr], all: bool, wanted: bool) -> Result<()> {
        match list {
            [] => w.bool(key, all),
            [only] => self.truth(w, key, only, wanted)?,
            list => {
                let (open, array) = begin(w, key, if all { "$and" } else { "$or" });
                for (at, expr) in list.iter().enumerate() {
                    self.truth(w, Key::At(at), expr, wanted)?;
                }
                end(w, open, array);
            }
        }
        Ok(())
    }

    fn comparison(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
    ) -> Result<()> {
        let operator = match op {
            BinaryOp::IsSame => return self.null_safe(w, key, "$eq", left, right),
            BinaryOp::IsNotSame => return self.null_safe(w, key, "$ne", left, right),
            BinaryOp::Eq => "$eq",
            BinaryOp::Ne => "$ne",
            BinaryOp::Lt => "$lt",
            BinaryOp::Le => "$lte",
            BinaryOp::Gt => "$gt",
            _ => "$gte",
        };
        // NULL is smaller than any value here: whichever side a true comparison calls larger is none.
        let guards = match op {
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Eq => [true, false],
            BinaryOp::Gt | BinaryOp::Ge => [false, true],
            _ => [true, true],
        };
        let guards = [guards[0] && self.may_be_null(left), guards[1] && self.may_be_null(right)];
        if guards == [false, false] {
            return self.call(w, key, operator, &[left, right]);
        }
        self.with(w, key, [left, right], |lower, w, key, operands| {
            let (open, list) = begin(w, key, "$and");
            let mut at = 0;
            for (operand, guard) in operands.iter().zip(guards) {
                if guard {
                    lower.null_test(w, Key::At(at), operand, false)?;
                    at += 1;
                }
            }
            let (compare, pair) = begin(w, Key::At(at), operator);
            lower.operand(w, Key::At(0), &operands[0])?;
            lower.operand(w, Key::At(1), &operands[1])?;
            end(w, compare, pair);
            end(w, open, list);
            Ok(())
        })
    }

    /// NULL equals NULL, and a missing field is one.
    fn null_safe(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        operator: &str,
        left: &Expr,
        right: &Expr,
    ) -> Result<()> {
        let (open, list) = begin(w, key, operator);
        for (at, side) in [left, right].into_iter().enumerate() {
            self.or_null(w, Key::At(at), side)?;
        }
        end(w, open, list);
        Ok(())
    }

    /// A value, never missing.
    pub fn or_null(&mut self, w: &mut Writer, key: Key<'_>, expr: &Expr) -> Result<()> {
        if !self.may_be_null(expr) {
            return self.expr(w, key, expr);
        }
        let (open, list) = begin(w, key, "$ifNull");
        self.expr(w, Key::At(0), expr)?;
        w.null(1);
        end(w, open, list);
        Ok(())
    }

    pub(super) fn values(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        list: &[Datum],
        ty: ColumnType,
    ) -> Result<()> {
        let open = w.open(key);
        let array = w.open_array("$literal");
        for (at, datum) in list.iter().enumerate() {
            value::write(w, Key::At(at), datum, ty, self.times)?;
        }
        w.close(array);
        w.close(open);
        Ok(())
    }

    fn in_list(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        expr: &Expr,
        list: &[Datum],
        ty: ColumnType,
        inside: bool,
    ) -> Result<()> {
        if list.is_empty() {
            w.bool(key, !inside);
            return Ok(());
        }
        self.with(w, key, [expr], |lower, w, key, [operand]| {
            let within = |lower: &mut Self, w: &mut Writer, key: Key<'_>| {
                let (open, pair) = begin(w, key, "$in");
                lower.operand(w, Key::At(0), &operand)?;
                lower.values(w, Key::At(1), list, ty)?;
                end(w, open, pair);
                Ok(())
            };
            if inside {
                // The list holds no NULL, so NULL is never in it.
                return within(lower, w, key);
            }
            let (open, both) = begin(w, key, "$and");
            lower.null_test(w, Key::At(0), &operand, false)?;
            let (not, inner) = begin(w, Key::At(1), "$not");
            within(lower, w, Key::At(0))?;
            end(w, not, inner);
            end(w, open, both);
            Ok(())
        })
    }

    fn in_tuples(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        exprs: &[Expr],
        rows: &[Datum],
        types: &[ColumnType],
        wanted: bool,
    ) -> Result<()> {
        let equal = |row: &[Datum]| {
            let part = |((expr, datum), ty): ((&Expr, &Datum), &ColumnType)| {
                Expr::binary(BinaryOp::Eq, expr.clone(), Expr::Value(datum.clone(), *ty), *ty)
            };
            Expr::All(exprs.iter().zip(row).zip(types).map(part).collect())
        };
        let any = Expr::Any(rows.chunks(exprs.len().max(1)).map(equal).collect());
        self.truth(w, key, &any, wanted)
    }

    /// `x IN (the values of a field of lists)`: NULL if `x` is NULL, or is not found and there is a NULL among them; false in an
    /// empty list whatever `x` is.
    fn in_query(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        expr: &Expr,
        field: &str,
        inside: bool,
    ) -> Result<()> {
        self.with(w, key, [expr], |lower, w, key, [operand]| {
            let list = |lower: &mut Lower<'_>, w: &mut Writer, key: Key<'_>| {
                lower.each_of(w, key, field, "c0");
                Ok(())
            };
            if inside {
                let (open, both) = begin(w, key, "$and");
                lower.null_test(w, Key::At(0), &operand, false)?;
                lower.contains(w, Key::At(1), Some(&operand), &list)?;
                end(w, open, both);
                return Ok(());
            }
            let (open, either) = begin(w, key, "$or");
            lower.emptiness(w, Key::At(0), field, true);
            let (second, all) = begin(w, Key::At(1), "$and");
            lower.null_test(w, Key::At(0), &operand, false)?;
            lower.lacks(w, 1, &operand, &list)?;
            end(w, second, all);
            end(w, open, either);
            Ok(())
        })
    }

    /// Whether a value, or NULL where there is none, is in a list.
    pub(super) fn contains(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        value: Option<&Operand<'_>>,
        list: WriteList<'_>,
    ) -> Result<()> {
        let (open, pair) = begin(w, key, "$in");
        match value {
            Some(value) => self.operand(w, Key::At(0), value)?,
            None => w.null(0_usize),
        }
        list(self, w, Key::At(1))?;
        end(w, open, pair);
        Ok(())
    }

    /// That neither a value nor NULL, which it could be, is in a list: two conditions, the first at place `at`.
    pub(super) fn lacks(
        &mut self,
        w: &mut Writer,
        at: usize,
        value: &Operand<'_>,
        list: WriteList<'_>,
    ) -> Result<()> {
        for (at, value) in [(at, Some(value)), (at + 1, None)] {
            let (not, inner) = begin(w, Key::At(at), "$not");
            self.contains(w, Key::At(0), value, list)?;
            end(w, not, inner);
        }
        Ok(())
    }

    /// Whether the list of a field is empty, or is not.
    fn emptiness(&mut self, w: &mut Writer, key: Key<'_>, field: &str, empty: bool) {
        let (open, list) = begin(w, key, if empty { "$eq" } else { "$ne" });
        w.str(0, &format!("${field}"));
        let none = w.open_array(1_usize);
        w.close(none);
        end(w, open, list);
    }
}

/// A sort goes by the smallest or the largest element of an array, a comparison by all of them.
pub(super) fn has_order(ty: ColumnType) -> Result<()> {
    match ty {
        ColumnType::Array(_) => Err(unsupported("an order of arrays")),
        _ => Ok(()),
    }
}

/// Writes the list that is looked into.
type WriteList<'l> = &'l dyn Fn(&mut Lower<'_>, &mut Writer, Key<'_>) -> Result<()>;

/// The comparison that is true where this one is false.
pub(super) fn inverse(op: BinaryOp) -> Option<BinaryOp> {
    Some(match op {
        BinaryOp::Eq => BinaryOp::Ne,
        BinaryOp::Ne => BinaryOp::Eq,
        BinaryOp::Lt => BinaryOp::Ge,
        BinaryOp::Le => BinaryOp::Gt,
        BinaryOp::Gt => BinaryOp::Le,
        BinaryOp::Ge => BinaryOp::Lt,
        BinaryOp::IsSame => BinaryOp::IsNotSame,
        BinaryOp::IsNotSame => BinaryOp::IsSame,
        _ => return None,
    })
}
