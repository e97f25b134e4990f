use orm::query::Sample;

include!("models.inc");

fn a_tenth(db: &Mongo) {
    let _ = Post::query().sample(Sample::rows(10.0)).all(db);
}

fn main() {}
