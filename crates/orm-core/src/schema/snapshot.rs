//! A schema as owned data: what the models declare, by names and in logical types, so that it can be written to a file, compared
//! with another one and rendered for any database, without the models.

use serde::{Deserialize, Serialize};

use crate::meta::{Action, ColumnMeta, DefaultMeta, Deferral, ModelMeta};
use crate::schema::{Schema, column_check_name, foreign_key_name, optional_embeds};
use crate::value::{ColumnType, Datum, NativeKind, NativeType, Numeric};

/// A schema as the models declare it.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::schema::Snapshot;
/// let snapshot = Snapshot::of::<GuideSchema>();
/// assert_eq!(snapshot.table("users").unwrap().primary_key, ["id"]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The tables, parents before children where there is no cycle.
    pub tables: Vec<Table>,
}

/// A table of a [`Snapshot`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Table {
    /// The name that it had when it came into the schema: it stays the same through renames.
    pub id: String,
    /// The name in the database.
    pub name: String,
    /// The Rust name of its model.
    #[serde(skip)]
    pub model: String,
    /// The former name, as the model says it.
    #[serde(skip)]
    pub renamed_from: Option<String>,
    /// The columns, in the order of the fields.
    pub columns: Vec<Column>,
    /// The names of the key's columns.
    pub primary_key: Vec<String>,
    /// Foreign keys; those of two relations over the same columns are one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKey>,
    /// Indexes and unique constraints.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Index>,
    /// The checks that the model declares.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// The optional embedded structs of several columns, which are there as a whole or not at all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub embeds: Vec<Embed>,
    /// The comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A column of a [`Table`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Column {
    /// The name that it had when it came into the table: it stays the same through renames.
    pub id: String,
    /// The name in the database.
    pub name: String,
    /// The Rust path of its field.
    #[serde(skip)]
    pub field: String,
    /// The former name, as the field says it.
    #[serde(skip)]
    pub renamed_from: Option<String>,
    /// Its place in a document, if it is one of an embedded struct: `address.city`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The type.
    pub ty: Type,
    /// Whether it takes NULL.
    #[serde(skip_serializing_if = "is_false")]
    pub nullable: bool,
    /// Whether the database numbers the rows.
    #[serde(skip_serializing_if = "is_false")]
    pub auto: bool,
    /// The default that the database applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<DefaultValue>,
    /// The longest text in characters, or binary in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_len: Option<u32>,
    /// Total digits of a decimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<u32>,
    /// Digits of a decimal behind the point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<u32>,
    /// The expression of a column that the database computes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated: Option<String>,
    /// The name of the check that holds it to what its field can hold.
    pub check: String,
    /// The comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// The type of a [`Column`], the same for all databases.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[allow(missing_docs, reason = "they are those of `ColumnType`")]
pub enum Type {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
    Text,
    Char,
    Bytes,
    Uuid,
    Decimal,
    Date,
    Time,
    DateTime,
    Timestamp,
    Json,
    /// A closed set of names or numbers.
    Enum(EnumType),
    /// A list of values.
    Array(Box<Type>),
    /// A list of embedded structs: documents, or JSON.
    List(Vec<ListColumn>),
    /// A type that one database has and the others have not.
    Native(Native),
}

/// A field of the structs in a [`Type::List`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ListColumn {
    /// The name, or the path of names, in a document.
    pub name: String,
    /// The type.
    pub ty: Type,
    /// Whether it may be absent.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nullable: bool,
}

/// A closed set of names or numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EnumType {
    /// The name of the type, for databases with named enum types.
    pub name: String,
    /// Whether numbers are stored instead of names.
    #[serde(default, skip_serializing_if = "is_false")]
    pub integer: bool,
    /// Whether a database that has enum types declares one for it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub native: bool,
    /// The stored name and number of each variant.
    pub variants: Vec<(String, i64)>,
}

impl EnumType {
    /// Whether a database that has enum types declares one for it.
    pub fn is_declared(&self) -> bool {
        self.native && !self.integer
    }
}

/// A type of one database.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Native {
    /// The database, by the name of its backend: `postgresql`.
    pub database: String,
    /// The name in its catalogue.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a [`Native`] type comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It is part of the database.
    Builtin,
    /// It is there once this extension is.
    Extension(String),
    /// The program declares it: fields by name and type.
    Composite(Vec<(String, Type)>),
    /// The program declares it: another type and a condition on its `VALUE`.
    Domain {
        /// The type that is narrowed down.
        base: Box<Type>,
        /// The condition, as SQL.
        check: Option<String>,
    },
}

/// A default that the database applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultValue {
    /// A plain value.
    Value(Literal),
    /// An SQL expression, as written by the user.
    Sql(String),
}

