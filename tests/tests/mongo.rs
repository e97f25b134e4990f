//! The conformance suite on MongoDB, in a database of its own for each test.
#![cfg(feature = "mongo")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use orm::backend::StatementLog;
use orm::mongo::{Mongo, MongoTimes};
use orm::prelude::*;
use orm_tests::models::TestSchema;
use orm_tests::{Fixture, Harness};

struct OnMongo;

impl Harness for OnMongo {
    type Db = Mongo;

    async fn fresh() -> Fixture<Mongo> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let url = std::env::var("ORM_TEST_MONGO_URL")
            .expect("ORM_TEST_MONGO_URL names a MongoDB server; `cargo xtask test` starts one");
        let name = format!("orm_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let log = Arc::new(StatementLog::default());
        // The suite's times are finer than milliseconds.
        let builder = Mongo::builder(url).database(&name).times(MongoTimes::Micros).observer(log.clone());
        let db = builder.connect().await.unwrap();
        TestSchema::create_all(&db).await.unwrap();
        log.take();
        Fixture { db, log, many: 500, keep: Box::new(()) }
    }
}

orm_tests::suite!(OnMongo);
