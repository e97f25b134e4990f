//! The PostgreSQL driver, on tokio-postgres and deadpool.
//!
//! [`Postgres`] is a pool of connections, each with the statements that it has prepared. A [`PgSession`] is where a command goes: the
//! pool, or the one connection of a transaction ([`transaction`]). A command is compiled once per shape
//! ([`run`]), bound in the binary format ([`bind`]) and decoded from the slice that the server sent ([`cell`]), the rows of a
//! transaction's statements being pipelined where the caller awaits them together.
//!
//! **Cancellation.** A connection is marked as busy before anything is sent and as free when the answer is complete. Dropping
//! a future in between asks the server to cancel the statement and closes the connection; the statement's changes
//! are then undone or, if it had ended already, whole. A transaction that is dropped is rolled back before its
//! connection is used again; if one of its statements was cut off, the connection is closed instead.
//!
//! **Precision.** PostgreSQL keeps microseconds: a time with a finer fraction is refused, never cut. A text with the character
//! U+0000 is refused too, since no PostgreSQL text can hold it.

mod array;
mod bind;
mod builder;
mod cancel;
mod cell;
mod changes;
mod connection;
mod copy;
mod database;
mod declare;
mod errors;
mod existing;
mod listen;
mod numeric;
pub mod ops;
pub mod plan;
mod pooled;
mod relations;
mod run;
mod schema;
mod session;
mod statements;
mod stream;
mod tls;
mod transaction;
pub mod types;
mod wire;

pub use builder::PgBuilder;
pub use cancel::PgCancelHandle;
pub use database::{PgPoolStatus, Postgres};
pub use errors::PgServerError;
pub use listen::{PgEvent, PgListener};
pub use session::PgSession;
pub use tls::PgTls;

#[doc(hidden)]
pub use orm_core;
