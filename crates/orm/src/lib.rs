//! An async ORM for Rust: derive your models once, and run the same type-checked queries on SQLite, PostgreSQL and MongoDB.
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
//! # Where to find what
//!
//! | you want to | look at |
//! |---|---|
//! | learn it from the start | [the guide](https://github.com/orm-rs/orm/blob/main/docs/guide/src/SUMMARY.md) |
//! | define a model: the attributes of the struct and its fields | [`Model`](derive@Model), [`Embedded`](derive@Embedded), [`DbEnum`](derive@DbEnum), [`DbType`](derive@DbType), [`Projection`](derive@Projection) |
//! | list the models of a program, create their tables | [`schema!`], [`schema::Schema`] |
//! | start a query: `User::query()`, `User::filter(…)`, `User::find(key)` | [`query::ModelQuery`] |
//! | build and run a query | [`query::Query`] |
//! | write a condition or an expression | [`expr::ExprOps`], [`expr::Column`] |
//! | read, load and change related rows | [`relation`] |
//! | insert, update, delete, upsert | [`write::ModelWrite`], [`mod@write`] |
//! | run a transaction | [`backend::Database::transaction`] |
//! | understand an error | [`Error`], [`ErrorKind`] |
//! | open a database | `Sqlite` in `orm::sqlite`, `Postgres` in `orm::postgres`, `Mongo` in `orm::mongo`, `AnyDb` for one that a URL names |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `sqlite` | yes | the SQLite driver, on rusqlite with SQLite included |
//! | `postgres` | | the PostgreSQL driver, on tokio-postgres |
//! | `mongo` | | the MongoDB driver, on the official `mongodb` crate |
//! | `chrono` | yes | `NaiveDate`, `NaiveTime`, `NaiveDateTime`, `DateTime<Utc>` as column types |
//! | `time`, `jiff` | | the date and time types of these crates |
//! | `uuid` | yes | `uuid::Uuid` |
//! | `ulid` | | `ulid::Ulid` |
//! | `decimal` | yes | `rust_decimal::Decimal` |
//! | `json` | yes | `serde_json::Value`, `Json<T>`, fields with `#[orm(json)]` |

pub use orm_core::*;
pub use orm_derive::{Composite, DbEnum, DbType, Embedded, Model, Morph, Projection};

#[cfg(any(feature = "mongo", feature = "postgres", feature = "sqlite"))]
mod any;

#[cfg(any(feature = "mongo", feature = "postgres", feature = "sqlite"))]
pub use any::{AnyDb, AnySession};
#[cfg(feature = "mongo")]
#[doc(inline)]
pub use orm_mongo as mongo;
#[cfg(feature = "postgres")]
#[doc(inline)]
pub use orm_postgres as postgres;
#[cfg(feature = "sqlite")]
#[doc(inline)]
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
