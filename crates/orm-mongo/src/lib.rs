//! The MongoDB driver, on the official `mongodb` crate.
//!
//! [`Mongo`] is a client for one database. A query becomes a `find` or an aggregation pipeline ([`lower`]), written as raw BSON
//! ([`bson`]); rows are decoded from the batches that the server sent ([`cell`], [`read`]); writes keep what an SQL database would
//! keep ([`write`](mod@write), [`schema`], [`registry`]): keys that are counted up, defaults, unique values, checks, foreign keys and their actions.
//!
//! **Documents.** A model is a collection, a column a field, a primary key of one column `_id` (of several: `_id` holds all of
//! them, and each is a field of its own as well), an embedded struct an embedded document.
//!
//! **NULL.** A field that is null or missing is NULL, and conditions follow SQL's three-valued logic.
//!
//! **Transactions** need a replica set, of one server at least. They do not nest: there are no savepoints. A statement that touches more
//! than one document runs in a transaction of its own.
//!
//! **Precision.** BSON dates keep milliseconds; a finer time is refused unless [`Times::Micros`] was chosen. Decimals keep 34 digits.
//! Sums of longs that overflow become doubles on the server, and are refused when they are read.

mod bson;
mod builder;
mod cell;
mod check;
mod database;
mod errors;
mod explain;
mod layout;
mod lower;
mod read;
mod registry;
mod schema;
mod value;
mod write;

pub use builder::MongoBuilder;
pub use database::{Mongo, Session};
pub use value::Times;
