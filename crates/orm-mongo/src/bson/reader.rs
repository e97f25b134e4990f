//! Walking over the elements of a document in place.

use super::tag;

/// The elements of a document or an array: name, type and the bytes of the value. It ends early at bytes that are no
/// BSON, which [`is_broken`](Elements::is_broken) tells.
#[derive(Debug, Clone, Copy)]
pub struct Elements<'d> {
    rest: &'d [u8],
    broken: bool,
}

impl<'d> Elements<'d> {
    #[inline]
    pub fn of(document: &'d [u8]) -> Self {
        match document {
            [_, _, _, _, rest @ .., 0] => Elements { rest, broken: false },
            _ => Elements { rest: &[], broken: true },
        }
    }

    /// Whether the walk ended before the document did.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    #[inline]
    fn step(&mut self) -> Option<(&'d [u8], u8, &'d [u8])> {
        let (ty, rest) = self.rest.split_first()?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        let (name, rest) = (&rest[..end], &rest[end + 1..]);
        let length = length_of(*ty, rest)?;
        let value = rest.get(..length)?;
        self.rest = &rest[length..];
        Some((name, *ty, value))
    }
}

impl<'d> Iterator for Elements<'d> {
    type Item = (&'d [u8], u8, &'d [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let step = self.step();
        if step.is_none() {
            (self.rest, self.broken) = (&[], true);
        }
        step
    }
}

#[inline]
fn length_of(ty: u8, bytes: &[u8]) -> Option<usize> {
    let prefix = || Some(u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize);
    let text = |bytes: &[u8]| bytes.iter().position(|byte| *byte == 0).map(|end| end + 1);
    Some(match ty {
        tag::NULL | tag::UNDEFINED | tag::MIN_KEY | tag::MAX_KEY => 0,
        tag::BOOL => 1,
        tag::INT32 => 4,
        tag::DOUBLE | tag::DATE | tag::INT64 | tag::TIMESTAMP => 8,
        tag::OBJECT_ID => 12,
        tag::DECIMAL => 16,
        // Code, symbol.
        tag::STRING | tag::CODE | 0x0E => prefix()?.checked_add(4)?,
        // Documents, arrays and code with a scope count their own length.
        tag::DOCUMENT | tag::ARRAY | 0x0F => prefix()?,
        tag::BINARY => prefix()?.checked_add(5)?,
        tag::REGEX => {
            let pattern = text(bytes)?;
            pattern + text(bytes.get(pattern..)?)?
        }
        // A database pointer.
        0x0C => prefix()?.checked_add(16)?,
        _ => return None,
    })
}

/// The first element of a name.
pub fn get<'d>(document: &'d [u8], name: &str) -> Option<(u8, &'d [u8])> {
    Elements::of(document).find(|element| element.0 == name.as_bytes()).map(|(_, ty, value)| (ty, value))
}

/// A string value.
pub fn str_of(ty: u8, value: &[u8]) -> Option<&str> {
    match (ty, value) {
        (tag::STRING, [_, _, _, _, text @ .., 0]) => std::str::from_utf8(text).ok(),
        _ => None,
    }
}

/// An int.
pub fn i32_of(value: &[u8]) -> i32 {
    value.try_into().map(i32::from_le_bytes).unwrap_or_default()
}

/// A long or a date.
pub fn i64_of(value: &[u8]) -> i64 {
    value.try_into().map(i64::from_le_bytes).unwrap_or_default()
}
