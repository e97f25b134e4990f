//! A query as a `find` where that suffices, as the stages of a pipeline where not.

use std::borrow::Cow;

use orm_core::Result;
use orm_core::ir::facts::{self, conjuncts, type_of};
use orm_core::ir::{ColumnRef, Direction, Expr, Nulls, Order, Output, PerParent, Select};

use super::expr::{begin, end};
use super::group::aggregates;
use super::matching::Reach;
use super::truth::has_order;
use super::window::windows;
use super::{Lower, unsupported, usage};
use crate::bson::{Key, Writer};
use crate::layout::{self, Layout};
use crate::value::MongoTimes;

/// A read as it is sent.
#[derive(Debug)]
pub struct Read {
    /// The command.
    pub command: Vec<u8>,
    /// What comes back, if it is not the model itself.
    pub layout: Option<Layout>,
    /// No answer means a count of zero.
    pub counts: bool,
    /// It puts queries together, which the server does not do inside of transactions.
    pub combined: bool,
}

/// The command for a query.
pub fn read(select: &Select, times: MongoTimes) -> Result<Read> {
    check(select)?;
    let mut lower = Lower::new(times);
    if let Some(read) = lower.find(select)? {
        return Ok(read);
    }
    let mut writer = Writer::with_capacity(1024);
    let (collection, output) = lower.pipeline(select)?;
    writer.str("aggregate", collection);
    let pipeline = writer.open_array("pipeline");
    for (at, stage) in lower.take_stages().iter().enumerate() {
        writer.document(at, stage);
    }
    writer.close(pipeline);
    let cursor = writer.open("cursor");
    writer.close(cursor);
    let counts = matches!(select.output, Output::CountOf(_));
    Ok(Read { command: writer.finish(), layout: output, counts, combined: lower.combined })
}

fn check(select: &Select) -> Result<()> {
    if select.lock.is_some() {
        return Err(unsupported("locks on rows"));
    }
    if !select.distinct_on.is_empty() {
        return Err(unsupported("DISTINCT ON"));
    }
    Ok(())
}

impl<'c> Lower<'c> {
    /// The query as a `find`, if the query language has all of it.
    fn find(&mut self, select: &Select) -> Result<Option<Read>> {
        let plain = select.combined.is_none()
            && select.joins.is_empty()
            && select.group_by.is_empty()
            && select.having.is_none()
            && !select.distinct
            && select.per_parent.is_none()
            && select.limit != Some(0);
        if !plain {
            return Ok(None);
        }
        let own = |expr: &Expr| match expr {
            Expr::Column(column) if column.source == select.from => Some(column.index),
            _ => None,
        };
        let columns = match &select.output {
            Output::Model => None,
            Output::Exprs(exprs) => match exprs.iter().map(own).collect::<Option<Vec<u16>>>() {
                // Two values from one field would need two places in the layout.
                Some(columns) if (1..columns.len()).all(|at| !columns[..at].contains(&columns[at])) => {
                    Some(columns)
                }
                _ => return Ok(None),
            },
            Output::One => Some(Vec::new()),
            _ => return Ok(None),
        };
        let natural = |order: &Order| {
            let place = if order.direction == Direction::Asc { Nulls::First } else { Nulls::Last };
            own(&order.expr).is_some() && order.nulls.is_none_or(|nulls| nulls == place)
        };
        self.enter(select.from);
        let level = self.level();
        let served = select.filter.as_ref().is_none_or(|filter| level.serves(filter, Reach::Root));
        if !served || !select.order.iter().all(natural) {
            self.levels.clear();
            return Ok(None);
        }
        let model = select.from.model;
        let mut w = Writer::default();
        w.str("find", model.table);
        if let Some(filter) = &select.filter {
            let open = w.open("filter");
            self.filter(&mut w, filter)?;
            w.close(open);
        }
        if !select.order.is_empty() {
            let open = w.open("sort");
            let mut seen = Vec::new();
            for order in &select.order {
                let index = own(&order.expr).unwrap_or_default();
                has_order(model.column(index).ty())?;
                // A field sorts once: what comes second has nothing left to decide.
                if !seen.contains(&index) {
                    seen.push(index);
                    w.i32(
                        &*layout::path(model, index),
                        if order.direction == Direction::Asc { 1 } else { -1 },
                    );
                }
            }
            w.close(open);
        }
        if let Some(columns) = &columns {
            let open = w.open("projection");
            if !columns.iter().any(|index| layout::path(model, *index) == "_id") && !columns.is_empty() {
                w.i32("_id", 0);
            }
            for index in columns {
                w.i32(&*layout::path(model, *index), 1);
            }
            if columns.is_empty() {
                w.i32("_id", 1);
            }
            w.close(open);
        }
        if let Some(offset) = select.offset.filter(|offset| *offset > 0) {
            w.i64("skip", i64::try_from(offset).unwrap_or(i64::MAX));
        }
        if let Some(limit) = select.limit {
            w.i64("limit", i64::try_from(limit).unwrap_or(i64::MAX));
            if limit == 1 {
                w.bool("singleBatch", true);
            }
        }
        let layout =
            columns.map(|columns| Layout::of_paths(columns.iter().map(|index| layout::path(model, *index))));
        Ok(Some(Read { command: w.finish(), layout, counts: false, combined: false }))
    }

