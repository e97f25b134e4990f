//! Operations that are dropped before they end: what was begun happens whole or not at all, and the handle serves on.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use orm::Result;
use orm::backend::Supports;
use orm::backend::capabilities::{InsertSelect, RawSql, Savepoints};
use orm::prelude::*;
use orm::write::insert_from;

use crate::cases::people;
use crate::models::{Comment, Post, PostTag, Tag, TestSchema, User};

/// Polls a future a number of times and drops it.
pub struct Few<F> {
    future: Pin<Box<F>>,
    left: u32,
}

impl<F> Few<F> {
    /// The future, to be polled so many times.
    pub fn polls(left: u32, future: F) -> Self {
        Few { future: Box::pin(future), left }
    }
}

impl<F: Future> Future for Few<F> {
    type Output = Option<F::Output>;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        self.future.as_mut().poll(context).map(Some)
    }
}

type Operation<D> = for<'a> fn(&'a D) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

macro_rules! operations {
    ($($name:literal: |$db:ident| $body:expr;)*) => {
        [$(($name, |$db| Box::pin(async move { $body; Ok(()) }))),*]
    };
}

async fn ada<D: Database>(db: &D) -> Result<User> {
    User::filter(User::email.eq("ada@x.org")).one(db).await
}

async fn notes<D: Database>(db: &D) -> Result<Post> {
    Post::filter(Post::title.eq("Notes")).one(db).await
}

async fn tag<D: Database>(db: &D, name: &str) -> Result<Tag> {
    Tag::filter(Tag::name.eq(name)).one(db).await
}

