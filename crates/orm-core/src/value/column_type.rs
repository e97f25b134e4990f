//! Column types, in terms that every backend maps to its own.

use super::NativeType;

/// The type of a column, independent of the database.
///
/// ```
/// use orm::value::{ColumnType, Scalar};
/// assert_eq!(<i32 as Scalar>::TYPE, ColumnType::I32);
/// assert_eq!(<uuid::Uuid as Scalar>::TYPE, ColumnType::Uuid);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColumnType {
    /// `true` or `false`.
    Bool,
    /// Signed, 8 bits.
    I8,
    /// Signed, 16 bits.
    I16,
    /// Signed, 32 bits.
    I32,
    /// Signed, 64 bits.
    I64,
    /// Unsigned, 8 bits.
    U8,
    /// Unsigned, 16 bits.
    U16,
    /// Unsigned, 32 bits.
    U32,
    /// Unsigned, 64 bits, kept within the signed range where the database has no unsigned type.
    U64,
    /// IEEE 754, 32 bits.
    F32,
    /// IEEE 754, 64 bits.
    F64,
    /// Unicode text.
    Text,
    /// One Unicode scalar value.
    Char,
    /// Bytes.
    Bytes,
    /// A UUID.
    Uuid,
    /// An exact decimal number.
    Decimal,
    /// A calendar date.
    Date,
    /// A time of day.
    Time,
    /// A date and time without a zone.
    DateTime,
    /// An instant, kept in UTC.
    Timestamp,
    /// A JSON document.
    Json,
    /// A closed set of names or numbers.
    Enum(&'static EnumMeta),
    /// A list of values of a type, for databases that have such columns.
    Array(&'static ColumnType),
    /// A list of embedded structs: documents, or JSON.
    List(super::ElementMeta),
    /// A type that one database has and the others have not.
    Native(&'static NativeType),
}

impl ColumnType {
    /// Whether values are whole numbers.
    ///
    /// ```
    /// use orm::value::ColumnType;
    /// assert!(ColumnType::U16.is_integer() && !ColumnType::F32.is_integer());
    /// ```
    pub const fn is_integer(self) -> bool {
        use ColumnType::*;
        matches!(self, I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64)
    }

    /// Whether values are numbers of any kind.
    ///
    /// ```
    /// use orm::value::ColumnType;
    /// assert!(ColumnType::Decimal.is_number() && !ColumnType::Text.is_number());
    /// ```
    pub const fn is_number(self) -> bool {
        self.is_integer() || matches!(self, ColumnType::F32 | ColumnType::F64 | ColumnType::Decimal)
    }
}

/// An enum made by `#[derive(DbEnum)]`.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::value::{ColumnType, Scalar};
///
/// #[derive(Debug, Clone, Copy, DbEnum)]
/// pub enum State {
///     Draft,
///     #[orm(rename = "live")]
///     Published,
/// }
/// let ColumnType::Enum(meta) = <State as Scalar>::TYPE else { panic!() };
/// assert_eq!((meta.name, meta.variants[1].0, meta.integer), ("state", "live", false));
/// ```
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct EnumMeta {
    /// The name of the type, for databases with named enum types.
    pub name: &'static str,
    /// Whether the variants are stored as their numbers instead of their names.
    pub integer: bool,
    /// Whether a database that has enum types declares one for it. Others store the name as text.
    pub native: bool,
    /// Stored name and number of each variant.
    pub variants: &'static [(&'static str, i64)],
}
