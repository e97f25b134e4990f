use orm::postgres::ops::RangeOps;
use orm::postgres::types::Range;

include!("models.inc");

async fn adults(db: &Sqlite) -> orm::Result<Vec<User>> {
    User::query().filter(val(Range::from(18..)).holds(User::age)).all(db).await
}

fn main() {}
