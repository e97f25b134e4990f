//! Collections, their rules and their indexes.
//!
//! A collection's validator is a list: the types of the fields first, then one expression for each check of the model, in their
//! order, which is how an error finds the name of a check again. Unique indexes over fields that may be null leave the nulls
//! out, as SQL does. Foreign keys get an index if the model declares none: deleting a parent looks for its children.

use orm_core::meta::{ColumnMeta, Deferral, IndexMeta, ModelMeta};
use orm_core::value::DbType;
use orm_core::{Error, ErrorKind, Result};

use crate::bson::{Key, Writer};
use crate::database::Session;
use crate::lower::Lower;
use crate::value::Times;
use crate::write::range;
use crate::{check, layout, registry};

pub async fn create_all(session: &Session, models: &[&'static ModelMeta]) -> Result<()> {
    let session = session.outside();
    let times = session.shared.settings.times;
    let mut entries = Vec::new();
    let mut creations = Vec::new();
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
    let _forget = Forget(&session);
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

/// Forgets the foreign keys at its end, however it ends: a future that was dropped may have changed them.
struct Forget<'s>(&'s Session);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.forget_registry();
    }
}

pub async fn drop_all(session: &Session, models: &[&'static ModelMeta]) -> Result<()> {
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
    let _forget = Forget(&session);
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
fn creation(model: &'static ModelMeta, times: Times) -> Result<Vec<u8>> {
    let mut w = Writer::default();
    w.str("create", model.table);
    let validator = w.open("validator");
    let rules = w.open_array("$and");
    let first = w.open(0_usize);
    let schema = w.open("$jsonSchema");
    let fields: Vec<(Vec<&str>, u16)> = (0..model.columns.len() as u16)
        .map(|index| {
            let column = model.column(index);
            let path = if model.primary_key == [index] {
                vec!["_id"]
            } else if column.path.is_empty() {
                vec![column.name.as_str()]
            } else {
                column.path.split('.').collect()
            };
            (path, index)
        })
        .collect();
    for (index, column) in model.columns.iter().enumerate() {
        if column.generated.is_some() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "MongoDB has no columns that the database computes",
            )
            .with_model(model.name)
            .with_field(model.column(index as u16).field.clone()));
        }
    }
    let all: Vec<(&[&str], u16)> = fields.iter().map(|(path, index)| (path.as_slice(), *index)).collect();
    properties(&mut w, model, &all, times);
    w.close(schema);
    w.close(first);
    for (at, rule) in model.checks.iter().enumerate() {
        let expr = check::parse(model, rule.expression).map_err(|why| {
            Error::new(
                ErrorKind::Unsupported,
                format!("the check `{}` has no meaning in MongoDB: {why}", rule.name),
            )
            .with_model(model.name)
            .with_constraint(rule.name.to_owned())
        })?;
        let open = w.open(at + 1);
        let negation = w.open("$expr");
        let list = w.open_array("$not");
        // A check holds unless it is false.
        let mut lower = Lower::on(times, orm_core::ir::Source { model, alias: "" });
        lower.truth(&mut w, Key::At(0), &expr, false)?;
        w.close(list);
        w.close(negation);
        w.close(open);
    }
    w.close(rules);
    w.close(validator);
    Ok(w.finish())
}

/// The rules of an object with these fields: those with a path of one name, and those of embedded objects.
fn properties(w: &mut Writer, model: &ModelMeta, fields: &[(&[&str], u16)], times: Times) {
    w.str("bsonType", "object");
    let mut names: Vec<&str> = Vec::new();
    for (path, _) in fields {
        if let Some(name) = path.first()
            && !names.contains(name)
        {
            names.push(name);
        }
    }
    let inside = |name: &str| -> Vec<(&[&str], u16)> {
        let own = fields.iter().filter(|(path, _)| path.first() == Some(&name));
        own.map(|(path, index)| (&path[1..], *index)).collect()
    };
    let required: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| inside(name).iter().any(|(_, index)| !model.column(*index).nullable))
        .collect();
    if !required.is_empty() {
        let list = w.open_array("required");
        for (at, name) in required.iter().enumerate() {
            w.str(at, name);
        }
        w.close(list);
    }
    let list = w.open("properties");
    for name in names {
        let inner = inside(name);
        let open = w.open(name);
        match inner.as_slice() {
            [([], index)] => rules(w, model.column(*index), times),
            inner => properties(w, model, inner, times),
        }
        w.close(open);
    }
    w.close(list);
}

fn rules(w: &mut Writer, column: &ColumnMeta, times: Times) {
    let ty = column.ty();
    let types: &[&str] = match ty {
        DbType::Bool => &["bool"],
        DbType::F32 | DbType::F64 => &["double"],
        DbType::Decimal => &["decimal"],
        DbType::Text | DbType::Char => &["string"],
        DbType::Bytes | DbType::Uuid => &["binData"],
        DbType::Date => &["date"],
        DbType::Time => &["long"],
        DbType::DateTime | DbType::Timestamp if times == Times::Millis => &["date"],
        DbType::DateTime | DbType::Timestamp => &["long"],
        DbType::Enum(meta) if !meta.integer => &["string"],
        DbType::Array(_) | DbType::List(_) => &["array"],
        DbType::Native(_) => &["objectId"],
        DbType::Json => return,
        _ => &["int", "long"],
    };
    let list = w.open_array("bsonType");
    let null = column.nullable.then_some(&"null");
    for (at, name) in types.iter().chain(null).enumerate() {
        w.str(at, name);
    }
    w.close(list);
    if let DbType::List(element) = ty {
        let element = (element.0)();
        let paths: Vec<Vec<&str>> = element
            .columns
            .iter()
            .map(|column| match column.path.as_str() {
                "" => vec![column.name.as_str()],
                path => path.split('.').collect(),
            })
            .collect();
        let fields: Vec<(&[&str], u16)> = paths.iter().map(Vec::as_slice).zip(0..).collect();
        let items = w.open("items");
        properties(w, element, &fields, times);
        w.close(items);
    }
    if let Some((low, high)) = range(ty) {
        w.i64("minimum", low);
        w.i64("maximum", high);
    }
    if let (Some(max), DbType::Text) = (column.max_len, ty) {
        w.i64("maxLength", max.into());
    }
    if ty == DbType::Char {
        w.i64("minLength", 1);
        w.i64("maxLength", 1);
    }
    if let DbType::Enum(meta) = ty {
        let list = w.open_array("enum");
        for (at, (name, number)) in meta.variants.iter().enumerate() {
            if meta.integer {
                w.i64(at, *number);
            } else {
                w.str(at, name);
            }
        }
        if column.nullable {
            w.null(meta.variants.len());
        }
        w.close(list);
    }
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
    let is_array = |column: &&u16| matches!(model.column(**column).ty(), DbType::Array(_) | DbType::List(_));
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
            DbType::Bool => w.bool("$gte", false),
            DbType::Text | DbType::Char => w.str("$gte", ""),
            DbType::Enum(meta) if !meta.integer => w.str("$gte", ""),
            DbType::Bytes | DbType::Uuid => w.binary("$gte", 0, &[]),
            DbType::Date | DbType::DateTime | DbType::Timestamp => w.date("$gte", i64::MIN),
            DbType::Native(_) => w.raw("$gte", crate::bson::tag::OBJECT_ID, &[0; 12]),
            DbType::Json | DbType::Array(_) | DbType::List(_) => w.bool("$exists", true),
            _ => w.f64("$gte", f64::NEG_INFINITY),
        }
        w.close(field);
    }
    w.close(filter);
}
