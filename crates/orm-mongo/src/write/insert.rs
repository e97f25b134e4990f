//! New documents.

use std::time::{SystemTime, UNIX_EPOCH};

use orm_core::ir::{ConflictAction, Expr, Insert, InsertSource, Source};
use orm_core::meta::{ColumnMeta, DefaultMeta, ModelMeta};
use orm_core::value::{ColumnType, DateTime, Datum};
use orm_core::{Error, ErrorKind, Result};

use super::update::Change;
use super::{Done, at_path, check_value, is_null, keys};
use crate::atomic::again;
use crate::bson::{Elements, Key, Writer, get, i64_of, tag};
use crate::session::MongoSession;
use crate::value::{self, MongoTimes};
use crate::{check, errors, layout};

/// Where the next numbers of `auto` keys are kept.
pub const COUNTERS: &str = "orm_counters";
/// The server takes messages of 48 MB and batches of 100 000 documents.
const CHUNK_BYTES: usize = 16 << 20;
const CHUNK_ROWS: usize = 20_000;

pub async fn run(session: &MongoSession, insert: &Insert) -> Result<Done> {
    let InsertSource::Values(values) = &insert.source else {
        return Err(Error::new(ErrorKind::Unsupported, "MongoDB inserts no results of a query")
            .with_hint("read the rows and use `insert_many`"));
    };
    if let Some(ConflictAction::Update(_, Some(_))) =
        insert.conflict.as_ref().map(|conflict| &conflict.action)
    {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "MongoDB has no condition on the update of an upsert",
        ));
    }
    let New { documents, rows } = documents(session, insert, values).await?;
    let checked = session.shared.settings.foreign_keys && !insert.model.foreign_keys.is_empty();
    if insert.conflict.is_none() && documents.len() == 1 && !checked {
        send(session, insert.model, &documents).await?;
        return Ok(done(documents));
    }
    let change = match insert.conflict.as_ref().map(|conflict| (&conflict.target, &conflict.action)) {
        Some((target, ConflictAction::Update(set, _))) => {
            let source = Source { model: insert.model, alias: "" };
            Some(Change::on_conflict(session, source, set, target).await?)
        }
        _ => None,
    };
    let (documents, rows, change) = (&documents, &rows, &change);
    again(session, |session| async move {
        let written = match (&insert.conflict, change) {
            (None, _) => {
                if checked {
                    keys::check(&session, insert.model, documents, None).await?;
                }
                send(&session, insert.model, documents).await?;
                return Ok(done(documents.clone()));
            }
            (Some(conflict), None) => add_missing(&session, insert.model, &conflict.target, documents).await,
            (Some(conflict), Some(change)) => {
                merge(&session, insert.model, change, &conflict.target, documents, rows).await
            }
        };
        let Merged { all, new } = written.map_err(|error| raced(error, insert))?;
        if checked {
            keys::check(&session, insert.model, &new, None).await?;
        }
        Ok(done(all))
    })
    .await
}

/// The row was not there when it was looked for and is now: the next attempt finds it.
fn raced(error: Error, insert: &Insert) -> Error {
    let target = insert.conflict.as_ref().map_or(&[][..], |conflict| &conflict.target);
    let field = |column: &u16| insert.model.column(*column).field.clone();
    let met = error.kind() == ErrorKind::Unique
        && (target.is_empty() || target.iter().map(field).all(|field| error.fields().contains(&field)));
    if met { error.with_retry() } else { error }
}

/// What an upsert wrote: all rows, and those that were not there.
struct Merged {
    all: Vec<Vec<u8>>,
    new: Vec<Vec<u8>>,
}

fn done(documents: Vec<Vec<u8>>) -> Done {
    Done { affected: documents.len() as u64, documents }
}

/// How many of the documents one command takes.
fn fitting(documents: &[Vec<u8>]) -> usize {
    let mut bytes = 0;
    let fit = documents.iter().take(CHUNK_ROWS).take_while(|document| {
        bytes += document.len() + 16;
        bytes <= CHUNK_BYTES
    });
    fit.count().max(1).min(documents.len())
}

