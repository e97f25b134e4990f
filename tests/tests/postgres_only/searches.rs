//! Full-text search, and texts put together.

use orm::postgres::ops::{SearchOps, TextOps};

use super::*;

#[tokio::test]
async fn text_is_searched_as_people_write_it() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    let ada = user(&db, "ada").await?;
    for title in ["The engines were running", "An engine", "Nothing of the kind"] {
        Post::create().title(title).score(1).author(&ada).insert(&db).await?;
    }
    let found = Post::query()
        .filter(Post::title.matches_search("english", "engine -running"))
        .select(Post::title.search_headline("english", "engine"))
        .all(&db)
        .await?;
    assert_eq!(found, ["An <b>engine</b>"]);
    let best = Post::query()
        .filter(Post::title.matches_search("english", "engine or kind"))
        .order_by(Post::title.search_rank("english", "kind").desc())
        .select(Post::title)
        .first(&db)
        .await?;
    assert_eq!(best.as_deref(), Some("Nothing of the kind"));
    let all = Post::query()
        .group_by(Post::author_id)
        .select(|id| (id, Post::title.lower().string_agg("|")))
        .one(&db)
        .await?;
    assert_eq!(all.1.as_deref(), Some("an engine|nothing of the kind|the engines were running"));
    Ok(())
}
