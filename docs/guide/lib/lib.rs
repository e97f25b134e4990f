//! The chapters of the guide as documentation tests, and the models that they share.

use orm::prelude::*;

macro_rules! chapters {
    ($($name:ident)*) => {$(
        #[doc = include_str!(concat!("../src/", stringify!($name), ".md"))]
        pub mod $name {}
    )*};
}
chapters! { introduction start cheatsheet coming_from web testing existing cookbook compile_errors models types queries selecting windows relations writing transactions pages errors error_kinds sqlite postgres mongodb logging raw_sql capabilities }

/// The repository's front page; its program is a documentation test, too.
#[doc = include_str!("../../../README.md")]
pub mod readme {}

/// What each snippet has in scope.
pub mod prelude {
    pub use orm::prelude::*;
    pub use orm::{ErrorKind, Result};

    pub use crate::{Comment, GuideSchema, Post, PostTag, Profile, Tag, User, sample};
}

// ANCHOR: models
/// An author.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct User {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(unique, max_len = 320)]
    pub email: String,
    pub name: String,
    #[orm(default = true)]
    pub active: bool,
    pub age: Option<i32>,
    pub posts: HasMany<Post>,
    pub profile: HasOne<Profile>,
}

/// What a user says of themselves.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Profile {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub bio: String,
    #[orm(unique)]
    pub user_id: i64,
    #[orm(foreign_key = user_id, on_delete = cascade)]
    pub user: BelongsTo<User>,
}

/// What somebody wrote.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Post {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub title: String,
    pub score: i32,
    #[orm(index)]
    pub author_id: i64,
    #[orm(foreign_key = author_id, on_delete = cascade)]
    pub author: BelongsTo<User>,
    pub comments: HasMany<Comment>,
    #[orm(through = PostTag)]
    pub tags: ManyToMany<Tag>,
    #[orm(version)]
    pub lock: i32,
}

/// An answer to a post.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Comment {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub body: String,
    pub post_id: i64,
    #[orm(foreign_key = post_id, on_delete = cascade)]
    pub post: BelongsTo<Post>,
}

/// A word put on posts.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Tag {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(unique)]
    pub name: String,
    #[orm(through = PostTag)]
    pub posts: ManyToMany<Post>,
}

/// A tag on a post.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(primary_key(post_id, tag_id))]
pub struct PostTag {
    pub post_id: i64,
    pub tag_id: i64,
    #[orm(foreign_key = post_id, on_delete = cascade)]
    pub post: BelongsTo<Post>,
    #[orm(foreign_key = tag_id, on_delete = cascade)]
    pub tag: BelongsTo<Tag>,
}

orm::schema!(pub GuideSchema: User, Profile, Post, Comment, Tag, PostTag);
// ANCHOR_END: models

/// A database in memory: Ada (36, two posts, a profile), Bob (no age, one post), Cid (20, none).
pub async fn sample() -> orm::Result<Sqlite> {
    let db = Sqlite::memory().await?;
    GuideSchema::create_all(&db).await?;
    let post = |title: &str, score: i32| Post::create().title(title).score(score);
    User::create()
        .email("ada@example.org")
        .name("Ada")
        .age(36)
        .profile(Profile::create().bio("Countess"))
        .posts([
            post("Engines", 3)
                .tags([Tag::create().name("machines")])
                .comments([Comment::create().body("Fine!")]),
            post("Notes", 5),
        ])
        .insert(&db)
        .await?;
    User::create().email("bob@example.org").name("Bob").posts([post("Hello", 1)]).insert(&db).await?;
    User::create().email("cid@example.org").name("Cid").age(20).insert(&db).await?;
    Ok(db)
}
