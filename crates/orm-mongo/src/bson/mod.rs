//! BSON as bytes: a writer that appends, a reader that walks, and the two formats that need arithmetic.
//!
//! Commands are written straight into the buffer that is sent and rows are read from the buffer that came: no document of maps
//! and boxes stands in between. Source of the format: <https://bsonspec.org/spec.html>.

mod decimal;
mod json;
mod json_text;
mod reader;
mod writer;

pub use decimal::{from_decimal128, to_decimal128};
pub use json::{pretty, read_json};
pub use json_text::write_json;
pub use reader::{Elements, get, i32_of, i64_of, str_of};
pub use writer::{Key, Open, Writer};

/// The type bytes of BSON.
pub mod tag {
    pub const DOUBLE: u8 = 0x01;
    pub const STRING: u8 = 0x02;
    pub const DOCUMENT: u8 = 0x03;
    pub const ARRAY: u8 = 0x04;
    pub const BINARY: u8 = 0x05;
    pub const UNDEFINED: u8 = 0x06;
    pub const OBJECT_ID: u8 = 0x07;
    pub const BOOL: u8 = 0x08;
    pub const DATE: u8 = 0x09;
    pub const NULL: u8 = 0x0A;
    pub const REGEX: u8 = 0x0B;
    pub const CODE: u8 = 0x0D;
    pub const INT32: u8 = 0x10;
    pub const TIMESTAMP: u8 = 0x11;
    pub const INT64: u8 = 0x12;
    pub const DECIMAL: u8 = 0x13;
    pub const MIN_KEY: u8 = 0xFF;
    pub const MAX_KEY: u8 = 0x7F;
}

/// A number in the one form that all equal numbers share: whole ones as longs, decimals without zeros at the end. Other values
/// stay as they are.
pub fn canonical(ty: u8, value: Vec<u8>) -> (u8, Vec<u8>) {
    let long = |number: i64| (tag::INT64, number.to_le_bytes().to_vec());
    match ty {
        tag::INT32 => long(i32_of(&value).into()),
        tag::DECIMAL => {
            let Ok(number) = value
                .as_slice()
                .try_into()
                .map_err(|_| ())
                .and_then(|bytes| from_decimal128(bytes).map_err(|_| ()))
            else {
                return (ty, value);
            };
            let number = number.normalized();
            match (number.scale, i64::try_from(number.mantissa)) {
                (0, Ok(whole)) => long(whole),
                _ => to_decimal128(number).map_or((ty, value), |bytes| (ty, bytes.to_vec())),
            }
        }
        tag::DOUBLE => {
            let number = value.as_slice().try_into().map_or(f64::NAN, f64::from_le_bytes);
            // Also the two zeros.
            if number.trunc() == number && number.abs() <= 9_007_199_254_740_992.0 {
                long(number as i64)
            } else {
                (ty, value)
            }
        }
        _ => (ty, value),
    }
}

/// What a type byte is called in an error.
pub fn type_name(ty: u8) -> &'static str {
    match ty {
        tag::DOUBLE => "a double",
        tag::STRING => "a string",
        tag::DOCUMENT => "a document",
        tag::ARRAY => "an array",
        tag::BINARY => "binary data",
        tag::OBJECT_ID => "an ObjectId",
        tag::BOOL => "a bool",
        tag::DATE => "a date",
        tag::NULL | tag::UNDEFINED => "null",
        tag::REGEX => "a regular expression",
        tag::INT32 => "an int",
        tag::TIMESTAMP => "a timestamp",
        tag::INT64 => "a long",
        tag::DECIMAL => "a decimal",
        _ => "a value of another type",
    }
}
