//! Values: what a field may hold, and the one codec of each type.
//!
//! A Rust type that can stand in a column implements [`Scalar`]: its [`ColumnType`], how it is encoded
//! into a [`Datum`] and how it is read from a driver's [`Cell`]. [`Value`] is then a scalar or an
//! `Option` of one, so "nullable" is a fact of the type and never of its spelling. Every path of the
//! library (insert, filter, IN list, relation key, projection, cursor) goes through this one codec.

mod array;
mod cell;
mod column_type;
mod datum;
mod element;
#[cfg(feature = "json")]
mod list;
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

#[cfg(test)]
mod tests;

use crate::backend::{Row, field};
use crate::error::Result;
use crate::meta::ModelMeta;

pub use array::Array;
pub use cell::{Cell, CellError, CellResult, ReadElement};
pub use column_type::{ColumnType, EnumMeta};
pub use datum::{Datum, Numeric};
pub use element::{ElementMeta, ListDatum, array_to_json};
#[cfg(feature = "json")]
pub use json::Json;
#[cfg(feature = "json")]
pub use list::List;
pub use native::{CompositeField, FromFields, NativeKind, NativeType};
pub use temporal::{Date, DateTime, Time};

/// A type that a column can hold, NULL excluded.
///
/// Derive it for enums with `#[derive(DbEnum)]` and for newtypes with `#[derive(DbType)]`.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::value::Scalar;
/// #[derive(Debug, Clone, Copy, PartialEq, DbType)]
/// pub struct Isbn(i64);
///
/// fn column_type<T: Scalar>(_: &T) -> orm::value::ColumnType {
///     T::TYPE
/// }
/// let isbn = sql::<Isbn>("SELECT 9780000000002").one(&db).await?;
/// assert_eq!(column_type(&isbn), orm::value::ColumnType::I64);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a column can hold",
    label = "no column type for `{Self}`",
    note = "derive `DbEnum` (enum) or `DbType` (newtype) for it, store it with `#[orm(json)]`, or flatten it with `#[orm(embed)]`"
)]
pub trait Scalar: Sized + Send + Sync + 'static {
    /// The column type.
    ///
    /// ```
    /// use orm::value::{ColumnType, Scalar};
    /// assert_eq!(<String as Scalar>::TYPE, ColumnType::Text);
    /// ```
    const TYPE: ColumnType;

    /// The value as it is bound to a statement. A value that cannot be stored unchanged becomes
    /// [`Datum::Invalid`], which is reported when the statement runs.
    ///
    /// ```
    /// use orm::value::{Datum, Scalar};
    /// assert_eq!(Scalar::encode('x'), Datum::Text("x".to_owned()));
    /// assert!(matches!(Scalar::encode(u64::MAX), Datum::Invalid(_)));
    /// ```
    fn encode(self) -> Datum;

    /// Reads the value from a cell that is not NULL.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult, Scalar};
    /// /// A newtype is read as what it wraps.
    /// struct Isbn(i64);
    /// fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Isbn> {
    ///     <i64 as Scalar>::decode(cell).map(Isbn)
    /// }
    /// # let _ = |isbn: Isbn| isbn.0;
    /// ```
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self>;
}

/// A scalar or an `Option` of one: the type of a column or of an expression.
///
/// ```
/// use orm::value::Value;
/// fn nullable<T: Value>() -> bool {
///     T::NULLABLE
/// }
/// assert_eq!((nullable::<i32>(), nullable::<Option<i32>>()), (false, true));
/// ```
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
    ///
    /// ```
    /// use orm::value::Value;
    /// const { assert!(<Option<String> as Value>::NULLABLE) };
    /// ```
    const NULLABLE: bool;
    /// The column type.
    ///
    /// ```
    /// use orm::value::{ColumnType, Value};
    /// assert_eq!(<Option<i32> as Value>::TYPE, ColumnType::I32);
    /// ```
    const TYPE: ColumnType = <Self::Base as Scalar>::TYPE;

    /// The value as it is bound to a statement.
    ///
    /// ```
    /// use orm::value::{Datum, Value};
    /// assert_eq!(Value::encode(Some(7_i64)), Datum::I64(7));
    /// ```
    fn encode(self) -> Datum;
    /// Reads the value from a cell.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult, Value};
    /// fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Option<i64>> {
    ///     <Option<i64> as Value>::decode(cell)
    /// }
    /// ```
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self>;

    /// Reads the field of a model, called by the derive: an error names the field.
    #[doc(hidden)]
    #[inline]
    fn field<R: Row>(row: &R, at: usize, index: u16, meta: fn() -> &'static ModelMeta) -> Result<Self> {
        field(row, at, index, meta)
    }
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
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::value::Number;
/// async fn total<T: Number>(column: Column<Post, T>, db: &Sqlite) -> Result<Option<T::Sum>> {
///     Post::query().select(column.sum()).one(db).await
/// }
/// assert_eq!(total(Post::score, &db).await?, Some(9_i64));
/// # Ok(()) }
/// ```
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

/// A number whose remainder is exact on every database: integers and decimals. For floating-point numbers some of them lose
/// digits.
#[diagnostic::on_unimplemented(
    message = "`%` is not offered for `{Self}`",
    label = "the remainder of a floating-point number differs between databases",
    note = "cast to a decimal or an integer first"
)]
pub trait Exact: Number {}

/// A type that is stored as a JSON document.
///
/// ```
/// use orm::value::{Json, JsonDocument};
/// fn document<T: JsonDocument>() {}
/// document::<serde_json::Value>();
/// document::<Json<Vec<String>>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a JSON document",
    label = "expected `Json<…>` or `serde_json::Value`"
)]
pub trait JsonDocument: Scalar {}

/// A text-like type: it can be searched and concatenated.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::value::Textual;
/// fn shout<T: Textual>(column: Column<User, T>) -> Expr<T, User> {
///     column.upper()
/// }
/// let _ = shout(User::name);
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is not text", label = "text functions need a text column")]
pub trait Textual: Scalar {}
