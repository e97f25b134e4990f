//! JSON text as BSON values.
//!
//! Objects are stored with their keys in order and each key once, so that equal documents are equal to the server, which compares
//! field by field. Numbers keep their value: a whole one is a long, one that a double has exactly (as its shortest text) a double,
//! any other a decimal of up to 34 digits. `serde_json` would round numbers, or hand them over as objects, depending on features
//! that another crate of the program may have switched on.

use std::borrow::Cow;

use orm_core::value::Numeric;
use orm_core::{Error, ErrorKind, Result};

use super::{Key, Writer, to_decimal128};

/// The server takes documents of 100 levels.
const DEPTH: usize = 90;

/// Appends a JSON text as a BSON value.
pub fn write_json(writer: &mut Writer, key: Key<'_>, text: &str) -> Result<()> {
    let refused =
        |why: &str| Error::new(ErrorKind::Encode, format!("the document cannot be stored unchanged: {why}"));
    let mut parser = Parser { text, at: 0 };
    let json = parser.value(0).map_err(refused)?;
    parser.blanks();
    if parser.at != text.len() {
        return Err(refused("there is text behind it"));
    }
    if matches!(json, Json::Null) {
        return Err(refused("MongoDB cannot tell JSON's null from a missing value")
            .with_hint("store `None` in an optional field, or put the null into an object or list"));
    }
    write(writer, key, json);
    Ok(())
}

enum Json<'t> {
    Null,
    Bool(bool),
    Long(i64),
    Double(f64),
    Decimal([u8; 16]),
    Text(Cow<'t, str>),
    List(Vec<Json<'t>>),
    /// Ordered by key.
    Object(Vec<(Cow<'t, str>, Json<'t>)>),
}

fn write(writer: &mut Writer, key: Key<'_>, json: Json<'_>) {
    match json {
        Json::Null => writer.null(key),
        Json::Bool(value) => writer.bool(key, value),
        Json::Long(value) => writer.i64(key, value),
        Json::Double(value) => writer.f64(key, value),
        Json::Decimal(value) => writer.decimal(key, value),
        Json::Text(value) => writer.str(key, &value),
        Json::List(items) => {
            let open = writer.open_array(key);
            for (place, item) in items.into_iter().enumerate() {
                write(writer, Key::At(place), item);
            }
            writer.close(open);
        }
        Json::Object(fields) => {
            let open = writer.open(key);
            for (name, value) in fields {
                write(writer, Key::Name(&name), value);
            }
            writer.close(open);
        }
    }
}

type Parsed<T> = std::result::Result<T, &'static str>;

const BROKEN: &str = "it is no JSON";

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Whether the next sign is this one, which is then passed.
    fn sign(&mut self, sign: u8) -> bool {
        self.blanks();
        let found = self.peek() == Some(sign);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str, json: Json<'t>) -> Parsed<Json<'t>> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            return Ok(json);
        }
        Err(BROKEN)
    }

    fn value(&mut self, depth: usize) -> Parsed<Json<'t>> {
        if depth > DEPTH {
            return Err("it is nested too deep for MongoDB");
        }
        self.blanks();
        match self.peek().ok_or(BROKEN)? {
            b'n' => self.word("null", Json::Null),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'"' => self.string().map(Json::Text),
            b'[' => {
                self.at += 1;
                let mut items = Vec::new();
                if self.sign(b']') {
                    return Ok(Json::List(items));
                }
                loop {
                    items.push(self.value(depth + 1)?);
                    if self.sign(b']') {
                        return Ok(Json::List(items));
                    }
                    if !self.sign(b',') {
                        return Err(BROKEN);
                    }
                }
            }
            b'{' => {
                self.at += 1;
                self.object(depth)
            }
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Parsed<Json<'t>> {
        let mut fields: Vec<(Cow<'t, str>, Json<'t>)> = Vec::new();
        if self.sign(b'}') {
            return Ok(Json::Object(fields));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(BROKEN);
            }
            let name = self.string()?;
            if name.contains('\0') {
                return Err("a key holds the character U+0000");
            }
            if !self.sign(b':') {
                return Err(BROKEN);
            }
            let value = self.value(depth + 1)?;
            // Of equal keys the last one counts.
            match fields.binary_search_by(|(known, _)| known.cmp(&name)) {
                Ok(place) => fields[place].1 = value,
                Err(place) => fields.insert(place, (name, value)),
            }
            if self.sign(b'}') {
                return Ok(Json::Object(fields));
            }
            if !self.sign(b',') {
                return Err(BROKEN);
            }
        }
    }

    fn string(&mut self) -> Parsed<Cow<'t, str>> {
        let start = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut end = start;
        let mut escaped = false;
        loop {
            match bytes.get(end).ok_or(BROKEN)? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    end += 2;
                }
                _ => end += 1,
            }
        }
        self.at = end + 1;
        let inner = self.text.get(start..end).ok_or(BROKEN)?;
        if !escaped && !inner.bytes().any(|byte| byte < b' ') {
            return Ok(Cow::Borrowed(inner));
        }
        let whole = self.text.get(start - 1..=end).ok_or(BROKEN)?;
        serde_json::from_str::<String>(whole).map(Cow::Owned).map_err(|_| "a text is no Unicode")
    }

    fn number(&mut self) -> Parsed<Json<'t>> {
        let rest = &self.text[self.at..];
        let signs = |letter: char| !matches!(letter, '0'..='9' | '+' | '-' | '.' | 'e' | 'E');
        let own = &rest[..rest.find(signs).unwrap_or(rest.len())];
        self.at += own.len();
        number(own)
    }
}

