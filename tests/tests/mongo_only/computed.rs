//! What the server computes and stores is held to the type of the field.

use orm::mongo::{Mongo, MongoUpdate, ReturnDocument};
use orm::prelude::*;
use orm::write::excluded;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rust_decimal::Decimal;

use super::{name, url};

/// A number of every type.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "gauges")]
pub struct Gauge {
    #[orm(primary_key)]
    pub id: i64,
    pub i8s: i8,
    pub i16s: i16,
    pub i32s: i32,
    pub i64s: i64,
    pub u8s: u8,
    pub u16s: u16,
    pub u32s: u32,
    pub u64s: u64,
    pub single: f32,
    pub double: f64,
    pub price: Decimal,
    #[orm(precision = 6, scale = 2)]
    pub money: Decimal,
    pub maybe: Option<i32>,
    #[orm(embed)]
    pub steps: Vec<Step>,
    #[orm(version)]
    pub lock: i32,
}

/// A part of a gauge.
#[derive(Debug, Clone, PartialEq, Embedded)]
pub struct Step {
    pub price: Decimal,
    pub single: f32,
}

orm::schema!(pub Gauges: Gauge);

fn gauge(id: i64) -> impl orm::write::Insertable<Gauge> + Clone {
    let numbers = Gauge::create().id(id).i8s(1).i16s(1).i32s(1).i64s(1).u8s(1).u16s(1).u32s(1).u64s(1);
    let steps = vec![Step { price: Decimal::ONE, single: 1.5 }];
    numbers.single(1.0).double(1.0).price(Decimal::ONE).money(Decimal::ONE).maybe(1).steps(steps)
}

async fn gauges() -> Mongo {
    let db = Mongo::builder(url()).database(name()).connect().await.unwrap();
    Gauges::create_all(&db).await.unwrap();
    Gauge::insert_many([gauge(1)]).exec(&db).await.unwrap();
    db
}

#[track_caller]
fn out_of_range<T: std::fmt::Debug>(result: orm::Result<T>, field: &str) {
    let error = result.expect_err(field);
    assert_eq!((error.kind(), error.model()), (ErrorKind::OutOfRange, Some("Gauge")), "{field}: {error}");
    assert_eq!(error.fields(), [field], "{error}");
}

#[tokio::test]
async fn a_computed_value_that_the_field_cannot_hold_is_refused() {
    let db = gauges().await;
    let before = Gauge::find(1).one(&db).await.unwrap();
    macro_rules! refused {
        ($($field:ident $to:expr;)*) => {$(
            let update = || Gauge::filter(Gauge::id.eq(1)).update().set(Gauge::$field, $to);
            out_of_range(update().exec(&db).await, stringify!($field));
            out_of_range(update().returning(&db).await, stringify!($field));
            out_of_range(update().find_one_and_update(ReturnDocument::After, &db).await, stringify!($field));
            let all = Gauge::query().update().set(Gauge::$field, $to).all_rows();
            out_of_range(all.exec(&db).await, stringify!($field));
            let upsert = Gauge::upsert(gauge(1)).set(Gauge::$field, $to);
            out_of_range(upsert.returning(&db).await, stringify!($field));
        )*};
    }
    refused! {
        i8s Gauge::i8s + 127;
        i16s Gauge::i16s - 32_767 - 10;
        i32s Gauge::i32s + i32::MAX;
        i64s Gauge::i64s + i64::MAX;
        u8s Gauge::u8s - 2;
        u16s Gauge::u16s + 65_535;
        u32s Gauge::u32s - 2;
        u64s Gauge::u64s - 2;
        single Gauge::single * f32::MAX * 2.0;
        price Gauge::price * Decimal::MAX * Decimal::from(2);
        price (Gauge::price / Decimal::from(3)).coalesce(Decimal::ZERO) * (Gauge::price / Decimal::from(3)).coalesce(Decimal::ZERO);
        money Gauge::money * Decimal::from(10_000);
        money (Gauge::money / Decimal::from(8)).coalesce(Decimal::ZERO);
        maybe Gauge::maybe + i32::MAX;
    }
    let twice =
        Gauge::upsert(gauge(1)).set(Gauge::i32s, Gauge::i32s + excluded(Gauge::i32s) + (i32::MAX - 1));
    out_of_range(twice.returning(&db).await, "i32s");
    assert_eq!(Gauge::find(1).one(&db).await.unwrap(), before);
}

