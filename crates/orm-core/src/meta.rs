//! What the derive says of a model: tables, columns, keys, relations, indexes.
//!
//! Public, so that programs can reflect on their own schema; built once per model at first use and
//! shared by address from then on.

use crate::value::{ColumnType, Datum};
use crate::write::NewRow;

/// The address of a model's metadata, for relations between models.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::meta::ModelFn;
/// let model: ModelFn = User::meta;
/// assert_eq!(model().name, "User");
/// ```
pub type ModelFn = fn() -> &'static ModelMeta;

/// A model as the derive saw it.
///
/// ```
/// # use orm_guide::prelude::*;
/// let meta = Post::meta();
/// assert_eq!((meta.name, meta.table), ("Post", "posts"));
/// assert_eq!(meta.column(meta.version.unwrap()).name, "lock");
/// ```
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
    pub renamed_from: Option<&'static str>,
    /// The column of the optimistic lock.
    pub version: Option<u16>,
}

/// A column of a model.
///
/// ```
/// # use orm_guide::prelude::*;
/// let email = User::meta().column(User::email.index());
/// assert_eq!((email.name.as_str(), email.max_len, email.nullable), ("email", Some(320), false));
/// ```
#[derive(Debug, Default)]
pub struct ColumnMeta {
    /// The Rust path of the field: `name`, or `address.city` for an embedded one.
    pub field: String,
    /// The name in the database.
    pub name: String,
    /// The place in a document of a column of an embedded struct, for databases that nest: `address.city`. Empty for others.
    pub path: String,
    /// The column type.
    pub ty: Option<ColumnType>,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// The optional embedded struct that cannot be there without this column: the path of its field.
    pub required_in: Option<String>,
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
    pub renamed_from: Option<&'static str>,
    /// The comment on the column.
    pub comment: Option<&'static str>,
}

/// The type of a column.
///
/// ```
/// # use orm_guide::prelude::*;
/// assert!(User::meta().column(User::id.index()).ty().is_integer());
/// ```
impl ColumnMeta {
    /// The column type.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::value::ColumnType;
    /// assert_eq!(User::meta().column(User::age.index()).ty(), ColumnType::I32);
    /// ```
    pub fn ty(&self) -> ColumnType {
        self.ty.unwrap_or(ColumnType::Text)
    }
}

/// A default that the database applies.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::meta::DefaultMeta;
/// use orm::value::Datum;
/// let active = User::meta().column(User::active.index());
/// assert!(matches!(&active.default, Some(DefaultMeta::Value(Datum::Bool(true)))));
/// ```
#[derive(Debug, Clone)]
pub enum DefaultMeta {
    /// A plain value.
    Value(Datum),
    /// An SQL expression, as written by the user.
    Sql(&'static str),
}

/// What happens to a child when its parent is deleted or its key changes.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::meta::Action;
/// assert_eq!(Post::meta().foreign_keys[0].on_delete, Action::Cascade);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
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
///
/// ```
/// use orm_core::meta::{Deferral, ForeignKeyMeta};
/// fn at_once(key: &ForeignKeyMeta) -> bool {
///     key.deferral == Deferral::default()
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
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
///
/// ```
/// # use orm_guide::prelude::*;
/// let key = &Post::meta().foreign_keys[0];
/// assert_eq!((key.columns, (key.target)().name), (&[Post::author_id.index()][..], "User"));
/// ```
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

/// What a foreign key refers to.
///
/// ```
/// # use orm_guide::prelude::*;
/// assert_eq!(PostTag::meta().foreign_keys[1].referenced(), [Tag::id.index()]);
/// ```
impl ForeignKeyMeta {
    /// The columns referred to, the primary key where none are named.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// assert_eq!(Post::meta().foreign_keys[0].referenced(), [User::id.index()]);
    /// ```
    pub fn referenced(&self) -> &[u16] {
        if self.target_columns.is_empty() { (self.target)().primary_key } else { self.target_columns }
    }
}

/// An index or unique constraint.
///
/// ```
/// # use orm_guide::prelude::*;
/// let index = &User::meta().indexes[0];
/// assert!(index.unique);
/// assert_eq!(index.columns, [User::email.index()]);
/// ```
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
///
/// ```
/// # use orm_guide::prelude::*;
/// #[derive(Debug, Clone, Model)]
/// #[orm(check("length_is_sane", "words >= 0"))]
/// pub struct Article {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     pub words: i32,
/// }
/// let check = &Article::meta().checks[0];
/// assert_eq!((check.name, check.expression), ("length_is_sane", "words >= 0"));
/// ```
#[derive(Debug, Clone)]
pub struct CheckMeta {
    /// The name in the database.
    pub name: &'static str,
    /// The SQL expression, as written by the user.
    pub expression: &'static str,
}

/// How many rows a relation leads to and which side keeps the key.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::meta::RelationKind;
/// assert_eq!(User::posts.meta().kind, RelationKind::HasMany);
/// assert_eq!(Post::tags.meta().kind, RelationKind::ManyToMany);
/// ```
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
///
/// ```
/// # use orm_guide::prelude::*;
/// let author = Post::meta().relation("author").unwrap();
/// assert_eq!((author.local, author.remote), (&[Post::author_id.index()][..], &[User::id.index()][..]));
/// ```
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
    /// The columns of the target that they are compared with.
    pub remote: &'static [u16],
    /// How the rows of both sides are linked.
    pub link: LinkMeta,
    /// A type column on the target that must have this value: the inverse of a polymorphic relation.
    pub morph: Option<MorphMeta>,
}

