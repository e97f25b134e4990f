include!("models.inc");

fn alone(db: &Sqlite) {
    let _ = Post::query().correlate::<User>().filter(Post::author_id.eq(User::id)).all(db);
}

fn main() {}
