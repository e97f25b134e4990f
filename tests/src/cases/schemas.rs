//! Names and limits of a schema: what `create_all` makes holds, and what it cannot make is said before anything is sent.

use orm::backend::Supports;
use orm::backend::capabilities::RawSql;
use orm::prelude::*;
use orm::{Error, Result};
use rust_decimal::Decimal;

use crate::Fixture;

/// Its unique constraint and that of [`ShopItem`] are of the same words.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "shop")]
pub struct Shop {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(unique)]
    pub item_code: String,
    #[orm(index)]
    pub item_a: i32,
}

/// See [`Shop`].
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "shop_item", unique(a_b, c), unique(a, b_c))]
pub struct ShopItem {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(unique)]
    pub code: String,
    pub a: i32,
    pub a_b: i32,
    pub b_c: i32,
    pub c: i32,
}
orm::schema!(pub Similar: Shop, ShopItem);

/// Constraints of one table whose names are equal in their first 63 bytes.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "measurements_of_the_weather_in_the_mountains")]
pub struct Measurement {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(unique)]
    pub temperature_in_the_shade_in_the_morning: i32,
    #[orm(unique)]
    pub temperature_in_the_shade_in_the_evening: i32,
    pub follows_the_measurement_before_it: Option<i64>,
    pub follows_the_measurement_before_noon: Option<i64>,
    #[orm(foreign_key = follows_the_measurement_before_it)]
    pub before: BelongsTo<Measurement>,
    #[orm(foreign_key = follows_the_measurement_before_noon)]
    pub noon: BelongsTo<Measurement>,
}
orm::schema!(pub Weather: Measurement);

/// Texts, bytes and numbers with limits.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "tickets")]
pub struct Ticket {
    #[orm(primary_key)]
    pub id: i64,
    #[orm(unique, max_len = 4)]
    pub code: String,
    #[orm(max_len = 2)]
    pub seal: Option<Vec<u8>>,
    #[orm(precision = 6, scale = 2)]
    pub price: Decimal,
    #[orm(embed)]
    pub notes: Vec<Remark>,
}

/// An element with a limit.
#[derive(Debug, Clone, PartialEq, Embedded)]
pub struct Remark {
    #[orm(max_len = 3)]
    pub text: String,
}
orm::schema!(pub Office: Ticket);

/// A number of every width.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "widths")]
pub struct Widths {
    #[orm(primary_key)]
    pub id: i64,
    pub i8: i8,
    pub i16: i16,
    pub i32: i32,
    pub i64: i64,
    pub u8: u8,
    pub u16: u16,
    pub u32: u32,
    pub u64: u64,
    pub f32: f32,
    #[orm(precision = 4, scale = 1)]
    pub short: Decimal,
    pub long: Decimal,
    #[orm(max_len = 3)]
    pub text: String,
    #[orm(version)]
    pub version: i8,
}
orm::schema!(pub Numbers: Widths);

mod impossible {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Model)]
    #[orm(table = "shop")]
    pub struct AlsoShop {
        #[orm(primary_key)]
        pub id: i64,
    }

    #[derive(Debug, Clone, PartialEq, Embedded)]
    pub struct Address {
        pub city: String,
    }

    #[derive(Debug, Clone, PartialEq, Model)]
    pub struct Customer {
        #[orm(primary_key)]
        pub id: i64,
        #[orm(embed(prefix = ""))]
        pub home: Address,
        #[orm(embed(prefix = ""))]
        pub work: Option<Address>,
    }

    #[derive(Debug, Clone, PartialEq, Model)]
    #[orm(unique(name))]
    pub struct Twice {
        #[orm(primary_key)]
        pub id: i64,
        #[orm(unique)]
        pub name: String,
    }

    #[derive(Debug, Clone, PartialEq, Model)]
    pub struct Checked {
        #[orm(primary_key)]
        pub id: i64,
        pub parent_id: i64,
        #[orm(foreign_key = parent_id, on_delete = cascade)]
        pub parent: BelongsTo<Shop>,
        #[orm(foreign_key = parent_id)]
        pub again: BelongsTo<Shop>,
    }
    orm::schema!(pub OneTable: Shop, AlsoShop);
    orm::schema!(pub OneColumn: Customer);
    orm::schema!(pub OneIndex: Twice);
    orm::schema!(pub OneKey: Shop, Checked);
}

