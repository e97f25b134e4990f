//! Reading a column from the slice that the server sent.

use std::borrow::Cow;
use std::error::Error as StdError;

use orm_core::backend::Row;
use orm_core::value::{Cell, CellError, CellResult, Date, DateTime, Numeric, Time, Value};
use tokio_postgres::types::{FromSql, Kind, Type};

use crate::numeric;

/// Days from 1970-01-01 to PostgreSQL's epoch, 2000-01-01.
pub const EPOCH_DAYS: i32 = 10_957;
/// The same in seconds.
pub const EPOCH_SECS: i64 = EPOCH_DAYS as i64 * 86_400;

/// A row of the server.
pub struct PgRow<'r>(pub &'r tokio_postgres::Row);

impl Row for PgRow<'_> {
    type Cell<'a>
        = PgCell<'a>
    where
        Self: 'a;

    #[inline]
    fn cell(&self, index: usize) -> PgCell<'_> {
        self.0.try_get::<_, PgCell<'_>>(index).unwrap_or(PgCell { bytes: None, ty: &Type::UNKNOWN })
    }
}

/// A column of it.
#[derive(Clone, Copy)]
pub struct PgCell<'r> {
    bytes: Option<&'r [u8]>,
    ty: &'r Type,
}

/// Only a carrier: it takes any type and copies nothing.
impl<'r> FromSql<'r> for PgCell<'r> {
    fn from_sql(ty: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(PgCell { bytes: Some(raw), ty: known(ty) })
    }
    fn from_sql_null(ty: &Type) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(PgCell { bytes: None, ty: known(ty) })
    }
    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The same type with a lifetime of its own: the types that are read here are constants.
fn known(ty: &Type) -> &'static Type {
    match *ty {
        Type::BOOL => &Type::BOOL,
        Type::INT2 => &Type::INT2,
        Type::INT4 => &Type::INT4,
        Type::INT8 => &Type::INT8,
        Type::OID => &Type::OID,
        Type::FLOAT4 => &Type::FLOAT4,
        Type::FLOAT8 => &Type::FLOAT8,
        Type::NUMERIC => &Type::NUMERIC,
        Type::BYTEA => &Type::BYTEA,
        Type::UUID => &Type::UUID,
        Type::DATE => &Type::DATE,
        Type::TIME => &Type::TIME,
        Type::TIMESTAMP => &Type::TIMESTAMP,
        Type::TIMESTAMPTZ => &Type::TIMESTAMPTZ,
        Type::JSON => &Type::JSON,
        Type::JSONB => &Type::JSONB,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => &Type::TEXT,
        _ if is_textual(ty) => &Type::TEXT,
        _ if matches!(ty.kind(), Kind::Array(_)) => &Type::ANYARRAY,
        _ => &Type::ANY,
    }
}

/// Whether values of a type are sent as their text: enums, `citext`, domains over text.
pub fn is_textual(ty: &Type) -> bool {
    match ty.kind() {
        Kind::Enum(_) => true,
        Kind::Domain(inner) => is_textual(inner),
        _ => {
            matches!(*ty, Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::XML)
                || ty.name() == "citext"
        }
    }
}

impl<'r> PgCell<'r> {
    fn present(self) -> CellResult<&'r [u8]> {
        self.bytes.ok_or(CellError::Null)
    }

    #[cold]
    fn wrong(self, wanted: &'static str) -> CellError {
        let found = match *self.ty {
            Type::BOOL => "a boolean",
            Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => "an integer",
            Type::FLOAT4 | Type::FLOAT8 => "a floating-point number",
            Type::NUMERIC => "a numeric",
            Type::BYTEA => "bytes",
            Type::UUID => "a uuid",
            Type::DATE => "a date",
            Type::TIME => "a time",
            Type::TIMESTAMP => "a timestamp without time zone",
            Type::TIMESTAMPTZ => "a timestamp with time zone",
            Type::JSON | Type::JSONB => "JSON",
            Type::TEXT => "text",
            Type::ANYARRAY => "an array",
            _ => "a value of a type that only PostgreSQL knows",
        };
        CellError::Type { found, wanted }
    }

    fn array<const N: usize>(self) -> CellResult<[u8; N]> {
        self.present()?.try_into().map_err(|_| CellError::invalid("the server sent another number of bytes"))
    }

    fn micros(self) -> CellResult<DateTime> {
        let micros = i64::from_be_bytes(self.array()?);
        if micros == i64::MAX || micros == i64::MIN {
            return Err(CellError::invalid("it is infinite, which no date and time can hold"));
        }
        Ok(DateTime {
            secs: micros.div_euclid(1_000_000) + EPOCH_SECS,
            nanos: micros.rem_euclid(1_000_000) as u32 * 1000,
        })
    }
}

#[cold]
fn cut_off() -> CellError {
    CellError::invalid("an array is cut off")
}

fn utf8(bytes: &[u8]) -> CellResult<&str> {
    std::str::from_utf8(bytes).map_err(|_| CellError::invalid("it is not UTF-8"))
}

