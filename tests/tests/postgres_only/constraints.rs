//! Constraints that PostgreSQL has beyond the suite.

use super::*;

#[derive(Debug, Clone, PartialEq, Model)]
#[orm(unique(a, b, nulls_not_distinct))]
struct Pair {
    #[orm(primary_key, auto)]
    id: i64,
    a: Option<i32>,
    b: Option<i32>,
    #[orm(unique, nulls_not_distinct)]
    c: Option<String>,
    #[orm(unique)]
    d: Option<String>,
}
orm::schema!(Pairs: Pair);

#[tokio::test]
async fn nulls_may_count_as_equal() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    Pairs::create_all(&db).await?;
    Pair::create().a(1).insert(&db).await?;
    let error = Pair::create().a(1).c("x".to_owned()).insert(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Unique, &["a".to_owned(), "b".to_owned()][..]));
    let error = Pair::create().a(2).insert(&db).await.unwrap_err();
    assert_eq!(error.fields(), ["c"]);
    Pair::create().a(2).c("x".to_owned()).insert(&db).await?;
    let error = Pairs::create_all(&Sqlite::memory().await?).await.unwrap_err();
    assert_eq!((error.kind(), error.constraint()), (ErrorKind::Unsupported, Some("uq_pairs_c")));
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Model)]
struct Owner {
    #[orm(primary_key)]
    id: i64,
    favourite_id: Option<i64>,
    #[orm(foreign_key = favourite_id, deferrable)]
    favourite: BelongsTo<Pet>,
    #[orm(pair = owner)]
    pets: HasMany<Pet>,
}

#[derive(Debug, Clone, PartialEq, Model)]
struct Pet {
    #[orm(primary_key)]
    id: i64,
    owner_id: i64,
    #[orm(foreign_key = owner_id, deferrable = deferred)]
    owner: BelongsTo<Owner>,
}
orm::schema!(Zoo: Owner, Pet);

async fn cyclic<D: Database>(db: &D) -> Result<()> {
    // The pet comes before its owner: checked when the transaction ends.
    let tx = db.begin().await?;
    Pet::create().id(1).owner_id(1).insert(&tx).await?;
    Owner::create().id(1).favourite_id(1).insert(&tx).await?;
    tx.commit().await?;
    let tx = db.begin().await?;
    Pet::create().id(2).owner_id(99).insert(&tx).await?;
    assert_eq!(tx.commit().await.unwrap_err().kind(), ErrorKind::ForeignKey);
    assert_eq!(Pet::query().count(db).await?, 1);
    Ok(())
}

#[tokio::test]
async fn foreign_keys_may_wait_for_the_commit() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    Zoo::create_all(&db).await?;
    cyclic(&db).await?;
    // `deferrable` alone waits where the transaction says so.
    let owner = |id: i64| Owner::create().id(id).favourite_id(id);
    assert_eq!(owner(5).insert(&db).await.unwrap_err().kind(), ErrorKind::ForeignKey);
    db.transaction(async |tx| {
        Postgres::defer_constraints(tx).await?;
        owner(5).insert(tx).await?;
        let early = tx.transaction(async |tx| Postgres::check_constraints(tx).await).await;
        assert_eq!(early.unwrap_err().kind(), ErrorKind::ForeignKey);
        Pet::create().id(5).owner_id(5).insert(tx).await?;
        Postgres::check_constraints(tx).await
    })
    .await
}

#[tokio::test]
async fn foreign_keys_may_wait_on_sqlite_too() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let db = Sqlite::connect(folder.path().join("zoo.db")).await?;
    Zoo::create_all(&db).await?;
    cyclic(&db).await
}
