//! Values as BSON.
//!
//! | column type | BSON |
//! |---|---|
//! | integers up to 32 bits, `u32` and larger | int, long |
//! | floating point | double |
//! | decimal | decimal (34 digits, more are refused) |
//! | text, `char`, enum names | string |
//! | bytes, UUID | binary of subtype 0, of subtype 4 |
//! | calendar date | date at midnight UTC |
//! | time of day | long: nanoseconds since midnight |
//! | date and time, instant | date, or long: see [`MongoTimes`] |
//! | JSON | the value itself: documents, arrays, … |

use orm_core::meta::ModelMeta;
use orm_core::value::{ColumnType, DateTime, Datum};
use orm_core::{Error, ErrorKind, Result};

use crate::bson::{Key, Open, Writer, tag, to_decimal128, write_json};

/// How dates with a time of day are stored.
///
/// ```no_run
/// # async fn example() -> orm_core::Result<()> {
/// let db = orm_mongo::Mongo::builder("mongodb://localhost/shop").times(orm_mongo::MongoTimes::Micros).connect().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MongoTimes {
    /// As BSON dates, which keep milliseconds: a finer value is refused.
    #[default]
    Millis,
    /// As longs: microseconds since 1970. Other programs and TTL indexes do not take them for dates.
    Micros,
}

/// Appends a value of a column type.
pub fn write(
    writer: &mut Writer,
    key: Key<'_>,
    datum: &Datum,
    ty: ColumnType,
    times: MongoTimes,
) -> Result<()> {
    match datum {
        Datum::Null => writer.null(key),
        Datum::Bool(value) => writer.bool(key, *value),
        Datum::I64(value) => match (is_narrow(ty), i32::try_from(*value)) {
            (true, Ok(value)) => writer.i32(key, value),
            _ => writer.i64(key, *value),
        },
        Datum::F64(value) => writer.f64(key, *value),
        Datum::Text(value) => writer.str(key, value),
        Datum::Bytes(value) => writer.binary(key, 0, value),
        Datum::Uuid(value) => writer.binary(key, 4, value),
        Datum::Decimal(value) => {
            let bytes = to_decimal128(*value).ok_or_else(|| {
                Error::new(ErrorKind::OutOfRange, "MongoDB's decimals have 34 digits and no more")
            })?;
            writer.decimal(key, bytes);
        }
        Datum::Date(value) => writer.date(key, i64::from(value.days) * 86_400_000),
        Datum::Time(value) => writer.i64(key, value.nanos as i64),
        Datum::DateTime(value) | Datum::Timestamp(value) => match times {
            MongoTimes::Millis => writer.date(key, units(*value, 1000, "milliseconds")?),
            MongoTimes::Micros => writer.i64(key, units(*value, 1_000_000, "microseconds")?),
        },
        Datum::Native(native, bytes) if native.database == "mongodb" => {
            writer.raw(key, tag::OBJECT_ID, bytes)
        }
        Datum::Json(text) => write_json(writer, key, text)?,
        Datum::Invalid(error) => return Err((**error).clone()),
        Datum::List(list) => write_elements(writer, key, &list.values, (list.element.0)(), times)?,
        Datum::Array(list) => {
            let element = match ty {
                ColumnType::Array(element) => *element,
                other => other,
            };
            let open = writer.open_array(key);
            for (place, item) in list.iter().enumerate() {
                write(writer, Key::At(place), item, element, times)?;
            }
            writer.close(open);
        }
        other => {
            return Err(Error::new(ErrorKind::Usage, format!("{other:?} cannot stand here")));
        }
    }
    Ok(())
}

/// Appends a list of embedded structs, row-major, as an array of documents.
pub fn write_elements(
    writer: &mut Writer,
    key: Key<'_>,
    values: &[Datum],
    element: &ModelMeta,
    times: MongoTimes,
) -> Result<()> {
    let open = writer.open_array(key);
    for (at, row) in values.chunks(element.columns.len().max(1)).enumerate() {
        let document = writer.open(at);
        write_fields(writer, element, times, |index| row.get(index).unwrap_or(&Datum::Null), |_| false)?;
        writer.close(document);
    }
    writer.close(open);
    Ok(())
}

/// Appends the fields of a document, those of embedded structs together; `skip` leaves some out.
pub fn write_fields<'d>(
    writer: &mut Writer,
    model: &ModelMeta,
    times: MongoTimes,
    value: impl Fn(usize) -> &'d Datum,
    skip: impl Fn(usize) -> bool,
) -> Result<()> {
    let mut open: Vec<(&str, Open)> = Vec::new();
    for (index, column) in model.columns.iter().enumerate() {
        if skip(index) {
            continue;
        }
        let own = if column.path.is_empty() { &column.name } else { &column.path };
        let names: Vec<&str> =
            if column.path.is_empty() { vec![own.as_str()] } else { own.split('.').collect() };
        let (last, levels) = names.split_last().map_or(("", &[][..]), |(last, levels)| (*last, levels));
        let common = open.iter().zip(levels).take_while(|((name, _), level)| name == *level).count();
        while open.len() > common {
            if let Some((_, opened)) = open.pop() {
                writer.close(opened);
            }
        }
        for level in &levels[common..] {
            let opened = writer.open(*level);
            open.push((level, opened));
        }
        write(writer, Key::Name(last), value(index), column.ty(), times)
            .map_err(|error| error.with_model(model.name).with_field(column.field.clone()))?;
    }
    while let Some((_, opened)) = open.pop() {
        writer.close(opened);
    }
    Ok(())
}

/// Whether whole numbers of a type are stored in 32 bits.
pub fn is_narrow(ty: ColumnType) -> bool {
    matches!(ty, ColumnType::I8 | ColumnType::I16 | ColumnType::I32 | ColumnType::U8 | ColumnType::U16)
}

fn units(value: DateTime, per_second: i64, name: &str) -> Result<i64> {
    let nanos_per_unit = 1_000_000_000 / per_second;
    let nanos = i64::from(value.nanos);
    if nanos % nanos_per_unit != 0 {
        let error = Error::new(ErrorKind::Encode, format!("a time is finer than the {name} that are stored"));
        return Err(if per_second == 1000 {
            error.with_hint(
                "cut it to milliseconds, or store microseconds: `Mongo::builder(..).times(MongoTimes::Micros)`",
            )
        } else {
            error.with_hint("cut it to microseconds")
        });
    }
    value
        .secs
        .checked_mul(per_second)
        .and_then(|units| units.checked_add(nanos / nanos_per_unit))
        .ok_or_else(|| Error::new(ErrorKind::OutOfRange, "a time is too far from 1970"))
}

/// Refuses a command that holds a value which cannot be stored, before anything is sent.
pub fn check(command: &orm_core::ir::Command) -> Result<()> {
    use orm_core::ir::Binds;
    orm_core::ir::check(command)?;
    let mut fault = None;
    orm_core::ir::values(command, |binds| {
        let list = match binds {
            Binds::One(datum, _) => std::slice::from_ref(datum),
            Binds::List(list, _) | Binds::Tuples(list, _) | Binds::Rows(list, ..) => list,
            Binds::Number(_) => return,
        };
        if fault.is_none() {
            fault = list.iter().find_map(|datum| match datum {
                Datum::Invalid(error) => Some((**error).clone()),
                _ => None,
            });
        }
    });
    fault.map_or(Ok(()), Err)
}
