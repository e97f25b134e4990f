use orm::prelude::*;

#[derive(Debug, Clone, Model)]
pub struct Thing {
    pub id: i64,
}

fn main() {}
