use orm::postgres::ops::RangeOps;
use orm::postgres::types::Range;

include!("models.inc");

fn adults(db: &Mongo) {
    let _ = User::query().filter(val(Range::from(18..)).holds(User::age)).all(db);
}

fn main() {}
