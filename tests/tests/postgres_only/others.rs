//! Types and values at the edges: of other programs, by another order of fields, too many or too long.

use chrono::NaiveDateTime;

use super::declared::{Mood, People, Person, person};
use super::*;

#[derive(Debug, Clone, PartialEq, Model)]
struct Meeting {
    #[orm(primary_key)]
    id: i64,
    at: DateTime<Utc>,
    plain: NaiveDateTime,
}
orm::schema!(Meetings: Meeting);

#[tokio::test]
async fn instants_of_another_program_are_in_utc_whatever_the_zone() -> Result<()> {
    let Place { schema, .. } = place(1).await?;
    let separator = if url().contains('?') { '&' } else { '?' };
    let tokyo = format!("{}{separator}options=-c%20TimeZone%3DAsia/Tokyo", url());
    let db = Postgres::builder(tokyo).max_connections(1).search_path(&schema).connect().await?;
    Meetings::create_all(&db).await?;
    db.execute_batch(
        "ALTER TABLE meetings ALTER at TYPE timestamp USING at AT TIME ZONE 'UTC'; \
         ALTER TABLE meetings ALTER plain TYPE timestamptz USING plain AT TIME ZONE 'UTC'",
    )
    .await?;
    let at: DateTime<Utc> = "2024-02-03T04:05:06Z".parse().unwrap();
    let made = Meeting::create().id(1).at(at).plain(at.naive_utc()).insert(&db).await?;
    assert_eq!((made.at, made.plain), (at, at.naive_utc()));
    let rows = (2..2600).map(|id| Meeting::create().id(id).at(at).plain(at.naive_utc()));
    Meeting::insert_many(rows).exec(&db).await?;
    let text = "SELECT DISTINCT at::text || ' ' || (plain AT TIME ZONE 'UTC')::text FROM meetings";
    assert_eq!(sql::<String>(text).all(&db).await?, ["2024-02-03 04:05:06 2024-02-03 04:05:06"]);
    assert_eq!(
        Meeting::filter(Meeting::at.eq(at) & Meeting::plain.eq(at.naive_utc())).count(&db).await?,
        2599
    );
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Composite)]
#[orm(name = "extent")]
struct Extent {
    width: Option<i32>,
    height: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Model)]
struct Crate {
    #[orm(primary_key)]
    id: i64,
    extent: Option<Extent>,
    extents: Array<Extent>,
}
orm::schema!(Crates: Crate);

#[tokio::test]
async fn fields_of_a_composite_go_by_their_names() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    db.execute_batch("CREATE TYPE extent AS (height integer, width integer)").await?;
    Crates::create_all(&db).await?;
    let extent = Extent { width: Some(1), height: Some(2) };
    let made = Crate::create()
        .id(1)
        .extent(extent.clone())
        .extents(Array::from([extent.clone()]))
        .insert(&db)
        .await?;
    assert_eq!((made.extent.as_ref(), made.extents.0.first()), (Some(&extent), Some(&extent)));
    let width = "SELECT (extent).width * 10 + extents[1].width FROM crates";
    assert_eq!(sql::<i32>(width).one(&db).await?, 11);
    assert_eq!(Crate::filter(Crate::extent.eq(extent)).count(&db).await?, 1);
    db.execute_batch("ALTER TYPE extent RENAME ATTRIBUTE width TO breadth CASCADE").await?;
    db.execute_batch("DISCARD ALL").await?;
    assert_eq!(Crate::query().all(&db).await.unwrap_err().kind(), ErrorKind::Decode);
    Ok(())
}

#[tokio::test]
async fn a_composite_of_nulls_is_not_null() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    Crates::create_all(&db).await?;
    let nothing = Extent { width: None, height: None };
    let half = Extent { width: Some(1), height: None };
    for (id, extent) in [(1, Some(nothing)), (2, Some(half)), (3, None)] {
        let row = Crate::create().id(id).extents(Array::default());
        match extent {
            Some(extent) => row.extent(extent).insert(&db).await?,
            None => row.insert(&db).await?,
        };
    }
    let ids = async |filter| Crate::filter(filter).order_by(Crate::id.asc()).select(Crate::id).all(&db).await;
    assert_eq!(ids(Crate::extent.is_null()).await?, [3]);
    assert_eq!(ids(Crate::extent.is_not_null()).await?, [1, 2]);
    Ok(())
}

#[tokio::test]
async fn a_list_of_arrays_is_searched_by_whole_arrays() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    People::create_all(&db).await?;
    for (name, moods) in
        [("a", vec![Mood::Happy, Mood::Ok]), ("b", vec![Mood::Happy]), ("c", vec![]), ("d", vec![Mood::Sad])]
    {
        person(name).moods(Array::from(moods)).insert(&db).await?;
    }
    let lists = || [Array::from([Mood::Happy]), Array::from([Mood::Ok, Mood::Happy]), Array::default()];
    let names =
        async |filter| Person::filter(filter).order_by(Person::id.asc()).select(Person::email).all(&db).await;
    let found: Vec<String> =
        names(Person::moods.in_(lists())).await?.into_iter().map(|email| email.0).collect();
    assert_eq!(found, ["b@x", "c@x"]);
    let rest: Vec<String> =
        names(Person::moods.not_in(lists())).await?.into_iter().map(|email| email.0).collect();
    assert_eq!(rest, ["a@x", "d@x"]);
    Ok(())
}

#[tokio::test]
async fn too_many_parameters_are_refused_and_the_connection_stays() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    let process = || sql::<i32>("SELECT pg_backend_pid()");
    let first = process().one(&db).await?;
    for (count, works) in [(65_535, true), (65_536, false), (70_000, false)] {
        let places = vec!["?"; count].join(", ");
        let mut many = sql::<i32>(format!("SELECT 1 WHERE 7::bigint IN ({places})"));
        for number in 0..count {
            many = many.bind(number as i64);
        }
        match many.one(&db).await {
            Ok(one) => assert!(works && one == 1),
            Err(error) => {
                assert_eq!((error.kind(), works), (ErrorKind::Usage, false), "{error}");
                assert!(error.hint().is_some_and(|hint| hint.contains("in_")), "{error}");
            }
        }
    }
    assert_eq!(process().one(&db).await?, first);
    Ok(())
}

#[tokio::test]
async fn a_transaction_is_cancelled_from_elsewhere_or_by_its_limit() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    let sleep = || sql::<String>("SELECT pg_sleep(30)::text");
    let tx = db.begin().await?;
    let handle = Postgres::cancel_handle(&tx)?;
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        handle.cancel().await;
    };
    let (slept, ()) = futures_util::future::join(sleep().one(&tx), cancel).await;
    assert_eq!(slept.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(user(&tx, "ada").await.unwrap_err().kind(), ErrorKind::Aborted);
    tx.rollback().await?;
    let slow = db
        .transaction(async |tx| {
            Postgres::limit_statements(tx, Duration::from_millis(50)).await?;
            sleep().one(tx).await
        })
        .await;
    assert_eq!(slow.unwrap_err().kind(), ErrorKind::StatementTimeout);
    assert_eq!(sql::<String>("SHOW statement_timeout").one(&db).await?, "0");
    let read_only = db.begin_with(TxOptions::new().read_only()).await?;
    assert_eq!(user(&read_only, "ada").await.unwrap_err().kind(), ErrorKind::ReadOnly);
    Ok(())
}
