//! A server that is killed and started again.
//!
//! It is the stand-in, whatever server the other tests run against: it keeps its data on disk, takes the same port again, and
//! needs no privileges. What a replica set does with a primary that goes away cannot be seen on one server.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use orm::Result;
use orm::mongo::Mongo;
use orm::prelude::*;
use orm_tests::models::{Tag, TestSchema, User};

/// How long a command waits for a server that does not come back.
const PATIENCE: Duration = Duration::from_secs(2);

/// A server of its own.
struct Throwaway {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Throwaway {
    fn start() -> Throwaway {
        let folder = tempfile::Builder::new().prefix("orm-throwaway-").tempdir().unwrap();
        std::fs::write(folder.path().join("empty.toml"), "").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Self::launch(folder.path(), port);
        Throwaway { child, folder, port }
    }

    fn launch(folder: &std::path::Path, port: u16) -> Child {
        let variable = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| {
                panic!("{name} says how to start the stand-in for MongoDB; `cargo xtask test` sets it")
            })
        };
        let mut command = Command::new(variable("ORM_TEST_MONGO_PYTHON"));
        command.env("PYTHONPATH", variable("ORM_TEST_MONGO_PACKAGES"));
        command.args(["-m", "secantus", "--host", "127.0.0.1", "--log-level", "ERROR"]);
        command.arg("--port").arg(port.to_string()).arg("--config").arg(folder.join("empty.toml"));
        command.arg("--storage-path").arg(folder.join("data")).current_dir(folder);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "the server does not start");
            assert!(start.elapsed() < Duration::from_secs(30), "the server does not come up");
            std::thread::sleep(Duration::from_millis(30));
        }
        child
    }

    async fn connect(&self, patience: Duration) -> Mongo {
        // What was confirmed is on the disk: the stand-in keeps its journal in memory for a while otherwise, as a server does.
        let url = format!("mongodb://127.0.0.1:{}/killed?journal=true", self.port);
        Mongo::builder(url).server_timeout(patience).connect().await.unwrap()
    }

    /// `kill -9`.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn start_again(&mut self) {
        self.child = Self::launch(self.folder.path(), self.port);
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The error of something that ends while no server is there: after one wait for a server, or two where it is tried again.
async fn fails<T>(work: impl Future<Output = Result<T>>) -> Error {
    let result = tokio::time::timeout(PATIENCE * 2 + Duration::from_secs(3), work).await;
    result.expect("it waits too long for a server").err().expect("there is no server")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_and_started_again_is_found_again() {
    let mut server = Throwaway::start();
    let db = server.connect(PATIENCE).await;
    TestSchema::create_all(&db).await.unwrap();
    let user = |name: &str| User::create().email(name).name(name);
    user("saved").insert(&db).await.unwrap();
    let tags = |from: usize, count: usize| {
        (from..from + count).map(|number| Tag::create().name(format!("{number:0500}")))
    };
    Tag::insert_many(tags(0, 1000)).exec(&db).await.unwrap();

    let tx = db.begin().await.unwrap();
    user("lost").insert(&tx).await.unwrap();
    let mut stream = Tag::query().stream(&db);
    stream.next().await.unwrap().unwrap();
    let bulk = tokio::spawn({
        let db = db.clone();
        async move { Tag::insert_many(tags(1000, 20_000)).exec(&db).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!bulk.is_finished(), "it is under way");
    server.kill();

    let error = fails(User::query().count(&tx)).await;
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
    assert!(error.is_retryable(), "nothing of the transaction was saved");
    let error = fails(tx.commit()).await;
    assert_eq!(error.kind(), ErrorKind::Database, "{error}");
    let cut = fails(async {
        while let Some(row) = stream.next().await {
            row?;
        }
        Ok(())
    });
    let error = cut.await;
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
    let error = fails(async { bulk.await.unwrap() }).await;
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
    let error = fails(User::query().count(&db)).await;
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
    let error = fails(user("never").insert(&db)).await;
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
    let error = fails(User::query().update().set(User::age, 1).all_rows().exec(&db)).await;
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
    let error = fails(db.transaction(async |tx| user("never").insert(tx).await)).await;
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");

    server.start_again();
    assert_eq!(User::query().select(User::name).all(&db).await.unwrap(), ["saved"]);
    assert_eq!(
        Tag::query().count(&db).await.unwrap(),
        1000,
        "the rows of a statement come together or not at all"
    );
    db.transaction(async |tx| user("after").insert(tx).await).await.unwrap();
    Tag::insert_many(tags(1000, 100)).exec(&db).await.unwrap();
    assert_eq!(User::query().count(&db).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_server_goes_on_when_it_is_back() {
    let mut server = Throwaway::start();
    let db = server.connect(Duration::from_secs(30)).await;
    TestSchema::create_all(&db).await.unwrap();
    Tag::create().name("old").insert(&db).await.unwrap();
    server.kill();
    let read = tokio::spawn({
        let db = db.clone();
        async move { Tag::query().all(&db).await }
    });
    let write = tokio::spawn({
        let db = db.clone();
        async move { Tag::create().name("new").insert(&db).await }
    });
    let many = tokio::spawn({
        let db = db.clone();
        async move { Tag::insert_many(["a", "b"].map(|name| Tag::create().name(name))).exec(&db).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.start_again();
    assert!(!read.await.unwrap().unwrap().is_empty());
    write.await.unwrap().unwrap();
    assert_eq!(many.await.unwrap().unwrap(), 2);
    assert_eq!(Tag::query().count(&db).await.unwrap(), 4);
}
