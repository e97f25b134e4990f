//! Collections and their indexes.
//!
//! What a collection demands of its documents is in [`rules`]. Unique indexes over fields that may be null leave the nulls
//! out, as SQL does. Foreign keys get an index if the model declares none: deleting a parent looks for its children.

use orm_core::meta::{Deferral, IndexMeta, ModelMeta};
use orm_core::schema::{NameRules, check_names};
use orm_core::value::ColumnType;
use orm_core::{Error, ErrorKind, Result};

use crate::bson::Writer;
use crate::session::MongoSession;
use crate::value::MongoTimes;
use crate::{layout, registry, rules};

pub async fn create_all(session: &MongoSession, models: &[&'static ModelMeta]) -> Result<()> {
    let session = session.outside();
    let times = session.shared.settings.times;
    let mut entries = Vec::new();
    let mut creations = Vec::new();
    let rules = NameRules { folds_case: false, longest: usize::MAX, implicit: |_| Vec::new() };
    check_names(models, &rules)?;
    for model in models {
        layout::check_names(model)?;
        refuse(model)?;
        creations.push(creation(model, times)?);
        entries.push(registry::entry(model, times)?);
    }
    for (model, creation) in models.iter().zip(creations) {
        match session.command(creation, Some(model)).await {
            // It is there already.
            Err(error) if error.code() == Some("48") => {}
            other => drop(other?),
        }
        if let Some(indexes) = indexes(model) {
            session.command(indexes, Some(model)).await?;
        }
    }
    // What `auto` keys and deletions need: a collection cannot be made within every transaction.
    let mut w = Writer::default();
    w.str("update", registry::COLLECTION);
    let updates = w.open_array("updates");
    for (at, (model, entry)) in models.iter().zip(&entries).enumerate() {
        let update = w.open(at);
        let query = w.open("q");
        w.str("_id", model.table);
        w.close(query);
        w.document("u", entry);
        w.bool("upsert", true);
        w.close(update);
    }
    w.close(updates);
    if !models.is_empty() {
        session.command(w.finish(), None).await?;
    }
    Ok(())
}

pub async fn drop_all(session: &MongoSession, models: &[&'static ModelMeta]) -> Result<()> {
    let session = session.outside();
    for model in models {
        let mut w = Writer::default();
        w.str("drop", model.table);
        match session.command(w.finish(), Some(model)).await {
            // It is not there.
            Err(error) if error.code() == Some("26") => {}
            other => drop(other?),
        }
    }
    for collection in [registry::COLLECTION, crate::write::COUNTERS] {
        let mut w = Writer::default();
        w.str("delete", collection);
        let deletes = w.open_array("deletes");
        let delete = w.open(0_usize);
        let query = w.open("q");
        let id = w.open("_id");
        let list = w.open_array("$in");
        for (at, model) in models.iter().enumerate() {
            w.str(at, model.table);
        }
        w.close(list);
        w.close(id);
        w.close(query);
        w.i32("limit", 0);
        w.close(delete);
        w.close(deletes);
        session.command(w.finish(), None).await?;
    }
    Ok(())
}

/// The command that makes a collection.
fn creation(model: &'static ModelMeta, times: MongoTimes) -> Result<Vec<u8>> {
    let mut w = Writer::default();
    w.str("create", model.table);
    rules::validator(&mut w, model, times)?;
    Ok(w.finish())
}

/// What MongoDB would keep in a way that the model does not mean.
fn refuse(model: &ModelMeta) -> Result<()> {
    for column in &model.columns {
        if let Some(native) = column.ty().native().filter(|native| native.database != "mongodb") {
            let text = format!("MongoDB has no type `{}`", native.name);
            return Err(Error::new(ErrorKind::Unsupported, text)
                .with_model(model.name)
                .with_field(column.field.clone())
                .with_hint("this type belongs to another database: use one that both have"));
        }
    }
    let is_array =
        |column: &&u16| matches!(model.column(**column).ty(), ColumnType::Array(_) | ColumnType::List(_));
    let unique = model.indexes.iter().filter(|index| index.unique);
    if let Some((index, column)) =
        unique.filter_map(|index| Some((index, index.columns.iter().find(is_array)?))).next()
    {
        let text = "a unique index on an array is one on each of its elements on MongoDB";
        return Err(Error::new(ErrorKind::Unsupported, text)
            .with_model(model.name)
            .with_field(model.column(*column).field.clone())
            .with_constraint(index.name.clone())
            .with_hint("leave out `unique`, or keep the values as rows of a model of their own"));
    }
    if let Some(key) = model.foreign_keys.iter().find(|key| key.deferral == Deferral::Deferred) {
        let text = "references are checked with each statement on MongoDB, not at the end of the transaction";
        let fields = key.columns.iter().map(|column| model.column(*column).field.clone());
        let error = Error::new(ErrorKind::Unsupported, text)
            .with_model(model.name)
            .with_hint("leave out `deferrable = deferred`, and write parents before children");
        return Err(fields.fold(error, Error::with_field));
    }
    Ok(())
}

/// The command that makes the indexes of a model.
fn indexes(model: &'static ModelMeta) -> Option<Vec<u8>> {
    let mut wanted: Vec<IndexMeta> = model.indexes.clone();
    if model.primary_key.len() > 1 {
        // Unique by `_id`; this one serves conditions on the parts.
        let columns = model.primary_key.to_vec();
        wanted.push(IndexMeta {
            name: format!("{}_key", model.table),
            columns,
            unique: false,
            nulls_not_distinct: false,
        });
    }
    for key in &model.foreign_keys {
        let served = wanted.iter().any(|index| index.columns.starts_with(key.columns))
            || model.primary_key == key.columns;
        if !served {
            let names: Vec<&str> =
                key.columns.iter().map(|column| model.column(*column).name.as_str()).collect();
            let name = format!("fk_{}_{}", model.table, names.join("_"));
            wanted.push(IndexMeta {
                name,
                columns: key.columns.to_vec(),
                unique: false,
                nulls_not_distinct: false,
            });
        }
    }
    if wanted.is_empty() {
        return None;
    }
    let mut w = Writer::default();
    w.str("createIndexes", model.table);
    let list = w.open_array("indexes");
    for (at, index) in wanted.iter().enumerate() {
        let open = w.open(at);
        let key = w.open("key");
        for column in &index.columns {
            w.i32(&*layout::path(model, *column), 1);
        }
        w.close(key);
        w.str("name", &index.name);
        if index.unique {
            w.bool("unique", true);
            if !index.nulls_not_distinct {
                without_nulls(&mut w, model, &index.columns);
            }
        }
        w.close(open);
    }
    w.close(list);
    Some(w.finish())
}

/// Leaves nulls out of a unique index, in a form that lets equality use it: from the smallest value of the type on.
fn without_nulls(w: &mut Writer, model: &ModelMeta, columns: &[u16]) {
    let nullable: Vec<u16> =
        columns.iter().copied().filter(|column| model.column(*column).nullable).collect();
    if nullable.is_empty() {
        return;
    }
    let filter = w.open("partialFilterExpression");
    for index in nullable {
        let field = w.open(&*layout::path(model, index));
        match model.column(index).ty() {
            ColumnType::Bool => w.bool("$gte", false),
            ColumnType::Text | ColumnType::Char => w.str("$gte", ""),
            ColumnType::Enum(meta) if !meta.integer => w.str("$gte", ""),
            ColumnType::Bytes | ColumnType::Uuid => w.binary("$gte", 0, &[]),
            ColumnType::Date | ColumnType::DateTime | ColumnType::Timestamp => w.date("$gte", i64::MIN),
            ColumnType::Native(_) => w.raw("$gte", crate::bson::tag::OBJECT_ID, &[0; 12]),
            ColumnType::Json | ColumnType::Array(_) | ColumnType::List(_) => w.bool("$exists", true),
            _ => w.f64("$gte", f64::NEG_INFINITY),
        }
        w.close(field);
    }
    w.close(filter);
}
