//! The types that only PostgreSQL has, as Rust types that a field can have.
//!
//! Each is a value in Rust and its binary format, put together by [`PgValue`]; [`pg_value!`](crate::pg_value) makes a column type
//! of it. One file holds one family. A model with such a field is refused by every other database when its table is created, with
//! an error of kind [`Unsupported`](orm_core::ErrorKind::Unsupported).
//!
//! The type's name stands beside each parameter in the statement's text (`$1::inet`) and is compared with what the server says of a
//! result, so nothing here knows the numbers that the server gives to types of extensions.
//!
//! # A type of your own
//!
//! These ten lines make the `lseg` of the server a column type. The last one is all that the library needs to know:
//!
//! ```
//! use orm_postgres::types::{BoxError, BytesMut, NativeType, PgValue, builtin};
//! #[derive(Debug, Clone, PartialEq)]
//! pub struct Segment([f64; 4]);
//! impl PgValue for Segment {
//!     const TYPE: NativeType = builtin("lseg");
//!     fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
//!         Ok(self.0.iter().for_each(|part| out.extend_from_slice(&part.to_be_bytes())))
//!     }
//!     fn read(bytes: &[u8]) -> Result<Self, BoxError> {
//!         let part = |at: usize| -> Result<f64, BoxError> { Ok(f64::from_be_bytes(bytes.get(at..at + 8).ok_or("cut off")?.try_into()?)) };
//!         Ok(Segment([part(0)?, part(8)?, part(16)?, part(24)?]))
//!     }
//! }
//! orm_postgres::pg_value!(Segment);
//! # let mut out = BytesMut::new();
//! # Segment([1.0, 2.0, 3.0, 4.0]).write(&mut out).unwrap();
//! # assert_eq!(Segment::read(&out).unwrap(), Segment([1.0, 2.0, 3.0, 4.0]));
//! ```
//!
//! A type that knows `tokio-postgres` already takes one: [`pg_wrapper!`](crate::pg_wrapper).

mod bits;
mod geometry;
mod hstore;
mod infinity;
mod interval;
mod network;
mod numeric;
mod range;
mod search;
mod system;
mod text;
mod timetz;

pub use bits::BitString;
pub use geometry::Point;
pub use hstore::Hstore;
pub use infinity::OrInfinity;
pub use interval::Interval;
pub use network::{Cidr, Inet, MacAddr, MacAddr8};
pub use numeric::Numeric;
pub use range::{Multirange, Range, RangeLike};
pub use search::{Lexeme, TsQuery, TsVector, Weight};
pub use system::{Oid, PgLsn};
pub use text::{Citext, Ltree, Xml};
pub use timetz::TimeTz;

#[doc(hidden)]
pub use bytes;
pub use bytes::BytesMut;
pub use orm_core::value::NativeType;
pub use tokio_postgres::types as postgres_types;

use orm_core::value::{Cell, CellError, CellResult, Datum};
use orm_core::{Error, ErrorKind};

/// Why a value cannot be written or read.
///
/// ```
/// use orm_postgres::types::BoxError;
/// fn two_bytes(bytes: &[u8]) -> Result<[u8; 2], BoxError> {
///     Ok(bytes.try_into()?)
/// }
/// assert!(two_bytes(&[1, 2]).is_ok() && two_bytes(&[1]).is_err());
/// ```
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A value and its form in the binary format of PostgreSQL. With [`pg_value!`](crate::pg_value) it becomes a column type.
///
/// ```
/// use orm_postgres::types::{BoxError, BytesMut, NativeType, PgValue, extension};
///
/// #[derive(Debug, Clone, Copy, PartialEq)]
/// struct Isbn(u64);
///
/// impl PgValue for Isbn {
///     const TYPE: NativeType = extension("isbn13", "isn");
///     fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
///         Ok(out.extend_from_slice(&self.0.to_be_bytes()))
///     }
///     fn read(bytes: &[u8]) -> Result<Self, BoxError> {
///         Ok(Isbn(u64::from_be_bytes(bytes.try_into()?)))
///     }
/// }
/// orm_postgres::pg_value!(Isbn);
/// ```
pub trait PgValue: Sized + Send + Sync + 'static {
    /// The type: made by [`builtin`] or [`extension`].
    const TYPE: NativeType;

    /// Appends the value in the binary format of the type. An error is reported when the statement runs, before anything is sent.
    ///
    /// ```
    /// use orm_postgres::types::{BytesMut, Oid, PgValue};
    /// let mut out = BytesMut::new();
    /// Oid(258).write(&mut out)?;
    /// assert_eq!(out[..], [0, 0, 1, 2]);
    /// # Ok::<(), orm_postgres::types::BoxError>(())
    /// ```
    fn write(&self, out: &mut BytesMut) -> Result<(), BoxError>;

    /// Reads the value from the bytes that the server sent.
    ///
    /// ```
    /// use orm_postgres::types::{Oid, PgValue};
    /// assert_eq!(Oid::read(&[0, 0, 1, 2])?, Oid(258));
    /// assert!(Oid::read(&[0, 0, 1]).is_err());
    /// # Ok::<(), orm_postgres::types::BoxError>(())
    /// ```
    fn read(bytes: &[u8]) -> Result<Self, BoxError>;
}

/// A type that is part of PostgreSQL, by its name in `pg_type`.
///
/// ```
/// assert_eq!(orm_postgres::types::builtin("inet").name, "inet");
/// ```
pub const fn builtin(name: &'static str) -> NativeType {
    NativeType::builtin("postgresql", name)
}

/// A type of an extension, by its name in `pg_type`. The extension must be there already, in a schema of the search path.
///
/// ```
/// assert_eq!(orm_postgres::types::extension("geometry", "postgis").database, "postgresql");
/// ```
pub const fn extension(name: &'static str, extension: &'static str) -> NativeType {
    NativeType::extension("postgresql", name, extension)
}

