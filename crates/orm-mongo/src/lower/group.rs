//! Grouping: accumulators before, their results after.

use orm_core::Result;
use orm_core::ir::facts::each;
use orm_core::ir::{AggFunc, Expr, Output, Select};
use orm_core::value::ColumnType;

use super::expr::{begin, end};
use super::truth::has_order;
use super::{Lower, unsupported, usage};
use crate::bson::{Key, Writer};

/// The aggregates of a query, by the address of the expression that names them.
pub(super) struct Group {
    places: Vec<usize>,
}

/// Every aggregate in the expressions of a query, those of subqueries left out.
pub(super) fn aggregates(select: &Select) -> Vec<&Expr> {
    let mut found = Vec::new();
    for expr in visible(select) {
        each(expr, &mut |expr| {
            let aggregate = matches!(expr, Expr::Aggregate { .. });
            if aggregate {
                found.push(expr);
            }
            !aggregate
        });
    }
    found
}

/// Every expression that is computed after the grouping.
pub(super) fn visible(select: &Select) -> impl Iterator<Item = &Expr> {
    let output = match &select.output {
        Output::CountOf(inner) => inner,
        other => other,
    };
    let output = match output {
        Output::Exprs(exprs) | Output::ModelAnd(exprs) => exprs.as_slice(),
        _ => &[],
    };
    output.iter().chain(&select.having).chain(select.order.iter().map(|order| &order.expr))
}

/// The fields of an accumulator: its value, and for a sum how many values went into it.
pub(super) struct Names {
    value: String,
    count: String,
}

impl Names {
    fn of_group(place: usize) -> Self {
        Names { value: format!("a{place}"), count: format!("n{place}") }
    }

    pub fn of_window(field: &str) -> Self {
        Names { value: field.to_owned(), count: format!("{field}_n") }
    }
}

fn address(expr: &Expr) -> usize {
    std::ptr::from_ref(expr).addr()
}

