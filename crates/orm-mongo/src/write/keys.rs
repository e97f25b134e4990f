//! Foreign keys: that what is referred to is there, and that those who refer follow.

use std::collections::BTreeSet;

use orm_core::meta::{Action, ForeignKeyMeta, ModelMeta};
use orm_core::{Error, ErrorKind, Result};

use super::{at_path, is_null};
use crate::bson::{Writer, get};
use crate::database::Session;
use crate::registry::ChildKey;
use crate::{errors, layout, read};

/// A key of one or more values: type and bytes of each.
type Tuple = Vec<(u8, Vec<u8>)>;

fn tuple(document: &[u8], paths: &[String]) -> Option<Tuple> {
    let part = |path: &String| {
        let (ty, value) = at_path(document, path);
        (!is_null(ty)).then(|| (ty, value.to_vec()))
    };
    paths.iter().map(part).collect()
}

/// Numbers of 32 and of 64 bits that are equal are one key.
fn normal(tuple: Tuple) -> Tuple {
    let wide = |(ty, value): (u8, Vec<u8>)| match ty {
        crate::bson::tag::INT32 => {
            (crate::bson::tag::INT64, i64::from(crate::bson::i32_of(&value)).to_le_bytes().to_vec())
        }
        _ => (ty, value),
    };
    tuple.into_iter().map(wide).collect()
}

/// A filter for the documents whose fields hold one of the keys.
pub(super) fn one_of(w: &mut Writer, fields: &[String], keys: &[Tuple]) {
    if let [field] = fields {
        let open = w.open(field);
        let list = w.open_array("$in");
        for (at, key) in keys.iter().enumerate() {
            if let Some((ty, value)) = key.first() {
                w.raw(at, *ty, value);
            }
        }
        w.close(list);
        w.close(open);
        return;
    }
    let list = w.open_array("$or");
    for (at, key) in keys.iter().enumerate() {
        let open = w.open(at);
        for (field, (ty, value)) in fields.iter().zip(key) {
            w.raw(field, *ty, value);
        }
        w.close(open);
    }
    w.close(list);
}

fn paths(model: &ModelMeta, columns: &[u16]) -> Vec<String> {
    columns.iter().map(|column| layout::path(model, *column).into_owned()).collect()
}

/// What a change of columns has to do with foreign keys.
#[derive(Clone, Copy)]
pub(super) struct Ties {
    /// One of the columns refers to another row.
    refers: bool,
    /// Others refer to one of the columns.
    referred: bool,
}

impl Ties {
    pub async fn of(session: &Session, model: &'static ModelMeta, changed: &[u16]) -> Result<Self> {
        if !session.shared.settings.foreign_keys {
            return Ok(Ties { refers: false, referred: false });
        }
        let refers =
            model.foreign_keys.iter().any(|key| key.columns.iter().any(|column| changed.contains(column)));
        let changed = paths(model, changed);
        let registry = session.registry().await?;
        let touches = |child: &ChildKey| child.target_fields.iter().any(|field| changed.contains(field));
        Ok(Ties { refers, referred: registry.children(model.table).iter().any(touches) })
    }

    pub fn any(self) -> bool {
        self.refers || self.referred
    }

    /// Looks after both ends. `old` and `new` are the same documents in the same order.
    pub async fn hold(
        self,
        session: &Session,
        model: &'static ModelMeta,
        changed: &[u16],
        old: &[Vec<u8>],
        new: &[Vec<u8>],
    ) -> Result<()> {
        if self.refers {
            check(session, model, new, Some(changed)).await?;
        }
        if self.referred {
            after_update(session, model.table, old, new).await?;
        }
        Ok(())
    }
}

/// Refuses documents that refer to nothing. With `changed`, only keys with one of these columns are looked at.
pub async fn check(
    session: &Session,
    model: &'static ModelMeta,
    documents: &[Vec<u8>],
    changed: Option<&[u16]>,
) -> Result<()> {
    let session = &session.upkeep();
    for key in &model.foreign_keys {
        if changed.is_none_or(|changed| key.columns.iter().any(|column| changed.contains(column))) {
            check_key(session, model, key, documents).await?;
        }
    }
    Ok(())
}

