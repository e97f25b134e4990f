//! Ranges, multiranges, and the operators of the types that only PostgreSQL has.

use std::ops::Bound;

use orm::postgres::ops::{HstoreOps, IntervalOps, LtreeOps, NetworkOps, OneRangeOps, RangeOps, TsVectorOps};
use orm::postgres::types::{Hstore, Inet, Interval, Ltree, Multirange, Numeric, Range, TsQuery, TsVector};

use super::types::with_extensions;
use super::*;

#[derive(Debug, Clone, PartialEq, Model)]
struct Booking {
    #[orm(primary_key, auto)]
    id: i64,
    room: i32,
    #[orm(column_const = "during")]
    during: Range<DateTime<Utc>>,
    seats: Range<i32>,
    #[orm(default(sql = "'{}'"))]
    open: Multirange<i64>,
    days: Option<Range<chrono::NaiveDate>>,
    prices: Option<Range<rust_decimal::Decimal>>,
    numbers: Option<Range<Numeric>>,
}
orm::schema!(Bookings: Booking);

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(hour * 3600, 0).unwrap()
}

#[tokio::test]
async fn ranges_are_stored_compared_and_computed_with() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    Bookings::create_all(&db).await?;
    let day = |day: u32| chrono::NaiveDate::from_ymd_opt(2024, 2, day).unwrap();
    let price = |cents: i64| rust_decimal::Decimal::new(cents, 2);
    let one = Booking::create()
        .room(1)
        .during(Range::from(at(8)..at(10)))
        .seats(Range::from(1..=5))
        .open(Multirange::from_iter([Range::from(1..3_i64), Range::from(7..)]))
        .days(Range::from(day(1)..=day(28)))
        .prices(Range::Between(Bound::Excluded(price(150)), Bound::Included(price(300))))
        .numbers(Range::from(..Numeric::from(7)))
        .insert(&db)
        .await?;
    assert_eq!(one.seats, Range::from(1..6), "as the server writes it");
    assert_eq!(
        (one.days, one.prices.and_then(|range| range.upper().copied())),
        (Some(Range::from(day(1)..day(29))), Some(price(300)))
    );
    assert_eq!((one.open.0.len(), one.open.contains(&8), one.open.contains(&3)), (2, true, false));
    let next = || Booking::create().room(2).during(Range::from(at(10)..)).seats(Range::Empty);
    let more = Booking::insert_many([next(), next()]).returning(&db).await?;
    assert_eq!((more[1].seats, more[1].during), (Range::Empty, Range::from(at(10)..)));

    macro_rules! count {
        ($condition:expr) => {
            Booking::query().filter($condition).count(&db).await?
        };
    }
    assert_eq!(count!(Booking::during.holds(at(8))), 1);
    assert_eq!(count!(Booking::during.overlaps(at(9)..at(11))), 3);
    assert_eq!(count!(Booking::during.contained_in_range(at(0)..at(10))), 1);
    assert_eq!(count!(Booking::during.adjacent_to(at(10)..at(11))), 1);
    assert_eq!(count!(Booking::during.before(at(11)..at(12))), 1);
    assert_eq!(count!(Booking::seats.contains_range(2..3) & Booking::seats.holds(Booking::room)), 1);
    assert_eq!(count!(Booking::seats.is_empty_range()), 2);
    assert_eq!(count!(Booking::open.holds(2) & Booking::prices.holds(price(151))), 1);
    assert_eq!(Booking::filter(Booking::seats.eq(1..=5)).count(&db).await?, 1);

    let computed = Booking::query()
        .filter(Booking::id.eq(one.id))
        .select((
            Booking::seats.union(6..9),
            Booking::seats.intersection(4..),
            Booking::seats.difference(..2),
            Booking::seats.merge(10..12),
            Booking::seats.upper_bound(),
            Booking::seats.to_multirange(),
        ))
        .one(&db)
        .await?;
    let wanted = (
        Range::from(1..9),
        Range::from(4..6),
        Range::from(2..6),
        Range::from(1..12),
        Some(6),
        Multirange(vec![Range::from(1..6)]),
    );
    assert_eq!(computed, wanted);
    let all = Booking::query().select(Booking::during.range_agg()).one(&db).await?;
    assert_eq!(all, Some(Multirange(vec![Range::from(at(8)..)])));

    let fine = DateTime::from_timestamp(1, 1).unwrap();
    let error = Booking::query().filter(Booking::during.overlaps(fine..)).count(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode);
    let low = 5;
    let error = Booking::query()
        .filter(Booking::seats.overlaps(Range::from(low..low - 3)))
        .count(&db)
        .await
        .unwrap_err();
    assert!(error.message().contains("lower bound"), "{error}");
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Model)]
struct Thing {
    #[orm(primary_key, auto)]
    id: i64,
    body: String,
    #[orm(generated = "to_tsvector('english', body)")]
    words: TsVector,
    tags: Hstore,
    path: Ltree,
    inet: Inet,
    made: DateTime<Utc>,
}
orm::schema!(Things: Thing);

#[tokio::test]
async fn native_operators_search_and_change() -> Result<()> {
    let db = with_extensions().await?;
    Things::create_all(&db).await?;
    let thing = |body: &str, path: &str, inet: &str| {
        Thing::create()
            .body(body)
            .tags(Hstore::from([("path", Some(path)), ("none", None)]))
            .path(Ltree::from(path))
            .inet(inet.parse::<Inet>().unwrap())
            .made(at(0))
    };
    thing("The cats were running", "top.science.astro", "10.1.2.3").insert(&db).await?;
    thing("A dog", "top.arts", "192.168.0.0/16").insert(&db).await?;
    macro_rules! bodies {
        ($condition:expr) => {
            Thing::query().filter($condition).order_by(Thing::id.asc()).select(Thing::body).all(&db).await?
        };
    }
    assert_eq!(
        bodies!(Thing::words.matches_query(TsQuery::word("cat") & !TsQuery::prefix("do"))),
        ["The cats were running"]
    );
    assert_eq!(bodies!(Thing::path.is_descendant_of("top.science")), ["The cats were running"]);
    assert_eq!(bodies!(Thing::path.matches_lquery("top.*{1}")), ["A dog"]);
    assert_eq!(
        bodies!(Thing::path.is_ancestor_of("top.arts.music") & Thing::path.path_length().eq(2)),
        ["A dog"]
    );
    assert_eq!(bodies!(Thing::inet.in_network("10.0.0.0/8".parse::<Inet>()?)), ["The cats were running"]);
    assert_eq!(
        bodies!(
            Thing::inet.holds_network("192.168.7.7".parse::<Inet>()?) & Thing::inet.prefix_length().eq(16)
        ),
        ["A dog"]
    );
    assert_eq!(
        bodies!(Thing::tags.hstore_get("path").eq("top.arts") & Thing::tags.hstore_has_key("none")),
        ["A dog"]
    );
    let changed = Thing::filter(Thing::body.eq("A dog"))
        .update()
        .set(Thing::tags, Thing::tags.hstore_merge(Hstore::from([("new", Some("1"))])).hstore_without("none"))
        .set(Thing::made, Thing::made.plus_interval(Interval::months(1) + Interval::micros(5)))
        .returning(&db)
        .await?;
    assert_eq!(changed[0].tags, Hstore::from([("path", Some("top.arts")), ("new", Some("1"))]));
    assert_eq!(changed[0].made, DateTime::from_timestamp(31 * 86_400, 5_000).unwrap());
    assert!(!changed[0].words.0.is_empty());
    Ok(())
}
