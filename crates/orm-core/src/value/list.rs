//! Lists as JSON: of embedded structs (`#[orm(embed)] lines: Vec<Line>`), and of values (`Array<T>`).
//!
//! One column: an array where the database has arrays, JSON elsewhere. Each value goes through the codec of its own type, so
//! that nothing is lost in either form.

use std::marker::PhantomData;

use serde_json::Value as Json;

use super::{
    Cell, CellError, CellResult, ColumnType, Date, DateTime, Datum, ElementMeta, ListDatum, Numeric,
    ReadElement, Scalar, Time,
};
use crate::backend::Row;
use crate::error::{Error, ErrorKind, Result};
use crate::meta::{ColumnMeta, ModelMeta};
use crate::model::Element;

/// A list of embedded structs, as a column sees it. The field is a plain `Vec` with `#[orm(embed)]`.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::value::List;
/// #[derive(Debug, Clone, PartialEq, Embedded)]
/// pub struct Step { pub text: String, pub minutes: Option<i32> }
/// #[derive(Debug, Model)]
/// pub struct Recipe {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     #[orm(embed)]
///     pub steps: Vec<Step>,
/// }
/// let column: orm::expr::Column<Recipe, List<Step>> = Recipe::steps;
/// assert_eq!(format!("{column:?}"), "Recipe::steps");
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct List<E>(pub Vec<E>);

impl<E: Element> Scalar for List<E> {
    const TYPE: ColumnType = ColumnType::List(ElementMeta(E::element));

    fn encode(self) -> Datum {
        let width = E::WIDTH as u16;
        let values = self.0.iter().flat_map(|row| (0..width).map(|column| row.datum(column))).collect();
        Datum::List(Box::new(ListDatum { element: ElementMeta(E::element), values }))
    }

    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        cell.list::<E>().map(List)
    }
}

/// The values of a list, row by row, as JSON text: for databases without documents.
pub(super) fn list_to_json(values: &[Datum], element: &ModelMeta) -> Result<String> {
    let rows: Vec<Json> = values
        .chunks(element.columns.len().max(1))
        .map(|row| {
            let mut object = serde_json::Map::new();
            for (datum, column) in row.iter().zip(&element.columns) {
                let value = to_json(datum).map_err(|error| error.with_field(column.field.clone()))?;
                insert(&mut object, &path(column), value);
            }
            Ok(Json::Object(object))
        })
        .collect::<Result<_>>()?;
    Ok(Json::Array(rows).to_string())
}

/// The values of an array as JSON text: for databases without arrays.
pub(super) fn array_to_json(values: &[Datum]) -> Result<String> {
    array_json(values).map(|list| list.to_string())
}

fn array_json(values: &[Datum]) -> Result<Json> {
    let value = |datum: &Datum| match datum {
        // One text for equal numbers, so that the database can compare them.
        Datum::Decimal(number) => to_json(&Datum::Decimal(number.normalized())),
        other => to_json(other),
    };
    Ok(Json::Array(values.iter().map(value).collect::<Result<_>>()?))
}

/// Where a column stands in an object.
fn path(column: &ColumnMeta) -> Vec<&str> {
    if column.path.is_empty() { vec![&column.name] } else { column.path.split('.').collect() }
}