fn kind_and_field<T: std::fmt::Debug>(result: Result<T>) -> (ErrorKind, String) {
    let error: Error = result.expect_err("refused");
    (error.kind(), error.fields().join(", "))
}

/// Two tables whose names and columns are of the same words have all their constraints.
pub async fn constraints_of_similar_names_all_hold<D: Database>(fixture: &Fixture<D>) -> Result<()> {
    let db = &fixture.db;
    Similar::create_all(db).await?;
    Similar::create_all(db).await?;
    let shop = || Shop::create().item_code("x").item_a(1);
    shop().insert(db).await?;
    assert_eq!(kind_and_field(shop().insert(db).await), (ErrorKind::Unique, "item_code".to_owned()));
    let item = |code: &str, a, a_b, b_c, c| ShopItem::create().code(code).a(a).a_b(a_b).b_c(b_c).c(c);
    item("x", 1, 1, 1, 1).insert(db).await?;
    assert_eq!(
        kind_and_field(item("x", 2, 2, 2, 2).insert(db).await),
        (ErrorKind::Unique, "code".to_owned())
    );
    assert_eq!(
        kind_and_field(item("y", 2, 1, 2, 1).insert(db).await),
        (ErrorKind::Unique, "a_b, c".to_owned())
    );
    assert_eq!(
        kind_and_field(item("y", 1, 2, 1, 2).insert(db).await),
        (ErrorKind::Unique, "a, b_c".to_owned())
    );
    Ok(())
}

/// No database cuts the names that the library makes.
pub async fn constraints_of_long_names_all_hold<D: Database>(fixture: &Fixture<D>) -> Result<()> {
    let db = &fixture.db;
    Weather::create_all(db).await?;
    Weather::create_all(db).await?;
    let row = |morning, evening| {
        Measurement::create()
            .temperature_in_the_shade_in_the_morning(morning)
            .temperature_in_the_shade_in_the_evening(evening)
    };
    row(1, 1).insert(db).await?;
    let morning = "temperature_in_the_shade_in_the_morning".to_owned();
    assert_eq!(kind_and_field(row(1, 2).insert(db).await), (ErrorKind::Unique, morning));
    let evening = "temperature_in_the_shade_in_the_evening".to_owned();
    assert_eq!(kind_and_field(row(2, 1).insert(db).await), (ErrorKind::Unique, evening));
    for orphan in
        [row(3, 3).follows_the_measurement_before_it(99), row(4, 4).follows_the_measurement_before_noon(99)]
    {
        assert_eq!(orphan.insert(db).await.unwrap_err().kind(), ErrorKind::ForeignKey);
    }
    Weather::drop_all(db).await
}

/// Two things that a database would take for one are refused before anything is sent.
pub async fn a_schema_with_one_name_twice_is_refused<D: Database>(fixture: &Fixture<D>) -> Result<()> {
    let db = &fixture.db;
    let errors = [
        (
            impossible::OneTable::create_all(db).await,
            "AlsoShop",
            "the table `shop` of `Shop` and the table `shop`",
        ),
        (
            impossible::OneColumn::create_all(db).await,
            "Customer",
            "the column `city` of the field `home.city` and",
        ),
        (impossible::OneIndex::create_all(db).await, "Twice", "the unique constraint `uq_twices_name`"),
        (impossible::OneKey::create_all(db).await, "Checked", "the foreign key `fk_checkeds__parent_id` and"),
    ];
    for (result, model, text) in errors {
        let error = result.expect_err(text);
        assert_eq!((error.kind(), error.model()), (ErrorKind::Schema, Some(model)), "{error}");
        assert!(error.message().contains(text), "{error}");
        assert!(error.message().ends_with("have one name in the database"), "{error}");
    }
    assert_eq!(fixture.log.take(), Vec::<String>::new());
    Ok(())
}

