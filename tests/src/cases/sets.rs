//! Rows of several queries put together.

use orm::prelude::*;
use orm::{ErrorKind, Result};

use super::people;
use crate::Fixture;
use crate::models::{Post, PostTag, Tag, User};

pub async fn a_union_has_equal_rows_once_and_union_all_each<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let (low, high) = (|| Post::filter(Post::score.lt(5)), || Post::filter(Post::score.gt(1)));
    let scores = low().select(Post::score).union(high().select(Post::score));
    assert_eq!(scores.order_by_output(|score| score.desc()).all(&f.db).await?, [5, 3, 1]);
    let scores = low().select(Post::score).union_all(high().select(Post::score));
    assert_eq!(scores.clone().order_by_output(|score| score.asc()).all(&f.db).await?, [1, 3, 3, 5]);
    assert_eq!(scores.clone().count(&f.db).await?, 4);
    assert!(scores.clone().exists(&f.db).await?);
    let page = scores.order_by_output(|score| score.asc()).limit(2).offset(1).all(&f.db).await?;
    assert_eq!(page, [3, 3]);
    Ok(())
}

pub async fn null_equals_null_in_a_set<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    User::create().email("dan@x.org").name("Dan").insert(&f.db).await?;
    let ages = || User::query().select(User::age);
    let sorted = |query: Query<User, (), Option<i32>>| query.order_by_output(|age| age.asc());
    assert_eq!(sorted(ages().union(ages())).all(&f.db).await?, [None, Some(20), Some(36)]);
    let young = User::filter(User::age.lt(30) | User::age.is_null()).select(User::age);
    assert_eq!(sorted(ages().intersect(young.clone())).all(&f.db).await?, [None, Some(20)]);
    assert_eq!(sorted(ages().except(young)).all(&f.db).await?, [Some(36)]);
    let last = ages().union(ages()).order_by_output(|age| age.desc().nulls_first());
    assert_eq!(last.all(&f.db).await?, [None, Some(36), Some(20)]);
    Ok(())
}

pub async fn sets_are_put_together_from_the_left<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let ids = |ids: &[i64]| User::query().filter(User::id.in_(ids)).select(User::name);
    let users = User::query().order_by(User::id.asc()).select(User::id).all(&f.db).await?;
    let [ada, bob, cid] = users[..] else { panic!("three") };
    let names = |query: Query<User, (), String>| query.order_by_output(|name| name.asc());
    // (Ada, Bob ∪ Cid) ∩ Ada, Cid, and not Ada ∪ (Cid ∩ …).
    let query = ids(&[ada, bob]).union(ids(&[cid])).intersect(ids(&[bob, cid]));
    assert_eq!(names(query).all(&f.db).await?, ["Bob", "Cid"]);
    let query = ids(&[ada, bob]).except(ids(&[ada])).union_all(ids(&[bob])).union(ids(&[cid]));
    assert_eq!(names(query).all(&f.db).await?, ["Bob", "Cid"]);
    let query = ids(&[ada]).union(ids(&[bob]).except(ids(&[bob])));
    assert_eq!(names(query).all(&f.db).await?, ["Ada"]);
    Ok(())
}

pub async fn a_part_of_a_set_keeps_its_limit<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let best = Post::query().order_by(Post::score.desc()).limit(1).select((Post::title, Post::score));
    let worst = Post::query().order_by(Post::score.asc()).limit(1).select((Post::title, Post::score));
    let both = best.union_all(worst).order_by_output(|(title, score)| (score.desc(), title.asc()));
    assert_eq!(both.all(&f.db).await?, [("Notes".to_owned(), 5), ("Hello".to_owned(), 1)]);
    // Tables of different models, groups and joins, values of the program.
    let counts = User::query().join(User::posts).group_by(User::name).select(|name| (name, count_all()));
    let fixed = Tag::query().select((Tag::name, val(7_i64)));
    Tag::create().name("rust").insert(&f.db).await?;
    let all = counts.union(fixed).order_by_output(|(name, count)| (count.desc(), name.asc()));
    let row = |name: &str, count| (name.to_owned(), count);
    assert_eq!(all.all(&f.db).await?, [row("rust", 7), row("Ada", 2), row("Bob", 1)]);
    Ok(())
}

pub async fn a_set_is_a_list_for_another_query<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let authors = Post::query().select(Post::author_id);
    let young = User::filter(User::age.lt(30)).select(User::id);
    let either = User::filter(User::id.in_(authors.clone().union(young.clone()))).count(&f.db).await?;
    let neither = User::filter(User::id.not_in(authors.union(young))).count(&f.db).await?;
    assert_eq!((either, neither), (3, 0));
    Ok(())
}

pub async fn rows_of_a_model_stay_rows_of_it<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, ..) = people(&f.db).await?;
    let tag = Tag::create().name("rust").insert(&f.db).await?;
    let post = Post::filter(Post::title.eq("Notes")).one(&f.db).await?;
    PostTag::create().post_id(post.id).tag_id(tag.id).insert(&f.db).await?;
    let old = || User::filter(User::age.gt(30));
    let active = || User::filter(User::active);
    f.log.take();
    let users = old().union(active()).include(User::posts).order_by(User::name.asc()).all(&f.db).await?;
    assert_eq!(f.log.take().len(), 2, "one query for the set and one for the posts");
    assert_eq!(users.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["Ada", "Bob"]);
    assert_eq!(users[0].posts.get()?.len(), 2);
    let only = active().except(old()).filter(User::name.starts_with("B"));
    assert_eq!(only.select(User::name).all(&f.db).await?, ["Bob"]);
    let writers = active().intersect(User::filter(User::posts.any(Post::score.gt(4))));
    assert_eq!(writers.clone().one(&f.db).await?, ada);
    let titles = writers.join(User::posts).order_by(Post::score.asc()).select(Post::title);
    assert_eq!(titles.all(&f.db).await?, ["Engines", "Notes"]);
    let total = old().union_all(active()).group_by(User::name).select(|name| (name, count_all()));
    let total = total.order_by(User::name.asc()).all(&f.db).await?;
    assert_eq!(total, [("Ada".to_owned(), 2), ("Bob".to_owned(), 1)]);
    let page = old().union(active()).order_by(User::id.asc()).page(&f.db, 2, 1).await?;
    assert_eq!((page.items[0].name.as_str(), page.total), ("Bob", 2));
    Ok(())
}

pub async fn a_set_names_the_rows_of_a_write<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let both = || Post::filter(Post::score.eq(1)).union(Post::filter(Post::score.eq(5)));
    let error = Post::query().union(both()).delete().exec(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unfiltered);
    assert_eq!(both().update().set(Post::title, "seen").exec(&f.db).await?, 2);
    let none = both().intersect(Post::filter(Post::score.eq(3)));
    assert_eq!(none.delete().exec(&f.db).await?, 0);
    let old = || User::filter(User::age.gt(30));
    // Bob has no age: that takes him out of nothing.
    let others = User::filter(User::id.gt(0)).except(old()).update().set(User::name, "other");
    assert_eq!(others.exec(&f.db).await?, 2);
    assert_eq!(old().select(User::name).all(&f.db).await?, ["Ada"]);
    assert_eq!(both().filter(Post::title.eq("seen")).delete().exec(&f.db).await?, 2);
    assert_eq!(Post::query().select(Post::title).all(&f.db).await?, ["Engines"]);
    Ok(())
}
