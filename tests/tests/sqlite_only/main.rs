//! What SQLite adds to the suite: files, locks, the pool, the budget of a read, its own limits.
#![cfg(feature = "sqlite")]

mod changes;
mod collations;
mod connections;
mod endings;
mod files;
mod foreign;
mod gate;
mod pages;
mod schemas;
mod stopping;
mod triggers;
mod values;
mod waiting;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use chrono::{NaiveDate, NaiveTime};
use futures_util::{FutureExt, StreamExt};
use orm::backend::{BoxStream, StatementLog, Transactions};
use orm::ir::{Command, RawSql};
use orm::prelude::*;
use orm::sqlite::SqliteBuilder;
use orm::value::Array;
use orm::{ErrorKind, Result};
use orm_tests::dropping::every_operation;
use orm_tests::models::{Bag, Everything, Post, Tag, TestSchema, User};
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
    Tag::insert_many((0..many).map(|number| Tag::create().name(format!("tag {number}")))).returning(db).await
}

/// A stream of a statement of one's own.
fn raw_stream(
    db: &impl Executor<Backend = Sqlite>,
    text: &str,
    write: bool,
) -> BoxStream<'static, Result<i64>> {
    db.handle().stream(Command::Raw(Box::new(RawSql { sql: text.to_owned(), binds: Vec::new(), write })))
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
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
    assert_eq!(error.message(), "the database can only be read here");
    let options = TxOptions::new().read_only();
    let refused = place.db.transaction_with(options, async |tx| {
        assert_eq!(Tag::query().count(tx).await?, 2);
        Tag::create().name("more").insert(tx).await
    });
    assert_eq!(refused.await.unwrap_err().kind(), ErrorKind::ReadOnly);
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
async fn a_query_shows_its_text_and_its_plan() -> Result<()> {
    let Place { db, .. } = place(|builder| builder).await?;
    let query = Post::filter(Post::author_id.eq(1)).order_by(Post::title.asc()).limit(3);
    let text = query.to_sql(&db)?;
    assert!(text.starts_with("SELECT ") && text.contains(r#""author_id" = ?1"#), "{text}");
    let plan = query.explain(&db).await?;
    let lines: Vec<&str> = plan.lines().collect();
    assert!(lines[0].starts_with("SEARCH posts USING INDEX idx_posts__author_id"), "{plan}");
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
    db.execute_batch("CREATE TABLE idx_posts__author_id (x)").await?;
    let error = TestSchema::create_all(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Schema, Some("Post")), "{error}");
    let tables = sql::<String>("SELECT name FROM sqlite_master WHERE type = 'table'").all(&db).await?;
    assert_eq!(tables, ["idx_posts__author_id"]);
    db.execute_batch("DROP TABLE idx_posts__author_id").await?;
    TestSchema::create_all(&db).await?;
    tags(&db, 3).await?;
    assert_eq!(Tag::query().count(&db).await?, 3);
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
async fn a_database_is_shared_behind_pointers() -> Result<()> {
    let Place { db, log, .. } = place(|builder| builder).await?;
    let shared = Arc::new(db);
    assert_eq!(tags(&shared, 2).await?.len(), 2);
    assert_eq!(Tag::query().count(&&*shared).await?, 2);
    assert_eq!(format!("{log:?}"), "StatementLog { .. }");
    Ok(())
}

#[tokio::test]
async fn a_url_is_a_path_and_memory_is_one_database() -> Result<()> {
    for name in [":memory:", "sqlite::memory:", "sqlite://:memory:"] {
        let db = Sqlite::connect(name).await?;
        TestSchema::create_all(&db).await?;
        let counts = (0..8).map(|_| Tag::query().count(&db));
        assert_eq!(futures_util::future::try_join_all(counts).await?, [0; 8]);
        assert!(!std::path::Path::new(name).exists());
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.db");
    let db = Sqlite::connect(format!("sqlite://{}", path.display())).await?;
    TestSchema::create_all(&db).await?;
    db.close().await;
    assert!(path.exists());
    let error = Sqlite::connect(format!("sqlite:{}?mode=ro", path.display())).await.unwrap_err();
    assert_eq!((error.kind(), error.hint().is_some()), (ErrorKind::Configuration, true));
    Ok(())
}
