include!("models.inc");

fn claim(db: &Mongo) {
    let _ = User::query().for_update().all(db);
}

fn main() {}
