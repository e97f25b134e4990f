//! Dates and times without a library: what chrono, `time` and jiff are turned into on the way to a
//! driver. The proleptic Gregorian calendar, no leap seconds.

use std::fmt;

/// A calendar date, as days since 1970-01-01.
///
/// ```
/// use orm::value::Date;
/// assert_eq!(Date { days: 0 }.to_string(), "1970-01-01");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Days since 1970-01-01.
    pub days: i32,
}

/// A time of day, as nanoseconds since midnight.
///
/// ```
/// use orm::value::Time;
/// assert_eq!(Time { nanos: 3_600_500_000_000 }.to_string(), "01:00:00.5");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Nanoseconds since midnight, below 86 400 000 000 000.
    pub nanos: u64,
}

/// A date and time, as seconds since 1970-01-01 00:00:00 and nanoseconds within the second.
///
/// ```
/// use orm::value::DateTime;
/// let instant = DateTime { secs: 86_399, nanos: 0 };
/// let (date, time) = instant.split().unwrap();
/// assert_eq!(format!("{date} {time}"), "1970-01-01 23:59:59");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    /// Seconds since 1970-01-01 00:00:00.
    pub secs: i64,
    /// Nanoseconds within the second, below 1 000 000 000.
    pub nanos: u32,
}

impl Date {
    /// Year (astronomical), month 1–12, day 1–31.
    ///
    /// ```
    /// use orm::value::Date;
    /// assert_eq!(Date { days: 31 }.civil(), (1970, 2, 1));
    /// ```
    pub fn civil(self) -> (i32, u32, u32) {
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
        let z = i64::from(self.days) + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let mp = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year as i32, month as u32, day as u32)
    }

    /// The date of a year, month and day, `None` if there is no such day.
    ///
    /// ```
    /// use orm::value::Date;
    /// assert_eq!(Date::from_civil(1970, 2, 1), Some(Date { days: 31 }));
    /// assert_eq!(Date::from_civil(2025, 2, 29), None);
    /// ```
    pub fn from_civil(year: i32, month: u32, day: u32) -> Option<Self> {
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let y = i64::from(year) - i64::from(month <= 2);
        let era = y.div_euclid(400);
        let year_of_era = y.rem_euclid(400);
        let mp = (i64::from(month) + 9) % 12;
        let day_of_year = (153 * mp + 2) / 5 + i64::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let date = Date { days: i32::try_from(era * 146_097 + day_of_era - 719_468).ok()? };
        (date.civil() == (year, month, day)).then_some(date)
    }
}

impl Time {
    /// Hour, minute, second, nanosecond.
    ///
    /// ```
    /// use orm::value::Time;
    /// assert_eq!(Time { nanos: 3_661_000_000_007 }.parts(), (1, 1, 1, 7));
    /// ```
    pub fn parts(self) -> (u32, u32, u32, u32) {
        let secs = (self.nanos / 1_000_000_000) as u32;
        (secs / 3600, secs / 60 % 60, secs % 60, (self.nanos % 1_000_000_000) as u32)
    }

    /// The time of an hour, minute, second and nanosecond, `None` if there is no such time.
    ///
    /// ```
    /// use orm::value::Time;
    /// assert_eq!(Time::from_parts(1, 0, 0, 0), Some(Time { nanos: 3_600_000_000_000 }));
    /// assert_eq!(Time::from_parts(24, 0, 0, 0), None);
    /// ```
    pub fn from_parts(hour: u32, minute: u32, second: u32, nanos: u32) -> Option<Self> {
        if hour > 23 || minute > 59 || second > 59 || nanos > 999_999_999 {
            return None;
        }
        let secs = u64::from(hour) * 3600 + u64::from(minute) * 60 + u64::from(second);
        Some(Time { nanos: secs * 1_000_000_000 + u64::from(nanos) })
    }
}

impl DateTime {
    /// The date and the time of day; `None` where the date leaves the range of [`Date`].
    ///
    /// ```
    /// use orm::value::{Date, DateTime, Time};
    /// assert_eq!(DateTime { secs: 86_400, nanos: 5 }.split(), Some((Date { days: 1 }, Time { nanos: 5 })));
    /// ```
    pub fn split(self) -> Option<(Date, Time)> {
        let days = i32::try_from(self.secs.div_euclid(86_400)).ok()?;
        let secs = self.secs.rem_euclid(86_400) as u64;
        Some((Date { days }, Time { nanos: secs * 1_000_000_000 + u64::from(self.nanos) }))
    }

    /// A date and a time of day put together.
    ///
    /// ```
    /// use orm::value::{Date, DateTime, Time};
    /// assert_eq!(DateTime::join(Date { days: 1 }, Time { nanos: 5 }), DateTime { secs: 86_400, nanos: 5 });
    /// ```
    pub fn join(date: Date, time: Time) -> Self {
        DateTime {
            secs: i64::from(date.days) * 86_400 + (time.nanos / 1_000_000_000) as i64,
            nanos: (time.nanos % 1_000_000_000) as u32,
        }
    }
}

/// `YYYY-MM-DD`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// `HH:MM:SS[.fffffffff]`, the fraction without trailing zeros.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second, nanos) = self.parts();
        write!(f, "{hour:02}:{minute:02}:{second:02}")?;
        if nanos > 0 {
            let digits = format!("{nanos:09}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        Ok(())
    }
}
