use orm::prelude::*;

#[derive(Debug, Clone, Model)]
pub struct Thing {
    #[orm(primary_key)]
    pub id: i64,
    #[orm(on_delete = explode)]
    pub parent_id: Option<i64>,
}

fn main() {}
