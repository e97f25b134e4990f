//! Ranges and multiranges: <https://www.postgresql.org/docs/current/rangetypes.html>.

use std::fmt;
use std::ops::Bound;

use bytes::BufMut;
use orm_core::expr::Operand;
use orm_core::expr::kind::Const;
use orm_core::ir;
use orm_core::value::{Cell, CellError, CellResult, ColumnType, Datum, NativeType, Scalar};
use orm_core::{Error, ErrorKind};
use postgres_protocol::types as wire;

use super::{BoxError, BytesMut, builtin, take, whole};
use crate::bind;
use crate::cell::PgCell;

/// A range of `i32`, `i64`, decimals, dates, timestamps or instants: `int4range`, `tstzrange` … Another `T` does not compile.
///
/// The server writes ranges of whole numbers and dates with the lower bound included and the upper excluded, so `1..=5` comes
/// back as `1..6`.
///
/// ```
/// use orm_postgres::types::Range;
/// let morning = Range::from(8..12);
/// assert!(morning.contains(&8) && !morning.contains(&12));
/// assert_eq!(Range::from(1..=5).to_string(), "[1,5]");
/// assert_eq!(Range::from(3..).to_string(), "[3,)");
/// assert!(!Range::<i32>::Empty.contains(&0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Range<T> {
    /// Nothing is in it.
    Empty,
    /// What is between two bounds.
    Between(Bound<T>, Bound<T>),
}

impl<T> Range<T> {
    /// Everything.
    pub const FULL: Self = Range::Between(Bound::Unbounded, Bound::Unbounded);

    /// The lower bound; of an empty range none.
    ///
    /// ```
    /// use orm_postgres::types::Range;
    /// assert_eq!(Range::from(8..12).lower(), Some(&8));
    /// assert_eq!(Range::from(..12).lower(), None);
    /// ```
    pub fn lower(&self) -> Option<&T> {
        match self {
            Range::Between(Bound::Included(value) | Bound::Excluded(value), _) => Some(value),
            _ => None,
        }
    }

    /// The upper bound; of an empty range none.
    ///
    /// ```
    /// use orm_postgres::types::Range;
    /// assert_eq!(Range::from(8..12).upper(), Some(&12));
    /// assert_eq!(Range::<i32>::Empty.upper(), None);
    /// ```
    pub fn upper(&self) -> Option<&T> {
        match self {
            Range::Between(_, Bound::Included(value) | Bound::Excluded(value)) => Some(value),
            _ => None,
        }
    }

    /// Whether a value is in the range.
    ///
    /// ```
    /// use orm_postgres::types::Range;
    /// let morning = Range::from(8..12);
    /// assert!(morning.contains(&8) && !morning.contains(&12));
    /// assert!(Range::FULL.contains(&7));
    /// ```
    pub fn contains(&self, value: &T) -> bool
    where
        T: PartialOrd,
    {
        match self {
            Range::Empty => false,
            Range::Between(lower, upper) => {
                std::ops::RangeBounds::contains(&(lower.as_ref(), upper.as_ref()), value)
            }
        }
    }
}

macro_rules! from {
    ($($std:ty, $range:ident => $bounds:expr;)*) => {$(
        impl<T> From<$std> for Range<T> {
            fn from($range: $std) -> Self {
                let (lower, upper) = $bounds;
                Range::Between(lower, upper)
            }
        }
        /// A range as Rust writes it stands beside a column of ranges.
        #[diagnostic::do_not_recommend]
        impl<T: Scalar> Operand<Range<T>> for $std {
            type T = Range<T>;
            type S = ();
            type N = ();
            type K = Const;
            fn ir(self) -> ir::Expr {
                ir::Expr::Value(Range::from(self).encode(), <Range<T> as Scalar>::TYPE)
            }
        }
    )*};
}
from! {
    std::ops::Range<T>, range => (Bound::Included(range.start), Bound::Excluded(range.end));
    std::ops::RangeInclusive<T>, range => {
        let (start, end) = range.into_inner();
        (Bound::Included(start), Bound::Included(end))
    };
    std::ops::RangeFrom<T>, range => (Bound::Included(range.start), Bound::Unbounded);
    std::ops::RangeTo<T>, range => (Bound::Unbounded, Bound::Excluded(range.end));
    std::ops::RangeToInclusive<T>, range => (Bound::Unbounded, Bound::Included(range.end));
}

