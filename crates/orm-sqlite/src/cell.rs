//! Reading a column where SQLite keeps it. Nothing is coerced: what does not fit is refused.

use std::borrow::Cow;

use orm_core::backend::Row;
use orm_core::value::{Cell, CellError, CellResult, Date, DateTime, Numeric, Time};
use rusqlite::types::ValueRef;

/// The current row.
pub struct SqliteRow<'a>(pub &'a rusqlite::Row<'a>);

impl Row for SqliteRow<'_> {
    type Cell<'c>
        = SqliteCell<'c>
    where
        Self: 'c;
    #[inline]
    fn cell(&self, index: usize) -> SqliteCell<'_> {
        SqliteCell(self.0.get_ref(index).unwrap_or(ValueRef::Null))
    }

    fn width(&self) -> usize {
        self.0.as_ref().column_count()
    }

    fn name(&self, index: usize) -> Option<&str> {
        self.0.as_ref().column_name(index).ok()
    }
}

/// One column of it.
#[derive(Clone, Copy)]
pub struct SqliteCell<'r>(pub ValueRef<'r>);

impl<'r> SqliteCell<'r> {
    #[cold]
    fn refuse<T>(self, wanted: &'static str) -> CellResult<T> {
        let found = match self.0 {
            ValueRef::Null => return Err(CellError::Null),
            ValueRef::Integer(_) => "an INTEGER",
            ValueRef::Real(_) => "a REAL",
            ValueRef::Text(_) => "a TEXT",
            ValueRef::Blob(_) => "a BLOB",
        };
        Err(CellError::Type { found, wanted })
    }

    fn utf8(bytes: &'r [u8]) -> CellResult<&'r str> {
        std::str::from_utf8(bytes).map_err(|_| CellError::invalid("the text is not valid UTF-8"))
    }
}

impl<'r> Cell<'r> for SqliteCell<'r> {
    #[inline]
    fn is_null(self) -> bool {
        matches!(self.0, ValueRef::Null)
    }
    fn bool(self) -> CellResult<bool> {
        match self.0 {
            ValueRef::Integer(0) => Ok(false),
            ValueRef::Integer(1) => Ok(true),
            _ => self.refuse("0 or 1"),
        }
    }
    #[inline]
    fn i64(self) -> CellResult<i64> {
        match self.0 {
            ValueRef::Integer(value) => Ok(value),
            _ => self.refuse("an INTEGER"),
        }
    }
    #[inline]
    fn f64(self) -> CellResult<f64> {
        match self.0 {
            ValueRef::Real(value) => Ok(value),
            ValueRef::Integer(value) if (value as f64) as i128 == i128::from(value) => Ok(value as f64),
            _ => self.refuse("a REAL"),
        }
    }
    #[inline]
    fn text(self) -> CellResult<&'r str> {
        match self.0 {
            ValueRef::Text(bytes) => Self::utf8(bytes),
            _ => self.refuse("a TEXT"),
        }
    }
    #[inline]
    fn bytes(self) -> CellResult<&'r [u8]> {
        match self.0 {
            ValueRef::Blob(bytes) => Ok(bytes),
            _ => self.refuse("a BLOB"),
        }
    }
    fn uuid(self) -> CellResult<[u8; 16]> {
        match self.0 {
            ValueRef::Blob(bytes) => bytes.try_into().map_err(|_| CellError::invalid("a UUID has 16 bytes")),
            _ => self.refuse("a BLOB of 16 bytes"),
        }
    }
    fn decimal(self) -> CellResult<Numeric> {
        match self.0 {
            ValueRef::Text(bytes) => parse_numeric(Self::utf8(bytes)?),
            ValueRef::Integer(value) => Ok(Numeric { mantissa: value.into(), scale: 0 }),
            ValueRef::Real(value) => real_to_numeric(value),
            _ => self.refuse("a decimal as TEXT"),
        }
    }
    fn date(self) -> CellResult<Date> {
        parse_date(self.text()?).ok_or(CellError::invalid("the text is not a date like 2024-01-31"))
    }
    fn time(self) -> CellResult<Time> {
        parse_time(self.text()?).ok_or(CellError::invalid("the text is not a time like 23:59:59.5"))
    }
    fn datetime(self) -> CellResult<DateTime> {
        let wrong = || CellError::invalid("the text is not a date and time like 2024-01-31 23:59:59.5");
        parse_datetime(self.text()?).ok_or_else(wrong)
    }
    fn timestamp(self) -> CellResult<DateTime> {
        let wrong = || CellError::invalid("the text is not an instant in UTC like 2024-01-31 23:59:59.5");
        parse_datetime(self.text()?).ok_or_else(wrong)
    }
    fn json(self) -> CellResult<Cow<'r, str>> {
        self.text().map(Cow::Borrowed)
    }
}

