//! The codecs of all types against a cell that holds what was encoded.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Debug;

use super::{
    Array, Cell, CellError, CellResult, ColumnType, Date, DateTime, Datum, Numeric, Scalar, Time, Value,
};
use crate::error::{Error, ErrorKind};

/// A database that keeps every datum as it is.
#[derive(Clone, Copy)]
struct Kept<'r>(&'r Datum);

macro_rules! reads {
    ($($name:ident $variant:ident -> $type:ty;)*) => {
        $(fn $name(self) -> CellResult<$type> {
            match self.0 {
                Datum::$variant(value) => Ok(value.clone()),
                Datum::Null => Err(CellError::Null),
                _ => Err(CellError::Type { found: "something else", wanted: stringify!($variant) }),
            }
        })*
    };
}

impl<'r> Cell<'r> for Kept<'r> {
    fn is_null(self) -> bool {
        self.0.is_null()
    }
    reads! {
        bool Bool -> bool;
        i64 I64 -> i64;
        f64 F64 -> f64;
        uuid Uuid -> [u8; 16];
        decimal Decimal -> Numeric;
        date Date -> Date;
        time Time -> Time;
        datetime DateTime -> DateTime;
        timestamp Timestamp -> DateTime;
    }
    fn text(self) -> CellResult<&'r str> {
        match self.0 {
            Datum::Text(text) => Ok(text),
            _ => Err(CellError::Type { found: "something else", wanted: "Text" }),
        }
    }
    fn bytes(self) -> CellResult<&'r [u8]> {
        match self.0 {
            Datum::Bytes(bytes) => Ok(bytes),
            _ => Err(CellError::Type { found: "something else", wanted: "Bytes" }),
        }
    }
    fn json(self) -> CellResult<Cow<'r, str>> {
        match self.0 {
            Datum::Json(text) => Ok(text.as_str().into()),
            _ => Err(CellError::Type { found: "something else", wanted: "Json" }),
        }
    }
}

fn stored<T: Value>(value: T) -> Datum {
    Value::encode(value)
}

fn read<T: Value>(datum: &Datum) -> CellResult<T> {
    <T as Value>::decode(Kept(datum))
}

#[track_caller]
fn comes_back<T: Value + Clone + PartialEq + Debug>(values: impl IntoIterator<Item = T>) {
    for value in values {
        assert_eq!(read(&stored(value.clone())), Ok(value));
    }
    assert!(read::<T::Base>(&Datum::Null).is_err(), "NULL is for an Option");
}

#[track_caller]
fn refused<T: Value + Debug>(datum: Datum) {
    assert!(matches!(read::<T>(&datum), Err(CellError::Invalid(_))), "{datum:?}");
}

/// Every kind of datum; those that stand beside each other are different values.
fn all_kinds() -> Vec<Datum> {
    let (date, time) = (Date { days: 1 }, Time { nanos: 1 });
    let at = DateTime::join(date, time);
    vec![
        Datum::Null,
        Datum::Default,
        Datum::Bool(true),
        Datum::Bool(false),
        Datum::I64(1),
        Datum::F64(1.0),
        Datum::Text("1".into()),
        Datum::Json("1".into()),
        Datum::Bytes(vec![1]),
        Datum::Uuid([1; 16]),
        Datum::Decimal(Numeric { mantissa: 1, scale: 0 }),
        Datum::Date(date),
        Datum::Time(time),
        Datum::DateTime(at),
        Datum::Timestamp(at),
        Datum::Array(vec![Datum::I64(1), Datum::Null]),
        Datum::Array(vec![Datum::I64(1)]),
    ]
}

#[test]
fn data_are_equal_as_keys_are() {
    let kinds = all_kinds();
    for (number, datum) in kinds.iter().enumerate() {
        assert_eq!(datum, &datum.clone());
        assert!(
            kinds.iter().enumerate().all(|(other, known)| (known == datum) == (other == number)),
            "{datum:?}"
        );
    }
    let set: HashSet<Datum> = kinds.iter().chain(&kinds).cloned().collect();
    assert_eq!(set.len(), kinds.len());
    assert!(set.contains(&Datum::Decimal(Numeric { mantissa: 100, scale: 2 })), "1.00 is 1");
    let zeros: HashSet<Datum> = [Datum::F64(0.0), Datum::F64(-0.0)].into();
    assert_eq!(zeros.len(), 1);
    let invalid = Datum::invalid(Error::new(ErrorKind::Encode, "never"));
    assert_ne!(invalid, invalid.clone(), "an error is no value");
    assert!(!HashSet::from([invalid.clone()]).contains(&invalid));
}

#[test]
fn a_number_that_does_not_fit_is_refused() {
    comes_back([i8::MIN, i8::MAX]);
    comes_back([0_u32, u32::MAX]);
    refused::<i8>(Datum::I64(128));
    refused::<u16>(Datum::I64(-1));
    assert!(matches!(stored(u64::MAX), Datum::Invalid(error) if error.kind() == ErrorKind::OutOfRange));
    comes_back(['a', '\u{1F980}']);
    refused::<char>(Datum::Text("ab".into()));
    refused::<char>(Datum::Text(String::new()));
    comes_back([Some(1_i32), None]);
}

