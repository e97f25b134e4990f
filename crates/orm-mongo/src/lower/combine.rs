//! Queries put together: `$unionWith`, and a `$group` that brings equal rows together.

use orm_core::Result;
use orm_core::ir::{Combined, Output, Select, SetOp};

use super::{Level, Lower, usage};
use crate::bson::Writer;

impl Lower<'_> {
    /// The stages that make the documents of a combined query, in a level that stands on the collection of its first part.
    pub(super) fn combine(&mut self, select: &Select, combined: &Combined) -> Result<()> {
        let width = combined.width();
        self.combined = true;
        self.combined_part(&combined.first)?;
        let first = self.levels.pop().map(|level| level.stages).unwrap_or_default();
        self.level().stages.extend(first);
        for (op, part) in &combined.rest {
            let marked = matches!(op, SetOp::Intersect | SetOp::Except);
            if marked {
                self.mark(1)?;
            }
            self.combined_part(part)?;
            if marked {
                self.mark(2)?;
            }
            let stages = self.levels.pop().map(|level| level.stages).unwrap_or_default();
            self.stage("$unionWith", |_, w, key| {
                let open = w.open(key);
                w.str("coll", part.from.model.table);
                let pipeline = w.open_array("pipeline");
                for (at, stage) in stages.iter().enumerate() {
                    w.document(at, stage);
                }
                w.close(pipeline);
                w.close(open);
                Ok(())
            })?;
            if *op != SetOp::UnionAll {
                self.once(*op, width)?;
            }
        }
        let level = self.level();
        *level = Level {
            stages: std::mem::take(&mut level.stages),
            lets: std::mem::take(&mut level.lets),
            ..Level::of(select.from)
        };
        level.places = width > 0;
        Ok(())
    }

    /// The stages of a part, in a level of their own.
    fn combined_part(&mut self, part: &Select) -> Result<()> {
        if matches!(part.output, Output::One | Output::CountOf(_)) {
            return Err(usage("a query without columns cannot be put together with others"));
        }
        self.enter(part.from);
        self.stages(part, true)
    }

    /// Notes which side the documents come from.
    fn mark(&mut self, side: i32) -> Result<()> {
        self.stage("$set", |_, w, key| {
            let open = w.open(key);
            w.i32("orm_side", side);
            w.close(open);
            Ok(())
        })
    }

    /// Equal documents once, those that are on the right sides. Rows of a model are told apart by their key.
    fn once(&mut self, op: SetOp, width: usize) -> Result<()> {
        let sides = match op {
            SetOp::Intersect => Some((1, 2)),
            SetOp::Except => Some((1, 1)),
            SetOp::Union | SetOp::UnionAll => None,
        };
        self.stage("$group", |_, w, key| {
            let open = w.open(key);
            write_id(w, width);
            accumulate(w, "orm_d", "$first", "$$ROOT");
            if sides.is_some() {
                accumulate(w, "orm_low", "$min", "$orm_side");
                accumulate(w, "orm_high", "$max", "$orm_side");
            }
            w.close(open);
            Ok(())
        })?;
        let Some((low, high)) = sides else { return self.replace_with("$orm_d") };
        self.stage("$match", |_, w, key| {
            let open = w.open(key);
            w.i32("orm_low", low);
            w.i32("orm_high", high);
            w.close(open);
            Ok(())
        })?;
        self.replace_with("$orm_d")?;
        self.stage("$unset", |_, w, key| {
            w.str(key, "orm_side");
            Ok(())
        })
    }

    /// `distinct` over columns without a model.
    pub(super) fn distinct_places(&mut self, select: &Select) -> Result<()> {
        let Output::Columns(width) = select.output else { return Ok(()) };
        self.stage("$group", |_, w, key| {
            let open = w.open(key);
            write_id(w, usize::from(width));
            w.close(open);
            Ok(())
        })?;
        self.replace_with("$_id")?;
        self.sort(&select.order)?;
        self.cut(select)
    }

    fn replace_with(&mut self, path: &str) -> Result<()> {
        self.stage("$replaceWith", |_, w, key| {
            w.str(key, path);
            Ok(())
        })
    }
}

/// What makes two documents equal.
fn write_id(w: &mut Writer, width: usize) {
    if width == 0 {
        w.str("_id", "$_id");
        return;
    }
    let id = w.open("_id");
    for place in 0..width {
        w.str(&*format!("c{place}"), &format!("$c{place}"));
    }
    w.close(id);
}

fn accumulate(w: &mut Writer, field: &str, operator: &str, value: &str) {
    let open = w.open(field);
    w.str(operator, value);
    w.close(open);
}
