//! Removing documents, and looking after their children.

use std::sync::Arc;

use orm_core::Result;
use orm_core::ir::{Delete, Select};

use super::keys::after_delete;
use super::update::names_one;
use super::{Done, ids_filter};
use crate::atomic::again;
use crate::bson::{Writer, get};
use crate::lower::Lower;
use crate::registry::{self, Registry};
use crate::session::MongoSession;
use crate::{errors, read};

pub async fn run(session: &MongoSession, delete: &Delete) -> Result<Done> {
    let model = delete.source.model;
    let children = match session.shared.settings.foreign_keys {
        true => registry::children(session, model.table).await?,
        false => Arc::new([]),
    };
    let followed = !children.is_empty();
    if !followed && delete.returning.is_none() {
        let one = names_one(model, delete.filter.as_ref());
        let mut lower = Lower::on(session.shared.settings.times, delete.source);
        let mut query = Writer::default();
        if let Some(filter) = &delete.filter {
            lower.filter(&mut query, filter)?;
        }
        let command = command(model.table, &query.finish(), one);
        // A filter that needs other collections cannot stand here.
        if lower.take_stages().is_empty() {
            let reply = if one {
                session.command(command, Some(model)).await?
            } else {
                let command = &command;
                again(session, |session| async move { session.command(command.clone(), Some(model)).await })
                    .await?
            };
            let affected = get(&reply, "n").map_or(0, |(ty, value)| errors::number(ty, value));
            return Ok(Done { affected: affected as u64, documents: Vec::new() });
        }
    }
    let select = Select { filter: delete.filter.clone(), ..Select::new(delete.source) };
    let find = read::lowered(session, &select, true)?.command;
    again(session, |session| {
        let (find, children) = (find.clone(), Arc::clone(&children));
        async move {
            let documents = read::documents(&session.upkeep(), find, Some(model)).await?;
            let affected = documents.len() as u64;
            let kept = if delete.returning.is_some() { documents.clone() } else { Vec::new() };
            // The documents go first: those who refer to themselves, or to each other in a circle, are not found again.
            remove_documents(&session, model.table, &documents).await?;
            if followed {
                let mut registry = Registry::default();
                registry.know(model.table, children);
                after_delete(&session, &mut registry, model.table, documents).await?;
            }
            Ok(Done { affected, documents: kept })
        }
    })
    .await
}

/// Removes what matches: one document, or all.
fn command(collection: &str, query: &[u8], one: bool) -> Vec<u8> {
    let mut w = Writer::default();
    w.str("delete", collection);
    let deletes = w.open_array("deletes");
    let delete = w.open(0_usize);
    w.document("q", query);
    w.i32("limit", i32::from(one));
    w.close(delete);
    w.close(deletes);
    w.finish()
}

pub(super) async fn remove_documents(
    session: &MongoSession,
    collection: &str,
    documents: &[Vec<u8>],
) -> Result<()> {
    for part in documents.chunks(10_000) {
        let mut query = Writer::default();
        ids_filter(&mut query, part);
        session.command(command(collection, &query.finish(), false), None).await?;
    }
    Ok(())
}
