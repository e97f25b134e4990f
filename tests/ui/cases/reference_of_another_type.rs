use orm::prelude::*;

#[derive(Debug, Clone, Model)]
pub struct Customer {
    #[orm(primary_key)]
    pub id: i64,
    #[orm(unique)]
    pub code: String,
}

#[derive(Debug, Clone, Model)]
pub struct Order {
    #[orm(primary_key)]
    pub id: i64,
    pub customer_code: i64,
    #[orm(foreign_key = customer_code, references = code)]
    pub customer: BelongsTo<Customer>,
}

fn main() {}