/// A value that its column cannot take is refused before it is sent, with its field, on every way in.
pub async fn limits_are_checked_before_sending<D: Database>(fixture: &Fixture<D>) -> Result<()> {
    let db = &fixture.db;
    Office::create_all(db).await?;
    let ticket =
        |id: i64, code: &str| Ticket::create().id(id).code(code).price(Decimal::new(150, 2)).notes(vec![]);
    let row = ticket(1, "ab  ").seal(vec![1, 2]).price(Decimal::new(999_999, 2)).insert(db).await?;
    assert_eq!((row.code.as_str(), row.price), ("ab  ", Decimal::new(999_999, 2)));
    ticket(2, "ab").price(Decimal::new(15_000, 4)).insert(db).await?;
    fixture.log.take();

    let code = (ErrorKind::ValueTooLong, "code".to_owned());
    let seal = (ErrorKind::ValueTooLong, "seal".to_owned());
    let price = (ErrorKind::OutOfRange, "price".to_owned());
    assert_eq!(kind_and_field(ticket(3, "abcd ").insert(db).await), code);
    assert_eq!(kind_and_field(ticket(3, "x").seal(vec![0; 3]).insert(db).await), seal);
    assert_eq!(kind_and_field(ticket(3, "x").price(Decimal::new(1, 3)).insert(db).await), price);
    assert_eq!(kind_and_field(ticket(3, "x").price(Decimal::new(-10_000, 0)).insert(db).await), price);
    let notes = vec![Remark { text: "long".into() }];
    assert_eq!(kind_and_field(ticket(3, "x").notes(notes).insert(db).await).0, ErrorKind::ValueTooLong);
    let many = || [ticket(3, "x"), ticket(4, "ääää ")];
    assert_eq!(kind_and_field(Ticket::insert_many(many()).returning(db).await), code);
    assert_eq!(kind_and_field(Ticket::insert_many(many()).exec(db).await), code);
    assert_eq!(kind_and_field(row.update().code("ab   ").save(db).await), code);
    let mut whole = row.clone();
    whole.price = Decimal::new(1, 9);
    assert_eq!(kind_and_field(whole.save(db).await), price);
    assert_eq!(kind_and_field(Ticket::update_many([&whole]).exec(db).await), price);
    assert_eq!(kind_and_field(Ticket::update_many([row.update().code("ab   ")]).returning(db).await), code);
    let one = || Ticket::filter(Ticket::id.eq(1)).update();
    assert_eq!(kind_and_field(one().set(Ticket::code, "ab   ").exec(db).await), code);
    assert_eq!(kind_and_field(one().set(Ticket::seal, Some(vec![0; 3])).exec(db).await), seal);
    assert_eq!(kind_and_field(Ticket::upsert(ticket(1, "ab   ")).on(Ticket::code).returning(db).await), code);
    let upsert = Ticket::upsert(ticket(1, "x")).on(Ticket::id).set(Ticket::price, Decimal::new(1, 3));
    assert_eq!(kind_and_field(upsert.returning(db).await), price);
    assert_eq!(kind_and_field(Ticket::upsert(ticket(1, "abcde")).do_nothing().returning(db).await), code);
    let sent: Vec<String> = fixture
        .log
        .take()
        .into_iter()
        .filter(|sql| !sql.starts_with("BEGIN") && !sql.starts_with("ROLLBACK"))
        .collect();
    assert_eq!(sent, Vec::<String>::new());

    // A text with blanks at its end is another one than that without.
    assert_eq!(Ticket::filter(Ticket::code.eq("ab")).count(db).await?, 1);
    assert_eq!(Ticket::upsert(ticket(9, "ab ")).on(Ticket::code).returning(db).await?.id, 9);
    Ok(())
}

