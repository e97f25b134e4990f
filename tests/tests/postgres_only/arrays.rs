//! Columns of arrays.

use orm::postgres::ops::ArrayOps;

use super::*;

/// A model with arrays.
#[derive(Debug, Clone, PartialEq, Model)]
struct Basket {
    #[orm(primary_key, auto)]
    id: i64,
    words: Array<String>,
    sizes: Array<Option<i32>>,
    times: Option<Array<DateTime<Utc>>>,
    prices: Array<rust_decimal::Decimal>,
}
orm::schema!(Baskets: Basket);

#[tokio::test]
async fn arrays_are_stored_searched_and_changed() -> Result<()> {
    let Place { db, log, .. } = place(2).await?;
    Baskets::create_all(&db).await?;
    let time = DateTime::from_timestamp(1_000_000, 0).unwrap();
    let price = |cents: i64| rust_decimal::Decimal::new(cents, 2);
    let basket = |word: &str| {
        Basket::create()
            .words(Array::from([word.to_owned(), "both \"{},\\ NULL".to_owned()]))
            .sizes(Array::from([Some(1), None, Some(-3)]))
            .prices(Array::from([price(150), price(-1)]))
    };
    let first = basket("one").times(Array::from([time])).insert(&db).await?;
    assert_eq!(first.sizes.0, [Some(1), None, Some(-3)]);
    assert_eq!(
        (first.times.clone(), first.prices.0.clone()),
        (Some(Array::from([time])), vec![price(150), price(-1)])
    );
    let more = Basket::insert_many([basket("two"), basket("three")]).returning(&db).await?;
    assert_eq!((more[1].words[0].as_str(), &more[1].times), ("three", &None));
    log.take();
    let many =
        Basket::insert_many((0..3000).map(|_| basket("many").words(Array::default()))).exec(&db).await?;
    assert_eq!((many, log.take().len()), (3000, 1));

    macro_rules! count {
        ($condition:expr) => {
            Basket::filter($condition).count(&db).await?
        };
    }
    assert_eq!(count!(Basket::words.has("two")), 1);
    assert_eq!(count!(Basket::words.has_any(["one", "two"])), 2);
    assert_eq!(count!(Basket::words.has_all(["two".to_owned(), "both \"{},\\ NULL".to_owned()])), 1);
    assert_eq!(count!(Basket::words.array_length().eq(0)), 3000);
    assert_eq!(count!(Basket::sizes.has(1) & Basket::times.has(time)), 1);
    assert_eq!(Basket::filter(Basket::words.eq(first.words.clone())).count(&db).await?, 1);
    let changed = Basket::filter(Basket::id.eq(first.id))
        .update()
        .set(Basket::words, Basket::words.append("new").without("one"))
        .returning(&db)
        .await?;
    assert_eq!(changed[0].words.last().map(String::as_str), Some("new"));
    assert_eq!(changed[0].words.len(), 2);

    let sizes = scalar(Basket::query().order_by(Basket::id.asc()).limit(1).select(Basket::sizes));
    assert_eq!(count!(sizes.has(1)), 3003);
    let words = Basket::query().filter(Basket::id.eq(first.id)).select((Basket::id, Basket::words.unnest()));
    let words: Vec<(i64, String)> = words.all(&db).await?;
    assert_eq!((words.len(), words[1].1.as_str()), (2, "new"));
    let baskets = Basket::query().order_by(Basket::id.asc()).limit(3).all(&db).await?;
    let changes =
        baskets.iter().map(|basket| basket.update().words(Array::from([format!("{}!", basket.id)])));
    let changed = Basket::update_many(changes).returning(&db).await?;
    assert!(changed.iter().zip(&baskets).all(|(now, then)| now.words[0] == format!("{}!", then.id)));

    Ok(())
}

/// A key that is no `text`.
#[derive(Debug, Clone, PartialEq, Model)]
struct Country {
    #[orm(primary_key, max_len = 2)]
    code: String,
    #[orm(pair = countries)]
    trips: ManyToMany<Trip>,
}

#[derive(Debug, Clone, PartialEq, Model)]
struct Trip {
    #[orm(primary_key, auto)]
    id: i64,
    #[orm(index)]
    codes: Array<String>,
    #[orm(keys = codes)]
    countries: ManyToMany<Country>,
}
orm::schema!(Trips: Country, Trip);

#[tokio::test]
async fn keys_of_a_limited_length_are_found_by_an_index() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    Trips::create_all(&db).await?;
    let countries =
        Country::insert_many(["de", "fr"].map(|code| Country::create().code(code))).returning(&db).await?;
    let trip = Trip::create().countries(&countries).insert(&db).await?;
    let read = Trip::find(trip.id).include(Trip::countries.include(Country::trips)).one(&db).await?;
    assert_eq!(read.countries.get()?[1].trips.get()?.len(), 1);
    assert_eq!(Country::filter(Country::trips.exists()).count(&db).await?, 2);
    assert_eq!(Trip::filter(Trip::countries.any(Country::code.eq("fr"))).count(&db).await?, 1);
    assert_eq!(Country::query().join(Country::trips).count(&db).await?, 2);
    let tx = db.begin().await?;
    Postgres::set_local(&tx, "enable_seqscan", "off").await?;
    let plan = Country::trips.of(&countries[0]).query().explain(&tx).await?;
    assert!(plan.contains("Bitmap Index Scan"), "{plan}");
    Ok(())
}