#[tokio::test]
async fn the_largest_values_of_a_field_are_stored() {
    let db = gauges().await;
    let all = Gauge::query()
        .update()
        .set(Gauge::i32s, Gauge::i32s + (i32::MAX - 1))
        .set(Gauge::i64s, Gauge::i64s + (i64::MAX - 1))
        .set(Gauge::single, Gauge::single * f32::MAX)
        .set(Gauge::double, Gauge::double * f64::MAX)
        .set(Gauge::price, Gauge::price * Decimal::MAX)
        .set(Gauge::money, Gauge::money * Decimal::new(999_999, 2))
        .all_rows();
    assert_eq!(all.exec(&db).await.unwrap(), 1);
    let found = Gauge::find(1).one(&db).await.unwrap();
    assert_eq!((found.i32s, found.i64s, found.single), (i32::MAX, i64::MAX, f32::MAX));
    assert_eq!((found.double, found.price, found.money), (f64::MAX, Decimal::MAX, Decimal::new(999_999, 2)));
    for price in [Decimal::MIN, Decimal::new(1, 28), Decimal::new(-7, 28), Decimal::new(12_345, 10)] {
        let update = Gauge::filter(Gauge::id.eq(1)).update().set(Gauge::price, price);
        update.exec(&db).await.unwrap();
        assert_eq!(Gauge::find(1).one(&db).await.unwrap().price, price);
    }
}

#[tokio::test]
async fn a_version_at_its_end_does_not_go_on() {
    let db = gauges().await;
    let set = mongodb::bson::doc! {"$set": {"lock": i32::MAX}};
    db.driver()
        .collection::<mongodb::bson::Document>("gauges")
        .update_one(mongodb::bson::doc! {}, set)
        .await
        .unwrap();
    let row = Gauge::find(1).one(&db).await.unwrap();
    out_of_range(row.update().i32s(7).save(&db).await, "lock");
    out_of_range(Gauge::filter(Gauge::id.eq(1)).update().set(Gauge::i32s, 7).exec(&db).await, "lock");
    assert_eq!(Gauge::find(1).one(&db).await.unwrap(), row);
}

#[tokio::test]
async fn a_float_of_32_bits_is_stored_as_it_is_read() {
    let db = gauges().await;
    for factor in [1.1_f32, 0.3, 7.7e-10, 3.3e30] {
        Gauge::filter(Gauge::id.eq(1)).update().set(Gauge::single, 1.7_f32).exec(&db).await.unwrap();
        let product = Gauge::filter(Gauge::id.eq(1)).update().set(Gauge::single, Gauge::single * factor);
        product.exec(&db).await.unwrap();
        let row = Gauge::find(1).one(&db).await.unwrap();
        assert_eq!(row.single, 1.7_f32 * factor);
        assert_eq!(Gauge::filter(Gauge::single.eq(row.single)).count(&db).await.unwrap(), 1, "{factor}");
    }
}

/// What came of a computed update, against the same in Rust.
async fn holds<T: std::fmt::Debug + PartialEq>(
    stored: orm::Result<u64>,
    expected: Option<T>,
    before: T,
    found: T,
) -> Result<(), TestCaseError> {
    match (stored, expected) {
        (Ok(1), Some(expected)) => prop_assert_eq!(found, expected),
        (Err(error), None) => {
            prop_assert_eq!(error.kind(), ErrorKind::OutOfRange, "{}", error);
            prop_assert_eq!(found, before);
        }
        (stored, expected) => prop_assert!(false, "{stored:?}, but {expected:?} in Rust"),
    }
    Ok(())
}

#[test]
fn computed_updates_hold_what_the_type_holds() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let db = runtime.block_on(gauges());
    // Near the ends of each type, and anywhere.
    macro_rules! near {
        ($ty:ty) => {
            prop_oneof![Just(<$ty>::MIN), Just(<$ty>::MAX), Just(1 as $ty), any::<$ty>()]
        };
    }
    let numbers = (near!(i8), near!(i16), near!(i32), near!(i64), near!(u8), near!(u16), near!(u32));
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let check = |old: (i8, i16, i32, i64, u8, u16, u32), by: (i8, i16, i32, i64, u8, u16, u32), op: u8| {
        let db = db.clone();
        async move {
            macro_rules! each {
            ($($field:ident $at:tt;)*) => {$(
                let (was, step) = (old.$at, by.$at);
                let one = || Gauge::filter(Gauge::id.eq(1)).update();
                one().set(Gauge::$field, was).exec(&db).await.unwrap();
                let (update, expected) = match op {
                    0 => (one().set(Gauge::$field, Gauge::$field + step), was.checked_add(step)),
                    1 => (one().set(Gauge::$field, Gauge::$field - step), was.checked_sub(step)),
                    _ => (one().set(Gauge::$field, Gauge::$field * step), was.checked_mul(step)),
                };
                let stored = update.exec(&db).await;
                let found = Gauge::find(1).one(&db).await.map_err(|error| TestCaseError::fail(error.to_string()))?;
                holds(stored, expected, was, found.$field).await?;
            )*};
        }
            each! { i8s 0; i16s 1; i32s 2; i64s 3; u8s 4; u16s 5; u32s 6; }
            Ok::<(), TestCaseError>(())
        }
    };
    let result = runner
        .run(&(numbers.clone(), numbers, 0..3_u8), |(old, by, op)| runtime.block_on(check(old, by, op)));
    result.unwrap();
}

