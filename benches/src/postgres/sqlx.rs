//! sqlx, by hand-written SQL.

use anyhow::Result;
use futures_util::future::try_join_all;
use orm_bench_cases::{Library, NewUser};
use orm_benches::models::plain::{Post, Tree, User, grow};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::{ConnectOptions, Connection, Postgres};

const BY_KEY: &str = "SELECT id, name, hair_color FROM users WHERE id = $1";

type Read = orm_benches::models::sqlx::Read<PgRow>;

pub struct Sqlx {
    connection: PgConnection,
    pool: PgPool,
}

impl Library for Sqlx {
    const NAME: &'static str = "sqlx";
    type User = User;
    type Pair = (User, Option<Post>);
    type Trees = Vec<Tree>;

    async fn open(place: &str) -> Result<Self> {
        let options = options(place)?;
        Ok(Sqlx { connection: options.connect().await?, pool: pool().connect_lazy_with(options) })
    }

    async fn select(&mut self) -> Result<Vec<User>> {
        let query = sqlx::query("SELECT id, name, hair_color FROM users");
        self.all(query, Read::user).await
    }

    async fn filtered_join(&mut self) -> Result<Vec<Self::Pair>> {
        let query = sqlx::query(
            "SELECT users.id, name, hair_color, posts.id, user_id, title, body \
             FROM users LEFT JOIN posts ON posts.user_id = users.id WHERE hair_color = $1",
        );
        self.all(query.bind("black"), Read::pair).await
    }

    async fn nested(&mut self) -> Result<Vec<Tree>> {
        let users = self.select().await?;
        let keys: Vec<i64> = users.iter().map(|user| user.id).collect();
        let query = sqlx::query("SELECT id, user_id, title, body FROM posts WHERE user_id = ANY($1)");
        let posts = self.all(query.bind(keys), |row| Read::post(row, 0)).await?;
        let keys: Vec<i64> = posts.iter().map(|post| post.id).collect();
        let query = sqlx::query("SELECT id, post_id, text FROM comments WHERE post_id = ANY($1)");
        let comments = self.all(query.bind(keys), Read::comment).await?;
        Ok(grow(users, posts, comments))
    }

    async fn by_key(&mut self, id: i64) -> Result<User> {
        Ok(Read::user(&sqlx::query(BY_KEY).bind(id).fetch_one(&mut self.connection).await?)?)
    }

    async fn concurrent(&mut self, keys: &[i64]) -> Result<Vec<User>> {
        let pool = &self.pool;
        let reads = keys.iter().map(|id| async move {
            let row = sqlx::query(BY_KEY).bind(*id).fetch_one(pool).await?;
            Ok(Read::user(&row)?)
        });
        try_join_all(reads).await
    }

    async fn insert(&mut self, users: &[NewUser]) -> Result<()> {
        // The way its documentation advises for many rows.
        let names: Vec<&str> = users.iter().map(|user| user.name.as_str()).collect();
        let colors: Vec<Option<&str>> = users.iter().map(|user| user.hair_color.as_deref()).collect();
        let mut transaction = self.connection.begin().await?;
        sqlx::query("INSERT INTO users (name, hair_color) SELECT * FROM unnest($1::text[], $2::text[])")
            .bind(names)
            .bind(colors)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    async fn clear(&mut self) -> Result<()> {
        sqlx::query("DELETE FROM users").execute(&mut self.connection).await?;
        Ok(())
    }
}

impl Sqlx {
    /// All rows are fetched and then decoded, which spares the stream of decoded rows under `query_as(..).fetch_all(..)`.
    async fn all<T>(
        &mut self,
        query: Query<'_, Postgres, PgArguments>,
        read: impl Fn(&PgRow) -> sqlx::Result<T>,
    ) -> Result<Vec<T>> {
        let rows = query.fetch_all(&mut self.connection).await?;
        Ok(rows.iter().map(read).collect::<sqlx::Result<_>>()?)
    }
}

/// How a database is opened.
pub fn options(place: &str) -> Result<PgConnectOptions> {
    Ok(place.parse::<PgConnectOptions>()?.disable_statement_logging())
}

/// Ten connections, which are not pinged before each use.
pub fn pool() -> PgPoolOptions {
    PgPoolOptions::new().max_connections(10).test_before_acquire(false)
}
