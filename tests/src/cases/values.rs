//! Every type, at its limits, on every path.

use chrono::{DateTime, NaiveDate, NaiveTime};
use orm::Result;
use orm::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::post;
use crate::Fixture;
use crate::models::{Celsius, Everything, Hostile, Level, Mood, User};

/// A row with the smallest (`low`) or largest value of each type.
pub fn extreme(low: bool) -> Everything {
    let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
    let (day, clock) = if low {
        (date(1, 1, 1), NaiveTime::from_hms_opt(0, 0, 0).unwrap())
    } else {
        (date(9999, 12, 31), NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap())
    };
    let pick = |small: i64, large: i64| if low { small } else { large };
    Everything {
        id: Uuid::from_u128(if low { 0 } else { u128::MAX }),
        flag: !low,
        tiny: pick(i8::MIN.into(), i8::MAX.into()) as i8,
        small: pick(i16::MIN.into(), i16::MAX.into()) as i16,
        medium: pick(i32::MIN.into(), i32::MAX.into()) as i32,
        big: pick(i64::MIN, i64::MAX),
        utiny: pick(0, u8::MAX.into()) as u8,
        usmall: pick(0, u16::MAX.into()) as u16,
        umedium: pick(0, u32::MAX.into()) as u32,
        ubig: pick(0, i64::MAX) as u64,
        single: if low { f32::MIN } else { f32::MIN_POSITIVE },
        double: if low { f64::MIN } else { f64::MIN_POSITIVE },
        text: if low { String::new() } else { "\u{1F980} \u{0}\n'\"\\%_".replace('\u{0}', "") },
        letter: if low { ' ' } else { char::MAX },
        bytes: if low { vec![] } else { (0..=255).collect() },
        price: if low { Decimal::MIN } else { Decimal::MAX },
        day,
        clock,
        local: day.and_time(clock),
        instant: DateTime::from_naive_utc_and_offset(day.and_time(clock), chrono::Utc),
        notes: if low { vec![] } else { vec!["a".into(), "\"b\"".into()] },
        mood: if low { Mood::Calm } else { Mood::VeryHappy },
        level: if low { Level::Low } else { Level::High },
        warmth: Celsius(if low { -273.15 } else { 1e300 }),
        maybe: (!low).then(|| "some".to_owned()),
    }
}

pub(super) async fn store(db: &impl Executor, row: &Everything) -> Result<Everything> {
    let row = row.clone();
    Everything::create()
        .id(row.id)
        .flag(row.flag)
        .tiny(row.tiny)
        .small(row.small)
        .medium(row.medium)
        .big(row.big)
        .utiny(row.utiny)
        .usmall(row.usmall)
        .umedium(row.umedium)
        .ubig(row.ubig)
        .single(row.single)
        .double(row.double)
        .text(row.text)
        .letter(row.letter)
        .bytes(row.bytes)
        .price(row.price)
        .day(row.day)
        .clock(row.clock)
        .local(row.local)
        .instant(row.instant)
        .notes(row.notes)
        .mood(row.mood)
        .level(row.level)
        .warmth(row.warmth)
        .maybe(row.maybe)
        .insert(db)
        .await
}

pub async fn every_type_round_trips<D: Database>(f: &Fixture<D>) -> Result<()> {
    for low in [true, false] {
        let row = extreme(low);
        assert_eq!(store(&f.db, &row).await?, row, "as it comes back from the insert");
        assert_eq!(Everything::find(row.id).one(&f.db).await?, row, "as it is read by key");
        macro_rules! found_by {
            ($($field:ident),*) => {$(
                let found = Everything::filter(Everything::$field.eq(row.$field.clone())).all(&f.db).await?;
                assert_eq!(found.as_slice(), std::slice::from_ref(&row), "by equality of {}", stringify!($field));
                let found = Everything::filter(Everything::$field.in_(vec![row.$field.clone()])).all(&f.db).await?;
                assert_eq!(found.as_slice(), std::slice::from_ref(&row), "by a list of {}", stringify!($field));
                let found = Everything::query().select(Everything::$field).filter(Everything::id.eq(row.id)).one(&f.db).await?;
                assert_eq!(found, row.$field, "as a projection of {}", stringify!($field));
            )*};
        }
        found_by!(
            flag, tiny, small, medium, big, utiny, usmall, umedium, ubig, single, double, text, letter,
            bytes, price, day, clock, local, instant, mood, level
        );
    }
    Ok(())
}

