//! Elements of lists: `$elemMatch` where the query language has the condition, `$filter` and `$map` where not.

use orm_core::Result;
use orm_core::ir::facts::conjuncts;
use orm_core::ir::{ElementTest, Expr, ListChange, ListOp, Quantifier, Source};
use orm_core::meta::ModelMeta;
use orm_core::value::ColumnType;

use super::expr::{begin, end};
use super::matching::Reach;
use super::truth::inverse;
use super::{Level, Lower};
use crate::bson::{Key, Writer};
use crate::{layout, value};

impl Lower<'_> {
    /// Within `body` the columns of an element are those of a variable, whose name it gets.
    fn within(
        &mut self,
        element: &'static ModelMeta,
        body: impl FnOnce(&mut Self, &str) -> Result<()>,
    ) -> Result<()> {
        let variable = self.name("o");
        self.elements.push((element, variable.clone()));
        let result = body(self, &variable);
        self.elements.pop();
        result
    }

    /// The list, empty where it is missing.
    fn list(&mut self, w: &mut Writer, key: Key<'_>, list: &Expr) -> Result<()> {
        let (open, pair) = begin(w, key, "$ifNull");
        self.expr(w, Key::At(0), list)?;
        let none = w.open_array(1_usize);
        w.close(none);
        end(w, open, pair);
        Ok(())
    }

    /// The elements for which a condition is `wanted` to be true; with `wanted` false all others.
    fn chosen_elements(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        list: &Expr,
        element: &'static ModelMeta,
        condition: &Expr,
        wanted: bool,
    ) -> Result<()> {
        let open = w.open(key);
        let filter = w.open("$filter");
        self.list(w, Key::Name("input"), list)?;
        self.within(element, |lower, variable| {
            w.str("as", variable);
            if wanted {
                return lower.truth(w, Key::Name("cond"), condition, true);
            }
            let (not, inner) = begin(w, Key::Name("cond"), "$not");
            lower.truth(w, Key::At(0), condition, true)?;
            end(w, not, inner);
            Ok(())
        })?;
        w.close(filter);
        w.close(open);
        Ok(())
    }

    /// How many elements a test is about.
    pub(super) fn element_count(&mut self, w: &mut Writer, key: Key<'_>, test: &ElementTest) -> Result<()> {
        let open = w.open(key);
        let size = Key::Name("$size");
        match &test.filter {
            None => self.list(w, size, &test.list)?,
            Some(filter) => {
                self.chosen_elements(
                    w,
                    size,
                    &test.list,
                    test.element,
                    filter,
                    test.quantifier != Quantifier::All,
                )?;
            }
        }
        w.close(open);
        Ok(())
    }

    /// Whether a test of elements comes out as wanted. It is never NULL.
    pub(super) fn element_truth(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        test: &ElementTest,
        wanted: bool,
    ) -> Result<()> {
        let wants_some = test.quantifier == Quantifier::Any;
        let (open, pair) = begin(w, key, if wants_some == wanted { "$gt" } else { "$eq" });
        self.element_count(w, Key::At(0), test)?;
        w.i32(1, 0);
        end(w, open, pair);
        Ok(())
    }

    /// `{field: {$elemMatch: {..}}}`. Only for what [`Level::serves_elements`].
    pub(super) fn match_elements(
        &mut self,
        w: &mut Writer,
        field: &str,
        test: &ElementTest,
        wanted: bool,
    ) -> Result<()> {
        let source = Source { model: test.element, alias: "" };
        let negated = (test.quantifier == Quantifier::None) == wanted;
        let open = w.open(field);
        let not = negated.then(|| w.open("$not"));
        let matching = w.open("$elemMatch");
        self.enter(source);
        let parts = fields_of(test).unwrap_or_default();
        let result = parts.iter().try_for_each(|part| self.matches(w, part, true));
        self.levels.pop();
        result?;
        w.close(matching);
        if let Some(not) = not {
            w.close(not);
        }
        w.close(open);
        Ok(())
    }

    /// The new value of a list.
    pub(super) fn list_change(&mut self, w: &mut Writer, key: Key<'_>, change: &ListChange) -> Result<()> {
        let (list, element) = (&change.list, change.element);
        let literal = |lower: &Self, w: &mut Writer, key: Key<'_>, values: &[orm_core::value::Datum]| {
            let open = w.open(key);
            value::write_elements(w, Key::Name("$literal"), values, element, lower.times)?;
            w.close(open);
            orm_core::Result::Ok(())
        };
        match &change.op {
            ListOp::Push(values) => {
                let (open, pair) = begin(w, key, "$concatArrays");
                self.list(w, Key::At(0), list)?;
                literal(self, w, Key::At(1), values)?;
                end(w, open, pair);
                Ok(())
            }
            ListOp::AddToSet(values) => {
                let (open, pair) = begin(w, key, "$concatArrays");
                self.list(w, Key::At(0), list)?;
                let missing = w.open(1_usize);
                let filter = w.open("$filter");
                literal(self, w, Key::Name("input"), values)?;
                let variable = self.name("o");
                w.str("as", &variable);
                let (not, inner) = begin(w, Key::Name("cond"), "$not");
                let (within, both) = begin(w, Key::At(0), "$in");
                w.str(0, &format!("$${variable}"));
                self.list(w, Key::At(1), list)?;
                end(w, within, both);
                end(w, not, inner);
                w.close(filter);
                w.close(missing);
                end(w, open, pair);
                Ok(())
            }
            ListOp::Pull(condition) => self.chosen_elements(w, key, list, element, condition, false),
            ListOp::Set(condition, set) => {
                let open = w.open(key);
                let map = w.open("$map");
                self.list(w, Key::Name("input"), list)?;
                self.within(element, |lower, variable| {
                    w.str("as", variable);
                    let (cond, branches) = begin(w, Key::Name("in"), "$cond");
                    lower.truth(w, Key::At(0), condition, true)?;
                    let (merge, parts) = begin(w, Key::At(1), "$mergeObjects");
                    w.str(0, &format!("$${variable}"));
                    let fields = w.open(1_usize);
                    for (column, value) in set {
                        let path = layout::path(element, *column).into_owned();
                        lower.nested(w, &path.split('.').collect::<Vec<_>>(), variable, value)?;
                    }
                    w.close(fields);
                    end(w, merge, parts);
                    w.str(2, &format!("$${variable}"));
                    end(w, cond, branches);
                    Ok(())
                })?;
                w.close(map);
                w.close(open);
                Ok(())
            }
        }
    }

    /// A field of an element, the others of the struct that it is embedded in kept.
    fn nested(&mut self, w: &mut Writer, path: &[&str], parent: &str, value: &Expr) -> Result<()> {
        match path {
            [] => Ok(()),
            [last] => self.or_null(w, Key::Name(last), value),
            [first, rest @ ..] => {
                let own = format!("{parent}.{first}");
                let (merge, parts) = begin(w, Key::Name(first), "$mergeObjects");
                w.str(0, &format!("$${own}"));
                let fields = w.open(1_usize);
                self.nested(w, rest, &own, value)?;
                w.close(fields);
                end(w, merge, parts);
                Ok(())
            }
        }
    }
}

