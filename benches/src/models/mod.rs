//! The models of libraries, and what of their use does not depend on the database.

pub mod diesel;
pub mod orm;
pub mod plain;
pub mod sea_orm;
pub mod sqlx;
