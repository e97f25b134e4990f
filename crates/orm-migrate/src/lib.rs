//! Migrations: the changes of a schema, written from the models, checked on the live data, applied once.

mod operation;

pub use operation::{Class, Operation};
