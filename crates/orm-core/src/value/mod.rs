//! Values: what a field may hold, and the one codec of each type.
//!
//! A Rust type that can stand in a column implements [`Scalar`]: its [`DbType`], how it is encoded
//! into a [`Datum`] and how it is read from a driver's [`Cell`]. [`Value`] is then a scalar or an
//! `Option` of one, so "nullable" is a fact of the type and never of its spelling. Every path of the
//! library (insert, filter, IN list, relation key, projection, cursor) goes through this one codec.

mod array;
mod cell;
mod datum;
mod db_type;
mod native;
mod scalars;
mod temporal;

#[cfg(feature = "chrono")]
mod chrono;
#[cfg(feature = "decimal")]
mod decimal;
#[cfg(feature = "jiff")]
mod jiff;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "time")]
mod time;
#[cfg(feature = "ulid")]
mod ulid;
#[cfg(feature = "uuid")]
mod uuid;

pub use array::Array;
pub use cell::{Cell, CellError, CellResult};
pub use datum::{Datum, Numeric};
pub use db_type::{DbType, EnumMeta};
#[cfg(feature = "json")]
pub use json::Json;
pub use native::{CompositeField, FromFields, NativeKind, NativeType};
pub use temporal::{Date, DateTime, Time};

/// A type that a column can hold, NULL excluded.
///
/// Derive it for enums with `#[derive(DbEnum)]` and for newtypes with `#[derive(DbType)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a column can hold",
    label = "no column type for `{Self}`",
    note = "derive `DbEnum` (enum) or `DbType` (newtype) for it, store it with `#[orm(json)]`, or flatten it with `#[orm(embed)]`"
)]
pub trait Scalar: Sized + Send + Sync + 'static {
    /// The column type.
    const TYPE: DbType;

    /// The value as it is bound to a statement. A value that cannot be stored unchanged becomes
    /// [`Datum::Invalid`], which is reported when the statement runs.
    fn encode(self) -> Datum;

    /// Reads the value from a cell that is not NULL.
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self>;
}

/// A scalar or an `Option` of one: the type of a column or of an expression.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a column can hold",
    label = "no column type for `{Self}`",
    note = "derive `DbEnum` (enum) or `DbType` (newtype) for it, store it with `#[orm(json)]`, or flatten it with `#[orm(embed)]`"
)]
pub trait Value: Sized + Send + Sync + 'static {
    /// The type without its `Option`.
    type Base: Scalar;
    /// `X`, nullable if this type is.
    type Lift<X: Value>: Value<Base = X::Base>;
    /// The same type with exactly one `Option`.
    type Nullable: Value<Base = Self::Base>;
    /// Whether NULL is one of the values.
    const NULLABLE: bool;
    /// The column type.
    const TYPE: DbType = <Self::Base as Scalar>::TYPE;

    /// The value as it is bound to a statement.
    fn encode(self) -> Datum;
    /// Reads the value from a cell.
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self>;
}

impl<T: Scalar> Value for T {
    type Base = T;
    type Lift<X: Value> = X;
    type Nullable = Option<T>;
    const NULLABLE: bool = false;

    #[inline]
    fn encode(self) -> Datum {
        Scalar::encode(self)
    }

    #[inline]
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        <T as Scalar>::decode(cell)
    }
}

impl<T: Scalar> Value for Option<T> {
    type Base = T;
    type Lift<X: Value> = X::Nullable;
    type Nullable = Option<T>;
    const NULLABLE: bool = true;

    #[inline]
    fn encode(self) -> Datum {
        match self {
            Some(value) => Scalar::encode(value),
            None => Datum::Null,
        }
    }

    #[inline]
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        if cell.is_null() { Ok(None) } else { <T as Scalar>::decode(cell).map(Some) }
    }
}

/// A number: it can be added, multiplied and summed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a number",
    label = "arithmetic, `sum` and `avg` need a numeric column"
)]
pub trait Number: Scalar {
    /// What `sum` of this type gives (NULL, hence `None`, over no rows).
    type Sum: Scalar;
    /// What `avg` of this type gives.
    type Avg: Scalar;
}

/// A type that is stored as a JSON document.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a JSON document",
    label = "expected `Json<…>` or `serde_json::Value`"
)]
pub trait JsonDocument: Scalar {}

/// A text-like type: it can be searched and concatenated.
#[diagnostic::on_unimplemented(message = "`{Self}` is not text", label = "text functions need a text column")]
pub trait Textual: Scalar {}
