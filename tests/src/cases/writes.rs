//! Writing.

use orm::backend::{Backend, Supports, capabilities::InsertSelect};
use orm::prelude::*;
use orm::write::insert_from;
use orm::{ErrorKind, Result};
use uuid::Uuid;

use super::{people, post};
use crate::Fixture;
use crate::models::{Label, Order, Post, Tag, User};

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
        User::insert_many(rows).returning(&f.db).await?.iter().map(|user| user.active).collect();
    assert_eq!(active, [false, true, false]);
    Ok(())
}

pub async fn many_rows_come_back_in_order_with_keys<D: Database>(f: &Fixture<D>) -> Result<()> {
    let rows = (0..f.many).map(|number| Tag::create().name(format!("tag {number}")));
    let tags = Tag::insert_many(rows).returning(&f.db).await?;
    assert_eq!(tags.len(), f.many);
    assert!(tags.iter().enumerate().all(|(number, tag)| tag.name == format!("tag {number}")));
    assert!(tags.windows(2).all(|pair| pair[0].id < pair[1].id));
    assert_eq!(Tag::query().count(&f.db).await?, f.many as u64);
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

pub async fn many_rows_are_changed_each_in_its_own_way<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, bob, cid) = people(&f.db).await?;
    f.log.take();
    let changes = [ada.update().name("A").age(None), cid.update().age(7).name("it's C")];
    let changed = User::update_many(changes).returning(&f.db).await?;
    let sent = f.log.take().iter().filter(|text| text.to_ascii_uppercase().contains("UPDATE")).count();
    if D::Backend::updates_rows(f.db.handle().session()) {
        assert_eq!(sent, 1);
    }
    let found: Vec<_> = changed.iter().map(|user| (user.id, user.name.as_str(), user.age)).collect();
    assert_eq!(found, [(ada.id, "A", None), (cid.id, "it's C", Some(7))], "in the order of the input");
    assert_eq!(changed[0].email, ada.email);

    // Other columns are another statement.
    let changes = [bob.update().age(1), ada.update().active(true), cid.update().active(true)];
    let changed = User::update_many(changes).returning(&f.db).await?;
    assert_eq!((changed[0].age, changed[1].name.as_str(), changed[2].active), (Some(1), "A", true));

    // Whole rows: the version is checked and grows.
    let mut posts = Post::query().order_by(Post::id.asc()).all(&f.db).await?;
    posts.iter_mut().for_each(|post| post.title += "!");
    assert_eq!(Post::update_many(&posts).exec(&f.db).await?, 3);
    let now = Post::query().order_by(Post::id.asc()).all(&f.db).await?;
    assert!(now.iter().zip(&posts).all(|(now, then)| now.title == then.title && now.lock == then.lock + 1));

    let many = f.many.min(3000);
    let tags: Vec<_> = (0..many).map(|number| Tag::create().name(format!("{number}"))).collect();
    let tags = Tag::insert_many(tags).returning(&f.db).await?;
    let changes = tags.iter().map(|tag| tag.update().name(format!("new {}", tag.name)));
    assert_eq!(Tag::update_many(changes).exec(&f.db).await?, many as u64);
    assert_eq!(Tag::filter(Tag::name.starts_with("new ")).count(&f.db).await?, many as u64);
    f.log.take();
    assert_eq!(Tag::update_many(std::iter::empty::<&Tag>()).exec(&f.db).await?, 0);
    assert!(f.log.take().is_empty());
    Ok(())
}

