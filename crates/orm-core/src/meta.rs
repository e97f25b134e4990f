//! What the derive says of a model: tables, columns, keys, relations, indexes.
//!
//! Public, so that programs can reflect on their own schema; built once per model at first use and
//! shared by address from then on.

use crate::value::{Datum, DbType};
use crate::write::NewRow;

/// The address of a model's metadata, for relations between models.
pub type ModelFn = fn() -> &'static ModelMeta;

/// A model as the derive saw it.
#[derive(Debug, Default)]
pub struct ModelMeta {
    /// The Rust name of the struct.
    pub name: &'static str,
    /// The name of the table or collection.
    pub table: &'static str,
    /// The columns in the order of the fields, embedded structs flattened.
    pub columns: Vec<ColumnMeta>,
    /// The columns of the primary key.
    pub primary_key: &'static [u16],
    /// The relations in the order of the fields.
    pub relations: Vec<RelationMeta>,
    /// The foreign keys.
    pub foreign_keys: Vec<ForeignKeyMeta>,
    /// Indexes and unique constraints, those of single fields included.
    pub indexes: Vec<IndexMeta>,
    /// Check constraints.
    pub checks: Vec<CheckMeta>,
    /// The comment on the table.
    pub comment: Option<&'static str>,
    /// The former name of the table, for migrations.
    pub was: Option<&'static str>,
    /// The column of the optimistic lock.
    pub version: Option<u16>,
}

/// A column of a model.
#[derive(Debug, Default)]
pub struct ColumnMeta {
    /// The Rust path of the field: `name`, or `address.city` for an embedded one.
    pub field: String,
    /// The name in the database.
    pub name: String,
    /// The column type.
    pub ty: Option<DbType>,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// Whether the database numbers the rows.
    pub auto: bool,
    /// The default that the database applies.
    pub default: Option<DefaultMeta>,
    /// Whether the program makes the value when none is given.
    pub client_default: bool,
    /// The longest text in characters, or binary in bytes.
    pub max_len: Option<u32>,
    /// Total digits of a decimal.
    pub precision: Option<u32>,
    /// Digits of a decimal behind the point.
    pub scale: Option<u32>,
    /// The expression of a column that the database computes.
    pub generated: Option<&'static str>,
    /// Whether this is the optimistic lock.
    pub version: bool,
    /// Whether this is set to the current time on insert.
    pub created_at: bool,
    /// Whether this is set to the current time on insert and update.
    pub updated_at: bool,
    /// The former name of the column, for migrations.
    pub was: Option<&'static str>,
    /// The comment on the column.
    pub comment: Option<&'static str>,
}

impl ColumnMeta {
    /// The column type.
    pub fn ty(&self) -> DbType {
        self.ty.unwrap_or(DbType::Text)
    }
}

/// A default that the database applies.
#[derive(Debug, Clone)]
pub enum DefaultMeta {
    /// A plain value.
    Value(Datum),
    /// An SQL expression, as written by the user.
    Sql(&'static str),
}

/// What happens to a child when its parent is deleted or its key changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Action {
    /// Refused at the end of the statement or transaction.
    #[default]
    NoAction,
    /// Refused at once.
    Restrict,
    /// The child goes (or changes) too.
    Cascade,
    /// The child's key becomes NULL.
    SetNull,
    /// The child's key becomes its default.
    SetDefault,
}

/// When a foreign key is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Deferral {
    /// With each statement, always.
    #[default]
    Never,
    /// With each statement, unless the transaction defers it.
    Immediate,
    /// At the end of the transaction, unless the transaction asks for it earlier.
    Deferred,
}

/// A foreign key.
#[derive(Debug)]
pub struct ForeignKeyMeta {
    /// The columns of this model.
    pub columns: &'static [u16],
    /// The model referred to.
    pub target: ModelFn,
    /// The columns referred to; empty means the primary key.
    pub target_columns: &'static [u16],
    /// On delete of the parent.
    pub on_delete: Action,
    /// On change of the parent's key.
    pub on_update: Action,
    /// Whether it may be checked at the end of the transaction only.
    pub deferral: Deferral,
}

