//! The core of `orm`: schema metadata, the query IR, the typed shell over it, relations and loading, executor,
//! transaction and error. It knows no SQL and no driver.
//!
//! How a query passes through: the derive's column constants ([`expr`]) make typed expressions, [`query`] collects them into
//! an [`ir::Command`], [`backend`] hands it to a driver together with a decoder, and [`relation`] loads what was
//! included. Writes start in [`mod@write`]. Values and their codecs are in [`value`], what the derive knows of a model in [`meta`].
//!
//! Users depend on the facade crate `orm`, which re-exports this one; drivers depend on this crate directly.

pub mod backend;
pub mod error;
pub mod expr;
pub mod ir;
pub mod meta;
pub mod model;
mod pause;
pub mod query;
pub mod relation;
pub mod schema;
pub mod value;
pub mod write;

pub use error::{Error, ErrorKind, Result};
pub use model::{Embedded, Model};
