use orm::postgres::ops::ListOps;

include!("models.inc");

fn titles(db: &Mongo) {
    let _ = Post::query().select(Post::title.array_agg()).one(db);
}

fn main() {}
