//! Changing many documents, each to its own values, in one command.

use orm_core::Result;
use orm_core::ir::{Expr, UpdateRows};
use orm_core::value::Datum;

use super::keys::{Ties, reread};
use super::{Done, check_value};
use crate::atomic::again;
use crate::bson::{Key, Writer, get};
use crate::lower::Lower;
use crate::session::MongoSession;
use crate::{errors, layout, read, value};

/// So many updates go in one command.
const CHUNK: usize = 10_000;

pub async fn run(session: &MongoSession, update: &UpdateRows) -> Result<Done> {
    let model = update.source.model;
    let width = update.columns.len().max(1);
    for row in update.values.chunks(width) {
        for (index, datum) in update.columns.iter().zip(row).skip(update.keys) {
            check_value(model, *index, datum)?;
        }
    }
    let changed: Vec<u16> = update
        .columns
        .iter()
        .skip(update.keys)
        .copied()
        .chain(update.also.iter().map(|own| own.column))
        .collect();
    let ties = Ties::of(session, model, &changed).await?;
    let documents = ties.any() || update.returning.is_some();
    let (changed, ties) = (&changed, &ties);
    again(session, |session| async move {
        // A version that was read is no longer there afterwards: the documents are found before.
        let old = if documents { found(&session, update).await? } else { Vec::new() };
        let mut affected = 0;
        for part in update.values.chunks(CHUNK * width) {
            let reply = session.command(command(&session, update, part)?, Some(model)).await?;
            affected += get(&reply, "n").map_or(0, |(ty, value)| errors::number(ty, value)) as u64;
        }
        let new = if documents { reread(&session, model.table, &old).await? } else { Vec::new() };
        ties.hold(&session, model, changed, old, &new).await?;
        Ok(Done { affected, documents: new })
    })
    .await
}

/// The filter that names a row.
fn key(w: &mut Writer, session: &MongoSession, update: &UpdateRows, row: &[Datum]) -> Result<()> {
    let model = update.source.model;
    for (index, datum) in update.columns.iter().zip(row).take(update.keys) {
        let path = layout::path(model, *index);
        value::write(w, Key::Name(&path), datum, model.column(*index).ty(), session.shared.settings.times)?;
    }
    Ok(())
}

async fn found(session: &MongoSession, update: &UpdateRows) -> Result<Vec<Vec<u8>>> {
    let width = update.columns.len().max(1);
    let mut documents = Vec::new();
    for part in update.values.chunks(CHUNK * width) {
        let mut w = Writer::default();
        w.str("find", update.source.model.table);
        let filter = w.open("filter");
        let list = w.open_array("$or");
        for (at, row) in part.chunks(width).enumerate() {
            let open = w.open(at);
            key(&mut w, session, update, row)?;
            w.close(open);
        }
        w.close(list);
        w.close(filter);
        documents.extend(read::documents(&session.upkeep(), w.finish(), Some(update.source.model)).await?);
    }
    Ok(documents)
}

fn command(session: &MongoSession, update: &UpdateRows, values: &[Datum]) -> Result<Vec<u8>> {
    let model = update.source.model;
    let times = session.shared.settings.times;
    let width = update.columns.len().max(1);
    let mut w = Writer::with_capacity(values.len() * 32 + 128);
    w.str("update", model.table);
    let updates = w.open_array("updates");
    for (at, row) in values.chunks(width).enumerate() {
        let one = w.open(at);
        let query = w.open("q");
        key(&mut w, session, update, row)?;
        w.close(query);
        let stages = w.open_array("u");
        let stage = w.open(0_usize);
        let set = w.open("$set");
        let mut lower = Lower::on(times, update.source);
        for (index, datum) in update.columns.iter().zip(row).skip(update.keys) {
            let column = model.column(*index);
            let path = layout::path(model, *index);
            lower
                .expr(&mut w, Key::Name(&path), &Expr::Value(datum.clone(), column.ty()))
                .map_err(|error| error.with_model(model.name).with_field(column.field.clone()))?;
        }
        for own in &update.also {
            let path = layout::path(model, own.column);
            lower.assigned(&mut w, Key::Name(&path), model.column(own.column), &own.value)?;
        }
        w.close(set);
        w.close(stage);
        w.close(stages);
        w.close(one);
    }
    w.close(updates);
    Ok(w.finish())
}
