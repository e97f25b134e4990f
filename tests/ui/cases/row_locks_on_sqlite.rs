include!("models.inc");

fn claim(db: &Sqlite) {
    let _ = User::query().for_update().all(db);
}

fn main() {}
