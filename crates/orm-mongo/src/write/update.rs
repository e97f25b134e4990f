//! Changing documents.

use std::borrow::Cow;

use orm_core::ir::{Assignment, Expr, Select, Source, Update, facts};
use orm_core::meta::ModelMeta;
use orm_core::value::Datum;
use orm_core::{Error, ErrorKind, Result};

use super::keys::{self, Ties, reread};
use super::{Done, at_path, check_value, ids_filter};
use crate::atomic::again;
use crate::bson::{Key, Writer, get, tag};
use crate::lower::Lower;
use crate::session::MongoSession;
use crate::{errors, layout, read, value};

/// How new values are written.
enum Values {
    /// `{$set: {..}}`: they are known.
    Known(Vec<u8>),
    /// `[{$set: {..}}]`: they are computed from the document.
    Computed(Vec<u8>),
    /// Stages that compute them as `v0`, `v1`, … from other collections too.
    Queried(Vec<Vec<u8>>),
}

pub async fn run(session: &MongoSession, update: &Update) -> Result<Done> {
    let model = update.source.model;
    if update.set.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "an UPDATE must change a column").with_model(model.name));
    }
    let filter = update.filter.as_ref();
    let moves = update.set.iter().any(|assignment| changes_key(model, assignment, filter));
    let set = update
        .set
        .iter()
        .filter(|assignment| moves || !model.primary_key.contains(&assignment.column))
        .collect();
    let change = Change::of(session, update.source, set, moves).await?;
    let values = change.values(session, None)?;

    let mut lower = Lower::on(session.shared.settings.times, update.source);
    let mut query = Writer::default();
    if let Some(filter) = filter {
        lower.filter(&mut query, filter)?;
    }
    let (query, plain) = (query.finish(), lower.take_stages().is_empty());
    let direct = plain && change.direct(&values) && !change.ties.any();
    if direct && names_one(model, filter) {
        if update.returning.is_none() {
            return write(session, model, &query, &values, false).await;
        }
        let found = one(session, model, &query, &values).await?;
        return Ok(Done { affected: u64::from(found.is_some()), documents: found.into_iter().collect() });
    }
    let select = Select { filter: update.filter.clone(), ..Select::new(update.source) };
    let find = read::lowered(session, &select, true)?.command;
    let (change, values, query) = (&change, &values, &query);
    again(session, |session| {
        let find = find.clone();
        async move {
            if direct && update.returning.is_none() {
                return write(&session, model, query, values, true).await;
            }
            let old = read::documents(&session.upkeep(), find, Some(model)).await?;
            if old.is_empty() {
                return Ok(Done::default());
            }
            let affected = old.len() as u64;
            Ok(Done { affected, documents: change.carry_out(&session, values, old).await? })
        }
    })
    .await
}

/// What becomes of rows that are there: by an UPDATE, or by an INSERT that met one.
pub(super) struct Change<'u> {
    source: Source,
    set: Vec<&'u Assignment>,
    columns: Vec<u16>,
    /// Whether rows get another key: other documents take their place.
    moves: bool,
    ties: Ties,
}

