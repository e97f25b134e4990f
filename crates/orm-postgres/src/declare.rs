//! The types that a program declares: enums, composites, domains.
//!
//! `create_all` declares those of its models before the tables, each after the types that it is made of; what is there already is
//! left alone. `drop_all` drops them after the tables, in the opposite order, but for those that somebody else still uses.

use orm_core::meta::{DefaultMeta, ModelMeta};
use orm_core::value::{ColumnType, Datum, NativeKind};
use orm_core::{Error, ErrorKind, Result};
use orm_sql::{Dialect, PostgresDialect};

/// A type by its kind, name and what stands behind them.
struct Declared {
    /// `TYPE` or `DOMAIN`.
    kind: &'static str,
    name: &'static str,
    body: String,
}

/// The statements that declare the types of the models.
pub fn create_types(models: &[&'static ModelMeta]) -> Vec<String> {
    let create = |ty: &Declared| {
        let name = PostgresDialect.quote_ident(ty.name);
        // There is no CREATE TYPE IF NOT EXISTS.
        guarded(&format!("CREATE {} {name} AS {}", ty.kind, ty.body), "duplicate_object")
    };
    declared(models).iter().map(create).collect()
}

/// The statements that drop the types of the models.
pub fn drop_types(models: &[&'static ModelMeta]) -> Vec<String> {
    let drop = |ty: &Declared| {
        let name = PostgresDialect.quote_ident(ty.name);
        guarded(&format!("DROP {} IF EXISTS {name}", ty.kind), "dependent_objects_still_exist")
    };
    declared(models).iter().rev().map(drop).collect()
}

/// A statement that may fail in one way.
pub fn guarded(sql: &str, condition: &str) -> String {
    let tag = tag_for(sql);
    format!("DO {tag} BEGIN {sql}; EXCEPTION WHEN {condition} THEN NULL; END {tag}")
}

/// A dollar quote that the text does not contain.
fn tag_for(text: &str) -> String {
    let mut tag = String::from("$orm$");
    let mut number = 0;
    while text.contains(&tag) {
        number += 1;
        tag = format!("$orm{number}$");
    }
    tag
}

/// Refuses two types of one name that are not the same, and a name that the server would cut.
pub fn check_types(models: &[&'static ModelMeta]) -> Result<()> {
    let mut known: Vec<Declared> = Vec::new();
    for model in models {
        for column in &model.columns {
            let mut types = Vec::new();
            add(column.ty(), &mut types);
            for ty in types {
                let refused = |text: String| {
                    Err(Error::new(ErrorKind::Schema, text)
                        .with_model(model.name)
                        .with_field(column.field.clone())
                        .with_hint("give the type another name"))
                };
                let (name, table) = (ty.name, models.iter().find(|model| model.table == ty.name));
                if name.len() > PostgresDialect.name_rules().longest {
                    return refused(format!("the name of the type `{name}` is longer than 63 bytes"));
                }
                if let Some(table) = table {
                    return refused(format!(
                        "the type `{name}` is called like the table of `{}`",
                        table.name
                    ));
                }
                match known.iter().find(|other| other.name == name) {
                    Some(other) if (other.kind, &other.body) == (ty.kind, &ty.body) => {}
                    Some(_) => return refused(format!("there are two types `{name}` that differ")),
                    None => known.push(ty),
                }
            }
        }
    }
    Ok(())
}

/// The enums that the models declare, with their values in order.
pub fn enums(models: &[&'static ModelMeta]) -> Vec<(&'static str, Vec<&'static str>)> {
    fn of(ty: ColumnType, found: &mut Vec<(&'static str, Vec<&'static str>)>) {
        match ty {
            ColumnType::Array(element) => of(*element, found),
            ColumnType::Enum(meta)
                if meta.native && !meta.integer && !found.iter().any(|(name, _)| *name == meta.name) =>
            {
                found.push((meta.name, meta.variants.iter().map(|(name, _)| *name).collect()));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    models.iter().flat_map(|model| &model.columns).for_each(|column| of(column.ty(), &mut found));
    found
}

fn declared(models: &[&'static ModelMeta]) -> Vec<Declared> {
    let mut types = Vec::new();
    for column in models.iter().flat_map(|model| &model.columns) {
        add(column.ty(), &mut types);
    }
    types
}

/// Adds a type behind those that it is made of.
fn add(ty: ColumnType, types: &mut Vec<Declared>) {
    let (kind, name, body) = match ty {
        ColumnType::Array(element) => return add(*element, types),
        ColumnType::Enum(meta) if meta.native => {
            let variants = meta.variants.iter().map(|(name, _)| PostgresDialect.text_literal(name));
            ("TYPE", meta.name, format!("ENUM ({})", variants.collect::<Vec<_>>().join(", ")))
        }
        ColumnType::Native(native) => match &native.kind {
            NativeKind::Composite(fields) => {
                fields.iter().for_each(|(_, ty)| add(*ty, types));
                let field = |(name, ty): &(&str, ColumnType)| {
                    format!("{} {}", PostgresDialect.quote_ident(name), PostgresDialect::type_name(*ty))
                };
                (
                    "TYPE",
                    native.name,
                    format!("({})", fields.iter().map(field).collect::<Vec<_>>().join(", ")),
                )
            }
            NativeKind::Domain { base, check } => {
                add(**base, types);
                let check = check.map(|check| format!(" CHECK ({check})")).unwrap_or_default();
                ("DOMAIN", native.name, format!("{}{check}", PostgresDialect::type_name(**base)))
            }
            _ => return,
        },
        _ => return,
    };
    if !types.iter().any(|known| known.name == name) {
        types.push(Declared { kind, name, body });
    }
}

/// Defaults that cannot be written into the statement would be left out of it.
pub fn check_defaults(models: &[&'static ModelMeta]) -> Result<()> {
    for model in models {
        for column in &model.columns {
            if let Some(DefaultMeta::Value(Datum::Array(_) | Datum::Native(..))) = &column.default {
                let text = "the default of a column of this type cannot be a Rust value";
                return Err(Error::new(ErrorKind::Unsupported, text)
                    .with_model(model.name)
                    .with_field(column.field.clone())
                    .with_hint("say it in SQL: `default(sql = \"…\")`"));
            }
        }
    }
    Ok(())
}
