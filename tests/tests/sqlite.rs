//! The conformance suite on SQLite.
#![cfg(feature = "sqlite")]

use std::sync::Arc;

use orm::backend::StatementLog;
use orm::prelude::*;
use orm_tests::models::TestSchema;
use orm_tests::{Fixture, Harness};

struct OnSqlite;

impl Harness for OnSqlite {
    type Db = Sqlite;
    async fn fresh() -> Fixture<Sqlite> {
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(StatementLog::default());
        let db = Sqlite::builder()
            .path(folder.path().join("test.db"))
            .observer(log.clone())
            .connect()
            .await
            .unwrap();
        TestSchema::create_all(&db).await.unwrap();
        log.take();
        Fixture { db, log, keep: Box::new(folder) }
    }
}

orm_tests::suite!(OnSqlite);