/// The number of a text, unchanged.
fn number(text: &str) -> Parsed<Json<'static>> {
    if let Ok(whole) = text.parse::<i64>()
        && text.starts_with(|first: char| first != '+')
    {
        // A double has a zero with a sign, which equals this one.
        return Ok(Json::Long(whole));
    }
    let exact = digits(text)?;
    let double: f64 = text.parse().map_err(|_| BROKEN)?;
    if double.is_finite() && digits(&format!("{double:e}")) == Ok(exact.clone()) {
        return Ok(Json::Double(double));
    }
    let (negative, coefficient, exponent) = exact;
    let too_long = "a number has more digits than MongoDB's 34";
    let mantissa: i128 = coefficient.parse().map_err(|_| too_long)?;
    let mantissa = if negative { -mantissa } else { mantissa };
    let number = match u32::try_from(exponent.saturating_neg()) {
        Ok(scale) => Numeric { mantissa, scale },
        Err(_) => {
            let factor = u32::try_from(exponent).ok().and_then(|power| 10_i128.checked_pow(power));
            let mantissa = factor.and_then(|factor| mantissa.checked_mul(factor)).ok_or(too_long)?;
            Numeric { mantissa, scale: 0 }
        }
    };
    // A decimal that is read back may have no more places than this.
    if number.scale > 34 {
        return Err(too_long);
    }
    to_decimal128(number).map(Json::Decimal).ok_or(too_long)
}

/// Sign, digits without zeros at either end, and the power of ten of the last one.
fn digits(text: &str) -> Parsed<(bool, String, i64)> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (number, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i64>().map_err(|_| BROKEN)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let all = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all(whole) || !all(fraction) || number.ends_with('.') {
        return Err(BROKEN);
    }
    let every = format!("{whole}{fraction}");
    let kept = every.trim_end_matches('0');
    let shift = (every.len() - kept.len()) as i64 - fraction.len() as i64;
    let exponent = exponent.saturating_add(shift);
    match kept.trim_start_matches('0') {
        "" => Ok((negative, "0".to_owned(), 0)),
        kept => Ok((negative, kept.to_owned(), exponent)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bson::{get, read_json, tag};

    fn stored(text: &str) -> Result<(u8, String)> {
        let mut writer = Writer::default();
        write_json(&mut writer, "x".into(), text)?;
        let bytes = writer.finish();
        let (ty, value) = get(&bytes, "x").unwrap();
        Ok((ty, read_json(ty, value).unwrap()))
    }

    fn again(text: &str) -> String {
        stored(text).unwrap().1
    }

    #[test]
    fn keys_are_stored_in_order_and_once() {
        let text =
            "{ \"b\" : [1, 2.5,null,true,\"é\\\"\\u00e9\"], \"a\":{\"z\":1,\"y\":[]} , \"b\":{} , \"\":0}";
        assert_eq!(again(text), r#"{"":0,"a":{"y":[],"z":1},"b":{}}"#);
        assert_eq!(again(r#"["é\"\u00e9\n",{}]"#), "[\"é\\\"é\\n\",{}]");
    }

    #[test]
    fn numbers_keep_their_value() {
        for text in
            ["0", "-7", "9223372036854775807", "2.5", "-0.1", "0.30000000000000004", "1e300", "5e-324"]
        {
            assert_eq!(again(text).parse::<f64>().unwrap(), text.parse::<f64>().unwrap(), "{text}");
            assert_ne!(stored(text).unwrap().0, tag::DECIMAL, "{text}");
        }
        for text in [
            "18446744073709551615",
            "0.1000000000000000055511151231257827",
            "-1234567890123456.7890123456789",
        ] {
            assert_eq!(stored(text).unwrap(), (tag::DECIMAL, text.to_owned()));
        }
        assert_eq!(again("100e-2"), "1.0");
        for text in
            ["0.123456789012345678901234567890123456789", "1e400", "123456789012345678901234567890123456"]
        {
            assert_eq!(stored(text).unwrap_err().kind(), ErrorKind::Encode, "{text}");
        }
    }

    #[test]
    fn what_mongodb_cannot_keep_is_refused() {
        for text in [
            "null",
            " null ",
            "{\"a\\u0000\":1}",
            "[1",
            "[1]x",
            "{'a':1}",
            "nul",
            "+1",
            "1.",
            ".5",
            "\"\\ud800\"",
        ] {
            assert_eq!(stored(text).unwrap_err().kind(), ErrorKind::Encode, "{text}");
        }
        assert_eq!(again("[null]"), "[null]");
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert_eq!(stored(&deep).unwrap_err().kind(), ErrorKind::Encode);
        let endless = "[".repeat(1_000_000);
        assert_eq!(stored(&endless).unwrap_err().kind(), ErrorKind::Encode);
    }
}
