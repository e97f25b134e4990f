//! BSON as bytes: a writer that appends, a reader that walks, and the two formats that need arithmetic.
//!
//! Commands are written straight into the buffer that is sent and rows are read from the buffer that came: no document of maps
//! and boxes stands in between. Source of the format: <https://bsonspec.org/spec.html>.

mod decimal;
mod json;
mod reader;
mod writer;

pub use decimal::{from_decimal128, to_decimal128};
pub use json::{pretty, read_json, write_json};
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
