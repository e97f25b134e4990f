//! Transactions that end otherwise than by COMMIT and ROLLBACK of the library.

use super::*;

/// A trigger that rolls the transaction back, and one that only refuses the row.
const TRIGGERS: &str = "
    CREATE TRIGGER fatal BEFORE INSERT ON tags WHEN new.name = 'fatal' BEGIN SELECT RAISE(ROLLBACK, 'no more'); END;
    CREATE TRIGGER refused BEFORE INSERT ON tags WHEN new.name = 'refused' BEGIN SELECT RAISE(ABORT, 'not this'); END;
";

async fn guarded() -> Result<Place> {
    let place = place(|builder| builder.readers(1).acquire_timeout(Duration::from_secs(10))).await?;
    place.db.execute_batch(TRIGGERS).await?;
    Tag::create().name("before").insert(&place.db).await?;
    Ok(place)
}

fn named(name: &str) -> impl Iterator<Item = orm_tests::models::TagCreate<orm::write::Set>> {
    [Tag::create().name(name.to_owned())].into_iter()
}

/// What SQLite answers with a rollback of the whole transaction.
async fn fail(tx: &Tx<Sqlite>, way: usize) -> ErrorKind {
    match way {
        0 => kind(Tag::create().name("fatal").insert(tx).await),
        1 => kind(Tag::insert_many(["one", "fatal"].map(|name| Tag::create().name(name))).exec(tx).await),
        2 => {
            let many = (0..3000).map(|n| if n == 2900 { "fatal".to_owned() } else { format!("many {n}") });
            kind(Tag::insert_many(many.map(|name| Tag::create().name(name))).exec(tx).await)
        }
        3 => kind(sql::<()>("INSERT OR ROLLBACK INTO tags (name) VALUES ('before')").exec(tx).await),
        4 => {
            let rows = raw_stream(tx, "INSERT INTO tags (name) VALUES ('fatal') RETURNING id", true);
            kind(rows.collect::<Vec<_>>().await.remove(0))
        }
        _ => kind(tx.transaction(async |inner| Tag::create().name("fatal").insert(inner).await).await),
    }
}

#[tokio::test]
async fn after_a_rollback_by_sqlite_nothing_is_stored() -> Result<()> {
    let Place { db, .. } = guarded().await?;
    for way in 0..6 {
        let result: Result<()> = db
            .transaction(async |tx| {
                Tag::create().name("first").insert(tx).await?;
                let expected = if way == 3 { ErrorKind::Unique } else { ErrorKind::Raised };
                assert_eq!(fail(tx, way).await, expected, "way {way}");
                let aborted = |result: Result<u64>| assert_eq!(kind(result), ErrorKind::Aborted, "way {way}");
                aborted(Tag::create().name("single").insert(tx).await.map(|_| 0));
                aborted(Tag::insert_many(named("bulk")).exec(tx).await);
                aborted(Tag::query().update().all_rows().set(Tag::name, "all").exec(tx).await);
                aborted(tx.transaction(async |tx| Tag::insert_many(named("nested")).exec(tx).await).await);
                aborted(sql::<()>("INSERT INTO tags (name) VALUES ('raw')").exec(tx).await);
                aborted(Tag::query().stream(tx).next().await.expect("an item").map(|_| 0));
                aborted(Tag::query().count(tx).await);
                Ok(())
            })
            .await;
        assert_eq!(kind(result), ErrorKind::Aborted, "way {way}: COMMIT cannot say Ok");
        assert_eq!(Tag::query().select(Tag::name).all(&db).await?, ["before"], "way {way}");
        Tag::create().name(format!("after {way}")).insert(&db).await?.delete(&db).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_refused_row_leaves_the_transaction_open() -> Result<()> {
    let Place { db, .. } = guarded().await?;
    db.transaction(async |tx| {
        let error = Tag::create().name("refused").insert(tx).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Raised, "not this"));
        Tag::create().name("kept").insert(tx).await
    })
    .await?;
    assert_eq!(Tag::query().count(&db).await?, 2);
    Ok(())
}

