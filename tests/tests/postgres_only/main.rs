//! What PostgreSQL adds to the suite: cancellation, lost servers, poolers, its own types and limits.
#![cfg(feature = "postgres")]

mod aggregates;
mod arrays;
mod cancellation;
mod catalogue;
mod connections;
mod constraints;
mod copies;
mod declared;
mod documents;
mod errors;
mod gate;
mod includes;
mod laterals;
mod listeners;
mod others;
mod pages;
mod plans;
mod ranges;
mod raw_sql;
mod schemas;
mod searches;
mod servers;
mod statements;
mod states;
mod transactions;
mod triggers;
mod types;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use orm::backend::StatementLog;
use orm::prelude::*;
use orm::value::Array;
use orm::{ErrorKind, Result};
use orm_tests::models::{Everything, Post, Tag, TestSchema, User};

static NUMBER: AtomicU32 = AtomicU32::new(0);

fn url() -> String {
    std::env::var("ORM_TEST_POSTGRES_URL")
        .expect("ORM_TEST_POSTGRES_URL names a PostgreSQL server; `cargo xtask test` starts one")
}

struct Place {
    db: Postgres,
    log: Arc<StatementLog>,
    schema: String,
}

async fn place(connections: usize) -> Result<Place> {
    let schema = format!("o{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let maker = Postgres::builder(url()).max_connections(1).connect().await?;
    maker.execute_batch(&format!("CREATE SCHEMA {schema}")).await?;
    maker.close().await;
    let log = Arc::new(StatementLog::default());
    let db = Postgres::builder(url())
        .max_connections(connections)
        .search_path(&schema)
        .application_name(&schema)
        .wait_timeout(Duration::from_secs(10))
        .observer(log.clone())
        .connect()
        .await?;
    TestSchema::create_all(&db).await?;
    log.take();
    Ok(Place { db, log, schema })
}

async fn user(db: &impl Executor, name: &str) -> Result<User> {
    User::create().email(format!("{name}@x")).name(name).insert(db).await
}
