//! What state a connection is in: transactions that fail, are left open or dropped anywhere, and what is left behind in a session.

use std::time::Instant;

use futures_util::{StreamExt, TryStreamExt};

use super::declared::{Mood, People, Person, person};
use super::*;

/// Another program, in the same schema.
async fn other(schema: &str) -> Result<Postgres> {
    Postgres::builder(url()).max_connections(1).search_path(schema).connect().await
}

/// Tags of which the one in the middle cannot be read.
async fn a_row_that_fails(db: &Postgres, other: &Postgres) -> Result<()> {
    Tag::insert_many((0..1000).map(|number| Tag::create().name(format!("{number:0500}")))).exec(db).await?;
    other
        .execute_batch(
            "ALTER TABLE tags RENAME TO real_tags; \
             CREATE VIEW tags AS SELECT id, CASE WHEN id = 900 THEN (1 / (id - 900))::text ELSE name END AS name \
             FROM real_tags",
        )
        .await
}

#[tokio::test]
async fn a_commit_after_a_stream_that_failed_is_an_error() -> Result<()> {
    let Place { db, schema, .. } = place(2).await?;
    a_row_that_fails(&db, &other(&schema).await?).await?;
    let commit = async |copied: bool| {
        let tx = db.begin().await?;
        user(&tx, "ada").await?;
        let all = Tag::query().order_by(Tag::id.asc());
        let failed = if copied {
            Postgres::copy_out(all, &tx).try_for_each(async |_| Ok(())).await
        } else {
            all.for_each(&tx, |_| Ok(())).await
        };
        assert_eq!(failed.unwrap_err().code(), Some("22012"));
        tx.commit().await
    };
    for copied in [false, true] {
        assert_eq!(commit(copied).await.unwrap_err().kind(), ErrorKind::Aborted);
        assert_eq!(User::query().count(&db).await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_not_read_to_its_end_leaves_the_transaction_whole() -> Result<()> {
    let Place { db, schema, .. } = place(1).await?;
    let other = other(&schema).await?;
    Tag::insert_many((0..3000).map(|number| Tag::create().name(format!("{number:0500}")))).exec(&db).await?;
    db.transaction(async |tx| {
        user(tx, "ada").await?;
        let mut rows = Tag::query().stream(tx);
        rows.next().await.transpose()?;
        drop(rows);
        let mut seen = 0;
        let stop = Tag::query().for_each(tx, |_| {
            seen += 1;
            if seen == 3 { Err(orm::Error::new(ErrorKind::Usage, "enough")) } else { Ok(()) }
        });
        assert_eq!(stop.await.unwrap_err().message(), "enough");
        user(tx, "bob").await.map(drop)
    })
    .await?;
    assert_eq!(User::query().count(&other).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_statement_beside_an_open_stream_is_refused_at_once() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    Tag::insert_many((0..3000).map(|number| Tag::create().name(format!("{number:01000}")))).exec(&db).await?;
    let tx = db.begin().await?;
    let mut rows = Tag::query().stream(&tx);
    rows.next().await.transpose()?;
    let beside =
        tokio::time::timeout(Duration::from_secs(5), user(&tx, "ada")).await.expect("it does not wait");
    let error = beside.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.message().contains("stream"), "{error}");
    assert_eq!(rows.try_fold(1, async |seen, _| Ok(seen + 1)).await?, 3000, "the stream goes on");
    user(&tx, "ada").await?;
    tx.commit().await?;
    assert_eq!(User::query().count(&db).await?, 1);

    let tx = db.begin().await?;
    let mut rows = Tag::query().stream(&tx);
    rows.next().await.transpose()?;
    let commit = tokio::time::timeout(Duration::from_secs(5), tx.commit()).await.expect("it does not wait");
    assert_eq!(commit.unwrap_err().kind(), ErrorKind::Usage);
    drop(rows);
    assert_eq!(User::query().count(&db).await?, 1);
    Ok(())
}

#[tokio::test]
async fn sql_that_ends_a_transaction_is_noticed() -> Result<()> {
    let Place { db, schema, .. } = place(1).await?;
    for end in ["COMMIT", "ROLLBACK", "END"] {
        let result = db
            .transaction(async |tx| {
                sql::<()>(end).exec(tx).await?;
                user(tx, "not in a transaction").await
            })
            .await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Usage, "{end}");
        let committed = db.transaction(async |tx| sql::<()>(end).exec(tx).await).await;
        assert_eq!(committed.unwrap_err().kind(), ErrorKind::Usage, "{end}");
    }
    assert_eq!(User::query().count(&other(&schema).await?).await?, 0);
    Ok(())
}

#[tokio::test]
async fn sql_that_leaves_a_transaction_open_does_not_reach_the_next_user() -> Result<()> {
    let Place { db, schema, .. } = place(1).await?;
    let other = other(&schema).await?;
    let insert = "INSERT INTO tags (name) VALUES ('x')";
    let batches = [
        format!("BEGIN; {insert}; SELECT 1 / 0"),
        format!("BEGIN; {insert}"),
        "START TRANSACTION".to_owned(),
        format!("{insert}; BEGIN; SELECT 1 / 0"),
    ];
    for (number, batch) in batches.iter().enumerate() {
        let error = db.execute_batch(batch).await.unwrap_err();
        let failed = batch.contains("1 / 0");
        assert_eq!(error.kind(), if failed { ErrorKind::Database } else { ErrorKind::Usage }, "{batch}");
        user(&db, &number.to_string()).await?;
        assert_eq!(User::query().count(&other).await?, number as u64 + 1, "{batch}");
    }
    assert_eq!(sql::<()>("BEGIN").exec(&db).await.unwrap_err().kind(), ErrorKind::Usage);
    user(&db, "last").await?;
    assert_eq!(User::query().count(&other).await?, 5);
    assert_eq!(Tag::query().count(&other).await?, 0);
    Ok(())
}

#[tokio::test]
async fn what_sql_leaves_in_a_session_is_gone_for_the_next_user() -> Result<()> {
    let Place { db, schema, .. } = place(1).await?;
    let other = other(&schema).await?;
    user(&db, "ada").await?;
    for left in [
        "SET search_path TO pg_catalog",
        "SELECT set_config('search_path', 'pg_catalog', false)",
        "DO $$ BEGIN SET search_path TO pg_catalog; END $$",
        "SET ROLE pg_read_all_data",
        "CREATE TEMP TABLE users (id bigint)",
        "SELECT 1::bigint AS id INTO TEMPORARY users",
        "SELECT pg_advisory_lock(4242)",
        "LISTEN somebody",
        "DEALLOCATE ALL",
        "DISCARD ALL",
        "DISCARD PLANS",
    ] {
        for raw in [true, false] {
            if raw {
                sql::<()>(left).exec(&db).await?;
            } else {
                db.execute_batch(left).await?;
            }
            assert_eq!(User::query().all(&db).await?.len(), 1, "{left}");
            let listening = sql::<i64>("SELECT count(*) FROM pg_listening_channels()").one(&db).await?;
            assert_eq!(listening, 0, "{left}");
            let locks =
                || sql::<i64>("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4242");
            let start = Instant::now();
            while locks().one(&other).await? > 0 {
                assert!(start.elapsed() < Duration::from_secs(5), "{left}");
            }
        }
    }
    // In a transaction, too: its settings reach no further than the connection.
    db.transaction(async |tx| sql::<()>("SET search_path TO pg_catalog").exec(tx).await).await?;
    assert_eq!(User::query().count(&db).await?, 1);
    db.transaction(async |tx| {
        sql::<()>("DEALLOCATE ALL").exec(tx).await?;
        assert_eq!(User::query().all(tx).await?.len(), 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn settings_of_a_transaction_cost_no_connection() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    let process = || sql::<i32>("SELECT pg_backend_pid()");
    let first = process().one(&db).await?;
    db.transaction(async |tx| {
        Postgres::set_local(tx, "app.tenant", "7").await?;
        Postgres::advisory_lock(tx, 4243).await?;
        Postgres::defer_constraints(tx).await
    })
    .await?;
    sql::<()>("UPDATE tags SET name = 'x'").exec(&db).await?;
    drop(db.begin().await?);
    assert!(db.execute_batch("SELECT 1 / 0").await.is_err());
    assert_eq!(process().one(&db).await?, first);
    Ok(())
}

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_transaction_dropped_in_a_dying_runtime_is_rolled_back() -> Result<()> {
    let main = tokio::runtime::Runtime::new().unwrap();
    let (db, other) = main.block_on(async {
        let Place { db, schema, .. } = place(1).await?;
        Ok::<_, orm::Error>((db, other(&schema).await?))
    })?;
    for (number, several) in [(1, true), (2, false)] {
        let dying = if several { tokio::runtime::Runtime::new().unwrap() } else { current_thread() };
        let held = db.clone();
        dying.block_on(async move {
            let tx = held.begin().await?;
            user(&tx, "never").await?;
            tokio::spawn(async move {
                std::future::pending::<()>().await;
                drop(tx);
            });
            tokio::task::yield_now().await;
            Ok::<_, orm::Error>(())
        })?;
        drop(dying);
        main.block_on(user(&db, &format!("saved {number}")))?;
        assert_eq!(main.block_on(User::query().count(&other))?, number);
    }
    Ok(())
}

#[test]
fn several_runtimes_of_one_thread_share_a_handle() -> Result<()> {
    let first = current_thread();
    let Place { db, .. } = first.block_on(place(2))?;
    first.block_on(user(&db, "ada"))?;
    let second = current_thread();
    let count = async || {
        let count = User::query().count(&db);
        tokio::time::timeout(Duration::from_secs(5), count).await.expect("the first runtime stands still")
    };
    assert_eq!(second.block_on(count())?, 1);
    assert_eq!(first.block_on(count())?, 1);
    drop(first);
    assert_eq!(second.block_on(count())?, 1);
    // Both at once: nobody is kept from the pool.
    let db = &db;
    std::thread::scope(|scope| {
        for name in ["a", "b", "c"] {
            scope.spawn(move || {
                let runtime = current_thread();
                for number in 0..20 {
                    runtime.block_on(user(db, &format!("{name}{number}"))).unwrap();
                }
            });
        }
    });
    assert_eq!(second.block_on(count())?, 61);
    Ok(())
}

#[tokio::test]
async fn types_that_are_made_anew_are_found_again() -> Result<()> {
    let Place { db, schema, .. } = place(1).await?;
    let other = other(&schema).await?;
    People::create_all(&db).await?;
    for _ in 0..2 {
        person("ada").mood(Mood::Happy).insert(&db).await?;
        assert_eq!(Person::filter(Person::mood.eq(Mood::Happy)).all(&db).await?.len(), 1);
        People::drop_all(&other).await?;
        People::create_all(&other).await?;
        assert_eq!(Person::filter(Person::mood.eq(Mood::Happy)).all(&db).await?.len(), 0);
        person("bob").mood(Mood::Happy).insert(&db).await?;
        Person::query().delete().all_rows().exec(&db).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_table_altered_under_a_transaction_makes_it_run_again() -> Result<()> {
    let Place { db, schema, .. } = place(1).await?;
    let other = other(&schema).await?;
    user(&db, "ada").await?;
    let alter = async |length: u32| {
        User::query().all(&db).await?;
        User::filter(User::name.eq("ada")).all(&db).await?;
        other.execute_batch(&format!("ALTER TABLE users ALTER COLUMN name TYPE varchar({length})")).await
    };
    alter(500).await?;
    let error = db.transaction(async |tx| User::query().all(tx).await).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!((error.kind(), error.code(), error.model()), (ErrorKind::Schema, Some("0A000"), Some("User")));
    alter(501).await?;
    let options = TxOptions::new().retries(1);
    let both = db.transaction_with(options, async |tx| {
        let all = User::query().all(tx).await?.len();
        Ok(all + User::filter(User::name.eq("ada")).all(tx).await?.len())
    });
    assert_eq!(both.await?, 2, "all statements that are too old are forgotten at once");
    Ok(())
}

/// Ends the connections of a test, and waits until the server has; the test's own runtime sees nothing of it.
fn end_connections(schema: &str) {
    let (schema, ended) = (schema.to_owned(), std::sync::mpsc::channel());
    std::thread::spawn(move || {
        current_thread().block_on(async {
            let watcher = Postgres::connect(url()).await.unwrap();
            let end =
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = ?";
            while sql::<i64>(end).bind(schema.clone()).one(&watcher).await.unwrap() > 0 {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        ended.0.send(()).unwrap();
    });
    ended.1.recv().unwrap();
}

#[tokio::test]
async fn what_begins_on_a_dead_connection_moves_to_another() -> Result<()> {
    let Place { db, schema, .. } = place(2).await?;
    for round in 0..3 {
        let held = db.begin().await?;
        User::query().count(&db).await?;
        user(&db, &format!("first {round}")).await?;
        held.rollback().await?;
        end_connections(&schema);
        match round {
            0 => drop(user(&db, "known").await?),
            1 => db.transaction(async |tx| user(tx, "in a transaction").await.map(drop)).await?,
            _ => db.execute_batch("INSERT INTO users (email, name) VALUES ('x', 'x')").await?,
        }
        assert_eq!(User::query().count(&db).await?, (round + 1) * 2);
    }
    end_connections(&schema);
    assert_eq!(User::query().stream(&db).try_collect::<Vec<_>>().await?.len(), 6);
    Ok(())
}

#[tokio::test]
async fn a_commit_that_was_never_carried_out_is_known_to_be_undone() -> Result<()> {
    let Place { db, schema, .. } = place(1).await?;
    for noticed in [false, true] {
        let tx = db.begin().await?;
        user(&tx, "ada").await?;
        end_connections(&schema);
        if noticed {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let error = tx.commit().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error:?}");
        assert!(error.is_retryable());
        assert_eq!(User::query().count(&db).await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_statement_used_again_and_again_stays_prepared() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    for number in 0..600 {
        sql::<i32>(format!("SELECT {number}")).one(&db).await?;
        sql::<i32>("SELECT 1 + 1").one(&db).await?;
    }
    let kept = "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT 1 + 1' \
                AND generic_plans + custom_plans = 600";
    assert_eq!(sql::<i64>(kept).one(&db).await?, 1);
    let all = sql::<i64>("SELECT count(*) FROM pg_prepared_statements").one(&db).await?;
    assert!((500..=513).contains(&all), "{all}");
    Ok(())
}

#[tokio::test]
async fn observers_see_streams_copies_plans_and_the_end_of_what_was_dropped() -> Result<()> {
    let Place { db, log, schema } = place(2).await?;
    a_row_that_fails(&db, &other(&schema).await?).await?;
    log.take();
    let seen = || log.take();
    let first = Tag::filter(Tag::id.le(800)).stream(&db).try_collect::<Vec<_>>().await?;
    assert_eq!((first.len(), seen().len()), (800, 1));
    Tag::filter(Tag::id.le(800)).for_each(&db, |_| Ok(())).await?;
    assert_eq!(seen().len(), 1);
    assert!(Tag::query().order_by(Tag::id.asc()).for_each(&db, |_| Ok(())).await.is_err());
    assert_eq!(seen().len(), 1, "one that fails");
    let copied = Postgres::copy_out(Tag::filter(Tag::id.le(3)), &db).try_collect::<Vec<_>>().await?;
    assert_eq!((copied.len(), seen().len()), (3, 1));
    Postgres::copy_in::<User, _, _>([User::create().email("a").name("a")], &db).await?;
    assert!(seen()[0].starts_with("COPY \"users\""));
    Tag::query().explain(&db).await?;
    assert!(seen()[0].starts_with("EXPLAIN "));
    drop(db.begin().await?);
    assert_eq!(seen(), ["BEGIN", "ROLLBACK"]);
    Ok(())
}
