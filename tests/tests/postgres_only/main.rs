//! What PostgreSQL adds to the suite: cancellation, lost servers, poolers, its own limits.
#![cfg(feature = "postgres")]

mod aggregates;
mod constraints;
mod copies;
mod declared;
mod laterals;
mod plans;
mod ranges;
mod types;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use orm::backend::StatementLog;
use orm::postgres::ops::{ArrayOps, JsonOps, SearchOps, TextOps};
use orm::postgres::{Event, Tls};
use orm::prelude::*;
use orm::value::Array;
use orm::{ErrorKind, Result};
use orm_tests::models::{Everything, Hostile, Post, Tag, TestSchema, User};

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

#[tokio::test]
async fn rows_of_an_insert_are_one_statement_at_any_number() -> Result<()> {
    let Place { db, log, .. } = place(2).await?;
    let names: Vec<String> = (0..100_000).map(|number| format!("tag {number}")).collect();
    let tags = Tag::insert_many(names.iter().map(|name| Tag::create().name(name))).all(&db).await?;
    assert_eq!(log.take().len(), 1);
    assert!(tags.iter().zip(&names).all(|(tag, name)| tag.name == *name), "in the order of the input");
    assert!(tags.windows(2).all(|pair| pair[0].id < pair[1].id));
    let ids: Vec<i64> = tags.iter().map(|tag| tag.id).collect();
    assert_eq!(Tag::filter(Tag::id.in_(ids)).count(&db).await?, 100_000);
    Ok(())
}

#[tokio::test]
async fn create_all_can_be_repeated_and_drop_all_undone() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    TestSchema::create_all(&db).await?;
    TestSchema::drop_all(&db).await?;
    assert_eq!(User::query().count(&db).await.unwrap_err().kind(), ErrorKind::Schema);
    TestSchema::create_all(&db).await?;
    assert_eq!(User::query().count(&db).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_prepared_statement_survives_a_change_of_its_table() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    user(&db, "ada").await?;
    assert_eq!(User::query().all(&db).await?.len(), 1);
    db.execute_batch("ALTER TABLE users ALTER COLUMN name TYPE varchar(500)").await?;
    assert_eq!(User::query().all(&db).await?[0].name, "ada");
    db.execute_batch("ALTER TABLE users ADD COLUMN more text").await?;
    assert_eq!(User::filter(User::name.eq("ada")).count(&db).await?, 1);
    Ok(())
}

#[tokio::test]
async fn what_the_server_would_change_is_refused_before_it_is_sent() -> Result<()> {
    let Place { db, log, .. } = place(1).await?;
    let fine: DateTime<Utc> = DateTime::from_timestamp(1, 1).unwrap();
    let error = Everything::filter(Everything::instant.eq(fine)).all(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode);
    assert!(error.hint().is_some_and(|hint| hint.contains("microseconds")), "{error}");
    let error = user(&db, "a\0b").await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Encode, Some("User")));
    assert!(log.take().is_empty());
    Ok(())
}

#[tokio::test]
async fn errors_name_model_fields_and_constraint() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    let ada = user(&db, "ada").await?;
    let error = user(&db, "ada").await.unwrap_err();
    assert_eq!((error.kind(), error.model(), error.code()), (ErrorKind::Unique, Some("User"), Some("23505")));
    assert_eq!(error.fields(), ["email"]);
    assert_eq!(error.constraint(), Some("uq_users_email"));
    assert!(!error.to_string().contains("ada@x"), "no values: {error}");
    let error = Post::create().title("t").score(1).author_id(ada.id + 99).insert(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::ForeignKey, &["author_id".to_owned()][..]));
    let error = User::filter(User::id.eq(ada.id)).update().set(User::age, -1).exec(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.constraint()), (ErrorKind::Check, Some("age_is_sane")));
    let long = "x".repeat(400);
    let error = User::create().email(long).name("x").insert(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ValueTooLong);
    let error = User::filter(User::id.eq(ada.id))
        .update()
        .set(User::age, User::age + i32::MAX)
        .set(User::age, i32::MAX)
        .set(User::age, User::id.cast::<i32>() + i32::MAX)
        .exec(&db)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfRange);
    db.execute_batch("ALTER TABLE users RENAME COLUMN name TO nname").await?;
    let error = User::query().all(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(error.hint().is_some_and(|hint| hint.contains("email") || hint.contains('`')), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_failed_transaction_does_not_pretend_to_commit() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    user(&db, "ada").await?;
    let result = db
        .transaction(async |tx| {
            user(tx, "bob").await?;
            // The error is swallowed; the server has aborted the transaction all the same.
            let _ = user(tx, "ada").await;
            Ok(())
        })
        .await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Database);
    assert_eq!(User::query().count(&db).await?, 1);
    db.transaction(async |tx| {
        user(tx, "bob").await?;
        let inner = tx.transaction(async |tx| user(tx, "ada").await).await;
        assert_eq!(inner.unwrap_err().kind(), ErrorKind::Unique);
        user(tx, "cid").await.map(drop)
    })
    .await?;
    assert_eq!(User::query().count(&db).await?, 3);
    Ok(())
}