/// What the database computes is held to what the field can hold.
pub async fn computed_values_are_held_to_their_fields<D: Database>(fixture: &Fixture<D>) -> Result<()>
where
    D::Backend: Supports<RawSql>,
{
    let db = &fixture.db;
    Numbers::create_all(db).await?;
    let highest = Widths {
        id: 1,
        i8: i8::MAX,
        i16: i16::MAX,
        i32: i32::MAX,
        i64: i64::MAX,
        u8: u8::MAX,
        u16: u16::MAX,
        u32: u32::MAX,
        u64: i64::MAX as u64,
        f32: f32::MAX,
        short: Decimal::new(9999, 1),
        long: Decimal::MAX,
        text: "abc".into(),
        version: i8::MAX,
    };
    let create = |row: &Widths| {
        Widths::create()
            .id(row.id)
            .i8(row.i8)
            .i16(row.i16)
            .i32(row.i32)
            .i64(row.i64)
            .u8(row.u8)
            .u16(row.u16)
            .u32(row.u32)
            .u64(row.u64)
            .f32(row.f32)
            .short(row.short)
            .long(row.long)
            .text(row.text.clone())
            .version(row.version)
    };
    assert_eq!(create(&highest).insert(db).await?, highest);
    let lowest = Widths {
        id: 2,
        i8: i8::MIN,
        i16: i16::MIN,
        i32: i32::MIN,
        i64: i64::MIN,
        u8: 0,
        u16: 0,
        u32: 0,
        u64: 0,
        f32: f32::MIN,
        short: Decimal::new(-9999, 1),
        long: Decimal::MIN,
        text: String::new(),
        version: 0,
    };
    assert_eq!(create(&lowest).insert(db).await?, lowest);

    macro_rules! refused {
        ($($id:literal $field:ident $value:expr, $kind:ident;)*) => {$(
            let update = Widths::filter(Widths::id.eq($id)).update().set(Widths::version, 0).set(Widths::$field, $value);
            let field = stringify!($field).trim_start_matches("r#").to_owned();
            assert_eq!(kind_and_field(update.exec(db).await), (ErrorKind::$kind, field), "{}", stringify!($value));
            let upsert = Widths::upsert(create(if $id == 1 { &highest } else { &lowest })).on(Widths::id);
            let upsert = upsert.set(Widths::version, 0).set(Widths::$field, $value);
            assert_eq!(upsert.returning(db).await.expect_err("refused").kind(), ErrorKind::$kind);
        )*};
    }
    refused! {
        1 i8 Widths::i8 + 1, OutOfRange;
        1 i16 Widths::i16 + 1, OutOfRange;
        1 i32 Widths::i32 + 1, OutOfRange;
        1 i64 Widths::i64 + 1, OutOfRange;
        1 u8 Widths::u8 + 1, OutOfRange;
        1 u16 Widths::u16 + 1, OutOfRange;
        1 u32 Widths::u32 + 1, OutOfRange;
        1 u64 Widths::u64 + 1, OutOfRange;
        1 f32 Widths::f32 * 2.0, OutOfRange;
        1 short Widths::short + Decimal::new(1, 1), OutOfRange;
        1 short Widths::short * Decimal::new(1, 1), OutOfRange;
        1 text Widths::text.concat("d"), ValueTooLong;
        2 i8 Widths::i8 - 1, OutOfRange;
        2 i16 Widths::i16 - 1, OutOfRange;
        2 i32 Widths::i32 - 1, OutOfRange;
        2 i64 Widths::i64 - 1, OutOfRange;
        2 u8 Widths::u8 - 1, OutOfRange;
        2 u16 Widths::u16 - 1, OutOfRange;
        2 u32 Widths::u32 - 1, OutOfRange;
        2 u64 Widths::u64 - 1, OutOfRange;
        2 f32 Widths::f32 * 2.0, OutOfRange;
        2 short Widths::short - Decimal::new(1, 1), OutOfRange;
    }
    for (id, value) in [(1, Decimal::ONE), (2, Decimal::NEGATIVE_ONE)] {
        let update = Widths::filter(Widths::id.eq(id)).update().set(Widths::version, 0);
        let update = update.set(Widths::long, Widths::long + value);
        assert_eq!(update.exec(db).await.expect_err("refused").kind(), ErrorKind::OutOfRange);
    }
    let version = kind_and_field(highest.update().text("x").save(db).await);
    assert_eq!(version, (ErrorKind::OutOfRange, "version".to_owned()));
    assert_eq!(Widths::query().order_by(Widths::id.asc()).all(db).await?, [highest, lowest]);
    Ok(())
}
