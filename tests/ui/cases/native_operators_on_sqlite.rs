use orm::postgres::ops::LtreeOps;
use orm::postgres::types::Ltree;
use orm::prelude::*;

#[derive(Debug, Clone, Model)]
pub struct Topic {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub path: Ltree,
}

fn sciences(db: &Sqlite) {
    let _ = Topic::query().filter(Topic::path.is_descendant_of("top.science")).all(db);
}

fn main() {}
