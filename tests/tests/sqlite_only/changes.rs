//! Pieces of migrations: what a rebuild of a table keeps, and what it leaves behind.

use orm::backend::Executor;
use orm::schema::Change;

use super::*;

const TABLES: &str = "\
    CREATE TABLE parents (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, note TEXT); \
    CREATE TABLE children (id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL REFERENCES parents (id) ON DELETE CASCADE); \
    CREATE TABLE logs (text TEXT NOT NULL); \
    INSERT INTO parents (name, note) VALUES ('a', 'x'), ('b', 'y'), ('c', 'z'); \
    DELETE FROM parents WHERE name = 'c'; \
    INSERT INTO children (parent_id) VALUES (1), (2), (2)";

const REBUILD: [&str; 4] = [
    "CREATE TABLE \"parents__new\" (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, note TEXT)",
    "INSERT INTO \"parents__new\" (id, name, note) SELECT id, name, note FROM \"parents\"",
    "DROP TABLE \"parents\"",
    "ALTER TABLE \"parents__new\" RENAME TO \"parents\"",
];

const WITHOUT_NOTE: [&str; 4] = [
    "CREATE TABLE \"parents__new\" (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)",
    "INSERT INTO \"parents__new\" (id, name) SELECT id, name FROM \"parents\"",
    REBUILD[2],
    REBUILD[3],
];

fn script(statements: &[&str]) -> Change {
    Change::whole(statements.iter().map(|sql| (*sql).to_owned()))
}

async fn run(db: &Sqlite, statements: &str) -> Result<()> {
    db.execute_batch(statements).await
}

/// A database in a file and one in memory.
async fn both() -> Result<(TempDir, Vec<Sqlite>)> {
    let folder = tempfile::tempdir().unwrap();
    let all =
        vec![Sqlite::builder().path(folder.path().join("test.db")).connect().await?, Sqlite::memory().await?];
    for db in &all {
        run(db, TABLES).await?;
    }
    Ok((folder, all))
}

async fn schema(db: &Sqlite) -> Result<Vec<String>> {
    sql::<String>("SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master ORDER BY 1")
        .all(db)
        .await
}

async fn number(db: &Sqlite, query: &str) -> Result<i64> {
    Ok(db.handle().count(&[query.to_owned()]).await?[0])
}

/// Foreign keys act on every connection, and nothing is left set.
async fn is_as_before(db: &Sqlite) -> Result<()> {
    for _ in 0..6 {
        for writing in [false, true] {
            let ask = |name: &str| {
                let ask = sql::<i64>(format!("PRAGMA {name}"));
                if writing { ask.writing() } else { ask }
            };
            assert_eq!(ask("foreign_keys").one(db).await?, 1, "writing: {writing}");
            assert_eq!(ask("legacy_alter_table").one(db).await?, 0);
        }
    }
    let orphan = run(db, "INSERT INTO children (parent_id) VALUES (99)").await;
    assert_eq!(kind(orphan), ErrorKind::ForeignKey);
    Ok(())
}

#[tokio::test]
async fn the_children_of_a_table_that_is_rebuilt_stay() -> Result<()> {
    let (_folder, all) = both().await?;
    for db in all {
        db.handle().change(&script(&REBUILD)).await?;
        assert_eq!(number(&db, "SELECT count(*) FROM children").await?, 3);
        is_as_before(&db).await?;
        run(&db, "DELETE FROM parents WHERE id = 2").await?;
        assert_eq!(number(&db, "SELECT count(*) FROM children").await?, 1, "the cascade is there");
    }
    Ok(())
}

#[tokio::test]
async fn the_numbers_of_a_table_that_is_rebuilt_go_on() -> Result<()> {
    let (_folder, all) = both().await?;
    for db in all {
        db.handle().change(&script(&REBUILD)).await?;
        run(&db, "INSERT INTO parents (name) VALUES ('d')").await?;
        assert_eq!(number(&db, "SELECT max(id) FROM parents").await?, 4);
        run(&db, "DELETE FROM children; DELETE FROM parents").await?;
        db.handle().change(&script(&REBUILD)).await?;
        run(&db, "INSERT INTO parents (name) VALUES ('e')").await?;
        assert_eq!(number(&db, "SELECT max(id) FROM parents").await?, 5);
    }
    Ok(())
}

