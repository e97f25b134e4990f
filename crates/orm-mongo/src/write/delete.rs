//! Removing documents, and looking after their children.

use orm_core::Result;
use orm_core::ir::{Delete, Select};

use super::keys::{Pending, after_delete, settle};
use super::update::names_one;
use super::{Done, again, ids_filter};
use crate::bson::{Writer, get};
use crate::database::Session;
use crate::lower::Lower;
use crate::{errors, read};

pub async fn run(session: &Session, delete: &Delete) -> Result<Done> {
    let model = delete.source.model;
    let followed =
        session.shared.settings.foreign_keys && !session.registry().await?.children(model.table).is_empty();
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
        let find = find.clone();
        async move {
            let documents = read::documents(&session.upkeep(), find, Some(model)).await?;
            let affected = documents.len() as u64;
            let mut pending = Vec::new();
            let kept = if delete.returning.is_some() { documents.clone() } else { Vec::new() };
            if followed {
                remove(&session, model.table, documents, &mut pending).await?;
                settle(&session, &pending).await?;
            } else {
                remove_documents(&session, model.table, &documents).await?;
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

/// Removes documents and then does what the foreign keys of their children say.
pub(super) async fn remove(
    session: &Session,
    collection: &str,
    documents: Vec<Vec<u8>>,
    pending: &mut Vec<Pending>,
) -> Result<()> {
    if documents.is_empty() {
        return Ok(());
    }
    // The documents go first: those who refer to themselves, or to each other in a circle, are not found again.
    remove_documents(session, collection, &documents).await?;
    after_delete(session, collection, &documents, pending).await
}

pub(super) async fn remove_documents(
    session: &Session,
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
