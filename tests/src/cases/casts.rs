//! Conversions between types: one meaning everywhere, in UTC and exact, or a refusal.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use orm::prelude::*;
use orm::{ErrorKind, Result};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::Fixture;

/// A value of each type that is converted.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "cast_values")]
pub struct Cast {
    #[orm(primary_key)]
    pub id: i64,
    pub small: i32,
    pub double: f64,
    pub single: f32,
    pub price: Decimal,
    pub text: String,
    pub flag: bool,
    pub at: DateTime<Utc>,
    pub local: NaiveDateTime,
    pub day: NaiveDate,
    pub clock: NaiveTime,
    pub key: Uuid,
}
orm::schema!(pub Casts: Cast);

const KEY: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

async fn values<D: Database>(db: &D, text: &str) -> Result<()> {
    Casts::create_all(db).await?;
    let local: NaiveDateTime = "2024-02-29T23:30:00.25".parse().unwrap();
    let row = Cast::create()
        .id(7)
        .small(-40_000)
        .double(2.75)
        .single(0.1)
        .price("12.50".parse::<Decimal>().unwrap())
        .text(text)
        .flag(true)
        .at(local.and_utc())
        .local(local)
        .day(local.date())
        .clock(local.time())
        .key(KEY.parse::<Uuid>().unwrap());
    row.insert(db).await?;
    Ok(())
}

pub async fn numbers_become_numbers<D: Database>(f: &Fixture<D>) -> Result<()> {
    values(&f.db, "12").await?;
    let row = Cast::query()
        .select((
            Cast::double.cast::<i64>(),
            Cast::price.cast::<i64>(),
            Cast::flag.cast::<i32>(),
            Cast::small.cast::<f64>(),
            Cast::price.cast::<f64>(),
            Cast::small.cast::<Decimal>(),
            Cast::id.cast::<i16>(),
            Cast::double.negate().cast::<i32>(),
        ))
        .one(&f.db)
        .await?;
    assert_eq!(row, (2, 12, 1, -40_000.0, 12.5, Decimal::from(-40_000), 7, -2));
    let truth = (Cast::small.cast::<bool>(), (Cast::id - 7).cast::<bool>(), Cast::price.cast::<bool>());
    assert_eq!(Cast::query().select(truth).one(&f.db).await?, (true, false, true));
    Ok(())
}

pub async fn texts_of_numbers_and_flags_are_the_same_everywhere<D: Database>(f: &Fixture<D>) -> Result<()> {
    values(&f.db, "12").await?;
    let flags = (Cast::flag.cast::<String>(), (!Cast::flag).cast::<String>(), Cast::small.cast::<String>());
    let texts = Cast::query().select(flags).one(&f.db).await?;
    assert_eq!(texts, ("true".to_owned(), "false".to_owned(), "-40000".to_owned()));
    let back = (Cast::text.cast::<i64>(), Cast::text.cast::<f64>(), Cast::text.cast::<Decimal>());
    assert_eq!(Cast::query().select(back).one(&f.db).await?, (12, 12.0, Decimal::from(12)));
    Ok(())
}

pub async fn a_text_that_is_no_number_is_an_error<D: Database>(f: &Fixture<D>) -> Result<()> {
    values(&f.db, "abc").await?;
    for error in [
        Cast::query().select(Cast::text.cast::<i64>()).all(&f.db).await.unwrap_err(),
        Cast::query().select(Cast::text.cast::<f64>()).all(&f.db).await.unwrap_err(),
        Cast::query().select(Cast::text.cast::<Decimal>()).all(&f.db).await.unwrap_err(),
        Cast::filter(Cast::text.cast::<i64>().eq(0)).all(&f.db).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    }
    Ok(())
}

pub async fn instants_become_dates_and_texts_in_utc<D: Database>(f: &Fixture<D>) -> Result<()> {
    values(&f.db, "").await?;
    let day = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    let dates = (Cast::at.cast::<NaiveDate>(), Cast::local.cast::<NaiveDate>());
    assert_eq!(Cast::query().select(dates).one(&f.db).await?, (day, day));
    assert_eq!(Cast::filter(Cast::at.cast::<NaiveDate>().eq(day)).count(&f.db).await?, 1);
    let texts = (Cast::at.cast::<String>(), Cast::local.cast::<String>(), Cast::day.cast::<String>());
    let (at, local, text) = Cast::query().select(texts).one(&f.db).await?;
    assert_eq!((&*at, &*local, &*text), ("2024-02-29 23:30:00.25", "2024-02-29 23:30:00.25", "2024-02-29"));
    let midnight: NaiveDateTime = "2024-02-29T00:00:00".parse().unwrap();
    let instants = (
        Cast::day.cast::<NaiveDateTime>(),
        Cast::day.cast::<DateTime<Utc>>(),
        Cast::local.cast::<DateTime<Utc>>(),
        Cast::at.cast::<NaiveDateTime>(),
    );
    let row = Cast::query().select(instants).one(&f.db).await?;
    let stored = Cast::find(7).one(&f.db).await?;
    assert_eq!(row, (midnight, midnight.and_utc(), stored.at, stored.local));
    Ok(())
}

