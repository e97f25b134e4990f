//! Triggers that leave rows out, and triggers that run after.

use orm::prelude::*;
use orm::write::Insertable;
use orm::{ErrorKind, Result};
use orm_tests::models::{Post, PostTag, Tag, TestSchema, User};

async fn fresh() -> Result<Sqlite> {
    let db = Sqlite::memory().await?;
    TestSchema::create_all(&db).await?;
    Ok(db)
}

fn with_post(email: &str, name: &str) -> impl Insertable<User> + use<> {
    User::create().email(email).name(name).posts([Post::create().title(name).score(1)])
}

async fn nothing_is_stored(db: &impl Executor) -> Result<()> {
    assert_eq!((User::query().count(db).await?, Post::query().count(db).await?), (0, 0));
    assert_eq!((Tag::query().count(db).await?, PostTag::query().count(db).await?), (0, 0));
    Ok(())
}

#[tokio::test]
async fn a_child_never_comes_under_another_parent_than_its_own() -> Result<()> {
    let db = fresh().await?;
    db.execute_batch(
        "CREATE TRIGGER skip BEFORE INSERT ON users WHEN NEW.name = 'skip' BEGIN SELECT RAISE(IGNORE); END",
    )
    .await?;
    for names in [["skip", "keep"], ["keep", "skip"]] {
        let rows = names.map(|name| with_post(&format!("{name}@x"), name));
        let error = User::insert_many(rows).returning(&db).await.unwrap_err();
        assert_eq!((error.kind(), error.model()), (ErrorKind::Database, Some("User")), "{error}");
        nothing_is_stored(&db).await?;
        let rows = names.map(|name| with_post(&format!("{name}@x"), name));
        assert!(User::insert_many(rows).exec(&db).await.is_err());
        nothing_is_stored(&db).await?;
    }
    assert!(
        User::create()
            .email("x")
            .name("skip")
            .posts([Post::create().title("t").score(1)])
            .insert(&db)
            .await
            .is_err()
    );
    nothing_is_stored(&db).await
}

#[tokio::test]
async fn a_link_never_leads_to_another_row_than_its_own() -> Result<()> {
    let tree = || {
        let tags = ["skip", "keep"].map(|name| Tag::create().name(name));
        User::create().email("a@x").name("a").posts([Post::create().title("t").score(1).tags(tags)])
    };
    let db = fresh().await?;
    db.execute_batch(
        "CREATE TRIGGER skip BEFORE INSERT ON tags WHEN NEW.name = 'skip' BEGIN SELECT RAISE(IGNORE); END",
    )
    .await?;
    let error = tree().insert(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Database, Some("Tag")), "{error}");
    nothing_is_stored(&db).await?;

    let db = fresh().await?;
    db.execute_batch(
        "CREATE TRIGGER skip BEFORE INSERT ON post_tags WHEN NEW.tag_id = (SELECT id FROM tags WHERE name = 'skip') BEGIN SELECT RAISE(IGNORE); END",
    ).await?;
    let error = tree().insert(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Database, Some("PostTag")), "{error}");
    nothing_is_stored(&db).await
}

#[tokio::test]
async fn a_row_comes_back_as_it_is_before_triggers_that_run_after() -> Result<()> {
    let db = fresh().await?;
    db.execute_batch(
        "CREATE TRIGGER after AFTER INSERT ON users BEGIN UPDATE users SET name = 'after' WHERE id = NEW.id; END",
    ).await?;
    let user = User::create().email("a@x").name("a").insert(&db).await?;
    assert_eq!(user.name, "a");
    assert_eq!(User::find(user.id).one(&db).await?.name, "after");
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "notes")]
struct Note {
    #[orm(primary_key, auto)]
    id: i64,
    text: String,
}

#[tokio::test]
async fn a_view_that_stores_by_triggers_is_written_to_with_the_right_count_or_not_at_all() -> Result<()> {
    let db = Sqlite::memory().await?;
    db.execute_batch(
        "CREATE TABLE kept (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
         CREATE VIEW notes AS SELECT id, text FROM kept;
         CREATE TRIGGER i INSTEAD OF INSERT ON notes BEGIN INSERT INTO kept VALUES (NEW.id, NEW.text); END;
         CREATE TRIGGER u INSTEAD OF UPDATE ON notes BEGIN UPDATE kept SET text = NEW.text WHERE id = OLD.id; END;
         CREATE TRIGGER d INSTEAD OF DELETE ON notes BEGIN DELETE FROM kept WHERE id = OLD.id; END",
    )
    .await?;
    let error = Note::create().text("a").insert(&db).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.model(), error.fields()),
        (ErrorKind::Unsupported, Some("Note"), &["id".to_owned()][..])
    );
    let many = || (0..3).map(|n| Note::create().text(format!("{n}")));
    assert_eq!(Note::insert_many(many()).returning(&db).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(Note::query().count(&db).await?, 0, "before anything is stored");

    assert_eq!(Note::insert_many(many()).exec(&db).await?, 3);
    let nine = Note::create().id(9).text("nine").insert(&db).await?;
    assert_eq!(Note::find(9).one(&db).await?, nine);
    assert_eq!(Note::filter(Note::id.lt(4)).update().set(Note::text, "x").exec(&db).await?, 3);
    assert_eq!(nine.update().text("9").save(&db).await?.text, "9");
    assert_eq!(Note::filter(Note::text.eq("x")).delete().exec(&db).await?, 3);
    nine.delete(&db).await?;
    assert_eq!(nine.delete(&db).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(Note::query().count(&db).await?, 0);
    Ok(())
}
