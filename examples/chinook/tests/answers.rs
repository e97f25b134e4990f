//! The answers, on the data where it is, beside the checkout. Without the data there is nothing to ask.

use std::path::PathBuf;

use chinook::models::*;
use chinook::questions::answer;
use heck::ToSnakeCase;
use orm::meta::ModelMeta;
use orm::prelude::*;

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
