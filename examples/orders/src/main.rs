//! `cargo run -p orders -- mongodb://localhost:27017/shop`: places orders and follows them.

use futures_util::StreamExt;
use orders::{Address, Customer, Line, Order, Shop, add, ordered, pack_next, place};
use orm::mongo::Mongo;
use orm::prelude::*;
use rust_decimal::Decimal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> orm::Result<()> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "mongodb://localhost:27017/shop".to_owned());
    let db = Mongo::connect(url).await?;
    Shop::create_all(&db).await?;
    let mut changes = db.watch::<Order>(None).await?;

    let address = Address { street: "Hafenbad 1".into(), city: "Ulm".into() };
    let row = Customer::create().email("ada@example.org").address(address);
    let ada = Customer::upsert(row).on(Customer::email).update_all().returning(&db).await?;
    let order = place(&db, &ada, vec![Line::new("bolt", 10, Decimal::new(12, 2))]).await?;
    add(&db, order.id, Line::new("bolt", 5, Decimal::new(12, 2))).await?;
    add(&db, order.id, Line::new("nut", 15, Decimal::new(4, 2))).await?;
    pack_next(&db).await?;

    for _ in 0..4 {
        let Some(change) = changes.next().await else { break };
        let change = change?;
        let lines = change.row.map(|order| order.lines.len()).unwrap_or_default();
        println!("{:?} {:?}, {lines} lines now", change.kind, change.fields);
    }
    for (sku, quantity) in ordered(&db).await? {
        println!("{sku}: {quantity}");
    }
    Ok(())
}
