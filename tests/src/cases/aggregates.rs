//! Aggregates, groups and joins.

use orm::Result;
use orm::prelude::*;

use super::people;
use crate::Fixture;
use crate::models::{Post, User};

pub async fn aggregates_over_no_rows_are_none_and_count_is_zero<D: Database>(f: &Fixture<D>) -> Result<()> {
    let row = Post::query()
        .select((count_all(), Post::score.sum(), Post::score.avg(), Post::score.max()))
        .one(&f.db)
        .await?;
    assert_eq!(row, (0, None, None, None));
    Ok(())
}

pub async fn aggregates_skip_null<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let row = User::query()
        .select((count_all(), User::age.count(), User::age.sum(), User::age.avg(), User::age.min()))
        .one(&f.db)
        .await?;
    assert_eq!(row, (3, 2, Some(56), Some(28.0), Some(20)));
    Ok(())
}

pub async fn groups_have_keys_and_aggregates<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, bob, _) = people(&f.db).await?;
    let rows: Vec<(i64, i64, Option<i64>)> = Post::query()
        .group_by(Post::author_id)
        .select(|author| (author, Post::id.count(), Post::score.sum()))
        .order_by(Post::author_id.asc())
        .all(&f.db)
        .await?;
    assert_eq!(rows, [(ada.id, 2, Some(8)), (bob.id, 1, Some(1))]);
    Ok(())
}

pub async fn having_filters_groups<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let rows: Vec<(String, i64)> = User::query()
        .join(User::posts)
        .group_by(User::name)
        .select(|name| (name, Post::id.count()))
        .having(Post::id.count().gt(1))
        .all(&f.db)
        .await?;
    assert_eq!(rows, [("Ada".to_owned(), 2)]);
    Ok(())
}

pub async fn inner_joins_keep_pairs_only<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let rows: Vec<(String, String)> = User::query()
        .join(User::posts)
        .filter(Post::score.ge(1) & User::active)
        .order_by((User::name.asc(), Post::title.asc()))
        .select((User::name, Post::title))
        .all(&f.db)
        .await?;
    let names: Vec<_> = rows.iter().map(|(user, post)| format!("{user}:{post}")).collect();
    assert_eq!(names, ["Ada:Engines", "Ada:Notes", "Bob:Hello"]);
    Ok(())
}

pub async fn left_joined_columns_are_options<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let rows: Vec<(String, Option<String>)> = User::query()
        .left_join(User::posts)
        .filter(User::name.ne("Ada"))
        .order_by(User::name.asc())
        .select((User::name, Post::title))
        .all(&f.db)
        .await?;
    assert_eq!(rows, [("Bob".to_owned(), Some("Hello".to_owned())), ("Cid".to_owned(), None)]);
    Ok(())
}

pub async fn whole_models_come_out_of_a_join<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let rows: Vec<(User, Option<Post>)> = User::query()
        .left_join(User::posts)
        .filter(User::name.ne("Ada"))
        .order_by(User::name.asc())
        .select((whole::<User>(), whole::<Post>()))
        .all(&f.db)
        .await?;
    assert_eq!(rows[0].1.as_ref().map(|post| post.title.as_str()), Some("Hello"));
    assert_eq!((rows[1].0.name.as_str(), &rows[1].1), ("Cid", &None));
    Ok(())
}
