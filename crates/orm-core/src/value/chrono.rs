//! chrono's dates and times. Leap seconds (a fraction of a second or more) are refused.

use chrono::{DateTime as Chrono, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};

use super::{Cell, CellError, CellResult, ColumnType, Date, DateTime, Datum, Scalar, Time};
use crate::error::{Error, ErrorKind};

const EPOCH_FROM_CE: i32 = 719_163;

fn leap_second() -> Datum {
    Datum::invalid(Error::new(ErrorKind::Encode, "a leap second cannot be stored"))
}

fn out_of_range() -> CellError {
    CellError::invalid("the date is outside chrono's range")
}

impl Scalar for NaiveDate {
    const TYPE: ColumnType = ColumnType::Date;
    fn encode(self) -> Datum {
        Datum::Date(Date { days: self.num_days_from_ce() - EPOCH_FROM_CE })
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        let days = cell.date()?.days.checked_add(EPOCH_FROM_CE).ok_or_else(out_of_range)?;
        NaiveDate::from_num_days_from_ce_opt(days).ok_or_else(out_of_range)
    }
}

impl Scalar for NaiveTime {
    const TYPE: ColumnType = ColumnType::Time;
    fn encode(self) -> Datum {
        if self.nanosecond() >= 1_000_000_000 {
            return leap_second();
        }
        Datum::Time(Time {
            nanos: u64::from(self.num_seconds_from_midnight()) * 1_000_000_000 + u64::from(self.nanosecond()),
        })
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        let nanos = cell.time()?.nanos;
        NaiveTime::from_num_seconds_from_midnight_opt(
            (nanos / 1_000_000_000) as u32,
            (nanos % 1_000_000_000) as u32,
        )
        .ok_or_else(out_of_range)
    }
}

impl Scalar for NaiveDateTime {
    const TYPE: ColumnType = ColumnType::DateTime;
    fn encode(self) -> Datum {
        let nanos = self.and_utc().timestamp_subsec_nanos();
        if nanos >= 1_000_000_000 {
            return leap_second();
        }
        Datum::DateTime(DateTime { secs: self.and_utc().timestamp(), nanos })
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        let DateTime { secs, nanos } = cell.datetime()?;
        Ok(Chrono::from_timestamp(secs, nanos).ok_or_else(out_of_range)?.naive_utc())
    }
}

impl crate::expr::Instant for Chrono<Utc> {}
impl Scalar for Chrono<Utc> {
    const TYPE: ColumnType = ColumnType::Timestamp;
    fn encode(self) -> Datum {
        let nanos = self.timestamp_subsec_nanos();
        if nanos >= 1_000_000_000 {
            return leap_second();
        }
        Datum::Timestamp(DateTime { secs: self.timestamp(), nanos })
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        let DateTime { secs, nanos } = cell.timestamp()?;
        Chrono::from_timestamp(secs, nanos).ok_or_else(out_of_range)
    }
}

impl crate::expr::Instant for Chrono<FixedOffset> {}
/// Stored as the instant: it comes back in UTC, with offset zero.
impl Scalar for Chrono<FixedOffset> {
    const TYPE: ColumnType = ColumnType::Timestamp;
    fn encode(self) -> Datum {
        Scalar::encode(self.with_timezone(&Utc))
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        <Chrono<Utc> as Scalar>::decode(cell).map(|instant| instant.fixed_offset())
    }
}
