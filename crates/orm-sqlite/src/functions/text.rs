//! Functions of text. SQLite's own read a text up to its first U+0000 (<https://sqlite.org/nulinstr.html>): the length would be that
//! of the beginning, and a part of the text, written back, would lose the end.

use std::borrow::Cow;

use rusqlite::functions::Context;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Result};

use super::PURE;

pub fn register(connection: &Connection) -> Result<()> {
    connection.create_scalar_function("orm_char_length", 1, PURE, |context| {
        Ok(argument(context, 0)?.map(|text| text.chars().count() as i64))
    })?;
    connection.create_scalar_function("orm_substring", 3, PURE, |context| {
        let (start, length): (Option<i64>, Option<i64>) = (context.get(1)?, context.get(2)?);
        let (Some(text), Some(start), Some(length)) = (argument(context, 0)?, start, length) else {
            return Ok(None);
        };
        Ok(Some(substring(&text, start, length).to_owned()))
    })?;
    connection.create_scalar_function("orm_replace", 3, PURE, |context| {
        let (Some(text), Some(from), Some(to)) =
            (argument(context, 0)?, argument(context, 1)?, argument(context, 2)?)
        else {
            return Ok(None);
        };
        Ok(Some(if from.is_empty() { text.into_owned() } else { text.replace(&*from, &to) }))
    })?;
    type Compare = fn(&str, &str) -> bool;
    let compare: [(&str, Compare); 4] = [
        ("orm_starts_with", |text, start| text.starts_with(start)),
        ("orm_ends_with", |text, end| text.ends_with(end)),
        ("orm_like", |text, pattern| like(&chars(pattern, false), &chars(text, false))),
        ("orm_ilike", |text, pattern| like(&chars(pattern, true), &chars(text, true))),
    ];
    for (name, compare) in compare {
        connection.create_scalar_function(name, 2, PURE, move |context| {
            let both = argument(context, 0)?.zip(argument(context, 1)?);
            Ok(both.map(|(text, other)| compare(&text, &other)))
        })?;
    }
    Ok(())
}

/// An argument as SQLite would make a text of it; None for NULL.
fn argument<'c>(context: &'c Context<'_>, index: usize) -> Result<Option<Cow<'c, str>>> {
    let text =
        |bytes: &'c [u8]| std::str::from_utf8(bytes).map_err(|error| Error::UserFunctionError(error.into()));
    Ok(match context.get_raw(index) {
        ValueRef::Null => None,
        ValueRef::Integer(value) => Some(Cow::Owned(value.to_string())),
        ValueRef::Real(value) => Some(Cow::Owned(value.to_string())),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(Cow::Borrowed(text(bytes)?)),
    })
}

/// The characters whose places, counted from 1, are from `start` on and before `start + length`.
fn substring(text: &str, start: i64, length: i64) -> &str {
    let end = start.saturating_add(length.max(0)).max(1);
    let at = |place: i64| {
        let skipped = usize::try_from(place - 1).unwrap_or(usize::MAX);
        text.char_indices().nth(skipped).map_or(text.len(), |(at, _)| at)
    };
    let start = start.max(1);
    if start >= end { "" } else { &text[at(start)..at(end)] }
}

/// The letters A to Z in small ones where their case is not minded, as SQLite's LIKE has it.
fn chars(text: &str, fold: bool) -> Vec<char> {
    text.chars().map(|c| if fold { c.to_ascii_lowercase() } else { c }).collect()
}

/// LIKE with `%`, `_` and `\\`, by character, in time proportional to pattern × text.
fn like(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        let (matches, width) = match pattern.get(p) {
            Some('%') => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some('_') => (true, 1),
            Some('\\') if p + 1 < pattern.len() => (pattern[p + 1] == text[t], 2),
            Some(c) => (*c == text[t], 1),
            None => (false, 0),
        };
        if matches {
            p += width;
            t += 1;
        } else if let Some((after, from)) = retry {
            retry = Some((after, from + 1));
            p = after;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '%')
}

#[cfg(test)]
mod tests {
    #[test]
    fn like_minds_case_and_escapes() {
        let like = |pattern: &str, text: &str| {
            super::like(&super::chars(pattern, false), &super::chars(text, false))
        };
        assert!(like("A%a", "Ada") && like("%", "") && like("_é_", "aéb") && like(r"100\%", "100%"));
        assert!(!like("a%", "Ada") && !like(r"100\%", "1000") && !like("_", "") && !like("%b", "bc"));
    }

    #[test]
    fn a_substring_is_counted_in_characters() {
        use super::substring;
        assert_eq!(
            [substring("aé\0b", 2, 2), substring("aé\0b", 4, 9), substring("ab", 9, 1)],
            ["é\0", "b", ""]
        );
        assert_eq!([substring("abc", 0, 2), substring("abc", -5, 2), substring("abc", 2, -1)], ["a", "", ""]);
        assert_eq!(substring("abc", i64::MIN, i64::MAX), "");
        assert_eq!(substring("abc", 1, i64::MAX), "abc");
    }
}