impl Level {
    /// Whether `$elemMatch` has a test of elements.
    pub(super) fn serves_elements(&self, test: &ElementTest, reach: Reach) -> bool {
        let list = matches!(&test.list, Expr::Column(column) if matches!(column.source.model.column(column.index).ty(), ColumnType::List(_)) && self.reaches(*column, reach));
        let inner = Level::of(Source { model: test.element, alias: "" });
        let condition =
            fields_of(test).is_some_and(|parts| parts.iter().all(|part| inner.serves(part, Reach::Root)));
        list && condition && matches!(test.quantifier, Quantifier::Any | Quantifier::None)
    }
}

/// The conditions of a test, each on a field of its own: `$elemMatch` takes them side by side, and operators such as `$and` in
/// it are not understood everywhere.
fn fields_of(test: &ElementTest) -> Option<Vec<&Expr>> {
    let mut parts = Vec::new();
    conjuncts(test.filter.as_ref()?, &mut parts);
    let mut seen = Vec::new();
    for part in &parts {
        let operand = match part {
            Expr::Column(_) => part,
            Expr::Binary(op, both, _) if inverse(*op).is_some() => &both.0,
            Expr::IsNull(operand, _) => &**operand,
            Expr::InList { expr, list, .. } if !list.is_empty() => &**expr,
            Expr::Between(three, _) => &three.0,
            Expr::Like { expr, .. } => &**expr,
            _ => return None,
        };
        let Expr::Column(column) = operand else { return None };
        if seen.contains(&column.index) {
            return None;
        }
        seen.push(column.index);
    }
    Some(parts)
}