impl RelationMeta {
    /// The join model, if there is one.
    pub fn through(&self) -> Option<&ThroughMeta> {
        match &self.link {
            LinkMeta::Join(through) => Some(through),
            _ => None,
        }
    }
}

/// How the rows of the two sides of a relation are linked.
#[derive(Debug)]
pub enum LinkMeta {
    /// The local columns equal the remote ones.
    Columns,
    /// The rows of a join model point to both sides.
    Join(ThroughMeta),
    /// The local column is an array of keys of the other side.
    KeysHere,
    /// The remote column is an array of keys of this side.
    KeysThere,
}

/// The join model between the two sides of a many-to-many relation.
///
/// ```
/// # use orm_guide::prelude::*;
/// let through = Post::tags.meta().through().unwrap();
/// assert_eq!(((through.model)().name, through.near, through.far), ("PostTag", &[0][..], &[1][..]));
/// ```
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
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::meta::MorphMeta;
/// /// Whether rows of this relation are told by their kind.
/// fn tag(morph: Option<&MorphMeta>) -> &str {
///     morph.map_or("", |morph| morph.tag)
/// }
/// assert_eq!(tag(User::posts.meta().morph.as_ref()), "");
/// ```
#[derive(Debug)]
pub struct MorphMeta {
    /// The column that names the type (of the target for an inverse, of this model for `MorphTo`).
    pub column: u16,
    /// The name stored there; empty for `MorphTo`, where it differs by row.
    pub tag: &'static str,
}

/// Looking up columns and relations.
///
/// ```
/// # use orm_guide::prelude::*;
/// let meta = Post::meta();
/// assert_eq!(meta.column_of_field("title"), meta.column_of_name("title"));
/// assert!(meta.relation("comments").is_some());
/// ```
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
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// assert_eq!(User::meta().column_of_name("email"), Some(User::email.index()));
    /// assert_eq!(User::meta().column_of_name("nope"), None);
    /// ```
    pub fn column_of_name(&self, name: &str) -> Option<u16> {
        self.columns.iter().position(|column| column.name == name).map(|index| index as u16)
    }

    /// The relation of a Rust field.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::meta::RelationKind;
    /// assert_eq!(User::meta().relation("profile").map(|relation| relation.kind), Some(RelationKind::HasOne));
    /// ```
    pub fn relation(&self, name: &str) -> Option<&RelationMeta> {
        self.relations.iter().find(|relation| relation.name == name)
    }

    /// The column at an index that the derive made.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// assert_eq!(User::meta().column(User::name.index()).field, "name");
    /// ```
    pub fn column(&self, index: u16) -> &ColumnMeta {
        &self.columns[index as usize]
    }
}
