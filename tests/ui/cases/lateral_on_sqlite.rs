include!("models.inc");

async fn best(db: &Sqlite) -> orm::Result<Vec<(String, String)>> {
    let best = Post::query().correlate::<User>().filter(Post::author_id.eq(User::id)).limit(3);
    User::query().join_lateral(best).select((User::name, Post::title)).all(db).await
}

fn main() {}