fn reads<D: Database>() -> Vec<(&'static str, Operation<D>)>
where
    D::Backend: Supports<RawSql>,
{
    let operations: [(&'static str, Operation<D>); 16] = operations! {
        "all": |db| User::query().include(User::posts).all(db).await?;
        "first": |db| User::query().first(db).await?;
        "one": |db| ada(db).await?;
        "find": |db| User::find(1).optional(db).await?;
        "count": |db| User::query().count(db).await?;
        "exists": |db| User::query().exists(db).await?;
        "page": |db| User::query().order_by(User::id.asc()).page(db, 1, 2).await?;
        "keyset page": |db| User::query().order_by(User::id.asc()).keyset(2).page(db).await?;
        "stream": |db| { let rows: Vec<_> = User::query().stream(db).collect().await; rows };
        "for_each": |db| User::query().for_each(db, |_| Ok(())).await?;
        "union": |db| User::query().union(User::filter(User::active)).all(db).await?;
        "load": |db| ada(db).await?.load(User::posts, db).await?;
        "load of a slice": |db| User::query().all(db).await?.load(User::posts, db).await?;
        "handle": |db| User::posts.of(&ada(db).await?).all(db).await?;
        "explain": |db| User::query().explain(db).await?;
        "sql": |db| sql::<String>("SELECT name FROM users").all(db).await?;
    };
    operations.into()
}

fn writes<D: Database>() -> Vec<(&'static str, Operation<D>)>
where
    D::Backend: Supports<InsertSelect> + Supports<RawSql>,
{
    let operations: [(&'static str, Operation<D>); 25] = operations! {
        "insert": |db| User::create().email("new").name("New").insert(db).await?;
        "insert_many": |db| {
            let rows = (0..3).map(|n| User::create().email(format!("{n}")).name("New"));
            User::insert_many(rows).returning(db).await?
        };
        "insert_many in pieces": |db| {
            let rows = (0..4).map(|n| {
                let row = Tag::create().name(format!("{n}"));
                if n % 2 == 0 { row.id(1000 + n) } else { row }
            });
            Tag::insert_many(rows).exec(db).await?
        };
        "insert with children": |db| {
            let posts = ["x", "y"].map(|title| Post::create().title(title).score(1).tags([Tag::create().name(title)]));
            User::create().email("new").name("New").posts(posts).insert(db).await?
        };
        "upsert": |db| {
            let row = User::create().email("ada@x.org").name("Ada II");
            User::upsert(row).on(User::email).update(User::name).returning(db).await?
        };
        "insert_from": |db| {
            insert_from::<Tag, _, _, _, _, _>(User::query().select(User::name), Tag::name).exec(db).await?
        };
        "update of a row": |db| ada(db).await?.update().name("A").save(db).await?;
        "save": |db| { let mut post = notes(db).await?; post.title = "Saved".to_owned(); post.save(db).await? };
        "update": |db| User::filter(User::active).update().set(User::age, 7).exec(db).await?;
        "update returning": |db| User::filter(User::active).update().set(User::age, 7).returning(db).await?;
        "update_many": |db| {
            let users = User::query().order_by(User::id.asc()).all(db).await?;
            User::update_many(users.iter().map(|user| user.update().name(format!("{}!", user.id)))).returning(db).await?
        };
        "delete of a row": |db| ada(db).await?.delete(db).await?;
        "delete": |db| Post::filter(Post::score.gt(1)).delete().exec(db).await?;
        "delete returning": |db| Post::filter(Post::score.gt(1)).delete().returning(db).await?;
        "create by handle": |db| {
            User::posts.of(&ada(db).await?).create(Post::create().title("new").score(1), db).await?
        };
        "add by handle": |db| Post::tags.of(&notes(db).await?).add(&tag(db, "sql").await?, db).await?;
        "remove by handle": |db| Post::tags.of(&notes(db).await?).remove(&tag(db, "rust").await?, db).await?;
        "set by handle": |db| {
            let sql = tag(db, "sql").await?;
            Post::tags.of(&notes(db).await?).set([&sql], db).await?
        };
        "clear by handle": |db| Post::tags.of(&notes(db).await?).clear(db).await?;
        "sql that writes": |db| sql::<()>("UPDATE users SET name = 'X'").exec(db).await?;
        "transaction": |db| {
            db.transaction(async |tx| {
                Tag::create().name("one").insert(tx).await?;
                Tag::create().name("two").insert(tx).await
            })
            .await?
        };
        "transaction that fails": |db| {
            let failed = db.transaction(async |tx| {
                Tag::create().name("one").insert(tx).await?;
                Tag::find(-1).one(tx).await
            });
            assert!(failed.await.is_err())
        };
        "guard": |db| {
            let tx = db.begin().await?;
            Tag::create().name("one").insert(&tx).await?;
            tx.commit().await?
        };
        "guard rolled back": |db| {
            let tx = db.begin().await?;
            Tag::create().name("one").insert(&tx).await?;
            tx.rollback().await?
        };
        "create_all": |db| TestSchema::create_all(db).await?;
    };
    operations.into()
}

fn nested<D: Database>() -> Vec<(&'static str, Operation<D>)>
where
    D::Backend: Supports<Savepoints>,
{
    let operations: [(&'static str, Operation<D>); 1] = operations! {
        "nested transaction": |db| {
            db.transaction(async |tx| {
                Tag::create().name("one").insert(tx).await?;
                tx.transaction(async |tx| Tag::create().name("two").insert(tx).await).await
            })
            .await?
        };
    };
    operations.into()
}

/// Three people, their posts, two tags, one link.
async fn fill<D: Database>(db: &D) -> Result<()> {
    PostTag::query().delete().all_rows().exec(db).await?;
    Comment::query().delete().all_rows().exec(db).await?;
    Post::query().delete().all_rows().exec(db).await?;
    Tag::query().delete().all_rows().exec(db).await?;
    User::query().delete().all_rows().exec(db).await?;
    people(db).await?;
    let rust = Tag::create().name("rust").insert(db).await?;
    Tag::create().name("sql").insert(db).await?;
    PostTag::create().post_id(notes(db).await?.id).tag_id(rust.id).insert(db).await.map(drop)
}

/// All data without what counts on.
async fn state<D: Database>(db: &D) -> Result<String> {
    let users =
        User::query().order_by(User::id.asc()).select((User::email, User::name, User::age)).all(db).await?;
    // A name made of a key is the same as long as it is there.
    let users: Vec<_> =
        users.iter().map(|(email, name, age)| (email, name.ends_with('!'), name.len(), age)).collect();
    let posts =
        Post::query().order_by(Post::id.asc()).select((Post::title, Post::score, Post::lock)).all(db).await?;
    let tags = Tag::query().order_by(Tag::name.asc()).select(Tag::name).all(db).await?;
    let links =
        PostTag::query().join(PostTag::tag).order_by(Tag::name.asc()).select(Tag::name).all(db).await?;
    Ok(format!("{users:?}\n{posts:?}\n{tags:?}\n{links:?}"))
}

/// Drops every public operation after each number of polls, until it ends by itself. `clean` is asked after each whether the
/// server has nothing left open.
pub async fn every_operation<D: Database>(db: &D, clean: impl AsyncFn() -> Result<()>) -> Result<()>
where
    D::Backend: Supports<RawSql> + Supports<InsertSelect> + Supports<Savepoints>,
{
    let mut operations = reads::<D>();
    operations.extend(writes::<D>());
    operations.extend(nested::<D>());
    for (name, operation) in operations {
        fill(db).await?;
        let before = state(db).await?;
        operation(db).await?;
        let whole = state(db).await?;
        for polls in 0.. {
            fill(db).await?;
            let done = Few::polls(polls, operation(db)).await;
            // A statement that was under way at the drop may still take effect: it is cancelled, or too late for that.
            clean().await?;
            let after = state(db).await?;
            assert!(
                after == before || after == whole,
                "{name} after {polls} polls:\n{before}\n{whole}\n{after}"
            );
            if let Some(result) = done {
                result?;
                assert_eq!(after, whole, "{name}");
                break;
            }
            assert!(polls < 400, "{name} takes too long");
        }
    }
    Ok(())
}
