//! The SQLite driver, on rusqlite.
//!
//! [`Sqlite`] is a pool of one writer and several readers over a database in WAL mode. A command is compiled once per shape
//! ([`run`]), bound straight from its values ([`bind`]) and decoded where the row is ([`cell`]).
//!
//! **Where the work happens.** A read starts on the caller's thread, under a budget of virtual-machine steps; when that is
//! spent, it is interrupted and run again on a thread of its own, so a small read costs no thread hop and the runtime is
//! never blocked for longer than the budget. Small writes and COMMIT (a write to the page cache in WAL mode with
//! `synchronous = NORMAL`) happen on the caller's thread too; bulk and set-based writes, and everything that finds the
//! database locked by another process, go to a thread.
//!
//! **Cancellation.** A connection is owned by a guard that returns it to the pool when dropped, after rolling back whatever
//! is open. A job on a thread owns its guard, so dropping the future never leaves a connection behind.

mod bind;
mod builder;
mod cell;
mod changes;
mod connection;
mod database;
mod errors;
mod foreign;
mod functions;
mod limits;
mod name;
mod numeric;
mod pool;
mod run;
mod schema;
mod session;
mod stream;
mod transaction;
mod watch;

pub use builder::SqliteBuilder;
pub use database::Sqlite;
pub use limits::{SqliteCancel, SqliteLimited, SqliteLimits};
pub use session::SqliteSession;