#[tokio::test]
async fn serializable_transactions_that_conflict_run_again() -> Result<()> {
    let Place { db, .. } = place(4).await?;
    let ada = user(&db, "ada").await?;
    User::filter(User::id.eq(ada.id)).update().set(User::age, 0).exec(&db).await?;
    let options = TxOptions::new().isolation(Isolation::Serializable).retries(50);
    let add = async |db: Postgres| {
        db.transaction_with(options, async |tx| {
            let age = User::find(ada.id).one(tx).await?.age.unwrap_or(0);
            tokio::task::yield_now().await;
            User::filter(User::id.eq(ada.id)).update().set(User::age, age + 1).exec(tx).await
        })
        .await
    };
    let runs = futures_util::future::join_all((0..4).map(|_| add(db.clone()))).await;
    assert!(runs.iter().all(|run| matches!(run, Ok(1))), "{runs:?}");
    assert_eq!(User::find(ada.id).one(&db).await?.age, Some(4));
    Ok(())
}

/// Polls a future a number of times and drops it.
struct Few<F> {
    future: Pin<Box<F>>,
    left: u32,
}

impl<F: Future> Future for Few<F> {
    type Output = Option<F::Output>;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        self.future.as_mut().poll(context).map(Some)
    }
}

/// Drops an operation after each number of polls until it ends by itself; the pool must serve afterwards, nothing may be
/// left open on the server, and the number of users must be as before or after.
async fn dropping<T>(operation: impl AsyncFn(&Postgres, u32) -> Result<T>) -> Result<()> {
    let Place { db, schema, .. } = place(2).await?;
    let watcher = Postgres::builder(url()).max_connections(1).connect().await?;
    user(&db, "first").await?;
    for polls in 1..60 {
        let before = User::query().count(&db).await?;
        let done = Few { future: Box::pin(operation(&db, polls)), left: polls }.await;
        let after = User::query().count(&db).await?;
        assert!(after == before || after == before + 2, "{before} and then {after} after {polls} polls");
        open_transactions(&watcher, &schema).await?;
        if let Some(result) = done {
            result?;
            return Ok(());
        }
    }
    panic!("it takes more than 60 polls");
}

