//! Users, posts and tags in a database file: `cargo run -p quickstart`.

use comfy_table::Table;
use orm::prelude::*;

#[derive(Debug, Clone, Model)]
#[orm(table = "users")]
pub struct User {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(unique, max_len = 320)]
    pub email: String,
    pub name: String,
    pub age: Option<i32>,
    pub posts: HasMany<Post>,
}

#[derive(Debug, Clone, Model)]
pub struct Post {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub title: String,
    #[orm(index, on_delete = cascade)]
    pub author_id: i64,
    #[orm(foreign_key = author_id)]
    pub author: BelongsTo<User>,
    #[orm(through = PostTag)]
    pub tags: ManyToMany<Tag>,
}

#[derive(Debug, Clone, Model)]
pub struct Tag {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(unique)]
    pub name: String,
}

#[derive(Debug, Clone, Model)]
#[orm(primary_key(post_id, tag_id))]
pub struct PostTag {
    pub post_id: i64,
    pub tag_id: i64,
    #[orm(foreign_key = post_id, on_delete = cascade)]
    pub post: BelongsTo<Post>,
    #[orm(foreign_key = tag_id, on_delete = cascade)]
    pub tag: BelongsTo<Tag>,
}

orm::schema!(pub AppSchema: User, Post, Tag, PostTag);

#[tokio::main(flavor = "current_thread")]
async fn main() -> orm::Result<()> {
    let file = std::env::temp_dir().join(format!("orm-quickstart-{}.db", std::process::id()));
    let db = Sqlite::connect(&file).await?;
    AppSchema::create_all(&db).await?;

    // A transaction: all of it or nothing.
    db.transaction(async |tx| {
        let ada = User::create().email("ada@example.org").name("Ada").age(36).insert(tx).await?;
        let bob = User::create().email("bob@example.org").name("Bob").insert(tx).await?;
        let rust = Tag::create().name("rust").insert(tx).await?;
        for (author, title) in [(&ada, "On engines"), (&ada, "Notes"), (&bob, "Hello")] {
            let post = Post::create().title(title).author_id(author.id).insert(tx).await?;
            PostTag::create().post_id(post.id).tag_id(rust.id).insert(tx).await?;
        }
        Ok(())
    })
    .await?;

    // Users with their posts and the posts' tags: three queries, however many users there are.
    let users =
        User::query().order_by(User::name.asc()).include(User::posts.include(Post::tags)).all(&db).await?;
    let mut table = Table::new();
    table.set_header(["user", "post", "tags"]);
    for user in &users {
        for post in user.posts.get()? {
            let tags: Vec<_> = post.tags.get()?.iter().map(|tag| tag.name.as_str()).collect();
            table.add_row([user.name.as_str(), &post.title, &tags.join(", ")]);
        }
    }
    println!("{table}");

    // An aggregate per group.
    let counts: Vec<(String, i64)> = User::query()
        .join(User::posts)
        .group_by(User::name)
        .select(|name| (name, Post::id.count()))
        .having(Post::id.count().gt(1))
        .all(&db)
        .await?;
    println!("with more than one post: {counts:?}");

    // A typed error.
    let twice = User::create().email("ada@example.org").name("Imposter").insert(&db).await;
    if let Err(error) = twice {
        println!("{}: {error}", error.kind());
    }
    db.close().await;
    let _ = std::fs::remove_file(&file);
    Ok(())
}
