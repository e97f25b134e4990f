//! The cases, one module per topic.

pub mod aggregates;
pub mod arrays;
pub mod belongings;
pub mod bounds;
pub mod casts;
pub mod changes;
pub mod errors;
pub mod gate;
pub mod kept;
pub mod keys;
pub mod links;
pub mod orders;
pub mod pages;
pub mod queries;
pub mod raw_sql;
pub mod refusals;
pub mod relations;
pub mod schemas;
pub mod sets;
pub mod shapes;
pub mod singles;
pub mod subqueries;
pub mod transactions;
pub mod upserts;
pub mod values;
pub mod windows;
pub mod writes;

use orm::Result;
use orm::prelude::*;

use crate::models::{Post, User};

/// Ada (36, two posts), Bob (no age, one post), Cid (20, inactive, none).
pub(crate) async fn people(db: &impl Executor) -> Result<(User, User, User)> {
    let ada = User::create().email("ada@x.org").name("Ada").age(36).insert(db).await?;
    let bob = User::create().email("bob@x.org").name("Bob").insert(db).await?;
    let cid = User::create().email("cid@x.org").name("Cid").age(20).active(false).insert(db).await?;
    post(db, &ada, "Engines", 3).await?;
    post(db, &ada, "Notes", 5).await?;
    post(db, &bob, "Hello", 1).await?;
    Ok((ada, bob, cid))
}

pub(crate) async fn post(db: &impl Executor, author: &User, title: &str, score: i32) -> Result<Post> {
    Post::create().title(title).score(score).author_id(author.id).insert(db).await
}
