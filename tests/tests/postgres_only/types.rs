//! The types that only PostgreSQL has.

use std::net::IpAddr;

use orm::postgres::types::{
    BitString, BoxError, BytesMut, Cidr, Citext, Hstore, Inet, Interval, Lexeme, Ltree, MacAddr, MacAddr8,
    NativeType, Numeric, Oid, OrInfinity, PgLsn, PgValue, Point, TimeTz, TsQuery, TsVector, Weight, Xml,
    builtin,
};

use super::*;

/// An `lseg`, by the recipe of the guide.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment([f64; 4]);
impl PgValue for Segment {
    const TYPE: NativeType = builtin("lseg");
    fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
        self.0.iter().for_each(|part| out.extend_from_slice(&part.to_be_bytes()));
        Ok(())
    }
    fn read(bytes: &[u8]) -> Result<Self, BoxError> {
        let part = |at: usize| -> Result<f64, BoxError> {
            Ok(f64::from_be_bytes(bytes.get(at..at + 8).ok_or("cut off")?.try_into()?))
        };
        Ok(Segment([part(0)?, part(8)?, part(16)?, part(24)?]))
    }
}
orm::postgres::pg_value!(Segment);

orm::postgres::pg_wrapper! {
    /// An address as `tokio-postgres` knows it.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Address(IpAddr) = "inet";
}

#[derive(Debug, Clone, PartialEq, Model)]
struct Native {
    #[orm(primary_key, auto)]
    id: i64,
    inet: Inet,
    cidr: Cidr,
    mac: MacAddr,
    mac8: MacAddr8,
    span: Interval,
    number: Numeric,
    time: TimeTz,
    bits: BitString,
    point: Point,
    oid: Oid,
    lsn: PgLsn,
    words: TsVector,
    search: TsQuery,
    instant: OrInfinity<DateTime<Utc>>,
    day: OrInfinity<chrono::NaiveDate>,
    segment: Segment,
    address: Option<Address>,
    xml: Option<Xml>,
    inets: Array<Inet>,
    numbers: Option<Array<Option<Numeric>>>,
}
orm::schema!(Natives: Native);

#[derive(Debug, Clone, PartialEq, Model)]
struct Extended {
    #[orm(primary_key, auto)]
    id: i64,
    tags: Hstore,
    path: Ltree,
    #[orm(unique)]
    name: Citext,
    names: Array<Citext>,
    paths: Option<Array<Ltree>>,
}
orm::schema!(Extendeds: Extended);

/// Extensions are one to a database: whoever comes first makes them, in a schema that all tests see.
pub async fn extensions(db: &Postgres) -> Result<()> {
    db.transaction(async |tx| {
        Postgres::advisory_lock(tx, 4711).await?;
        for name in ["hstore", "ltree", "citext"] {
            sql::<()>(format!("CREATE EXTENSION IF NOT EXISTS {name} SCHEMA public")).exec(tx).await?;
        }
        Ok(())
    })
    .await
}

pub async fn with_extensions() -> Result<Postgres> {
    let Place { db, schema, .. } = place(1).await?;
    extensions(&db).await?;
    db.close().await;
    Postgres::builder(url()).max_connections(2).search_path(format!("{schema}, public")).connect().await
}

fn native() -> Native {
    let long = format!("-{}.{}", "9".repeat(1000), "7".repeat(40));
    Native {
        id: 0,
        inet: "192.168.1.5/24".parse().unwrap(),
        cidr: "2001:db8::/32".parse().unwrap(),
        mac: "08:00:2b:01:02:03".parse().unwrap(),
        mac8: "08:00:2b:01:02:03:04:05".parse().unwrap(),
        span: Interval { months: -14, days: 3, micros: 4_500_001 },
        number: long.parse().unwrap(),
        time: TimeTz { micros: 86_400_000_000, offset_secs: -5400 },
        bits: "1010101010101".parse().unwrap(),
        point: Point { x: -1.5, y: 2.25 },
        oid: Oid(4_000_000_000),
        lsn: "16/B374D848".parse().unwrap(),
        words: TsVector(vec![
            Lexeme { word: "cat's".into(), places: vec![(1, Weight::A), (3, Weight::D)] },
            Lexeme { word: "rat".into(), places: Vec::new() },
        ]),
        search: (TsQuery::word("fat").followed_by(TsQuery::prefix("ra")))
            & !(TsQuery::word("x") | TsQuery::word("y")),
        instant: OrInfinity::Infinity,
        day: OrInfinity::NegInfinity,
        segment: Segment([1.0, 2.0, 3.0, 4.0]),
        address: Some(Address("10.0.0.1".parse().unwrap())),
        xml: Some(Xml::from("<a b=\"1\"/>")),
        inets: Array::from(["::1".parse().unwrap(), "10.0.0.0/8".parse().unwrap()]),
        numbers: Some(Array::from([Some(Numeric::nan()), None, Some(Numeric::from(7))])),
    }
}

