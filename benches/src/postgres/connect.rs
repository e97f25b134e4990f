//! How the libraries open a database whose models are shared with other databases.

use anyhow::Result;
use orm::prelude::*;
use orm_benches::models;
use sea_orm::{DatabaseConnection, SqlxPostgresConnector};

use crate::sqlx::{options, pool};

pub struct Connect;

impl models::orm::Connect for Connect {
    type Db = Postgres;

    async fn connect(place: &str) -> Result<Postgres> {
        Ok(Postgres::builder(place).max_connections(10).connect().await?)
    }
}

impl models::sea_orm::Connect for Connect {
    async fn connect(place: &str) -> Result<DatabaseConnection> {
        let pool = pool().connect_with(options(place)?).await?;
        Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
    }
}