fn insert(object: &mut serde_json::Map<String, Json>, path: &[&str], value: Json) {
    match path {
        [] => {}
        [last] => {
            object.insert((*last).to_owned(), value);
        }
        [first, rest @ ..] => {
            let inner =
                object.entry((*first).to_owned()).or_insert_with(|| Json::Object(serde_json::Map::new()));
            if let Json::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

fn to_json(datum: &Datum) -> Result<Json> {
    let refused =
        |what: &str| Err(Error::new(ErrorKind::Unsupported, format!("a list cannot hold {what} here")));
    Ok(match datum {
        Datum::Null => Json::Null,
        Datum::Bool(value) => Json::Bool(*value),
        Datum::I64(value) => Json::from(*value),
        Datum::F64(value) => match serde_json::Number::from_f64(*value) {
            Some(number) => Json::Number(number),
            None => return refused("an infinite number"),
        },
        Datum::Text(value) => Json::String(value.clone()),
        Datum::Uuid(value) => Json::String(value.iter().map(|byte| format!("{byte:02x}")).collect()),
        Datum::Decimal(value) => Json::String(decimal_text(*value)),
        Datum::Date(value) => Json::String(value.to_string()),
        Datum::Time(value) => Json::String(value.to_string()),
        Datum::DateTime(value) | Datum::Timestamp(value) => match value.split() {
            Some((date, time)) => Json::String(format!("{date} {time}")),
            None => return refused("a time so far from 1970"),
        },
        Datum::Json(text) => match serde_json::from_str(text) {
            // It would be read as what is absent.
            Ok(Json::Null) => return refused("a JSON null"),
            Ok(json) => json,
            Err(error) => return Err(Error::new(ErrorKind::Encode, "no JSON").with_source(error)),
        },
        Datum::Array(values) => array_json(values)?,
        Datum::List(list) => serde_json::from_str(&list.to_json()?).unwrap_or(Json::Null),
        Datum::Invalid(error) => return Err((**error).clone()),
        Datum::Bytes(_) => return refused("bytes"),
        _ => return refused("a value of this type"),
    })
}

fn decimal_text(value: Numeric) -> String {
    let scale = value.scale as usize;
    let digits = format!("{:0width$}", { value.mantissa }.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let (sign, point) = (if value.mantissa < 0 { "-" } else { "" }, if scale > 0 { "." } else { "" });
    format!("{sign}{whole}{point}{fraction}")
}

/// Reads a list from JSON text.
pub(super) fn list_from_json<E: Element>(text: &str) -> CellResult<Vec<E>> {
    let rows: Vec<Json> = serde_json::from_str(text)
        .map_err(|error| CellError::invalid(format!("the JSON is no list of objects: {error}")))?;
    let meta = E::element();
    let read = |object: &Json| {
        let row = JsonRow { object, columns: &meta.columns, marker: PhantomData::<E> };
        E::read(&row, 0, 0, E::element).map_err(|error| CellError::invalid(error.to_string()))
    };
    rows.iter().map(read).collect()
}

/// Reads an array from JSON text.
pub(super) fn array_from_json<R: ReadElement>(text: &str, read: &R) -> CellResult<Vec<R::Out>> {
    let values: Vec<Json> = serde_json::from_str(text)
        .map_err(|error| CellError::invalid(format!("the JSON is no list: {error}")))?;
    values.iter().map(|value| read.read(JsonCell(value))).collect()
}

/// An object as a row.
struct JsonRow<'v, E> {
    object: &'v Json,
    columns: &'v [ColumnMeta],
    marker: PhantomData<E>,
}

impl<E> Row for JsonRow<'_, E> {
    type Cell<'a>
        = JsonCell<'a>
    where
        Self: 'a;

    fn cell(&self, index: usize) -> JsonCell<'_> {
        let value = self.columns.get(index).and_then(|column| {
            path(column).into_iter().try_fold(self.object, |object, name| object.get(name))
        });
        JsonCell(value.unwrap_or(&Json::Null))
    }

    fn width(&self) -> usize {
        self.columns.len()
    }
}

#[derive(Clone, Copy)]
struct JsonCell<'v>(&'v Json);

impl<'v> JsonCell<'v> {
    fn refuse<T>(self, wanted: &'static str) -> CellResult<T> {
        Err(match self.0 {
            Json::Null => CellError::Null,
            Json::Bool(_) => CellError::Type { found: "a bool", wanted },
            Json::Number(_) => CellError::Type { found: "a number", wanted },
            Json::String(_) => CellError::Type { found: "a string", wanted },
            _ => CellError::Type { found: "an array or object", wanted },
        })
    }

    fn parsed<T>(self, wanted: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> CellResult<T> {
        match self.0 {
            Json::String(text) => {
                parse(text).ok_or_else(|| CellError::invalid(format!("the text is not {wanted}")))
            }
            _ => self.refuse(wanted),
        }
    }
}

fn parse_date(text: &str) -> Option<Date> {
    let mut parts = text.rsplitn(3, '-');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    Date::from_civil(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

fn parse_time(text: &str) -> Option<Time> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.split(':').map(|part| part.parse::<u32>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let nanos = if fraction.is_empty() { 0 } else { format!("{fraction:0<9}").parse().ok()? };
    Time::from_parts(hour, minute, second, nanos)
}

fn parse_datetime(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_once(' ')?;
    Some(DateTime::join(parse_date(date)?, parse_time(time)?))
}

impl<'v> Cell<'v> for JsonCell<'v> {
    fn is_null(self) -> bool {
        self.0.is_null()
    }
    fn bool(self) -> CellResult<bool> {
        self.0.as_bool().map_or_else(|| self.refuse("a bool"), Ok)
    }
    fn i64(self) -> CellResult<i64> {
        self.0.as_i64().map_or_else(|| self.refuse("a whole number"), Ok)
    }
    fn f64(self) -> CellResult<f64> {
        self.0.as_f64().map_or_else(|| self.refuse("a number"), Ok)
    }
    fn text(self) -> CellResult<&'v str> {
        self.0.as_str().map_or_else(|| self.refuse("a string"), Ok)
    }
    fn bytes(self) -> CellResult<&'v [u8]> {
        self.refuse("bytes, which JSON has no form for")
    }
    fn uuid(self) -> CellResult<[u8; 16]> {
        self.parsed("a UUID", |text| u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes))
    }
    fn decimal(self) -> CellResult<Numeric> {
        self.parsed("a decimal", |text| {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            let mantissa = format!("{whole}{fraction}").parse().ok()?;
            Some(Numeric { mantissa, scale: fraction.len() as u32 })
        })
    }
    fn date(self) -> CellResult<Date> {
        self.parsed("a date", parse_date)
    }
    fn time(self) -> CellResult<Time> {
        self.parsed("a time", parse_time)
    }
    fn datetime(self) -> CellResult<DateTime> {
        self.parsed("a date and time", parse_datetime)
    }
    fn timestamp(self) -> CellResult<DateTime> {
        self.datetime()
    }
    fn json(self) -> CellResult<std::borrow::Cow<'v, str>> {
        if self.is_null() { Err(CellError::Null) } else { Ok(self.0.to_string().into()) }
    }
}
