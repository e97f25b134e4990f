//! Keys that SQLite compares by a collation.

use super::*;

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

#[tokio::test]
async fn keys_that_only_a_collation_makes_equal_are_an_error() -> Result<()> {
    let db = Sqlite::memory().await?;
    db.execute_batch(
        "CREATE TABLE owners (code TEXT COLLATE NOCASE PRIMARY KEY);
         CREATE TABLE things (id INTEGER PRIMARY KEY, owner_code TEXT COLLATE NOCASE REFERENCES owners (code));
         INSERT INTO owners VALUES ('Ada'), ('bob');
         INSERT INTO things VALUES (1, 'Ada'), (2, 'ADA'), (3, 'bob')",
    )
    .await?;
    let counts = Owner::query().order_by(Owner::code.asc()).select(Owner::things.count()).all(&db).await?;
    assert_eq!(counts, [2, 1]);
    let kind = |error: orm::Error| (error.kind(), error.fields().to_vec());
    let things = Owner::query().include(Owner::things).all(&db).await.map_err(kind).unwrap_err();
    assert_eq!(things, (ErrorKind::Unsupported, vec!["things".to_owned()]));
    let owners = Thing::query().include(Thing::owner).all(&db).await.map_err(kind).unwrap_err();
    assert_eq!(owners, (ErrorKind::Unsupported, vec!["owner".to_owned()]));
    let mut thing = Thing::find(2).one(&db).await?;
    assert_eq!(thing.load(Thing::owner, &db).await.map_err(kind).unwrap_err().0, ErrorKind::Unsupported);
    let bob = Owner::find("bob".to_owned()).include(Owner::things).one(&db).await?;
    assert_eq!(bob.things.get()?.len(), 1);
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "labels")]
pub struct Label {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(unique)]
    pub name: String,
    pub uses: i32,
}

#[tokio::test]
async fn rows_of_an_upsert_that_only_a_collation_makes_equal_are_refused() -> Result<()> {
    let db = Sqlite::memory().await?;
    db.execute_batch(
        "CREATE TABLE labels (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE UNIQUE, uses INTEGER NOT NULL)",
    )
    .await?;
    let rows = || ["a", "A"].map(|name| Label::create().name(name).uses(1));
    let error = Label::upsert_many(rows()).on(Label::name).exec(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    let error = Label::upsert_many(rows()).on(Label::name).returning(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(Label::query().count(&db).await?, 0);
    Ok(())
}

/// A relation compares by the collation of the column that it leads to: loading, counting and joining agree, or loading refuses.
#[tokio::test]
async fn a_relation_compares_as_the_column_it_leads_to() -> Result<()> {
    for (parent, child, children, parents) in [("", "COLLATE NOCASE", 3, 2), ("COLLATE NOCASE", "", 2, 3)] {
        let db = Sqlite::memory().await?;
        db.execute_batch(&format!(
            "CREATE TABLE owners (code TEXT {parent} PRIMARY KEY);
             CREATE TABLE things (id INTEGER PRIMARY KEY, owner_code TEXT {child});
             INSERT INTO owners VALUES ('Ada'), ('bob');
             INSERT INTO things VALUES (1, 'Ada'), (2, 'ADA'), (3, 'bob')"
        ))
        .await?;
        let counts = Owner::query().select(Owner::things.count()).all(&db).await?;
        assert_eq!(counts.iter().sum::<i64>(), children);
        assert_eq!(Owner::query().join(Owner::things).count(&db).await?, children as u64);
        let loaded = match Owner::query().include(Owner::things).all(&db).await {
            Ok(owners) => owners.iter().map(|owner| owner.things.get().unwrap().len()).sum(),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unsupported);
                3
            }
        };
        assert_eq!(loaded, children as usize);
        assert_eq!(Thing::query().join(Thing::owner).count(&db).await?, parents);
        assert_eq!(Thing::filter(Thing::owner.any(Owner::code.ne(""))).count(&db).await?, parents);
        let loaded = match Thing::query().include(Thing::owner).all(&db).await {
            Ok(things) => things.iter().filter(|thing| thing.owner.get().is_ok()).count(),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unsupported);
                3
            }
        };
        assert_eq!(loaded, parents as usize);
    }
    Ok(())
}
