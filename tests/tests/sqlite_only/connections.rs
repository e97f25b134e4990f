//! A connection comes back as it was, or not at all.

use super::*;

#[tokio::test]
async fn what_sql_sets_on_a_connection_ends_with_its_loan() -> Result<()> {
    let Place { db, folder, .. } = place(|builder| builder.readers(1)).await?;
    let keys = async || {
        let asked = || sql::<i64>("PRAGMA foreign_keys");
        Ok::<_, Error>((asked().one(&db).await?, asked().writing().one(&db).await?))
    };
    let orphan = || Post::create().author_id(404).title("orphan").score(1);
    // Within the batch it holds; that is what a rebuild of a table needs.
    db.execute_batch(
        "PRAGMA foreign_keys = OFF; INSERT INTO post_tags (post_id, tag_id) VALUES (404, 404); DELETE FROM post_tags;",
    )
    .await?;
    assert_eq!(keys().await?, (1, 1));
    assert_eq!(kind(orphan().insert(&db).await), ErrorKind::ForeignKey);
    sql::<()>("PRAGMA foreign_keys = OFF").exec(&db).await?;
    sql::<i64>("PRAGMA foreign_keys = OFF").all(&db).await?;
    assert_eq!(keys().await?, (1, 1));

    let file = folder.path().join("other.db");
    db.execute_batch(&format!(
        "ATTACH '{}' AS other; CREATE TABLE other.notes (text); CREATE TEMP TABLE scratch (x); INSERT INTO scratch VALUES (1)",
        file.display()
    ))
    .await?;
    for name in ["scratch", "other.notes"] {
        for gone in [
            sql::<i64>(format!("SELECT count(*) FROM {name}")),
            sql(format!("SELECT count(*) FROM {name}")).writing(),
        ] {
            assert_eq!(kind(gone.one(&db).await), ErrorKind::Schema, "{name}");
        }
    }
    db.transaction(async |tx| {
        sql::<()>("CREATE TEMP TABLE scratch (x)").exec(tx).await?;
        assert_eq!(sql::<i64>("SELECT count(*) FROM scratch").one(tx).await?, 0);
        Tag::create().name("kept").insert(tx).await
    })
    .await?;
    assert_eq!(kind(sql::<i64>("SELECT count(*) FROM scratch").writing().one(&db).await), ErrorKind::Schema);
    assert_eq!(Tag::query().count(&db).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_database_in_memory_keeps_what_is_set_on_its_one_connection() -> Result<()> {
    let db = Sqlite::memory().await?;
    db.execute_batch("CREATE TEMP TABLE scratch (x); PRAGMA cache_size = -777").await?;
    assert_eq!(sql::<i64>("SELECT count(*) FROM scratch").one(&db).await?, 0);
    assert_eq!(sql::<i64>("PRAGMA cache_size").one(&db).await?, -777);
    Ok(())
}

#[tokio::test]
async fn a_connection_that_cannot_be_opened_again_is_tried_again() -> Result<()> {
    let Place { db, folder, .. } = place(|builder| builder).await?;
    let (here, away) = (folder.path().join("test.db"), folder.path().join("away.db"));
    // The connection is given up, and opened when it is wanted.
    sql::<()>("PRAGMA cache_size = -777").writing().exec(&db).await?;
    // Without `create_if_missing` it would be a new file; a folder in its place cannot be opened.
    std::fs::rename(&here, &away).unwrap();
    std::fs::create_dir(&here).unwrap();
    for _ in 0..3 {
        assert_eq!(kind(Tag::create().name("x").insert(&db).await), ErrorKind::Configuration);
    }
    std::fs::remove_dir(&here).unwrap();
    std::fs::rename(&away, &here).unwrap();
    Tag::create().name("back").insert(&db).await?;
    assert_eq!(Tag::query().count(&db).await?, 1);
    Ok(())
}

#[tokio::test]
async fn the_end_of_a_dropped_transaction_and_a_batch_are_reported() -> Result<()> {
    let Place { db, log, .. } = place(|builder| builder).await?;
    let tx = db.begin().await?;
    Tag::create().name("lost").insert(&tx).await?;
    drop(tx);
    // The next write waits until the connection is back.
    db.execute_batch("DELETE FROM tags").await?;
    let log = log.take();
    assert_eq!((log.len(), log[0].as_str()), (4, "BEGIN IMMEDIATE"), "{log:?}");
    assert_eq!(log[2..], ["ROLLBACK", "DELETE FROM tags"]);
    Ok(())
}

#[tokio::test]
async fn any_number_of_rows_is_one_of_few_statements() -> Result<()> {
    let Place { db, log, .. } = place(|builder| builder).await?;
    let mut texts = std::collections::HashSet::new();
    for many in (1..=100).chain([199, 256, 300, 511, 600, 1999, 2000, 2001]) {
        log.take();
        let made = tags(&db, many).await?;
        let names = (0..many).map(|number| format!("tag {number}"));
        assert!(made.iter().map(|tag| tag.name.clone()).eq(names), "{many} rows in the order of the input");
        assert_eq!(
            Tag::update_many(made.iter().map(|tag| tag.update().name(format!("{}!", tag.name))))
                .exec(&db)
                .await?,
            many as u64
        );
        assert_eq!(Tag::filter(Tag::name.ends_with("!")).count(&db).await?, many as u64);
        texts.extend(log.take());
        Tag::query().delete().all_rows().exec(&db).await?;
    }
    assert!(texts.len() < 100, "{} statements", texts.len());
    Ok(())
}