async fn round_trip(db: &Postgres) -> Result<()> {
    let wanted = native();
    let row = |n: Native| {
        let row =
            Native::create().inet(n.inet).cidr(n.cidr).mac(n.mac).mac8(n.mac8).span(n.span).number(n.number);
        let row = row
            .time(n.time)
            .bits(n.bits)
            .point(n.point)
            .oid(n.oid)
            .lsn(n.lsn)
            .words(n.words)
            .search(n.search);
        let row = row.instant(n.instant).day(n.day).segment(n.segment).inets(n.inets);
        row.address(n.address).xml(n.xml).numbers(n.numbers)
    };
    let stored = row(wanted.clone()).insert(db).await?;
    assert_eq!(Native { id: 0, ..stored.clone() }, wanted);
    assert_eq!(stored.number.to_string(), wanted.number.to_string(), "no digit is lost");
    let finite = Native {
        instant: DateTime::from_timestamp(1_700_000_000, 123_000).unwrap().into(),
        day: chrono::NaiveDate::from_ymd_opt(1969, 12, 31).unwrap().into(),
        number: "Infinity".parse().unwrap(),
        address: None,
        xml: None,
        numbers: None,
        ..wanted.clone()
    };
    // Rows with arrays are statements of their own, many go by COPY.
    let more = Native::insert_many([row(finite.clone()), row(finite.clone())]).returning(db).await?;
    assert_eq!(Native { id: 0, ..more[1].clone() }, finite);
    assert_eq!(Native::insert_many((0..2500).map(|_| row(finite.clone()))).exec(db).await?, 2500);
    let count =
        Native::filter(Native::inet.eq(wanted.inet) & Native::number.lt(Numeric::nan())).count(db).await?;
    assert_eq!(count, 2503);
    assert_eq!(Native::filter(Native::mac.in_([wanted.mac, MacAddr([0; 6])])).count(db).await?, 2503);
    assert_eq!(Native::filter(Native::instant.gt(finite.instant)).count(db).await?, 1);
    let sum: Option<Numeric> =
        Native::filter(Native::id.eq(stored.id)).select(Native::number.sum()).one(db).await?;
    assert_eq!(sum, Some(wanted.number));
    let moved =
        Native::filter(Native::id.eq(stored.id)).update().set(Native::lsn, PgLsn(7)).returning(db).await?;
    assert_eq!(moved[0].lsn, PgLsn(7));
    let empty: TsQuery = sql("SELECT ''::tsquery").one(db).await?;
    assert_eq!(empty, TsQuery::Empty);
    let query: TsQuery = sql("SELECT to_tsquery('simple', 'a <2> b:*AB & (c | !d)')").one(db).await?;
    assert_eq!(query.to_string(), "'a' <2> 'b':*BA & ( 'c' | !'d' )");
    Ok(())
}

#[tokio::test]
async fn values_of_native_types_come_back_as_they_went() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    Natives::create_all(&db).await?;
    round_trip(&db).await
}

#[tokio::test]
async fn native_types_pass_a_pooler() -> Result<()> {
    let Ok(pooler) = std::env::var("ORM_TEST_PGBOUNCER_URL") else {
        panic!("ORM_TEST_PGBOUNCER_URL names a PgBouncer; `cargo xtask test` starts one");
    };
    // The pooler's connections keep the schema they were opened with: the one that everybody has.
    let owner = Postgres::builder(url()).max_connections(1).connect().await?;
    Natives::drop_all(&owner).await?;
    Natives::create_all(&owner).await?;
    let db = Postgres::builder(pooler).pgbouncer(true).max_connections(2).connect().await?;
    let done = round_trip(&db).await;
    Natives::drop_all(&owner).await?;
    done
}

