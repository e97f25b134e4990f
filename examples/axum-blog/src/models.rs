//! The models, which are the JSON, too.

use chrono::{DateTime, Utc};
use orm::prelude::*;
use serde::Serialize;

/// Somebody who writes.
#[derive(Debug, Clone, Model, Serialize)]
pub struct Author {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(unique, max_len = 80)]
    pub name: String,
    #[serde(default, skip_serializing_if = "HasMany::is_unloaded")]
    pub articles: HasMany<Article>,
}

/// What they wrote.
#[derive(Debug, Clone, Model, Serialize)]
#[orm(index(published_at, id))]
pub struct Article {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(max_len = 200)]
    pub title: String,
    pub body: String,
    #[orm(created_at)]
    pub published_at: DateTime<Utc>,
    #[orm(default = 0)]
    pub comment_count: i64,
    #[orm(index, on_delete = cascade)]
    pub author_id: i64,
    #[orm(foreign_key = author_id)]
    #[serde(default, skip_serializing_if = "BelongsTo::is_unloaded")]
    pub author: BelongsTo<Author>,
    #[serde(default, skip_serializing_if = "HasMany::is_unloaded")]
    pub comments: HasMany<Comment>,
    #[orm(version)]
    pub version: i32,
}

/// What others said of it.
#[derive(Debug, Clone, Model, Serialize)]
pub struct Comment {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub text: String,
    #[orm(index, on_delete = cascade)]
    pub article_id: i64,
    #[orm(foreign_key = article_id)]
    #[serde(default, skip_serializing_if = "BelongsTo::is_unloaded")]
    pub article: BelongsTo<Article>,
}

/// An article as a list shows it.
#[derive(Debug, Projection, Serialize)]
#[orm(model = Article)]
pub struct Headline {
    pub id: i64,
    pub title: String,
    pub comment_count: i64,
    #[orm(nested)]
    pub author: Byline,
}

/// Its author.
#[derive(Debug, Projection, Serialize)]
#[orm(model = Author)]
pub struct Byline {
    pub id: i64,
    pub name: String,
}

orm::schema!(pub Blog: Author, Article, Comment);