/// The value as it is bound to a statement.
#[doc(hidden)]
pub fn encode<T: PgValue>(value: &T, ty: &'static NativeType) -> Datum {
    let mut out = BytesMut::new();
    match value.write(&mut out) {
        Ok(()) => Datum::Native(ty, out.as_ref().into()),
        Err(why) => Datum::invalid(Error::new(
            ErrorKind::Encode,
            format!("the value cannot be stored as `{}`: {why}", ty.name),
        )),
    }
}

/// The value of a cell.
#[doc(hidden)]
pub fn decode<'r, T: PgValue, C: Cell<'r>>(cell: C, ty: &'static NativeType) -> CellResult<T> {
    T::read(cell.native(ty)?).map_err(|why| CellError::invalid(why.to_string()))
}

/// A type by its name, for [`pg_wrapper!`](crate::pg_wrapper).
#[doc(hidden)]
pub fn type_named(name: &str) -> postgres_types::Type {
    crate::bind::builtin(name).unwrap_or_else(|| {
        postgres_types::Type::new(name.to_owned(), 0, postgres_types::Kind::Simple, String::new())
    })
}

/// Makes column types of types that implement [`PgValue`](crate::types::PgValue). See [there](crate::types) for the whole way.
///
/// ```
/// # use orm_core::value::{ColumnType, Scalar};
/// # use orm_postgres::types::{BoxError, BytesMut, NativeType, PgValue, builtin};
/// struct Xid(u32);     // with `impl PgValue for Xid`
/// # impl PgValue for Xid {
/// #     const TYPE: NativeType = builtin("xid");
/// #     fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
/// #         Ok(out.extend_from_slice(&self.0.to_be_bytes()))
/// #     }
/// #     fn read(bytes: &[u8]) -> Result<Self, BoxError> {
/// #         Ok(Xid(u32::from_be_bytes(bytes.try_into()?)))
/// #     }
/// # }
/// orm_postgres::pg_value!(Xid);
/// assert!(matches!(<Xid as Scalar>::TYPE, ColumnType::Native(native) if native.name == "xid"));
/// ```
#[macro_export]
macro_rules! pg_value {
    ($($ty:ty),+ $(,)?) => {$(
        #[diagnostic::do_not_recommend]
        impl $crate::orm_core::value::Scalar for $ty {
            const TYPE: $crate::orm_core::value::ColumnType =
                $crate::orm_core::value::ColumnType::Native(&<$ty as $crate::types::PgValue>::TYPE);
            fn encode(self) -> $crate::orm_core::value::Datum {
                $crate::types::encode(&self, &<$ty as $crate::types::PgValue>::TYPE)
            }
            fn decode<'r, __C: $crate::orm_core::value::Cell<'r>>(
                cell: __C,
            ) -> $crate::orm_core::value::CellResult<Self> {
                $crate::types::decode(cell, &<$ty as $crate::types::PgValue>::TYPE)
            }
        }
    )+};
}

/// Makes a column type of a type that implements `ToSql` and `FromSql` of [`postgres_types`](crate::types::postgres_types): a
/// newtype around it, since neither the type nor the trait of columns is yours.
///
/// ```
/// orm_postgres::pg_wrapper! {
///     /// An address as `tokio-postgres` knows it.
///     #[derive(Debug, Clone, PartialEq)]
///     pub struct Address(pub std::net::IpAddr) = "inet";
/// }
/// let home = Address("127.0.0.1".parse().unwrap());
/// ```
///
/// A type of an extension is named with it: `= "geometry", extension "postgis"`.
#[macro_export]
macro_rules! pg_wrapper {
    ($(#[$attr:meta])* $vis:vis struct $name:ident($field:vis $inner:ty) = $ty:literal $(, extension $extension:literal)?;) => {
        $(#[$attr])*
        $vis struct $name($field $inner);
        impl $crate::types::PgValue for $name {
            const TYPE: $crate::types::NativeType = $crate::pg_wrapper!(@type $ty $($extension)?);
            fn write(&self, out: &mut $crate::types::BytesMut) -> ::core::result::Result<(), $crate::types::BoxError> {
                use $crate::types::postgres_types::{IsNull, ToSql};
                match self.0.to_sql(&$crate::types::type_named($ty), out)? {
                    IsNull::No => Ok(()),
                    IsNull::Yes => Err("it says that it is NULL".into()),
                }
            }
            fn read(bytes: &[u8]) -> ::core::result::Result<Self, $crate::types::BoxError> {
                use $crate::types::postgres_types::FromSql;
                FromSql::from_sql(&$crate::types::type_named($ty), bytes).map($name)
            }
        }
        $crate::pg_value!($name);
    };
    (@type $ty:literal) => { $crate::types::builtin($ty) };
    (@type $ty:literal $extension:literal) => { $crate::types::extension($ty, $extension) };
}

/// serde by the text of a type that has `Display` and `FromStr`.
macro_rules! serde_as_text {
    ($($ty:ty),+) => {$(
        impl serde::Serialize for $ty {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $ty {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}
use serde_as_text;

fn text_error(what: &str, text: &str) -> Error {
    Error::new(ErrorKind::Decode, format!("this text of {} bytes is not {what}", text.len()))
}

/// Takes an array of bytes from the front.
fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], BoxError> {
    let (head, tail) = bytes.split_first_chunk::<N>().ok_or("the value is cut off")?;
    *bytes = tail;
    Ok(*head)
}

/// Nothing may be left.
fn whole(rest: &[u8]) -> Result<(), BoxError> {
    if rest.is_empty() { Ok(()) } else { Err("the value is longer than its type".into()) }
}
