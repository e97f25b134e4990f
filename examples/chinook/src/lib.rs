//! The Chinook music shop: eleven models over its tables as they are, and what the shop asks of them.

pub mod models;
pub mod questions;
