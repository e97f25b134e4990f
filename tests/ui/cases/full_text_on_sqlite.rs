use orm::postgres::ops::SearchOps;

include!("models.inc");

fn search(db: &Sqlite) {
    let _ = Post::query().filter(Post::title.matches_search("english", "engine -steam")).all(db);
}

fn main() {}