/// `-12.50` and the like; no exponent, at most 38 digits.
pub fn parse_numeric(text: &str) -> CellResult<Numeric> {
    let wrong = || CellError::invalid("the text is not a decimal number");
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty()
        || !whole.bytes().chain(fraction.bytes()).all(|digit| digit.is_ascii_digit())
    {
        return Err(wrong());
    }
    let mut mantissa: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        let next = mantissa.checked_mul(10).and_then(|value| value.checked_add(i128::from(digit - b'0')));
        mantissa = next.ok_or_else(|| CellError::invalid("the number has too many digits"))?;
    }
    let scale = u32::try_from(fraction.len()).map_err(|_| wrong())?;
    Ok(Numeric { mantissa: if negative { -mantissa } else { mantissa }, scale })
}

/// A REAL in a NUMERIC column of another program: exact if 15 digits say it.
pub fn real_to_numeric(value: f64) -> CellResult<Numeric> {
    let text = format!("{value}");
    let digits = text.bytes().filter(u8::is_ascii_digit).count() - usize::from(text.contains("0."));
    if !value.is_finite() || digits > 15 {
        return Err(CellError::invalid("the number is stored as REAL and may have lost digits"));
    }
    parse_numeric(&text)
}

fn number(text: &str, digits: usize) -> Option<u32> {
    (text.len() == digits && text.bytes().all(|digit| digit.is_ascii_digit())).then(|| text.parse().ok())?
}

fn parse_date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    Date::from_civil(i32::try_from(number(year, 4)?).ok()?, number(month, 2)?, number(day, 2)?)
}

/// Dates and times are compared as texts, in filters, orders, keys and indexes. So there is one text for each: another one, with `T`, an
/// offset, zeros at the end or without seconds, is not read as if it compared rightly.
fn parse_time(text: &str) -> Option<Time> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = clock.splitn(3, ':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let zeros = text.contains('.') && fraction.ends_with('0');
    if zeros
        || fraction.is_empty()
        || fraction.len() > 9
        || !fraction.bytes().all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    let nanos = fraction.parse::<u32>().ok()? * 10_u32.pow(9 - fraction.len() as u32);
    Time::from_parts(number(hour, 2)?, number(minute, 2)?, number(second, 2)?, nanos)
}

