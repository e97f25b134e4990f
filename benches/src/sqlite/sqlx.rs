//! sqlx, by hand-written SQL.

use anyhow::Result;
use orm_bench_cases::{Library, NewUser};
use orm_benches::models::plain::{Post, Tree, User, grow};
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Sqlite};

type Read = orm_benches::models::sqlx::Read<SqliteRow>;

pub struct Sqlx {
    connection: SqliteConnection,
}

impl Library for Sqlx {
    const NAME: &'static str = "sqlx";
    type User = User;
    type Pair = (User, Option<Post>);
    type Trees = Vec<Tree>;

    async fn open(place: &str) -> Result<Self> {
        Ok(Sqlx { connection: options().filename(place).connect().await? })
    }

    async fn select(&mut self) -> Result<Vec<User>> {
        let query = sqlx::query("SELECT id, name, hair_color FROM users");
        self.all(query, Read::user).await
    }

    async fn filtered_join(&mut self) -> Result<Vec<Self::Pair>> {
        let query = sqlx::query(
            "SELECT users.id, name, hair_color, posts.id, user_id, title, body \
             FROM users LEFT JOIN posts ON posts.user_id = users.id WHERE hair_color = ?",
        );
        self.all(query.bind("black"), Read::pair).await
    }

    async fn nested(&mut self) -> Result<Vec<Tree>> {
        let users = self.select().await?;
        let keys = json(users.iter().map(|user| user.id));
        let query = sqlx::query(
            "SELECT id, user_id, title, body FROM posts WHERE user_id IN (SELECT value FROM json_each(?))",
        );
        let posts = self.all(query.bind(keys), |row| Read::post(row, 0)).await?;
        let keys = json(posts.iter().map(|post| post.id));
        let query = sqlx::query(
            "SELECT id, post_id, text FROM comments WHERE post_id IN (SELECT value FROM json_each(?))",
        );
        let comments = self.all(query.bind(keys), Read::comment).await?;
        Ok(grow(users, posts, comments))
    }

    async fn by_key(&mut self, id: i64) -> Result<User> {
        let query = sqlx::query("SELECT id, name, hair_color FROM users WHERE id = ?");
        Ok(Read::user(&query.bind(id).fetch_one(&mut self.connection).await?)?)
    }

    async fn insert(&mut self, users: &[NewUser]) -> Result<()> {
        let mut transaction = self.connection.begin().await?;
        // SQLite takes 32 766 parameters.
        for chunk in users.chunks(16_383) {
            let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO users (name, hair_color) ");
            insert.push_values(chunk, |mut row, user| {
                row.push_bind(&user.name).push_bind(user.hair_color.as_ref());
            });
            insert.build().execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn clear(&mut self) -> Result<()> {
        sqlx::query("DELETE FROM users").execute(&mut self.connection).await?;
        Ok(())
    }
}

impl Sqlx {
    /// All rows are fetched and then decoded: twice as fast as the stream of decoded rows under `query_as(..).fetch_all(..)`.
    async fn all<T>(
        &mut self,
        query: Query<'_, Sqlite, SqliteArguments>,
        read: impl Fn(&SqliteRow) -> sqlx::Result<T>,
    ) -> Result<Vec<T>> {
        let rows = query.fetch_all(&mut self.connection).await?;
        Ok(rows.iter().map(read).collect::<sqlx::Result<_>>()?)
    }
}

/// How a database file is opened.
pub fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .pragma("wal_autocheckpoint", "0")
        .disable_statement_logging()
}

fn json(keys: impl Iterator<Item = i64>) -> String {
    let keys: Vec<_> = keys.map(|key| key.to_string()).collect();
    format!("[{}]", keys.join(","))
}