/// As the server writes it, but for quotes around the bounds.
impl<T: fmt::Display> fmt::Display for Range<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range::Between(lower, upper) = self else { return f.write_str("empty") };
        match lower {
            Bound::Included(value) => write!(f, "[{value},")?,
            Bound::Excluded(value) => write!(f, "({value},")?,
            Bound::Unbounded => f.write_str("(,")?,
        }
        match upper {
            Bound::Included(value) => write!(f, "{value}]"),
            Bound::Excluded(value) => write!(f, "{value})"),
            Bound::Unbounded => f.write_str(")"),
        }
    }
}

/// Any number of ranges: `int4multirange`, `tstzmultirange` … (PostgreSQL 14 and later).
///
/// The server puts them in order and joins those that touch.
///
/// ```
/// use orm_postgres::types::{Multirange, Range};
/// let open = Multirange(vec![Range::from(8..12), Range::from(13..18)]);
/// assert!(open.contains(&8) && !open.contains(&12));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Multirange<T>(pub Vec<Range<T>>);

impl<T> Multirange<T> {
    /// Whether a value is in one of the ranges.
    ///
    /// ```
    /// use orm_postgres::types::Multirange;
    /// let open = Multirange::from_iter([8..12, 13..18]);
    /// assert!(open.contains(&13) && !open.contains(&12));
    /// ```
    pub fn contains(&self, value: &T) -> bool
    where
        T: PartialOrd,
    {
        self.0.iter().any(|range| range.contains(value))
    }
}

impl<T, R: Into<Range<T>>> FromIterator<R> for Multirange<T> {
    fn from_iter<I: IntoIterator<Item = R>>(ranges: I) -> Self {
        Multirange(ranges.into_iter().map(Into::into).collect())
    }
}

/// A [`Range`] or a [`Multirange`]: what the operators of ranges work on.
///
/// ```
/// use orm_core::value::{ColumnType, Scalar};
/// use orm_postgres::types::{Multirange, Range, RangeLike};
/// fn element<R: RangeLike>() -> ColumnType {
///     <R::Element as Scalar>::TYPE
/// }
/// assert_eq!((element::<Range<i32>>(), element::<Multirange<i64>>()), (ColumnType::I32, ColumnType::I64));
/// ```
pub trait RangeLike: Scalar {
    /// What is in it.
    type Element: Scalar;
}

impl<T: Scalar> RangeLike for Range<T> {
    type Element = T;
}

impl<T: Scalar> RangeLike for Multirange<T> {
    type Element = T;
}

/// The types of ranges and multiranges over a type.
struct Types {
    range: NativeType,
    multirange: NativeType,
}

const fn types(range: &'static str, multirange: &'static str) -> Types {
    Types { range: builtin(range), multirange: builtin(multirange) }
}

const INT4: &Types = &types("int4range", "int4multirange");
const INT8: &Types = &types("int8range", "int8multirange");
const NUMERIC: &Types = &types("numrange", "nummultirange");
const DATE: &Types = &types("daterange", "datemultirange");
const TIMESTAMP: &Types = &types("tsrange", "tsmultirange");
const TIMESTAMPTZ: &Types = &types("tstzrange", "tstzmultirange");

const fn over(ty: ColumnType) -> &'static Types {
    match ty {
        ColumnType::I32 => INT4,
        ColumnType::I64 => INT8,
        ColumnType::Decimal => NUMERIC,
        ColumnType::Date => DATE,
        ColumnType::DateTime => TIMESTAMP,
        ColumnType::Timestamp => TIMESTAMPTZ,
        ColumnType::Native(native) if matches!(native.name.as_bytes(), b"numeric") => NUMERIC,
        _ => panic!("PostgreSQL has ranges of i32, i64, decimals, dates, timestamps and instants only"),
    }
}

