//! The conformance suite on a database that is chosen at run time.
#![cfg(feature = "sqlite")]

use std::sync::Arc;

use orm::backend::StatementLog;
use orm::prelude::*;
use orm_tests::models::TestSchema;
use orm_tests::{Fixture, Harness};

struct OnAny;

impl Harness for OnAny {
    type Db = AnyDb;
    async fn fresh() -> Fixture<AnyDb> {
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(StatementLog::default());
        let db = Sqlite::builder().path(folder.path().join("test.db")).observer(log.clone());
        let db = AnyDb::from(db.connect().await.unwrap());
        TestSchema::create_all(&db).await.unwrap();
        log.take();
        Fixture { db, log, many: 10_000, keep: Box::new(folder) }
    }
}

orm_tests::suite!(OnAny: InsertSelect, RawSql, Savepoints);

#[tokio::test]
async fn a_url_names_the_driver() {
    let error = AnyDb::connect("oracle://somewhere").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("by path.db");
    AnyDb::connect(path.to_str().unwrap()).await.unwrap();
    AnyDb::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    assert!(path.exists());
}
