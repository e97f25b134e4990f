use orm::postgres::ops::OrderedSetOps;

include!("models.inc");

fn median(db: &Mongo) {
    let _ = Post::query().select(Post::score.percentile_cont(0.5)).one(db);
}

fn main() {}