impl<'u> Change<'u> {
    async fn of(
        session: &MongoSession,
        source: Source,
        set: Vec<&'u Assignment>,
        moves: bool,
    ) -> Result<Change<'u>> {
        let columns: Vec<u16> = set.iter().map(|assignment| assignment.column).collect();
        let ties = Ties::of(session, source.model, &columns).await?;
        Ok(Change { source, set, columns, moves, ties })
    }

    /// The change of an upsert, whose `target` says that the row is there.
    pub async fn on_conflict(
        session: &MongoSession,
        source: Source,
        set: &'u [Assignment],
        target: &[u16],
    ) -> Result<Change<'u>> {
        let key = source.model.primary_key;
        // The value that was met is the one that is there.
        let met = |assignment: &Assignment| {
            matches!(&assignment.value, Expr::Excluded(own) if own.index == assignment.column)
                && target.contains(&assignment.column)
        };
        let moves = set.iter().any(|assignment| key.contains(&assignment.column) && !met(assignment));
        let kept = |assignment: &&Assignment| moves || !key.contains(&assignment.column);
        Change::of(session, source, set.iter().filter(kept).collect(), moves).await
    }

    /// Whether a command can do it without a look at the documents first.
    fn direct(&self, values: &Values) -> bool {
        !self.moves && !matches!(values, Values::Queried(_)) && !self.set.is_empty()
    }

    /// Changes the row that a new one met, and gives it back. `None` if there is no such row.
    pub async fn met(&self, session: &MongoSession, query: &[u8], row: &[Datum]) -> Result<Option<Vec<u8>>> {
        let model = self.source.model;
        let values = self.values(session, Some(row))?;
        if self.direct(&values) && !self.ties.referred {
            let Some(found) = one(session, model, query, &values).await? else { return Ok(None) };
            if self.ties.refers {
                keys::check(session, model, std::slice::from_ref(&found), Some(&self.columns)).await?;
            }
            return Ok(Some(found));
        }
        let mut find = Writer::default();
        find.str("find", model.table);
        find.document("filter", query);
        find.i32("limit", 1);
        find.bool("singleBatch", true);
        let old = read::documents(&session.upkeep(), find.finish(), Some(model)).await?;
        if old.is_empty() || self.set.is_empty() {
            return Ok(old.into_iter().next());
        }
        Ok(self.carry_out(session, &values, old).await?.pop())
    }

    /// Changes documents that were read, and those who refer to them. They come back as they are now.
    async fn carry_out(
        &self,
        session: &MongoSession,
        values: &Values,
        old: Vec<Vec<u8>>,
    ) -> Result<Vec<Vec<u8>>> {
        let model = self.source.model;
        let new = if self.moves {
            super::moving::replace(session, model, &old, values.stages(), &self.columns).await?
        } else {
            apply(session, model, &old, values, &self.columns).await?;
            reread(session, model.table, &old).await?
        };
        self.ties.hold(session, model, &self.columns, old, &new).await?;
        Ok(new)
    }

    /// The new values. `row` is the one that could not be inserted.
    fn values(&self, session: &MongoSession, row: Option<&[Datum]>) -> Result<Values> {
        let model = self.source.model;
        let times = session.shared.settings.times;
        let known = |assignment: &Assignment| match (&assignment.value, row) {
            (Expr::Excluded(own), Some(row)) => row.get(usize::from(own.index)).cloned(),
            (Expr::Value(datum, _), _) => Some(datum.clone()),
            _ => None,
        };
        let known: Vec<Option<Datum>> = self.set.iter().map(|assignment| known(assignment)).collect();
        for (assignment, datum) in self.set.iter().zip(&known) {
            if let Some(datum) = datum {
                check_value(model, assignment.column, datum)?;
            }
        }
        if !self.moves && known.iter().all(Option::is_some) {
            let mut w = Writer::default();
            for (assignment, datum) in self.set.iter().zip(known.iter().flatten()) {
                let column = model.column(assignment.column);
                let path = layout::path(model, assignment.column);
                value::write(&mut w, Key::Name(&path), datum, column.ty(), times)
                    .map_err(|error| error.with_model(model.name).with_field(column.field.clone()))?;
            }
            return Ok(Values::Known(w.finish()));
        }
        let assign = |lower: &mut Lower<'_>, w: &mut Writer, key: Key<'_>, place: usize| {
            let assignment = self.set[place];
            let column = model.column(assignment.column);
            let value = match &known[place] {
                Some(datum) => Cow::Owned(Expr::Value(datum.clone(), column.ty())),
                None => Cow::Borrowed(&assignment.value),
            };
            lower
                .assigned(w, key, column, &value)
                .map_err(|error| error.with_model(model.name).with_field(column.field.clone()))
        };
        let lower = || Lower::on(times, self.source).with_excluded(row);
        if !self.moves {
            let (mut lower, mut w) = (lower(), Writer::default());
            for (place, column) in self.columns.iter().enumerate() {
                assign(&mut lower, &mut w, Key::Name(&layout::path(model, *column)), place)?;
            }
            if lower.take_stages().is_empty() {
                return Ok(Values::Computed(w.finish()));
            }
        }
        // As the last stage of a query.
        let mut lower = lower();
        let mut replace = Writer::default();
        let open = replace.open("$replaceWith");
        replace.str("_id", "$_id");
        for place in 0..self.set.len() {
            assign(&mut lower, &mut replace, Key::Name(&format!("v{place}")), place)?;
        }
        replace.close(open);
        let mut stages = lower.take_stages();
        stages.push(replace.finish());
        Ok(Values::Queried(stages))
    }
}

