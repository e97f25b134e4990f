//! Changing documents.

use orm_core::ir::{Assignment, BinaryOp, Expr, Select, Update};
use orm_core::meta::ModelMeta;
use orm_core::{Error, ErrorKind, Result};

use super::keys::{Ties, reread};
use super::{Done, again, at_path, check_value, ids_filter};
use crate::bson::{Key, Writer, get, tag};
use crate::database::Session;
use crate::lower::Lower;
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

pub async fn run(session: &Session, update: &Update) -> Result<Done> {
    let model = update.source.model;
    let times = session.shared.settings.times;
    if update.set.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "an UPDATE must change a column").with_model(model.name));
    }
    let moves = update.set.iter().any(|assignment| changes_key(model, assignment, update.filter.as_ref()));
    for assignment in &update.set {
        if let Expr::Value(datum, _) = &assignment.value {
            check_value(model, assignment.column, datum)?;
        }
    }
    let set: Vec<&Assignment> = update
        .set
        .iter()
        .filter(|assignment| moves || !model.primary_key.contains(&assignment.column))
        .collect();
    let values = values(session, update, &set, moves)?;
    let changed: Vec<u16> = set.iter().map(|assignment| assignment.column).collect();
    let ties = Ties::of(session, model, &changed).await?;

    let mut lower = Lower::on(times, update.source);
    let mut query = Writer::default();
    if let Some(filter) = &update.filter {
        lower.filter(&mut query, filter)?;
    }
    let (query, plain) = (query.finish(), lower.take_stages().is_empty());
    let direct = plain && !moves && !ties.any() && !matches!(values, Values::Queried(_)) && !set.is_empty();
    if direct && names_one(model, update.filter.as_ref()) {
        return one(session, update, &query, &values).await;
    }
    let select = Select { filter: update.filter.clone(), ..Select::new(update.source) };
    let find = read::lowered(session, &select, true)?.command;
    let (values, query, changed) = (&values, &query, &changed);
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
            let new = if moves {
                super::moving::replace(&session, model, &old, values.stages(), changed).await?
            } else {
                apply(&session, model, &old, values, changed).await?;
                reread(&session, model.table, &old).await?
            };
            ties.hold(&session, model, changed, &old, &new).await?;
            Ok(Done { affected: old.len() as u64, documents: new })
        }
    })
    .await
}

/// Whether an assignment gives the rows another key. `_id` of a document never changes: they become other documents.
fn changes_key(model: &'static ModelMeta, assignment: &Assignment, filter: Option<&Expr>) -> bool {
    let same = match (&assignment.value, filter) {
        (Expr::Value(value, _), Some(filter)) => equals(filter, assignment.column, value),
        _ => false,
    };
    model.primary_key.contains(&assignment.column) && !same
}

fn equals(filter: &Expr, column: u16, value: &orm_core::value::Datum) -> bool {
    match filter {
        Expr::Binary(BinaryOp::And, both, _) => {
            equals(&both.0, column, value) || equals(&both.1, column, value)
        }
        Expr::All(list) => list.iter().any(|expr| equals(expr, column, value)),
        Expr::Binary(BinaryOp::Eq, both, _) => {
            matches!((&both.0, &both.1), (Expr::Column(own), Expr::Value(known, _)) if own.index == column && known == value)
        }
        _ => false,
    }
}

/// Whether a filter names one document by its key.
pub(super) fn names_one(model: &ModelMeta, filter: Option<&Expr>) -> bool {
    fn key(filter: &Expr, column: u16) -> bool {
        match filter {
            Expr::Binary(BinaryOp::And, both, _) => key(&both.0, column) || key(&both.1, column),
            Expr::All(list) => list.iter().any(|expr| key(expr, column)),
            Expr::Binary(BinaryOp::Eq, both, _) => {
                matches!((&both.0, &both.1), (Expr::Column(own), Expr::Value(..)) if own.index == column)
            }
            _ => false,
        }
    }
    filter.is_some_and(|filter| {
        !model.primary_key.is_empty() && model.primary_key.iter().all(|column| key(filter, *column))
    })
}

impl Values {
    fn stages(&self) -> &[Vec<u8>] {
        match self {
            Values::Queried(stages) => stages,
            _ => &[],
        }
    }
}

/// With `queried` they are computed by a query even where they are known.
fn values(session: &Session, update: &Update, set: &[&Assignment], queried: bool) -> Result<Values> {
    let model = update.source.model;
    let times = session.shared.settings.times;
    let mut w = Writer::default();
    if !queried && set.iter().all(|assignment| matches!(assignment.value, Expr::Value(..))) {
        for assignment in set {
            if let Expr::Value(datum, _) = &assignment.value {
                let column = model.column(assignment.column);
                let path = layout::path(model, assignment.column);
                value::write(&mut w, Key::Name(&path), datum, column.ty(), times)
                    .map_err(|error| error.with_model(model.name).with_field(column.field.clone()))?;
            }
        }
        return Ok(Values::Known(w.finish()));
    }
    let mut lower = Lower::on(times, update.source);
    for assignment in set {
        let path = layout::path(model, assignment.column);
        lower.or_null(&mut w, Key::Name(&path), &assignment.value)?;
    }
    let mut stages = lower.take_stages();
    if !queried && stages.is_empty() {
        return Ok(Values::Computed(w.finish()));
    }
    // Once more, as the last stage of a query.
    let mut lower = Lower::on(times, update.source);
    let mut replace = Writer::default();
    let open = replace.open("$replaceWith");
    replace.str("_id", "$_id");
    for (at, assignment) in set.iter().enumerate() {
        lower.or_null(&mut replace, Key::Name(&format!("v{at}")), &assignment.value)?;
    }
    replace.close(open);
    stages = lower.take_stages();
    stages.push(replace.finish());
    Ok(Values::Queried(stages))
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

/// One document by its key: it is changed and comes back in one step.
async fn one(session: &Session, update: &Update, query: &[u8], values: &Values) -> Result<Done> {
    let model = update.source.model;
    if update.returning.is_none() {
        return write(session, model, query, values, false).await;
    }
    let mut w = Writer::default();
    w.str("findAndModify", model.table);
    w.document("query", query);
    write_change(&mut w, "update", values);
    w.bool("new", true);
    let reply = session.command(w.finish(), Some(model)).await?;
    Ok(match get(&reply, "value") {
        Some((tag::DOCUMENT, document)) => Done { affected: 1, documents: vec![document.to_vec()] },
        _ => Done::default(),
    })
}

/// The document that a filter matches, or all of them.
async fn write(
    session: &Session,
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
    session: &Session,
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
    session: &Session,
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