/// Sends documents in as many commands as their size asks for.
pub(super) async fn send(
    session: &MongoSession,
    model: &'static ModelMeta,
    documents: &[Vec<u8>],
) -> Result<()> {
    let mut rest = documents;
    while !rest.is_empty() {
        let (part, more) = rest.split_at(fitting(rest));
        let mut w =
            Writer::with_capacity(part.iter().map(|document| document.len() + 16).sum::<usize>() + 128);
        w.str("insert", model.table);
        let list = w.open_array("documents");
        for (at, document) in part.iter().enumerate() {
            w.document(at, document);
        }
        w.close(list);
        session.command(w.finish(), Some(model)).await?;
        rest = more;
    }
    Ok(())
}

/// Inserts the documents that are not there yet.
async fn add_missing(
    session: &MongoSession,
    model: &'static ModelMeta,
    target: &[u16],
    documents: &[Vec<u8>],
) -> Result<Merged> {
    let mut added = Vec::new();
    let mut rest = documents;
    while !rest.is_empty() {
        let (part, more) = rest.split_at(fitting(rest));
        let mut w = Writer::default();
        w.str("update", model.table);
        let updates = w.open_array("updates");
        for (at, document) in part.iter().enumerate() {
            let update = w.open(at);
            match same_row(model, target, document) {
                Some(query) => w.document("q", &query),
                // Nothing meets it. Its own key is another one's only by mistake, which the server then says.
                None => {
                    let query = w.open("q");
                    let none = w.open_array("$nor");
                    let any = w.open(0_usize);
                    w.close(any);
                    w.close(none);
                    w.close(query);
                }
            }
            let change = w.open("u");
            w.document("$setOnInsert", document);
            w.close(change);
            w.bool("upsert", true);
            w.close(update);
        }
        w.close(updates);
        let reply = session.command(w.finish(), Some(model)).await?;
        let upserted = get(&reply, "upserted").map(|(_, list)| list).unwrap_or_default();
        added.extend(Elements::of(upserted).filter_map(|(_, _, entry)| {
            let (ty, value) = get(entry, "index")?;
            part.get(errors::number(ty, value) as usize).cloned()
        }));
        rest = more;
    }
    Ok(Merged { all: added.clone(), new: added })
}

/// A filter for the row that a new one would collide with, in the columns named or in any that are unique. With NULL in the
/// columns named there is none: NULL equals nothing.
fn same_row(model: &ModelMeta, target: &[u16], document: &[u8]) -> Option<Vec<u8>> {
    let given = |columns: &[u16]| {
        columns.iter().all(|column| !is_null(at_path(document, &layout::path(model, *column)).0))
    };
    let is_key = |columns: &[u16]| {
        columns.len() == model.primary_key.len() && columns.iter().all(|own| model.primary_key.contains(own))
    };
    let equal = |w: &mut Writer, columns: &[u16]| {
        if is_key(columns) {
            let (ty, value) = at_path(document, "_id");
            return w.raw("_id", ty, value);
        }
        for column in columns {
            let path = layout::path(model, *column);
            let (ty, value) = at_path(document, &path);
            w.raw(&*path, ty, value);
        }
    };
    let mut w = Writer::default();
    if !target.is_empty() {
        equal(&mut w, target);
        return given(target).then(|| w.finish());
    }
    let either = w.open_array("$or");
    let unique = model.indexes.iter().filter(|index| index.unique).map(|index| index.columns.as_slice());
    let all = Some(model.primary_key).into_iter().chain(unique);
    for (at, columns) in all.filter(|columns| !columns.is_empty() && given(columns)).enumerate() {
        let open = w.open(at);
        equal(&mut w, columns);
        w.close(open);
    }
    w.close(either);
    Some(w.finish())
}

