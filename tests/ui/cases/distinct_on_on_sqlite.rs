include!("models.inc");

fn first_of_each_author(db: &Sqlite) {
    let _ = Post::query().distinct_on(Post::author_id).all(db);
}

fn main() {}
