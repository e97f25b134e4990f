//! JSON documents: `serde_json::Value` and any serde type in [`Json`].

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Cell, CellError, CellResult, ColumnType, Datum, Scalar};
use crate::error::{Error, ErrorKind};

/// A serde type stored as a JSON document.
///
/// `#[orm(json)]` on a field does the same without the wrapper.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::value::{Datum, Json, Value};
/// let words = Json(vec!["a".to_owned(), "b".to_owned()]);
/// assert_eq!(words.len(), 2);
/// assert_eq!(words.encode(), Datum::Json(r#"["a","b"]"#.to_owned()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json<T>(pub T);

impl<T> std::ops::Deref for Json<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> std::ops::DerefMut for Json<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> From<T> for Json<T> {
    fn from(value: T) -> Self {
        Json(value)
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Scalar for Json<T> {
    const TYPE: ColumnType = ColumnType::Json;
    fn encode(self) -> Datum {
        encode(&self.0)
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        decode(cell).map(Json)
    }
}

impl Scalar for serde_json::Value {
    const TYPE: ColumnType = ColumnType::Json;
    fn encode(self) -> Datum {
        encode(&self)
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        decode(cell)
    }
}

impl super::JsonDocument for serde_json::Value {}
impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> super::JsonDocument for Json<T> {}

fn encode(value: &impl Serialize) -> Datum {
    match serde_json::to_string(value) {
        Ok(text) => Datum::Json(canonical(text)),
        Err(error) => Datum::invalid(
            Error::new(ErrorKind::Encode, "the value cannot be written as JSON").with_source(error),
        ),
    }
}

fn decode<'r, T: DeserializeOwned, C: Cell<'r>>(cell: C) -> CellResult<T> {
    let text = cell.json()?;
    serde_json::from_str(&text)
        .map_err(|error| CellError::invalid(format!("the JSON does not fit the type: {error}")))
}

/// The document with the keys of its objects in order, so that equal documents are equal texts where a database compares texts.
/// Numbers stay as they are written: no `f64` has all their digits.
fn canonical(text: String) -> String {
    if !text.contains('{') {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    match value(&text, &mut out) {
        Some(rest) if rest.trim_start().is_empty() => out,
        _ => text,
    }
}

/// Writes the value that the text begins with and gives the rest of the text.
fn value<'t>(text: &'t str, out: &mut String) -> Option<&'t str> {
    let text = text.trim_start();
    match text.as_bytes().first()? {
        b'{' => {
            let mut members: Vec<(&str, String)> = Vec::new();
            let mut rest = text[1..].trim_start();
            while !rest.starts_with('}') {
                let (key, after) = string(rest)?;
                let mut member = String::new();
                rest = value(after.trim_start().strip_prefix(':')?, &mut member)?.trim_start();
                members.push((key, member));
                rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
            }
            members.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (index, (key, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(key);
                out.push(':');
                out.push_str(member);
            }
            out.push('}');
            rest.strip_prefix('}')
        }
        b'[' => {
            out.push('[');
            let mut rest = text[1..].trim_start();
            while !rest.starts_with(']') {
                rest = value(rest, out)?.trim_start();
                if let Some(after) = rest.strip_prefix(',') {
                    out.push(',');
                    rest = after;
                }
            }
            out.push(']');
            rest.strip_prefix(']')
        }
        b'"' => {
            let (string, rest) = string(text)?;
            out.push_str(string);
            Some(rest)
        }
        _ => {
            let end = text.find([',', ']', '}', ' ', '\n', '\r', '\t']).unwrap_or(text.len());
            if end == 0 {
                return None;
            }
            out.push_str(&text[..end]);
            Some(&text[end..])
        }
    }
}

/// The string that the text begins with, in its quotes, and the rest.
fn string(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = text.strip_prefix('"')?.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    Some(text.split_at(end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_order_and_all_else_stays() {
        let of = |text: &str| canonical(text.to_owned());
        assert_eq!(
            of(r#"{"b":1,"a":{"d":[{"z":1,"y":2}],"c":null}}"#),
            r#"{"a":{"c":null,"d":[{"y":2,"z":1}]},"b":1}"#
        );
        let digits = r#"{"n":12345678901234567890.12345678901234567890}"#;
        assert_eq!(of(digits), digits);
        assert_eq!(of(r#"{"\\":"}\"{","a":""}"#), r#"{"\\":"}\"{","a":""}"#);
        assert_eq!(of(r#"[{},[],{"ä":"ö"}]"#), r#"[{},[],{"ä":"ö"}]"#);
        assert_eq!(of("{ broken"), "{ broken");
    }
}
