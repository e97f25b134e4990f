//! What a database already has, compared with the models.
//!
//! `IF NOT EXISTS` asks for a name only. Whatever has the name is compared here before a schema is created over it, so a table of
//! an older program is reported with its differences instead of being taken for the model's.

use orm_core::meta::{Action, ModelMeta};
use orm_core::schema::{ForeignKey, Table};
use orm_core::{Error, ErrorKind, Result};

use crate::Dialect;

/// The tables and indexes that a database has under the names of a schema.
///
/// ```
/// use orm_sql::{Existing, SqliteDialect, check_existing};
/// # use orm_guide::prelude::*;
/// assert!(check_existing(&SqliteDialect, &[User::meta()], &Existing::default()).is_ok());
/// ```
#[derive(Debug, Default)]
pub struct Existing {
    /// The tables, views included.
    pub tables: Vec<ExistingTable>,
    /// The indexes that have a name of the schema.
    pub indexes: Vec<ExistingIndex>,
}

/// A table that is there.
///
/// ```
/// let table = orm_sql::ExistingTable { name: "users".into(), kind: "table".into(), ..Default::default() };
/// assert!(table.columns.is_empty());
/// ```
#[derive(Debug, Default)]
pub struct ExistingTable {
    /// The name.
    pub name: String,
    /// `table`, or what else has the name: `view`, `index`.
    pub kind: String,
    /// The columns.
    pub columns: Vec<ExistingColumn>,
    /// The columns of the primary key, in its order.
    pub primary_key: Vec<String>,
    /// The foreign keys.
    pub foreign_keys: Vec<ExistingForeignKey>,
    /// The names of the checks.
    pub checks: Vec<String>,
}

/// A column that is there.
///
/// ```
/// let column = orm_sql::ExistingColumn { name: "id".into(), ty: "INTEGER".into(), ..Default::default() };
/// assert!(!column.nullable);
/// ```
#[derive(Debug, Default)]
pub struct ExistingColumn {
    /// The name.
    pub name: String,
    /// The type, as the database writes it.
    pub ty: String,
    /// Whether it takes NULL.
    pub nullable: bool,
    /// Whether it has a default.
    pub default: bool,
    /// Whether the database computes it.
    pub generated: bool,
}

/// A foreign key that is there.
///
/// ```
/// let key = orm_sql::ExistingForeignKey { target: "users".into(), ..Default::default() };
/// assert!(key.columns.is_empty());
/// ```
#[derive(Debug, Default)]
pub struct ExistingForeignKey {
    /// The columns of the table.
    pub columns: Vec<String>,
    /// The table referred to.
    pub target: String,
    /// The columns referred to; empty means its primary key.
    pub target_columns: Vec<String>,
    /// What happens when the parent is deleted.
    pub on_delete: Action,
    /// What happens when the parent's key changes.
    pub on_update: Action,
    /// The name, where the database keeps one.
    pub name: Option<String>,
}

/// An index that is there.
///
/// ```
/// let index = orm_sql::ExistingIndex { name: "uq_users_email".into(), unique: true, ..Default::default() };
/// assert!(index.columns.is_empty());
/// ```
#[derive(Debug, Default)]
pub struct ExistingIndex {
    /// The name.
    pub name: String,
    /// Its table.
    pub table: String,
    /// Its columns in order; an expression is empty.
    pub columns: Vec<String>,
    /// Whether it is unique.
    pub unique: bool,
    /// Whether it leaves rows out.
    pub partial: bool,
}

