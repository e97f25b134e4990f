//! Which conversions have one meaning on every database.

use crate::value::{ColumnType, EnumMeta};

/// Types that are converted alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CastKind {
    /// True and false.
    Bool,
    /// Integers, and enums stored as integers.
    Integer,
    /// Floating-point numbers.
    Float,
    /// Exact decimals.
    Decimal,
    /// Texts, characters, and enums stored by name.
    Text,
    /// UUIDs.
    Uuid,
    /// Dates.
    Date,
    /// Times of day.
    Time,
    /// Dates with a time of day, and instants in UTC.
    DateTime,
    /// Types of one database, which converts them as it likes.
    Native,
    /// Bytes, documents, arrays, lists.
    Other,
}

impl CastKind {
    /// The kind of a type.
    pub fn of(ty: ColumnType) -> Self {
        match ty {
            ColumnType::Bool => CastKind::Bool,
            ColumnType::F32 | ColumnType::F64 => CastKind::Float,
            ColumnType::Decimal => CastKind::Decimal,
            ColumnType::Text | ColumnType::Char | ColumnType::Enum(EnumMeta { integer: false, .. }) => {
                CastKind::Text
            }
            ColumnType::Uuid => CastKind::Uuid,
            ColumnType::Date => CastKind::Date,
            ColumnType::Time => CastKind::Time,
            ColumnType::DateTime | ColumnType::Timestamp => CastKind::DateTime,
            ColumnType::Native(_) => CastKind::Native,
            ColumnType::Bytes | ColumnType::Json | ColumnType::Array(_) | ColumnType::List(_) => {
                CastKind::Other
            }
            _ => CastKind::Integer,
        }
    }
}

/// Whether a conversion has one meaning on every database that has it. Numbers become integers by cutting the fraction off; texts
/// that are no value of the type are an error; dates and times are in UTC, as `2024-01-31 23:59:59.5`.
///
/// ```
/// use orm::value::ColumnType;
/// use orm_core::ir::castable;
/// assert!(castable(ColumnType::Timestamp, ColumnType::Date));
/// // A text of a time may be in any form and zone: read it in the program.
/// assert!(!castable(ColumnType::Text, ColumnType::Timestamp));
/// ```
pub fn castable(from: ColumnType, to: ColumnType) -> bool {
    use CastKind::{Bool, Date, DateTime, Decimal, Float, Integer, Native, Text, Time, Uuid};
    let (from_kind, to_kind) = (CastKind::of(from), CastKind::of(to));
    from == to
        || matches!(
            (from_kind, to_kind),
            (Native, _)
                | (_, Native)
                | (Bool | Integer | Float | Decimal | Text, Bool | Integer | Float | Decimal | Text)
                | (Text, Uuid)
                | (Uuid | Date | Time | DateTime, Text)
                | (Date, DateTime)
                | (DateTime, Date | Time | DateTime)
        )
}
