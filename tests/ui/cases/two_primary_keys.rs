use orm::prelude::*;

#[derive(Debug, Clone, Model)]
pub struct Thing {
    #[orm(primary_key)]
    pub id: i64,
    #[orm(primary_key)]
    pub other: i64,
}

fn main() {}
