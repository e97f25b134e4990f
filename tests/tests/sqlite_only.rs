//! What SQLite adds to the suite: files, locks, the pool, the budget of a read, its own limits.
#![cfg(feature = "sqlite")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use chrono::{NaiveDate, NaiveTime};
use futures_util::{FutureExt, StreamExt};
use orm::backend::{Backend, StatementLog};
use orm::prelude::*;
use orm::sqlite::SqliteBuilder;
use orm::value::Array;
use orm::{ErrorKind, Result};
use orm_tests::dropping::every_operation;
use orm_tests::models::{Everything, Post, Tag, TestSchema, User};
use rust_decimal::Decimal;
use tempfile::TempDir;

struct Place {
    db: Sqlite,
    log: Arc<StatementLog>,
    folder: TempDir,
}

impl Place {
    /// Another handle of the same file, as another process would have.
    fn another(&self) -> SqliteBuilder {
        Sqlite::builder().path(self.folder.path().join("test.db"))
    }
}

async fn place(settings: impl FnOnce(SqliteBuilder) -> SqliteBuilder) -> Result<Place> {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(StatementLog::default());
    let builder = Sqlite::builder().path(folder.path().join("test.db")).observer(log.clone());
    let db = settings(builder).connect().await?;
    TestSchema::create_all(&db).await?;
    log.take();
    Ok(Place { db, log, folder })
}

async fn tags(db: &impl Executor, many: usize) -> Result<Vec<Tag>> {
    Tag::insert_many((0..many).map(|number| Tag::create().name(format!("tag {number}")))).all(db).await
}

fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[tokio::test]
async fn a_file_is_created_unless_told_otherwise() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    let error = Sqlite::builder().path(&path).create_if_missing(false).connect().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, Some("14")));
    assert_eq!(error.to_string(), "the database file cannot be opened (check the path and its permissions)");
    assert!(!path.exists());
    let db = Sqlite::connect(&path).await?;
    assert!(path.exists());
    assert_eq!(format!("{db:?}"), format!("SqliteBuilder {{ path: Some({path:?}), readers: 4, .. }}"));
    Sqlite::builder().path(&path).create_if_missing(false).connect().await?;
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_opened_is_a_matter_of_configuration() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.txt");
    std::fs::write(&path, "Dear Ada, this is no database. ".repeat(100)).unwrap();
    let error = Sqlite::connect(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(error.message(), "the file is not an SQLite database");
    let error = Sqlite::builder().read_only().connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(error.message(), "a database in memory cannot be read-only");
    let error = Sqlite::builder().pragma("no such; pragma", "1").connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    Ok(())
}

#[tokio::test]
async fn settings_hold_on_every_connection() -> Result<()> {
    let settings =
        |builder: SqliteBuilder| builder.pragma("cache_size", "-1234").readers(0).statement_cache(1);
    let Place { db, .. } = place(settings).await?;
    assert_eq!(sql::<i64>("PRAGMA cache_size").one(&db).await?, -1234, "a reader");
    assert_eq!(sql::<i64>("PRAGMA cache_size").writing().one(&db).await?, -1234, "the writer");
    assert_eq!(sql::<i64>("PRAGMA foreign_keys").writing().one(&db).await?, 1);
    assert_eq!(sql::<String>("PRAGMA journal_mode").one(&db).await?, "wal");
    Ok(())
}

#[tokio::test]
async fn every_operation_can_be_dropped_at_every_poll() -> Result<()> {
    // Locks are freed by the next statement to come: there is nobody else to ask.
    every_operation(&place(|builder| builder).await?.db, async || Ok(())).await?;
    every_operation(&place(|builder| builder.read_budget(0)).await?.db, async || Ok(())).await
}

