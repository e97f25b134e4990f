//! An order system on documents: an order holds its lines, which change in place, and a change stream tells who waits.

use chrono::{DateTime, Utc};
use orm::mongo::{Document, Mongo, MongoQuery, MongoUpdate, ReturnDocument, stage, types::ObjectId};
use orm::prelude::*;
use rust_decimal::Decimal;

/// Somebody who orders.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "customers")]
pub struct Customer {
    #[orm(primary_key, default_fn = ObjectId::new)]
    pub id: ObjectId,
    #[orm(unique)]
    pub email: String,
    #[orm(embed)]
    pub address: Address,
    pub orders: HasMany<Order>,
}

/// Part of a customer's document.
#[derive(Debug, Clone, PartialEq, Embedded)]
pub struct Address {
    pub street: String,
    pub city: String,
}

/// How far an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
pub enum State {
    Open,
    Packed,
    Shipped,
}

/// An order with its lines.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "orders", index(state, placed_at))]
pub struct Order {
    #[orm(primary_key, default_fn = ObjectId::new)]
    pub id: ObjectId,
    pub customer_id: ObjectId,
    #[orm(foreign_key = customer_id, on_delete = cascade)]
    pub customer: BelongsTo<Customer>,
    pub state: State,
    #[orm(created_at)]
    pub placed_at: DateTime<Utc>,
    #[orm(embed)]
    pub lines: Vec<Line>,
}

/// What is ordered, and how often.
#[derive(Debug, Clone, PartialEq, Embedded)]
pub struct Line {
    pub sku: String,
    pub quantity: i32,
    pub price: Decimal,
    pub note: Option<String>,
}

orm::schema!(pub Shop: Customer, Order);

impl Line {
    /// A line without a note.
    pub fn new(sku: &str, quantity: i32, price: Decimal) -> Self {
        Line { sku: sku.to_owned(), quantity, price, note: None }
    }
}

/// Places an order.
pub async fn place(db: &Mongo, customer: &Customer, lines: Vec<Line>) -> orm::Result<Order> {
    Order::create().customer(customer).state(State::Open).lines(lines).insert(db).await
}

/// Adds to a line of an open order, or adds the line: in place, without reading the order first. Says whether it was open.
pub async fn add(db: &Mongo, order: ObjectId, line: Line) -> orm::Result<bool> {
    let open = || Order::filter(Order::id.eq(order) & Order::state.eq(State::Open));
    let has = Order::lines.any(Line::sku.eq(&line.sku));
    let more = open().filter(has).update().set_elements(
        Order::lines,
        Line::sku.eq(&line.sku),
        Line::quantity,
        Line::quantity + line.quantity,
    );
    if more.exec(db).await? > 0 {
        return Ok(true);
    }
    let lacks = Order::lines.none(Line::sku.eq(&line.sku));
    Ok(open().filter(lacks).update().push(Order::lines, [line]).exec(db).await? > 0)
}

/// Takes an article out of an open order.
pub async fn remove(db: &Mongo, order: ObjectId, sku: &str) -> orm::Result<bool> {
    let open = Order::filter(Order::id.eq(order) & Order::state.eq(State::Open));
    Ok(open.update().pull(Order::lines, Line::sku.eq(sku)).exec(db).await? > 0)
}

/// The oldest open order, packed now: no two packers get the same one.
pub async fn pack_next(db: &Mongo) -> orm::Result<Option<Order>> {
    let next = Order::query()
        .filter(Order::state.eq(State::Open) & Order::lines.count().gt(0))
        .order_by(Order::placed_at.asc());
    next.update().set(Order::state, State::Packed).find_one_and_update(ReturnDocument::After, db).await
}

/// The orders in which an article is wanted at least so often, with their customers.
pub async fn wanting(db: &Mongo, sku: &str, quantity: i32) -> orm::Result<Vec<Order>> {
    Order::query()
        .filter(Order::lines.any(Line::sku.eq(sku) & Line::quantity.ge(quantity)))
        .include(Order::customer)
        .order_by(Order::placed_at.asc())
        .all(db)
        .await
}

/// How much of each article was ordered: a pipeline with stages of MongoDB's own.
pub async fn ordered(db: &Mongo) -> orm::Result<Vec<(String, i64)>> {
    let group = r#"{"$group": {"_id": "$lines.sku", "quantity": {"$sum": {"$toLong": "$lines.quantity"}}}}"#;
    let found: Vec<Document> = Order::query()
        .pipeline()
        .stage(stage(r#"{"$unwind": "$lines"}"#)?)
        .stage(stage(group)?)
        .stage(stage(r#"{"$sort": {"_id": 1}}"#)?)
        .documents(db)
        .await?;
    let row =
        |found: Document| Some((found.get_str("_id").ok()?.to_owned(), found.get_i64("quantity").ok()?));
    Ok(found.into_iter().filter_map(row).collect())
}
