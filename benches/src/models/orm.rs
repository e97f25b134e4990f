//! This library, over any database.

use anyhow::Result;
use futures_util::future::try_join_all;
use orm::backend::Database;
use orm::prelude::*;
use orm_bench_cases::{Content, Digest, Library, NewUser, tables};

#[derive(Debug, Clone, Model)]
#[orm(table = "users")]
pub struct User {
    #[orm(primary_key, auto)]
    id: i64,
    name: String,
    hair_color: Option<String>,
    posts: HasMany<Post>,
}

#[derive(Debug, Clone, Model)]
#[orm(table = "posts")]
pub struct Post {
    #[orm(primary_key, auto)]
    id: i64,
    #[orm(index)]
    user_id: i64,
    title: String,
    body: Option<String>,
    #[orm(foreign_key = user_id)]
    user: BelongsTo<User>,
    comments: HasMany<Comment>,
}

#[derive(Debug, Clone, Model)]
#[orm(table = "comments")]
pub struct Comment {
    #[orm(primary_key, auto)]
    id: i64,
    #[orm(index)]
    post_id: i64,
    text: String,
    #[orm(foreign_key = post_id)]
    post: BelongsTo<Post>,
}

tables!(User, Post, Comment);

/// Users with their posts with their comments.
pub struct Trees(Vec<User>);

impl Content for Trees {
    fn add_to(&self, digest: &mut Digest) {
        for user in &self.0 {
            user.add_to(digest);
            for post in user.posts.get().expect("included") {
                post.add_to(digest);
                for comment in post.comments.get().expect("included") {
                    comment.add_to(digest);
                }
            }
        }
    }
}

/// How a database is opened.
pub trait Connect {
    type Db: Database;

    /// Opens it.
    // Nobody sends these futures to another thread.
    #[allow(async_fn_in_trait)]
    async fn connect(place: &str) -> Result<Self::Db>;
}

/// An open database.
pub struct Orm<C: Connect> {
    db: C::Db,
}

impl<C: Connect> Library for Orm<C> {
    const NAME: &'static str = "orm";
    type User = User;
    type Pair = (User, Option<Post>);
    type Trees = Trees;

    async fn open(place: &str) -> Result<Self> {
        Ok(Orm { db: C::connect(place).await? })
    }

    async fn select(&mut self) -> Result<Vec<User>> {
        Ok(User::query().all(&self.db).await?)
    }

    async fn filtered_join(&mut self) -> Result<Vec<Self::Pair>> {
        let pairs = User::query()
            .left_join(User::posts)
            .filter(User::hair_color.eq("black"))
            .select((whole::<User>(), whole::<Post>()));
        Ok(pairs.all(&self.db).await?)
    }

    async fn nested(&mut self) -> Result<Trees> {
        Ok(Trees(User::query().include(User::posts.include(Post::comments)).all(&self.db).await?))
    }

    async fn by_key(&mut self, id: i64) -> Result<User> {
        Ok(User::find(id).one(&self.db).await?)
    }

    async fn concurrent(&mut self, keys: &[i64]) -> Result<Vec<User>> {
        Ok(try_join_all(keys.iter().map(|id| User::find(*id).one(&self.db))).await?)
    }

    async fn insert(&mut self, users: &[NewUser]) -> Result<()> {
        let rows =
            users.iter().map(|user| User::create().name(&user.name).hair_color(user.hair_color.clone()));
        self.db.transaction(async |tx| User::insert_many(rows).exec(tx).await).await?;
        Ok(())
    }

    async fn clear(&mut self) -> Result<()> {
        User::query().delete().all_rows().exec(&self.db).await?;
        Ok(())
    }
}
