//! The statements that the server gets.

use orm_tests::models::Hostile;

use super::*;

#[tokio::test]
async fn rows_of_an_insert_are_one_statement_at_any_number() -> Result<()> {
    let Place { db, log, .. } = place(2).await?;
    let names: Vec<String> = (0..100_000).map(|number| format!("tag {number}")).collect();
    let tags = Tag::insert_many(names.iter().map(|name| Tag::create().name(name))).returning(&db).await?;
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
    let found = Post::filter(Post::title.matches_regex("^x[0-9]$")).count(&db).await?;
    assert_eq!(found, 2);
    Ok(())
}

#[tokio::test]
async fn what_only_some_databases_know_stands_in_any_part_of_a_query() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    let ada = user(&db, "ada").await?;
    let bob = user(&db, "bob").await?;
    for (author, title) in [(&ada, "x1"), (&ada, "y2"), (&bob, "y3")] {
        Post::create().title(title).score(0).author(author).insert(&db).await?;
    }
    let by_letter = || Post::title.matches_regex("^x");
    let ordered = Post::query().order_by((by_letter().desc(), Post::title.desc())).select(Post::title);
    assert_eq!(ordered.all(&db).await?, ["x1", "y3", "y2"]);
    let grouped = Post::query().group_by(by_letter()).select(|x| (x, count_all()));
    assert_eq!(grouped.order_by(count_all().asc()).all(&db).await?, [(true, 1), (false, 2)]);
    assert_eq!(Post::filter(by_letter()).count(&db).await?, 1);
    assert_eq!(User::filter(User::posts.any(by_letter())).one(&db).await?.name, "ada");
    let counts = User::query().order_by(User::id.asc()).select(User::posts.count_where(by_letter()));
    assert_eq!(counts.all(&db).await?, [1, 0]);
    let authors = Post::filter(by_letter()).select(Post::author_id);
    assert_eq!(User::filter(User::id.in_(authors.clone())).one(&db).await?.name, "ada");
    assert_eq!(User::filter(User::id.not_in(authors)).one(&db).await?.name, "bob");
    assert_eq!(User::posts.of(&ada).filter(by_letter()).one(&db).await?.title, "x1");
    assert_eq!(User::posts.of(&ada).order_by(by_letter().asc()).first(&db).await?.unwrap().title, "y2");
    assert_eq!(Post::query().distinct_on(by_letter()).all(&db).await?.len(), 2);
    let posts = || User::posts.filter(by_letter()).order_by(by_letter().desc());
    assert_eq!(User::find(ada.id).include(posts()).one(&db).await?.posts.get()?[0].title, "x1");
    let nested = Post::author.include(posts());
    let read = Post::query().order_by(Post::id.asc()).include(nested).all(&db).await?;
    assert_eq!(read[2].author.get()?.posts.get()?.len(), 0);
    let mut users = User::query().order_by(User::id.asc()).all(&db).await?;
    users.load(posts(), &db).await?;
    assert_eq!(users[0].posts.get()?.len(), 1);
    Ok(())
}