/// Whether an assignment gives the rows another key. `_id` of a document never changes: they become other documents.
fn changes_key(model: &'static ModelMeta, assignment: &Assignment, filter: Option<&Expr>) -> bool {
    let same = match (&assignment.value, filter) {
        (Expr::Value(value, _), Some(filter)) => {
            facts::demands(model, filter, assignment.column, &|known| known == value)
        }
        _ => false,
    };
    model.primary_key.contains(&assignment.column) && !same
}

/// Whether a filter names one document by its key.
pub(super) fn names_one(model: &ModelMeta, filter: Option<&Expr>) -> bool {
    filter.is_some_and(|filter| facts::names_one(model, filter))
}

impl Values {
    fn stages(&self) -> &[Vec<u8>] {
        match self {
            Values::Queried(stages) => stages,
            _ => &[],
        }
    }
}

fn write_change(w: &mut Writer, key: &str, values: &Values) {
    match values {
        Values::Known(set) => {
            let change = w.open(key);
            w.document("$set", set);
            w.close(change);
        }
        Values::Computed(set) => {
            let stages = w.open_array(key);
            let stage = w.open(0_usize);
            w.document("$set", set);
            w.close(stage);
            w.close(stages);
        }
        Values::Queried(_) => {}
    }
}

/// The document that a filter names: it is changed and comes back in one step.
async fn one(
    session: &MongoSession,
    model: &'static ModelMeta,
    query: &[u8],
    values: &Values,
) -> Result<Option<Vec<u8>>> {
    let mut w = Writer::default();
    w.str("findAndModify", model.table);
    w.document("query", query);
    write_change(&mut w, "update", values);
    w.bool("new", true);
    let reply = session.command(w.finish(), Some(model)).await?;
    Ok(match get(&reply, "value") {
        Some((tag::DOCUMENT, document)) => Some(document.to_vec()),
        _ => None,
    })
}

/// The document that a filter matches, or all of them.
async fn write(
    session: &MongoSession,
    model: &'static ModelMeta,
    query: &[u8],
    values: &Values,
    all: bool,
) -> Result<Done> {
    let mut w = Writer::default();
    w.str("update", model.table);
    let updates = w.open_array("updates");
    let update = w.open(0_usize);
    w.document("q", query);
    write_change(&mut w, "u", values);
    w.bool("multi", all);
    w.close(update);
    w.close(updates);
    let reply = session.command(w.finish(), Some(model)).await?;
    let affected = get(&reply, "n").map_or(0, |(ty, value)| errors::number(ty, value));
    Ok(Done { affected: affected as u64, documents: Vec::new() })
}

/// The new values of documents, as `v0`, `v1`, … with their `_id`.
pub(super) async fn compute(
    session: &MongoSession,
    model: &'static ModelMeta,
    documents: &[Vec<u8>],
    stages: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>> {
    let mut query = Writer::default();
    ids_filter(&mut query, documents);
    let mut w = Writer::default();
    w.str("aggregate", model.table);
    let pipeline = w.open_array("pipeline");
    let stage = w.open(0_usize);
    w.document("$match", &query.finish());
    w.close(stage);
    for (at, stage) in stages.iter().enumerate() {
        w.document(at + 1, stage);
    }
    w.close(pipeline);
    let cursor = w.open("cursor");
    w.close(cursor);
    read::documents(&session.upkeep(), w.finish(), Some(model)).await
}

/// Changes these documents.
async fn apply(
    session: &MongoSession,
    model: &'static ModelMeta,
    documents: &[Vec<u8>],
    values: &Values,
    changed: &[u16],
) -> Result<()> {
    let mut query = Writer::default();
    ids_filter(&mut query, documents);
    let query = query.finish();
    let Values::Queried(stages) = values else {
        if changed.is_empty() {
            return Ok(());
        }
        return write(session, model, &query, values, true).await.map(drop);
    };
    let computed = compute(session, model, documents, stages).await?;
    let mut w = Writer::default();
    w.str("update", model.table);
    let updates = w.open_array("updates");
    for (at, row) in computed.iter().enumerate() {
        let update = w.open(at);
        let query = w.open("q");
        let (ty, id) = at_path(row, "_id");
        w.raw("_id", ty, id);
        w.close(query);
        let change = w.open("u");
        let set = w.open("$set");
        for (place, column) in changed.iter().enumerate() {
            let (ty, value) = at_path(row, &format!("v{place}"));
            w.raw(&*layout::path(model, *column), ty, value);
        }
        w.close(set);
        w.close(change);
        w.close(update);
    }
    w.close(updates);
    session.command(w.finish(), Some(model)).await.map(drop)
}
