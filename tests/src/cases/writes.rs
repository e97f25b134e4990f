//! Writing.

use orm::prelude::*;
use orm::{ErrorKind, Result};

use super::{people, post};
use crate::Fixture;
use crate::models::{Post, Tag, User};

pub async fn insert_returns_the_row_with_its_key<D: Database>(f: &Fixture<D>) -> Result<()> {
    let ada = User::create().email("ada@x.org").name("Ada").insert(&f.db).await?;
    assert!(ada.id > 0);
    assert_eq!(User::find(ada.id).one(&f.db).await?, ada);
    Ok(())
}

pub async fn defaults_are_applied_by_the_database<D: Database>(f: &Fixture<D>) -> Result<()> {
    let ada = User::create().email("ada@x.org").name("Ada").insert(&f.db).await?;
    assert!(ada.active);
    let rows = [
        User::create().email("1").name("one").active(false),
        User::create().email("2").name("two"),
        User::create().email("3").name("three").active(false),
    ];
    let active: Vec<bool> =
        User::insert_many(rows).all(&f.db).await?.iter().map(|user| user.active).collect();
    assert_eq!(active, [false, true, false]);
    Ok(())
}

pub async fn many_rows_come_back_in_order_with_keys<D: Database>(f: &Fixture<D>) -> Result<()> {
    let rows = (0..10_000).map(|number| Tag::create().name(format!("tag {number}")));
    let tags = Tag::insert_many(rows).all(&f.db).await?;
    assert_eq!(tags.len(), 10_000);
    assert!(tags.iter().enumerate().all(|(number, tag)| tag.name == format!("tag {number}")));
    assert!(tags.windows(2).all(|pair| pair[0].id < pair[1].id));
    assert_eq!(Tag::query().count(&f.db).await?, 10_000);
    f.log.take();
    let none = (0..0).map(|number| Tag::create().name(format!("{number}")));
    assert_eq!(Tag::insert_many(none).exec(&f.db).await?, 0);
    assert!(f.log.take().is_empty());
    Ok(())
}

pub async fn an_update_sends_changed_columns_only<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, _, _) = people(&f.db).await?;
    f.log.take();
    let changed = ada.update().name("Ada L.").age(None).save(&f.db).await?;
    assert_eq!((changed.name.as_str(), changed.age), ("Ada L.", None));
    let sent = f.log.take();
    assert!(sent.iter().all(|text| !text.contains("email") || text.contains("RETURNING")), "{sent:?}");
    assert_eq!(User::find(ada.id).one(&f.db).await?, changed);
    Ok(())
}

pub async fn a_stale_row_is_not_overwritten<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, _, _) = people(&f.db).await?;
    let first = post(&f.db, &ada, "draft", 0).await?;
    let second = first.clone();
    let saved = first.update().title("first wins").save(&f.db).await?;
    assert_eq!(saved.lock, first.lock + 1);
    let error = second.update().title("second loses").save(&f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Stale, Some("Post")));
    assert_eq!(Post::find(first.id).one(&f.db).await?.title, "first wins");
    Ok(())
}

pub async fn a_set_based_update_uses_expressions<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let changed =
        Post::filter(Post::score.ge(3)).update().set(Post::score, Post::score + 10).exec(&f.db).await?;
    assert_eq!(changed, 2);
    let scores: Vec<i32> = Post::query().order_by(Post::id.asc()).select(Post::score).all(&f.db).await?;
    assert_eq!(scores, [13, 15, 1]);
    let changed = User::filter(User::posts.none()).update().set(User::age, None).exec(&f.db).await?;
    assert_eq!(changed, 1);
    Ok(())
}

pub async fn an_update_without_filter_is_refused<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let error = Post::query().update().set(Post::score, 0).exec(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unfiltered);
    assert_eq!(Post::query().update().set(Post::score, 0).all_rows().exec(&f.db).await?, 3);
    Ok(())
}

pub async fn a_set_based_delete_counts_its_rows<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    assert_eq!(User::filter(User::posts.none()).delete(&f.db).await?, 1);
    assert_eq!(User::filter(User::name.eq("Nobody")).delete(&f.db).await?, 0);
    assert_eq!(User::query().count(&f.db).await?, 2);
    Ok(())
}

pub async fn a_delete_without_filter_is_refused<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    assert_eq!(Post::query().delete(&f.db).await.unwrap_err().kind(), ErrorKind::Unfiltered);
    assert_eq!(Post::query().into_delete().all_rows().exec(&f.db).await?, 3);
    Ok(())
}

pub async fn an_upsert_updates_the_chosen_columns<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, _, _) = people(&f.db).await?;
    let row = User::create().email("ada@x.org").name("Ada II").age(1);
    let after = User::upsert(row).on(User::email).update(User::name).insert(&f.db).await?;
    assert_eq!((after.id, after.name.as_str(), after.age), (ada.id, "Ada II", Some(36)));
    let row = User::create().email("ada@x.org").name("Ada III");
    assert!(User::upsert(row).on(User::email).do_nothing().insert_or_ignore(&f.db).await?.is_none());
    let row = User::create().email("new@x.org").name("New");
    assert_eq!(User::upsert(row).on(User::email).update_all().insert(&f.db).await?.name, "New");
    Ok(())
}

pub async fn deleting_a_parent_cascades_to_children<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, _, _) = people(&f.db).await?;
    assert_eq!(User::filter(User::id.eq(ada.id)).delete(&f.db).await?, 1);
    assert_eq!(Post::query().count(&f.db).await?, 1);
    Ok(())
}
