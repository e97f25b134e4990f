//! What is measured, and how one library is measured.
//!
//! A library implements [`Library`]: the pieces of work over the same three tables, each returning the rows as the library's own
//! structs. [`Contender`] is what the harness sees of it: [`Local`] runs a library in this process, and a library
//! that cannot share the process (it links another SQLite) is [served](remote::serve) from one of its own.
//!
//! Nothing here depends on a library that is measured.

mod contender;
mod data;
mod digest;
mod library;
pub mod remote;

pub use contender::{Contender, Local};
pub use data::{Case, KEYS, NewUser, Shape, keys, new_users};
pub use digest::{Content, Digest};
pub use library::Library;

/// A single-threaded runtime, the one that every asynchronous library runs on.
///
/// # Errors
/// What the operating system says.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