pub async fn rows_changed_together_are_changed_all_or_none<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, bob, _) = people(&f.db).await?;
    let posts = Post::query().order_by(Post::id.asc()).all(&f.db).await?;
    posts[1].update().title("meanwhile").save(&f.db).await?;
    let error =
        Post::update_many(posts.iter().map(|post| post.update().score(99))).exec(&f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Stale, Some("Post")));
    assert_eq!(Post::filter(Post::score.eq(99)).count(&f.db).await?, 0);

    bob.delete(&f.db).await?;
    let error = User::update_many([ada.update().name("x"), bob.update().name("y")])
        .returning(&f.db)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(User::find(ada.id).one(&f.db).await?.name, "Ada");
    let error = User::update_many([&ada, &ada]).exec(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
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
    let changed = User::filter(User::posts.is_empty()).update().set(User::age, None).exec(&f.db).await?;
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
    assert_eq!(User::filter(User::posts.is_empty()).delete().exec(&f.db).await?, 1);
    assert_eq!(User::filter(User::name.eq("Nobody")).delete().exec(&f.db).await?, 0);
    assert_eq!(User::query().count(&f.db).await?, 2);
    Ok(())
}

pub async fn a_delete_without_filter_is_refused<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    assert_eq!(Post::query().delete().exec(&f.db).await.unwrap_err().kind(), ErrorKind::Unfiltered);
    assert_eq!(Post::query().delete().all_rows().exec(&f.db).await?, 3);
    Ok(())
}

pub async fn a_limit_chooses_from_every_row_only_if_that_is_said<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let oldest = || Post::query().order_by(Post::id.asc()).limit(1);
    let titles = || Post::query().order_by(Post::id.asc()).select(Post::title);
    let before = titles().all(&f.db).await?;
    let error = oldest().delete().exec(&f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.message().contains("every row")), (ErrorKind::Unfiltered, false));
    assert_eq!(oldest().delete().all_rows().exec(&f.db).await?, 1);
    assert_eq!(titles().all(&f.db).await?, before[1..]);
    Ok(())
}

pub async fn an_upsert_updates_the_chosen_columns<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, _, _) = people(&f.db).await?;
    let row = User::create().email("ada@x.org").name("Ada II").age(1);
    let after = User::upsert(row).on(User::email).update(User::name).returning(&f.db).await?;
    assert_eq!((after.id, after.name.as_str(), after.age), (ada.id, "Ada II", Some(36)));
    let row = User::create().email("ada@x.org").name("Ada III");
    assert!(User::upsert(row).on(User::email).do_nothing().returning(&f.db).await?.is_none());
    let row = User::create().email("new@x.org").name("New");
    assert_eq!(User::upsert(row).on(User::email).update_all().returning(&f.db).await?.name, "New");
    Ok(())
}

pub async fn an_upsert_counts_the_row_that_it_writes<D: Database>(f: &Fixture<D>) -> Result<()> {
    let row = |name: &str| User::create().email("ada@x.org").name(name);
    assert_eq!(User::upsert(row("Ada")).on(User::email).do_nothing().exec(&f.db).await?, 1);
    assert_eq!(User::upsert(row("Eve")).on(User::email).do_nothing().exec(&f.db).await?, 0);
    assert_eq!(User::upsert(row("Ada II")).on(User::email).exec(&f.db).await?, 1);
    assert_eq!(User::upsert(row("Ada II")).on(User::email).exec(&f.db).await?, 1);
    let names: Vec<String> = User::query().select(User::name).all(&f.db).await?;
    assert_eq!(names, ["Ada II"]);
    Ok(())
}

pub async fn an_upsert_leaves_alone_what_nobody_set<D: Database>(f: &Fixture<D>) -> Result<()> {
    // The program makes a key and a token for the new row; that there is a row is told by what was set, and that changes.
    let upsert = || Label::upsert(Label::create().text("x"));
    let first = upsert().returning(&f.db).await?;
    assert_eq!(upsert().returning(&f.db).await?, first);
    assert_eq!(upsert().update_all().returning(&f.db).await?, first);
    let token = Uuid::from_u128(7);
    let changed = Label::upsert(Label::create().text("x").token(token)).returning(&f.db).await?;
    assert_eq!((changed.code, changed.token), (first.code, token));
    Ok(())
}

pub async fn deleting_a_parent_cascades_to_children<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, _, _) = people(&f.db).await?;
    assert_eq!(User::filter(User::id.eq(ada.id)).delete().exec(&f.db).await?, 1);
    assert_eq!(Post::query().count(&f.db).await?, 1);
    Ok(())
}

