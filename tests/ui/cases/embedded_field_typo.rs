use orm::prelude::*;

#[derive(Debug, Clone, Embedded)]
pub struct Address {
    pub street: String,
    pub city: String,
}

#[derive(Debug, Clone, Model)]
pub struct Shop {
    #[orm(primary_key)]
    pub id: i64,
    #[orm(embed)]
    pub address: Address,
}

fn here() -> Query<Shop> {
    Shop::filter(Shop::address.citty.eq("Ulm"))
}

fn main() {}