#[test]
fn an_array_is_a_list_of_its_type() {
    let mut array: Array<i32> = (1..3).collect();
    array.push(3);
    assert_eq!(array, Array::from([1, 2, 3]));
    assert_eq!((array.len(), Array::from(vec![1, 2, 3])), (3, array.clone()));
    assert_eq!(stored(array), Datum::Array(vec![Datum::I64(1), Datum::I64(2), Datum::I64(3)]));
    assert_eq!(<Array<Option<bool>> as Scalar>::TYPE, ColumnType::Array(&ColumnType::Bool));
}

#[cfg(feature = "json")]
#[test]
fn an_array_of_a_database_without_them_is_json() {
    use super::array_to_json;
    let kept = |values: Vec<Datum>| Datum::Json(array_to_json(&values).unwrap());
    let reals = [0.1 + 0.2, 62.572030410805404, 1e300, -5e-324, 1.0];
    let read_back = read::<Array<f64>>(&kept(reals.map(Datum::F64).to_vec()));
    assert_eq!(read_back, Ok(Array::from(reals)), "no digit is lost");
    let numbers = kept(vec![Datum::I64(i64::MAX), Datum::Null]);
    assert_eq!(read::<Array<Option<i64>>>(&numbers), Ok(Array::from([Some(i64::MAX), None])));
    assert_eq!(read::<Array<i64>>(&numbers), Err(CellError::Null));
    let tenths = Datum::Decimal(Numeric { mantissa: 150, scale: 2 });
    assert_eq!(array_to_json(&[tenths]).unwrap(), r#"["1.5"]"#);
    let nested = kept(vec![Datum::Array(vec![Datum::Bool(true)]), Datum::Array(Vec::new())]);
    assert_eq!(read::<Array<Array<bool>>>(&nested), Ok(Array::from([Array::from([true]), Array::default()])));
    for refused in [Datum::F64(f64::INFINITY), Datum::Json("null".into()), Datum::Bytes(vec![1])] {
        assert!(array_to_json(&[refused]).is_err());
    }
    assert!(read::<Array<i64>>(&Datum::Json("{}".into())).is_err());
}

#[test]
fn dates_are_those_of_the_calendar() {
    for (year, month, day) in [(1970, 1, 1), (2000, 2, 29), (-4, 2, 29), (9999, 12, 31), (0, 3, 1)] {
        assert_eq!(Date::from_civil(year, month, day).map(Date::civil), Some((year, month, day)));
    }
    for (year, month, day) in [(1900, 2, 29), (2001, 2, 30), (2001, 13, 1), (2001, 4, 31), (2001, 1, 0)] {
        assert_eq!(Date::from_civil(year, month, day), None);
    }
    assert_eq!(Time::from_parts(23, 59, 60, 0), None);
    let before = DateTime { secs: -1, nanos: 500_000_000 };
    let (date, time) = before.split().unwrap();
    assert_eq!(format!("{date} {time}"), "1969-12-31 23:59:59.5");
    assert_eq!(DateTime::join(date, time), before);
    assert_eq!(DateTime { secs: i64::MAX, nanos: 0 }.split(), None);
}

#[cfg(feature = "chrono")]
#[test]
fn chrono_comes_back() {
    use ::chrono::{DateTime as Chrono, FixedOffset, NaiveDate, NaiveTime, Utc};
    let day = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    let clock = NaiveTime::from_hms_nano_opt(23, 59, 59, 1).unwrap();
    comes_back([day, NaiveDate::MIN, NaiveDate::MAX]);
    comes_back([clock, NaiveTime::MIN]);
    comes_back([day.and_time(clock)]);
    comes_back([Chrono::<Utc>::UNIX_EPOCH, day.and_time(clock).and_utc()]);
    let there = FixedOffset::east_opt(7200).unwrap();
    let local: Chrono<FixedOffset> = day.and_time(clock).and_utc().with_timezone(&there);
    comes_back([local]);
    assert_eq!(read::<Chrono<FixedOffset>>(&stored(local)).unwrap().offset().local_minus_utc(), 0);
    refused::<NaiveDate>(Datum::Date(Date { days: i32::MAX }));
    refused::<Chrono<Utc>>(Datum::Timestamp(DateTime { secs: i64::MAX, nanos: 0 }));
    let leap = NaiveTime::from_hms_nano_opt(23, 59, 59, 1_500_000_000).unwrap();
    for datum in [stored(leap), stored(day.and_time(leap)), stored(day.and_time(leap).and_utc())] {
        assert!(matches!(datum, Datum::Invalid(error) if error.kind() == ErrorKind::Encode));
    }
}

#[cfg(feature = "jiff")]
#[test]
fn jiff_comes_back() {
    use ::jiff::{Timestamp, civil};
    let (day, clock) = (civil::date(-9999, 1, 1), civil::time(23, 59, 59, 999_999_999));
    comes_back([day, civil::date(1970, 1, 1), civil::Date::MAX]);
    comes_back([clock, civil::Time::MIN]);
    comes_back([day.to_datetime(clock), civil::DateTime::MAX]);
    comes_back([Timestamp::UNIX_EPOCH, Timestamp::MIN, Timestamp::MAX, Timestamp::new(-1, -5).unwrap()]);
    assert_eq!(stored(civil::date(1970, 1, 2)), Datum::Date(Date { days: 1 }));
    refused::<civil::Date>(Datum::Date(Date { days: i32::MAX }));
    refused::<civil::DateTime>(Datum::DateTime(DateTime { secs: i64::MAX, nanos: 0 }));
    refused::<Timestamp>(Datum::Timestamp(DateTime { secs: i64::MIN, nanos: 0 }));
}

#[cfg(feature = "time")]
#[test]
fn time_comes_back() {
    use ::time::{Date as Day, OffsetDateTime, PrimitiveDateTime, Time as Clock, UtcOffset};
    let day = Day::from_ordinal_date(1969, 365).unwrap();
    let clock = Clock::from_hms_nano(12, 30, 15, 7).unwrap();
    comes_back([day, Day::MIN, Day::MAX]);
    comes_back([clock, Clock::MIDNIGHT]);
    comes_back([PrimitiveDateTime::new(day, clock), PrimitiveDateTime::MIN, PrimitiveDateTime::MAX]);
    let there = UtcOffset::from_hms(-3, 0, 0).unwrap();
    comes_back([OffsetDateTime::UNIX_EPOCH, PrimitiveDateTime::new(day, clock).assume_offset(there)]);
    assert_eq!(stored(day), Datum::Date(Date { days: -1 }));
    refused::<Day>(Datum::Date(Date { days: i32::MAX }));
    refused::<OffsetDateTime>(Datum::Timestamp(DateTime { secs: i64::MAX, nanos: 0 }));
    refused::<PrimitiveDateTime>(Datum::DateTime(DateTime { secs: i64::MIN, nanos: 0 }));
}

#[cfg(all(feature = "ulid", feature = "uuid"))]
#[test]
fn a_ulid_is_stored_as_a_uuid() {
    let ulid = ::ulid::Ulid::from_parts(1_700_000_000_000, 42);
    comes_back([ulid]);
    comes_back([::uuid::Uuid::from_u128(7)]);
    assert_eq!(read::<::uuid::Uuid>(&stored(ulid)), Ok(::uuid::Uuid::from_bytes(ulid.to_bytes())));
}

#[cfg(feature = "decimal")]
#[test]
fn a_decimal_of_too_many_digits_is_refused() {
    use rust_decimal::Decimal;
    comes_back([Decimal::MIN, Decimal::MAX, Decimal::new(-5, 28)]);
    refused::<Decimal>(Datum::Decimal(Numeric { mantissa: i128::MAX, scale: 0 }));
    let padded = Datum::Decimal(Numeric { mantissa: 15 * 10_i128.pow(30), scale: 31 });
    assert_eq!(read::<Decimal>(&padded), Ok(Decimal::new(15, 1)));
}

#[cfg(feature = "json")]
#[test]
fn json_holds_any_type_that_serde_knows() {
    use std::collections::BTreeMap;

    use super::Json;
    let mut list = Json::from(vec![1, 2]);
    list.push(3);
    assert_eq!((list.len(), stored(list.clone())), (3, Datum::Json("[1,2,3]".into())));
    comes_back([list]);
    comes_back([serde_json::json!({"a": [null, 1.5]})]);
    let error = read::<Json<Vec<i32>>>(&Datum::Json("{}".into())).unwrap_err();
    assert!(matches!(error, CellError::Invalid(why) if why.starts_with("the JSON does not fit the type: ")));
    // A map of lists as keys has no JSON.
    let odd = Json(BTreeMap::from([(vec![1], 2)]));
    assert!(matches!(stored(odd), Datum::Invalid(error) if error.kind() == ErrorKind::Encode));
}

#[cfg(feature = "time")]
#[test]
fn times_at_the_limits_of_their_crate_are_encoded() {
    use ::time::{Date, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};
    for offset in [-25 * 3600 - 3599, -3600, 0, 3600, 25 * 3600 + 3599] {
        let offset = UtcOffset::from_whole_seconds(offset).unwrap();
        for (date, time) in [(Date::MIN, Time::MIDNIGHT), (Date::MAX, Time::MAX)] {
            let local = PrimitiveDateTime::new(date, time);
            let there: OffsetDateTime = local.assume_offset(offset);
            let Datum::Timestamp(stored) = Scalar::encode(there) else { panic!("no timestamp") };
            assert_eq!((stored.secs, stored.nanos), (there.unix_timestamp(), there.nanosecond()));
            assert!(stored.split().is_some());
            let Datum::DateTime(stored) = Scalar::encode(local) else { panic!("no date and time") };
            assert!(stored.split().is_some());
        }
    }
}
