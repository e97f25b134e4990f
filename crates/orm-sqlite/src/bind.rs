//! Binding values straight from the command.

use std::rc::Rc;

use orm_core::ir::{self, Binds, Command, Shape};
use orm_core::value::{ColumnType, Date, DateTime, Datum, NativeType, Numeric, array_to_json};
use orm_core::{Error, ErrorKind, Result};
use rusqlite::Statement;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};

use crate::numeric;

/// What the one walk over a command's values finds out.
pub struct Checked {
    pub shape: Shape,
    /// About how many bytes are bound.
    pub bytes: usize,
    /// Whether a decimal has more digits than SQLite's numbers keep.
    pub long_decimals: bool,
}

/// Every value that cannot be stored is reported before anything is sent. The same walk gives the shape.
pub fn check(command: &Command) -> Result<Checked> {
    let (mut fault, mut bytes, mut long_decimals) = (None, 0, false);
    let shape = ir::binds(command, |bind| {
        let data: &[Datum] = match bind {
            Binds::One(datum, _) => std::slice::from_ref(datum),
            Binds::List(list, _) | Binds::Tuples(list, _) | Binds::Rows(list, _, _) => list,
            Binds::Number(_) => &[],
        };
        for datum in data {
            bytes += size(datum);
            long_decimals |= matches!(datum, Datum::Decimal(number) if numeric::is_long(*number));
            if fault.is_none() {
                fault = fault_of(datum);
            }
        }
    });
    match fault {
        Some(fault) => Err(fault),
        None => Ok(Checked { shape, bytes, long_decimals }),
    }
}

fn fault_of(datum: &Datum) -> Option<Error> {
    match datum {
        Datum::Invalid(error) => Some((**error).clone()),
        Datum::Array(list) => array_to_json(list).err(),
        Datum::List(list) => list.to_json().err(),
        Datum::Native(native, _) => Some(no_native(native)),
        Datum::Date(date) if !in_range(*date) => Some(out_of_range()),
        Datum::DateTime(at) | Datum::Timestamp(at) if !at.split().is_some_and(|(date, _)| in_range(date)) => {
            Some(out_of_range())
        }
        _ => None,
    }
}

fn size(datum: &Datum) -> usize {
    match datum {
        Datum::Text(text) | Datum::Json(text) => text.len(),
        Datum::Bytes(bytes) => bytes.len(),
        Datum::Array(list) => list.iter().map(size).sum(),
        // The other values are small.
        _ => 8,
    }
}

fn in_range(date: Date) -> bool {
    (0..=9999).contains(&date.civil().0)
}

pub fn no_bytes_in_arrays() -> Error {
    Error::new(ErrorKind::Unsupported, "an array is JSON on SQLite, which has no form for bytes")
        .with_hint("store the values as rows of a model of their own")
}

pub fn no_native(native: &NativeType) -> Error {
    Error::new(ErrorKind::Unsupported, format!("SQLite has no type `{}`", native.name))
        .with_hint("this type belongs to another database: use one that both have")
}

fn out_of_range() -> Error {
    Error::new(ErrorKind::OutOfRange, "SQLite keeps dates as text that sorts from year 0000 to 9999 only")
}

/// The lists that are bound to a statement. They must outlive it: SQLite gives back its share of a list when the statement is
/// reset or finalised, and the destructor that rusqlite 0.39 leaves there frees a last share as if it were a single byte
/// (`ToSqlOutput::from_rc`; mended in 0.40, whose `libsqlite3-sys` other drivers do not build with yet).
#[derive(Default)]
pub struct Lists(Vec<Rc<Vec<Value>>>);

/// Binds all parameters of a command, in the order in which the compiler numbered them. `values` take the place of the
/// rows of an INSERT; what is left to the database has no parameter. `lists` is made before the statement, so that it is dropped
/// after it.
pub fn bind(
    statement: &mut Statement<'_>,
    command: &Command,
    values: Option<&[Datum]>,
    lists: &mut Lists,
) -> rusqlite::Result<()> {
    let mut index = 0;
    let mut result = Ok(());
    ir::values(command, |bind| {
        if result.is_err() {
            return;
        }
        result = (|| match bind {
            Binds::One(datum, _) => {
                index += 1;
                statement.raw_bind_parameter(index, output(datum))
            }
            Binds::Number(number) => {
                index += 1;
                statement.raw_bind_parameter(index, i64::try_from(number).unwrap_or(i64::MAX))
            }
            Binds::List(list, _) => {
                index += 1;
                let list: Rc<Vec<Value>> = Rc::new(list.iter().map(owned).collect());
                lists.0.push(Rc::clone(&list));
                statement.raw_bind_parameter(index, list)
            }
            Binds::Tuples(rows, types) => {
                index += 1;
                statement.raw_bind_parameter(index, tuples(rows, types))
            }
            Binds::Rows(rows, _, _) => {
                for datum in values.unwrap_or(rows) {
                    if !matches!(datum, Datum::Default) {
                        index += 1;
                        statement.raw_bind_parameter(index, output(datum))?;
                    }
                }
                Ok(())
            }
        })();
    });
    result
}

