use orm::prelude::*;

#[derive(Debug, Clone, Model)]
pub struct Thing {
    #[orm(primary_kye)]
    pub id: i64,
}

fn main() {}
