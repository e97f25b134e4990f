use orm::prelude::*;

#[derive(Debug, Clone, Model)]
pub struct Thing {
    #[orm(primary_key)]
    pub id: i64,
    #[orm(auto)]
    pub number: i64,
}

fn main() {}
