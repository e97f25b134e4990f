//! Triggers that leave rows out, and triggers that run after.

use orm::prelude::*;
use orm::write::Insertable;
use orm::{ErrorKind, Result};
use orm_tests::models::{Post, PostTag, Tag, User};

use crate::{Place, place};

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
    let Place { db, .. } = place(1).await?;
    db.execute_batch(
        "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF NEW.name = 'skip' THEN RETURN NULL; END IF; RETURN NEW; END $$;
         CREATE TRIGGER skip BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION skip()",
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
    let Place { db, .. } = place(1).await?;
    db.execute_batch(
        "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF NEW.name = 'skip' THEN RETURN NULL; END IF; RETURN NEW; END $$;
         CREATE TRIGGER skip BEFORE INSERT ON tags FOR EACH ROW EXECUTE FUNCTION skip()",
    )
    .await?;
    let error = tree().insert(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Database, Some("Tag")), "{error}");
    nothing_is_stored(&db).await?;

    let Place { db, .. } = place(1).await?;
    db.execute_batch(
        "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF NEW.tag_id = (SELECT id FROM tags WHERE name = 'skip') THEN RETURN NULL; END IF; RETURN NEW; END $$;
         CREATE TRIGGER skip BEFORE INSERT ON post_tags FOR EACH ROW EXECUTE FUNCTION skip()",
    ).await?;
    let error = tree().insert(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Database, Some("PostTag")), "{error}");
    nothing_is_stored(&db).await
}

#[tokio::test]
async fn a_row_comes_back_as_it_is_before_triggers_that_run_after() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    db.execute_batch(
        "CREATE FUNCTION after() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN UPDATE users SET name = 'after' WHERE id = NEW.id; RETURN NULL; END $$;
         CREATE TRIGGER after AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION after()",
    )
    .await?;
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
async fn a_view_whose_trigger_does_not_give_the_row_back_stores_nothing() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    let functions = |insert: &str| {
        format!(
            "CREATE OR REPLACE FUNCTION i() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {insert}; RETURN NEW; END $$"
        )
    };
    db.execute_batch(&functions("INSERT INTO kept (text) VALUES (NEW.text)")).await?;
    db.execute_batch(
        "CREATE TABLE kept (id bigserial PRIMARY KEY, text text NOT NULL);
         CREATE VIEW notes AS SELECT id, text FROM kept;
         CREATE TRIGGER i INSTEAD OF INSERT ON notes FOR EACH ROW EXECUTE FUNCTION i();
         CREATE FUNCTION d() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN DELETE FROM kept WHERE id = OLD.id; RETURN OLD; END $$;
         CREATE TRIGGER d INSTEAD OF DELETE ON notes FOR EACH ROW EXECUTE FUNCTION d()",
    )
    .await?;
    let error = Note::create().text("a").insert(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Decode, &["id".to_owned()][..]), "{error}");
    let many = || (0..3).map(|n| Note::create().text(format!("{n}")));
    assert_eq!(Note::insert_many(many()).returning(&db).await.unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(Note::query().count(&db).await?, 0);
    assert_eq!(Note::insert_many(many()).exec(&db).await?, 3);
    db.execute_batch(&functions("INSERT INTO kept (text) VALUES (NEW.text) RETURNING id INTO NEW.id"))
        .await?;
    let made = Note::create().text("b").insert(&db).await?;
    assert_eq!(Note::find(made.id).one(&db).await?, made);
    made.delete(&db).await?;
    assert_eq!(made.delete(&db).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(Note::query().count(&db).await?, 3);
    Ok(())
}

#[tokio::test]
async fn a_limit_on_a_write_holds_where_children_share_a_key() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    let tables = [
        "CREATE TABLE notes (id bigint PRIMARY KEY, text text NOT NULL);
         CREATE TABLE old (PRIMARY KEY (id)) INHERITS (notes); CREATE TABLE older (PRIMARY KEY (id)) INHERITS (notes);
         INSERT INTO notes VALUES (1, 'new'); INSERT INTO old VALUES (1, 'old'); INSERT INTO older VALUES (1, 'older')",
        "CREATE TABLE notes (id bigint NOT NULL, text text NOT NULL) PARTITION BY LIST (text);
         CREATE TABLE n1 PARTITION OF notes FOR VALUES IN ('new'); CREATE TABLE n2 PARTITION OF notes FOR VALUES IN ('old');
         CREATE TABLE n3 PARTITION OF notes DEFAULT; INSERT INTO notes VALUES (1, 'new'), (1, 'old'), (1, 'older')",
    ];
    for made in tables {
        db.execute_batch(made).await?;
        let one = || Note::filter(Note::id.eq(1)).order_by(Note::text.desc()).limit(1);
        let older = one().update().set(Note::id, 2).returning(&db).await?;
        assert_eq!(older.iter().map(|note| &*note.text).collect::<Vec<_>>(), ["older"]);
        assert_eq!(one().delete().exec(&db).await?, 1);
        assert_eq!(one().distinct().delete().exec(&db).await?, 1);
        assert_eq!(Note::query().select(Note::text).all(&db).await?, ["older"]);
        let tx = db.begin().await?;
        assert_eq!(Note::query().limit(1).delete().all_rows().exec(&tx).await?, 1);
        tx.commit().await?;
        db.execute_batch("DROP TABLE notes CASCADE").await?;
    }
    Ok(())
}
