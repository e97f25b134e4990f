//! Other collections: joins, tests of relations, subqueries. Each is a `$lookup` before the stage that needs it.

use orm_core::Result;
use orm_core::ir::facts::conjuncts;
use orm_core::ir::{BinaryOp, Expr, Join, JoinKind, Quantifier, RelationTest, Select, Source};
use orm_core::meta::{ModelMeta, RelationKind, RelationMeta};

use super::expr::{begin, end};
use super::matching::is_looked_into;
use super::{Joined, Lower, unsupported, usage};
use crate::bson::{Key, Writer};
use crate::layout;

impl Lower<'_> {
    /// Adds a `$lookup` that puts the documents of a pipeline into a field. `pair` is a path here and one there that are equal;
    /// `build` adds the stages of the inner pipeline, whose root is `target`.
    fn lookup(
        &mut self,
        target: Source,
        pair: Option<(&str, &str)>,
        field: &str,
        build: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.enter(target);
        let built = build(self);
        let Some(inner) = self.levels.pop() else { return built };
        built?;
        self.stage("$lookup", |_, w, key| {
            let open = w.open(key);
            w.str("from", target.model.table);
            if let Some((local, foreign)) = pair {
                w.str("localField", local);
                w.str("foreignField", foreign);
            }
            if !inner.lets.is_empty() {
                let lets = w.open("let");
                for (name, value) in &inner.lets {
                    w.str(name, value);
                }
                w.close(lets);
            }
            if pair.is_none() || !inner.stages.is_empty() {
                let pipeline = w.open_array("pipeline");
                for (at, stage) in inner.stages.iter().enumerate() {
                    w.document(at, stage);
                }
                w.close(pipeline);
            }
            w.str("as", field);
            w.close(open);
            Ok(())
        })
    }

    /// The paths of the first columns of a key on both sides.
    fn first_pair(
        &mut self,
        from: Source,
        local: &[u16],
        remote: (&ModelMeta, &[u16]),
    ) -> Result<(String, String)> {
        let (Some(near), Some(far)) = (local.first(), remote.1.first()) else {
            return Err(usage("a relation without a key"));
        };
        if [from.model.column(*near), remote.0.column(*far)].iter().all(|column| is_looked_into(column.ty()))
        {
            return Err(unsupported("a relation whose key is an array"));
        }
        let level = self.level();
        let path = level
            .path_of(orm_core::ir::ColumnRef { source: from, index: *near })
            .map(|(path, _)| path.into_owned());
        let path = match path {
            Some(path) => path,
            None => return Err(usage(format!("`{}` is not part of this query", from.model.name))),
        };
        Ok((path, layout::path(remote.0, *far).into_owned()))
    }

    /// The stages that leave, of what a lookup by the first columns found, what the whole key names. NULL equals nothing.
    fn rest_of_key(
        &mut self,
        from: Source,
        local: &[u16],
        remote: (&'static ModelMeta, &[u16]),
    ) -> Result<()> {
        let (model, columns) = remote;
        if local.len() != columns.len() {
            return Err(usage(format!(
                "the keys of `{}` and `{}` differ in length",
                from.model.name, model.name
            )));
        }
        let mut writer = Writer::default();
        let open = writer.open("$match");
        let mut needed = false;
        let first = columns.first().copied().unwrap_or_default();
        if model.columns.get(usize::from(first)).is_none_or(|column| column.nullable) {
            let field = writer.open(&*layout::path(model, first));
            writer.null("$ne");
            writer.close(field);
            needed = true;
        }
        if columns.len() > 1 {
            let (expr, list) = begin(&mut writer, Key::Name("$expr"), "$and");
            let mut at = 0;
            for (near, far) in local.iter().zip(columns).skip(1) {
                let outer = self.place(orm_core::ir::ColumnRef { source: from, index: *near })?;
                let (same, pair) = begin(&mut writer, Key::At(at), "$eq");
                writer.str(0, &format!("${}", layout::path(model, *far)));
                writer.str(1, &outer.text);
                end(&mut writer, same, pair);
                let (present, pair) = begin(&mut writer, Key::At(at + 1), "$gt");
                writer.str(0, &outer.text);
                writer.null(1);
                end(&mut writer, present, pair);
                at += 2;
            }
            end(&mut writer, expr, list);
            needed = true;
        }
        writer.close(open);
        if needed {
            self.level().stages.push(writer.finish());
        }
        Ok(())
    }

    fn morph(&mut self, relation: &RelationMeta) -> Result<()> {
        let Some(morph) = &relation.morph else { return Ok(()) };
        let model = (relation.target)();
        self.stage("$match", |_, w, key| {
            let open = w.open(key);
            w.str(&*layout::path(model, morph.column), morph.tag);
            w.close(open);
            Ok(())
        })
    }

    /// Puts the rows that a relation leads to into a field; `inner` adds stages where the target is the root.
    fn along(
        &mut self,
        relation: &'static RelationMeta,
        from: Source,
        target: Source,
        field: &str,
        inner: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        if relation.kind == RelationKind::MorphTo {
            return Err(usage(format!("`{}` leads to a different model in each row", relation.name))
                .with_hint("start the query at one of the target models"));
        }
        if !std::ptr::eq((relation.target)(), target.model) {
            return Err(usage(format!("`{}` does not lead to `{}`", relation.name, target.model.name)));
        }
        let Some(through) = relation.through() else {
            let (near, far) = self.first_pair(from, relation.local, (target.model, relation.remote))?;
            return self.lookup(target, Some((&near, &far)), field, |lower| {
                // A column of the model itself would hide that of the row outside.
                lower.rest_of_key_outside(from, relation.local, (target.model, relation.remote))?;
                lower.morph(relation)?;
                inner(lower)
            });
        };
        let middle = Source { model: (through.model)(), alias: "orm_between" };
        let (near, far) = self.first_pair(from, relation.local, (middle.model, through.near))?;
        self.lookup(middle, Some((&near, &far)), field, |lower| {
            lower.rest_of_key_outside(from, relation.local, (middle.model, through.near))?;
            let (near, far) = lower.first_pair(middle, through.far, (target.model, relation.remote))?;
            lower.lookup(target, Some((&near, &far)), "orm_target", |lower| {
                lower.rest_of_key_outside(middle, through.far, (target.model, relation.remote))?;
                lower.morph(relation)?;
                inner(lower)
            })?;
            lower.unwind("orm_target", false)?;
            lower.stage("$replaceWith", |_, w, key| {
                w.str(key, "$orm_target");
                Ok(())
            })
        })
    }

    /// As [`rest_of_key`](Lower::rest_of_key) within a level that was just entered, whose root may be the model of `from` too.
    fn rest_of_key_outside(
        &mut self,
        from: Source,
        local: &[u16],
        remote: (&'static ModelMeta, &[u16]),
    ) -> Result<()> {
        let own = std::mem::replace(&mut self.level().root, Source { model: remote.0, alias: "orm_nobody" });
        let result = self.rest_of_key(from, local, remote);
        self.level().root = own;
        result
    }

    pub(super) fn unwind(&mut self, field: &str, optional: bool) -> Result<()> {
        self.stage("$unwind", |_, w, key| {
            let open = w.open(key);
            w.str("path", &format!("${field}"));
            if optional {
                w.bool("preserveNullAndEmptyArrays", true);
            }
            w.close(open);
            Ok(())
        })
    }

    /// A join: a lookup, unwound.
    pub(super) fn join(&mut self, join: &Join) -> Result<()> {
        if self.level().root == join.target
            || self.level().joined.iter().any(|joined| joined.source == join.target)
        {
            return Err(usage(format!("`{}` is part of this query twice", join.target.model.name))
                .with_hint("give one of them an alias"));
        }
        let optional = join.kind == JoinKind::Left;
        let field = self.name("orm_j");
        let condition = |lower: &mut Self| -> Result<()> {
            match &join.on {
                Some(on) => lower.match_stage(&[on]),
                None => Ok(()),
            }
        };
        match join.relation {
            Some((from, relation)) => self.along(relation, from, join.target, &field, condition)?,
            None => {
                // Each pair has one column of the target and one of what is there already.
                let mut local = Vec::new();
                let mut remote = Vec::new();
                let mut from = None;
                for (left, right) in &join.on_columns {
                    let (inner, outer) =
                        if left.source == join.target { (left, right) } else { (right, left) };
                    remote.push(inner.index);
                    local.push(outer.index);
                    from = Some(outer.source);
                }
                let Some(from) = from else {
                    return Err(unsupported("a join without a pair of equal columns"));
                };
                let (near, far) = self.first_pair(from, &local, (join.target.model, &remote))?;
                self.lookup(join.target, Some((&near, &far)), &field, |lower| {
                    lower.rest_of_key_outside(from, &local, (join.target.model, &remote))?;
                    condition(lower)
                })?;
            }
        }
        self.unwind(&field, optional)?;
        self.level().joined.push(Joined { source: join.target, field, optional });
        Ok(())
    }

    /// The field that holds what a test of a relation is about: the rows that decide it, or their number as `n`.
    pub(super) fn relation(&mut self, test: &RelationTest) -> Result<String> {
        let field = self.name("orm_t");
        let target = Source { model: (test.relation.target)(), alias: test.alias };
        let many = test.relation.through().is_some();
        self.along(test.relation, test.from, target, &field, |lower| {
            match (test.quantifier, &test.filter) {
                // Every row meets no condition at all: one row is enough to refute it.
                (_, None) => {}
                (Quantifier::All, Some(filter)) => lower.stage("$match", |lower, w, key| {
                    let open = w.open(key);
                    let (expr, list) = begin(w, Key::Name("$expr"), "$not");
                    lower.truth(w, Key::At(0), filter, true)?;
                    end(w, expr, list);
                    w.close(open);
                    Ok(())
                })?,
                (_, Some(filter)) => lower.match_stage(&[filter])?,
            }
            // Behind a model between, the counting comes after it.
            if many { Ok(()) } else { lower.few(test.quantifier) }
        })?;
        if many && test.quantifier == Quantifier::Count {
            // The lookup's list is the list of rows; their number takes the place of the rows.
            self.stage("$set", |_, w, key| {
                let open = w.open(key);
                let list = w.open_array(&field);
                let one = w.open(0_usize);
                let size = w.open("n");
                w.str("$size", &format!("${field}"));
                w.close(size);
                w.close(one);
                w.close(list);
                w.close(open);
                Ok(())
            })?;
        }
        Ok(field)
    }

    fn few(&mut self, quantifier: Quantifier) -> Result<()> {
        if quantifier == Quantifier::Count {
            return self.stage("$group", |_, w, key| {
                let open = w.open(key);
                w.null("_id");
                let count = w.open("n");
                w.i32("$sum", 1);
                w.close(count);
                w.close(open);
                Ok(())
            });
        }
        self.limit_stage(1)?;
        self.stage("$project", |_, w, key| {
            let open = w.open(key);
            w.i32("_id", 1);
            w.close(open);
            Ok(())
        })
    }

    /// The field that holds the results of a subquery, its first column called `c0`.
    pub(super) fn subquery(&mut self, select: &Select, limit: Option<u64>) -> Result<String> {
        let field = self.name("orm_s");
        let mut parts = Vec::new();
        if let Some(filter) = &select.filter {
            conjuncts(filter, &mut parts);
        }
        let tie = parts.iter().enumerate().find_map(|(at, part)| Some((at, self.tie(select, part)?)));
        let Some((at, (near, far))) = tie else {
            self.lookup(select.from, None, &field, |lower| lower.results(select, limit))?;
            return Ok(field);
        };
        parts.remove(at);
        let rest = (!parts.is_empty()).then(|| Expr::All(parts.into_iter().cloned().collect()));
        let column = select.from.model.column(far);
        let far = layout::path(select.from.model, far);
        let select = Select { filter: rest, ..select.clone() };
        self.lookup(select.from, Some((&near, &far)), &field, |lower| {
            if column.nullable {
                // NULL equals nothing.
                lower.stage("$match", |_, w, key| {
                    let open = w.open(key);
                    let test = w.open(&*far);
                    w.null("$ne");
                    w.close(test);
                    w.close(open);
                    Ok(())
                })?;
            }
            lower.results(&select, limit)
        })?;
        Ok(field)
    }

    fn results(&mut self, select: &Select, limit: Option<u64>) -> Result<()> {
        self.stages(select, true)?;
        match limit {
            Some(limit) => self.limit_stage(limit),
            None => Ok(()),
        }
    }

    /// A condition of a subquery that a column of its root equals one of the row outside, as the path outside and the column: the
    /// two fields of a `$lookup`, which an index serves.
    fn tie(&mut self, select: &Select, part: &Expr) -> Option<(String, u16)> {
        let Expr::Binary(BinaryOp::Eq, both, _) = part else { return None };
        let (Expr::Column(left), Expr::Column(right)) = (&both.0, &both.1) else { return None };
        let (inner, outer) = if left.source == select.from { (left, right) } else { (right, left) };
        let own =
            |source: Source| source == select.from || select.joins.iter().any(|join| join.target == source);
        let level = self.level();
        if inner.source != select.from || own(outer.source) || level.group.is_some() {
            return None;
        }
        // Two arrays would be equal if they had one element in common.
        if [inner, outer].iter().any(|column| is_looked_into(column.source.model.column(column.index).ty())) {
            return None;
        }
        level.path_of(*outer).map(|(path, _)| (path.into_owned(), inner.index))
    }

    pub(super) fn limit_stage(&mut self, limit: u64) -> Result<()> {
        self.stage("$limit", |_, w, key| {
            w.i64(key, i64::try_from(limit).unwrap_or(i64::MAX));
            Ok(())
        })
    }

    pub(super) fn match_stage(&mut self, parts: &[&orm_core::ir::Expr]) -> Result<()> {
        self.stage("$match", |lower, w, key| {
            let open = w.open(key);
            lower.all_of(w, parts)?;
            w.close(open);
            Ok(())
        })
    }
}