impl<'r> Cell<'r> for PgCell<'r> {
    #[inline]
    fn is_null(self) -> bool {
        self.bytes.is_none()
    }
    fn bool(self) -> CellResult<bool> {
        let bytes = self.present()?;
        if *self.ty != Type::BOOL {
            return Err(self.wrong("a boolean"));
        }
        Ok(bytes.first().is_some_and(|byte| *byte != 0))
    }
    #[inline]
    fn i64(self) -> CellResult<i64> {
        self.present()?;
        match *self.ty {
            Type::INT8 => Ok(i64::from_be_bytes(self.array()?)),
            Type::INT4 => Ok(i32::from_be_bytes(self.array()?).into()),
            Type::INT2 => Ok(i16::from_be_bytes(self.array()?).into()),
            Type::OID => Ok(u32::from_be_bytes(self.array()?).into()),
            _ => Err(self.wrong("an integer")),
        }
    }
    fn f64(self) -> CellResult<f64> {
        self.present()?;
        match *self.ty {
            Type::FLOAT8 => Ok(f64::from_be_bytes(self.array()?)),
            Type::FLOAT4 => Ok(f32::from_be_bytes(self.array()?).into()),
            _ => Err(self.wrong("a floating-point number")),
        }
    }
    #[inline]
    fn text(self) -> CellResult<&'r str> {
        let bytes = self.present()?;
        if *self.ty != Type::TEXT { Err(self.wrong("text")) } else { utf8(bytes) }
    }
    fn bytes(self) -> CellResult<&'r [u8]> {
        let bytes = self.present()?;
        if *self.ty != Type::BYTEA { Err(self.wrong("bytes")) } else { Ok(bytes) }
    }
    fn uuid(self) -> CellResult<[u8; 16]> {
        self.present()?;
        if *self.ty != Type::UUID { Err(self.wrong("a uuid")) } else { self.array() }
    }
    fn decimal(self) -> CellResult<Numeric> {
        let bytes = self.present()?;
        match *self.ty {
            Type::NUMERIC => numeric::read(bytes),
            Type::INT2 | Type::INT4 | Type::INT8 => Ok(Numeric { mantissa: self.i64()?.into(), scale: 0 }),
            _ => Err(self.wrong("a decimal")),
        }
    }
    fn date(self) -> CellResult<Date> {
        self.present()?;
        if *self.ty != Type::DATE {
            return Err(self.wrong("a date"));
        }
        match i32::from_be_bytes(self.array()?) {
            i32::MAX | i32::MIN => Err(CellError::invalid("it is infinite, which no date can hold")),
            days => Ok(Date { days: days + EPOCH_DAYS }),
        }
    }
    fn time(self) -> CellResult<Time> {
        self.present()?;
        if *self.ty != Type::TIME {
            return Err(self.wrong("a time"));
        }
        match i64::from_be_bytes(self.array()?) {
            // 24:00:00 is a time of its own here.
            micros @ 0..86_400_000_000 => Ok(Time { nanos: micros as u64 * 1000 }),
            _ => Err(CellError::invalid("it is 24:00:00, which no time of day can hold")),
        }
    }
    fn datetime(self) -> CellResult<DateTime> {
        self.present()?;
        if *self.ty == Type::TIMESTAMP {
            self.micros()
        } else {
            Err(self.wrong("a timestamp without time zone"))
        }
    }
    fn timestamp(self) -> CellResult<DateTime> {
        self.present()?;
        if *self.ty == Type::TIMESTAMPTZ {
            self.micros()
        } else {
            Err(self.wrong("a timestamp with time zone"))
        }
    }
    fn array<T: Value>(self) -> CellResult<Vec<T>> {
        let mut rest = self.present()?;
        if *self.ty != Type::ANYARRAY {
            return Err(self.wrong("an array"));
        }
        let mut word = || -> CellResult<i32> {
            let (head, tail) = rest.split_first_chunk().ok_or_else(cut_off)?;
            rest = tail;
            Ok(i32::from_be_bytes(*head))
        };
        let (dimensions, _, oid) = (word()?, word()?, word()?);
        let element = Type::from_oid(oid as u32).map_or(&Type::TEXT, |ty| known(&ty));
        let count = match dimensions {
            0 => 0,
            1 => {
                let count = word()?;
                word()?;
                count
            }
            _ => return Err(CellError::invalid("it is an array of several dimensions")),
        };
        let mut values = Vec::with_capacity(count.clamp(0, 1 << 20) as usize);
        for _ in 0..count {
            let (head, tail) = rest.split_first_chunk().ok_or_else(cut_off)?;
            rest = tail;
            let bytes = match usize::try_from(i32::from_be_bytes(*head)) {
                Err(_) => None,
                Ok(length) => {
                    let (bytes, tail) = rest.split_at_checked(length).ok_or_else(cut_off)?;
                    rest = tail;
                    Some(bytes)
                }
            };
            values.push(T::decode(PgCell { bytes, ty: element })?);
        }
        Ok(values)
    }
    fn json(self) -> CellResult<Cow<'r, str>> {
        let bytes = self.present()?;
        match *self.ty {
            Type::JSON => utf8(bytes).map(Cow::Borrowed),
            // One byte of version stands before the text.
            Type::JSONB => utf8(bytes.get(1..).unwrap_or_default()).map(Cow::Borrowed),
            _ => Err(self.wrong("JSON")),
        }
    }
}
