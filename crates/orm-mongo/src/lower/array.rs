//! Arrays of values.

use orm_core::Result;
use orm_core::ir::Expr;
use orm_core::value::{ColumnType, Datum};

use super::Lower;
use super::expr::{begin, end};
use crate::bson::{Key, Writer};

impl Lower<'_> {
    /// Whether `element IN array`: NULL if either is, or if it is not found and there is a NULL among the elements.
    pub(super) fn element_of(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        element: &Expr,
        array: &Expr,
        wanted: bool,
    ) -> Result<()> {
        let guards = [self.may_be_null(element), self.may_be_null(array)];
        self.with(w, key, [element, array], |lower, w, key, operands| {
            let [element, array] = &operands;
            let (open, list) = begin(w, key, "$and");
            let mut at = 0;
            for (operand, guard) in operands.iter().zip(guards) {
                if guard {
                    lower.null_test(w, Key::At(at), operand, false)?;
                    at += 1;
                }
            }
            let elements = |lower: &mut Lower<'_>, w: &mut Writer, key: Key<'_>| lower.operand(w, key, array);
            if wanted {
                lower.contains(w, Key::At(at), Some(element), &elements)?;
            } else {
                lower.lacks(w, at, element, &elements)?;
            }
            end(w, open, list);
            Ok(())
        })
    }

    /// Whether an array and a list have an element in common: NULL if the array is.
    pub(super) fn overlap(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        array: &Expr,
        list: &[Datum],
        ty: ColumnType,
        wanted: bool,
    ) -> Result<()> {
        let guard = self.may_be_null(array);
        self.with(w, key, [array], |lower, w, key, [array]| {
            let (open, both) = begin(w, key, "$and");
            if guard {
                lower.null_test(w, Key::At(0), &array, false)?;
            }
            let (compare, pair) = begin(w, Key::At(usize::from(guard)), if wanted { "$ne" } else { "$eq" });
            let (common, lists) = begin(w, Key::At(0), "$setIntersection");
            lower.operand(w, Key::At(0), &array)?;
            lower.values(w, Key::At(1), list, ty)?;
            end(w, common, lists);
            let none = w.open_array(1_usize);
            w.close(none);
            end(w, compare, pair);
            end(w, open, both);
            Ok(())
        })
    }

    /// The array without the elements that equal a value.
    pub(super) fn without(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        array: &Expr,
        element: &Expr,
    ) -> Result<()> {
        let open = w.open(key);
        let filter = w.open("$filter");
        self.expr(w, Key::Name("input"), array)?;
        let variable = self.name("o");
        w.str("as", &variable);
        let (test, pair) = begin(w, Key::Name("cond"), "$ne");
        w.str(0, &format!("$${variable}"));
        self.or_null(w, Key::At(1), element)?;
        end(w, test, pair);
        w.close(filter);
        w.close(open);
        Ok(())
    }
}
