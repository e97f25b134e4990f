//! Removing documents, and looking after their children.

use orm_core::Result;
use orm_core::ir::{Delete, Select};

use super::keys::{Pending, after_delete, settle};
use super::{Done, again, ids_filter};
use crate::bson::{Writer, get};
use crate::database::Session;
use crate::lower::{Lower, read as lower_read};
use crate::{errors, read};

pub async fn run(session: &Session, delete: &Delete) -> Result<Done> {
    let model = delete.source.model;
    let followed =
        session.shared.settings.foreign_keys && !session.registry().await?.children(model.table).is_empty();
    if !followed && delete.returning.is_none() {
        let mut lower = Lower::on(session.shared.settings.times, delete.source);
        let mut w = Writer::default();
        w.str("delete", model.table);
        let deletes = w.open_array("deletes");
        let one = w.open(0_usize);
        let query = w.open("q");
        if let Some(filter) = &delete.filter {
            lower.filter(&mut w, filter)?;
        }
        w.close(query);
        w.i32("limit", 0);
        w.close(one);
        w.close(deletes);
        // A filter that needs other collections cannot stand here.
        if lower.take_stages().is_empty() {
            let reply = session.command(w.finish(), Some(model)).await?;
            let affected = get(&reply, "n").map_or(0, |(ty, value)| errors::number(ty, value));
            return Ok(Done { affected: affected as u64, documents: Vec::new() });
        }
    }
    let select = Select { filter: delete.filter.clone(), ..Select::new(delete.source) };
    let find = lower_read(&select, session.shared.settings.times)?.command;
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
        let mut w = Writer::default();
        w.str("delete", collection);
        let deletes = w.open_array("deletes");
        let one = w.open(0_usize);
        let query = w.open("q");
        ids_filter(&mut w, part);
        w.close(query);
        w.i32("limit", 0);
        w.close(one);
        w.close(deletes);
        session.command(w.finish(), None).await?;
    }
    Ok(())
}
