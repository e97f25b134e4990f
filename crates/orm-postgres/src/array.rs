//! Arrays as text. The rows of an INSERT are an array for each column, and no array holds arrays of different lengths: there, a
//! column of arrays is one of texts (<https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO>).

use std::fmt::Write as _;

use orm_core::value::{Date, DateTime, Datum};

/// The array as the server reads it; nothing if it holds a value that has no text here.
pub fn text(list: &[Datum]) -> Option<String> {
    let mut out = String::from("{");
    for (place, datum) in list.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        if datum.is_null() {
            out.push_str("NULL");
            continue;
        }
        out.push('"');
        for c in element(datum)?.chars() {
            if matches!(c, '"' | '\\') {
                out.push('\\');
            }
            out.push(c);
        }
        out.push('"');
    }
    out.push('}');
    Some(out)
}

fn element(datum: &Datum) -> Option<String> {
    Some(match datum {
        Datum::Bool(value) => value.to_string(),
        Datum::I64(value) => value.to_string(),
        Datum::F64(value) if value.is_infinite() => {
            if *value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
        }
        // The shortest digits that are read back as the same number, or `NaN`.
        Datum::F64(value) => format!("{value:?}"),
        Datum::Text(value) | Datum::Json(value) => value.clone(),
        Datum::Bytes(value) => {
            value.iter().fold(String::from("\\x"), |mut text, byte| {
                // Writing to a String cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
        }
        Datum::Uuid(value) => format!("{:032x}", u128::from_be_bytes(*value)),
        Datum::Decimal(number) => format!("{}e-{}", { number.mantissa }, number.scale),
        Datum::Date(date) => era(*date, ""),
        Datum::Time(time) => time.to_string(),
        Datum::DateTime(at) => instant(*at, "")?,
        Datum::Timestamp(at) => instant(*at, "+00")?,
        _ => return None,
    })
}

fn instant(at: DateTime, zone: &str) -> Option<String> {
    let (date, time) = at.split()?;
    Some(era(date, &format!(" {time}{zone}")))
}

/// There is no year 0 on the server: the years before 1 are counted backwards.
fn era(date: Date, rest: &str) -> String {
    let (year, month, day) = date.civil();
    if year > 0 {
        format!("{year:04}-{month:02}-{day:02}{rest}")
    } else {
        format!("{:04}-{month:02}-{day:02}{rest} BC", 1 - year)
    }
}

#[cfg(test)]
mod tests {
    use orm_core::value::{Numeric, Time};

    use super::*;

    #[test]
    fn quotes_and_nulls_are_told_from_text() {
        let list = ["a", "", "NULL", "{\"x\\y\", z}"].map(|text| Datum::Text(text.into()));
        assert_eq!(text(&list).unwrap(), r#"{"a","","NULL","{\"x\\y\", z}"}"#);
        assert_eq!(text(&[Datum::Null, Datum::I64(-3)]).unwrap(), r#"{NULL,"-3"}"#);
        assert_eq!(text(&[]).unwrap(), "{}");
    }

    #[test]
    fn values_have_the_text_that_the_server_reads() {
        let one = |datum: Datum| text(&[datum]).unwrap();
        assert_eq!(one(Datum::Bytes(vec![0, 255])), r#"{"\\x00ff"}"#);
        assert_eq!(one(Datum::F64(f64::NEG_INFINITY)), r#"{"-Infinity"}"#);
        assert_eq!(one(Datum::F64(0.1)), r#"{"0.1"}"#);
        assert_eq!(one(Datum::Decimal(Numeric { mantissa: -1050, scale: 2 })), r#"{"-1050e-2"}"#);
        let ides = Date::from_civil(-43, 3, 15).unwrap();
        assert_eq!(one(Datum::Date(ides)), r#"{"0044-03-15 BC"}"#);
        let noon = Time::from_parts(12, 0, 0, 500_000_000).unwrap();
        assert_eq!(one(Datum::Timestamp(DateTime::join(ides, noon))), r#"{"0044-03-15 12:00:00.5+00 BC"}"#);
    }
}
