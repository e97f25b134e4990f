//! A real client against the real server, on both databases.

use axum_blog::models::Blog;
use axum_blog::router;
use futures_util::future::{join_all, try_join_all};
use orm::prelude::*;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

struct Server {
    base: String,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

async fn serve(app: axum::Router) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        axum::serve(listener, app).with_graceful_shutdown(stopped).await.unwrap();
    });
    Server { base, stop, task }
}

async fn post(client: &Client, url: String, body: Value) -> (StatusCode, Value) {
    let answer = client.post(url).json(&body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn blog_under_load(app: axum::Router) {
    let Server { base, stop, task } = serve(app).await;
    let client = Client::new();

    let (status, ada) = post(&client, format!("{base}/authors"), json!({ "name": "Ada" })).await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, error) = post(&client, format!("{base}/authors"), json!({ "name": "Ada" })).await;
    assert_eq!(
        (status, &error["error"], &error["fields"][0]),
        (StatusCode::CONFLICT, &json!("Unique"), &json!("name"))
    );
    let orphan = json!({ "author_id": 999, "title": "t", "body": "b" });
    let (status, _) = post(&client, format!("{base}/articles"), orphan).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);

    // Fifty articles at once.
    let article = |number: u32| {
        let body = json!({ "author_id": ada["id"], "title": format!("Article {number}"), "body": "…" });
        post(&client, format!("{base}/articles"), body)
    };
    let made = join_all((0..50).map(article)).await;
    assert!(made.iter().all(|(status, _)| *status == StatusCode::CREATED));

    // Page by page, every article once.
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let url = format!("{base}/articles?size=7{after}");
        let page: Value = client.get(url).send().await.unwrap().json().await.unwrap();
        for article in page["articles"].as_array().unwrap() {
            assert_eq!(article["author"]["name"], "Ada");
            assert!(article.get("comments").is_none(), "not loaded, not there");
            seen.push(article["id"].as_i64().unwrap());
        }
        match page["next"].as_str() {
            Some(cursor) => after = format!("&after={cursor}"),
            None => break,
        }
    }
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((seen.len(), count), (50, 50));
    let answer = client.get(format!("{base}/articles?after=nonsense!")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);

    // Two hundred comments on one article at once: none is lost, and the count is right.
    let id = seen[0];
    let comment = |number: u32| {
        let client = client.clone();
        let url = format!("{base}/articles/{id}/comments");
        async move { Ok::<_, ()>(post(&client, url, json!({ "text": format!("Comment {number}") })).await.0) }
    };
    let statuses = try_join_all((0..200).map(comment)).await.unwrap();
    assert!(statuses.iter().all(|status| *status == StatusCode::CREATED));
    let whole: Value =
        client.get(format!("{base}/articles/{id}")).send().await.unwrap().json().await.unwrap();
    assert_eq!(whole["comment_count"], 200);
    assert_eq!(whole["comments"].as_array().unwrap().len(), 200);
    let (status, _) = post(&client, format!("{base}/articles/0/comments"), json!({ "text": "?" })).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let headlines: Value =
        client.get(format!("{base}/headlines")).send().await.unwrap().json().await.unwrap();
    assert_eq!((headlines[0]["id"].as_i64(), &headlines[0]["author"]["name"]), (Some(id), &json!("Ada")));

    // Of ten who change the same version, one succeeds.
    let version = whole["version"].clone();
    let change = |number: u32| {
        let body = json!({ "version": version, "title": format!("Title {number}") });
        let request = client.put(format!("{base}/articles/{id}")).json(&body);
        async move { request.send().await.unwrap().status() }
    };
    let statuses = join_all((0..10).map(change)).await;
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::OK).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::CONFLICT).count(), 9);

    let gone = client.delete(format!("{base}/articles/{id}")).send().await.unwrap().status();
    let again = client.delete(format!("{base}/articles/{id}")).send().await.unwrap().status();
    assert_eq!((gone, again), (StatusCode::NO_CONTENT, StatusCode::NOT_FOUND));

    // A request that is under way is answered although the server is told to stop.
    let last = tokio::spawn(client.get(format!("{base}/articles")).send());
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    stop.send(()).unwrap();
    assert_eq!(last.await.unwrap().unwrap().status(), StatusCode::OK);
    drop(client);
    tokio::time::timeout(std::time::Duration::from_secs(10), task).await.expect("it stops").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_blog_runs_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let db = Sqlite::connect(folder.path().join("blog.db")).await.unwrap();
    Blog::create_all(&db).await.unwrap();
    blog_under_load(router(db)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_blog_runs_on_postgresql() {
    let url = std::env::var("ORM_TEST_POSTGRES_URL")
        .expect("ORM_TEST_POSTGRES_URL names a PostgreSQL server; `cargo xtask test` starts one");
    let maker = Postgres::connect(&url).await.unwrap();
    maker.execute_batch("DROP SCHEMA IF EXISTS blog CASCADE; CREATE SCHEMA blog").await.unwrap();
    let db = Postgres::builder(&url).search_path("blog").connect().await.unwrap();
    Blog::create_all(&db).await.unwrap();
    blog_under_load(router(db)).await;
    maker.execute_batch("DROP SCHEMA blog CASCADE").await.unwrap();
}
