//! What the benches of all databases share: the command line, the measuring, the report, and the models of those libraries
//! whose models do not depend on the database.

mod cli;
mod ground;
mod harness;
pub mod models;
mod report;
pub mod toasty;

pub use cli::{Library, main};
pub use ground::Ground;
