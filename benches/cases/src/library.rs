//! What a library has to do.

use std::path::Path;

use anyhow::Result;

use crate::{Content, NewUser};

/// A library with an open database. Its rows are structs of its own.
///
/// Every method is what a good user of the library would write for the purpose, by its fastest documented way.
/// The connection is in WAL mode with `synchronous = NORMAL`, `foreign_keys = ON` and `wal_autocheckpoint = 0`.
// Nobody sends these futures to another thread.
#[allow(async_fn_in_trait)]
pub trait Library: Sized {
    /// The name on the command line and in the report.
    const NAME: &'static str;

    type User: Content;
    type Pair: Content;
    /// All users with their posts with their comments.
    type Trees: Content;

    /// Opens a database file that has the tables.
    async fn open(file: &Path) -> Result<Self>;

    /// All users.
    async fn select(&mut self) -> Result<Vec<Self::User>>;

    /// The users with black hair, left-joined with their posts.
    async fn filtered_join(&mut self) -> Result<Vec<Self::Pair>>;

    /// All users with their posts with their comments.
    async fn nested(&mut self) -> Result<Self::Trees>;

    /// The user with a key, which exists.
    async fn by_key(&mut self, id: i64) -> Result<Self::User>;

    /// Begins a transaction, inserts the users (nothing is wanted back), and commits.
    async fn insert(&mut self, users: &[NewUser]) -> Result<()>;

    /// Deletes all users. Not measured.
    async fn clear(&mut self) -> Result<()>;
}
