//! Who refers to whom. `create_all` writes every model's foreign keys into the collection `orm_schema`; whoever deletes a parent
//! reads them there, so the program that does need not know the children's models. They are read with every statement that
//! needs them: another program may declare a child at any time.

use std::sync::Arc;

use orm_core::Result;
use orm_core::meta::{Action, DefaultMeta, ModelMeta};
use rustc_hash::FxHashMap;

use crate::bson::{Elements, Writer, get, str_of};
use crate::session::MongoSession;
use crate::{layout, read, value};

/// The collection with the foreign keys.
pub const COLLECTION: &str = "orm_schema";

/// The foreign keys that one statement has read so far, by the collection that they refer to.
#[derive(Debug, Default)]
pub struct Registry {
    children: FxHashMap<String, Arc<[ChildKey]>>,
}

/// A foreign key, seen from its target.
#[derive(Debug, Clone)]
pub struct ChildKey {
    pub collection: String,
    pub fields: Vec<String>,
    pub target_fields: Vec<String>,
    pub on_delete: Action,
    pub on_update: Action,
    /// What `SetDefault` sets: elements of BSON, one for each field, or nothing.
    pub defaults: Vec<u8>,
}

impl Registry {
    /// Takes what is known of a collection already.
    pub fn know(&mut self, collection: &str, children: Arc<[ChildKey]>) {
        self.children.insert(collection.to_owned(), children);
    }

    /// The keys that refer to a collection.
    pub async fn children(&mut self, session: &MongoSession, collection: &str) -> Result<Arc<[ChildKey]>> {
        if let Some(known) = self.children.get(collection) {
            return Ok(Arc::clone(known));
        }
        let children = children(session, collection).await?;
        self.children.insert(collection.to_owned(), Arc::clone(&children));
        Ok(children)
    }
}

/// The keys that refer to a collection, as they are now: outside of any transaction, whose view may be older.
pub async fn children(session: &MongoSession, collection: &str) -> Result<Arc<[ChildKey]>> {
    let mut find = Writer::default();
    find.str("find", COLLECTION);
    let filter = find.open("filter");
    find.str("foreign_keys.target", collection);
    find.close(filter);
    let outside = session.outside().upkeep();
    let mut found = Vec::new();
    for document in read::documents(&outside, find.finish(), None).await? {
        read_entry(&document, collection, &mut found);
    }
    Ok(found.into())
}

fn action_name(action: Action) -> &'static str {
    match action {
        Action::NoAction => "no action",
        Action::Restrict => "restrict",
        Action::Cascade => "cascade",
        Action::SetNull => "set null",
        Action::SetDefault => "set default",
    }
}

fn action_of(name: &str) -> Action {
    match name {
        "restrict" => Action::Restrict,
        "cascade" => Action::Cascade,
        "set null" => Action::SetNull,
        "set default" => Action::SetDefault,
        _ => Action::NoAction,
    }
}

/// The entry of a model.
pub fn entry(model: &'static ModelMeta, times: value::MongoTimes) -> Result<Vec<u8>> {
    let mut w = Writer::default();
    w.str("_id", model.table);
    w.str("model", model.name);
    let keys = w.open_array("foreign_keys");
    for (at, key) in model.foreign_keys.iter().enumerate() {
        let target = (key.target)();
        let open = w.open(at);
        let fields = w.open_array("fields");
        for (at, column) in key.columns.iter().enumerate() {
            w.str(at, &layout::path(model, *column));
        }
        w.close(fields);
        w.str("target", target.table);
        let fields = w.open_array("target_fields");
        for (at, column) in key.referenced().iter().enumerate() {
            w.str(at, &layout::path(target, *column));
        }
        w.close(fields);
        w.str("on_delete", action_name(key.on_delete));
        w.str("on_update", action_name(key.on_update));
        let defaults = w.open("defaults");
        for (at, column) in key.columns.iter().enumerate() {
            let column = model.column(*column);
            match &column.default {
                Some(DefaultMeta::Value(datum)) => {
                    value::write(&mut w, at.into(), datum, column.ty(), times)?
                }
                _ => w.null(at),
            }
        }
        w.close(defaults);
        w.close(open);
    }
    w.close(keys);
    Ok(w.finish())
}

/// The keys of an entry that refer to a collection.
fn read_entry(document: &[u8], target: &str, out: &mut Vec<ChildKey>) {
    let text = |document: &[u8], name: &str| {
        get(document, name).and_then(|(ty, value)| str_of(ty, value)).unwrap_or_default().to_owned()
    };
    let texts = |document: &[u8], name: &str| -> Vec<String> {
        let list = get(document, name).map(|(_, value)| value).unwrap_or_default();
        Elements::of(list).filter_map(|(_, ty, value)| str_of(ty, value).map(str::to_owned)).collect()
    };
    let collection = text(document, "_id");
    let Some((_, keys)) = get(document, "foreign_keys") else { return };
    for (_, _, key) in Elements::of(keys).filter(|(_, _, key)| text(key, "target") == target) {
        out.push(ChildKey {
            collection: collection.clone(),
            fields: texts(key, "fields"),
            target_fields: texts(key, "target_fields"),
            on_delete: action_of(&text(key, "on_delete")),
            on_update: action_of(&text(key, "on_update")),
            defaults: get(key, "defaults").map(|(_, value)| value.to_vec()).unwrap_or_default(),
        });
    }
}