async fn check_key(
    session: &Session,
    model: &'static ModelMeta,
    key: &ForeignKeyMeta,
    documents: &[Vec<u8>],
) -> Result<()> {
    let target = (key.target)();
    let (fields, target_fields) = (paths(model, key.columns), paths(target, key.referenced()));
    let mut wanted: BTreeSet<Tuple> =
        documents.iter().filter_map(|document| tuple(document, &fields)).map(normal).collect();
    if std::ptr::eq(model, target) {
        // Rows that come together may refer to each other.
        for own in documents.iter().filter_map(|document| tuple(document, &target_fields)) {
            wanted.remove(&normal(own));
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let keys: Vec<Tuple> = wanted.iter().cloned().collect();
    for part in keys.chunks(10_000) {
        let mut w = Writer::default();
        w.str("find", target.table);
        let filter = w.open("filter");
        one_of(&mut w, &target_fields, part);
        w.close(filter);
        let projection = w.open("projection");
        for field in &target_fields {
            w.i32(field, 1);
        }
        w.close(projection);
        for found in read::documents(session, w.finish(), Some(target)).await? {
            if let Some(found) = tuple(&found, &target_fields) {
                wanted.remove(&normal(found));
            }
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let error = Error::new(ErrorKind::ForeignKey, "a row refers to one that is not there")
        .with_model(model.name)
        .with_hint("insert the parent first");
    Err(key.columns.iter().fold(error, |error, column| error.with_field(model.column(*column).field.clone())))
}

/// Something that has to be true when the statement ends: nobody refers to these keys.
pub(super) struct Pending {
    collection: String,
    fields: Vec<String>,
    keys: Vec<Tuple>,
}

/// Looks after those who refer to documents that are gone already.
pub(super) async fn after_delete(
    session: &Session,
    collection: &str,
    gone: &[Vec<u8>],
    pending: &mut Vec<Pending>,
) -> Result<()> {
    let session = &session.upkeep();
    let registry = session.registry().await?;
    for child in registry.children(collection) {
        let keys = keys_of(gone, &child.target_fields);
        if keys.is_empty() {
            continue;
        }
        match child.on_delete {
            Action::NoAction | Action::Restrict => {
                let rule =
                    Pending { collection: child.collection.clone(), fields: child.fields.clone(), keys };
                if child.on_delete == Action::Restrict {
                    refuse_if_referred(session, &rule).await?;
                } else {
                    pending.push(rule);
                }
            }
            Action::Cascade => {
                let children = find(session, &child.collection, &child.fields, &keys).await?;
                Box::pin(super::delete::remove(session, &child.collection, children, pending)).await?;
            }
            Action::SetNull | Action::SetDefault => {
                let mut w = Writer::default();
                reset(&mut w, child, child.on_delete == Action::SetDefault);
                change(session, &child.collection, &child.fields, &keys, &w.finish()).await?;
            }
        }
    }
    Ok(())
}

/// The elements that a child's key becomes.
fn reset(w: &mut Writer, child: &ChildKey, to_default: bool) {
    for (at, field) in child.fields.iter().enumerate() {
        let default = get(&child.defaults, &at.to_string()).filter(|_| to_default);
        match default {
            Some((ty, value)) => w.raw(field, ty, value),
            None => w.null(field),
        }
    }
}

fn keys_of(documents: &[Vec<u8>], fields: &[String]) -> Vec<Tuple> {
    let found: BTreeSet<Tuple> = documents.iter().filter_map(|document| tuple(document, fields)).collect();
    found.into_iter().collect()
}

async fn find(
    session: &Session,
    collection: &str,
    fields: &[String],
    keys: &[Tuple],
) -> Result<Vec<Vec<u8>>> {
    let mut w = Writer::default();
    w.str("find", collection);
    let filter = w.open("filter");
    one_of(&mut w, fields, keys);
    w.close(filter);
    read::documents(session, w.finish(), None).await
}

async fn change(
    session: &Session,
    collection: &str,
    fields: &[String],
    keys: &[Tuple],
    to: &[u8],
) -> Result<()> {
    let mut w = Writer::default();
    w.str("update", collection);
    let updates = w.open_array("updates");
    let update = w.open(0_usize);
    let query = w.open("q");
    one_of(&mut w, fields, keys);
    w.close(query);
    let change = w.open("u");
    w.document("$set", to);
    w.close(change);
    w.bool("multi", true);
    w.close(update);
    w.close(updates);
    session.command(w.finish(), None).await.map(drop)
}

/// The checks that had to wait until everything else was done.
pub(super) async fn settle(session: &Session, pending: &[Pending]) -> Result<()> {
    for rule in pending {
        refuse_if_referred(session, rule).await?;
    }
    Ok(())
}

async fn refuse_if_referred(session: &Session, rule: &Pending) -> Result<()> {
    let session = &session.upkeep();
    let mut w = Writer::default();
    w.str("find", &rule.collection);
    let filter = w.open("filter");
    one_of(&mut w, &rule.fields, &rule.keys);
    w.close(filter);
    w.i32("limit", 1);
    w.bool("singleBatch", true);
    if read::documents(session, w.finish(), None).await?.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::ForeignKey, format!("a row is still referred to from `{}`", rule.collection))
        .with_hint("delete the children first, or declare `on_delete`"))
}

/// Carries changed keys on to those who refer to them. `old` and `new` are the same documents in the same order.
async fn after_update(session: &Session, collection: &str, old: &[Vec<u8>], new: &[Vec<u8>]) -> Result<()> {
    let session = &session.upkeep();
    let registry = session.registry().await?;
    for child in registry.children(collection) {
        for (before, after) in old.iter().zip(new) {
            let (Some(before), after) =
                (tuple(before, &child.target_fields), tuple(after, &child.target_fields))
            else {
                continue;
            };
            if after.as_ref() == Some(&before) {
                continue;
            }
            let keys = [before];
            match (child.on_update, after) {
                (Action::Cascade, Some(after)) => {
                    let children = find(session, &child.collection, &child.fields, &keys).await?;
                    let mut w = Writer::default();
                    for (field, (ty, value)) in child.fields.iter().zip(&after) {
                        w.raw(field, *ty, value);
                    }
                    change(session, &child.collection, &child.fields, &keys, &w.finish()).await?;
                    let changed = reread(session, &child.collection, &children).await?;
                    Box::pin(after_update(session, &child.collection, &children, &changed)).await?;
                }
                (Action::SetNull | Action::SetDefault, _) => {
                    let mut w = Writer::default();
                    reset(&mut w, child, child.on_update == Action::SetDefault);
                    change(session, &child.collection, &child.fields, &keys, &w.finish()).await?;
                }
                _ => {
                    let rule = Pending {
                        collection: child.collection.clone(),
                        fields: child.fields.clone(),
                        keys: keys.to_vec(),
                    };
                    refuse_if_referred(session, &rule).await?;
                }
            }
        }
    }
    Ok(())
}

/// Documents as they are now, in the order of those given.
pub(super) async fn reread(
    session: &Session,
    collection: &str,
    documents: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>> {
    if documents.is_empty() {
        return Ok(Vec::new());
    }
    let session = &session.upkeep();
    let mut w = Writer::default();
    w.str("find", collection);
    let filter = w.open("filter");
    super::ids_filter(&mut w, documents);
    w.close(filter);
    let mut found: std::collections::BTreeMap<(u8, Vec<u8>), Vec<u8>> =
        read::documents(session, w.finish(), None)
            .await?
            .into_iter()
            .map(|document| {
                let (ty, value) = at_path(&document, "_id");
                ((ty, value.to_vec()), document)
            })
            .collect();
    let own = |document: &Vec<u8>| {
        let (ty, value) = at_path(document, "_id");
        found.remove(&(ty, value.to_vec()))
    };
    documents
        .iter()
        .map(own)
        .collect::<Option<_>>()
        .ok_or_else(|| errors::map(mongodb::error::Error::custom("a document is gone"), None))
}
