//! A value on its way to the database.

use std::hash::{Hash, Hasher};

use super::{Date, DateTime, NativeType, Time};
use crate::error::Error;

/// An owned value as it is bound to a statement. Reading never goes through it.
///
/// ```
/// use orm::value::{Datum, Value};
/// assert_eq!(7_i32.encode(), Datum::I64(7));
/// assert_eq!(Some("a".to_owned()).encode(), Datum::Text("a".to_owned()));
/// assert_eq!(None::<bool>.encode(), Datum::Null);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Datum {
    /// SQL NULL.
    Null,
    /// The column's database default (INSERT only).
    Default,
    /// A truth value.
    Bool(bool),
    /// Every integer type.
    I64(i64),
    /// Both floating-point types.
    F64(f64),
    /// Text, `char` and enum names.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A UUID in network byte order.
    Uuid([u8; 16]),
    /// An exact decimal number.
    Decimal(Numeric),
    /// A calendar date.
    Date(Date),
    /// A time of day.
    Time(Time),
    /// A date and time without a zone.
    DateTime(DateTime),
    /// An instant in UTC.
    Timestamp(DateTime),
    /// A JSON document as text.
    Json(String),
    /// A list of values, NULLs among them, or the fields of a composite.
    Array(Vec<Datum>),
    /// A value of a type that only one database has, in the form in which it is sent.
    Native(&'static NativeType, Box<[u8]>),
    /// A list of embedded structs.
    List(Box<super::ListDatum>),
    /// A value that cannot be stored unchanged; the error is reported when the statement runs.
    Invalid(Box<Error>),
}

/// An exact decimal number: `mantissa × 10^-scale`.
///
/// ```
/// use orm::value::{Datum, Numeric, Value};
/// let price = rust_decimal::Decimal::new(1050, 2);
/// assert_eq!(price.encode(), Datum::Decimal(Numeric { mantissa: 1050, scale: 2 }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
// An i128 asks for 16 bytes of alignment, which would make every datum half as large again.
#[repr(C, packed(8))]
pub struct Numeric {
    /// The digits.
    pub mantissa: i128,
    /// How many of the digits stand behind the point.
    pub scale: u32,
}

impl Numeric {
    /// The same number without trailing zeros behind the point.
    ///
    /// ```
    /// use orm::value::Numeric;
    /// assert_eq!(Numeric { mantissa: 1050, scale: 2 }.normalized(), Numeric { mantissa: 105, scale: 1 });
    /// ```
    pub fn normalized(mut self) -> Self {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }
}

impl Clone for Datum {
    fn clone(&self) -> Self {
        match self {
            Datum::Null => Datum::Null,
            Datum::Default => Datum::Default,
            Datum::Bool(v) => Datum::Bool(*v),
            Datum::I64(v) => Datum::I64(*v),
            Datum::F64(v) => Datum::F64(*v),
            Datum::Text(v) => Datum::Text(v.clone()),
            Datum::Bytes(v) => Datum::Bytes(v.clone()),
            Datum::Uuid(v) => Datum::Uuid(*v),
            Datum::Decimal(v) => Datum::Decimal(*v),
            Datum::Date(v) => Datum::Date(*v),
            Datum::Time(v) => Datum::Time(*v),
            Datum::DateTime(v) => Datum::DateTime(*v),
            Datum::Timestamp(v) => Datum::Timestamp(*v),
            Datum::Json(v) => Datum::Json(v.clone()),
            Datum::Array(v) => Datum::Array(v.clone()),
            Datum::Native(ty, v) => Datum::Native(ty, v.clone()),
            Datum::List(v) => Datum::List(v.clone()),
            Datum::Invalid(error) => Datum::Invalid(error.clone()),
        }
    }
}

impl Datum {
    /// Whether this is SQL NULL.
    ///
    /// ```
    /// use orm::value::Datum;
    /// assert!(Datum::Null.is_null());
    /// assert!(!Datum::Default.is_null());
    /// ```
    pub fn is_null(&self) -> bool {
        matches!(self, Datum::Null)
    }

