include!("models.inc");

fn run(db: &Sqlite) {
    let _ = User::create().email("x").insert(db);
}

fn main() {}
