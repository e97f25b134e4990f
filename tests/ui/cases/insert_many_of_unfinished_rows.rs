include!("models.inc");

fn run(db: &Sqlite) {
    let _ = User::insert_many([User::create().email("x")]).exec(db);
}

fn main() {}
