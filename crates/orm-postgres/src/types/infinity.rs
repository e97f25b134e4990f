//! Dates and instants that may be infinite.

use orm_core::value::{Cell, CellResult, ColumnType, Datum, NativeType, Scalar};

use super::{BytesMut, builtin};
use crate::bind;
use crate::cell::PgCell;

/// A date, timestamp or instant, or one before or after all others: `OrInfinity<DateTime<Utc>>`.
///
/// The column type is that of `T`: `date`, `timestamp` or `timestamptz`. Another `T` does not compile.
///
/// ```
/// use orm_core::value::{DateTime, Scalar};
/// use orm_postgres::types::OrInfinity;
/// assert!(OrInfinity::Finite(3) < OrInfinity::Infinity && OrInfinity::NegInfinity < OrInfinity::Finite(3));
/// assert_eq!(OrInfinity::Finite(3).finite(), Some(3));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum OrInfinity<T> {
    /// `-infinity`: before all others.
    NegInfinity,
    /// A date or time as others are.
    Finite(T),
    /// `infinity`: after all others.
    Infinity,
}

impl<T> OrInfinity<T> {
    /// The date or time, unless it is infinite.
    ///
    /// ```
    /// use orm_postgres::types::OrInfinity;
    /// assert_eq!(OrInfinity::from(3).finite(), Some(3));
    /// assert_eq!(OrInfinity::<i32>::NegInfinity.finite(), None);
    /// ```
    pub fn finite(self) -> Option<T> {
        match self {
            OrInfinity::Finite(value) => Some(value),
            _ => None,
        }
    }
}

impl<T> From<T> for OrInfinity<T> {
    fn from(value: T) -> Self {
        OrInfinity::Finite(value)
    }
}

const DATE: &NativeType = &builtin("date");
const TIMESTAMP: &NativeType = &builtin("timestamp");
const TIMESTAMPTZ: &NativeType = &builtin("timestamptz");

const fn native(ty: ColumnType) -> &'static NativeType {
    match ty {
        ColumnType::Date => DATE,
        ColumnType::DateTime => TIMESTAMP,
        ColumnType::Timestamp => TIMESTAMPTZ,
        _ => panic!("only dates, timestamps and instants can be infinite"),
    }
}

#[diagnostic::do_not_recommend]
impl<T: Scalar> Scalar for OrInfinity<T> {
    const TYPE: ColumnType = ColumnType::Native(native(T::TYPE));

    fn encode(self) -> Datum {
        let native = const { native(T::TYPE) };
        let days = matches!(T::TYPE, ColumnType::Date);
        let bytes: Box<[u8]> = match self {
            OrInfinity::Infinity if days => Box::new(i32::MAX.to_be_bytes()),
            OrInfinity::Infinity => Box::new(i64::MAX.to_be_bytes()),
            OrInfinity::NegInfinity if days => Box::new(i32::MIN.to_be_bytes()),
            OrInfinity::NegInfinity => Box::new(i64::MIN.to_be_bytes()),
            OrInfinity::Finite(value) => {
                let datum = value.encode();
                if let Some(fault) = bind::fault_of(&datum) {
                    return Datum::invalid(fault);
                }
                let mut out = BytesMut::new();
                match bind::write(&datum, T::TYPE, &bind::scalar_type(T::TYPE), &mut out) {
                    Ok(_) => out.as_ref().into(),
                    Err(why) => {
                        return Datum::invalid(orm_core::Error::new(
                            orm_core::ErrorKind::OutOfRange,
                            why.to_string(),
                        ));
                    }
                }
            }
        };
        Datum::Native(native, bytes)
    }

    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        let bytes = cell.native(const { native(T::TYPE) })?;
        let value = match *bytes {
            [a, b, c, d] => i64::from(i32::from_be_bytes([a, b, c, d])),
            [a, b, c, d, e, f, g, h] => i64::from_be_bytes([a, b, c, d, e, f, g, h]),
            _ => 0,
        };
        let (least, most) = match T::TYPE {
            ColumnType::Date => (i64::from(i32::MIN), i64::from(i32::MAX)),
            _ => (i64::MIN, i64::MAX),
        };
        if value == least {
            return Ok(OrInfinity::NegInfinity);
        }
        if value == most {
            return Ok(OrInfinity::Infinity);
        }
        let ty = bind::scalar_type(T::TYPE);
        T::decode(PgCell::new(Some(bytes), &ty)).map(OrInfinity::Finite)
    }
}