#[test]
fn decimals_are_stored_if_they_can_be_read_and_refused_if_not() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let db = runtime.block_on(gauges());
    let decimal = (any::<i128>(), 0_u32..=28, 0_u32..=96).prop_map(|(mantissa, scale, bits)| {
        let cut = mantissa.unsigned_abs() & ((1 << bits) - 1);
        Decimal::from_i128_with_scale(if mantissa < 0 { -(cut as i128) } else { cut as i128 }, scale)
    });
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let check = |left: Decimal, right: Decimal| {
        let db = db.clone();
        async move {
            let one = || Gauge::filter(Gauge::id.eq(1)).update();
            one().set(Gauge::price, left).exec(&db).await.unwrap();
            let stored = one().set(Gauge::price, Gauge::price * right).exec(&db).await;
            // A row that can be read, whatever became of the update.
            let found =
                Gauge::find(1).one(&db).await.map_err(|error| TestCaseError::fail(error.to_string()))?;
            // The product, exact: 56 digits at most.
            let exact = left.checked_mul(right).filter(|product| {
                let digits = |number: Decimal| number.normalize().scale();
                digits(*product) == digits(left) + digits(right)
                    || product.is_zero() && (left.is_zero() || right.is_zero())
            });
            match stored {
                Ok(_) => {
                    if let Some(exact) = exact {
                        prop_assert_eq!(found.price, exact);
                    }
                }
                Err(error) => {
                    prop_assert_eq!(error.kind(), ErrorKind::OutOfRange, "{}", error);
                    prop_assert_eq!(exact, None);
                    prop_assert_eq!(found.price, left);
                }
            }
            Ok::<(), TestCaseError>(())
        }
    };
    runner.run(&(decimal.clone(), decimal), |(left, right)| runtime.block_on(check(left, right))).unwrap();
}

#[tokio::test]
async fn doubles_are_rounded_without_losing_digits() {
    let db = gauges().await;
    for (number, digits, rounded) in [
        (12_345_678_901_234_567.0, 0, 12_345_678_901_234_568.0),
        (0.499_999_999_999_999_94, 0, 0.0),
        (4_503_599_627_370_495.5, 0, 4_503_599_627_370_496.0),
        (-2.5, 0, -3.0),
        (2.5, 0, 3.0),
        (1e300, 2, 1e300),
        (2.675, 2, 2.68),
        (-2.675, 2, -2.68),
        (1_234_567_890.123_456_7, 6, 1_234_567_890.123_457),
        (f64::INFINITY, 1, f64::INFINITY),
    ] {
        Gauge::filter(Gauge::id.eq(1)).update().set(Gauge::double, number).exec(&db).await.unwrap();
        let found = Gauge::query().select(Gauge::double.round(digits)).one(&db).await.unwrap();
        assert_eq!(found, rounded, "{number} to {digits}");
    }
}

#[tokio::test]
async fn remainders_keep_all_digits() {
    let db = gauges().await;
    for (number, by) in [(i64::MAX, 10), (i64::MIN, 7), (-7, 3)] {
        Gauge::filter(Gauge::id.eq(1)).update().set(Gauge::i64s, number).exec(&db).await.unwrap();
        let found: Option<i64> = Gauge::query().select(Gauge::i64s % by).one(&db).await.unwrap();
        assert_eq!(found, Some(number % by), "{number} % {by}");
    }
    let (number, by) = (Decimal::MAX, Decimal::new(7, 1));
    Gauge::filter(Gauge::id.eq(1)).update().set(Gauge::price, number).exec(&db).await.unwrap();
    let found: Option<Decimal> = Gauge::query().select(Gauge::price % by).one(&db).await.unwrap();
    assert_eq!(found, Some(number % by));
}
