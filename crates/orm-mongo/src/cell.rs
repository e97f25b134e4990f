//! Reading values in place, from the bytes of a document.

use std::borrow::Cow;

use orm_core::Element;
use orm_core::backend::Row;
use orm_core::value::{Cell, CellError, CellResult, Date, DateTime, NativeType, Numeric, ReadElement, Time};

use crate::bson::{self, Elements, from_decimal128, i32_of, i64_of, tag};
use crate::layout::Layout;

/// Whole numbers up to here are exact in a double.
const EXACT: i64 = 1 << 53;

/// One value of a document. A field that is missing reads as NULL.
#[derive(Debug, Clone, Copy)]
pub struct MongoCell<'r> {
    pub ty: u8,
    pub bytes: &'r [u8],
}

impl MongoCell<'_> {
    fn refuse<T>(self, wanted: &'static str) -> CellResult<T> {
        match self.ty {
            tag::NULL | tag::UNDEFINED => Err(CellError::Null),
            ty => Err(CellError::Type { found: bson::type_name(ty), wanted }),
        }
    }

    fn double(self) -> f64 {
        self.bytes.try_into().map(f64::from_le_bytes).unwrap_or(f64::NAN)
    }
}

impl<'r> Cell<'r> for MongoCell<'r> {
    #[inline]
    fn is_null(self) -> bool {
        matches!(self.ty, tag::NULL | tag::UNDEFINED)
    }

    fn bool(self) -> CellResult<bool> {
        match self.ty {
            tag::BOOL => Ok(self.bytes == [1]),
            _ => self.refuse("a bool"),
        }
    }

    #[inline]
    fn i64(self) -> CellResult<i64> {
        match self.ty {
            tag::INT32 => Ok(i64::from(i32_of(self.bytes))),
            tag::INT64 => Ok(i64_of(self.bytes)),
            // JavaScript programs store whole numbers as doubles.
            tag::DOUBLE => {
                let number = self.double();
                if number.trunc() == number && number.abs() <= EXACT as f64 {
                    Ok(number as i64)
                } else {
                    Err(CellError::invalid("a double that is no whole number, or too large to be exact"))
                }
            }
            _ => self.refuse("a whole number"),
        }
    }

    fn f64(self) -> CellResult<f64> {
        match self.ty {
            tag::DOUBLE => Ok(self.double()),
            tag::INT32 => Ok(f64::from(i32_of(self.bytes))),
            tag::INT64 if i64_of(self.bytes).unsigned_abs() <= EXACT as u64 => Ok(i64_of(self.bytes) as f64),
            _ => self.refuse("a double"),
        }
    }

    #[inline]
    fn text(self) -> CellResult<&'r str> {
        match (self.ty, self.bytes) {
            (tag::STRING, [_, _, _, _, text @ .., 0]) => {
                std::str::from_utf8(text).map_err(|_| CellError::invalid("a string that is no UTF-8"))
            }
            _ => self.refuse("a string"),
        }
    }

    fn bytes(self) -> CellResult<&'r [u8]> {
        match (self.ty, self.bytes) {
            // Subtype 2 counts its length twice.
            (tag::BINARY, [_, _, _, _, 2, _, _, _, _, bytes @ ..]) => Ok(bytes),
            (tag::BINARY, [_, _, _, _, _, bytes @ ..]) => Ok(bytes),
            _ => self.refuse("binary data"),
        }
    }

    fn uuid(self) -> CellResult<[u8; 16]> {
        match (self.ty, self.bytes) {
            (tag::BINARY, [_, _, _, _, 4, uuid @ ..]) => {
                uuid.try_into().map_err(|_| CellError::invalid("a UUID has 16 bytes"))
            }
            (tag::BINARY, _) => {
                Err(CellError::invalid("binary data of another subtype than 4, which UUIDs have"))
            }
            _ => self.refuse("a UUID"),
        }
    }

    fn decimal(self) -> CellResult<Numeric> {
        let whole = |value: i64| Ok(Numeric { mantissa: value.into(), scale: 0 });
        match self.ty {
            tag::DECIMAL => {
                let bytes =
                    self.bytes.try_into().map_err(|_| CellError::invalid("a decimal has 16 bytes"))?;
                from_decimal128(bytes).map_err(CellError::invalid)
            }
            tag::INT32 => whole(i32_of(self.bytes).into()),
            tag::INT64 => whole(i64_of(self.bytes)),
            _ => self.refuse("a decimal"),
        }
    }

    fn date(self) -> CellResult<Date> {
        match self.ty {
            tag::DATE => {
                let millis = i64_of(self.bytes);
                if millis % 86_400_000 != 0 {
                    return Err(CellError::invalid("a date with a time of day"));
                }
                let days = i32::try_from(millis / 86_400_000);
                days.map(|days| Date { days }).map_err(|_| CellError::invalid("a date too far from 1970"))
            }
            _ => self.refuse("a date"),
        }
    }

    fn time(self) -> CellResult<Time> {
        match self.ty {
            tag::INT64 | tag::INT32 => {
                let nanos = u64::try_from(self.i64()?).ok().filter(|nanos| *nanos < 86_400_000_000_000);
                nanos.map(|nanos| Time { nanos }).ok_or_else(|| CellError::invalid("no time of a day"))
            }
            _ => self.refuse("a time: nanoseconds since midnight"),
        }
    }

    fn datetime(self) -> CellResult<DateTime> {
        let of = |units: i64, per_second: i64| DateTime {
            secs: units.div_euclid(per_second),
            nanos: (units.rem_euclid(per_second) * (1_000_000_000 / per_second)) as u32,
        };
        match self.ty {
            tag::DATE => Ok(of(i64_of(self.bytes), 1000)),
            tag::INT64 => Ok(of(i64_of(self.bytes), 1_000_000)),
            _ => self.refuse("a date"),
        }
    }

    fn timestamp(self) -> CellResult<DateTime> {
        self.datetime()
    }

    fn json(self) -> CellResult<Cow<'r, str>> {
        if self.is_null() {
            return Err(CellError::Null);
        }
        bson::read_json(self.ty, self.bytes).map(Cow::Owned).map_err(CellError::invalid)
    }

    fn native(self, ty: &'static NativeType) -> CellResult<&'r [u8]> {
        match self.ty {
            tag::OBJECT_ID if ty.name == "objectId" => Ok(self.bytes),
            _ => self.refuse("an ObjectId"),
        }
    }

    fn list<E: Element>(self) -> CellResult<Vec<E>> {
        if self.ty != tag::ARRAY {
            return self.refuse("an array of documents");
        }
        let layout = Layout::of_model(E::element());
        let mut spots = Spots::default();
        let read = |(_, ty, document): (&[u8], u8, &[u8])| {
            if ty != tag::DOCUMENT || !spots.fill(&layout, document) {
                return Err(CellError::invalid("an element that is no document"));
            }
            E::read(&MongoRow { document, spots: &spots }, 0, 0, E::element)
                .map_err(|error| CellError::invalid(error.to_string()))
        };
        Elements::of(self.bytes).map(read).collect()
    }

    fn elements<R: ReadElement>(self, read: &R) -> CellResult<Vec<R::Out>> {
        match self.ty {
            tag::ARRAY => {
                Elements::of(self.bytes).map(|(_, ty, bytes)| read.read(MongoCell { ty, bytes })).collect()
            }
            _ => self.refuse("an array"),
        }
    }
}

