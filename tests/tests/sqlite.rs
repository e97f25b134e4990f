//! The conformance suite on SQLite: in a file, and in memory.
#![cfg(feature = "sqlite")]

use std::any::Any;
use std::sync::Arc;

use orm::backend::StatementLog;
use orm::prelude::*;
use orm::sqlite::SqliteBuilder;
use orm_tests::models::TestSchema;
use orm_tests::{Fixture, Harness};

async fn fixture(builder: SqliteBuilder, keep: Box<dyn Any>) -> Fixture<Sqlite> {
    let log = Arc::new(StatementLog::default());
    let db = builder.observer(log.clone()).connect().await.unwrap();
    TestSchema::create_all(&db).await.unwrap();
    log.take();
    Fixture { db, log, many: 10_000, keep }
}

mod file {
    use super::*;

    struct OnFile;

    impl Harness for OnFile {
        type Db = Sqlite;
        async fn fresh() -> Fixture<Sqlite> {
            let folder = tempfile::tempdir().unwrap();
            fixture(Sqlite::builder().path(folder.path().join("test.db")), Box::new(folder)).await
        }
    }

    orm_tests::suite!(OnFile: InsertSelect, RawSql, Savepoints);
}

mod memory {
    use super::*;

    struct InMemory;

    impl Harness for InMemory {
        type Db = Sqlite;
        async fn fresh() -> Fixture<Sqlite> {
            fixture(Sqlite::builder(), Box::new(())).await
        }
    }

    orm_tests::suite!(InMemory: InsertSelect, RawSql, Savepoints);
}