impl ForeignKeyMeta {
    /// The columns referred to, the primary key where none are named.
    pub fn referenced(&self) -> &[u16] {
        if self.target_columns.is_empty() { (self.target)().primary_key } else { self.target_columns }
    }
}

/// An index or unique constraint.
#[derive(Debug, Clone)]
pub struct IndexMeta {
    /// The name in the database.
    pub name: String,
    /// The columns in order.
    pub columns: Vec<u16>,
    /// Whether two rows may not agree in all columns.
    pub unique: bool,
    /// Whether a unique constraint holds NULLs for equal; databases that cannot refuse the model.
    pub nulls_not_distinct: bool,
}

/// A check constraint.
#[derive(Debug, Clone)]
pub struct CheckMeta {
    /// The name in the database.
    pub name: &'static str,
    /// The SQL expression, as written by the user.
    pub expression: &'static str,
}

/// How many rows a relation leads to and which side keeps the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RelationKind {
    /// This model keeps the key; at most one row on the other side.
    BelongsTo,
    /// The other side keeps the key and has at most one row.
    HasOne,
    /// The other side keeps the key.
    HasMany,
    /// A model between keeps both keys.
    ManyToMany,
    /// This model keeps a type name and a key; the target is one of several models.
    MorphTo,
}

/// A relation of a model.
#[derive(Debug)]
pub struct RelationMeta {
    /// The Rust name of the field.
    pub name: &'static str,
    /// The kind.
    pub kind: RelationKind,
    /// The other model. For [`RelationKind::MorphTo`] the model itself.
    pub target: ModelFn,
    /// The columns of this model that take part.
    pub local: &'static [u16],
    /// The columns of the target (or, for many-to-many, the target's key) that they equal.
    pub remote: &'static [u16],
    /// The model between, for many-to-many.
    pub through: Option<ThroughMeta>,
    /// A type column on the target that must have this value: the inverse of a polymorphic relation.
    pub morph: Option<MorphMeta>,
}

/// The model between the two sides of a many-to-many relation.
#[derive(Debug)]
pub struct ThroughMeta {
    /// The model.
    pub model: ModelFn,
    /// A new row of it, with what the program makes (`default_fn`) filled in.
    pub new_row: fn() -> NewRow,
    /// Its columns that equal [`RelationMeta::local`].
    pub near: &'static [u16],
    /// Its columns that equal [`RelationMeta::remote`].
    pub far: &'static [u16],
}

/// The type column of a polymorphic relation.
#[derive(Debug)]
pub struct MorphMeta {
    /// The column that names the type (of the target for an inverse, of this model for `MorphTo`).
    pub column: u16,
    /// The name stored there; empty for `MorphTo`, where it differs by row.
    pub tag: &'static str,
}

impl ModelMeta {
    /// The column of a Rust field path.
    ///
    /// ```
    /// # use orm_core::meta::{ModelMeta, ColumnMeta};
    /// let meta = ModelMeta { columns: vec![ColumnMeta { field: "id".into(), ..Default::default() }], ..Default::default() };
    /// assert_eq!(meta.column_of_field("id"), Some(0));
    /// assert_eq!(meta.column_of_field("nope"), None);
    /// ```
    pub fn column_of_field(&self, field: &str) -> Option<u16> {
        self.columns.iter().position(|column| column.field == field).map(|index| index as u16)
    }

    /// The column of a database name.
    pub fn column_of_name(&self, name: &str) -> Option<u16> {
        self.columns.iter().position(|column| column.name == name).map(|index| index as u16)
    }

    /// The relation of a Rust field.
    pub fn relation(&self, name: &str) -> Option<&RelationMeta> {
        self.relations.iter().find(|relation| relation.name == name)
    }

    /// The column at an index that the derive made.
    pub fn column(&self, index: u16) -> &ColumnMeta {
        &self.columns[index as usize]
    }
}
