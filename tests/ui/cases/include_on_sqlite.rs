include!("models.inc");

fn by_pattern(db: &Sqlite) {
    let posts = User::posts.filter(Post::title.matches_regex("^A")).order_by(Post::id.asc());
    let _ = User::query().include(posts).all(db);
}

fn main() {}
