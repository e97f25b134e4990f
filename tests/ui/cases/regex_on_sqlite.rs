include!("models.inc");

fn by_pattern(db: &Sqlite) {
    let _ = User::query().filter(User::name.matches_regex("^A")).all(db);
}

fn main() {}
