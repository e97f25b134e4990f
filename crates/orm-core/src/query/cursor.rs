//! A place between two rows, as a value and as text.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::place::Fnv;
use crate::error::{Error, ErrorKind, Result};
use crate::meta::{ColumnMeta, ModelMeta};
use crate::value::{ColumnType, Date, DateTime, Datum, NativeKind, Numeric, Time};

/// A place between two rows of a query: where a keyset page begins or ends.
///
/// As text it goes to clients and back: letters, digits, `-` and `_`. It holds the order's values in the row beside it. A check sum
/// finds what was cut off or changed on the way; it is no signature, and the values are not secret. A text that is not a cursor is an error of kind
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
    /// Which query the place belongs to.
    pub(super) query: u64,
    /// On which side of the row with these values the place is.
    pub(super) side: Side,
    /// How many rows of a query with a limit or an offset come before.
    pub(super) seen: u64,
    pub(super) values: Vec<Datum>,
}

/// A side of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

impl Cursor {
    /// The values, if they are those of this query and of these columns.
    pub(super) fn values_for(
        &self,
        query: u64,
        meta: &'static ModelMeta,
        columns: &[u16],
    ) -> Result<Vec<Datum>> {
        let values: Option<Vec<Datum>> = match self.values.len() == columns.len() && self.query == query {
            true => self
                .values
                .iter()
                .zip(columns)
                .map(|(value, index)| typed(value, meta.column(*index)))
                .collect(),
            false => None,
        };
        values.ok_or_else(|| {
            Error::new(ErrorKind::Usage, "the cursor belongs to another query")
                .with_model(meta.name)
                .with_hint("a cursor goes on with the query that it came from: the same model, conditions, order and limit")
        })
    }
}

/// A value as one of this column, if it can be one.
fn typed(value: &Datum, column: &ColumnMeta) -> Option<Datum> {
    fn fits(value: &Datum, ty: ColumnType) -> bool {
        use ColumnType::*;
        match value {
            Datum::Bool(_) => ty == Bool,
            Datum::I64(_) => ty.is_integer() || matches!(ty, Enum(meta) if meta.integer),
            Datum::F64(_) => matches!(ty, F32 | F64),
            Datum::Text(_) => matches!(ty, Text | Char) || matches!(ty, Enum(meta) if !meta.integer),
            Datum::Bytes(_) => ty == Bytes,
            Datum::Uuid(_) => ty == Uuid,
            Datum::Decimal(_) => ty == Decimal,
            Datum::Date(_) => ty == Date,
            Datum::Time(_) => ty == Time,
            Datum::DateTime(_) => ty == DateTime,
            Datum::Timestamp(_) => ty == Timestamp,
            _ => false,
        }
    }
    match (value, column.ty()) {
        (Datum::Null, _) => column.nullable.then_some(Datum::Null),
        (value, ColumnType::Native(native)) => match (value, &native.kind) {
            (value, NativeKind::Domain { base, .. }) => fits(value, **base).then(|| value.clone()),
            (Datum::Bytes(bytes), _) => Some(Datum::Native(native, bytes.as_slice().into())),
            (Datum::Native(..), _) => Some(value.clone()),
            _ => None,
        },
        (value, ty) => fits(value, ty).then(|| value.clone()),
    }
}

/// The form of the text, in the upper bits of its first byte.
const FORM: u8 = 1 << 4;
/// The place is behind the row.
const AFTER: u8 = 1;
/// A count of rows follows.
const COUNTED: u8 = 2;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = if self.side == Side::After { AFTER } else { 0 };
        let counted = if self.seen > 0 { COUNTED } else { 0 };
        let mut bytes = vec![FORM | after | counted];
        bytes.extend(self.query.to_le_bytes());
        if self.seen > 0 {
            bytes.extend(self.seen.to_le_bytes());
        }
        self.values.iter().for_each(|value| write(value, &mut bytes));
        let sum = check_sum(&bytes);
        bytes.extend(sum);
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        read_all(text).ok_or_else(|| {
            Error::new(ErrorKind::Decode, "this text is not a cursor")
                .with_hint("pass on the text of `next` or `previous` of a page unchanged")
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
    let (mut rest, sum) = bytes.split_last_chunk::<8>()?;
    if check_sum(rest) != *sum {
        return None;
    }
    let [flags] = take(&mut rest)?;
    if flags & !(AFTER | COUNTED) != FORM {
        return None;
    }
    let query = u64::from_le_bytes(take(&mut rest)?);
    let seen = if flags & COUNTED == 0 { 0 } else { u64::from_le_bytes(take(&mut rest)?) };
    let mut values = Vec::new();
    while !rest.is_empty() {
        values.push(read(&mut rest)?);
    }
    let side = if flags & AFTER == 0 { Side::Before } else { Side::After };
    Some(Cursor { query, side, seen, values })
}

fn check_sum(bytes: &[u8]) -> [u8; 8] {
    let mut hash = Fnv::default();
    hash.add(bytes);
    hash.0.to_le_bytes()
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
        let cursor = Cursor { query: u64::MAX - 1, side: Side::Before, seen: 3, values };
        let text = cursor.to_string();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(text.parse::<Cursor>().unwrap(), cursor);
    }

    #[test]
    fn a_text_that_is_no_cursor_is_an_error_and_never_a_panic() {
        let values = vec![Datum::Text("abc".into()), Datum::I64(3)];
        let good = Cursor { query: 1, side: Side::After, seen: 0, values }.to_string();
        for cut in 0..good.len() {
            assert!(good[..cut].parse::<Cursor>().is_err());
        }
        for text in ["", "!", "AAAA", "________________", "AAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(text.parse::<Cursor>().unwrap_err().kind(), ErrorKind::Decode);
        }
    }

    #[test]
    fn a_changed_letter_is_found_wherever_it_is() {
        let values = vec![Datum::Text("abc".into()), Datum::Null, Datum::I64(3)];
        let good = Cursor { query: 7, side: Side::After, seen: 9, values }.to_string();
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for at in 0..good.len() {
            for letter in letters.chars().filter(|letter| !good[at..].starts_with(*letter)) {
                let changed = format!("{}{letter}{}", &good[..at], &good[at + 1..]);
                assert!(changed.parse::<Cursor>().is_err(), "{changed}");
            }
        }
    }
}