fn write_range<T: Scalar>(range: Range<T>, out: &mut BytesMut) -> Result<(), Error> {
    let Range::Between(lower, upper) = range else {
        wire::empty_range_to_sql(out);
        return Ok(());
    };
    let ty = bind::scalar_type(T::TYPE);
    let bound = |bound: Bound<T>,
                 out: &mut BytesMut|
     -> Result<wire::RangeBound<postgres_protocol::IsNull>, BoxError> {
        let mut value = |value: T| -> Result<postgres_protocol::IsNull, BoxError> {
            let datum = value.encode();
            match bind::fault_of(&datum) {
                Some(fault) => Err(Box::new(fault)),
                None => bind::write(&datum, T::TYPE, &ty, out).map(|_| postgres_protocol::IsNull::No),
            }
        };
        Ok(match bound {
            Bound::Included(bound) => wire::RangeBound::Inclusive(value(bound)?),
            Bound::Excluded(bound) => wire::RangeBound::Exclusive(value(bound)?),
            Bound::Unbounded => wire::RangeBound::Unbounded,
        })
    };
    wire::range_to_sql(|out| bound(lower, out), |out| bound(upper, out), out).map_err(|why| {
        why.downcast::<Error>()
            .map_or_else(|why| Error::new(ErrorKind::Encode, why.to_string()), |fault| *fault)
    })
}

fn read_range<T: Scalar>(bytes: &[u8]) -> CellResult<Range<T>> {
    let invalid = |why: BoxError| CellError::invalid(why.to_string());
    let (lower, upper) = match wire::range_from_sql(bytes).map_err(invalid)? {
        wire::Range::Empty => return Ok(Range::Empty),
        wire::Range::Nonempty(lower, upper) => (lower, upper),
    };
    let ty = bind::scalar_type(T::TYPE);
    let bound = |bound: wire::RangeBound<Option<&[u8]>>| -> CellResult<Bound<T>> {
        let value = |bytes: Option<&[u8]>| T::decode(PgCell::new(bytes, &ty));
        Ok(match bound {
            wire::RangeBound::Inclusive(bytes) => Bound::Included(value(bytes)?),
            wire::RangeBound::Exclusive(bytes) => Bound::Excluded(value(bytes)?),
            wire::RangeBound::Unbounded => Bound::Unbounded,
        })
    };
    Ok(Range::Between(bound(lower)?, bound(upper)?))
}

#[diagnostic::do_not_recommend]
impl<T: Scalar> Scalar for Range<T> {
    const TYPE: ColumnType = ColumnType::Native(&over(T::TYPE).range);

    fn encode(self) -> Datum {
        let mut out = BytesMut::new();
        match write_range(self, &mut out) {
            Ok(()) => Datum::Native(const { &over(T::TYPE).range }, out.as_ref().into()),
            Err(error) => Datum::invalid(error),
        }
    }

    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        read_range(cell.native(const { &over(T::TYPE).range })?)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Scalar> Scalar for Multirange<T> {
    const TYPE: ColumnType = ColumnType::Native(&over(T::TYPE).multirange);

    fn encode(self) -> Datum {
        let mut out = BytesMut::new();
        out.put_i32(self.0.len() as i32);
        for range in self.0 {
            let start = out.len();
            out.put_i32(0);
            if let Err(error) = write_range(range, &mut out) {
                return Datum::invalid(error);
            }
            let length = (out.len() - start - 4) as i32;
            out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        }
        Datum::Native(const { &over(T::TYPE).multirange }, out.as_ref().into())
    }

    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        let mut bytes = cell.native(const { &over(T::TYPE).multirange })?;
        let invalid = |why: BoxError| CellError::invalid(why.to_string());
        let count = i32::from_be_bytes(take(&mut bytes).map_err(invalid)?);
        let mut ranges = Vec::new();
        for _ in 0..count {
            let length = u32::from_be_bytes(take(&mut bytes).map_err(invalid)?) as usize;
            let cut_off = || CellError::invalid("a multirange is cut off");
            let (head, tail) = bytes.split_at_checked(length).ok_or_else(cut_off)?;
            ranges.push(read_range(head)?);
            bytes = tail;
        }
        whole(bytes).map_err(invalid)?;
        Ok(Multirange(ranges))
    }
}