/// The value as SQLite stores it, borrowed where it can be.
pub fn output(datum: &Datum) -> ToSqlOutput<'_> {
    match datum {
        Datum::Bool(value) => ToSqlOutput::Borrowed(ValueRef::Integer((*value).into())),
        Datum::I64(value) => ToSqlOutput::Borrowed(ValueRef::Integer(*value)),
        // A column stores a REAL without a fraction as an integer, which has no negative zero: it has none anywhere.
        Datum::F64(value) => ToSqlOutput::Borrowed(ValueRef::Real(value + 0.0)),
        Datum::Text(text) | Datum::Json(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        Datum::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        Datum::Uuid(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        Datum::Decimal(number) => ToSqlOutput::Owned(Value::Text(numeric_text(*number))),
        Datum::Date(date) => ToSqlOutput::Owned(Value::Text(date.to_string())),
        Datum::Time(time) => ToSqlOutput::Owned(Value::Text(time.to_string())),
        Datum::DateTime(at) | Datum::Timestamp(at) => ToSqlOutput::Owned(Value::Text(instant_text(*at))),
        Datum::Array(list) => ToSqlOutput::Owned(array_to_json(list).map_or(Value::Null, Value::Text)),
        Datum::List(list) => ToSqlOutput::Owned(list.to_json().map_or(Value::Null, Value::Text)),
        // `check` has refused invalid values, and the insert leaves defaults out; NULL is what is left.
        _ => ToSqlOutput::Borrowed(ValueRef::Null),
    }
}

fn owned(datum: &Datum) -> Value {
    match output(datum) {
        ToSqlOutput::Owned(value) => value,
        // A text of ours is UTF-8.
        ToSqlOutput::Borrowed(value) => Value::try_from(value).unwrap_or(Value::Null),
        _ => Value::Null,
    }
}

fn instant_text(at: DateTime) -> String {
    at.split().map(|(date, time)| format!("{date} {time}")).unwrap_or_default()
}

/// The canonical text: no trailing zeros, no negative zero.
pub fn numeric_text(number: Numeric) -> String {
    let Numeric { mantissa, scale } = number.normalized();
    let digits = mantissa.unsigned_abs().to_string();
    let sign = if mantissa < 0 { "-" } else { "" };
    let scale = scale as usize;
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// A JSON array of arrays; bytes as hexadecimal text.
fn tuples(rows: &[Datum], types: &[ColumnType]) -> String {
    let mut out = String::from("[");
    for (number, tuple) in rows.chunks(types.len().max(1)).enumerate() {
        out.push_str(if number == 0 { "[" } else { ",[" });
        for (number, datum) in tuple.iter().enumerate() {
            if number > 0 {
                out.push(',');
            }
            match owned(datum) {
                Value::Null => out.push_str("null"),
                Value::Integer(value) => out.push_str(&value.to_string()),
                Value::Real(value) => out.push_str(&format!("{value:e}")),
                Value::Text(text) => quote(&text, &mut out),
                Value::Blob(bytes) => {
                    out.push('"');
                    bytes.iter().for_each(|byte| out.push_str(&format!("{byte:02X}")));
                    out.push('"');
                }
            }
        }
        out.push(']');
    }
    out.push(']');
    out
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_one_text() {
        let text = |mantissa, scale| numeric_text(Numeric { mantissa, scale });
        assert_eq!([text(110, 2), text(-5, 3), text(0, 4), text(700, 0)], ["1.1", "-0.005", "0", "700"]);
    }

    #[test]
    fn tuples_are_json() {
        let rows = [Datum::I64(1), Datum::Text("a\"\n".into()), Datum::I64(2), Datum::Bytes(vec![255])];
        assert_eq!(tuples(&rows, &[ColumnType::I64, ColumnType::Text]), r#"[[1,"a\"\u000a"],[2,"FF"]]"#);
        let rows = [Datum::Null, Datum::F64(0.5), Datum::Text(r"a\b".into()), Datum::Bool(true)];
        assert_eq!(tuples(&rows, &[ColumnType::I64, ColumnType::F64]), r#"[[null,5e-1],["a\\b",1]]"#);
    }
}
