include!("models.inc");

fn best(db: &Mongo) {
    let best = Post::query().correlate::<User>().filter(Post::author_id.eq(User::id)).limit(3);
    let _ = User::query().join_lateral(best).select((User::name, Post::title)).all(db);
}

fn main() {}
