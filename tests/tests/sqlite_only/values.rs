//! What SQLite keeps and calculates, and what it refuses.

use super::*;

#[tokio::test]
async fn what_sqlite_cannot_keep_is_refused_before_it_is_sent() -> Result<()> {
    let Place { db, log, .. } = place(|builder| builder).await?;
    let late = NaiveDate::from_ymd_opt(10_000, 1, 1).unwrap();
    let error = Everything::filter(Everything::day.eq(late)).all(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfRange);
    let late = late.and_time(NaiveTime::MIN);
    let error = Everything::filter(Everything::instant.eq(late.and_utc())).count(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfRange);
    let error = sql::<i64>("SELECT ?").bind(Array(vec![vec![1_u8]])).all(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unsupported, "a list cannot hold bytes here"));
    let error = sql::<f64>("SELECT ?").bind(Array(vec![f64::INFINITY])).all(&db).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Unsupported, "a list cannot hold an infinite number here")
    );
    let first = Everything::filter(Everything::ubig.eq(u64::MAX)).stream(&db).next().await.expect("an item");
    assert_eq!(kind(first), ErrorKind::OutOfRange);
    assert!(log.take().is_empty());

    #[derive(Debug, Clone, Model)]
    struct Listed {
        #[orm(primary_key, auto)]
        id: i64,
        list: Array<Vec<u8>>,
    }
    orm::schema!(ListedSchema: Listed);
    let error = ListedSchema::create_all(&db).await.unwrap_err();
    assert_eq!((error.model(), error.fields()), (Some("Listed"), &["list".to_owned()][..]));
    let text = "an array is JSON on SQLite, which has no form for bytes";
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unsupported, text));
    Ok(())
}

#[tokio::test]
async fn a_column_that_holds_something_else_is_an_error() -> Result<()> {
    let Place { db, .. } = place(|builder| builder).await?;
    let error = sql::<i64>("SELECT 'seven'").one(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.message(), "column 0 holds a TEXT where `i64` needs an INTEGER");
    let error = sql::<(i64, String)>("SELECT 1, NULL").one(&db).await.unwrap_err();
    assert_eq!(error.message(), "column 1 is NULL and `String` cannot hold that");
    let error = sql::<Option<NaiveDate>>("SELECT 'soon'").first(&db).await.unwrap_err();
    assert!(error.message().starts_with("column 0 cannot be read as `Option<NaiveDate>`: "), "{error}");
    assert_eq!(kind(sql::<i64>("SELECT 1 WHERE 0").one(&db).await), ErrorKind::NotFound);
    assert_eq!(kind(sql::<i64>("SELECT 1 UNION SELECT 2").one(&db).await), ErrorKind::MultipleRows);
    assert_eq!(sql::<i64>("SELECT 1 WHERE 0").first(&db).await?, None);
    Ok(())
}

/// What SQLite makes of an expression of its own functions.
async fn decimal(db: &Sqlite, text: &str) -> Result<Option<Decimal>> {
    sql::<Option<Decimal>>(format!("SELECT {text}")).one(db).await
}

#[tokio::test]
async fn decimals_are_calculated_exactly() -> Result<()> {
    let db = Sqlite::memory().await?;
    for (text, result) in [
        ("orm_decimal_add('0.1', '0.2')", Some("0.3")),
        ("orm_decimal_sub('1', '0.9')", Some("0.1")),
        ("orm_decimal_mul('-1.5', '4')", Some("-6")),
        ("orm_decimal_div('1', '8')", Some("0.125")),
        ("orm_decimal_rem('7.5', '2')", Some("1.5")),
        ("orm_decimal_div('1', '0.0')", None),
        ("orm_decimal_rem('1', '0')", None),
        ("orm_decimal_add(NULL, '1')", None),
        ("orm_decimal_add('1', NULL)", None),
        ("orm_decimal_neg('2.5')", Some("-2.5")),
        ("orm_decimal_abs('-2.5')", Some("2.5")),
        ("orm_decimal_abs(NULL)", None),
        ("orm_decimal_cast(12)", Some("12")),
        ("orm_decimal_cast(0.25)", Some("0.25")),
        ("orm_decimal_round('2.5')", Some("3")),
        ("orm_decimal_round('-2.345', 2)", Some("-2.35")),
        ("orm_decimal_round('2.5', NULL)", None),
        ("orm_decimal_round(NULL, 1)", None),
    ] {
        let result = result.map(|text| text.parse::<Decimal>().unwrap());
        assert_eq!(decimal(&db, text).await?, result, "{text}");
    }
    for (rows, sum, mean) in [
        ("VALUES ('0.1'), ('0.2'), (NULL), ('0.6')", Some("0.9"), Some("0.3")),
        ("VALUES (NULL), (NULL)", None, None),
        ("SELECT 1 WHERE 0", None, None),
    ] {
        let text = format!("SELECT orm_decimal_sum(column1), orm_decimal_avg(column1) FROM ({rows})");
        let text = if rows.starts_with("SELECT") { text.replace("column1", "\"1\"") } else { text };
        let both = sql::<(Option<Decimal>, Option<Decimal>)>(text).one(&db).await?;
        let number = |text: Option<&str>| text.map(|text| text.parse::<Decimal>().unwrap());
        assert_eq!(both, (number(sum), number(mean)), "{rows}");
    }
    let sorted = sql::<String>(
        "SELECT column1 FROM (VALUES ('10'), ('9.5'), ('x'), ('-1')) ORDER BY column1 COLLATE orm_decimal",
    );
    assert_eq!(sorted.all(&db).await?, ["-1", "9.5", "10", "x"]);
    Ok(())
}

