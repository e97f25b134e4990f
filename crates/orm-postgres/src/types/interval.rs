//! `interval`: <https://www.postgresql.org/docs/current/datatype-datetime.html>.

use std::fmt;

use super::{BoxError, BytesMut, NativeType, PgValue, builtin, take, whole};

/// `interval`: months, days and microseconds, which do not turn into each other.
///
/// The server compares intervals as if a month had 30 days and a day 24 hours; here two are equal if all parts are.
///
/// ```
/// use orm_postgres::types::Interval;
/// let span = Interval::months(14) + Interval::days(3) + Interval::micros(4_500_000);
/// assert_eq!(span.to_string(), "P14M3DT4.5S");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub struct Interval {
    /// Months, twelve to a year.
    pub months: i32,
    /// Days, of whatever length.
    pub days: i32,
    /// Microseconds.
    pub micros: i64,
}

impl Interval {
    /// Longer than every other interval (PostgreSQL 17 and later).
    pub const INFINITY: Interval = Interval { months: i32::MAX, days: i32::MAX, micros: i64::MAX };
    /// Shorter than every other interval (PostgreSQL 17 and later).
    pub const NEG_INFINITY: Interval = Interval { months: i32::MIN, days: i32::MIN, micros: i64::MIN };

    /// Some months.
    ///
    /// ```
    /// use orm_postgres::types::Interval;
    /// let year = Interval::months(12);
    /// assert_eq!((year.months, year.days), (12, 0));
    /// ```
    pub const fn months(months: i32) -> Self {
        Interval { months, days: 0, micros: 0 }
    }

    /// Some days.
    ///
    /// ```
    /// use orm_postgres::types::Interval;
    /// assert_ne!(Interval::days(30), Interval::months(1));
    /// ```
    pub const fn days(days: i32) -> Self {
        Interval { months: 0, days, micros: 0 }
    }

    /// Some microseconds.
    ///
    /// ```
    /// use orm_postgres::types::Interval;
    /// assert_eq!(Interval::micros(1_500_000).to_string(), "PT1.5S");
    /// ```
    pub const fn micros(micros: i64) -> Self {
        Interval { months: 0, days: 0, micros }
    }
}

/// Adds part by part; a part that overflows stays at its limit.
impl std::ops::Add for Interval {
    type Output = Interval;
    fn add(self, other: Interval) -> Interval {
        Interval {
            months: self.months.saturating_add(other.months),
            days: self.days.saturating_add(other.days),
            micros: self.micros.saturating_add(other.micros),
        }
    }
}

/// A fraction of a microsecond is an error and never cut.
impl TryFrom<std::time::Duration> for Interval {
    type Error = orm_core::Error;
    fn try_from(duration: std::time::Duration) -> Result<Self, orm_core::Error> {
        let micros =
            i64::try_from(duration.as_micros()).ok().filter(|_| duration.subsec_nanos().is_multiple_of(1000));
        micros.map(Interval::micros).ok_or_else(|| {
            orm_core::Error::new(
                orm_core::ErrorKind::OutOfRange,
                "an interval keeps whole microseconds in 64 bits",
            )
        })
    }
}

/// As ISO 8601 writes it: `P1M2DT3.5S`.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P")?;
        if self.months != 0 {
            write!(f, "{}M", self.months)?;
        }
        if self.days != 0 {
            write!(f, "{}D", self.days)?;
        }
        if self.micros != 0 || (self.months == 0 && self.days == 0) {
            let (secs, rest) =
                (self.micros.unsigned_abs() / 1_000_000, self.micros.unsigned_abs() % 1_000_000);
            write!(f, "T{}{secs}", if self.micros < 0 { "-" } else { "" })?;
            if rest > 0 {
                let digits = format!("{rest:06}");
                write!(f, ".{}", digits.trim_end_matches('0'))?;
            }
            f.write_str("S")?;
        }
        Ok(())
    }
}

impl PgValue for Interval {
    const TYPE: NativeType = builtin("interval");
    fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
        out.extend_from_slice(&self.micros.to_be_bytes());
        out.extend_from_slice(&self.days.to_be_bytes());
        out.extend_from_slice(&self.months.to_be_bytes());
        Ok(())
    }
    fn read(mut bytes: &[u8]) -> Result<Self, BoxError> {
        let micros = i64::from_be_bytes(take(&mut bytes)?);
        let days = i32::from_be_bytes(take(&mut bytes)?);
        let months = i32::from_be_bytes(take(&mut bytes)?);
        whole(bytes)?;
        Ok(Interval { months, days, micros })
    }
}
crate::pg_value!(Interval);