/// Refuses to create models over tables and indexes that are something else.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_sql::{Existing, ExistingTable, SqliteDialect, check_existing};
/// let older = ExistingTable { name: "users".into(), kind: "table".into(), ..Default::default() };
/// let existing = Existing { tables: vec![older], indexes: Vec::new() };
/// let error = check_existing(&SqliteDialect, &[User::meta()], &existing).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Schema);
/// assert!(error.message().contains("there is no column `id`"));
/// ```
///
/// # Errors
/// [`ErrorKind::Schema`] with the differences of the first model that has any.
pub fn check_existing<D: Dialect + ?Sized>(
    dialect: &D,
    models: &[&'static ModelMeta],
    existing: &Existing,
) -> Result<()> {
    for model in models {
        let wanted = &Table::of(model);
        let table = existing.tables.iter().find(|table| dialect.same_name(&table.name, model.table));
        let mut found = table.map_or_else(Vec::new, |table| differences(dialect, wanted, table));
        for index in &wanted.indexes {
            let other = existing.tables.iter().find(|other| dialect.same_name(&other.name, &index.name));
            if let Some(other) = other.filter(|other| other.kind != "index") {
                found.push(format!("the name of the index `{}` belongs to a {}", index.name, other.kind));
                continue;
            }
            let same = |other: &&ExistingIndex| dialect.same_name(&other.name, &index.name);
            let Some(other) = existing.indexes.iter().find(same) else { continue };
            if !dialect.same_name(&other.table, model.table) {
                found.push(format!("the index `{}` belongs to the table `{}`", index.name, other.table));
            } else if !same_names(dialect, &other.columns, &index.columns)
                || other.unique != index.unique
                || other.partial
            {
                found.push(format!("the index `{}` is another one", index.name));
            }
        }
        if !found.is_empty() {
            let found = found.join("; ");
            let text = match table {
                Some(_) => format!("the table `{}` is there and differs: {found}", model.table),
                None => format!("the table `{}` cannot be made: {found}", model.table),
            };
            return Err(Error::new(ErrorKind::Schema, text).with_model(model.name).with_hint(
                "change the table by a migration, or the model; `create_all` creates and never alters",
            ));
        }
    }
    Ok(())
}

fn same_names<D: Dialect + ?Sized>(dialect: &D, found: &[String], wanted: &[String]) -> bool {
    found.len() == wanted.len() && found.iter().zip(wanted).all(|(a, b)| dialect.same_name(a, b))
}

fn differences<D: Dialect + ?Sized>(dialect: &D, wanted: &Table, table: &ExistingTable) -> Vec<String> {
    if table.kind != "table" {
        return vec![format!("`{}` is a {}", table.name, table.kind)];
    }
    let mut found = Vec::new();
    let mut checks: Vec<&str> = Vec::new();
    for column in &wanted.columns {
        let name = &column.name;
        let Some(other) = table.columns.iter().find(|other| dialect.same_name(&other.name, name)) else {
            found.push(format!("there is no column `{name}`"));
            continue;
        };
        if !dialect.same_type(column, &other.ty) {
            let wanted = dialect.column_type(column);
            found.push(format!("the column `{name}` is {}, not {wanted}", other.ty));
        }
        if other.nullable != column.nullable && !wanted.primary_key.contains(name) {
            let (is, wanted) = if other.nullable { ("takes", "does not") } else { ("takes no", "does") };
            found.push(format!("the column `{name}` {is} NULL and the field {wanted}"));
        }
        if column.default.is_some() && !other.default && !other.generated {
            found.push(format!("the column `{name}` has no default"));
        }
        if column.generated.is_some() != other.generated {
            let not = if other.generated { "" } else { "not " };
            found.push(format!("the column `{name}` is {not}computed by the database"));
        }
        if !dialect.column_checks(column).is_empty() {
            checks.push(&column.check);
        }
    }
    if !same_names(dialect, &table.primary_key, &wanted.primary_key) {
        found.push(match table.primary_key.as_slice() {
            [] => "it has no primary key".to_owned(),
            columns => format!("its primary key is ({})", columns.join(", ")),
        });
    }
    for key in &wanted.foreign_keys {
        let of_name =
            table.foreign_keys.iter().find(|other| other.name.as_deref() == Some(key.name.as_str()));
        let missing = match of_name {
            Some(other) => !same_key(dialect, key, other),
            // What a database can add later is added.
            None if dialect.inline_foreign_keys() => {
                !table.foreign_keys.iter().any(|other| same_key(dialect, key, other))
            }
            None => false,
        };
        if missing {
            let columns = key.columns.join(", ");
            found.push(format!("the foreign key of ({columns}) is missing or another one"));
        }
    }
    checks.extend(wanted.embeds.iter().map(|embed| embed.check.as_str()));
    checks.extend(wanted.checks.iter().map(|check| check.name.as_str()));
    for name in checks {
        if !table.checks.iter().any(|other| dialect.same_name(other, name)) {
            found.push(format!("the check `{name}` is missing"));
        }
    }
    found
}

fn same_key<D: Dialect + ?Sized>(dialect: &D, key: &ForeignKey, other: &ExistingForeignKey) -> bool {
    same_names(dialect, &other.columns, &key.columns)
        && dialect.same_name(&other.target, &key.table)
        && (other.target_columns.is_empty()
            || same_names(dialect, &other.target_columns, &key.target_columns))
        && (other.on_delete, other.on_update) == (key.on_delete, key.on_update)
}
