//! Tables and values that other programs have written.

use chrono::{DateTime, Utc};

use super::*;

#[derive(Debug, Clone, Model)]
#[orm(table = "prices")]
struct Price {
    #[orm(primary_key)]
    id: i64,
    amount: Decimal,
    weight: f64,
}

#[derive(Debug, Clone, Model)]
#[orm(table = "events")]
struct Event {
    #[orm(primary_key)]
    id: i64,
    at: DateTime<Utc>,
}

#[derive(Debug, Clone, Model)]
#[orm(table = "labels")]
struct Label {
    #[orm(primary_key)]
    id: i64,
    #[orm(max_len = 5)]
    text: String,
}

orm::schema!(Labels: Label);
orm::schema!(Events: Event);

#[tokio::test]
async fn a_decimal_is_kept_whole_or_refused() -> Result<()> {
    for declared in ["NUMERIC", "DECIMAL(10, 2)", "REAL"] {
        let db = Sqlite::memory().await?;
        db.execute_batch(&format!(
            "CREATE TABLE prices (id INTEGER PRIMARY KEY, amount {declared}, weight REAL)"
        ))
        .await?;
        let long = Decimal::from_i128_with_scale(30_000_000_000_000_000_001, 20);
        let short = Decimal::from_i128_with_scale(999_999_999_999_999, 2);
        let price = |id, amount| Price::create().id(id).amount(amount).weight(-0.0);
        let made = price(1, short).insert(&db).await?;
        assert_eq!((made.amount, Price::find(1).one(&db).await?.amount), (short, short));
        let refused = |result: Result<u64>| {
            let error = result.unwrap_err();
            let at = (error.kind(), error.model(), error.fields());
            assert_eq!(
                at,
                (ErrorKind::Encode, Some("Price"), &["amount".to_owned()][..]),
                "{declared}: {error}"
            );
        };
        refused(price(2, long).insert(&db).await.map(|_| 0));
        refused(Price::insert_many((3..9).map(|id| price(id, long))).exec(&db).await);
        refused(Price::filter(Price::id.eq(1)).update().set(Price::amount, long).exec(&db).await);
        refused(
            Price::filter(Price::id.eq(1)).update().set(Price::amount, Price::amount * long).exec(&db).await,
        );
        refused(Price::filter(Price::amount.eq(long)).count(&db).await);
        let upsert = || Price::upsert(price(1, short)).on(Price::id);
        let sum = upsert().set(Price::amount, Price::amount + orm::write::excluded(Price::amount));
        refused(sum.returning(&db).await.map(|_| 0));
        assert_eq!(upsert().update(Price::amount).returning(&db).await?.amount, short);
        assert_eq!(Price::query().count(&db).await?, 1, "{declared}");
    }
    Ok(())
}

#[derive(Debug, Clone, Model)]
#[orm(table = "offers")]
struct Offer {
    #[orm(primary_key)]
    id: i64,
    most: Decimal,
}

#[tokio::test]
async fn a_decimal_of_another_model_is_compared_with_all_its_digits_or_refused() -> Result<()> {
    let db = Sqlite::memory().await?;
    db.execute_batch(
        "CREATE TABLE prices (id INTEGER PRIMARY KEY, amount NUMERIC, weight REAL);
         CREATE TABLE offers (id INTEGER PRIMARY KEY, most DECIMAL_TEXT);
         INSERT INTO prices VALUES (1, 0.3, 1.0), (2, 12, 1.0)",
    )
    .await?;
    let long = Decimal::from_i128_with_scale(30_000_000_000_000_000_001, 20);
    Offer::create().id(1).most(long).insert(&db).await?;
    Offer::create().id(2).most(Decimal::from(12)).insert(&db).await?;
    let kind = |result: Result<u64>| result.map_err(|error| (error.kind(), error.fields().to_vec()));
    let refused = Err((ErrorKind::Encode, vec!["amount".to_owned()]));
    let below = Price::filter(Price::amount.lt(long)).select(Price::id);
    assert_eq!(kind(Offer::filter(Offer::id.in_(below.clone())).count(&db).await), refused);
    assert_eq!(kind(Offer::filter(Offer::id.in_(below)).delete().exec(&db).await), refused);
    // 0.3 is less than 0.30000000000000000001, of which a number keeps 0.3.
    let lower = Price::id.eq(Offer::id) & Price::amount.lt(Offer::most);
    let cheaper = Offer::filter(exists(Price::query().correlate::<Offer>().filter(lower)));
    assert_eq!(cheaper.select(Offer::id).all(&db).await?, [1]);
    let same = Offer::filter(Offer::most.in_(Price::query().select(Price::amount)));
    assert_eq!(same.select(Offer::id).all(&db).await?, [2]);
    assert_eq!(Price::filter(Price::amount.gt(Decimal::ONE)).count(&db).await?, 1);
    assert_eq!(
        Price::query().order_by(Price::amount.desc()).select(Price::amount).all(&db).await?[1],
        Decimal::new(3, 1)
    );
    let rows = Offer::query().select((Offer::id + 5, Offer::most, val(1.0)));
    let copy =
        orm::write::insert_from::<Price, _, _, _, _, _>(rows, (Price::id, Price::amount, Price::weight));
    assert_eq!(kind(copy.exec(&db).await), refused);
    Ok(())
}

#[tokio::test]
async fn the_sign_of_a_zero_is_the_same_in_every_answer() -> Result<()> {
    let db = Sqlite::memory().await?;
    db.execute_batch("CREATE TABLE prices (id INTEGER PRIMARY KEY, amount TEXT, weight REAL)").await?;
    let made = Price::create().id(1).amount(Decimal::ONE).weight(-0.0).insert(&db).await?;
    let read = Price::find(1).one(&db).await?;
    assert_eq!((made.weight.to_bits(), read.weight.to_bits()), (0, 0));
    assert_eq!(sql::<f64>("SELECT ?").bind(-0.0).one(&db).await?.to_bits(), 0);
    assert_eq!(Price::filter(Price::weight.eq(-0.0)).count(&db).await?, 1);
    Ok(())
}

