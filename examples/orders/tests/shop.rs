//! The shop on a real server.

use futures_util::StreamExt;
use orders::{Address, Customer, Line, Order, Shop, State, add, ordered, pack_next, place, remove, wanting};
use orm::mongo::{Mongo, MongoChangeKind};
use orm::prelude::*;
use rust_decimal::Decimal;

async fn shop(name: &str) -> (Mongo, Customer) {
    let url = std::env::var("ORM_TEST_MONGO_URL")
        .expect("ORM_TEST_MONGO_URL names a MongoDB server; `cargo xtask test` starts one");
    let name = format!("shop_{name}_{}", std::process::id());
    let db = Mongo::builder(url).database(name).connect().await.unwrap();
    Shop::create_all(&db).await.unwrap();
    let address = Address { street: "Hafenbad 1".into(), city: "Ulm".into() };
    let ada = Customer::create().email("ada@example.org").address(address).insert(&db).await.unwrap();
    (db, ada)
}

fn line(sku: &str, quantity: i32) -> Line {
    Line::new(sku, quantity, Decimal::new(125, 2))
}

#[tokio::test]
async fn lines_change_in_place_while_others_write_too() {
    let (db, ada) = shop("lines").await;
    let order = place(&db, &ada, vec![line("bolt", 1)]).await.unwrap();
    // Two programs that read, changed and wrote the whole list would lose lines.
    let added = ["nut", "bolt", "screw", "bolt"].map(|sku| add(&db, order.id, line(sku, 2)));
    assert!(futures_util::future::join_all(added).await.into_iter().all(|open| open.unwrap()));
    let mut lines = Order::find(order.id).one(&db).await.unwrap().lines;
    lines.sort_by(|a, b| a.sku.cmp(&b.sku));
    assert_eq!(lines, [line("bolt", 5), line("nut", 2), line("screw", 2)]);
    assert!(remove(&db, order.id, "nut").await.unwrap());
    assert_eq!(wanting(&db, "bolt", 5).await.unwrap()[0].customer.get().unwrap().address.city, "Ulm");
    assert!(wanting(&db, "screw", 5).await.unwrap().is_empty(), "both conditions are about one line");
    assert_eq!(ordered(&db).await.unwrap(), [("bolt".to_owned(), 5), ("screw".to_owned(), 2)]);
}

#[tokio::test]
async fn each_order_is_packed_once() {
    let (db, ada) = shop("packing").await;
    for number in 0..5 {
        place(&db, &ada, vec![line("bolt", number)]).await.unwrap();
    }
    place(&db, &ada, Vec::new()).await.unwrap();
    let packed = futures_util::future::join_all((0..8).map(|_| pack_next(&db))).await;
    let mut keys: Vec<_> =
        packed.into_iter().filter_map(|order| order.unwrap()).map(|order| order.id).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 5);
    assert_eq!(Order::filter(Order::state.eq(State::Open)).count(&db).await.unwrap(), 1);
    assert!(!add(&db, keys[0], line("late", 1)).await.unwrap(), "a packed order is closed");
}

#[tokio::test]
async fn who_waits_is_told() {
    let (db, ada) = shop("watching").await;
    let mut changes = db.watch::<Order>(None).await.unwrap();
    let order = place(&db, &ada, vec![line("bolt", 1)]).await.unwrap();
    add(&db, order.id, line("nut", 1)).await.unwrap();
    pack_next(&db).await.unwrap();
    ada.delete(&db).await.unwrap();
    let mut next = async || changes.next().await.unwrap().unwrap();
    let placed = next().await;
    assert_eq!((placed.kind, placed.row.map(|row| row.id)), (MongoChangeKind::Insert, Some(order.id)));
    assert_eq!(next().await.fields, ["lines"]);
    assert_eq!(next().await.fields, ["state"]);
    assert_eq!(next().await.kind, MongoChangeKind::Delete, "orders go with their customer");
}