#[tokio::test]
async fn a_read_only_handle_refuses_writes() -> Result<()> {
    let place = place(|builder| builder).await?;
    tags(&place.db, 2).await?;
    let db = place.another().read_only().connect().await?;
    assert_eq!(Tag::query().count(&db).await?, 2);
    let error = Tag::create().name("more").insert(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Database);
    assert_eq!(error.message(), "the database is open for reading only");
    let options = TxOptions::new().read_only();
    let refused = place.db.transaction_with(options, async |tx| {
        assert_eq!(Tag::query().count(tx).await?, 2);
        Tag::create().name("more").insert(tx).await
    });
    assert_eq!(refused.await.unwrap_err().message(), "the database is open for reading only");
    Ok(())
}

#[tokio::test]
async fn a_lock_of_another_process_is_waited_for() -> Result<()> {
    let place = place(|builder| builder).await?;
    let other = place.another().connect().await?;
    let tx = other.begin().await?;
    Tag::create().name("first").insert(&tx).await?;
    let waiting = async {
        Tag::create().name("second").insert(&place.db).await?;
        place.db.transaction(async |tx| Tag::create().name("third").insert(tx).await).await
    };
    let release = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        tx.commit().await
    };
    let (waited, released) = tokio::join!(waiting, release);
    released?;
    assert_eq!(waited?.name, "third");
    let names = Tag::query().order_by(Tag::id.asc()).select(Tag::name).all(&place.db).await?;
    assert_eq!(names, ["first", "second", "third"]);
    Ok(())
}

#[tokio::test]
async fn a_lock_that_is_kept_is_an_error_in_time() -> Result<()> {
    let place = place(|builder| builder.busy_timeout(Duration::from_millis(30))).await?;
    let other = place.another().connect().await?;
    let tx = other.begin().await?;
    let error = Tag::create().name("late").insert(&place.db).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::LockTimeout, Some("5")));
    assert!(error.is_retryable());
    assert_eq!(kind(place.db.begin().await), ErrorKind::LockTimeout);
    assert_eq!(Tag::query().count(&place.db).await?, 0, "readers wait for nobody");
    tx.rollback().await?;
    Tag::create().name("in time").insert(&place.db).await?;
    Ok(())
}

#[tokio::test]
async fn a_transaction_is_run_again_as_often_as_it_may() -> Result<()> {
    let place = place(|builder| builder.busy_timeout(Duration::from_millis(1))).await?;
    let other = place.another().connect().await?;
    let tx = other.begin().await?;
    let start = Instant::now();
    let options = TxOptions::new().isolation(Isolation::Serializable).deferrable().retries(2);
    let never: Result<()> =
        place.db.transaction_with(options, async |_| unreachable!("the lock is taken")).await;
    assert_eq!(kind(never), ErrorKind::LockTimeout);
    assert!(start.elapsed() >= Duration::from_millis(15), "pauses of at least 5 and 10 ms");
    tx.commit().await?;

    let runs = AtomicU32::new(0);
    let made = place.db.transaction_with(options, async |tx| {
        let tag = Tag::create().name("once").insert(tx).await?;
        match runs.fetch_add(1, Ordering::Relaxed) {
            0 => Err(Error::new(ErrorKind::Deadlock, "as if")),
            _ => Ok(tag),
        }
    });
    assert_eq!(made.await?.name, "once");
    assert_eq!((runs.into_inner(), Tag::query().count(&place.db).await?), (2, 1), "the first run was undone");

    let runs = AtomicU32::new(0);
    let failed: Result<()> = place
        .db
        .transaction_with(options, async |_| {
            runs.fetch_add(1, Ordering::Relaxed);
            Err(Error::new(ErrorKind::Unique, "for good"))
        })
        .await;
    assert_eq!((kind(failed), runs.into_inner()), (ErrorKind::Unique, 1));
    Ok(())
}

