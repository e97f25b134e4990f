//! The codecs of the standard library's types.

use super::{Cell, CellError, CellResult, ColumnType, Datum, Exact, Number, Scalar, Textual};
use crate::error::{Error, ErrorKind};

impl Scalar for bool {
    const TYPE: ColumnType = ColumnType::Bool;
    #[inline]
    fn encode(self) -> Datum {
        Datum::Bool(self)
    }
    #[inline]
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        cell.bool()
    }
}

macro_rules! integers {
    ($($type:ty, $db:ident, $sum:ty;)*) => {$(
        impl Scalar for $type {
            const TYPE: ColumnType = ColumnType::$db;
            #[inline]
            fn encode(self) -> Datum {
                Datum::I64(i64::from(self))
            }
            #[inline]
            fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
                let wide = cell.i64()?;
                <$type>::try_from(wide).map_err(|_| CellError::invalid(concat!("the number does not fit ", stringify!($type))))
            }
        }
        impl Number for $type {
            type Sum = $sum;
            type Avg = f64;
        }
        impl Exact for $type {}
    )*};
}
integers! {
    i8, I8, i64;
    i16, I16, i64;
    i32, I32, i64;
    i64, I64, i64;
    u8, U8, i64;
    u16, U16, i64;
    u32, U32, i64;
}

/// Stored as a signed number: values above `i64::MAX` are refused with [`ErrorKind::OutOfRange`].
impl Scalar for u64 {
    const TYPE: ColumnType = ColumnType::U64;
    #[inline]
    fn encode(self) -> Datum {
        match i64::try_from(self) {
            Ok(value) => Datum::I64(value),
            Err(_) => Datum::invalid(
                Error::new(ErrorKind::OutOfRange, "a u64 above 9223372036854775807 does not fit the column")
                    .with_hint("store it as text, bytes or a decimal"),
            ),
        }
    }
    #[inline]
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        u64::try_from(cell.i64()?).map_err(|_| CellError::invalid("a negative number does not fit u64"))
    }
}

impl Number for u64 {
    type Sum = i64;
    type Avg = f64;
}
impl Exact for u64 {}

macro_rules! floats {
    ($($type:ty, $db:ident;)*) => {$(
        /// NaN is refused with [`ErrorKind::Encode`]: a store may turn it into NULL.
        impl Scalar for $type {
            const TYPE: ColumnType = ColumnType::$db;
            #[inline]
            fn encode(self) -> Datum {
                if self.is_nan() {
                    return Datum::invalid(Error::new(ErrorKind::Encode, "NaN cannot be stored in this column")
                        .with_hint("store an Option and use None for a missing number"));
                }
                Datum::F64(f64::from(self))
            }
            #[inline]
            #[allow(clippy::unnecessary_cast)]
            fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
                let wide = cell.f64()?;
                let value = wide as $type;
                // An infinite result of a finite number means that the stored number is too large.
                if value.is_infinite() && wide.is_finite() {
                    return Err(CellError::invalid(concat!("the number does not fit ", stringify!($type))));
                }
                Ok(value)
            }
        }
        impl Number for $type {
            type Sum = f64;
            type Avg = f64;
        }
    )*};
}
floats! { f32, F32; f64, F64; }

impl Scalar for String {
    const TYPE: ColumnType = ColumnType::Text;
    #[inline]
    fn encode(self) -> Datum {
        Datum::Text(self)
    }
    #[inline]
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        cell.text().map(str::to_owned)
    }
}

impl Textual for String {}

impl Scalar for char {
    const TYPE: ColumnType = ColumnType::Char;
    #[inline]
    fn encode(self) -> Datum {
        Datum::Text(self.into())
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        let text = cell.text()?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(CellError::invalid("the text is not exactly one character")),
        }
    }
}

impl Scalar for Vec<u8> {
    const TYPE: ColumnType = ColumnType::Bytes;
    #[inline]
    fn encode(self) -> Datum {
        Datum::Bytes(self)
    }
    #[inline]
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        cell.bytes().map(<[u8]>::to_vec)
    }
}