const HAND_MADE: &str = "\
    CREATE INDEX by_note ON parents (note) WHERE note IS NOT NULL; \
    CREATE INDEX by_lower ON parents (lower(name)); \
    CREATE TRIGGER told AFTER INSERT ON parents WHEN new.name <> ';' BEGIN INSERT INTO logs VALUES (new.name || CASE WHEN 1 THEN ';' END); END; \
    CREATE TRIGGER asked BEFORE INSERT ON logs BEGIN SELECT raise(ABORT, 'no parents') WHERE NOT EXISTS (SELECT 1 FROM parents); END; \
    CREATE VIEW names AS SELECT name FROM parents; \
    CREATE VIEW short_names AS SELECT name FROM names WHERE length(name) < 3; \
    CREATE TRIGGER named INSTEAD OF INSERT ON names BEGIN INSERT INTO parents (name) VALUES (new.name); END";

#[tokio::test]
async fn what_hangs_on_a_table_by_hand_is_carried_over() -> Result<()> {
    let (_folder, all) = both().await?;
    for db in all {
        run(&db, HAND_MADE).await?;
        let before = schema(&db).await?;
        let with_index = [REBUILD.as_slice(), &["CREATE INDEX by_lower ON parents (lower(name))"]].concat();
        db.handle().change(&script(&with_index)).await?;
        let made = |sql: &String| !sql.starts_with("table parents");
        let after = schema(&db).await?;
        assert_eq!(
            after.iter().filter(|sql| made(sql)).collect::<Vec<_>>(),
            before.iter().filter(|sql| made(sql)).collect::<Vec<_>>()
        );
        run(&db, "INSERT INTO names (name) VALUES ('d')").await?;
        assert_eq!(number(&db, "SELECT count(*) FROM short_names").await?, 3);
        assert_eq!(sql::<String>("SELECT text FROM logs").all(&db).await?, ["d;"]);
        is_as_before(&db).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_does_not_fit_the_new_table_is_named_and_nothing_happens() -> Result<()> {
    for (made, name) in [
        ("CREATE INDEX hand ON parents (note)", "index `hand`"),
        ("CREATE VIEW hand AS SELECT note FROM parents", "view `hand`"),
        (
            "CREATE TRIGGER hand AFTER INSERT ON parents BEGIN INSERT INTO logs VALUES (new.note); END",
            "trigger `hand`",
        ),
        ("CREATE TRIGGER hand AFTER UPDATE OF note ON parents BEGIN SELECT 1; END", "trigger `hand`"),
        (
            "CREATE TRIGGER hand AFTER INSERT ON logs BEGIN UPDATE parents SET note = new.text; END",
            "trigger `hand`",
        ),
    ] {
        let (_folder, all) = both().await?;
        for db in all {
            run(&db, made).await?;
            let before = schema(&db).await?;
            let error = db.handle().change(&script(&WITHOUT_NOTE)).await.expect_err(made);
            assert_eq!(error.kind(), ErrorKind::Migration, "{made}: {error}");
            assert!(error.message().contains(name), "{error}");
            assert!(error.hint().is_some_and(|hint| hint.contains("DROP")), "{error:?}");
            assert_eq!(schema(&db).await?, before);
            assert_eq!(number(&db, "SELECT count(*) FROM children").await?, 3);
            is_as_before(&db).await?;
            // Said before or after, the migration goes through.
            let kind = made.split(' ').nth(1).unwrap();
            let drop = format!("DROP {kind} hand");
            let first = [[drop.as_str()].as_slice(), &WITHOUT_NOTE].concat();
            let last = [WITHOUT_NOTE.as_slice(), &[drop.as_str()]].concat();
            db.handle().change(&script(&first)).await?;
            assert_eq!(number(&db, "SELECT count(*) FROM sqlite_master WHERE name = 'hand'").await?, 0);
            run(&db, "ALTER TABLE parents ADD COLUMN note TEXT").await?;
            run(&db, made).await?;
            db.handle().change(&script(&last)).await?;
            assert_eq!(number(&db, "SELECT count(*) FROM sqlite_master WHERE name = 'hand'").await?, 0);
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_object_that_was_broken_before_is_left_so() -> Result<()> {
    let (_folder, all) = both().await?;
    for db in all {
        run(&db, "CREATE VIEW broken AS SELECT a FROM nowhere").await?;
        let error = db.handle().change(&script(&REBUILD)).await.unwrap_err();
        // SQLite itself renames nothing then.
        assert!(error.message().contains("error in view broken"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn rows_without_their_parent_undo_the_change() -> Result<()> {
    let (_folder, all) = both().await?;
    for db in all {
        let before = schema(&db).await?;
        let lossy = [
            REBUILD[0],
            "INSERT INTO parents__new (id, name) SELECT id, name FROM parents WHERE id = 1",
            REBUILD[2],
            REBUILD[3],
        ];
        let error = db.handle().change(&script(&lossy)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ForeignKey);
        assert!(error.message().contains("2 rows of `children`"), "{error}");
        assert!(error.message().contains("`parents`"), "{error}");
        assert_eq!(schema(&db).await?, before);
        assert_eq!(number(&db, "SELECT count(*) FROM parents").await?, 2);
        is_as_before(&db).await?;
        // Those that were there before do not matter.
        let broken = "PRAGMA foreign_keys = OFF; INSERT INTO children (parent_id) VALUES (77); PRAGMA foreign_keys = ON";
        run(&db, broken).await?;
        db.handle().change(&script(&REBUILD)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_script_that_fails_leaves_everything_as_before() -> Result<()> {
    let (_folder, all) = both().await?;
    for db in all {
        run(&db, HAND_MADE).await?;
        let before = schema(&db).await?;
        let failing = [REBUILD.as_slice(), &["ALTER TABLE nowhere ADD COLUMN a"]].concat();
        let error = db.handle().change(&script(&failing)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema);
        assert!(error.message().starts_with("statement 5 of 5 failed: "), "{error}");
        assert!(error.message().contains("ALTER TABLE nowhere"), "{error}");
        assert_eq!(schema(&db).await?, before);
        is_as_before(&db).await?;
        for ending in ["COMMIT", "ROLLBACK"] {
            let error = db
                .handle()
                .change(&script(&["CREATE TABLE more (a)", ending, "CREATE TABLE other (a)"]))
                .await;
            assert!(error.unwrap_err().message().contains("begins or ends a transaction"));
            is_as_before(&db).await?;
        }
        let error = db.handle().change(&script(&["PRAGMA legacy_alter_table = ON", "nonsense"])).await;
        assert!(error.is_err());
        is_as_before(&db).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_change_that_nobody_waits_for_leaves_a_clean_connection() -> Result<()> {
    let (_folder, all) = both().await?;
    for db in all {
        run(&db, HAND_MADE).await?;
        let before = schema(&db).await?;
        let endless = "INSERT INTO logs WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0";
        let long = [REBUILD.as_slice(), &[endless]].concat();
        let change = script(&long);
        let left = tokio::time::timeout(Duration::from_millis(200), db.handle().change(&change)).await;
        assert!(left.is_err());
        is_as_before(&db).await?;
        assert_eq!(schema(&db).await?, before);
    }
    Ok(())
}

#[tokio::test]
async fn a_change_waits_for_a_writer_no_longer_than_it_says() -> Result<()> {
    let place = place(|builder| builder).await?;
    let other = place.another().connect().await?;
    let mut change = script(&["CREATE TABLE more (a)"]);
    change.lock_timeout = Some(Duration::from_millis(150));
    for writer in [&other, &place.db] {
        let tx = writer.begin().await?;
        tags(&tx, 1).await?;
        let start = Instant::now();
        let error = place.db.handle().change(&change).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LockTimeout);
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
        tx.rollback().await?;
    }
    place.db.handle().change(&change).await
}

#[tokio::test]
async fn statements_apart_are_not_in_a_transaction() -> Result<()> {
    let (_folder, all) = both().await?;
    for db in all {
        db.handle().change(&Change::alone("VACUUM".into())).await?;
        let error = db.handle().change(&Change::alone("BEGIN".into())).await.unwrap_err();
        assert!(error.message().contains("does not end it"), "{error}");
        is_as_before(&db).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_schema_that_was_just_made_has_no_differences() -> Result<()> {
    let place = place(|builder| builder).await?;
    let snapshot = orm::schema::Snapshot::of::<TestSchema>();
    assert_eq!(place.db.handle().differences(&snapshot, &["nowhere".into()]).await?, []);
    place
        .db
        .handle()
        .change(&script(&["DROP INDEX uq_users_email", "ALTER TABLE users ADD COLUMN more TEXT"]))
        .await?;
    let found = place.db.handle().differences(&snapshot, &[]).await?;
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "the index `uq_users_email` of `users` is missing",
            "the column `more` of `users` is not in the schema"
        ]
    );
    Ok(())
}