    /// A datum that reports `error` when its statement runs.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::value::{Cell, CellResult, Datum, ColumnType, Scalar};
    ///
    /// struct Percent(u8);
    /// impl Scalar for Percent {
    ///     const TYPE: ColumnType = ColumnType::U8;
    ///     fn encode(self) -> Datum {
    ///         match self.0 {
    ///             0..=100 => Datum::I64(self.0.into()),
    ///             _ => Datum::invalid(Error::new(ErrorKind::OutOfRange, "more than 100 per cent")),
    ///         }
    ///     }
    ///     fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
    ///         u8::decode(cell).map(Percent)
    ///     }
    /// }
    /// let error = sql::<i64>("SELECT ?").bind(Percent(101)).one(&db).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::OutOfRange);
    /// # Ok(()) }
    /// ```
    #[cold]
    pub fn invalid(error: Error) -> Self {
        Datum::Invalid(Box::new(error))
    }

    fn rank(&self) -> u8 {
        match self {
            Datum::Null => 0,
            Datum::Default => 1,
            Datum::Bool(_) => 2,
            Datum::I64(_) => 3,
            Datum::F64(_) => 4,
            Datum::Text(_) => 5,
            Datum::Bytes(_) => 6,
            Datum::Uuid(_) => 7,
            Datum::Decimal(_) => 8,
            Datum::Date(_) => 9,
            Datum::Time(_) => 10,
            Datum::DateTime(_) => 11,
            Datum::Timestamp(_) => 12,
            Datum::Json(_) => 13,
            Datum::Invalid(_) => 14,
            Datum::Array(_) => 15,
            Datum::Native(..) => 16,
            Datum::List(_) => 17,
        }
    }
}

/// Equality of stored values, as a key of a relation needs it: NULL equals NULL, `-0.0` equals
/// `0.0`, and an invalid datum equals nothing.
impl PartialEq for Datum {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Datum::Null, Datum::Null) | (Datum::Default, Datum::Default) => true,
            (Datum::Bool(a), Datum::Bool(b)) => a == b,
            (Datum::I64(a), Datum::I64(b)) => a == b,
            (Datum::F64(a), Datum::F64(b)) => a == b,
            (Datum::Text(a), Datum::Text(b)) | (Datum::Json(a), Datum::Json(b)) => a == b,
            (Datum::Bytes(a), Datum::Bytes(b)) => a == b,
            (Datum::Array(a), Datum::Array(b)) => a == b,
            (Datum::List(a), Datum::List(b)) => a == b,
            (Datum::Native(ty, a), Datum::Native(other, b)) => ty.name == other.name && a == b,
            (Datum::Uuid(a), Datum::Uuid(b)) => a == b,
            (Datum::Decimal(a), Datum::Decimal(b)) => a.normalized() == b.normalized(),
            (Datum::Date(a), Datum::Date(b)) => a == b,
            (Datum::Time(a), Datum::Time(b)) => a == b,
            (Datum::DateTime(a), Datum::DateTime(b)) | (Datum::Timestamp(a), Datum::Timestamp(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Datum {}

impl Hash for Datum {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Datum::I64(v) => return state.write_i64(*v),
            other => state.write_u8(other.rank()),
        }
        match self {
            Datum::Bool(v) => v.hash(state),
            Datum::F64(v) => (if *v == 0.0 { 0.0 } else { *v }).to_bits().hash(state),
            Datum::Text(v) | Datum::Json(v) => v.hash(state),
            Datum::Bytes(v) => v.hash(state),
            Datum::Array(v) => v.hash(state),
            Datum::List(v) => v.hash(state),
            Datum::Native(_, v) => v.hash(state),
            Datum::Uuid(v) => v.hash(state),
            Datum::Decimal(v) => v.normalized().hash(state),
            Datum::Date(v) => v.hash(state),
            Datum::Time(v) => v.hash(state),
            Datum::DateTime(v) | Datum::Timestamp(v) => v.hash(state),
            Datum::I64(_) | Datum::Null | Datum::Default | Datum::Invalid(_) => {}
        }
    }
}
