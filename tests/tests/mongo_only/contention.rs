//! Many writers of the same documents.

use orm::prelude::*;
use orm_tests::models::{Post, Tag, User};

use super::{fresh, users};

/// Runs as many of a write at once, on one handle.
async fn together<F: Future<Output = orm::Result<()>> + Send + 'static>(
    count: usize,
    write: impl Fn(usize) -> F,
) -> Vec<orm::Result<()>> {
    let tasks: Vec<_> = (0..count).map(|number| tokio::spawn(write(number))).collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_that_conflict_are_tried_again_until_they_are_through() {
    let db = fresh().await;
    users(&db).await;
    User::query().update().set(User::age, 0).all_rows().exec(&db).await.unwrap();
    let results = together(40, |_| {
        let db = db.clone();
        async move {
            // Several rows: a transaction of its own.
            User::filter(User::name.ne("")).update().set(User::age, User::age + 1).exec(&db).await.map(drop)
        }
    })
    .await;
    assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|result| result.is_err()));
    let ages: Vec<Option<i32>> = User::query().select(User::age).all(&db).await.unwrap();
    assert_eq!(ages, [Some(40); 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_row_that_many_upsert_is_there_once() {
    let db = fresh().await;
    let results = together(24, |number| {
        let db = db.clone();
        async move {
            let row = Tag::create().name("news");
            match number % 2 {
                0 => Tag::upsert(row).on(Tag::name).returning(&db).await.map(drop),
                _ => Tag::insert_many([row]).on_conflict_do_nothing().exec(&db).await.map(drop),
            }
        }
    })
    .await;
    assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|result| result.is_err()));
    assert_eq!(Tag::query().count(&db).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_of_one_parent_are_written_and_deleted_at_once() {
    let db = fresh().await;
    users(&db).await;
    let results = together(24, |number| {
        let db = db.clone();
        async move {
            let post = Post::create().title(format!("{number}")).score(0).author_id(1).insert(&db).await?;
            Post::filter(Post::id.eq(post.id)).delete().exec(&db).await.map(drop)
        }
    })
    .await;
    assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|result| result.is_err()));
    assert_eq!(Post::query().count(&db).await.unwrap(), 0);
}
