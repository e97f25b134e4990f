include!("models.inc");

fn run(db: &Sqlite) {
    let _ = User::query().all(&5); let _ = db;
}

fn main() {}
