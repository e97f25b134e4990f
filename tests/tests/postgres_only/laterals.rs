//! Lateral joins.

use super::*;

orm::alias!(Newest: Post);

#[tokio::test]
async fn a_query_is_joined_for_each_row() -> Result<()> {
    let Place { db, log, .. } = place(1).await?;
    let (ada, bob) = (user(&db, "ada").await?, user(&db, "bob").await?);
    user(&db, "cid").await?;
    for (title, score, author) in [("a", 1, &ada), ("b", 5, &ada), ("c", 3, &ada), ("d", 2, &bob)] {
        Post::create().title(title).score(score).author(author).insert(&db).await?;
    }
    let best = || {
        let posts =
            Post::query().correlate::<User>().filter(Post::author_id.eq(User::id) & Post::score.gt(1));
        posts.order_by(Post::score.desc()).limit(2)
    };
    log.take();
    let rows = User::query()
        .join_lateral(best())
        .filter(User::name.ne("x") & Post::title.ne("y"))
        .order_by((User::id.asc(), Post::score.desc()))
        .select((User::name, Post::title))
        .all(&db)
        .await?;
    let rows: Vec<_> = rows.iter().map(|(name, title)| (name.as_str(), title.as_str())).collect();
    assert_eq!(rows, [("ada", "b"), ("ada", "c"), ("bob", "d")]);
    assert_eq!(log.take().len(), 1);
    let rows: Vec<(String, Option<String>)> = User::query()
        .left_join_lateral(best().limit(1))
        .order_by(User::id.asc())
        .select((User::name, Post::title))
        .all(&db)
        .await?;
    let rows: Vec<_> = rows.iter().map(|(name, title)| (name.as_str(), title.as_deref())).collect();
    assert_eq!(rows, [("ada", Some("b")), ("bob", Some("d")), ("cid", None)]);

    // With an alias, beside another join of the same model, and with an aggregate over it.
    let newest = Newest::query().correlate::<User>().filter(Newest.author_id.eq(User::id));
    let newest = newest.order_by(Newest.id.desc()).limit(1);
    let counts = User::query()
        .join(User::posts)
        .join_lateral(newest)
        .group_by((User::name, Newest.title))
        .select(|(name, newest)| (name, newest, Post::id.count()))
        .all(&db)
        .await?;
    assert!(counts.contains(&("ada".to_owned(), "c".to_owned(), 3)), "{counts:?}");
    let error = User::query().join_lateral(Post::query().include(Post::author)).all(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    let sqlite = Sqlite::memory().await?;
    let error = User::query().join_lateral(Post::query()).dynamic().all(&sqlite).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    Ok(())
}
