use orm::prelude::*;

#[derive(Debug, Clone, Model)]
pub struct Thing {
    #[orm(primary_key)]
    pub id: i64,
    #[orm(foreign_key = parnt_id)]
    pub parent: BelongsTo<Thing>,
}

fn main() {}