#[tokio::test]
async fn an_error_type_of_ones_own_rolls_back() -> Result<()> {
    #[derive(Debug)]
    enum Mine {
        Orm(Error),
        Full,
    }
    impl From<Error> for Mine {
        fn from(error: Error) -> Self {
            Mine::Orm(error)
        }
    }
    let Place { db, .. } = place(|builder| builder).await?;
    let full = db.try_transaction(async |tx| {
        Tag::create().name("lost").insert(tx).await?;
        Err::<(), _>(Mine::Full)
    });
    assert!(matches!(full.await, Err(Mine::Full)));
    let twice = db.try_transaction(async |tx| {
        Tag::create().name("twice").insert(tx).await?;
        Ok::<_, Mine>(Tag::create().name("twice").insert(tx).await?)
    });
    assert!(matches!(twice.await, Err(Mine::Orm(error)) if error.kind() == ErrorKind::Unique));
    assert_eq!(Tag::query().count(&db).await?, 0);
    Ok(())
}

#[tokio::test]
async fn who_waits_for_a_connection_gets_it_or_a_timeout() -> Result<()> {
    let Place { db, .. } = place(|builder| builder.acquire_timeout(Duration::from_millis(300))).await?;
    let tx = db.begin().await?;
    let error = Tag::create().name("stuck").insert(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PoolTimeout);
    assert!(error.hint().is_some_and(|hint| hint.contains("use `tx` and not `db`")), "{error}");
    let release = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        tx.commit().await
    };
    let (inserted, released) = tokio::join!(Tag::create().name("free").insert(&db), release);
    released?;
    assert_eq!(inserted?.name, "free");
    Ok(())
}

#[tokio::test]
async fn a_closed_database_answers_nobody() -> Result<()> {
    let Place { db, .. } = place(|builder| builder).await?;
    let tx = db.begin().await?;
    Tag::create().name("kept").insert(&tx).await?;
    let close = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        db.close().await;
    };
    let (waiting, ()) = tokio::join!(Tag::create().name("waits").insert(&db), close);
    assert_eq!(kind(waiting), ErrorKind::ConnectionLost);
    assert_eq!(kind(Tag::query().all(&db).await), ErrorKind::ConnectionLost);
    assert_eq!(kind(db.execute_batch("SELECT 1").await), ErrorKind::ConnectionLost);
    let first = Tag::query().stream(&db).next().await.expect("an item");
    assert_eq!(kind(first), ErrorKind::ConnectionLost);
    tx.commit().await?;
    assert_eq!(kind(db.begin().await), ErrorKind::ConnectionLost, "what comes back is closed");
    Ok(())
}

#[tokio::test]
async fn a_read_past_its_budget_moves_to_a_thread_and_stays_right() -> Result<()> {
    let place = place(|builder| builder.read_budget(500)).await?;
    let made = tags(&place.db, 3000).await?;
    place.log.take();
    for round in 0..3 {
        assert_eq!(Tag::query().order_by(Tag::id.asc()).all(&place.db).await?, made, "round {round}");
        assert_eq!(place.log.take().len(), 1, "what was interrupted is not reported");
    }
    let long = Tag::name.lower().ends_with("999");
    assert_eq!(Tag::filter(long.clone()).count(&place.db).await?, 3);
    let last = Tag::filter(long.clone()).order_by(Tag::name.desc()).first(&place.db).await?;
    assert_eq!(last.map(|tag| tag.name), Some("tag 999".into()));
    let with_posts = Tag::filter(long).include(Tag::posts).all(&place.db).await?;
    assert!(with_posts.iter().all(|tag| tag.posts.get().is_ok_and(|posts| posts.is_empty())));

    let never = place.another().read_budget(0).connect().await?;
    assert_eq!(Tag::query().order_by(Tag::id.asc()).all(&never).await?, made);
    Ok(())
}

