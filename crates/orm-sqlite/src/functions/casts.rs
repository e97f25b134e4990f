//! Conversions between types with the meaning that they have on other databases, where SQLite's own CAST makes 0 of `'abc'`, drops
//! digits of a REAL and saturates integers.

use rusqlite::functions::Context;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Result};

use super::{PURE, text_of};
use crate::cell::parse_numeric;

/// What is said of a text that is no value of the type.
pub const NO_VALUE: &str = "the text is no value of the type that it is cast to";
/// What is said of a number beyond the type.
pub const TOO_LARGE: &str = "integer overflow: the number does not fit the type that it is cast to";

pub fn register(connection: &Connection) -> Result<()> {
    connection.create_scalar_function("orm_integer", 2, PURE, |context| {
        let value = match context.get_raw(0) {
            ValueRef::Null => return Ok(None),
            ValueRef::Integer(value) => i128::from(value),
            // Beyond these bounds a cast would saturate, which is refused below.
            ValueRef::Real(value) if value.abs() < 1e30 => value.trunc() as i128,
            ValueRef::Text(bytes) => whole(str_of(bytes)?)?,
            _ => return Err(fault(TOO_LARGE)),
        };
        in_bits(value, context.get(1)?).map(Some)
    })?;
    connection.create_scalar_function("orm_parse_integer", 2, PURE, |context| {
        let Some(text) = trimmed(context)? else { return Ok(None) };
        let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(fault(NO_VALUE));
        }
        let value = text.parse::<i128>().map_err(|_| fault(TOO_LARGE))?;
        in_bits(value, context.get(1)?).map(Some)
    })?;
    connection.create_scalar_function("orm_parse_real", 1, PURE, |context| {
        let Some(text) = trimmed(context)? else { return Ok(None) };
        text.parse::<f64>().map(Some).map_err(|_| fault(NO_VALUE))
    })?;
    connection.create_scalar_function("orm_single", 1, PURE, |context| {
        let value: Option<f64> = context.get(0)?;
        Ok(value.map(|value| f64::from(value as f32)))
    })?;
    connection.create_scalar_function("orm_real_text", 2, PURE, |context| {
        let value: Option<f64> = context.get(0)?;
        let single: bool = context.get(1)?;
        Ok(value.map(|value| real_text(value, single)))
    })?;
    connection.create_scalar_function("orm_decimal_of_real", 2, PURE, |context| {
        let value: Option<f64> = context.get(0)?;
        let single: bool = context.get(1)?;
        value.map(|value| decimal_text(&shortest(value, single))).transpose()
    })?;
    connection.create_scalar_function("orm_real_round", 3, PURE, |context| {
        let (value, digits): (Option<f64>, Option<i64>) = (context.get(0)?, context.get(1)?);
        let single: bool = context.get(2)?;
        Ok(value
            .zip(digits)
            .map(|(value, digits)| round(value, usize::try_from(digits).unwrap_or(0), single)))
    })?;
    connection.create_scalar_function("orm_parse_bool", 1, PURE, |context| {
        let Some(text) = trimmed(context)? else { return Ok(None) };
        // https://www.postgresql.org/docs/current/datatype-boolean.html
        match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => Ok(Some(true)),
            "false" | "f" | "no" | "n" | "off" | "0" => Ok(Some(false)),
            _ => Err(fault(NO_VALUE)),
        }
    })?;
    connection.create_scalar_function("orm_parse_uuid", 1, PURE, |context| {
        let Some(text) = trimmed(context)? else { return Ok(None) };
        let digits: Vec<u8> = text
            .bytes()
            .filter(|byte| !matches!(byte, b'-' | b'{' | b'}'))
            .map(|byte| byte as char)
            .filter_map(|digit| digit.to_digit(16))
            .map(|digit| digit as u8)
            .collect();
        let strange =
            text.bytes().any(|byte| !byte.is_ascii_hexdigit() && !matches!(byte, b'-' | b'{' | b'}'));
        if strange || digits.len() != 32 {
            return Err(fault(NO_VALUE));
        }
        Ok(Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect::<Vec<u8>>()))
    })?;
    connection.create_scalar_function("orm_uuid_text", 1, PURE, |context| match context.get_raw(0) {
        ValueRef::Null => Ok(None),
        ValueRef::Blob(bytes) if bytes.len() == 16 => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(Some([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")))
        }
        _ => Err(fault("the bytes are no UUID")),
    })
}

fn fault(text: &'static str) -> Error {
    Error::UserFunctionError(text.into())
}

fn str_of(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| fault(NO_VALUE))
}

