//! The routes.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use orm::prelude::*;
use orm::query::Cursor;
use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::models::{Article, Author, Comment, Headline};

type Answer<T> = Result<Json<T>, ApiError>;

/// The API over a database.
pub fn router<D: Database>(db: D) -> Router {
    Router::new()
        .route("/authors", get(authors::<D>).post(new_author::<D>))
        .route("/articles", get(articles::<D>).post(new_article::<D>))
        .route("/articles/{id}", get(article::<D>).put(change_article::<D>).delete(delete_article::<D>))
        .route("/articles/{id}/comments", axum::routing::post(new_comment::<D>))
        .route("/headlines", get(headlines::<D>))
        .with_state(db)
}

async fn authors<D: Database>(State(db): State<D>) -> Answer<Vec<Author>> {
    Ok(Json(Author::query().order_by(Author::name.asc()).all(&db).await?))
}

#[derive(Deserialize)]
struct NewAuthor {
    name: String,
}

async fn new_author<D: Database>(
    State(db): State<D>,
    Json(new): Json<NewAuthor>,
) -> Result<(StatusCode, Json<Author>), ApiError> {
    Ok((StatusCode::CREATED, Json(Author::create().name(new.name).insert(&db).await?)))
}

#[derive(Deserialize)]
struct PageQuery {
    after: Option<String>,
    size: Option<u64>,
}

#[derive(Serialize)]
struct Page {
    articles: Vec<Article>,
    next: Option<Cursor>,
}

/// The newest first; the cursor of one page is the way to the next.
async fn articles<D: Database>(State(db): State<D>, Query(page): Query<PageQuery>) -> Answer<Page> {
    let after = page.after.map(|text| text.parse()).transpose()?;
    let size = page.size.unwrap_or(20).clamp(1, 100);
    let newest = Article::query().order_by(Article::published_at.desc());
    let mut page = newest.keyset(size).after(after).page(&db).await?;
    page.items.load(Article::author, &db).await?;
    Ok(Json(Page { articles: page.items, next: page.next }))
}

async fn headlines<D: Database>(State(db): State<D>) -> Answer<Vec<Headline>> {
    let loudest = Article::query().order_by((Article::comment_count.desc(), Article::id.asc())).limit(10);
    Ok(Json(loudest.select_as::<Headline>().all(&db).await?))
}

#[derive(Deserialize)]
struct NewArticle {
    author_id: i64,
    title: String,
    body: String,
}

async fn new_article<D: Database>(
    State(db): State<D>,
    Json(new): Json<NewArticle>,
) -> Result<(StatusCode, Json<Article>), ApiError> {
    let article = Article::create().author_id(new.author_id).title(new.title).body(new.body);
    Ok((StatusCode::CREATED, Json(article.insert(&db).await?)))
}

async fn article<D: Database>(State(db): State<D>, Path(id): Path<i64>) -> Answer<Article> {
    let article = Article::find(id)
        .include(Article::author)
        .include(Article::comments.order_by(Comment::id.asc()))
        .one(&db)
        .await?;
    Ok(Json(article))
}

#[derive(Deserialize)]
struct ArticleChange {
    version: i32,
    title: String,
}

/// The version says what the client saw; if somebody was faster, that is a conflict.
async fn change_article<D: Database>(
    State(db): State<D>,
    Path(id): Path<i64>,
    Json(change): Json<ArticleChange>,
) -> Answer<Article> {
    let mut article = Article::find(id).one(&db).await?;
    article.version = change.version;
    Ok(Json(article.update().title(change.title).save(&db).await?))
}

async fn delete_article<D: Database>(
    State(db): State<D>,
    Path(id): Path<i64>,
) -> Result<StatusCode, ApiError> {
    Article::find(id).one(&db).await?.delete(&db).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct NewComment {
    text: String,
}

/// The comment and the count of the article, both or none.
async fn new_comment<D: Database>(
    State(db): State<D>,
    Path(id): Path<i64>,
    Json(new): Json<NewComment>,
) -> Result<(StatusCode, Json<Comment>), ApiError> {
    // The guard, since the database is a type parameter here; dropped on the way, it rolls back.
    let tx = db.begin().await?;
    let counted = Article::filter(Article::id.eq(id))
        .update()
        .set(Article::comment_count, Article::comment_count + 1)
        .exec(&tx)
        .await?;
    if counted == 0 {
        return Err(Error::new(ErrorKind::NotFound, "no such article").with_model("Article").into());
    }
    let comment = Comment::create().text(new.text).article_id(id).insert(&tx).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(comment)))
}