#[tokio::test]
async fn an_instant_in_another_form_is_not_read_as_if_it_compared() -> Result<()> {
    let db = Sqlite::memory().await?;
    db.execute_batch(
        "CREATE TABLE events (id INTEGER PRIMARY KEY, at TEXT); CREATE TABLE prices (id INTEGER PRIMARY KEY, amount TEXT, weight REAL)",
    )
    .await?;
    for form in [
        "2024-01-31T12:00:00",
        "2024-01-31T12:00:00Z",
        "2024-01-31 14:00:00+02:00",
        "2024-01-31 12:00:00.500",
        "2024-01-31 12:00",
    ] {
        sql::<()>("INSERT OR REPLACE INTO events VALUES (1, ?)").bind(form.to_owned()).exec(&db).await?;
        let error = Event::query().all(&db).await.unwrap_err();
        assert_eq!((error.kind(), error.fields()), (ErrorKind::Decode, &["at".to_owned()][..]), "{form}");
        let noon = DateTime::from_timestamp(1_706_702_400, 0).unwrap();
        for compared in [
            Event::filter(Event::at.gt(noon)).count(&db).await,
            Event::filter(Event::at.in_([noon])).count(&db).await,
            Event::query().order_by(Event::at.desc()).select(Event::id).first(&db).await.map(|_| 0),
            Event::query().group_by(Event::at).select(|_| Event::id.max()).all(&db).await.map(|_| 0),
            Event::query().select(Event::at.max()).one(&db).await.map(|_| 0),
            Event::filter(Event::at.lt(noon)).delete().exec(&db).await,
            Price::filter(Price::id.in_(Event::filter(Event::at.ne(noon)).select(Event::id)))
                .count(&db)
                .await,
        ] {
            let error = compared.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{form}: {error}");
        }
    }
    let anew = "UPDATE events SET at = rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', at), '0'), '.')";
    sql::<()>(anew).exec(&db).await?;
    let read = Event::find(1).one(&db).await?;
    assert_eq!(Event::filter(Event::at.eq(read.at)).count(&db).await?, 1);
    db.execute_batch("UPDATE events SET at = CURRENT_TIMESTAMP").await?;
    assert!(Event::find(1).one(&db).await?.at <= Utc::now());
    Ok(())
}

#[tokio::test]
async fn dates_that_are_known_to_compare_are_compared_as_they_are() -> Result<()> {
    let now = Utc::now();
    let checked = async |db: &Sqlite| Event::filter(Event::at.gt(now)).explain(db).await;
    let index = "CREATE INDEX by_at ON events (at)";
    let own = Sqlite::memory().await?;
    Events::create_all(&own).await?;
    own.execute_batch(index).await?;
    assert!(checked(&own).await?.contains("by_at"));
    for (builder, serves) in [(Sqlite::builder(), false), (Sqlite::builder().trust_dates(), true)] {
        let db = builder.connect().await?;
        db.execute_batch("CREATE TABLE events (id INTEGER PRIMARY KEY, at TEXT)").await?;
        db.execute_batch(index).await?;
        assert_eq!(checked(&db).await?.contains("by_at"), serves);
    }
    Ok(())
}

#[tokio::test]
async fn a_text_goes_on_after_a_nul() -> Result<()> {
    let db = Sqlite::memory().await?;
    Labels::create_all(&db).await?;
    Label::create().id(1).text("ab\0Cd").insert(&db).await?;
    let found = async |predicate| Label::filter(predicate).exists(&db).await;
    assert!(found(Label::text.ilike("ab_cd")).await?);
    assert!(!found(Label::text.ilike("ab")).await?);
    assert!(!found(Label::text.ilike("ab_x%")).await?);
    assert!(found(Label::text.like("ab_Cd")).await? && !found(Label::text.like("ab")).await?);
    assert!(
        found(Label::text.starts_with("ab\0C")).await? && !found(Label::text.starts_with("ab\0x")).await?
    );
    assert!(found(Label::text.ends_with("\0Cd")).await? && !found(Label::text.ends_with("x\0Cd")).await?);
    assert!(found(Label::text.contains("b\0C")).await? && !found(Label::text.contains("\0x")).await?);
    assert!(found(Label::text.icontains("B\0c")).await?);
    let of = Label::query();
    assert_eq!(of.clone().select(Label::text.char_length()).one(&db).await?, 5);
    assert_eq!(of.clone().select(Label::text.substring(2, 3)).one(&db).await?, "b\0C");
    assert_eq!(of.clone().select(Label::text.replace("\0", "-")).one(&db).await?, "ab-Cd");
    assert_eq!(of.clone().select(Label::text.replace("C", "\0")).one(&db).await?, "ab\0\0d");
    assert_eq!(of.clone().select(Label::text.upper()).one(&db).await?, "AB\0CD");
    // What is written back loses nothing.
    Label::query().update().all_rows().set(Label::text, Label::text.substring(1, 4)).exec(&db).await?;
    assert_eq!(Label::find(1).one(&db).await?.text, "ab\0C");
    for long in ["\x0012345", "12345\0", "abc\0def"] {
        assert!(Label::create().id(2).text(long).insert(&db).await.is_err(), "{long:?}");
        let set = sql::<()>("UPDATE labels SET text = ?").bind(long.to_owned()).exec(&db).await;
        assert_eq!(kind(set), ErrorKind::Check, "{long:?}");
    }
    Ok(())
}
