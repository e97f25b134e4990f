include!("models.inc");

fn by_pattern(db: &Sqlite) {
    let query = User::query().order_by((User::name.matches_regex("^A").desc(), User::id.asc()));
    let _ = query.all(db);
}

fn main() {}
