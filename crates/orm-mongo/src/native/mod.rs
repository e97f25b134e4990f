//! What only MongoDB can do: pipelines of its own stages, one document changed and returned, indexes of its kinds, change streams,
//! many writes in one command.
//!
//! Everything starts from something typed (a query, a column, a relation, a model) and leaves it only where the user says so: a raw
//! stage, a result that is a serde type.

mod bulk;
mod find_and;
mod indexes;
mod pipeline;
mod watch;

pub use bulk::MongoBulk;
pub use find_and::MongoUpdate;
pub use indexes::{MongoIndex, MongoIndexKind};
pub use pipeline::{MongoPipeline, MongoQuery, Point};
pub use watch::{MongoChange, MongoChangeKind, MongoChanges, MongoResumeToken};