/// Where the values of the current document are.
#[derive(Debug, Clone, Copy)]
pub struct Spot {
    ty: u8,
    start: u32,
    len: u32,
}

const MISSING: Spot = Spot { ty: tag::NULL, start: 0, len: 0 };

/// The places of a row's values, kept from row to row.
#[derive(Debug, Default)]
pub struct Spots(Vec<Spot>);

impl Spots {
    /// Finds the values of a document in one walk.
    #[inline]
    pub fn fill(&mut self, layout: &Layout, document: &[u8]) -> bool {
        self.0.clear();
        self.0.resize(layout.width, MISSING);
        walk(&mut self.0, &layout.entries, document, 0)
    }
}

/// The fields of a document mostly come in the order of the columns: each is looked for where the last was found.
fn walk(spots: &mut [Spot], entries: &[crate::layout::Entry], document: &[u8], base: usize) -> bool {
    use crate::layout::What;
    let mut elements = Elements::of(document);
    let mut next = 0;
    let origin = document.as_ptr().addr();
    for (name, ty, value) in elements.by_ref() {
        let found = match entries.get(next) {
            Some(entry) if entry.name.as_bytes() == name => Some(next),
            _ => entries.iter().position(|entry| entry.name.as_bytes() == name),
        };
        let Some(found) = found else { continue };
        next = found + 1;
        let start = base + (value.as_ptr().addr() - origin);
        match &entries[found].what {
            What::Cell(at) => spots[*at] = Spot { ty, start: start as u32, len: value.len() as u32 },
            What::Level(inner) if ty == tag::DOCUMENT => {
                if !walk(spots, inner, value, start) {
                    return false;
                }
            }
            // Null, or something else that has no fields.
            What::Level(_) => {}
        }
    }
    !elements.is_broken()
}

/// A document with the places of its values.
#[derive(Debug)]
pub struct MongoRow<'d> {
    pub document: &'d [u8],
    pub spots: &'d Spots,
}

impl Row for MongoRow<'_> {
    type Cell<'a>
        = MongoCell<'a>
    where
        Self: 'a;

    #[inline]
    fn cell(&self, index: usize) -> MongoCell<'_> {
        let spot = self.spots.0.get(index).copied().unwrap_or(MISSING);
        let (start, end) = (spot.start as usize, spot.start as usize + spot.len as usize);
        MongoCell { ty: spot.ty, bytes: self.document.get(start..end).unwrap_or_default() }
    }

    fn width(&self) -> usize {
        self.spots.0.len()
    }
}
