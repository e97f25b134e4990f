//! Tables that are not what the models say: of other programs, views, with rules, policies and partitions.

use super::*;

#[derive(Debug, Clone, PartialEq, Model)]
struct Item {
    #[orm(primary_key)]
    id: i64,
    name: String,
    #[orm(pair = item)]
    parts: HasMany<Part>,
}

#[derive(Debug, Clone, PartialEq, Model)]
struct Part {
    #[orm(primary_key)]
    id: i64,
    item_id: i64,
    #[orm(foreign_key = item_id)]
    item: BelongsTo<Item>,
}
orm::schema!(Items: Item, Part);

fn items(count: i64) -> impl Iterator<Item = impl orm::write::Insertable<Item>> {
    (0..count).map(|id| Item::create().id(id).name(format!("item {id}")))
}

/// Below and above the number of rows from which on COPY would be chosen.
const COUNTS: [i64; 2] = [3, 2500];

#[tokio::test]
async fn many_rows_obey_rules_and_views_as_few_do() -> Result<()> {
    let Place { db, log, .. } = place(1).await?;
    Items::create_all(&db).await?;
    db.execute_batch(
        "CREATE TABLE seen (id bigint); \
         CREATE RULE watch AS ON INSERT TO items DO ALSO INSERT INTO seen VALUES (NEW.id)",
    )
    .await?;
    let seen = || sql::<i64>("SELECT count(*) FROM seen");
    for count in COUNTS {
        Item::insert_many(items(count)).exec(&db).await?;
        assert_eq!(seen().one(&db).await?, count);
        db.execute_batch("DELETE FROM items; DELETE FROM seen").await?;
    }
    db.execute_batch(
        "DROP RULE watch ON items; ALTER TABLE items RENAME TO real_items; \
         CREATE VIEW items AS SELECT id, name FROM real_items WHERE id >= 0",
    )
    .await?;
    for count in COUNTS {
        assert_eq!(Item::insert_many(items(count)).exec(&db).await?, count as u64);
        db.execute_batch("DELETE FROM items").await?;
    }
    db.execute_batch("DROP VIEW items; ALTER TABLE real_items RENAME TO items").await?;
    log.take();
    Item::insert_many(items(2500)).exec(&db).await?;
    assert!(log.take()[0].starts_with("COPY"), "a plain table is copied into");
    Ok(())
}

#[tokio::test]
async fn many_rows_do_not_override_keys_that_the_server_makes() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    Items::create_all(&db).await?;
    db.execute_batch("ALTER TABLE items ALTER id ADD GENERATED ALWAYS AS IDENTITY").await?;
    for count in COUNTS {
        let error = Item::insert_many(items(count)).exec(&db).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Schema, Some("428C9")), "{error}");
        assert_eq!((error.model(), error.fields()), (Some("Item"), &["id".to_owned()][..]));
    }
    assert_eq!(Item::query().count(&db).await?, 0);
    Ok(())
}

#[tokio::test]
async fn policies_and_permissions_have_a_kind() -> Result<()> {
    let Place { db, schema, .. } = place(1).await?;
    Items::create_all(&db).await?;
    db.execute_batch(&format!(
        "CREATE ROLE {schema}; GRANT USAGE ON SCHEMA {schema} TO {schema}; \
         GRANT SELECT, INSERT ON items TO {schema}; ALTER TABLE items ENABLE ROW LEVEL SECURITY; \
         CREATE POLICY small ON items FOR INSERT WITH CHECK (id < 2600)"
    ))
    .await?;
    let user = Postgres::builder(url())
        .max_connections(1)
        .search_path(&schema)
        .after_connect(format!("SET ROLE {schema}"))
        .connect()
        .await?;
    for count in COUNTS {
        assert_eq!(Item::insert_many(items(count)).exec(&user).await?, count as u64);
        db.execute_batch("DELETE FROM items").await?;
    }
    for count in [2700, 5000] {
        let error = Item::insert_many(items(count).skip(2650)).exec(&user).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(error.message().contains("policy"), "{error}");
    }
    let error = Item::query().delete().all_rows().exec(&user).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::PermissionDenied, Some("42501")));
    user.close().await;
    db.execute_batch(&format!("DROP OWNED BY {schema}; DROP ROLE {schema}")).await
}

#[tokio::test]
async fn create_all_says_what_stands_in_its_way() -> Result<()> {
    let Place { db, schema, .. } = place(1).await?;
    db.execute_batch("CREATE VIEW items AS SELECT 1::bigint AS id, 'x'::text AS name").await?;
    let error = Items::create_all(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Schema, Some("Item")));
    assert!(error.message().contains("a view"), "{error}");
    db.execute_batch("DROP VIEW items").await?;
    Items::create_all(&db).await?;
    Item::create().id(1).name("x").insert(&db).await?;

    db.execute_batch(&format!("CREATE SCHEMA {schema}_before")).await?;
    let path = format!("{schema}_before, {schema}");
    let both = Postgres::builder(url()).max_connections(1).search_path(path).connect().await?;
    let error = Items::create_all(&both).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(error.message().contains("further along"), "{error}");
    assert_eq!(Item::query().count(&both).await?, 1, "the table is still found");
    db.execute_batch(&format!("DROP SCHEMA {schema}_before CASCADE")).await
}