#[tokio::test]
async fn after_a_full_disk_nothing_is_stored_in_part() -> Result<()> {
    let place = place(|builder| builder.pragma("max_page_count", "80").pragma("cache_size", "5")).await?;
    for single in [true, false] {
        let result: Result<()> = place
            .db
            .transaction(async |tx| {
                let mut number = 0;
                let full = loop {
                    number += 1;
                    let name = |n: usize| format!("{n} {}", "x".repeat(1000));
                    let rows = (0..if single { 1 } else { 100 })
                        .map(|n| Tag::create().name(name(number * 1000 + n)));
                    if let Err(error) = Tag::insert_many(rows).exec(tx).await {
                        break error;
                    }
                };
                assert_eq!(full.kind(), ErrorKind::DiskFull, "{full}");
                // Whether SQLite has ended the transaction or the statement alone: it is asked.
                let _ = Tag::create().name("small").insert(tx).await;
                let _ = tx.transaction(async |tx| Tag::create().name("nested").insert(tx).await).await;
                Err(full)
            })
            .await;
        assert_eq!(kind(result), ErrorKind::DiskFull);
        assert_eq!(Tag::query().count(&place.db).await?, 0);
    }
    Tag::create().name("room").insert(&place.db).await?;
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_sql_has_ended_is_over() -> Result<()> {
    let Place { db, .. } = guarded().await?;
    for (end, stored) in [("ROLLBACK", 1), ("COMMIT", 2)] {
        let tx = db.begin().await?;
        Tag::create().name(end).insert(&tx).await?;
        sql::<()>(end).exec(&tx).await?;
        assert_eq!(kind(Tag::create().name("later").insert(&tx).await), ErrorKind::Aborted);
        assert_eq!(kind(tx.commit().await), ErrorKind::Aborted);
        assert_eq!(Tag::query().count(&db).await?, stored);
    }
    Ok(())
}

#[tokio::test]
async fn a_statement_beside_an_open_stream_is_an_error_at_once() -> Result<()> {
    let Place { db, .. } = place(|builder| builder).await?;
    let rows = (0..500).map(|n| Tag::create().name(format!("{n} {}", "x".repeat(10_000))));
    Tag::insert_many(rows).exec(&db).await?;
    let tx = db.begin().await?;
    let mut stream = Tag::query().order_by(Tag::id.asc()).stream(&tx);
    assert!(stream.next().await.expect("a row").is_ok());
    let refused = |result: Result<u64>| {
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Usage, "a stream of this transaction is open")
        );
        assert!(error.hint().is_some_and(|hint| hint.contains("drop it")), "{error}");
    };
    refused(Tag::create().name("beside").insert(&tx).await.map(|_| 0));
    refused(Tag::query().count(&tx).await);
    refused(tx.begin().await.map(|_| 0));
    refused(Tag::query().stream(&tx).next().await.expect("an item").map(|_| 0));
    drop(stream);
    Tag::create().name("after").insert(&tx).await?;
    // Read to its end, a stream is closed as well.
    let all: Vec<_> = Tag::query().stream(&tx).collect().await;
    assert_eq!((all.len(), Tag::query().count(&tx).await?), (501, 501));
    // Two that begin at once: one of them reads, and neither waits for the other.
    let (mut one, mut two) = (Tag::query().stream(&tx), Tag::query().stream(&tx));
    let first = tokio::join!(one.next(), two.next());
    assert!(matches!(first, (Some(Ok(_)), Some(Err(_)))));
    drop((one, two));
    tx.commit().await?;
    assert_eq!(Tag::query().count(&db).await?, 501);
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_ends_under_its_stream_is_rolled_back() -> Result<()> {
    let Place { db, .. } = place(|builder| builder.acquire_timeout(Duration::from_secs(10))).await?;
    tags(&db, 500).await?;
    for way in 0..3 {
        let tx = db.begin().await?;
        Tag::create().name("lost").insert(&tx).await?;
        let mut stream = Tag::query().order_by(Tag::id.asc()).stream(&tx);
        assert!(stream.next().await.expect("a row").is_ok());
        match way {
            0 => assert_eq!(kind(tx.commit().await), ErrorKind::Usage),
            1 => tx.rollback().await?,
            _ => drop(tx),
        }
        drop(stream);
        assert_eq!(Tag::query().count(&db).await?, 500, "way {way}");
    }
    Ok(())
}

#[tokio::test]
async fn commit_waits_for_readers_where_there_is_no_log() -> Result<()> {
    let place = place(|builder| builder.pragma("journal_mode", "DELETE")).await?;
    let other = place.another().pragma("journal_mode", "DELETE").connect().await?;
    for way in 0..3 {
        let reading = other.begin_with(TxOptions::new().read_only()).await?;
        let before = Tag::query().count(&reading).await?;
        let writing = async {
            match way {
                0 => Tag::create().name("alone").insert(&place.db).await.map(drop),
                // Rows that give other columns are several statements.
                1 => {
                    let rows = (0..4).map(|n| {
                        let row = Tag::create().name(format!("many {n}"));
                        if n % 2 == 0 { row.id(1000 + n) } else { row }
                    });
                    Tag::insert_many(rows).exec(&place.db).await.map(drop)
                }
                _ => {
                    place.db.transaction(async |tx| Tag::create().name("tx").insert(tx).await).await.map(drop)
                }
            }
        };
        let release = async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            reading.commit().await
        };
        let (written, released) = tokio::join!(writing, release);
        released?;
        written?;
        let rows = [1, 4, 1][way];
        assert_eq!(Tag::query().count(&other).await?, before + rows, "way {way}");
    }
    Ok(())
}

#[tokio::test]
async fn a_large_savepoint_that_is_dropped_is_undone_before_the_next_statement() -> Result<()> {
    let Place { db, .. } = place(|builder| builder).await?;
    tags(&db, 3000).await?;
    let rename = async |tx: &Tx<Sqlite>| {
        Tag::query().update().all_rows().set(Tag::name, Tag::name.concat("!")).exec(tx).await
    };
    let renamed = Tag::filter(Tag::name.ends_with("!"));
    let tx = db.begin().await?;
    let inner = tx.begin().await?;
    assert_eq!(rename(&inner).await?, 3000);
    drop(inner);
    assert_eq!(renamed.clone().count(&tx).await?, 0);
    // One inside another that is undone itself, and one right before COMMIT.
    let inner = tx.begin().await?;
    let innermost = inner.begin().await?;
    rename(&innermost).await?;
    drop(innermost);
    inner.rollback().await?;
    Tag::create().name("kept").insert(&tx).await?;
    let inner = tx.begin().await?;
    rename(&inner).await?;
    drop(inner);
    tx.commit().await?;
    assert_eq!((renamed.count(&db).await?, Tag::query().count(&db).await?), (0, 3001));
    Ok(())
}