impl Lower<'_> {
    /// The `$group` stage. Without keys there is one group, even of no rows.
    pub(super) fn group(&mut self, select: &Select, aggregates: &[&Expr]) -> Result<()> {
        let mut writer = Writer::default();
        let group = writer.open("$group");
        if select.group_by.is_empty() {
            writer.null("_id");
        } else {
            let id = writer.open("_id");
            for (place, key) in select.group_by.iter().enumerate() {
                // A missing field would be another group than null.
                self.or_null(&mut writer, Key::Name(&format!("k{place}")), key)?;
            }
            writer.close(id);
        }
        for (place, aggregate) in aggregates.iter().enumerate() {
            self.accumulate(&mut writer, &Names::of_group(place), aggregate, &|_| {})?;
        }
        writer.close(group);
        let stage = writer.finish();
        if select.group_by.is_empty() {
            // A facet yields a document even where nothing came in.
            let mut facet = Writer::default();
            let open = facet.open("$facet");
            let list = facet.open_array("g");
            facet.document(0, &stage);
            facet.close(list);
            facet.close(open);
            let mut replace = Writer::default();
            let (open, list) = begin(&mut replace, Key::Name("$replaceWith"), "$ifNull");
            let first = replace.open(0_usize);
            let pair = replace.open_array("$arrayElemAt");
            replace.str(0, "$g");
            replace.i32(1, 0);
            replace.close(pair);
            replace.close(first);
            let nothing = replace.open(1_usize);
            replace.close(nothing);
            end(&mut replace, open, list);
            self.level().stages.extend([facet.finish(), replace.finish()]);
        } else {
            self.level().stages.push(stage);
        }
        self.level().group = Some(Group { places: aggregates.iter().map(|expr| address(expr)).collect() });
        Ok(())
    }

    /// The fields of an accumulator. `frame` adds to each the rows that it sees.
    pub(super) fn accumulate(
        &mut self,
        w: &mut Writer,
        names: &Names,
        aggregate: &Expr,
        frame: &dyn Fn(&mut Writer),
    ) -> Result<()> {
        let Expr::Aggregate { func, arg, distinct, ty, filter, .. } = aggregate else { return Ok(()) };
        let (arg, filter) = (arg.as_deref(), filter.as_deref());
        let accumulator = w.open(&*names.value);
        match (func, arg) {
            (AggFunc::Count, None) => self.counted(w, None, filter)?,
            (AggFunc::Count, Some(arg)) if !distinct => self.counted(w, Some(arg), filter)?,
            (_, Some(arg)) => {
                if matches!(func, AggFunc::Min | AggFunc::Max) {
                    has_order(*ty)?;
                }
                let operator = match func {
                    AggFunc::Min => "$min",
                    AggFunc::Max => "$max",
                    _ if *distinct => "$addToSet",
                    AggFunc::Sum => "$sum",
                    AggFunc::Avg => "$avg",
                    other => return Err(unsupported(format!("the aggregate {other:?}"))),
                };
                self.chosen(w, operator, arg, filter)?;
            }
            (other, None) => return Err(usage(format!("{other:?} of nothing"))),
        }
        frame(w);
        w.close(accumulator);
        if let (AggFunc::Sum, Some(arg), false) = (func, arg, distinct) {
            // Over no values the sum is NULL and not 0.
            let count = w.open(&*names.count);
            self.counted(w, Some(arg), filter)?;
            frame(w);
            w.close(count);
        }
        Ok(())
    }

    /// `$sum: 1` for the rows that count.
    fn counted(&mut self, w: &mut Writer, arg: Option<&Expr>, filter: Option<&Expr>) -> Result<()> {
        let test = match (arg, filter) {
            (None, None) => {
                w.i32("$sum", 1);
                return Ok(());
            }
            (None, Some(filter)) => filter.clone(),
            (Some(arg), filter) => {
                let present = Expr::IsNull(Box::new(arg.clone()), true);
                Expr::All(filter.cloned().into_iter().chain([present]).collect())
            }
        };
        let (open, list) = begin(w, Key::Name("$sum"), "$cond");
        self.truth(w, Key::At(0), &test, true)?;
        w.i32(1, 1);
        w.i32(2, 0);
        end(w, open, list);
        Ok(())
    }

    /// The value, NULL in the rows that the filter leaves out.
    fn chosen(&mut self, w: &mut Writer, operator: &str, arg: &Expr, filter: Option<&Expr>) -> Result<()> {
        let Some(filter) = filter else { return self.expr(w, Key::Name(operator), arg) };
        let (open, list) = begin(w, Key::Name(operator), "$cond");
        self.truth(w, Key::At(0), filter, true)?;
        self.expr(w, Key::At(1), arg)?;
        w.null(2);
        end(w, open, list);
        Ok(())
    }

    /// What came of an aggregate, after the grouping.
    pub(super) fn aggregate_result(&mut self, w: &mut Writer, key: Key<'_>, expr: &Expr) -> Result<()> {
        let known = self
            .level()
            .group
            .as_ref()
            .and_then(|group| group.places.iter().position(|known| *known == address(expr)));
        let place = known.ok_or_else(|| usage("an aggregate where rows are not grouped"))?;
        self.result_of(w, key, &Names::of_group(place), expr);
        Ok(())
    }

    /// What came of an accumulator.
    pub(super) fn result_of(&self, w: &mut Writer, key: Key<'_>, names: &Names, aggregate: &Expr) {
        let Expr::Aggregate { func, arg, distinct, ty, .. } = aggregate else { return };
        let field = format!("${}", names.value);
        let set = |w: &mut Writer, key: Key<'_>| {
            // The distinct values, NULL left out.
            let (open, list) = begin(w, key, "$setDifference");
            let (whole, pair) = begin(w, Key::At(0), "$ifNull");
            w.str(0, &field);
            let none = w.open_array(1_usize);
            w.close(none);
            end(w, whole, pair);
            let nulls = w.open_array(1_usize);
            w.null(0_usize);
            w.close(nulls);
            end(w, open, list);
        };
        match (func, distinct) {
            (AggFunc::Count, true) if arg.is_some() => {
                let open = w.open(key);
                set(w, Key::Name("$size"));
                w.close(open);
            }
            (AggFunc::Count, _) => {
                let (open, list) = begin(w, key, "$ifNull");
                w.str(0, &field);
                w.i32(1, 0);
                end(w, open, list);
            }
            (AggFunc::Sum, false) => {
                let (open, list) = begin(w, key, "$cond");
                let (test, pair) = begin(w, Key::At(0), "$gt");
                w.str(0, &format!("${}", names.count));
                w.i32(1, 0);
                end(w, test, pair);
                w.str(1, &field);
                w.null(2);
                end(w, open, list);
            }
            (AggFunc::Sum | AggFunc::Avg, true) => {
                let (open, list) = begin(w, key, "$cond");
                let (test, pair) = begin(w, Key::At(0), "$eq");
                set(w, Key::At(0));
                let none = w.open_array(1_usize);
                w.close(none);
                end(w, test, pair);
                w.null(1);
                let total = w.open(2_usize);
                w.str(if *func == AggFunc::Sum { "$sum" } else { "$avg" }, &field);
                w.close(total);
                end(w, open, list);
            }
            (AggFunc::Avg, false) if *ty == ColumnType::Decimal => {
                // As a quotient of decimals.
                let (open, list) = begin(w, key, "$round");
                w.str(0, &field);
                w.i32(1, 16);
                end(w, open, list);
            }
            _ => w.str(key, &field),
        }
    }
}