/// A text without white space around it.
fn trimmed(context: &Context<'_>) -> Result<Option<String>> {
    match context.get_raw(0) {
        ValueRef::Null => Ok(None),
        ValueRef::Text(bytes) => Ok(Some(str_of(bytes)?.trim_ascii().to_owned())),
        _ => Err(fault(NO_VALUE)),
    }
}

/// The whole part of a decimal.
fn whole(text: &str) -> Result<i128> {
    let number = parse_numeric(text).map_err(|_| fault(NO_VALUE))?;
    Ok(10_i128.checked_pow(number.scale).map_or(0, |unit| number.mantissa / unit))
}

fn in_bits(value: i128, bits: u32) -> Result<i64> {
    let bound = 1_i128 << (bits.clamp(1, 64) - 1);
    if (-bound..bound).contains(&value) { Ok(value as i64) } else { Err(fault(TOO_LARGE)) }
}

/// The shortest digits that are read back as the number, without an exponent.
fn shortest(value: f64, single: bool) -> String {
    if single { (value as f32).to_string() } else { value.to_string() }
}

fn decimal_text(digits: &str) -> Result<String> {
    let number = parse_numeric(digits).map_err(|_| super::overflow())?.normalized();
    let value = rust_decimal::Decimal::try_from_i128_with_scale(number.mantissa, number.scale);
    value.map(text_of).map_err(|_| super::overflow())
}

/// The text of a floating-point number on PostgreSQL: its shortest digits, with an exponent where it is small or large
/// (<https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-FLOAT>).
fn real_text(value: f64, single: bool) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = if single { format!("{:e}", value as f32) } else { format!("{value:e}") };
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= if single { 6 } else { 15 } {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.unsigned_abs());
    }
    shortest(value, single)
}

/// Rounds to digits behind the point: the half of the shortest digits away from zero.
fn round(value: f64, digits: usize, single: bool) -> f64 {
    let text = shortest(value, single);
    let Some((whole, fraction)) = text.split_once('.').filter(|(_, fraction)| fraction.len() > digits) else {
        return value;
    };
    let mut kept: Vec<u8> = whole.bytes().chain(fraction.bytes().take(digits)).collect();
    if fraction.as_bytes()[digits] >= b'5' {
        let mut carried = true;
        for digit in kept.iter_mut().rev().filter(|digit| digit.is_ascii_digit()) {
            (*digit, carried) = if *digit == b'9' { (b'0', true) } else { (*digit + 1, false) };
            if !carried {
                break;
            }
        }
        if carried {
            kept.insert(usize::from(whole.starts_with('-')), b'1');
        }
    }
    let point = kept.len() - digits;
    let text = [&String::from_utf8_lossy(&kept[..point]), ".", &String::from_utf8_lossy(&kept[point..]), "0"]
        .concat();
    let rounded = text.parse().unwrap_or(value);
    if single { f64::from(rounded as f32) } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_numbers_are_those_of_postgresql() {
        let double = |value| real_text(value, false);
        assert_eq!(
            [0.1 + 0.2, 1e14, 1e15, 123456789012345680.0, 0.0001, 0.00001, -1.5, 100000000000000.5]
                .map(double),
            [
                "0.30000000000000004",
                "100000000000000",
                "1e+15",
                "1.2345678901234568e+17",
                "0.0001",
                "1e-05",
                "-1.5",
                "100000000000000.5"
            ]
        );
        let single = |value: f32| real_text(value.into(), true);
        assert_eq!(
            [0.1, 1e6, 999_999.0, 12_345_678.0, 1.5e-5].map(single),
            ["0.1", "1e+06", "999999", "1.2345678e+07", "1.5e-05"]
        );
    }

    #[test]
    fn halves_of_the_shortest_digits_go_away_from_zero() {
        let rounded = |value, digits| round(value, digits, false);
        assert_eq!(rounded(2.675, 2), 2.68);
        assert_eq!(rounded(-2.5, 0), -3.0);
        assert_eq!(rounded(9.995, 2), 10.0);
        assert_eq!(rounded(99.5, 0), 100.0);
        assert_eq!(rounded(123456789012345680.0, 0), 123456789012345680.0);
        assert_eq!(rounded(1.25, 5), 1.25);
    }
}