pub async fn hostile_text_survives<D: Database>(f: &Fixture<D>) -> Result<()> {
    for (number, text) in
        ["'; DROP TABLE users; --", "\"", "`", "\\", "?1 $1 :x @y", "\u{202e}", "\r\n\t", "NULL", ""]
            .iter()
            .enumerate()
    {
        let user = User::create().email(format!("{number}")).name(*text).insert(&f.db).await?;
        assert_eq!(user.name, *text);
        assert_eq!(User::filter(User::name.eq(*text)).one(&f.db).await?.id, user.id);
        assert_eq!(User::filter(User::name.in_([*text])).one(&f.db).await?.id, user.id);
    }
    let (ada, _, _) = super::people(&f.db).await?;
    post(&f.db, &ada, "still there", 1).await?;
    Ok(())
}

pub async fn hostile_names_survive<D: Database>(f: &Fixture<D>) -> Result<()> {
    let row = Hostile::create().quoted("x").unicode(7).insert(&f.db).await?;
    let found = Hostile::filter(Hostile::unicode.eq(7) & Hostile::quoted.eq("x"))
        .order_by(Hostile::id.desc())
        .all(&f.db)
        .await?;
    assert_eq!(found.as_slice(), std::slice::from_ref(&row));
    let changed = row.update().unicode(8).save(&f.db).await?;
    assert_eq!(changed.unicode, 8);
    Ok(())
}

pub async fn decimals_are_exact_ordered_and_summed<D: Database>(f: &Fixture<D>) -> Result<()> {
    let prices = ["0.1", "0.2", "-5", "10.00", "9.5"];
    for (number, price) in prices.iter().enumerate() {
        let mut row = extreme(false);
        row.id = Uuid::from_u128(number as u128);
        row.price = price.parse().unwrap();
        store(&f.db, &row).await?;
    }
    let ordered: Vec<Decimal> =
        Everything::query().order_by(Everything::price.asc()).select(Everything::price).all(&f.db).await?;
    let expected: Vec<Decimal> =
        ["-5", "0.1", "0.2", "9.5", "10"].iter().map(|price| price.parse().unwrap()).collect();
    assert_eq!(ordered, expected);
    let row =
        Everything::query().select((Everything::price.sum(), Everything::price.max())).one(&f.db).await?;
    assert_eq!(row, (Some("14.8".parse().unwrap()), Some("10".parse().unwrap())));
    let ten: Decimal = "10.0".parse().unwrap();
    assert_eq!(Everything::filter(Everything::price.eq(ten)).count(&f.db).await?, 1);
    assert_eq!(Everything::filter(Everything::price.gt(Decimal::from(9))).count(&f.db).await?, 2);
    Ok(())
}

pub async fn enums_are_stored_by_name_or_number<D: Database>(f: &Fixture<D>) -> Result<()> {
    store(&f.db, &extreme(false)).await?;
    let names: Vec<String> = Everything::query().select(Everything::mood.cast::<String>()).all(&f.db).await?;
    let numbers: Vec<i64> = Everything::query().select(Everything::level.cast::<i64>()).all(&f.db).await?;
    assert_eq!((names[0].as_str(), numbers[0]), ("very_happy", 10));
    Ok(())
}

pub async fn dates_become_text_with_a_cast<D: Database>(f: &Fixture<D>) -> Result<()> {
    for (place, (day, clock)) in [
        ("0001-01-01", "00:00:00"),
        ("1969-12-31", "23:59:59.25"),
        ("2024-02-29", "12:30:00.000001"),
        ("9999-12-31", "23:59:59.999999"),
    ]
    .into_iter()
    .enumerate()
    {
        let (day, clock): (NaiveDate, NaiveTime) = (day.parse().unwrap(), clock.parse().unwrap());
        let id = Uuid::from_u128(place as u128);
        store(&f.db, &Everything { id, day, local: day.and_time(clock), ..extreme(true) }).await?;
    }
    let texts: Vec<(String, String)> = Everything::query()
        .order_by(Everything::local.asc())
        .select((Everything::day.cast::<String>(), Everything::local.cast::<String>()))
        .all(&f.db)
        .await?;
    let expected = [
        ("0001-01-01", "0001-01-01 00:00:00"),
        ("1969-12-31", "1969-12-31 23:59:59.25"),
        ("2024-02-29", "2024-02-29 12:30:00.000001"),
        ("9999-12-31", "9999-12-31 23:59:59.999999"),
    ];
    assert_eq!(texts, expected.map(|(day, local)| (day.to_owned(), local.to_owned())));
    Ok(())
}