#[tokio::test]
async fn types_of_extensions_go_by_their_names() -> Result<()> {
    let db = with_extensions().await?;
    Extendeds::create_all(&db).await?;
    let row = |name: &str| {
        Extended::create()
            .tags(Hstore::from([("colour", Some("red \"'")), ("size", None)]))
            .path(Ltree::from("top.science"))
            .name(Citext::from(name))
            .names(Array::from([Citext::from("A,b"), Citext::from("{}")]))
    };
    let ada = row("Ada").insert(&db).await?;
    assert_eq!((ada.tags["colour"].as_deref(), &ada.tags["size"]), (Some("red \"'"), &None));
    assert_eq!((ada.path.labels().count(), ada.names[0].as_ref()), (2, "A,b"));
    assert_eq!(row("ADA").insert(&db).await.unwrap_err().kind(), ErrorKind::Unique);
    assert_eq!(Extended::filter(Extended::name.eq(Citext::from("aDA"))).count(&db).await?, 1);
    assert_eq!(Extended::filter(Extended::name.in_([Citext::from("aDA")])).count(&db).await?, 1);
    let bob = row("Bob").paths(Array::from([Ltree::from("a.b")])).insert(&db).await?;
    assert_eq!(bob.paths.unwrap()[0], Ltree::from("a.b"));
    let bad = row("Cid").path(Ltree::from("not a path!")).insert(&db).await;
    assert!(bad.is_err());
    let bad = row("Dan").tags(Hstore::from([("a\0", Some("b"))])).insert(&db).await;
    assert_eq!(bad.unwrap_err().kind(), ErrorKind::Encode);
    Ok(())
}

#[tokio::test]
async fn a_type_that_is_not_there_names_the_way_to_it() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    let error = Extendeds::create_all(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(error.hint().is_some_and(|hint| hint.contains("CREATE EXTENSION")), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_column_of_another_type_is_refused_both_ways() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    Natives::create_all(&db).await?;
    let error = sql::<Inet>("SELECT 'a'::text").one(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().contains("`text` where `inet`"), "{error}");
    let error = sql::<Numeric>("SELECT 12.5::money").one(&db).await.unwrap_err();
    assert!(error.to_string().contains("make the column numeric"), "{error}");
    let bits: BitString = sql("SELECT B'101'::bit(3)").one(&db).await?;
    assert_eq!(bits.to_string(), "101");
    // The field is an inet, the column a text by now: nothing is written that the column would misread.
    db.execute_batch("ALTER TABLE natives ALTER COLUMN mac TYPE text USING mac::text").await?;
    assert!(Native::filter(Native::mac.eq(MacAddr([0; 6]))).count(&db).await.is_err());
    assert_eq!(Native::query().select(Native::inet).all(&db).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn another_database_refuses_the_model() -> Result<()> {
    let sqlite = Sqlite::memory().await?;
    let error = Natives::create_all(&sqlite).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Unsupported, &["inet".to_owned()][..]));
    assert!(error.message().contains("no type `inet`"), "{error}");
    Ok(())
}

#[tokio::test]
async fn keyset_pages_go_by_native_columns() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    Natives::create_all(&db).await?;
    db.execute_batch(
        "INSERT INTO natives (inet, cidr, mac, mac8, span, number, time, bits, point, oid, lsn, words, search, instant, day, segment, inets)
         SELECT ('10.0.0.' || n)::inet, '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '1 day', n, '12:00+00',
                B'1', '(1,2)', n, '0/0', '', '', now(), now(), '[(1,2),(3,4)]', '{}'
         FROM generate_series(1, 5) AS n",
    )
    .await?;
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let query = Native::query().order_by(Native::inet.desc());
        let page = query.keyset(2).after(cursor).page(&db).await?;
        seen.extend(page.items.iter().map(|row| row.inet.to_string()));
        match page.next {
            // As a client gives it back.
            Some(next) => cursor = Some(next.to_string().parse()?),
            None => break,
        }
    }
    assert_eq!(seen, ["10.0.0.5", "10.0.0.4", "10.0.0.3", "10.0.0.2", "10.0.0.1"]);
    Ok(())
}
