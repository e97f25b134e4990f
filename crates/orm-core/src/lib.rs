//! The core of `orm`: schema metadata, the query IR, the typed shell over it, relations and loading, executor,
//! transaction and error. It knows no SQL and no driver.
//!
//! How a query passes through: the derive's column constants ([`expr`]) make typed expressions, [`query`] collects them into
//! an [`ir::Command`], a [`backend::Handle`] hands it to a driver together with a decoder, and [`relation`] loads what was
//! included. Writes start in [`mod@write`]. Values and their codecs are in [`value`], what the derive knows of a model in [`meta`].
//!
//! Users depend on the facade crate `orm`, which re-exports this one; drivers depend on this crate directly.
//!
//! **The examples** use the models of the guide: a `User` has many `Post`s and one `Profile`, a `Post` has `Comment`s and
//! `Tag`s. In each, `db` is a database in memory with Ada (id 1, age 36, a profile, the posts 1 «Engines» of score 3 and 2
//! «Notes» of score 5), Bob (id 2, no age, the post 3 «Hello» of score 1) and Cid (id 3, age 20, no posts). The post
//! «Engines» has the tag «machines» and the comment «Fine!».
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> orm::Result<()> {
//! use orm_guide::prelude::*;
//!
//! let db = sample().await?;
//! assert_eq!(User::filter(User::age.ge(18)).count(&db).await?, 2);
//! # Ok(()) }
//! ```

pub mod backend;
pub mod error;
mod exec;
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
pub use model::{Element, Embedded, Model};
