//! jiff's dates and times.

use jiff::{Timestamp, civil};

use super::{Cell, CellError, CellResult, ColumnType, Date, DateTime, Datum, Scalar, Time};

fn out_of_range() -> CellError {
    CellError::invalid("the date is outside jiff's range")
}

fn date_of(date: civil::Date) -> Date {
    // Every date of jiff (years -9999 to 9999) is a date of ours.
    Date::from_civil(i32::from(date.year()), date.month() as u32, date.day() as u32)
        .unwrap_or(Date { days: 0 })
}

fn time_of(time: civil::Time) -> Time {
    let secs = time.hour() as u64 * 3600 + time.minute() as u64 * 60 + time.second() as u64;
    Time { nanos: secs * 1_000_000_000 + time.subsec_nanosecond() as u64 }
}

fn civil_date(date: Date) -> CellResult<civil::Date> {
    let (year, month, day) = date.civil();
    let year = i16::try_from(year).map_err(|_| out_of_range())?;
    civil::Date::new(year, month as i8, day as i8).map_err(|_| out_of_range())
}

fn civil_time(time: Time) -> CellResult<civil::Time> {
    let (hour, minute, second, nanos) = time.parts();
    civil::Time::new(hour as i8, minute as i8, second as i8, nanos as i32).map_err(|_| out_of_range())
}

impl Scalar for civil::Date {
    const TYPE: ColumnType = ColumnType::Date;
    fn encode(self) -> Datum {
        Datum::Date(date_of(self))
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        civil_date(cell.date()?)
    }
}

impl Scalar for civil::Time {
    const TYPE: ColumnType = ColumnType::Time;
    fn encode(self) -> Datum {
        Datum::Time(time_of(self))
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        civil_time(cell.time()?)
    }
}

impl Scalar for civil::DateTime {
    const TYPE: ColumnType = ColumnType::DateTime;
    fn encode(self) -> Datum {
        Datum::DateTime(DateTime::join(date_of(self.date()), time_of(self.time())))
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        let (date, time) = cell.datetime()?.split().ok_or_else(out_of_range)?;
        Ok(civil_date(date)?.to_datetime(civil_time(time)?))
    }
}

impl crate::expr::Instant for Timestamp {}
impl Scalar for Timestamp {
    const TYPE: ColumnType = ColumnType::Timestamp;
    fn encode(self) -> Datum {
        let nanos = self.as_nanosecond();
        Datum::Timestamp(DateTime {
            secs: nanos.div_euclid(1_000_000_000) as i64,
            nanos: nanos.rem_euclid(1_000_000_000) as u32,
        })
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        let DateTime { secs, nanos } = cell.timestamp()?;
        let total = i128::from(secs) * 1_000_000_000 + i128::from(nanos);
        Timestamp::from_nanosecond(total).map_err(|_| out_of_range())
    }
}
