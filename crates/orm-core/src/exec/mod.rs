//! Running commands: the handle that every command passes, what it can be run on, and transactions.
//!
//! A terminal asks its [`Executor`] for the [`Handle`] and gives it the command in an [`Envelope`]. [`Handle::run`] and its siblings
//! are the only callers of a driver; a feature that is about every command is a [`Pass`], and not a line in the terminals or the drivers.
//! A [`Context`] says what commands are sent for and goes along into includes, lazy loads and transactions. A [`Tx`] is a handle
//! whose session stands for a transaction; [`mark`] tells a database from its transaction inside of the closure.

mod atomic;
mod builder;
mod context;
mod envelope;
mod executor;
mod gate;
mod handle;
mod mark;
mod options;
mod scope;
mod transaction;
mod with;

pub(crate) use atomic::atomically;
pub use builder::TxBuilder;
pub use context::Context;
pub use envelope::Envelope;
pub use executor::{Executor, run};
pub use gate::Pass;
pub use handle::Handle;
pub use options::{Isolation, TxOptions};
pub(crate) use scope::Scope;
pub use transaction::{Database, Tx};
pub use with::With;
