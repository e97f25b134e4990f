//! What a library has to do.

use anyhow::{Result, bail};

use crate::{Content, NewUser};

/// A library with an open database. Its rows are structs of its own.
///
/// Every method is what a good user of the library would write for the purpose, by its fastest documented way.
/// A connection of SQLite is in WAL mode with `synchronous = NORMAL`, `foreign_keys = ON` and `wal_autocheckpoint = 0`;
/// one of PostgreSQL is as the server has it.
// Nobody sends these futures to another thread.
#[allow(async_fn_in_trait)]
pub trait Library: Sized {
    /// The name on the command line and in the report.
    const NAME: &'static str;

    type User: Content;
    type Pair: Content;
    /// All users with their posts with their comments.
    type Trees: Content;

    /// Opens a database that has the tables: the name of a file, or a URL.
    async fn open(place: &str) -> Result<Self>;

    /// All users.
    async fn select(&mut self) -> Result<Vec<Self::User>>;

    /// The users with black hair, left-joined with their posts.
    async fn filtered_join(&mut self) -> Result<Vec<Self::Pair>>;

    /// All users with their posts with their comments.
    async fn nested(&mut self) -> Result<Self::Trees>;

    /// The user with a key, which exists.
    async fn by_key(&mut self, id: i64) -> Result<Self::User>;

    /// The users with these keys, which exist: each by a read of its own, all at once, through a pool of ten connections.
    async fn concurrent(&mut self, keys: &[i64]) -> Result<Vec<Self::User>> {
        bail!("{} cannot read {} users at once", Self::NAME, keys.len())
    }

    /// Begins a transaction, inserts the users (nothing is wanted back), and commits.
    async fn insert(&mut self, users: &[NewUser]) -> Result<()>;

    /// Deletes all users. Not measured.
    async fn clear(&mut self) -> Result<()>;
}
