include!("models.inc");

async fn alone(db: &Sqlite) -> orm::Result<Vec<Post>> {
    Post::query().correlate::<User>().filter(Post::author_id.eq(User::id)).all(db).await
}

fn main() {}
