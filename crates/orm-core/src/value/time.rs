//! The `time` crate's dates and times.

use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use super::{Cell, CellError, CellResult, ColumnType, Date, DateTime, Datum, Scalar, Time};

const EPOCH_JULIAN: i32 = 2_440_588;

fn out_of_range() -> CellError {
    CellError::invalid("the date is outside the range of the `time` crate")
}

impl Scalar for time::Date {
    const TYPE: ColumnType = ColumnType::Date;
    fn encode(self) -> Datum {
        Datum::Date(Date { days: self.to_julian_day() - EPOCH_JULIAN })
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        let days = cell.date()?.days.checked_add(EPOCH_JULIAN).ok_or_else(out_of_range)?;
        time::Date::from_julian_day(days).map_err(|_| out_of_range())
    }
}

impl Scalar for time::Time {
    const TYPE: ColumnType = ColumnType::Time;
    fn encode(self) -> Datum {
        let (hour, minute, second, nanos) = self.as_hms_nano();
        let secs = u64::from(hour) * 3600 + u64::from(minute) * 60 + u64::from(second);
        Datum::Time(Time { nanos: secs * 1_000_000_000 + u64::from(nanos) })
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        let (hour, minute, second, nanos) = cell.time()?.parts();
        time::Time::from_hms_nano(hour as u8, minute as u8, second as u8, nanos).map_err(|_| out_of_range())
    }
}

fn instant(datetime: DateTime) -> CellResult<OffsetDateTime> {
    let start = OffsetDateTime::from_unix_timestamp(datetime.secs).map_err(|_| out_of_range())?;
    start.checked_add(Duration::nanoseconds(i64::from(datetime.nanos))).ok_or_else(out_of_range)
}

impl crate::expr::Instant for OffsetDateTime {}
impl Scalar for OffsetDateTime {
    const TYPE: ColumnType = ColumnType::Timestamp;
    fn encode(self) -> Datum {
        // Both are the same at any offset; the UTC form of a time at the crate's limits may be outside of them.
        Datum::Timestamp(DateTime { secs: self.unix_timestamp(), nanos: self.nanosecond() })
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        instant(cell.timestamp()?)
    }
}

impl Scalar for PrimitiveDateTime {
    const TYPE: ColumnType = ColumnType::DateTime;
    fn encode(self) -> Datum {
        let utc = self.assume_utc();
        Datum::DateTime(DateTime { secs: utc.unix_timestamp(), nanos: utc.nanosecond() })
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        let utc = instant(cell.datetime()?)?;
        Ok(PrimitiveDateTime::new(utc.date(), utc.time()))
    }
}