#[tokio::test]
async fn the_outer_transaction_waits_for_the_inner() -> Result<()> {
    let Place { db, .. } = place(|builder| builder).await?;
    let outer = db.begin().await?;
    let inner = outer.begin().await?;
    assert_eq!(format!("{inner:?}"), r#"Tx { backend: "sqlite", open: true }"#);
    assert_eq!(format!("{:?}", inner.session()), "Session");
    let error = Tag::create().name("x").insert(&outer).await.unwrap_err();
    assert_eq!((error.kind(), error.hint()), (ErrorKind::Usage, Some("use the inner `tx` until it ends")));
    Tag::create().name("inner").insert(&inner).await?;
    drop(inner);
    assert_eq!(Tag::query().count(&outer).await?, 0, "the savepoint was undone");
    let inner = outer.begin().await?;
    Tag::create().name("kept").insert(&inner).await?;
    inner.commit().await?;
    let session = outer.session().clone();
    outer.commit().await?;
    let late = <Sqlite as Backend>::begin(&session, TxOptions::new()).await;
    assert_eq!(late.unwrap_err().message(), "the transaction has ended");
    Sqlite::rollback(&session).await?;
    assert_eq!(Tag::query().count(&db).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_savepoint_cut_off_under_a_statement_ends_the_transaction() -> Result<()> {
    let Place { db, .. } = place(|builder| builder).await?;
    tags(&db, 50_000).await?;
    let outer = db.begin().await?;
    let inner = outer.begin().await?;
    let session = inner.session().clone();
    // A write of all rows goes to a thread, and the savepoint is dropped while it is there.
    let mut update =
        Box::pin(Tag::query().update().all_rows().set(Tag::name, Tag::name.concat("!")).exec(&inner));
    assert!(update.as_mut().now_or_never().is_none());
    Sqlite::abandon(&session);
    drop(update);
    drop(inner);
    let error = Tag::query().count(&outer).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Usage, "a savepoint of this transaction was cut off; roll it back")
    );
    outer.rollback().await?;
    assert_eq!(Tag::filter(Tag::name.ends_with("!")).count(&db).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_query_shows_its_text_and_its_plan() -> Result<()> {
    let Place { db, .. } = place(|builder| builder).await?;
    let query = Post::filter(Post::author_id.eq(1)).order_by(Post::title.asc()).limit(3);
    let text = query.to_sql(&db)?;
    assert!(text.starts_with("SELECT ") && text.contains(r#""author_id" = ?1"#), "{text}");
    let plan = query.explain(&db).await?;
    let lines: Vec<&str> = plan.lines().collect();
    assert!(lines[0].starts_with("SEARCH posts USING INDEX idx_posts_author_id"), "{plan}");
    assert!(lines[1].starts_with("USE TEMP B-TREE FOR ORDER BY"), "{plan}");
    let oldest = scalar(User::query().select(User::id.min()));
    let nested = Post::filter(Post::author_id.eq(oldest)).explain(&db).await?;
    assert!(
        nested.contains("\nSCALAR SUBQUERY 1\n  SEARCH "),
        "what belongs to a step is indented: {nested}"
    );
    let tx = db.begin().await?;
    assert_eq!(query.to_sql(&tx)?, text);
    Ok(())
}

#[tokio::test]
async fn a_table_that_differs_from_its_model_is_named() -> Result<()> {
    let Place { db, log, .. } = place(|builder| builder).await?;
    db.execute_batch("ALTER TABLE tags RENAME COLUMN name TO nname").await?;
    let error = Tag::query().all(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Schema, Some("Tag")));
    assert!(error.to_string().contains("no such column"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("migration")), "{error}");
    let first = Tag::query().stream(&db).next().await.expect("an item");
    assert_eq!(kind(first), ErrorKind::Schema);
    let typo = sql::<i64>("SELECT idd FROM tags").all(&db).await.unwrap_err();
    assert_eq!((typo.kind(), typo.hint()), (ErrorKind::Schema, Some("the table may lack a migration")));
    let other = db.execute_batch("SELECT nonsense(").await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Database);

    TestSchema::drop_all(&db).await?;
    TestSchema::drop_all(&db).await?;
    let error = Tag::query().count(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(error.hint().is_some_and(|hint| hint.contains("create_all")), "{error}");
    log.take();
    TestSchema::create_all(&db).await?;
    TestSchema::create_all(&db).await?;
    assert_eq!(Tag::query().count(&db).await?, 0);
    Ok(())
}

#[tokio::test]
async fn tables_are_created_all_or_none() -> Result<()> {
    let db = Sqlite::memory().await?;
    // An index of this name makes one of the schema's impossible.
    db.execute_batch("CREATE TABLE idx_posts_author_id (x)").await?;
    let error = TestSchema::create_all(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Database, "{error}");
    let tables = sql::<String>("SELECT name FROM sqlite_master WHERE type = 'table'").all(&db).await?;
    assert_eq!(tables, ["idx_posts_author_id"]);
    db.execute_batch("DROP TABLE idx_posts_author_id").await?;
    TestSchema::create_all(&db).await?;
    tags(&db, 3).await?;
    assert_eq!(Tag::query().count(&db).await?, 3);
    Ok(())
}

#[tokio::test]
async fn what_sqlite_cannot_keep_is_refused_before_it_is_sent() -> Result<()> {
    let Place { db, log, .. } = place(|builder| builder).await?;
    let late = NaiveDate::from_ymd_opt(10_000, 1, 1).unwrap();
    let error = Everything::filter(Everything::day.eq(late)).all(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfRange);
    let late = late.and_time(NaiveTime::MIN);
    let error = Everything::filter(Everything::instant.eq(late.and_utc())).count(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfRange);
    let error = sql::<i64>("SELECT ?").bind(Array(vec![1_i64])).all(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unsupported, "SQLite has no arrays"));
    let first = Everything::filter(Everything::ubig.eq(u64::MAX)).stream(&db).next().await.expect("an item");
    assert_eq!(kind(first), ErrorKind::OutOfRange);
    assert!(log.take().is_empty());

    #[derive(Debug, Clone, Model)]
    struct Listed {
        #[orm(primary_key, auto)]
        id: i64,
        list: Array<i64>,
    }
    orm::schema!(ListedSchema: Listed);
    let error = ListedSchema::create_all(&db).await.unwrap_err();
    assert_eq!((error.model(), error.fields()), (Some("Listed"), &["list".to_owned()][..]));
    Ok(())
}

#[tokio::test]
async fn a_column_that_holds_something_else_is_an_error() -> Result<()> {
    let Place { db, .. } = place(|builder| builder).await?;
    let error = sql::<i64>("SELECT 'seven'").one(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.message(), "column 0 holds a TEXT where `i64` needs an INTEGER");
    let error = sql::<(i64, String)>("SELECT 1, NULL").one(&db).await.unwrap_err();
    assert_eq!(error.message(), "column 1 is NULL and `String` cannot hold that");
    let error = sql::<Option<NaiveDate>>("SELECT 'soon'").first(&db).await.unwrap_err();
    assert!(error.message().starts_with("column 0 cannot be read as `Option<NaiveDate>`: "), "{error}");
    assert_eq!(kind(sql::<i64>("SELECT 1 WHERE 0").one(&db).await), ErrorKind::NotFound);
    assert_eq!(kind(sql::<i64>("SELECT 1 UNION SELECT 2").one(&db).await), ErrorKind::MultipleRows);
    assert_eq!(sql::<i64>("SELECT 1 WHERE 0").first(&db).await?, None);
    Ok(())
}

#[tokio::test]
async fn many_rows_are_stored_all_or_none() -> Result<()> {
    let Place { db, log, .. } = place(|builder| builder).await?;
    let names = |last: &'static str| (0..5000).map(|n| format!("tag {n}")).chain([last.to_owned()]);
    let rows = |last| Tag::insert_many(names(last).map(|name| Tag::create().name(name)));
    let error = rows("tag 7").exec(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Unique, &["name".to_owned()][..]));
    assert_eq!(Tag::query().count(&db).await?, 0);
    log.take();
    assert_eq!(rows("another").exec(&db).await?, 5001);
    assert!(log.take().len() > 1, "in pieces");
    let error = sql::<()>("INSERT INTO tags (name) VALUES (NULL)").exec(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotNull);
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_dropped_frees_its_connection() -> Result<()> {
    let Place { db, .. } =
        place(|builder| builder.readers(1).acquire_timeout(Duration::from_secs(5))).await?;
    tags(&db, 1000).await?;
    for _ in 0..3 {
        let mut rows = Tag::query().order_by(Tag::id.asc()).stream(&db);
        assert_eq!(rows.next().await.expect("a row")?.name, "tag 0");
    }
    let mut rows = Tag::query().limit(2).stream(&db);
    while let Some(row) = rows.next().await {
        row?;
    }
    assert!(rows.next().await.is_none(), "it ends for good");
    let words = sql::<String>("SELECT name FROM tags LIMIT 1").all(&db).await?;
    assert_eq!(words.len(), 1);
    Ok(())
}

/// What SQLite makes of an expression of its own functions.
async fn decimal(db: &Sqlite, text: &str) -> Result<Option<Decimal>> {
    sql::<Option<Decimal>>(format!("SELECT {text}")).one(db).await
}

#[tokio::test]
async fn decimals_are_calculated_exactly() -> Result<()> {
    let db = Sqlite::memory().await?;
    for (text, result) in [
        ("orm_decimal_add('0.1', '0.2')", Some("0.3")),
        ("orm_decimal_sub('1', '0.9')", Some("0.1")),
        ("orm_decimal_mul('-1.5', '4')", Some("-6")),
        ("orm_decimal_div('1', '8')", Some("0.125")),
        ("orm_decimal_rem('7.5', '2')", Some("1.5")),
        ("orm_decimal_div('1', '0.0')", None),
        ("orm_decimal_rem('1', '0')", None),
        ("orm_decimal_add(NULL, '1')", None),
        ("orm_decimal_add('1', NULL)", None),
        ("orm_decimal_neg('2.5')", Some("-2.5")),
        ("orm_decimal_abs('-2.5')", Some("2.5")),
        ("orm_decimal_abs(NULL)", None),
        ("orm_decimal_cast(12)", Some("12")),
        ("orm_decimal_cast(0.25)", Some("0.25")),
        ("orm_decimal_round('2.5')", Some("3")),
        ("orm_decimal_round('-2.345', 2)", Some("-2.35")),
        ("orm_decimal_round('2.5', NULL)", None),
        ("orm_decimal_round(NULL, 1)", None),
    ] {
        let result = result.map(|text| text.parse::<Decimal>().unwrap());
        assert_eq!(decimal(&db, text).await?, result, "{text}");
    }
    for (rows, sum, mean) in [
        ("VALUES ('0.1'), ('0.2'), (NULL), ('0.6')", Some("0.9"), Some("0.3")),
        ("VALUES (NULL), (NULL)", None, None),
        ("SELECT 1 WHERE 0", None, None),
    ] {
        let text = format!("SELECT orm_decimal_sum(column1), orm_decimal_avg(column1) FROM ({rows})");
        let text = if rows.starts_with("SELECT") { text.replace("column1", "\"1\"") } else { text };
        let both = sql::<(Option<Decimal>, Option<Decimal>)>(text).one(&db).await?;
        let number = |text: Option<&str>| text.map(|text| text.parse::<Decimal>().unwrap());
        assert_eq!(both, (number(sum), number(mean)), "{rows}");
    }
    let sorted = sql::<String>(
        "SELECT column1 FROM (VALUES ('10'), ('9.5'), ('x'), ('-1')) ORDER BY column1 COLLATE orm_decimal",
    );
    assert_eq!(sorted.all(&db).await?, ["-1", "9.5", "10", "x"]);
    Ok(())
}

#[tokio::test]
async fn a_decimal_that_is_none_or_too_large_is_an_error() -> Result<()> {
    let db = Sqlite::memory().await?;
    let most = Decimal::MAX;
    for text in [
        format!("orm_decimal_add('{most}', '1')"),
        format!("orm_decimal_mul('{most}', '2')"),
        format!("(SELECT orm_decimal_sum(column1) FROM (VALUES ('{most}'), ('{most}')))"),
        "(SELECT sum(column1) FROM (VALUES (9223372036854775807), (1)))".to_owned(),
    ] {
        let error = sql::<Option<String>>(format!("SELECT {text}")).one(&db).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutOfRange, "{text}: {error}");
        assert_eq!(error.message(), "the result of the calculation is too large");
    }
    for text in ["orm_decimal_neg('much')", "orm_decimal_neg(X'00')", "orm_decimal_cast(0.1 + 0.2)"] {
        let error = decimal(&db, text).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Database, "the operand is not an exact decimal"),
            "{text}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_remainder_of_floats_and_patterns_are_those_of_the_other_databases() -> Result<()> {
    let db = Sqlite::memory().await?;
    for (text, result) in [
        ("orm_float_rem(5.5, 2.0)", Some(1.5)),
        ("orm_float_rem(-5.5, 2.0)", Some(-1.5)),
        ("orm_float_rem(5.5, 0.0)", None),
        ("orm_float_rem(NULL, 2.0)", None),
    ] {
        assert_eq!(sql::<Option<f64>>(format!("SELECT {text}")).one(&db).await?, result, "{text}");
    }
    for (text, result) in [
        ("orm_like('A_a%', 'Adam')", Some(true)),
        ("orm_like('a%', 'Ada')", Some(false)),
        ("orm_like(NULL, 'x')", None),
    ] {
        assert_eq!(sql::<Option<bool>>(format!("SELECT {text}")).one(&db).await?, result, "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn what_sqlite_lacks_is_named_when_a_dynamic_query_runs() -> Result<()> {
    let Place { db, log, .. } = place(|builder| builder).await?;
    let lock = RowLock::share().nowait().of::<User>();
    let error = User::query().lock(lock).dynamic().all(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Unsupported, Some("User")));
    assert_eq!(error.message(), "this database cannot run the query: it has no `RowLocks`");
    let latest = Post::query().distinct_on(Post::author_id).dynamic();
    assert!(latest.clone().first(&db).await.unwrap_err().message().contains("`DistinctOn`"));
    assert!(latest.clone().count(&db).await.unwrap_err().message().contains("`DistinctOn`"));
    let streamed = latest.stream(&db).next().await.expect("an item");
    assert!(streamed.unwrap_err().message().contains("`DistinctOn`"));
    let pattern = User::query().filter(User::name.matches_regex("^A")).dynamic();
    assert!(pattern.clone().exists(&db).await.unwrap_err().message().contains("`Regex`"));
    assert!(log.take().is_empty());
    let part = User::filter(User::id.in_(pattern.select(User::id))).all(&db).await.unwrap_err();
    assert_eq!(part.message(), "a dynamic query cannot be part of another");
    assert_eq!(User::filter(User::active).dynamic().count(&db).await?, 0, "what it offers it runs");
    Ok(())
}

#[tokio::test]
async fn a_field_that_cannot_be_read_is_named() -> Result<()> {
    let Place { db, .. } = place(|builder| builder).await?;
    let ada = User::create().email("a").name("Ada").insert(&db).await?;
    db.execute_batch("PRAGMA ignore_check_constraints = ON; UPDATE users SET age = 5000000000").await?;
    let error = User::find(ada.id).one(&db).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.model(), error.fields()),
        (ErrorKind::Decode, Some("User"), &["age".to_owned()][..])
    );
    assert!(
        error.message().ends_with("cannot be read as `Option<i32>`: the number does not fit i32"),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn a_database_is_shared_behind_pointers() -> Result<()> {
    let Place { db, log, .. } = place(|builder| builder).await?;
    let shared = Arc::new(db);
    assert_eq!(tags(&shared, 2).await?.len(), 2);
    assert_eq!(Tag::query().count(&&*shared).await?, 2);
    assert_eq!(format!("{log:?}"), "StatementLog { .. }");
    Ok(())
}
