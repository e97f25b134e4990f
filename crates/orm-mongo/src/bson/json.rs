//! BSON values as JSON text, and BSON for people.

use std::fmt::Write;

use super::{Elements, i32_of, i64_of, str_of, tag};

/// A BSON value as JSON text. What JSON has no form for is an error that says what it is.
pub fn read_json(ty: u8, value: &[u8]) -> Result<String, &'static str> {
    let mut text = String::new();
    json(&mut text, ty, value)?;
    Ok(text)
}

fn json(out: &mut String, ty: u8, value: &[u8]) -> Result<(), &'static str> {
    match ty {
        tag::DOCUMENT | tag::ARRAY => {
            let document = ty == tag::DOCUMENT;
            out.push(if document { '{' } else { '[' });
            let mut elements = Elements::of(value);
            for (place, (name, ty, value)) in elements.by_ref().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                if document {
                    string(out, std::str::from_utf8(name).map_err(|_| "a name that is no UTF-8")?);
                    out.push(':');
                }
                json(out, ty, value)?;
            }
            if elements.is_broken() {
                return Err("bytes that are no BSON");
            }
            out.push(if document { '}' } else { ']' });
        }
        tag::STRING => string(out, str_of(ty, value).ok_or("a string that is no UTF-8")?),
        tag::BOOL => out.push_str(if value == [1] { "true" } else { "false" }),
        tag::NULL | tag::UNDEFINED => out.push_str("null"),
        tag::INT32 => {
            let _ = write!(out, "{}", i32_of(value));
        }
        tag::INT64 => {
            let _ = write!(out, "{}", i64_of(value));
        }
        tag::DOUBLE => {
            let number = f64::from_le_bytes(value.try_into().map_err(|_| "a double that is cut off")?);
            if !number.is_finite() {
                return Err("a number that JSON cannot hold");
            }
            // The shortest text that reads back as the same number, always with a point or an exponent.
            let _ = write!(out, "{number:?}");
        }
        tag::DATE => return Err("a date, which JSON has no form for"),
        tag::DECIMAL => {
            let bytes = value.try_into().map_err(|_| "a decimal that is cut off")?;
            let number = super::from_decimal128(bytes)?;
            out.push_str(&decimal_text(number.mantissa, number.scale));
        }
        other => return Err(super::type_name(other)),
    }
    Ok(())
}

fn string(out: &mut String, text: &str) {
    // Serialising a str cannot fail.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// A document as relaxed extended JSON: <https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/>. Without `values`, what is
/// not a name, an operator or a path is a question mark.
pub fn pretty(document: &[u8], values: bool) -> String {
    let mut out = String::new();
    extended(&mut out, tag::DOCUMENT, document, values);
    out
}

fn extended(out: &mut String, ty: u8, value: &[u8], values: bool) {
    match ty {
        tag::DOCUMENT | tag::ARRAY => {
            let document = ty == tag::DOCUMENT;
            out.push(if document { '{' } else { '[' });
            for (place, (name, ty, value)) in Elements::of(value).enumerate() {
                if place > 0 {
                    out.push_str(", ");
                }
                if document {
                    string(out, &String::from_utf8_lossy(name));
                    out.push_str(": ");
                }
                extended(out, ty, value, values || (document && name == b"$limit"));
            }
            out.push(if document { '}' } else { ']' });
        }
        tag::STRING if str_of(ty, value).is_some_and(|text| values || text.starts_with('$')) => {
            string(out, str_of(ty, value).unwrap_or_default());
        }
        tag::NULL => out.push_str("null"),
        _ if !values => out.push('?'),
        tag::BOOL | tag::INT32 | tag::INT64 => {
            let _ = json(out, ty, value);
        }
        tag::DOUBLE => {
            if json(out, ty, value).is_err() {
                out.push_str("{\"$numberDouble\": \"Infinity\"}");
            }
        }
        tag::DATE => {
            let _ = write!(out, "{{\"$date\": {{\"$numberLong\": \"{}\"}}}}", i64_of(value));
        }
        tag::DECIMAL => {
            let number = value.try_into().map_err(|_| "cut off").and_then(super::from_decimal128);
            let text = number
                .map_or_else(|why| why.to_owned(), |number| decimal_text(number.mantissa, number.scale));
            let _ = write!(out, "{{\"$numberDecimal\": \"{text}\"}}");
        }
        tag::BINARY => {
            let bytes = value.get(5..).unwrap_or_default();
            let hex = bytes.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
            let _ = write!(
                out,
                "{{\"$binary\": {{\"hex\": \"{hex}\", \"subType\": \"{:02x}\"}}}}",
                value.get(4).unwrap_or(&0)
            );
        }
        tag::OBJECT_ID => {
            let hex = value.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
            let _ = write!(out, "{{\"$oid\": \"{hex}\"}}");
        }
        tag::REGEX => {
            let pattern = value.split(|byte| *byte == 0).next().unwrap_or_default();
            out.push_str("{\"$regularExpression\": {\"pattern\": ");
            string(out, &String::from_utf8_lossy(pattern));
            out.push_str(", \"options\": \"\"}}");
        }
        other => out.push_str(super::type_name(other)),
    }
}

/// The digits of a decimal number.
pub fn decimal_text(mantissa: i128, scale: u32) -> String {
    let scale = scale as usize;
    let digits = format!("{:0width$}", mantissa.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let (sign, point) = (if mantissa < 0 { "-" } else { "" }, if scale > 0 { "." } else { "" });
    format!("{sign}{whole}{point}{fraction}")
}
