use orm::prelude::*;

#[derive(Debug, Clone, Model)]
pub struct Thing {
    #[orm(primary_key)]
    pub id: i64,
    pub list: std::collections::BTreeMap<i32, i32>,
}

fn main() {}
