//! The answers, on the data where it is, beside the checkout. Without the data there is nothing to ask.

use std::path::PathBuf;

use chinook::models::*;
use chinook::questions::answer;
use chrono::NaiveDateTime;
use heck::ToSnakeCase;
use orm::meta::{ColumnMeta, ModelMeta};
use orm::prelude::*;
use orm::value::{ColumnType, Datum, Value as _};
use orm::write::{Insertable, NewRow};
use rust_decimal::Decimal;
use serde_json::Value as Json;

orm::schema!(Shop: Artist, Album, Genre, MediaType, Track, Playlist, PlaylistTrack, Employee, Customer, Invoice, InvoiceLine);

fn data(file: &str) -> Option<PathBuf> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    let path = root.join("../shared/data/chinook").join(file);
    if !path.exists() {
        println!("no {file} beside the checkout: nothing asked");
        return None;
    }
    Some(path)
}

async fn on_sqlite() -> Option<String> {
    let db = Sqlite::builder().path(data("chinook.sqlite")?).read_only().connect().await.unwrap();
    Some(answer(&db).await.unwrap())
}

#[tokio::test]
async fn the_known_answers_come_out() {
    let Some(text) = on_sqlite().await else { return };
    for known in [
        "Iron Maiden 138.60 (140 lines)",
        "U2 105.93",
        "Metallica 90.09",
        "Rock 1297",
        "Latin 579",
        "Metal 374",
        "3. How many artists have no album? 71",
    ] {
        assert!(text.contains(known), "`{known}` is missing from:\n{text}");
    }
}

/// The script makes the tables under other names; the models stay as they are, so the tables are given theirs.
fn renames(model: &ModelMeta) -> Vec<String> {
    let table = model.table.to_snake_case();
    let columns = model.columns.iter().map(|column| {
        format!("ALTER TABLE {table} RENAME COLUMN {} TO \"{}\"", column.name.to_snake_case(), column.name)
    });
    columns.chain([format!("ALTER TABLE {table} RENAME TO \"{}\"", model.table)]).collect()
}

#[tokio::test]
async fn postgresql_answers_the_same() {
    let Some(script) = data("chinook_postgres.sql") else { return };
    let url = std::env::var("ORM_TEST_POSTGRES_URL")
        .expect("ORM_TEST_POSTGRES_URL names a PostgreSQL server; `cargo xtask test` starts one");
    let maker = Postgres::connect(url.clone()).await.unwrap();
    maker.execute_batch("DROP SCHEMA IF EXISTS chinook CASCADE; CREATE SCHEMA chinook").await.unwrap();
    let db = Postgres::builder(url).search_path("chinook").connect().await.unwrap();
    let script = std::fs::read_to_string(script).unwrap();
    // The script makes a database of its own and goes there by a command of psql.
    let tables = script.split_once("\\c chinook_serial;").map_or(script.as_str(), |(_, rest)| rest);
    db.execute_batch(tables).await.unwrap();
    for model in Shop::models() {
        for sql in renames(model) {
            db.execute_batch(&sql).await.unwrap();
        }
    }
    let text = answer(&db).await.unwrap();
    assert!(text.contains("Iron Maiden 138.60 (140 lines)"), "{text}");
    if let Some(expected) = on_sqlite().await {
        assert_eq!(text, expected);
    }
    maker.execute_batch("DROP SCHEMA chinook CASCADE").await.unwrap();
}

/// A value of the data file in the type of its column.
fn datum(column: &ColumnMeta, value: &Json) -> Datum {
    match (column.ty(), value) {
        (_, Json::Null) => Datum::Null,
        (ColumnType::I64, Json::Number(number)) => Datum::I64(number.as_i64().unwrap()),
        (ColumnType::Decimal, Json::Number(number)) => {
            number.to_string().parse::<Decimal>().unwrap().encode()
        }
        (ColumnType::DateTime, Json::String(text)) => text.parse::<NaiveDateTime>().unwrap().encode(),
        (ColumnType::Text, Json::String(text)) => Datum::Text(text.clone()),
        (ty, other) => panic!("`{}` is {ty:?} and not {other}", column.name),
    }
}

/// A new row that was read from the data file by the model's description.
struct Record(NewRow);

impl<M> Insertable<M> for Record {
    fn into_row(self) -> NewRow {
        self.0
    }
}

async fn load<M: orm::Model>(db: &impl Database, shop: &Json) {
    let meta = M::meta();
    let record = |fields: &Json| {
        let mut row = NewRow::new(meta);
        for (index, column) in meta.columns.iter().enumerate() {
            row.set(index as u16, datum(column, &fields[column.name.as_str()]));
        }
        Record(row)
    };
    let records: Vec<Record> = shop[meta.table].as_array().unwrap().iter().map(record).collect();
    let count = records.len() as u64;
    assert_eq!(M::insert_many(records).exec(db).await.unwrap(), count, "{}", meta.name);
}

#[tokio::test]
async fn mongodb_answers_the_same() {
    let Some(file) = data("chinook.json") else { return };
    let url = std::env::var("ORM_TEST_MONGO_URL")
        .expect("ORM_TEST_MONGO_URL names a MongoDB server; `cargo xtask test` starts one");
    let db = Mongo::builder(url).database(format!("chinook_{}", std::process::id())).connect().await.unwrap();
    Shop::create_all(&db).await.unwrap();
    let shop: Json = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    // Parents first: the driver looks whether what a row refers to is there.
    load::<Artist>(&db, &shop).await;
    load::<Album>(&db, &shop).await;
    load::<Genre>(&db, &shop).await;
    load::<MediaType>(&db, &shop).await;
    load::<Track>(&db, &shop).await;
    load::<Playlist>(&db, &shop).await;
    load::<PlaylistTrack>(&db, &shop).await;
    load::<Employee>(&db, &shop).await;
    load::<Customer>(&db, &shop).await;
    load::<Invoice>(&db, &shop).await;
    load::<InvoiceLine>(&db, &shop).await;
    let text = answer(&db).await.unwrap();
    assert!(text.contains("Iron Maiden 138.60 (140 lines)"), "{text}");
    if let Some(expected) = on_sqlite().await {
        assert_eq!(text, expected);
    }
    db.driver().drop().await.unwrap();
}