    /// All stages of a query, in the outermost level. The collection that they begin with, and what comes out.
    pub fn pipeline(&mut self, select: &Select) -> Result<(&'static str, Option<Layout>)> {
        self.enter(select.from);
        let collection = match self.links_first(select)? {
            Some(collection) => collection,
            None => {
                self.stages(select, false)?;
                select.from.model.table
            }
        };
        let output = match &select.output {
            Output::CountOf(_) => Some(Layout::of_values(1)),
            Output::Model => None,
            Output::One => Some(Layout::of_values(0)),
            Output::Columns(width) => Some(Layout::of_values(usize::from(*width))),
            Output::Exprs(exprs) => Some(Layout::of_values(exprs.len())),
            Output::ModelAnd(exprs) => {
                let model = select.from.model;
                let own = (0..model.columns.len()).map(|index| layout::path(model, index as u16));
                let more = (0..exprs.len()).map(|at| Cow::Owned(format!("orm_c{at}")));
                Some(Layout::of_paths(own.chain(more)))
            }
        };
        Ok((collection, output))
    }

    /// A query for what is linked to some rows, begun at the links that its filter names: beginning at the root it would look up
    /// the links of every document there is.
    fn links_first(&mut self, select: &Select) -> Result<Option<&'static str>> {
        let ([join], None) = (select.joins.as_slice(), &select.combined) else { return Ok(None) };
        if join.relation.is_some()
            || join.on.is_some()
            || join.on_columns.is_empty()
            || join.kind != orm_core::ir::JoinKind::Inner
        {
            return Ok(None);
        }
        let mut parts = Vec::new();
        if let Some(filter) = &select.filter {
            conjuncts(filter, &mut parts);
        }
        let link = |column: &ColumnRef| column.source == join.target;
        let at_link = |expr: &&Expr| match expr {
            Expr::InList { expr, .. } => matches!(&**expr, Expr::Column(column) if link(column)),
            Expr::InTuples { exprs, .. } => {
                exprs.iter().all(|expr| matches!(expr, Expr::Column(column) if link(column)))
            }
            _ => false,
        };
        let (first, rest): (Vec<&Expr>, Vec<&Expr>) = parts.into_iter().partition(at_link);
        if first.is_empty() {
            return Ok(None);
        }
        self.levels.clear();
        self.enter(join.target);
        self.match_stage(&first)?;
        // The root is looked up as if it were joined, then they change places.
        let pairs = join.on_columns.clone();
        let turned = orm_core::ir::Join { target: select.from, on_columns: pairs, ..join.clone() };
        self.join(&turned)?;
        let field = self.level().joined.pop().map(|joined| joined.field).unwrap_or_default();
        let own = self.name("orm_j");
        self.stage("$replaceWith", |_, w, key| {
            let (open, list) = begin(w, key, "$mergeObjects");
            w.str(0, &format!("${field}"));
            let kept = w.open(1_usize);
            w.str(&own, "$$ROOT");
            w.close(kept);
            end(w, open, list);
            Ok(())
        })?;
        let level = self.level();
        level.root = select.from;
        level.joined.push(super::Joined { source: join.target, field: own, optional: false });
        let rest = Expr::All(rest.into_iter().cloned().collect());
        let select = Select { joins: Vec::new(), filter: Some(rest), ..select.clone() };
        self.stages(&select, false)?;
        Ok(Some(join.target.model.table))
    }

    /// The stages of a query whose root is the level's. Within another query (`inner`) no value is missing.
    pub(super) fn stages(&mut self, select: &Select, inner: bool) -> Result<()> {
        check(select)?;
        if let Some(combined) = &select.combined {
            self.combine(select, combined)?;
        }
        let mut parts = Vec::new();
        if let Some(filter) = &select.filter {
            conjuncts(filter, &mut parts);
        }
        // What is about the root alone comes before the joins, where indexes serve it.
        let level = self.level();
        let (early, late): (Vec<&Expr>, Vec<&Expr>) =
            parts.into_iter().partition(|part| level.serves(part, Reach::Root));
        if !early.is_empty() {
            self.match_stage(&early)?;
        }
        for join in &select.joins {
            self.join(join)?;
        }
        if !late.is_empty() {
            self.match_stage(&late)?;
        }
        self.level().keys = select.group_by.clone();
        let aggregates = aggregates(select);
        if !select.group_by.is_empty() || !aggregates.is_empty() {
            self.group(select, &aggregates)?;
        }
        if let Some(having) = &select.having {
            self.match_stage(&[having])?;
        }
        for window in windows(select) {
            self.compute_window(window)?;
        }
        if let Some(per) = &select.per_parent {
            self.per_parent(select, per)?;
        }
        let (counted, output) = match &select.output {
            Output::CountOf(output) => (true, &**output),
            output => (false, output),
        };
        if select.distinct && !matches!(output, Output::Model) {
            self.distinct(select, output)?;
        } else {
            if select.distinct && !select.joins.is_empty() {
                self.distinct_roots()?;
            }
            let cut = select.limit.is_some() || select.offset.is_some();
            if !counted || cut {
                self.sort(&select.order)?;
            }
            self.cut(select)?;
            if !counted {
                self.output(output, inner)?;
            }
        }
        if counted {
            match inner {
                // What `$count` is short for: not every server takes it within a `$lookup`.
                true => self.stage("$group", |_, w, key| {
                    let open = w.open(key);
                    w.null("_id");
                    let count = w.open("c0");
                    w.i32("$sum", 1);
                    w.close(count);
                    w.close(open);
                    Ok(())
                })?,
                false => self.stage("$count", |_, w, key| {
                    w.str(key, "c0");
                    Ok(())
                })?,
            }
        }
        Ok(())
    }

    pub(super) fn cut(&mut self, select: &Select) -> Result<()> {
        if let Some(offset) = select.offset.filter(|offset| *offset > 0) {
            self.stage("$skip", |_, w, key| {
                w.i64(key, i64::try_from(offset).unwrap_or(i64::MAX));
                Ok(())
            })?;
        }
        match select.limit {
            None => Ok(()),
            // There is no limit of 0.
            Some(0) => self.stage("$match", |_, w, key| {
                let open = w.open(key);
                w.bool("$expr", false);
                w.close(open);
                Ok(())
            }),
            Some(limit) => self.limit_stage(limit),
        }
    }

    /// `$sort`, after a `$set` of the keys that are no fields.
    pub(super) fn sort(&mut self, orders: &[Order]) -> Result<()> {
        if orders.is_empty() {
            return Ok(());
        }
        let keys = self.sort_keys(orders)?;
        self.stage("$sort", |_, w, key| {
            let open = w.open(key);
            write_keys(w, &keys);
            w.close(open);
            Ok(())
        })
    }

    /// The fields of an order and their directions.
    pub(super) fn sort_keys(&mut self, orders: &[Order]) -> Result<Vec<(String, i32)>> {
        let mut keys: Vec<(String, i32)> = Vec::new();
        let mut computed = Writer::default();
        for order in orders {
            let direction = if order.direction == Direction::Asc { 1 } else { -1 };
            has_order(type_of(&order.expr).unwrap_or(order.ty))?;
            let field = match &order.expr {
                Expr::Column(column) if self.level().group.is_none() => {
                    self.level().path_of(*column).map(|(path, _)| path.into_owned())
                }
                Expr::Column(column) => self.level().key_of(*column),
                Expr::Key(place, _) if self.level().group.is_some() => Some(format!("_id.k{place}")),
                Expr::Key(place, _) if self.level().places => Some(format!("c{place}")),
                _ => None,
            };
            let field = match field {
                Some(field) => field,
                None => {
                    let name = self.name("orm_o");
                    self.expr(&mut computed, Key::Name(&name), &order.expr)?;
                    name
                }
            };
            let natural = if direction == 1 { Nulls::First } else { Nulls::Last };
            if order.nulls.is_some_and(|nulls| nulls != natural) {
                // NULL is the smallest here: a key before says on which side of the values it goes.
                let name = self.name("orm_o");
                let (open, list) = begin(&mut computed, Key::Name(&name), "$gt");
                self.expr(&mut computed, Key::At(0), &order.expr)?;
                computed.null(1);
                end(&mut computed, open, list);
                keys.push((name, -direction));
            }
            if !keys.iter().any(|(known, _)| *known == field) {
                keys.push((field, direction));
            }
        }
        if !computed.is_empty() {
            let computed = computed.finish();
            self.stage("$set", |_, w, key| {
                w.raw(key, crate::bson::tag::DOCUMENT, &computed);
                Ok(())
            })?;
        }
        Ok(keys)
    }

    /// Numbers the rows of each parent and keeps those in range.
    fn per_parent(&mut self, select: &Select, per: &PerParent) -> Result<()> {
        let mut keys = self.sort_keys(&select.order)?;
        if keys.is_empty() {
            // A window needs an order.
            keys.push(("_id".to_owned(), 1));
        }
        self.stage("$setWindowFields", |lower, w, key| {
            let open = w.open(key);
            let partition = w.open("partitionBy");
            for (at, expr) in per.key.iter().enumerate() {
                lower.expr(w, Key::Name(&format!("p{at}")), expr)?;
            }
            w.close(partition);
            let sort = w.open("sortBy");
            write_keys(w, &keys);
            w.close(sort);
            let output = w.open("output");
            let number = w.open("orm_rn");
            let function = w.open("$documentNumber");
            w.close(function);
            w.close(number);
            w.close(output);
            w.close(open);
            Ok(())
        })?;
        let first = per.offset.unwrap_or(0);
        self.stage("$match", |_, w, key| {
            let open = w.open(key);
            let range = w.open("orm_rn");
            w.i64("$gt", i64::try_from(first).unwrap_or(i64::MAX));
            if let Some(limit) = per.limit {
                w.i64("$lte", i64::try_from(first.saturating_add(limit)).unwrap_or(i64::MAX));
            }
            w.close(range);
            w.close(open);
            Ok(())
        })
    }

    /// Documents of the root that joins multiplied, each once.
    fn distinct_roots(&mut self) -> Result<()> {
        self.stage("$group", |_, w, key| {
            let open = w.open(key);
            w.str("_id", "$_id");
            let first = w.open("orm_d");
            w.str("$first", "$$ROOT");
            w.close(first);
            w.close(open);
            Ok(())
        })?;
        self.stage("$replaceWith", |_, w, key| {
            w.str(key, "$orm_d");
            Ok(())
        })
    }

    /// Equal results once: a group of what comes out.
    fn distinct(&mut self, select: &Select, output: &Output) -> Result<()> {
        let mut values = Writer::default();
        let exprs = match output {
            Output::Exprs(exprs) => exprs.as_slice(),
            Output::One => &[],
            Output::Columns(_) => return self.distinct_places(select),
            _ => return Err(unsupported("distinct rows with the columns of a link")),
        };
        for (at, expr) in exprs.iter().enumerate() {
            self.or_null(&mut values, Key::Name(&format!("c{at}")), expr)?;
        }
        let mut keys: Vec<(String, i32)> = Vec::new();
        for order in &select.order {
            if order.nulls.is_some() {
                return Err(unsupported("a place for NULL in the order of distinct rows"));
            }
            // Rows that are one row may differ in anything else.
            let own = |expr: &Expr| facts::same(expr, &order.expr);
            let place = exprs.iter().position(own).ok_or_else(|| {
                usage("distinct rows are ordered by what is selected, and by nothing else")
                    .with_model(select.from.model.name)
                    .with_hint("select it too, or group by the selected columns and order by an aggregate")
            })?;
            let name = format!("c{place}");
            if !keys.iter().any(|(known, _)| *known == name) {
                keys.push((name, if order.direction == Direction::Asc { 1 } else { -1 }));
            }
        }
        let values = values.finish();
        self.stage("$group", |_, w, key| {
            let open = w.open(key);
            w.document("_id", &values);
            w.close(open);
            Ok(())
        })?;
        self.stage("$replaceWith", |_, w, key| {
            w.str(key, "$_id");
            Ok(())
        })?;
        if !keys.is_empty() {
            self.stage("$sort", |_, w, key| {
                let open = w.open(key);
                write_keys(w, &keys);
                w.close(open);
                Ok(())
            })?;
        }
        self.cut(select)
    }

    fn output(&mut self, output: &Output, inner: bool) -> Result<()> {
        match output {
            Output::Exprs(exprs) => self.stage("$replaceWith", |lower, w, key| {
                let open = w.open(key);
                for (at, expr) in exprs.iter().enumerate() {
                    let name = format!("c{at}");
                    if inner {
                        lower.or_null(w, Key::Name(&name), expr)?;
                    } else {
                        lower.expr(w, Key::Name(&name), expr)?;
                    }
                }
                w.close(open);
                Ok(())
            }),
            Output::One => self.stage("$project", |_, w, key| {
                let open = w.open(key);
                w.i32("_id", 1);
                w.close(open);
                Ok(())
            }),
            Output::Model | Output::ModelAnd(_) => {
                if let Output::ModelAnd(exprs) = output {
                    self.stage("$set", |lower, w, key| {
                        let open = w.open(key);
                        for (at, expr) in exprs.iter().enumerate() {
                            lower.expr(w, Key::Name(&format!("orm_c{at}")), expr)?;
                        }
                        w.close(open);
                        Ok(())
                    })?;
                }
                let joined: Vec<String> =
                    self.level().joined.iter().map(|joined| joined.field.clone()).collect();
                if joined.is_empty() {
                    return Ok(());
                }
                self.stage("$unset", |_, w, key| {
                    let list = w.open_array(key);
                    for (at, field) in joined.iter().enumerate() {
                        w.str(at, field);
                    }
                    w.close(list);
                    Ok(())
                })
            }
            // They are there.
            Output::Columns(_) => Ok(()),
            Output::CountOf(_) => Err(usage("only a whole query can be counted")),
        }
    }
}

pub(super) fn write_keys(w: &mut Writer, keys: &[(String, i32)]) {
    for (field, direction) in keys {
        w.i32(field, *direction);
    }
}