pub async fn an_update_gives_back_its_rows<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let best = Post::filter(Post::score.ge(3)).include(Post::author);
    let mut changed = best.update().set(Post::score, Post::score * 2).returning(&f.db).await?;
    changed.sort_by_key(|post| post.id);
    assert_eq!(changed.iter().map(|post| post.score).collect::<Vec<_>>(), [6, 10]);
    assert_eq!(changed[0].author.get()?.name, "Ada");
    assert_eq!(changed[0].lock, 1, "each row has a new version");
    Ok(())
}

pub async fn a_delete_gives_back_its_rows<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let gone = Post::filter(Post::title.eq("Notes")).delete().returning(&f.db).await?;
    assert_eq!(gone.iter().map(|post| (&*post.title, post.score)).collect::<Vec<_>>(), [("Notes", 5)]);
    assert_eq!(Post::query().count(&f.db).await?, 2);
    assert_eq!(gone[0].delete(&f.db).await.unwrap_err().kind(), ErrorKind::Stale);
    let tag = Tag::create().name("x").insert(&f.db).await?;
    tag.delete(&f.db).await?;
    let error = tag.delete(&f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::NotFound, Some("Tag")));
    let with = Post::filter(Post::score.gt(0)).include(Post::author).delete();
    let error = with.returning(&f.db).await.unwrap_err();
    assert_eq!(error.message(), "deleted rows cannot load their relations");
    assert_eq!(Post::query().count(&f.db).await?, 2);
    Ok(())
}

pub async fn an_insert_of_many_gives_back_keys<D: Database>(f: &Fixture<D>) -> Result<()> {
    let keys = Tag::insert_many(["b", "a"].map(|name| Tag::create().name(name))).keys(&f.db).await?;
    let tags = Tag::query().order_by(Tag::id.asc()).all(&f.db).await?;
    assert_eq!(
        tags.iter().map(|tag| (tag.id, &*tag.name)).collect::<Vec<_>>(),
        [(keys[0], "b"), (keys[1], "a")]
    );
    assert!(Tag::insert_many([Tag::create().name("c")].into_iter().take(0)).keys(&f.db).await?.is_empty());
    let user = || User::create().email("x").name("x").posts([Post::create().title("t").score(0)]);
    assert_eq!(User::insert_many([user()]).keys(&f.db).await.unwrap_err().kind(), ErrorKind::Usage);
    let ignoring = User::insert_many([user()]).on_conflict_do_nothing().exec(&f.db).await;
    assert_eq!(ignoring.unwrap_err().kind(), ErrorKind::Usage);
    assert_eq!(User::query().count(&f.db).await?, 0);
    Ok(())
}

pub async fn rows_are_inserted_from_a_query<D: Database>(f: &Fixture<D>) -> Result<()>
where
    D::Backend: Supports<InsertSelect>,
{
    people(&f.db).await?;
    let names = || User::query().order_by(User::id.asc()).select(User::name);
    let tags = insert_from::<Tag, _, _, _, _, _>(names().limit(2), Tag::name).returning(&f.db).await?;
    assert_eq!(tags.iter().map(|tag| &*tag.name).collect::<Vec<_>>(), ["Ada", "Bob"]);
    let again = insert_from::<Tag, _, _, _, _, _>(names(), Tag::name).exec(&f.db).await.unwrap_err();
    assert_eq!((again.kind(), again.model()), (ErrorKind::Unique, Some("Tag")));
    let more = User::query().select((User::name, User::id, User::age.coalesce(0)));
    let posts = insert_from::<Post, _, _, _, _, _>(more, (Post::title, Post::author_id, Post::score));
    assert_eq!(posts.exec(&f.db).await?, 3);
    assert_eq!(Post::filter(Post::title.eq("Cid")).one(&f.db).await?.score, 20);
    let orders = insert_from::<Order, _, _, _, _, _>(names(), Order::customer_code);
    let error = orders.exec(&f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Usage, &["id".to_owned()][..]));
    Ok(())
}
