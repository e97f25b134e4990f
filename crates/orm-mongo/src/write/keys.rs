//! Foreign keys: that what is referred to is there, and that those who refer follow.
//!
//! What follows from a change is a list of work and no recursion: a chain of rows may be as long as it likes.

use std::collections::BTreeSet;
use std::sync::Arc;

use orm_core::meta::{Action, ForeignKeyMeta, ModelMeta};
use orm_core::{Error, ErrorKind, Result};

use super::{at_path, is_null};
use crate::bson::{Writer, canonical, get};
use crate::registry::{self, ChildKey, Registry};
use crate::session::MongoSession;
use crate::{errors, layout, read};

/// So many keys go in one command.
const CHUNK: usize = 10_000;

/// A key of one or more values: type and bytes of each.
type Tuple = Vec<(u8, Vec<u8>)>;

fn tuple(document: &[u8], paths: &[String]) -> Option<Tuple> {
    let part = |path: &String| {
        let (ty, value) = at_path(document, path);
        (!is_null(ty)).then(|| (ty, value.to_vec()))
    };
    paths.iter().map(part).collect()
}

/// Numbers that are equal are one key, whatever their width or their zeros at the end.
fn normal(tuple: Tuple) -> Tuple {
    tuple.into_iter().map(|(ty, value)| canonical(ty, value)).collect()
}

