//! The statements that the server gets.

use orm_tests::models::Hostile;

use super::*;

#[tokio::test]
async fn rows_of_an_insert_are_one_statement_at_any_number() -> Result<()> {
    let Place { db, log, .. } = place(2).await?;
    let names: Vec<String> = (0..100_000).map(|number| format!("tag {number}")).collect();
    let tags = Tag::insert_many(names.iter().map(|name| Tag::create().name(name))).all(&db).await?;
    assert_eq!(log.take().len(), 1);
    assert!(tags.iter().zip(&names).all(|(tag, name)| tag.name == *name), "in the order of the input");
    assert!(tags.windows(2).all(|pair| pair[0].id < pair[1].id));
    let ids: Vec<i64> = tags.iter().map(|tag| tag.id).collect();
    assert_eq!(Tag::filter(Tag::id.in_(ids)).count(&db).await?, 100_000);
    Ok(())
}

#[tokio::test]
async fn create_all_can_be_repeated_and_drop_all_undone() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    TestSchema::create_all(&db).await?;
    TestSchema::drop_all(&db).await?;
    assert_eq!(User::query().count(&db).await.unwrap_err().kind(), ErrorKind::Schema);
    TestSchema::create_all(&db).await?;
    assert_eq!(User::query().count(&db).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_prepared_statement_survives_a_change_of_its_table() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    user(&db, "ada").await?;
    assert_eq!(User::query().all(&db).await?.len(), 1);
    db.execute_batch("ALTER TABLE users ALTER COLUMN name TYPE varchar(500)").await?;
    assert_eq!(User::query().all(&db).await?[0].name, "ada");
    db.execute_batch("ALTER TABLE users ADD COLUMN more text").await?;
    assert_eq!(User::filter(User::name.eq("ada")).count(&db).await?, 1);
    Ok(())
}

#[tokio::test]
async fn plans_and_hostile_names_are_readable() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    Hostile::create().quoted("x").unicode(1).insert(&db).await?;
    let plan = Hostile::filter(Hostile::unicode.eq(1)).explain(&db).await?;
    assert!(plan.contains("Scan"), "{plan}");
    let sql = Hostile::filter(Hostile::unicode.eq(1)).to_sql(&db)?;
    assert!(sql.contains("\"größe 日本\" = $1::integer"), "{sql}");
    Ok(())
}

#[tokio::test]
async fn one_row_of_each_group_and_regular_expressions() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    let ada = user(&db, "ada").await?;
    let bob = user(&db, "bob").await?;
    for (author, title, score) in [(&ada, "x1", 1), (&ada, "x2", 9), (&bob, "y3", 5)] {
        Post::create().title(title).score(score).author(author).insert(&db).await?;
    }
    let best = Post::query()
        .distinct_on(Post::author_id)
        .order_by((Post::author_id.asc(), Post::score.desc()))
        .select(Post::title)
        .all(&db)
        .await?;
    assert_eq!(best, ["x2", "y3"]);
    let found = Post::query().filter(Post::title.matches_regex("^x[0-9]$")).count(&db).await?;
    assert_eq!(found, 2);
    Ok(())
}