#[tokio::test]
async fn errors_name_the_fields_of_tables_that_others_made() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    db.execute_batch(
        "CREATE TABLE items (id bigint CONSTRAINT k PRIMARY KEY, name text CONSTRAINT u UNIQUE CHECK (name <> 'bad')); \
         CREATE TABLE parts (id bigint PRIMARY KEY, item_id bigint CONSTRAINT f REFERENCES items)",
    )
    .await?;
    Item::insert_many(items(2)).exec(&db).await?;
    let fields = |error: &orm::Error| (error.kind(), error.fields().join(","));
    let twin = Item::create().id(7).name("item 1").insert(&db).await.unwrap_err();
    assert_eq!(fields(&twin), (ErrorKind::Unique, "name".to_owned()));
    let twin = Item::create().id(1).name("new").insert(&db).await.unwrap_err();
    assert_eq!(fields(&twin), (ErrorKind::Unique, "id".to_owned()));
    let bad = Item::create().id(8).name("bad").insert(&db).await.unwrap_err();
    assert_eq!(fields(&bad), (ErrorKind::Check, "name".to_owned()));

    let orphan = Part::create().id(1).item_id(99).insert(&db).await.unwrap_err();
    assert_eq!(fields(&orphan), (ErrorKind::ForeignKey, "item_id".to_owned()));
    assert!(orphan.message().contains("not there"), "{orphan}");
    Part::create().id(1).item_id(1).insert(&db).await?;
    let parent = Item::filter(Item::id.eq(1)).delete().exec(&db).await.unwrap_err();
    assert_eq!(parent.kind(), ErrorKind::ForeignKey);
    assert!(parent.message().contains("`parts` still refer"), "{parent}");

    let raised = db.execute_batch("DO $$ BEGIN RAISE EXCEPTION 'not today'; END $$").await.unwrap_err();
    assert_eq!((raised.kind(), raised.message()), (ErrorKind::Raised, "not today"));

    db.execute_batch(
        "DROP TABLE parts, items; CREATE TABLE items (id bigint, name text) PARTITION BY RANGE (id)",
    )
    .await?;
    let nowhere = Item::create().id(1).name("x").insert(&db).await.unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::Check);
    assert!(nowhere.message().contains("partition"), "{nowhere}");
    Ok(())
}

#[tokio::test]
async fn no_error_shows_values_unless_asked() -> Result<()> {
    use std::error::Error as _;

    use orm::postgres::PgServerError;
    let Place { db, .. } = place(1).await?;
    user(&db, "secret").await?;
    let twin = user(&db, "secret").await.unwrap_err();
    let bad = sql::<i32>("SELECT ?::text::int").bind("secret".to_owned()).one(&db).await.unwrap_err();
    let raised = db
        .execute_batch("ALTER TABLE users ADD CONSTRAINT short CHECK (length(name) < 3)")
        .await
        .unwrap_err();
    for error in [&twin, &bad, &raised] {
        let mut text = format!("{error} {error:?}");
        let mut cause = error.source();
        while let Some(source) = cause {
            text += &format!(" {source} {source:?}");
            cause = source.source();
        }
        assert!(!text.contains("secret"), "{text}");
    }
    let server = twin.source().and_then(|source| source.downcast_ref::<PgServerError>()).unwrap();
    assert!(server.detail().is_some_and(|detail| detail.contains("secret")));
    assert_eq!((server.code(), server.constraint()), ("23505", Some("uq_users_email")));
    Ok(())
}

#[tokio::test]
async fn a_column_that_cannot_be_read_is_named() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    db.execute_batch("CREATE TABLE items (id bigint, name int); INSERT INTO items VALUES (1, 2)").await?;
    let named = |error: orm::Error| {
        assert_eq!((error.kind(), error.model()), (ErrorKind::Decode, Some("Item")), "{error}");
        error.fields().join(",")
    };
    assert_eq!(named(Item::query().select((Item::id, Item::name)).all(&db).await.unwrap_err()), "name");
    assert_eq!(named(Item::query().select(Item::name).one(&db).await.unwrap_err()), "name");
    assert_eq!(named(Item::query().all(&db).await.unwrap_err()), "name");
    let each = Item::query().select((Item::id, Item::name)).for_each(&db, |_| Ok(()));
    assert_eq!(named(each.await.unwrap_err()), "name");
    Ok(())
}

#[tokio::test]
async fn a_search_path_is_names_and_nothing_else() -> Result<()> {
    let Place { db, schema, .. } = place(1).await?;
    let path = format!("{schema}; CREATE TABLE {schema}.intruder (id int)");
    let _ = Postgres::builder(url()).max_connections(1).search_path(path).connect().await;
    let there = sql::<bool>("SELECT to_regclass(?) IS NOT NULL").bind(format!("{schema}.intruder"));
    assert!(!there.one(&db).await?);
    let quoted =
        Postgres::builder(url()).max_connections(1).search_path("\"A, b\", public").connect().await?;
    assert_eq!(sql::<String>("SHOW search_path").one(&quoted).await?, "\"A, b\", public");
    Ok(())
}