/// A value of a [`DefaultValue`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "they are those of `Datum`")]
pub enum Literal {
    Null,
    Bool(bool),
    I64(i64),
    /// The shortest text that is read as the same number.
    F64(String),
    Text(String),
    Bytes(Vec<u8>),
    Uuid([u8; 16]),
    Decimal {
        /// As text: JSON has no numbers of this size.
        mantissa: String,
        scale: u32,
    },
    /// Days since 1970-01-01.
    Date(i32),
    /// Nanoseconds since midnight.
    Time(u64),
    DateTime {
        secs: i64,
        nanos: u32,
    },
    Timestamp {
        secs: i64,
        nanos: u32,
    },
    Json(String),
    /// A value that cannot be written into a schema: a list, or one of a type that only one database has.
    Unsupported,
}

/// An index or unique constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// The name in the database.
    pub name: String,
    /// The columns in order.
    pub columns: Vec<String>,
    /// Whether two rows may not agree in all columns.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unique: bool,
    /// Whether a unique constraint holds NULLs for equal.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nulls_not_distinct: bool,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// The name in the database.
    pub name: String,
    /// The columns of this table.
    pub columns: Vec<String>,
    /// The table referred to.
    pub table: String,
    /// The columns referred to.
    pub target_columns: Vec<String>,
    /// On delete of the parent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_delete: Action,
    /// On change of the parent's key.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_update: Action,
    /// When it is checked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deferral: Deferral,
}

/// A check that a model declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The name in the database.
    pub name: String,
    /// The SQL expression, as written by the user.
    pub expression: String,
}

/// An optional embedded struct of several columns: it is there with all that it requires, or all of it is NULL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embed {
    /// The name of the check that keeps it whole.
    pub check: String,
    /// All its columns, those of structs inside included.
    pub columns: Vec<String>,
    /// The columns that it cannot be without.
    pub required: Vec<String>,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for Column {
    fn default() -> Self {
        Column {
            id: String::new(),
            name: String::new(),
            field: String::new(),
            renamed_from: None,
            path: String::new(),
            ty: Type::Text,
            nullable: false,
            auto: false,
            default: None,
            max_len: None,
            precision: None,
            scale: None,
            generated: None,
            check: String::new(),
            comment: None,
        }
    }
}

impl Snapshot {
    /// The schema of a [`schema!`](crate::schema!).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::schema::Snapshot;
    /// assert_eq!(Snapshot::of::<GuideSchema>().tables.len(), 6);
    /// ```
    pub fn of<S: Schema>() -> Self {
        Snapshot::of_models(&S::models())
    }

