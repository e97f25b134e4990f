use orm::prelude::*;

#[derive(Debug, Clone, Model)]
pub struct Thing {
    #[orm(primary_key)]
    pub id: i64,
    pub parent_id: Option<String>,
    #[orm(foreign_key = parent_id)]
    pub parent: BelongsTo<Thing>,
}

fn main() {}
