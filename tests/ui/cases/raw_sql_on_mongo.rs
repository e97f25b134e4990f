include!("models.inc");

fn version(db: &Mongo) {
    let _ = sql::<String>("SELECT version()").one(db);
}

fn main() {}
