//! The conformance suite on PostgreSQL: a schema of its own for each test, in the database of `ORM_TEST_POSTGRES_URL`.
#![cfg(feature = "postgres")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use orm::backend::StatementLog;
use orm::prelude::*;
use orm_tests::models::TestSchema;
use orm_tests::{Fixture, Harness};

struct OnPostgres;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Where the server is: `cargo xtask test` starts one and says it.
fn url() -> String {
    std::env::var("ORM_TEST_POSTGRES_URL")
        .expect("ORM_TEST_POSTGRES_URL names a PostgreSQL server; `cargo xtask test` starts one")
}

impl Harness for OnPostgres {
    type Db = Postgres;
    async fn fresh() -> Fixture<Postgres> {
        let schema = format!("t{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let maker = Postgres::builder(url()).max_connections(1).connect().await.unwrap();
        maker.execute_batch(&format!("CREATE SCHEMA {schema}")).await.unwrap();
        maker.close().await;
        let log = Arc::new(StatementLog::default());
        let db = Postgres::builder(url())
            .max_connections(4)
            .search_path(&schema)
            .observer(log.clone())
            .connect()
            .await
            .unwrap();
        TestSchema::create_all(&db).await.unwrap();
        log.take();
        Fixture { db, log, many: 10_000, keep: Box::new(()) }
    }
}

orm_tests::suite!(OnPostgres: InsertSelect, RawSql, Savepoints);