/// Changes the rows that are there, and inserts the others.
async fn merge(
    session: &MongoSession,
    model: &'static ModelMeta,
    change: &Change<'_>,
    target: &[u16],
    documents: &[Vec<u8>],
    rows: &[Vec<Datum>],
) -> Result<Merged> {
    let (mut all, mut new) = (Vec::with_capacity(documents.len()), Vec::new());
    for (document, row) in documents.iter().zip(rows) {
        let met = match same_row(model, target, document) {
            Some(query) => change.met(session, &query, row).await?,
            None => None,
        };
        if met.is_none() {
            send(session, model, std::slice::from_ref(document)).await?;
            new.push(document.clone());
        }
        all.push(met.unwrap_or_else(|| document.clone()));
    }
    Ok(Merged { all, new })
}

/// New documents, and where they may meet others their values in the order of the columns.
struct New {
    documents: Vec<Vec<u8>>,
    rows: Vec<Vec<Datum>>,
}

/// The documents of an INSERT, complete.
async fn documents(session: &MongoSession, insert: &Insert, values: &[Datum]) -> Result<New> {
    let model = insert.model;
    let width = insert.columns.len();
    let rows = values.len().checked_div(width).unwrap_or(1);
    let mut places: Vec<Option<usize>> = vec![None; model.columns.len()];
    for (at, index) in insert.columns.iter().enumerate() {
        places[usize::from(*index)] = Some(at);
    }
    let given = |row: usize, column: usize| -> Option<&Datum> {
        let datum = values.get(row * width + places[column]?)?;
        (!matches!(datum, Datum::Default)).then_some(datum)
    };
    let auto = model.columns.iter().position(|column| column.auto);
    let mut next = 0;
    if let Some(auto) = auto {
        let numbered = (0..rows).filter(|row| given(*row, auto).is_none()).count();
        let largest = (0..rows).filter_map(|row| match given(row, auto) {
            Some(Datum::I64(number)) => Some(*number),
            _ => None,
        });
        if let Some(largest) = largest.max() {
            raise_counter(session, model, largest).await?;
        }
        if numbered > 0 {
            next = take_numbers(session, model, numbered).await?;
        }
    }
    let now = now();
    let mut documents = Vec::with_capacity(rows);
    let mut kept = Vec::new();
    let mut room = 128;
    for row in 0..rows {
        let number = Datum::I64(next);
        let mut cells = Vec::with_capacity(model.columns.len());
        for (index, column) in model.columns.iter().enumerate() {
            let datum = match given(row, index) {
                Some(datum) => std::borrow::Cow::Borrowed(datum),
                None if Some(index) == auto => {
                    next += 1;
                    std::borrow::Cow::Borrowed(&number)
                }
                None => std::borrow::Cow::Owned(default(model, column, now)?),
            };
            check_value(model, index as u16, &datum)?;
            cells.push(datum);
        }
        let document = document(model, &cells, session.shared.settings.times, room)?;
        room = document.len() + 32;
        documents.push(document);
        if insert.conflict.is_some() {
            kept.push(cells.into_iter().map(std::borrow::Cow::into_owned).collect());
        }
    }
    Ok(New { documents, rows: kept })
}

/// A document of a model, `_id` first and the fields of embedded structs together.
fn document(
    model: &'static ModelMeta,
    cells: &[std::borrow::Cow<'_, Datum>],
    times: MongoTimes,
    room: usize,
) -> Result<Vec<u8>> {
    let mut w = Writer::with_capacity(room);
    let write = |w: &mut Writer, key: &str, index: u16| -> Result<()> {
        let column = model.column(index);
        let written = value::write(w, Key::Name(key), &cells[usize::from(index)], column.ty(), times);
        written.map_err(|error| error.with_model(model.name).with_field(column.field.clone()))
    };
    match model.primary_key {
        [] => {}
        [only] => write(&mut w, "_id", *only)?,
        several => {
            let id = w.open("_id");
            for index in several {
                write(&mut w, &layout::path(model, *index).replace('.', "_"), *index)?;
            }
            w.close(id);
        }
    }
    value::write_fields(
        &mut w,
        model,
        times,
        |index| &*cells[index],
        |index| model.primary_key == [index as u16],
    )?;
    Ok(w.finish())
}

fn now() -> DateTime {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64);
    DateTime { secs: millis.div_euclid(1000), nanos: (millis.rem_euclid(1000) * 1_000_000) as u32 }
}

