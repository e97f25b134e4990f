include!("models.inc");

async fn rename(posts: Vec<Post>, db: &Sqlite) -> orm::Result<u64> {
    User::update_many(posts.iter().map(|post| post.update().score(1))).exec(db).await
}

fn main() {}