/// Whether two keys are equal.
fn same(left: &Option<Tuple>, right: &Option<Tuple>) -> bool {
    left.clone().map(normal) == right.clone().map(normal)
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
#[derive(Clone)]
pub(super) struct Ties {
    /// One of the columns refers to another row.
    pub refers: bool,
    /// Others refer to one of the columns.
    pub referred: bool,
    /// All keys that refer to the model.
    children: Arc<[ChildKey]>,
}

impl Ties {
    pub async fn of(session: &MongoSession, model: &'static ModelMeta, changed: &[u16]) -> Result<Self> {
        let nobody = Ties { refers: false, referred: false, children: Arc::new([]) };
        if !session.shared.settings.foreign_keys {
            return Ok(nobody);
        }
        let touched = |columns: &[u16]| columns.iter().any(|column| changed.contains(column));
        let refers = model.foreign_keys.iter().any(|key| touched(key.columns));
        // Only what is unique is referred to.
        let unique = model.indexes.iter().filter(|index| index.unique);
        if !touched(model.primary_key) && !unique.into_iter().any(|index| touched(&index.columns)) {
            return Ok(Ties { refers, ..nobody });
        }
        let changed = paths(model, changed);
        let children = registry::children(session, model.table).await?;
        let touches = |child: &ChildKey| child.target_fields.iter().any(|field| changed.contains(field));
        Ok(Ties { refers, referred: children.iter().any(touches), children })
    }

    pub fn any(&self) -> bool {
        self.refers || self.referred
    }

    /// Looks after both ends. `old` and `new` are the same documents in the same order.
    pub async fn hold(
        &self,
        session: &MongoSession,
        model: &'static ModelMeta,
        changed: &[u16],
        old: Vec<Vec<u8>>,
        new: &[Vec<u8>],
    ) -> Result<()> {
        if self.refers {
            check(session, model, new, Some(changed)).await?;
        }
        if self.referred {
            let mut registry = Registry::default();
            registry.know(model.table, Arc::clone(&self.children));
            after_update(session, &mut registry, model.table, old, new.to_vec()).await?;
        }
        Ok(())
    }
}

/// Refuses documents that refer to nothing. With `changed`, only keys with one of these columns are looked at.
pub async fn check(
    session: &MongoSession,
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
    session: &MongoSession,
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
    for part in keys.chunks(CHUNK) {
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
    /// The collection that is referred to.
    target: String,
    collection: String,
    fields: Vec<String>,
    keys: Vec<Tuple>,
}

impl Pending {
    fn of(target: &str, child: &ChildKey, keys: Vec<Tuple>) -> Self {
        Pending {
            target: target.to_owned(),
            collection: child.collection.clone(),
            fields: child.fields.clone(),
            keys,
        }
    }
}

/// Looks after those who refer to documents that are gone already.
pub(super) async fn after_delete(
    session: &MongoSession,
    registry: &mut Registry,
    collection: &str,
    gone: Vec<Vec<u8>>,
) -> Result<()> {
    let session = &session.upkeep();
    let mut pending = Vec::new();
    let mut work = vec![(collection.to_owned(), gone)];
    while let Some((collection, gone)) = work.pop() {
        for child in registry.children(session, &collection).await?.iter() {
            let keys = keys_of(&gone, &child.target_fields);
            if keys.is_empty() {
                continue;
            }
            match child.on_delete {
                Action::Restrict => {
                    refuse_if_referred(session, &Pending::of(&collection, child, keys)).await?;
                }
                Action::NoAction => pending.push(Pending::of(&collection, child, keys)),
                Action::Cascade => {
                    let children = find(session, &child.collection, &child.fields, &keys).await?;
                    if !children.is_empty() {
                        super::delete::remove_documents(session, &child.collection, &children).await?;
                        work.push((child.collection.clone(), children));
                    }
                }
                Action::SetNull | Action::SetDefault => {
                    let mut w = Writer::default();
                    reset(&mut w, child, child.on_delete == Action::SetDefault);
                    change(session, &child.collection, &child.fields, &keys, &w.finish()).await?;
                }
            }
        }
    }
    // The checks that had to wait until everything else was done.
    for rule in &pending {
        refuse_if_referred(session, rule).await?;
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
    session: &MongoSession,
    collection: &str,
    fields: &[String],
    keys: &[Tuple],
) -> Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for part in keys.chunks(CHUNK) {
        let mut w = Writer::default();
        w.str("find", collection);
        let filter = w.open("filter");
        one_of(&mut w, fields, part);
        w.close(filter);
        found.extend(read::documents(session, w.finish(), None).await?);
    }
    Ok(found)
}

async fn change(
    session: &MongoSession,
    collection: &str,
    fields: &[String],
    keys: &[Tuple],
    to: &[u8],
) -> Result<()> {
    for part in keys.chunks(CHUNK) {
        let mut w = Writer::default();
        w.str("update", collection);
        let updates = w.open_array("updates");
        let update = w.open(0_usize);
        let query = w.open("q");
        one_of(&mut w, fields, part);
        w.close(query);
        let change = w.open("u");
        w.document("$set", to);
        w.close(change);
        w.bool("multi", true);
        w.close(update);
        w.close(updates);
        session.command(w.finish(), None).await?;
    }
    Ok(())
}

async fn refuse_if_referred(session: &MongoSession, rule: &Pending) -> Result<()> {
    for part in rule.keys.chunks(CHUNK) {
        let mut w = Writer::default();
        w.str("find", &rule.collection);
        let filter = w.open("filter");
        one_of(&mut w, &rule.fields, part);
        w.close(filter);
        w.i32("limit", 1);
        w.bool("singleBatch", true);
        if !read::documents(session, w.finish(), None).await?.is_empty() {
            let text = format!("a row of `{}` is still referred to from `{}`", rule.target, rule.collection);
            return Err(Error::new(ErrorKind::ForeignKey, text)
                .with_hint("delete the children first, or declare `on_delete` or `on_update`"));
        }
    }
    Ok(())
}

/// Carries changed keys on to those who refer to them. `old` and `new` are the same documents in the same order.
async fn after_update(
    session: &MongoSession,
    registry: &mut Registry,
    collection: &str,
    old: Vec<Vec<u8>>,
    new: Vec<Vec<u8>>,
) -> Result<()> {
    let session = &session.upkeep();
    let mut work = vec![(collection.to_owned(), old, new)];
    while let Some((collection, old, new)) = work.pop() {
        for child in registry.children(session, &collection).await?.iter() {
            for (before, after) in old.iter().zip(&new) {
                let (before, after) =
                    (tuple(before, &child.target_fields), tuple(after, &child.target_fields));
                if same(&before, &after) {
                    continue;
                }
                let Some(before) = before else { continue };
                let keys = [before];
                match (child.on_update, after) {
                    (Action::Cascade, Some(after)) => {
                        let children = find(session, &child.collection, &child.fields, &keys).await?;
                        if children.is_empty() {
                            continue;
                        }
                        let mut w = Writer::default();
                        for (field, (ty, value)) in child.fields.iter().zip(&after) {
                            w.raw(field, *ty, value);
                        }
                        change(session, &child.collection, &child.fields, &keys, &w.finish()).await?;
                        let changed = reread(session, &child.collection, &children).await?;
                        work.push((child.collection.clone(), children, changed));
                    }
                    (Action::SetNull | Action::SetDefault, _) => {
                        let mut w = Writer::default();
                        reset(&mut w, child, child.on_update == Action::SetDefault);
                        change(session, &child.collection, &child.fields, &keys, &w.finish()).await?;
                    }
                    _ => {
                        refuse_if_referred(session, &Pending::of(&collection, child, keys.to_vec())).await?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// Documents as they are now, in the order of those given.
pub(super) async fn reread(
    session: &MongoSession,
    collection: &str,
    documents: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>> {
    if documents.is_empty() {
        return Ok(Vec::new());
    }
    let session = &session.upkeep();
    let mut found: std::collections::BTreeMap<(u8, Vec<u8>), Vec<u8>> = std::collections::BTreeMap::new();
    for part in documents.chunks(CHUNK) {
        let mut w = Writer::default();
        w.str("find", collection);
        let filter = w.open("filter");
        super::ids_filter(&mut w, part);
        w.close(filter);
        for document in read::documents(session, w.finish(), None).await? {
            let (ty, value) = at_path(&document, "_id");
            found.insert((ty, value.to_vec()), document);
        }
    }
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