#[tokio::test]
async fn a_decimal_that_is_none_or_too_large_is_an_error() -> Result<()> {
    let db = Sqlite::memory().await?;
    let most = Decimal::MAX;
    for text in [
        format!("orm_decimal_add('{most}', '1')"),
        format!("orm_decimal_mul('{most}', '2')"),
        format!("(SELECT orm_decimal_sum(column1) FROM (VALUES ('{most}'), ('{most}')))"),
        "(SELECT sum(column1) FROM (VALUES (9223372036854775807), (1)))".to_owned(),
    ] {
        let error = sql::<Option<String>>(format!("SELECT {text}")).one(&db).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutOfRange, "{text}: {error}");
        assert_eq!(error.message(), "the result of the calculation is too large");
    }
    for text in ["orm_decimal_neg('much')", "orm_decimal_neg(X'00')", "orm_decimal_cast(0.1 + 0.2)"] {
        let error = decimal(&db, text).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Decode, "the text is no value of the type that it is cast to"),
            "{text}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_remainder_of_floats_and_patterns_are_those_of_the_other_databases() -> Result<()> {
    let db = Sqlite::memory().await?;
    for (text, result) in [
        ("orm_float_rem(5.5, 2.0)", Some(1.5)),
        ("orm_float_rem(-5.5, 2.0)", Some(-1.5)),
        ("orm_float_rem(5.5, 0.0)", None),
        ("orm_float_rem(NULL, 2.0)", None),
    ] {
        assert_eq!(sql::<Option<f64>>(format!("SELECT {text}")).one(&db).await?, result, "{text}");
    }
    for (text, result) in [
        ("orm_like('Adam', 'A_a%')", Some(true)),
        ("orm_like('Ada', 'a%')", Some(false)),
        ("orm_like('x', NULL)", None),
    ] {
        assert_eq!(sql::<Option<bool>>(format!("SELECT {text}")).one(&db).await?, result, "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn a_field_that_cannot_be_read_is_named() -> Result<()> {
    let Place { db, .. } = place(|builder| builder).await?;
    let ada = User::create().email("a").name("Ada").insert(&db).await?;
    db.execute_batch("PRAGMA ignore_check_constraints = ON; UPDATE users SET age = 5000000000").await?;
    let error = User::find(ada.id).one(&db).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.model(), error.fields()),
        (ErrorKind::Decode, Some("User"), &["age".to_owned()][..])
    );
    assert!(
        error.message().ends_with("cannot be read as `Option<i32>`: the number does not fit i32"),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn what_an_array_cannot_be_asked_as_json_is_refused() -> Result<()> {
    let Place { db, log, .. } = place(|builder| builder).await?;
    let refused = |result: Result<u64>| assert_eq!(kind(result), ErrorKind::Unsupported);
    refused(Bag::filter(Bag::reals.has(0.1)).count(&db).await);
    refused(Bag::filter(Bag::reals.has_any([0.1])).count(&db).await);
    refused(Bag::filter(Bag::words.lt(Array::default())).count(&db).await);
    refused(Bag::query().order_by(Bag::words.asc()).limit(1).select(Bag::id).all(&db).await.map(|_| 0));
    refused(Bag::query().select(Bag::numbers.max()).all(&db).await.map(|_| 0));
    assert!(log.take().is_empty());
    Ok(())
}
