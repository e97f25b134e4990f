//! A blog as a JSON API: axum, orm, and SQLite or PostgreSQL underneath.
//!
//! The handlers are generic over the database, and [`router`] is called with the one that `main` opened.

mod api;
mod error;
pub mod models;

pub use api::router;