    /// The schema of some models.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::schema::{Snapshot, Type};
    /// let snapshot = Snapshot::of_models(&[User::meta()]);
    /// assert_eq!(snapshot.tables[0].column("age").unwrap().ty, Type::I32);
    /// ```
    pub fn of_models(models: &[&'static ModelMeta]) -> Self {
        Snapshot { tables: models.iter().map(|model| Table::of(model)).collect() }
    }

    /// The table of a name.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::schema::Snapshot;
    /// assert!(Snapshot::of::<GuideSchema>().table("nothing").is_none());
    /// ```
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

impl Table {
    /// The table of a model.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::schema::Table;
    /// assert_eq!(Table::of(Post::meta()).foreign_keys[0].table, "users");
    /// ```
    pub fn of(model: &ModelMeta) -> Self {
        let names = |columns: &[u16]| names(model, columns);
        let mut foreign_keys: Vec<ForeignKey> = Vec::new();
        for key in &model.foreign_keys {
            let target = (key.target)();
            let key = ForeignKey {
                name: foreign_key_name(model, key),
                columns: names(key.columns),
                table: target.table.to_owned(),
                target_columns: self::names(target, key.referenced()),
                on_delete: key.on_delete,
                on_update: key.on_update,
                deferral: key.deferral,
            };
            if !foreign_keys.contains(&key) {
                foreign_keys.push(key);
            }
        }
        let indexes = model.indexes.iter().map(|index| Index {
            name: index.name.clone(),
            columns: names(&index.columns),
            unique: index.unique,
            nulls_not_distinct: index.nulls_not_distinct,
        });
        let check = |check: &crate::meta::CheckMeta| Check {
            name: check.name.to_owned(),
            expression: check.expression.to_owned(),
        };
        let embeds = optional_embeds(model).into_iter().filter(|embed| embed.columns.len() > 1);
        Table {
            id: model.table.to_owned(),
            name: model.table.to_owned(),
            model: model.name.to_owned(),
            renamed_from: model.renamed_from.map(str::to_owned),
            columns: (0..model.columns.len() as u16).map(|index| Column::of(model, index)).collect(),
            primary_key: names(model.primary_key),
            foreign_keys,
            indexes: indexes.collect(),
            checks: model.checks.iter().map(check).collect(),
            embeds: embeds
                .map(|embed| Embed {
                    columns: names(&embed.columns),
                    required: names(&embed.required),
                    check: embed.check,
                })
                .collect(),
            comment: model.comment.map(str::to_owned),
        }
    }

    /// The column of a name.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::schema::Table;
    /// assert_eq!(Table::of(User::meta()).column("email").unwrap().max_len, Some(320));
    /// ```
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether a column is the whole primary key.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::schema::Table;
    /// let table = Table::of(User::meta());
    /// assert!(table.is_key(&table.columns[0]) && !table.is_key(&table.columns[1]));
    /// ```
    pub fn is_key(&self, column: &Column) -> bool {
        matches!(self.primary_key.as_slice(), [only] if *only == column.name)
    }
}

fn names(model: &ModelMeta, columns: &[u16]) -> Vec<String> {
    columns.iter().map(|index| model.column(*index).name.clone()).collect()
}

impl Column {
    /// A column of a model.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::schema::Column;
    /// assert_eq!(Column::of(User::meta(), User::email.index()).check, "ck_users_email");
    /// ```
    pub fn of(model: &ModelMeta, index: u16) -> Self {
        let column: &ColumnMeta = model.column(index);
        Column {
            id: column.name.clone(),
            name: column.name.clone(),
            field: column.field.clone(),
            renamed_from: column.renamed_from.map(str::to_owned),
            path: column.path.clone(),
            ty: Type::of(column.ty()),
            nullable: column.nullable,
            auto: column.auto,
            default: column.default.as_ref().map(DefaultValue::of),
            max_len: column.max_len,
            precision: column.precision,
            scale: column.scale,
            generated: column.generated.map(str::to_owned),
            check: column_check_name(model, index),
            comment: column.comment.map(str::to_owned),
        }
    }
}

impl Type {
    /// The type of a column of a model.
    ///
    /// ```
    /// use orm::schema::Type;
    /// use orm::value::ColumnType;
    /// assert_eq!(Type::of(ColumnType::Array(&ColumnType::Text)), Type::Array(Box::new(Type::Text)));
    /// ```
    pub fn of(ty: ColumnType) -> Self {
        match ty {
            ColumnType::Bool => Type::Bool,
            ColumnType::I8 => Type::I8,
            ColumnType::I16 => Type::I16,
            ColumnType::I32 => Type::I32,
            ColumnType::I64 => Type::I64,
            ColumnType::U8 => Type::U8,
            ColumnType::U16 => Type::U16,
            ColumnType::U32 => Type::U32,
            ColumnType::U64 => Type::U64,
            ColumnType::F32 => Type::F32,
            ColumnType::F64 => Type::F64,
            ColumnType::Text => Type::Text,
            ColumnType::Char => Type::Char,
            ColumnType::Bytes => Type::Bytes,
            ColumnType::Uuid => Type::Uuid,
            ColumnType::Decimal => Type::Decimal,
            ColumnType::Date => Type::Date,
            ColumnType::Time => Type::Time,
            ColumnType::DateTime => Type::DateTime,
            ColumnType::Timestamp => Type::Timestamp,
            ColumnType::Json => Type::Json,
            ColumnType::Enum(meta) => Type::Enum(EnumType {
                name: meta.name.to_owned(),
                integer: meta.integer,
                native: meta.native,
                variants: meta.variants.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect(),
            }),
            ColumnType::Array(element) => Type::Array(Box::new(Type::of(*element))),
            ColumnType::List(element) => {
                let field = |column: &ColumnMeta| ListColumn {
                    name: if column.path.is_empty() { &column.name } else { &column.path }.clone(),
                    ty: Type::of(column.ty()),
                    nullable: column.nullable,
                };
                Type::List((element.0)().columns.iter().map(field).collect())
            }
            ColumnType::Native(native) => Type::Native(Native::of(native)),
        }
    }

    /// The type of plain values, without what another type is made of.
    ///
    /// ```
    /// use orm::schema::Type;
    /// use orm::value::ColumnType;
    /// assert_eq!(Type::I64.scalar(), Some(ColumnType::I64));
    /// assert_eq!(Type::Array(Box::new(Type::I64)).scalar(), None);
    /// ```
    pub fn scalar(&self) -> Option<ColumnType> {
        Some(match self {
            Type::Bool => ColumnType::Bool,
            Type::I8 => ColumnType::I8,
            Type::I16 => ColumnType::I16,
            Type::I32 => ColumnType::I32,
            Type::I64 => ColumnType::I64,
            Type::U8 => ColumnType::U8,
            Type::U16 => ColumnType::U16,
            Type::U32 => ColumnType::U32,
            Type::U64 => ColumnType::U64,
            Type::F32 => ColumnType::F32,
            Type::F64 => ColumnType::F64,
            Type::Text => ColumnType::Text,
            Type::Char => ColumnType::Char,
            Type::Bytes => ColumnType::Bytes,
            Type::Uuid => ColumnType::Uuid,
            Type::Decimal => ColumnType::Decimal,
            Type::Date => ColumnType::Date,
            Type::Time => ColumnType::Time,
            Type::DateTime => ColumnType::DateTime,
            Type::Timestamp => ColumnType::Timestamp,
            Type::Json => ColumnType::Json,
            Type::Enum(_) | Type::Array(_) | Type::List(_) | Type::Native(_) => return None,
        })
    }

    /// The type that values are stored as, below the domains that a program declares.
    ///
    /// ```
    /// use orm::schema::Type;
    /// assert_eq!(Type::Text.stored(), &Type::Text);
    /// ```
    pub fn stored(&self) -> &Type {
        match self {
            Type::Native(Native { origin: Origin::Domain { base, .. }, .. }) => base.stored(),
            ty => ty,
        }
    }
}

impl Native {
    fn of(native: &NativeType) -> Self {
        let origin = match &native.kind {
            NativeKind::Builtin | NativeKind::Exact => Origin::Builtin,
            NativeKind::Extension(name) => Origin::Extension((*name).to_owned()),
            NativeKind::Composite(fields) => Origin::Composite(
                fields.iter().map(|(name, ty)| ((*name).to_owned(), Type::of(*ty))).collect(),
            ),
            NativeKind::Domain { base, check } => {
                Origin::Domain { base: Box::new(Type::of(**base)), check: check.map(str::to_owned) }
            }
        };
        Native { database: native.database.to_owned(), name: native.name.to_owned(), origin }
    }
}

impl DefaultValue {
    fn of(default: &DefaultMeta) -> Self {
        match default {
            DefaultMeta::Sql(sql) => DefaultValue::Sql((*sql).to_owned()),
            DefaultMeta::Value(datum) => DefaultValue::Value(Literal::of(datum)),
        }
    }
}

impl Literal {
    /// A value of a program.
    ///
    /// ```
    /// use orm::schema::Literal;
    /// use orm::value::Datum;
    /// assert_eq!(Literal::of(&Datum::I64(3)), Literal::I64(3));
    /// ```
    pub fn of(datum: &Datum) -> Self {
        match datum {
            Datum::Null => Literal::Null,
            Datum::Bool(value) => Literal::Bool(*value),
            Datum::I64(value) => Literal::I64(*value),
            Datum::F64(value) => Literal::F64(format!("{value:?}")),
            Datum::Text(value) => Literal::Text(value.clone()),
            Datum::Bytes(value) => Literal::Bytes(value.clone()),
            Datum::Uuid(value) => Literal::Uuid(*value),
            Datum::Decimal(value) => {
                let Numeric { mantissa, scale } = *value;
                Literal::Decimal { mantissa: mantissa.to_string(), scale }
            }
            Datum::Date(value) => Literal::Date(value.days),
            Datum::Time(value) => Literal::Time(value.nanos),
            Datum::DateTime(value) => Literal::DateTime { secs: value.secs, nanos: value.nanos },
            Datum::Timestamp(value) => Literal::Timestamp { secs: value.secs, nanos: value.nanos },
            Datum::Json(value) => Literal::Json(value.clone()),
            _ => Literal::Unsupported,
        }
    }

    /// The value as it is bound or written, or nothing if it has no such form.
    ///
    /// ```
    /// use orm::schema::Literal;
    /// use orm::value::Datum;
    /// assert_eq!(Literal::F64("0.1".into()).datum(), Some(Datum::F64(0.1)));
    /// ```
    pub fn datum(&self) -> Option<Datum> {
        use crate::value::{Date, DateTime, Time};
        Some(match self {
            Literal::Null => Datum::Null,
            Literal::Bool(value) => Datum::Bool(*value),
            Literal::I64(value) => Datum::I64(*value),
            Literal::F64(value) => Datum::F64(value.parse().ok()?),
            Literal::Text(value) => Datum::Text(value.clone()),
            Literal::Bytes(value) => Datum::Bytes(value.clone()),
            Literal::Uuid(value) => Datum::Uuid(*value),
            Literal::Decimal { mantissa, scale } => {
                Datum::Decimal(Numeric { mantissa: mantissa.parse().ok()?, scale: *scale })
            }
            Literal::Date(days) => Datum::Date(Date { days: *days }),
            Literal::Time(nanos) => Datum::Time(Time { nanos: *nanos }),
            Literal::DateTime { secs, nanos } => Datum::DateTime(DateTime { secs: *secs, nanos: *nanos }),
            Literal::Timestamp { secs, nanos } => Datum::Timestamp(DateTime { secs: *secs, nanos: *nanos }),
            Literal::Json(value) => Datum::Json(value.clone()),
            Literal::Unsupported => return None,
        })
    }
}
