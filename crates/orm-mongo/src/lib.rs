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
//! **Lost servers.** A read is sent once more, and so is a write that cannot happen twice ([`send`], [`single`]); concerns of the
//! client go with every command ([`concern`]). A transaction that is dropped is ended on the server ([`transaction`]).
//!
//! **Precision.** BSON dates keep milliseconds; a finer time is refused unless [`MongoTimes::Micros`] was chosen. Decimals keep 34 digits.
//! Sums of longs that overflow become doubles on the server, and are refused when they are read.

mod atomic;
mod bson;
mod builder;
mod cell;
mod check;
mod concern;
#[doc(hidden)]
pub mod cost;
mod database;
mod errors;
mod explain;
mod layout;
mod lower;
mod native;
mod object_id;
mod read;
mod registry;
mod rules;
mod schema;
mod send;
mod session;
mod single;
mod transaction;
mod value;
mod write;

pub use builder::MongoBuilder;
pub use database::Mongo;
pub use native::{
    MongoBulk, MongoChange, MongoChangeKind, MongoChanges, MongoIndex, MongoIndexKind, MongoPipeline,
    MongoQuery, MongoResumeToken, MongoUpdate,
};
pub use session::MongoSession;
pub use value::MongoTimes;

/// MongoDB's own types of values, under its names.
pub mod types {
    pub use crate::native::Point;
    pub use crate::object_id::ObjectId;
}

/// A document as the driver knows it, for stages and results beyond the models.
pub use mongodb::bson::Document;
/// How sure reads and writes have to be, who answers and what comes back, as the driver names it.
pub use mongodb::options::{ReadConcern, ReadPreference, ReturnDocument, WriteConcern};

/// A stage from JSON text.
///
/// # Errors
/// [`ErrorKind::Usage`](orm_core::ErrorKind::Usage) if it is no JSON object.
///
/// ```
/// let stage = orm_mongo::stage(r#"{"$limit": 3}"#)?;
/// assert_eq!(stage.get_i64("$limit").or(stage.get_i32("$limit").map(i64::from)).unwrap_or(0), 3);
/// # Ok::<(), orm_core::Error>(())
/// ```
pub fn stage(json: &str) -> orm_core::Result<Document> {
    serde_json::from_str(json).map_err(|error| {
        orm_core::Error::new(orm_core::ErrorKind::Usage, "a stage is a JSON object").with_source(error)
    })
}
