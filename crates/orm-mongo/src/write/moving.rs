//! Rows whose primary key changes: other documents take their place.

use std::collections::BTreeMap;

use orm_core::Result;
use orm_core::meta::ModelMeta;

use super::update::compute;
use super::{at_path, delete, insert};
use crate::bson::{Elements, Writer, tag};
use crate::layout;
use crate::session::MongoSession;

/// Removes documents and inserts what the stages make of them; in the order of those given.
pub(super) async fn replace(
    session: &MongoSession,
    model: &'static ModelMeta,
    old: &[Vec<u8>],
    stages: &[Vec<u8>],
    changed: &[u16],
) -> Result<Vec<Vec<u8>>> {
    let computed = compute(session, model, old, stages).await?;
    let computed: BTreeMap<_, _> = computed.iter().map(|row| (at_path(row, "_id"), row)).collect();
    let mut new = Vec::with_capacity(old.len());
    for document in old {
        let Some(row) = computed.get(&at_path(document, "_id")) else { continue };
        let mut made = document.clone();
        for (place, column) in changed.iter().enumerate() {
            let (ty, value) = at_path(row, &format!("v{place}"));
            let path = layout::path(model, *column);
            made = with(&made, &path.split('.').collect::<Vec<_>>(), ty, value);
        }
        if model.primary_key.len() > 1 {
            let mut id = Writer::default();
            for index in model.primary_key {
                let path = layout::path(model, *index);
                let (ty, value) = at_path(&made, &path);
                id.raw(&path.replace('.', "_"), ty, value);
            }
            made = with(&made, &["_id"], tag::DOCUMENT, &id.finish());
        }
        new.push(made);
    }
    delete::remove_documents(session, model.table, old).await?;
    insert::send(session, model, &new).await?;
    Ok(new)
}

/// A document with another value at a path.
fn with(document: &[u8], path: &[&str], ty: u8, value: &[u8]) -> Vec<u8> {
    let mut w = Writer::with_capacity(document.len() + value.len() + 16);
    let Some((first, rest)) = path.split_first() else { return document.to_vec() };
    for (name, own_ty, own) in Elements::of(document) {
        let key = String::from_utf8_lossy(name);
        if name != first.as_bytes() {
            w.raw(&*key, own_ty, own);
        } else if rest.is_empty() {
            w.raw(&*key, ty, value);
        } else {
            w.document(&*key, &with(own, rest, ty, value));
        }
    }
    w.finish()
}
