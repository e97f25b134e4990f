include!("models.inc");

#[derive(Debug, DbType)]
#[orm(check = "VALUE > 0")]
pub struct Positive(i64);

fn main() {}