/// What an SQL database would fill in.
fn default(model: &'static ModelMeta, column: &ColumnMeta, now: DateTime) -> Result<Datum> {
    let text = match &column.default {
        None => return Ok(Datum::Null),
        Some(DefaultMeta::Value(datum)) => return Ok(datum.clone()),
        Some(DefaultMeta::Sql(text)) => text,
    };
    let refused = || {
        Error::new(ErrorKind::Unsupported, format!("MongoDB cannot compute the default `{text}`"))
            .with_model(model.name)
            .with_field(column.field.clone())
            .with_hint("use a value, the current time, or `default_fn`")
    };
    match check::parse(model, text).map_err(|_| refused())? {
        Expr::Value(datum, _) => Ok(datum),
        Expr::Func(orm_core::ir::Func::Now, _) => match column.ty() {
            ColumnType::Timestamp => Ok(Datum::Timestamp(now)),
            ColumnType::DateTime => Ok(Datum::DateTime(now)),
            ColumnType::Date => now.split().map(|(date, _)| Datum::Date(date)).ok_or_else(refused),
            ColumnType::Time => now.split().map(|(_, time)| Datum::Time(time)).ok_or_else(refused),
            _ => Err(refused()),
        },
        _ => Err(refused()),
    }
}

/// Which counter, and what becomes of it: `{query: {_id: ..}, change: {operator: {last: number}}, upsert: true}`.
fn counter(w: &mut Writer, model: &ModelMeta, [query, change, operator]: [&str; 3], number: i64) {
    let open = w.open(query);
    w.str("_id", model.table);
    w.close(open);
    let open = w.open(change);
    let inner = w.open(operator);
    w.i64("last", number);
    w.close(inner);
    w.close(open);
    w.bool("upsert", true);
}

/// The first of so many numbers. They are taken outside of any transaction, as those of a sequence are: what is rolled back
/// leaves a gap, and nobody waits for anybody.
async fn take_numbers(session: &MongoSession, model: &'static ModelMeta, count: usize) -> Result<i64> {
    let count = count as i64;
    let mut w = Writer::default();
    w.str("findAndModify", COUNTERS);
    counter(&mut w, model, ["query", "update", "$inc"], count);
    w.bool("new", true);
    let command = w.finish();
    for _ in 0..9 {
        let reply = retried(session, command.clone()).await?;
        // Nothing comes back to the one of two who was late to make the counter.
        if let Some((tag::INT64, value)) = get(&reply, "value").and_then(|(_, value)| get(value, "last")) {
            return Ok(i64_of(value) - count + 1);
        }
    }
    Err(Error::new(ErrorKind::Database, "the server gave no number for a new row").with_model(model.name))
}

/// Two programs may both find no counter and make one: the second tries again.
async fn retried(session: &MongoSession, command: Vec<u8>) -> Result<Vec<u8>> {
    let outside = session.outside().upkeep();
    for _ in 0..9 {
        match outside.command(command.clone(), None).await {
            Err(error) if error.is_retryable() || error.kind() == ErrorKind::Unique => {}
            other => return other,
        }
    }
    outside.command(command, None).await
}

/// Keys that the program gave are not given out again.
async fn raise_counter(session: &MongoSession, model: &'static ModelMeta, to: i64) -> Result<()> {
    let mut w = Writer::default();
    w.str("update", COUNTERS);
    let updates = w.open_array("updates");
    let update = w.open(0_usize);
    counter(&mut w, model, ["q", "u", "$max"], to);
    w.close(update);
    w.close(updates);
    retried(session, w.finish()).await.map(drop)
}
