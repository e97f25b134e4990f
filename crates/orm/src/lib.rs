//! One derive on your structs, one typed query language, the real database underneath.
//!
//! ```
//! use orm::prelude::*;
//!
//! #[derive(Debug, Clone, Model)]
//! pub struct User {
//!     #[orm(primary_key, auto)]
//!     pub id: i64,
//!     pub name: String,
//! }
//! orm::schema!(pub AppSchema: User);
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> orm::Result<()> {
//! let db = Sqlite::memory().await?;      // or Sqlite::connect("app.db")
//! AppSchema::create_all(&db).await?;
//! let ada = User::create().name("Ada").insert(&db).await?;
//! let all = User::filter(User::name.starts_with("A")).all(&db).await?;
//! assert_eq!(all[0].id, ada.id);
//! # Ok(()) }
//! ```
//!
//! This crate is the facade: it re-exports [`orm_core`] whole, the derives, and the drivers that its features name.

pub use orm_core::*;
pub use orm_derive::{Composite, DbEnum, DbType, Embedded, Model, Morph, Projection};

#[cfg(any(feature = "mongo", feature = "postgres", feature = "sqlite"))]
mod any;

#[cfg(any(feature = "mongo", feature = "postgres", feature = "sqlite"))]
pub use any::{AnyDb, AnySession};
#[cfg(feature = "mongo")]
pub use orm_mongo as mongo;
#[cfg(feature = "postgres")]
pub use orm_postgres as postgres;
#[cfg(feature = "sqlite")]
pub use orm_sqlite as sqlite;

/// What a program that uses the library needs in scope.
pub mod prelude {
    pub use orm_core::backend::{Database, Executor, Isolation, Tx, TxOptions};
    pub use orm_core::expr::{
        ArrayExpr, Column, Expr, ExprOps, WindowOps, all_of, any_of, case, count_all, dense_rank, exists,
        now, rank, row_number, scalar, val, window,
    };
    pub use orm_core::query::{ModelQuery, Projection as _, Query, RowLock, sql, whole};
    pub use orm_core::relation::{BelongsTo, HasMany, HasOne, LoadOne, LoadSlice, ManyToMany, MorphTo};
    pub use orm_core::schema::Schema;
    pub use orm_core::write::ModelWrite;
    pub use orm_core::{Error, ErrorKind, Model as _};
    pub use orm_derive::{Composite, DbEnum, DbType, Embedded, Model, Morph, Projection};

    #[cfg(any(feature = "mongo", feature = "postgres", feature = "sqlite"))]
    pub use crate::AnyDb;
    #[cfg(feature = "mongo")]
    pub use orm_mongo::Mongo;
    #[cfg(feature = "postgres")]
    pub use orm_postgres::Postgres;
    #[cfg(feature = "sqlite")]
    pub use orm_sqlite::Sqlite;
}