fn parse_datetime(text: &str) -> Option<DateTime> {
    let (date, rest) = text.split_at_checked(10)?;
    Some(DateTime::join(parse_date(date)?, parse_time(rest.strip_prefix(' ')?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_one_text() {
        let at = |text: &'static str| SqliteCell(ValueRef::Text(text.as_bytes())).timestamp();
        assert_eq!(at("1970-01-02 00:00:00").map(|at| (at.secs, at.nanos)), Ok((86_400, 0)));
        assert_eq!(at("1970-01-02 00:00:00.5").map(|at| (at.secs, at.nanos)), Ok((86_400, 500_000_000)));
        for other in [
            "1970-01-02T00:00:00",
            "1970-01-02T00:00:00Z",
            "1970-01-02 00:00:00Z",
            "1970-01-02 02:00:00+02:00",
            "1970-01-02 00:00:00.500",
            "1970-01-02 00:00:00.0",
            "1970-01-02 00:00",
        ] {
            assert!(matches!(at(other), Err(CellError::Invalid(_))), "{other}");
        }
    }

    #[test]
    fn a_real_is_a_decimal_only_if_no_digit_was_lost() {
        assert_eq!(real_to_numeric(0.99).unwrap(), Numeric { mantissa: 99, scale: 2 });
        assert!(real_to_numeric(0.1 + 0.2).is_err());
    }

    #[test]
    fn nothing_is_coerced() {
        assert!(SqliteCell(ValueRef::Text(b"1")).i64().is_err());
        assert!(SqliteCell(ValueRef::Integer(2)).bool().is_err());
        assert_eq!(SqliteCell(ValueRef::Null).i64(), Err(CellError::Null));
        assert!(SqliteCell(ValueRef::Integer(i64::MAX)).f64().is_err());
    }

    #[test]
    fn a_refusal_says_what_is_there_and_what_is_wanted() {
        let refused = |found, wanted| Some(CellError::Type { found, wanted });
        assert_eq!(SqliteCell(ValueRef::Real(1.5)).text().err(), refused("a REAL", "a TEXT"));
        assert_eq!(SqliteCell(ValueRef::Blob(b"x")).i64().err(), refused("a BLOB", "an INTEGER"));
        assert_eq!(SqliteCell(ValueRef::Text(b"x")).bytes().err(), refused("a TEXT", "a BLOB"));
        assert_eq!(
            SqliteCell(ValueRef::Integer(1)).uuid().err(),
            refused("an INTEGER", "a BLOB of 16 bytes")
        );
        assert_eq!(SqliteCell(ValueRef::Blob(b"1")).decimal().err(), refused("a BLOB", "a decimal as TEXT"));
        assert_eq!(SqliteCell(ValueRef::Null).text().err(), Some(CellError::Null));
    }

    #[test]
    fn what_has_the_right_class_may_still_be_no_value() {
        let text = |text: &'static str| SqliteCell(ValueRef::Text(text.as_bytes()));
        let wrong = |error: CellError| matches!(error, CellError::Invalid(_));
        assert!(wrong(SqliteCell(ValueRef::Text(b"\xff")).text().unwrap_err()));
        assert!(wrong(SqliteCell(ValueRef::Blob(b"short")).uuid().unwrap_err()));
        assert!(SqliteCell(ValueRef::Blob(&[7; 16])).uuid() == Ok([7; 16]));
        for number in ["", "-", ".", "1e5", "1 000", "1234567890123456789012345678901234567890"] {
            assert!(wrong(text(number).decimal().unwrap_err()), "{number}");
        }
        for day in ["2024-1-31", "2024-02-30", "24-01-31", "yesterday"] {
            assert!(wrong(text(day).date().unwrap_err()), "{day}");
        }
        for clock in
            ["25:00:00", "12", "12:00", "12:00:00.50", "12:00:00.", "12:00:00.1234567890", "12:00:00.x"]
        {
            assert!(wrong(text(clock).time().unwrap_err()), "{clock}");
        }
        for at in ["2024-01-31", "2024-01-31_12:00:00", "2024-01-31 noon"] {
            assert!(
                wrong(text(at).datetime().unwrap_err()) && wrong(text(at).timestamp().unwrap_err()),
                "{at}"
            );
        }
        assert!(wrong(text("2024-01-31 12:00:00+2").timestamp().unwrap_err()));
    }

    #[test]
    fn numbers_of_other_programs_are_decimals_too() {
        assert_eq!(SqliteCell(ValueRef::Integer(-12)).decimal(), Ok(Numeric { mantissa: -12, scale: 0 }));
        assert_eq!(SqliteCell(ValueRef::Real(2.5)).decimal(), Ok(Numeric { mantissa: 25, scale: 1 }));
        assert_eq!(parse_numeric("+.5"), Ok(Numeric { mantissa: 5, scale: 1 }));
        assert_eq!(SqliteCell(ValueRef::Integer(3)).f64(), Ok(3.0));
    }
}
