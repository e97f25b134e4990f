//! How the libraries open a file whose models are shared with other databases.

use anyhow::Result;
use orm::prelude::*;
use orm_benches::models;
use sea_orm::sqlx::sqlite::SqlitePoolOptions;
use sea_orm::{DatabaseConnection, SqlxSqliteConnector};

use crate::sqlx::options;

pub struct Connect;

impl models::orm::Connect for Connect {
    type Db = Sqlite;

    async fn connect(place: &str) -> Result<Sqlite> {
        // The other pragmas are what it sets itself.
        Ok(Sqlite::builder().path(place).pragma("wal_autocheckpoint", "0").connect().await?)
    }
}

impl models::sea_orm::Connect for Connect {
    async fn connect(place: &str) -> Result<DatabaseConnection> {
        // One connection, which is not pinged before each use.
        let pool = SqlitePoolOptions::new().max_connections(1).test_before_acquire(false);
        let pool = pool.connect_with(options().filename(place)).await?;
        Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
    }
}
