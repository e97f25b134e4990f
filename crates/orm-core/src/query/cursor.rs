//! The place where a keyset page ended.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, ErrorKind, Result};
use crate::value::{Date, DateTime, Datum, Numeric, Time};

/// Where a keyset page ended: the order's values in its last row.
///
/// As text it goes to clients and back: letters, digits, `-` and `_`. It is not secret and not signed: whoever changes one reads
/// another part of the same query, no more. A text that is not a cursor is an error of kind
/// [`Decode`](ErrorKind::Decode), a cursor of another query one of kind [`Usage`](ErrorKind::Usage) when the page is read.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let query = || User::query().order_by(User::name.asc());
/// let page = query().keyset(2).page(&db).await?;
/// let text = page.next.expect("Cid is left").to_string();
///
/// let rest = query().keyset(2).after(Some(text.parse()?)).page(&db).await?;
/// assert_eq!(rest.items[0].name, "Cid");
/// assert_eq!("no cursor".parse::<orm::query::Cursor>().unwrap_err().kind(), ErrorKind::Decode);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Which order the values belong to.
    pub(super) order: u64,
    pub(super) values: Vec<Datum>,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.order.to_le_bytes().to_vec();
        self.values.iter().for_each(|value| write(value, &mut bytes));
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        read_all(text).ok_or_else(|| {
            Error::new(ErrorKind::Decode, "this text is not a cursor")
                .with_hint("pass on the text of `KeysetPage::next` unchanged")
        })
    }
}

impl serde::Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Cursor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

fn write(value: &Datum, out: &mut Vec<u8>) {
    let mut text = |tag: u8, bytes: &[u8]| {
        out.push(tag);
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend(bytes);
    };
    match value {
        Datum::Text(value) => return text(5, value.as_bytes()),
        Datum::Bytes(value) => return text(6, value),
        Datum::Json(value) => return text(13, value.as_bytes()),
        // The column gives it its type back.
        Datum::Native(_, value) => return text(14, value),
        _ => {}
    }
    let instant = |value: &DateTime| [&value.secs.to_le_bytes()[..], &value.nanos.to_le_bytes()].concat();
    let (tag, bytes) = match value {
        Datum::Bool(value) => (2, vec![u8::from(*value)]),
        Datum::I64(value) => (3, value.to_le_bytes().to_vec()),
        Datum::F64(value) => (4, value.to_le_bytes().to_vec()),
        Datum::Uuid(value) => (7, value.to_vec()),
        Datum::Decimal(value) => {
            (8, [&value.mantissa.to_le_bytes()[..], &value.scale.to_le_bytes()].concat())
        }
        Datum::Date(value) => (9, value.days.to_le_bytes().to_vec()),
        Datum::Time(value) => (10, value.nanos.to_le_bytes().to_vec()),
        Datum::DateTime(value) => (11, instant(value)),
        Datum::Timestamp(value) => (12, instant(value)),
        // No list can be a place in an order: the text reads as no cursor.
        Datum::Array(_) => (255, Vec::new()),
        _ => (0, Vec::new()),
    };
    out.push(tag);
    out.extend(bytes);
}

fn read_all(text: &str) -> Option<Cursor> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let mut rest = &bytes[..];
    let order = u64::from_le_bytes(take(&mut rest)?);
    let mut values = Vec::new();
    while !rest.is_empty() {
        values.push(read(&mut rest)?);
    }
    Some(Cursor { order, values })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

fn read(rest: &mut &[u8]) -> Option<Datum> {
    let [tag] = take(rest)?;
    let instant = |rest: &mut &[u8]| {
        let secs = i64::from_le_bytes(take(rest)?);
        let nanos = u32::from_le_bytes(take(rest)?);
        (nanos < 1_000_000_000).then_some(DateTime { secs, nanos })
    };
    Some(match tag {
        0 => Datum::Null,
        2 => match take(rest)? {
            [0] => Datum::Bool(false),
            [1] => Datum::Bool(true),
            _ => return None,
        },
        3 => Datum::I64(i64::from_le_bytes(take(rest)?)),
        4 => Datum::F64(f64::from_le_bytes(take(rest)?)),
        5 | 6 | 13 | 14 => {
            let length = u32::from_le_bytes(take(rest)?) as usize;
            let (head, tail) = rest.split_at_checked(length)?;
            *rest = tail;
            match tag {
                6 | 14 => Datum::Bytes(head.to_vec()),
                5 => Datum::Text(std::str::from_utf8(head).ok()?.to_owned()),
                _ => Datum::Json(std::str::from_utf8(head).ok()?.to_owned()),
            }
        }
        7 => Datum::Uuid(take(rest)?),
        8 => {
            let mantissa = i128::from_le_bytes(take(rest)?);
            let scale = u32::from_le_bytes(take(rest)?);
            Datum::Decimal((scale <= 28).then_some(Numeric { mantissa, scale })?)
        }
        9 => Datum::Date(Date { days: i32::from_le_bytes(take(rest)?) }),
        10 => Datum::Time(Time { nanos: u64::from_le_bytes(take(rest)?) }),
        11 => Datum::DateTime(instant(rest)?),
        12 => Datum::Timestamp(instant(rest)?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text() {
        let instant = DateTime { secs: -5, nanos: 999_999_999 };
        let values = vec![
            Datum::Null,
            Datum::Bool(true),
            Datum::I64(i64::MIN),
            Datum::F64(-0.1),
            Datum::Text("grün \0 \"".into()),
            Datum::Bytes(vec![0, 255]),
            Datum::Uuid([7; 16]),
            Datum::Decimal(Numeric { mantissa: -12_345, scale: 3 }),
            Datum::Date(Date { days: -1 }),
            Datum::Time(Time { nanos: 1 }),
            Datum::DateTime(instant),
            Datum::Timestamp(instant),
            Datum::Json("{}".into()),
        ];
        let cursor = Cursor { order: u64::MAX - 1, values };
        let text = cursor.to_string();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(text.parse::<Cursor>().unwrap(), cursor);
    }

    #[test]
    fn a_text_that_is_no_cursor_is_an_error_and_never_a_panic() {
        let good = Cursor { order: 1, values: vec![Datum::Text("abc".into()), Datum::I64(3)] }.to_string();
        for cut in 0..good.len() {
            if let Ok(cursor) = good[..cut].parse::<Cursor>() {
                assert!(cursor.values.len() < 2);
            }
        }
        for text in ["", "!", "AAAA", "________________"] {
            assert_eq!(text.parse::<Cursor>().unwrap_err().kind(), ErrorKind::Decode);
        }
    }
}
