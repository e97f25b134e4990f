//! Reading a column from the slice that the server sent.

use std::borrow::Cow;
use std::cell::Cell as StdCell;
use std::error::Error as StdError;

use orm_core::backend::Row;
use orm_core::value::{
    Cell, CellError, CellResult, Date, DateTime, FromFields, NativeType, Numeric, ReadElement, Time,
};
use tokio_postgres::types::{FromSql, Kind, Type};

use crate::bind::{MONEY, fits};
use crate::numeric;

/// Days from 1970-01-01 to PostgreSQL's epoch, 2000-01-01.
pub const EPOCH_DAYS: i32 = 10_957;
/// The same in seconds.
pub const EPOCH_SECS: i64 = EPOCH_DAYS as i64 * 86_400;

/// A row of the server, and the column that was read last.
pub struct PgRow<'r>(&'r tokio_postgres::Row, StdCell<usize>);

impl<'r> PgRow<'r> {
    pub fn new(row: &'r tokio_postgres::Row) -> Self {
        PgRow(row, StdCell::new(0))
    }

    /// The column that was read last: where an error happened.
    pub fn last(&self) -> usize {
        self.1.get()
    }
}

impl Row for PgRow<'_> {
    type Cell<'a>
        = PgCell<'a>
    where
        Self: 'a;

    #[inline]
    fn cell(&self, index: usize) -> PgCell<'_> {
        self.1.set(index);
        let ty = self.0.columns().get(index).map_or(&Type::UNKNOWN, |column| column.type_());
        PgCell { bytes: self.0.try_get::<_, Raw<'_>>(index).ok().and_then(|raw| raw.0), ty }
    }

    fn width(&self) -> usize {
        self.0.len()
    }

    fn name(&self, index: usize) -> Option<&str> {
        self.0.columns().get(index).map(|column| column.name())
    }
}

/// A column of it.
#[derive(Clone, Copy)]
pub struct PgCell<'r> {
    bytes: Option<&'r [u8]>,
    ty: &'r Type,
}

/// Only a carrier: it takes any type and copies nothing.
pub struct Raw<'r>(pub Option<&'r [u8]>);

impl<'r> FromSql<'r> for Raw<'r> {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Raw(Some(raw)))
    }
    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Raw(None))
    }
    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The type under a domain. The columns of a row have it already, elements and fields have not.
fn under(mut ty: &Type) -> &Type {
    while let Kind::Domain(inner) = ty.kind() {
        ty = inner;
    }
    ty
}

/// Whether values of a type are sent as their text: enums, `citext`, domains over text.
pub fn is_textual(ty: &Type) -> bool {
    if *ty == Type::TEXT {
        return true;
    }
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
    /// A value of this type, as it stands in a row or within another value.
    pub fn new(bytes: Option<&'r [u8]>, ty: &'r Type) -> Self {
        PgCell { bytes, ty: under(ty) }
    }

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
            Type::MONEY => MONEY,
            _ if is_textual(self.ty) => "text",
            _ if matches!(self.ty.kind(), Kind::Array(_)) => "an array",
            _ if matches!(self.ty.kind(), Kind::Composite(_)) => "a composite",
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

/// What is left of a value that holds others.
struct Parts<'r>(&'r [u8]);

impl<'r> Parts<'r> {
    fn word(&mut self) -> CellResult<i32> {
        let (head, tail) = self.0.split_first_chunk().ok_or_else(cut_off)?;
        self.0 = tail;
        Ok(i32::from_be_bytes(*head))
    }

    /// A length and as many bytes; none for NULL.
    fn value(&mut self) -> CellResult<Option<&'r [u8]>> {
        let Ok(length) = usize::try_from(self.word()?) else { return Ok(None) };
        let (bytes, tail) = self.0.split_at_checked(length).ok_or_else(cut_off)?;
        self.0 = tail;
        Ok(Some(bytes))
    }
}

#[cold]
fn cut_off() -> CellError {
    CellError::invalid("a value is cut off")
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
        if is_textual(self.ty) { utf8(bytes) } else { Err(self.wrong("text")) }
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
        if matches!(*self.ty, Type::TIMESTAMP | Type::TIMESTAMPTZ) {
            self.micros()
        } else {
            Err(self.wrong("a timestamp without time zone"))
        }
    }
    fn timestamp(self) -> CellResult<DateTime> {
        self.present()?;
        // One without a zone, from another program, is in UTC: so is the session in which it is compared.
        if matches!(*self.ty, Type::TIMESTAMP | Type::TIMESTAMPTZ) {
            self.micros()
        } else {
            Err(self.wrong("a timestamp with time zone"))
        }
    }
    fn elements<R: ReadElement>(self, read: &R) -> CellResult<Vec<R::Out>> {
        let mut parts = Parts(self.present()?);
        let Kind::Array(element) = self.ty.kind() else { return Err(self.wrong("an array")) };
        let (dimensions, _, _) = (parts.word()?, parts.word()?, parts.word()?);
        let count = match dimensions {
            0 => 0,
            1 => {
                let count = parts.word()?;
                parts.word()?;
                count
            }
            _ => return Err(CellError::invalid("it is an array of several dimensions")),
        };
        let mut values = Vec::with_capacity(count.clamp(0, 1 << 20) as usize);
        for _ in 0..count {
            values.push(read.read(PgCell::new(parts.value()?, element))?);
        }
        Ok(values)
    }
    fn native(self, wanted: &'static NativeType) -> CellResult<&'r [u8]> {
        let bytes = self.present()?;
        if fits(wanted, self.ty) {
            return Ok(bytes);
        }
        let text = format!("it is of the type `{}` where `{}` is wanted", self.ty.name(), wanted.name);
        Err(CellError::invalid(if *self.ty == Type::MONEY { MONEY.to_owned() } else { text }))
    }
    fn composite<F: FromFields>(self) -> CellResult<F> {
        let mut parts = Parts(self.present()?);
        let Kind::Composite(fields) = self.ty.kind() else { return Err(self.wrong("a composite")) };
        let count = parts.word()?;
        if fields.len() != F::FIELDS || usize::try_from(count) != Ok(F::FIELDS) {
            let text = format!("the type `{}` has {count} fields, the struct {}", self.ty.name(), F::FIELDS);
            return Err(CellError::invalid(text));
        }
        let mut cells = vec![PgCell { bytes: None, ty: &Type::UNKNOWN }; fields.len()];
        for field in fields {
            parts.word()?;
            // By their names: the server's type may have them in another order.
            let Some(place) = F::NAMES.iter().position(|name| *name == field.name()) else {
                let text = format!(
                    "the type `{}` has a field `{}`, the struct has not",
                    self.ty.name(),
                    field.name()
                );
                return Err(CellError::invalid(text));
            };
            cells[place] = PgCell::new(parts.value()?, field.type_());
        }
        F::from_fields(&cells)
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