/// A conversion that a database lacks is refused by it; where it is not, it has this result.
fn or_refused<T: PartialEq + std::fmt::Debug>(result: Result<T>, expected: T) {
    match result {
        Ok(value) => assert_eq!(value, expected),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}"),
    }
}

pub async fn what_a_database_cannot_convert_the_same_way_it_refuses<D: Database>(
    f: &Fixture<D>,
) -> Result<()> {
    values(&f.db, KEY).await?;
    let q = Cast::query;
    or_refused(q().select(Cast::key.cast::<String>()).one(&f.db).await, KEY.to_owned());
    or_refused(q().select(Cast::text.cast::<Uuid>()).one(&f.db).await, KEY.parse().unwrap());
    or_refused(q().select(val(KEY.to_owned()).cast::<Uuid>().eq(Cast::key)).one(&f.db).await, true);
    or_refused(q().select(Cast::price.cast::<String>()).one(&f.db).await, "12.5".to_owned());
    or_refused(
        q().select((Cast::double + 1e15).cast::<String>()).one(&f.db).await,
        "1.0000000000000028e+15".to_owned(),
    );
    or_refused(
        q().select((Cast::double / 3.0).cast::<String>()).one(&f.db).await,
        Some("0.9166666666666666".to_owned()),
    );
    or_refused(q().select(Cast::single.cast::<String>()).one(&f.db).await, "0.1".to_owned());
    or_refused(q().select(Cast::single.cast::<Decimal>()).one(&f.db).await, "0.1".parse().unwrap());
    or_refused(
        q().select((val(0.1) + val(0.2)).cast::<Decimal>()).one(&f.db).await,
        "0.30000000000000004".parse().unwrap(),
    );
    or_refused(q().select(Cast::clock.cast::<String>()).one(&f.db).await, "23:30:00.25".to_owned());
    or_refused(q().select(Cast::at.cast::<NaiveTime>()).one(&f.db).await, "23:30:00.25".parse().unwrap());
    or_refused(q().select(val("TRUE".to_owned()).cast::<bool>()).one(&f.db).await, true);
    Ok(())
}

pub async fn what_has_no_one_meaning_is_refused_before_it_is_sent<D: Database>(f: &Fixture<D>) -> Result<()> {
    values(&f.db, "2024-02-29").await?;
    f.log.take();
    for error in [
        Cast::query().select(Cast::text.cast::<NaiveDate>()).all(&f.db).await.unwrap_err(),
        Cast::query().select(Cast::text.cast::<DateTime<Utc>>()).all(&f.db).await.unwrap_err(),
        Cast::query().select(Cast::at.cast::<i64>()).all(&f.db).await.unwrap_err(),
        Cast::query().select(Cast::key.cast::<i64>()).all(&f.db).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    assert!(f.log.take().is_empty());
    Ok(())
}

pub async fn a_number_beyond_its_new_type_is_out_of_range<D: Database>(f: &Fixture<D>) -> Result<()> {
    values(&f.db, "").await?;
    let beyond = Cast::query().select((Cast::double * 1e300).cast::<i64>()).all(&f.db).await.unwrap_err();
    assert_eq!(beyond.kind(), ErrorKind::OutOfRange, "{beyond}");
    // One in the database, the other when it is read.
    let narrow = Cast::query().select((Cast::id + 40_000).cast::<i16>()).all(&f.db).await.unwrap_err();
    assert!(matches!(narrow.kind(), ErrorKind::OutOfRange | ErrorKind::Decode), "{narrow}");
    Ok(())
}

pub async fn rounding_keeps_every_digit<D: Database>(f: &Fixture<D>) -> Result<()> {
    values(&f.db, "").await?;
    let large = 123_456_789_012_345_680.0;
    let rounded = Cast::query()
        .select(((val(large) + Cast::double * 0.0).round(0), Cast::double.round(1), Cast::double.round(0)))
        .one(&f.db)
        .await?;
    assert_eq!(rounded, (large, 2.8, 3.0));
    Ok(())
}
