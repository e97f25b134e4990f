use orm::postgres::ops::TextOps;

include!("models.inc");

fn names(db: &Sqlite) {
    let _ = User::query().select(User::name.string_agg(", ")).one(db);
}

fn main() {}
