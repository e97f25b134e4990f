//! What opening a file does to it, and what a name stands for.

use std::path::Path;

use super::*;

/// A database of another program, with a rollback journal.
async fn of_another_program(folder: &Path) -> Result<std::path::PathBuf> {
    let path = folder.join("other.db");
    let db = Sqlite::builder().path(&path).wal(false).connect().await?;
    TestSchema::create_all(&db).await?;
    tags(&db, 3).await?;
    db.close().await;
    Ok(path)
}

/// The names and contents of the files of a folder.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect();
    files.sort();
    files
}

async fn journal(db: &Sqlite) -> Result<String> {
    sql::<String>("PRAGMA journal_mode").writing().one(db).await
}

#[tokio::test]
async fn a_visit_that_only_reads_leaves_the_file_as_it_is() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = of_another_program(folder.path()).await?;
    let before = contents(folder.path());
    for read_only in [false, true] {
        let builder = Sqlite::builder().path(&path);
        let db = if read_only { builder.read_only() } else { builder }.connect().await?;
        assert_eq!(Tag::query().count(&db).await?, 3);
        let options = TxOptions::new().read_only();
        db.transaction_with(options, async |tx| Tag::query().all(tx).await).await?;
        if read_only {
            assert_eq!(kind(Tag::create().name("no").insert(&db).await), ErrorKind::ReadOnly);
        }
        assert!(contents(folder.path()) == before, "read-only: {read_only}, while it is open");
        db.close().await;
        assert!(contents(folder.path()) == before, "read-only: {read_only}");
    }
    Ok(())
}

#[tokio::test]
async fn a_file_has_a_log_if_it_is_new_or_was_asked_to() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = of_another_program(folder.path()).await?;
    let db = Sqlite::connect(&path).await?;
    assert_eq!(journal(&db).await?, "delete");
    Tag::create().name("written").insert(&db).await?;
    db.transaction(async |tx| Tag::create().name("and again").insert(tx).await).await?;
    db.close().await;
    let db = Sqlite::builder().path(&path).wal(true).connect().await?;
    assert_eq!((journal(&db).await?, Tag::query().count(&db).await?), ("wal".to_owned(), 5));
    let empty = folder.path().join("empty.db");
    std::fs::write(&empty, "").unwrap();
    assert_eq!(journal(&Sqlite::connect(&empty).await?).await?, "wal");
    assert_eq!(journal(&Sqlite::connect(folder.path().join("new.db")).await?).await?, "wal");
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_immutable_is_read_without_files_beside_it() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let db = Sqlite::connect(&path).await?;
    TestSchema::create_all(&db).await?;
    db.close().await;
    let before = contents(folder.path());
    assert_eq!(before.len(), 1, "the log is written back when the last connection closes");
    let db =
        Sqlite::builder().path(format!("file:{}?immutable=1", path.display())).read_only().connect().await?;
    assert_eq!(Tag::query().count(&db).await?, 0);
    db.close().await;
    assert!(contents(folder.path()) == before);
    Ok(())
}

#[tokio::test]
async fn names_in_memory_are_one_database_for_all_connections() -> Result<()> {
    for name in ["file::memory:", "sqlite:file::memory:", "file:any?mode=memory"] {
        let db = Sqlite::connect(name).await?;
        TestSchema::create_all(&db).await?;
        let made = tags(&db, 1).await?;
        let reads = (0..8).map(|_| Tag::query().all(&db));
        assert!(futures_util::future::try_join_all(reads).await?.iter().all(|tags| *tags == made), "{name}");
    }
    for name in ["", "sqlite:", "file:", "file::memory:?cache=shared"] {
        let error = Sqlite::connect(name).await.unwrap_err();
        assert_eq!((error.kind(), error.hint().is_some()), (ErrorKind::Configuration, true), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_damaged_file_is_said_to_be_damaged() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = of_another_program(folder.path()).await?;
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.iter_mut().skip(4096).for_each(|byte| *byte = 0xAA);
    std::fs::write(&path, bytes).unwrap();
    // The damage is met when the file is opened, or when the page is read.
    let error = match Sqlite::connect(&path).await {
        Ok(db) => Tag::query().all(&db).await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!((error.kind(), error.message()), (ErrorKind::Corrupt, "the database file is damaged"));
    Ok(())
}
