//! Includes share a connection, and leave it usable.

use super::*;
use orm_tests::models::Profile;

#[tokio::test]
async fn an_include_that_fails_does_not_cost_the_connection() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    let ada = user(&db, "ada").await?;
    Post::create().title("no number").score(1).author_id(ada.id).insert(&db).await?;
    Profile::create().bio("x").user_id(ada.id).insert(&db).await?;
    let backend = async || sql::<i32>("SELECT pg_backend_pid()").one(&db).await;
    let before = backend().await?;
    for _ in 0..5 {
        // The server finds out while it reads the rows, when the siblings' queries are on their way.
        let failing = User::posts.filter(Post::title.cast::<i64>().gt(0));
        let query = User::query().include(failing).include(User::profile).include(User::remarks);
        assert!(query.all(&db).await.is_err());
    }
    assert_eq!(backend().await?, before, "the pool had to open a new connection");
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "owners")]
pub struct Owner {
    #[orm(primary_key)]
    pub code: String,
    pub things: HasMany<Thing>,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "things")]
pub struct Thing {
    #[orm(primary_key)]
    pub id: i64,
    pub owner_code: String,
    #[orm(foreign_key = owner_code)]
    pub owner: BelongsTo<Owner>,
}

/// What an include finds is what the database counts, or an error.
async fn counted_is_included(types: [&str; 2], keys: [&str; 2]) -> Result<Option<ErrorKind>> {
    let Place { db, .. } = place(1).await?;
    let ([owner, thing], [key, spelled]) = (types, keys);
    db.execute_batch(&format!(
        "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TABLE owners (code {owner} PRIMARY KEY);
         CREATE TABLE things (id bigint PRIMARY KEY, owner_code {thing});
         INSERT INTO owners VALUES ('{key}');
         INSERT INTO things VALUES (1, '{key}'), (2, '{spelled}')"
    ))
    .await?;
    let counted = Owner::query().select(Owner::things.count()).one(&db).await?;
    let things = Owner::query().include(Owner::things).one(&db).await;
    let owners = Thing::query().order_by(Thing::id.asc()).include(Thing::owner).all(&db).await;
    match (things, owners) {
        (Ok(owner), Ok(things)) => {
            assert_eq!(owner.things.get()?.len() as i64, counted, "{types:?}");
            assert_eq!(
                things.iter().filter(|thing| thing.owner.get().is_ok()).count() as i64,
                counted,
                "{types:?}"
            );
            Ok(None)
        }
        (Err(error), _) | (_, Err(error)) => Ok(Some(error.kind())),
    }
}

#[tokio::test]
async fn keys_that_only_the_database_finds_equal_are_included_or_refused() -> Result<()> {
    let nocase = "text COLLATE nocase";
    let refused = counted_is_included([nocase, nocase], ["Ada", "ADA"]).await?;
    assert_eq!(refused, Some(ErrorKind::Unsupported));
    assert_eq!(counted_is_included([nocase, nocase], ["Ada", "Ada"]).await?, None);
    for types in [["char(6)", "char(6)"], ["char(6)", "varchar(6)"], ["char(6)", "char(8)"]] {
        counted_is_included(types, ["ada", "ada "]).await?;
    }
    Ok(())
}