/// Waits until no connection of this test has a transaction open.
async fn open_transactions(watcher: &Postgres, application: &str) -> Result<()> {
    let start = Instant::now();
    loop {
        let sql = format!(
            "DO $$ BEGIN IF EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '{application}' \
             AND state <> 'idle') THEN RAISE EXCEPTION 'open'; END IF; END $$"
        );
        match watcher.execute_batch(&sql).await {
            Ok(()) => return Ok(()),
            Err(error) if start.elapsed() > Duration::from_secs(5) => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

#[tokio::test]
async fn a_read_can_be_dropped_at_every_poll() -> Result<()> {
    dropping(async |db, _| User::query().include(User::posts).all(db).await).await
}

#[tokio::test]
async fn a_write_can_be_dropped_at_every_poll() -> Result<()> {
    let pair = |polls: u32| {
        let one = move |n: u32| User::create().email(format!("{polls}-{n}@x")).name("x");
        [one(0), one(1)]
    };
    dropping(async |db, polls| User::insert_many(pair(polls)).all(db).await).await
}

#[tokio::test]
async fn an_insert_in_pieces_can_be_dropped_at_every_poll() -> Result<()> {
    let pair = |polls: u32| {
        let one = move |n: u32| User::create().email(format!("{polls}-{n}@x")).name("x");
        [one(0), one(1).active(false)]
    };
    dropping(async |db, polls| User::insert_many(pair(polls)).all(db).await).await
}

#[tokio::test]
async fn a_transaction_can_be_dropped_at_every_poll() -> Result<()> {
    dropping(async |db, polls| {
        db.transaction(async |tx| {
            user(tx, &format!("{polls}-a")).await?;
            tx.transaction(async |tx| user(tx, &format!("{polls}-b")).await).await
        })
        .await
    })
    .await
}

#[tokio::test]
async fn a_row_with_children_can_be_dropped_at_every_poll() -> Result<()> {
    dropping(async |db, polls| {
        let one = move |n: u32| {
            User::create().email(format!("{polls}-{n}@x")).name("x").posts([Post::create()
                .title("t")
                .score(1)
                .tags([Tag::create().name(format!("{polls}-{n}"))])])
        };
        User::insert_many([one(0), one(1)]).all(db).await
    })
    .await
}

#[tokio::test]
async fn a_stream_can_be_dropped_after_any_row() -> Result<()> {
    let Place { db, schema, .. } = place(1).await?;
    let names: Vec<_> = (0..5000).map(|number| Tag::create().name(format!("{number:05}"))).collect();
    Tag::insert_many(names).exec(&db).await?;
    for rows in [0, 1, 100, 4999, 6000] {
        let mut stream = Tag::query().order_by(Tag::name.asc()).stream(&db);
        for _ in 0..rows {
            let _ = stream.next().await.transpose()?;
        }
        drop(stream);
        assert_eq!(Tag::query().count(&db).await?, 5000);
    }
    let watcher = Postgres::builder(url()).max_connections(1).connect().await?;
    open_transactions(&watcher, &schema).await
}

#[tokio::test]
async fn a_statement_that_is_dropped_stops_on_the_server() -> Result<()> {
    let Place { db, schema, .. } = place(1).await?;
    let watcher = Postgres::builder(url()).max_connections(1).connect().await?;
    let sleeping = db.execute_batch("SELECT pg_sleep(60)");
    assert!(tokio::time::timeout(Duration::from_millis(200), sleeping).await.is_err());
    let start = Instant::now();
    open_transactions(&watcher, &schema).await?;
    assert_eq!(User::query().count(&db).await?, 0);
    assert!(start.elapsed() < Duration::from_secs(10));
    Ok(())
}

#[tokio::test]
async fn a_statement_cut_off_ends_its_transaction() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    let tx = db.begin().await?;
    user(&tx, "ada").await?;
    Few { future: Box::pin(user(&tx, "bob")), left: 1 }.await;
    let error = user(&tx, "cid").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    drop(tx);
    assert_eq!(User::query().count(&db).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_replaced() -> Result<()> {
    let Place { db, schema, .. } = place(2).await?;
    let watcher = Postgres::builder(url()).max_connections(1).connect().await?;
    let end = format!(
        "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{schema}'; END $$"
    );
    let tx = db.begin().await?;
    user(&tx, "ada").await?;
    watcher.execute_batch(&end).await?;
    let error = user(&tx, "bob").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    drop(tx);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(User::query().count(&db).await?, 0, "the pool has a new connection");
    Ok(())
}

#[tokio::test]
async fn a_full_pool_says_so() -> Result<()> {
    let db =
        Postgres::builder(url()).max_connections(1).wait_timeout(Duration::from_millis(50)).connect().await?;
    let tx = db.begin().await?;
    let error = db.execute_batch("SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PoolTimeout);
    assert_eq!((db.status().max, db.status().open, db.status().idle), (1, 1, 0));
    tx.rollback().await?;
    db.execute_batch("SELECT 1").await?;
    assert_eq!(db.status().idle, 1);
    db.close().await;
    assert_eq!(db.execute_batch("SELECT 1").await.unwrap_err().kind(), ErrorKind::ConnectionLost);
    Ok(())
}

#[tokio::test]
async fn wrong_settings_are_typed_errors() {
    let kind = async |url: &str| Postgres::connect(url).await.unwrap_err().kind();
    assert_eq!(kind("not a url").await, ErrorKind::Configuration);
    assert_eq!(kind("postgres://orm@127.0.0.1:1/x").await, ErrorKind::ConnectionLost);
    let (server, _) = url().rsplit_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_eq!(kind(&format!("{server}/no_such_database")).await, ErrorKind::Configuration);
}

#[tokio::test]
async fn limits_of_time_are_typed_errors() -> Result<()> {
    let db = Postgres::builder(url()).statement_timeout(Duration::from_millis(50)).connect().await?;
    let error = db.execute_batch("SELECT pg_sleep(5)").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StatementTimeout);
    Ok(())
}

#[tokio::test]
async fn a_pooler_in_transaction_mode_works() -> Result<()> {
    let Ok(pooler) = std::env::var("ORM_TEST_PGBOUNCER_URL") else {
        panic!("ORM_TEST_PGBOUNCER_URL names a PgBouncer; `cargo xtask test` starts one");
    };
    // The pooler's connections keep the schema they were opened with: the one that everybody has.
    let owner = Postgres::builder(url()).max_connections(1).connect().await?;
    TestSchema::drop_all(&owner).await?;
    TestSchema::create_all(&owner).await?;
    let db = Postgres::builder(pooler).pgbouncer(true).max_connections(20).connect().await?;
    let work = async |number: u32| -> Result<u64> {
        for round in 0..10 {
            let name = format!("{number}-{round}");
            let made = user(&db, &name).await?;
            let posts = [Post::create().title("a").score(1), Post::create().title("b").score(2)];
            Post::insert_many(posts.map(|post| post.author_id(made.id))).exec(&db).await?;
            let found = User::filter(User::name.in_([name])).include(User::posts).one(&db).await?;
            assert_eq!(found.posts.get()?.len(), 2);
            db.transaction(async |tx| {
                User::filter(User::id.eq(made.id)).update().set(User::age, 7).exec(tx).await
            })
            .await?;
        }
        Ok(10)
    };
    let done = futures_util::future::try_join_all((0..16).map(work)).await;
    TestSchema::drop_all(&owner).await?;
    assert_eq!(done?.iter().sum::<u64>(), 160);
    Ok(())
}

#[tokio::test]
async fn plans_and_hostile_names_are_readable() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    Hostile::create().quoted("x").unicode(1).insert(&db).await?;
    let plan = Hostile::filter(Hostile::unicode.eq(1)).explain(&db).await?;
    assert!(plan.contains("Scan"), "{plan}");
    let sql = Hostile::filter(Hostile::unicode.eq(1)).to_sql(&db)?;
    assert!(sql.contains("\"größe 日本\" = $1::integer"), "{sql}");
    Ok(())
}

#[tokio::test]
async fn locked_rows_are_skipped_or_refused() -> Result<()> {
    let Place { db, log, .. } = place(3).await?;
    for name in ["a", "b", "c"] {
        user(&db, name).await?;
    }
    let next = || User::query().order_by(User::id.asc()).limit(1).lock(RowLock::update().skip_locked());
    let (first, second) = (db.begin().await?, db.begin().await?);
    log.take();
    assert_eq!(next().one(&first).await?.name, "a");
    assert_eq!(next().one(&second).await?.name, "b", "the row of the other is left out");
    assert!(log.take()[0].ends_with("FOR UPDATE SKIP LOCKED"));
    let busy = User::filter(User::name.eq("a")).lock(RowLock::no_key_update().nowait());
    assert_eq!(busy.one(&db).await.unwrap_err().kind(), ErrorKind::LockTimeout);
    let joined = User::query().left_join(User::posts).lock(RowLock::share().of::<User>().skip_locked());
    assert_eq!(joined.select(User::name).all(&db).await?, ["c"]);
    first.rollback().await?;
    assert_eq!(User::query().for_update().limit(1).all(&db).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn one_row_of_each_group_and_regular_expressions() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    let ada = user(&db, "ada").await?;
    let bob = user(&db, "bob").await?;
    for (author, title, score) in [(&ada, "x1", 1), (&ada, "x2", 9), (&bob, "y3", 5)] {
        Post::create().title(title).score(score).author(author).insert(&db).await?;
    }
    let best = Post::query()
        .distinct_on(Post::author_id)
        .order_by((Post::author_id.asc(), Post::score.desc()))
        .select(Post::title)
        .all(&db)
        .await?;
    assert_eq!(best, ["x2", "y3"]);
    let found = Post::query().filter(Post::title.matches_regex("^x[0-9]$")).count(&db).await?;
    assert_eq!(found, 2);
    Ok(())
}

#[tokio::test]
async fn locks_and_settings_end_with_their_transaction() -> Result<()> {
    let Place { db, .. } = place(3).await?;
    let (one, two) = (db.begin().await?, db.begin().await?);
    Postgres::advisory_lock(&one, 4711).await?;
    assert!(!Postgres::try_advisory_lock(&two, 4711).await?);
    one.commit().await?;
    assert!(Postgres::try_advisory_lock(&two, 4711).await?);
    Postgres::set_local(&two, "app.tenant", "7").await?;
    let tenant = || sql::<Option<String>>("SELECT current_setting('app.tenant', true)");
    assert_eq!(tenant().one(&two).await?.as_deref(), Some("7"));
    two.commit().await?;
    for _ in 0..3 {
        assert!(tenant().one(&db).await?.is_none_or(|tenant| tenant.is_empty()));
    }
    Ok(())
}

/// A server of its own with a certificate that nobody knows, started by the programs that `cargo xtask test` found.
struct Throwaway {
    child: std::process::Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Throwaway {
    fn command(program: &str, folder: &std::path::Path) -> std::process::Command {
        use std::os::unix::fs::MetadataExt;
        use std::os::unix::process::CommandExt;
        let bin = std::env::var("ORM_TEST_POSTGRES_BIN").expect(
            "ORM_TEST_POSTGRES_BIN names the folder of PostgreSQL's programs; `cargo xtask test` sets it",
        );
        let mut command = std::process::Command::new(std::path::Path::new(&bin).join(program));
        if let Ok(libraries) = std::env::var("ORM_TEST_POSTGRES_LIB") {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        if std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0) {
            // PostgreSQL does not run as root.
            command.uid(65_534).gid(65_534);
        }
        command.current_dir(folder).env("HOME", folder);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        command
    }

    /// Starts it; `certificate` and its key are in PEM.
    async fn start(tls: Option<(&str, &str)>) -> Throwaway {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::Builder::new().prefix("orm-throwaway-").tempdir().unwrap();
        let root = folder.path();
        std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o777)).unwrap();
        let data = root.join("data");
        let made = Self::command("initdb", root)
            .args(["-U", "orm", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
            .arg(&data)
            .status()
            .unwrap();
        assert!(made.success());
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Throwaway { child: Self::launch(root, port, tls), folder, port };
        server.wait().await;
        server
    }

    fn launch(root: &std::path::Path, port: u16, tls: Option<(&str, &str)>) -> std::process::Child {
        let mut command = Self::command("postgres", root);
        command.arg("-D").arg(root.join("data")).arg("-k").arg(root);
        command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-c", "fsync=off"]);
        if let Some((certificate, key)) = tls {
            let (certificate_file, key_file) = (root.join("server.crt"), root.join("server.key"));
            std::fs::write(&certificate_file, certificate).unwrap();
            std::fs::write(&key_file, key).unwrap();
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).unwrap();
            let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(root.join("data")).unwrap());
            std::os::unix::fs::chown(&key_file, Some(owner), None).unwrap();
            command.args(["-c", "ssl=on"]);
            command.arg("-c").arg(format!("ssl_cert_file={}", certificate_file.display()));
            command.arg("-c").arg(format!("ssl_key_file={}", key_file.display()));
        }
        command.spawn().unwrap()
    }

    async fn wait(&mut self) {
        let start = Instant::now();
        while Postgres::builder(self.url()).tls(Tls::Disable).connect().await.is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "the server does not come up");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    fn url(&self) -> String {
        format!("postgres://orm@127.0.0.1:{}/postgres", self.port)
    }

    /// `kill -9`, and the same server again on the same data.
    fn kill(&mut self) {
        // The children of the server notice that their parent is gone.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn start_again(&mut self) {
        let _ = std::fs::remove_file(self.folder.path().join("data/postmaster.pid"));
        let start = Instant::now();
        loop {
            self.child = Self::launch(self.folder.path(), self.port, None);
            tokio::time::sleep(Duration::from_millis(300)).await;
            if self.child.try_wait().unwrap().is_none() {
                break;
            }
            // Processes of the killed server may still hold its shared memory.
            assert!(start.elapsed() < Duration::from_secs(20), "the server does not start again");
        }
        self.wait().await;
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        let _ = std::process::Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn connections_are_encrypted_and_certificates_checked() -> Result<()> {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let server = Throwaway::start(Some((&certificate, &key))).await;
    let encrypted = async |db: &Postgres| {
        sql::<bool>("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").one(db).await
    };
    let known =
        Postgres::builder(server.url()).tls(Tls::Require).root_certificate(certificate).connect().await?;
    assert!(encrypted(&known).await?);
    let sleeping = known.execute_batch("SELECT pg_sleep(60)");
    assert!(tokio::time::timeout(Duration::from_millis(100), sleeping).await.is_err());
    assert!(encrypted(&known).await?, "a dropped statement is cancelled by TLS, too");
    let unknown = Postgres::builder(server.url()).tls(Tls::Require).connect().await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Configuration, "{unknown}");
    let plain = Postgres::connect(server.url()).await?;
    assert!(!encrypted(&plain).await?, "to this machine in the clear unless told otherwise");
    let no_tls = Postgres::connect(url() + "?sslmode=require").await.unwrap_err();
    assert_eq!(no_tls.kind(), ErrorKind::Configuration, "{no_tls}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_killed_and_started_again_is_found_again() -> Result<()> {
    let mut server = Throwaway::start(None).await;
    let db = Postgres::builder(server.url()).max_connections(3).connect().await?;
    TestSchema::create_all(&db).await?;
    user(&db, "saved").await?;
    let names: Vec<_> = (0..20_000).map(|number| Tag::create().name(format!("{number:01000}"))).collect();
    Tag::insert_many(names).exec(&db).await?;

    let tx = db.begin().await?;
    user(&tx, "lost").await?;
    let mut stream = Tag::query().stream(&db);
    stream.next().await.unwrap()?;
    server.kill();

    // The server's processes notice one after the other that their parent is gone.
    let mut error = None;
    for number in 0..200 {
        error = user(&tx, &format!("never {number}")).await.err();
        if error.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let error = error.expect("a server that was killed answers no more");
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
    assert_ne!(tx.commit().await.unwrap_err().kind(), ErrorKind::Usage);
    let broken = loop {
        match stream.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => break error,
            None => panic!("a stream that was cut off looks complete"),
        }
    };
    assert_eq!(broken.kind(), ErrorKind::ConnectionLost, "{broken}");
    assert_eq!(User::query().count(&db).await.unwrap_err().kind(), ErrorKind::ConnectionLost);

    server.start_again().await;
    assert_eq!(User::query().select(User::name).all(&db).await?, ["saved"]);
    Ok(())
}

#[tokio::test]
async fn many_rows_go_by_copy_when_nothing_comes_back() -> Result<()> {
    let Place { db, log, .. } = place(1).await?;
    db.execute_batch("ALTER TABLE posts ALTER COLUMN score TYPE smallint").await?;
    let ada = user(&db, "ada").await?;
    log.take();
    let posts = |score: i32| (0..5000).map(move |n| Post::create().title(format!("{n}\t\\N\n")).score(score));
    let posts = |score: i32| posts(score).map(|post| post.author(&ada)).collect::<Vec<_>>();
    assert_eq!(Post::insert_many(posts(7)).exec(&db).await?, 5000);
    assert!(log.take()[0].starts_with("COPY \"posts\" "), "in the format of the columns as they are");
    let titles = Post::query().order_by(Post::id.asc()).select((Post::title, Post::score)).all(&db).await?;
    assert!(
        titles.iter().enumerate().all(|(n, (title, score))| *title == format!("{n}\t\\N\n") && *score == 7)
    );

    let broken =
        Post::insert_many(posts(1).into_iter().chain([Post::create().title("x").score(1).author_id(-1)]));
    let error = broken.exec(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignKey, "{error}");
    let error = Post::insert_many(posts(100_000)).exec(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode, "{error}");
    assert_eq!(Post::query().count(&db).await?, 5000, "all or none");
    Ok(())
}

#[tokio::test]
async fn a_copy_can_be_dropped_at_every_poll() -> Result<()> {
    let Place { db, schema, .. } = place(2).await?;
    let watcher = Postgres::builder(url()).max_connections(1).connect().await?;
    for polls in 1..400 {
        let before = Tag::query().count(&db).await?;
        let rows: Vec<_> =
            (0..3000).map(|n| Tag::create().name(format!("{polls} {n} {}", "x".repeat(100)))).collect();
        let done = Few { future: Box::pin(Tag::insert_many(rows).exec(&db)), left: polls }.await;
        open_transactions(&watcher, &schema).await?;
        let after = Tag::query().count(&db).await?;
        assert!(after == before || after == before + 3000, "{before} and then {after} after {polls} polls");
        if let Some(result) = done {
            assert_eq!(result?, 3000);
            return Ok(());
        }
    }
    panic!("it takes more than 400 polls");
}

#[tokio::test]
async fn listeners_hear_and_report_gaps() -> Result<()> {
    let Place { db, schema, .. } = place(2).await?;
    let (here, there) = (format!("{schema} \"here\""), format!("{schema} there"));
    let mut listener = db.listen([here.clone(), there.clone()]).await?;
    let tx = db.begin().await?;
    Postgres::notify(&tx, &here, "first").await?;
    Postgres::notify(&db, &there, "before the commit").await?;
    tx.commit().await?;
    let notified =
        |channel: &str, payload: &str| Event::Notified { channel: channel.into(), payload: payload.into() };
    assert_eq!(listener.next().await?, notified(&there, "before the commit"));
    assert_eq!(listener.next().await?, notified(&here, "first"));
    let watcher = Postgres::builder(url()).max_connections(1).connect().await?;
    watcher
        .execute_batch(&format!(
            "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE application_name = '{schema}' AND query LIKE 'LISTEN%'; END $$"
        ))
        .await?;
    assert_eq!(listener.next().await?, Event::Gap);
    Postgres::notify(&db, &here, "again").await?;
    assert_eq!(listener.into_stream().next().await.unwrap()?, notified(&here, "again"));
    Ok(())
}

/// A model with a document.
#[derive(Debug, Clone, Model)]
struct Setting {
    #[orm(primary_key, auto)]
    id: i64,
    name: String,
    data: serde_json::Value,
}
orm::schema!(Settings: Setting);

#[tokio::test]
async fn documents_are_searched_and_changed_in_place() -> Result<()> {
    use serde_json::{Value, json};
    let Place { db, .. } = place(1).await?;
    Settings::create_all(&db).await?;
    let setting = |name: &str, data: Value| Setting::create().name(name).data(data).insert(&db);
    setting("a", json!({ "theme": "dark", "sizes": [1, 2], "deep": { "x\"y": 7 } })).await?;
    setting("b", json!({ "theme": "light", "beta": true })).await?;
    macro_rules! names {
        ($condition:expr) => {
            Setting::query()
                .filter($condition)
                .order_by(Setting::id.asc())
                .select(Setting::name)
                .all(&db)
                .await?
        };
    }
    assert_eq!(names!(Setting::data.json_text(["theme"]).eq("dark")), ["a"]);
    assert_eq!(names!(Setting::data.json_text(["deep", "x\"y"]).eq("7")), ["a"]);
    assert_eq!(names!(Setting::data.json_contains(json!({ "beta": true }))), ["b"]);
    assert_eq!(names!(Setting::data.json_has_any(["sizes", "none"])), ["a"]);
    assert_eq!(
        names!(Setting::data.json_has_all(["theme", "beta"]) & Setting::data.json_has_key("beta")),
        ["b"]
    );
    assert_eq!(names!(Setting::data.json_path_exists("$.sizes[*] ? (@ > 1)")), ["a"]);
    let sizes: Vec<Option<Value>> = Setting::query()
        .order_by(Setting::id.asc())
        .select(Setting::data.json_get(["sizes"]))
        .all(&db)
        .await?;
    assert_eq!(sizes, [Some(json!([1, 2])), None]);
    let changed = Setting::filter(Setting::name.eq("b"))
        .update()
        .set(
            Setting::data,
            Setting::data
                .json_set(["theme"], json!("blue"))
                .json_merge(json!({ "n": 1 }))
                .json_remove(["beta"]),
        )
        .returning(&db)
        .await?;
    assert_eq!(changed[0].data, json!({ "theme": "blue", "n": 1 }));
    Ok(())
}

#[tokio::test]
async fn text_is_searched_as_people_write_it() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    let ada = user(&db, "ada").await?;
    for title in ["The engines were running", "An engine", "Nothing of the kind"] {
        Post::create().title(title).score(1).author(&ada).insert(&db).await?;
    }
    let found = Post::query()
        .filter(Post::title.matches_search("english", "engine -running"))
        .select(Post::title.search_headline("english", "engine"))
        .all(&db)
        .await?;
    assert_eq!(found, ["An <b>engine</b>"]);
    let best = Post::query()
        .filter(Post::title.matches_search("english", "engine or kind"))
        .order_by(Post::title.search_rank("english", "kind").desc())
        .select(Post::title)
        .first(&db)
        .await?;
    assert_eq!(best.as_deref(), Some("Nothing of the kind"));
    let all = Post::query()
        .group_by(Post::author_id)
        .select(|id| (id, Post::title.lower().string_agg("|")))
        .one(&db)
        .await?;
    assert_eq!(all.1.as_deref(), Some("an engine|nothing of the kind|the engines were running"));
    Ok(())
}

#[tokio::test]
async fn sibling_includes_share_a_connection() -> Result<()> {
    let Place { db, log, .. } = place(4).await?;
    for name in ["a", "b"] {
        let posts = [Post::create().title(name).score(1)];
        User::create().email(name).name(name).posts(posts).insert(&db).await?;
    }
    log.take();
    assert_eq!(db.status().open, 1);
    let users =
        User::query().include(User::posts).include(User::profile).include(User::remarks).all(&db).await?;
    assert!(users.iter().all(|user| user.posts.get().unwrap().len() == 1 && user.remarks.is_loaded()));
    assert_eq!((log.take().len(), db.status().open), (4, 1));
    Ok(())
}

/// A model with arrays.
#[derive(Debug, Clone, PartialEq, Model)]
struct Basket {
    #[orm(primary_key, auto)]
    id: i64,
    words: Array<String>,
    sizes: Array<Option<i32>>,
    times: Option<Array<DateTime<Utc>>>,
    prices: Array<rust_decimal::Decimal>,
}
orm::schema!(Baskets: Basket);

#[tokio::test]
async fn arrays_are_stored_searched_and_changed() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    Baskets::create_all(&db).await?;
    let time = DateTime::from_timestamp(1_000_000, 0).unwrap();
    let price = |cents: i64| rust_decimal::Decimal::new(cents, 2);
    let basket = |word: &str| {
        Basket::create()
            .words(Array::from([word.to_owned(), "both \"{},\\ NULL".to_owned()]))
            .sizes(Array::from([Some(1), None, Some(-3)]))
            .prices(Array::from([price(150), price(-1)]))
    };
    let first = basket("one").times(Array::from([time])).insert(&db).await?;
    assert_eq!(first.sizes.0, [Some(1), None, Some(-3)]);
    assert_eq!(
        (first.times.clone(), first.prices.0.clone()),
        (Some(Array::from([time])), vec![price(150), price(-1)])
    );
    let more = Basket::insert_many([basket("two"), basket("three")]).all(&db).await?;
    assert_eq!((more[1].words[0].as_str(), &more[1].times), ("three", &None));
    let many =
        Basket::insert_many((0..3000).map(|_| basket("many").words(Array::default()))).exec(&db).await?;
    assert_eq!(many, 3000);

    let count = async |query: Query<Basket, _, Basket, _>| query.count(&db).await;
    assert_eq!(count(Basket::query().filter(Basket::words.has("two"))).await?, 1);
    assert_eq!(
        count(Basket::query().filter(Basket::words.has_any(vec!["one".to_owned(), "two".to_owned()])))
            .await?,
        2
    );
    assert_eq!(count(Basket::query().filter(Basket::words.array_length().eq(0))).await?, 3000);
    assert_eq!(Basket::filter(Basket::words.eq(first.words.clone())).count(&db).await?, 1);
    let changed = Basket::filter(Basket::id.eq(first.id))
        .update()
        .set(Basket::words, Basket::words.append("new").without("one"))
        .returning(&db)
        .await?;
    assert_eq!(changed[0].words.last().map(String::as_str), Some("new"));
    assert_eq!(changed[0].words.len(), 2);

    let words = Basket::query().filter(Basket::id.eq(first.id)).select((Basket::id, Basket::words.unnest()));
    let words: Vec<(i64, String)> = words.all(&db).await?;
    assert_eq!((words.len(), words[1].1.as_str()), (2, "new"));
    let baskets = Basket::query().order_by(Basket::id.asc()).limit(3).all(&db).await?;
    let changes =
        baskets.iter().map(|basket| basket.update().words(Array::from([format!("{}!", basket.id)])));
    let changed = Basket::update_many(changes).all(&db).await?;
    assert!(changed.iter().zip(&baskets).all(|(now, then)| now.words[0] == format!("{}!", then.id)));

    let sqlite = Sqlite::memory().await?;
    let error = Baskets::create_all(&sqlite).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Unsupported, &["words".to_owned()][..]));
    Ok(())
}
