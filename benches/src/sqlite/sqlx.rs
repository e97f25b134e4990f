//! sqlx, by hand-written SQL. Rows are read by index, as the code does that its `query_as!` expands to.

use std::path::Path;

use anyhow::Result;
use orm_bench_cases::{Library, NewUser, tables};
use rustc_hash::FxHashMap;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, FromRow, QueryBuilder, Row, Sqlite};

pub struct User {
    id: i64,
    name: String,
    hair_color: Option<String>,
}

pub struct Post {
    id: i64,
    user_id: i64,
    title: String,
    body: Option<String>,
}

pub struct Comment {
    id: i64,
    post_id: i64,
    text: String,
}

tables!(User, Post, Comment);

impl FromRow<'_, SqliteRow> for User {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(User { id: row.try_get(0)?, name: row.try_get(1)?, hair_color: row.try_get(2)? })
    }
}

impl Post {
    fn read(row: &SqliteRow, at: usize) -> sqlx::Result<Self> {
        Ok(Post {
            id: row.try_get(at)?,
            user_id: row.try_get(at + 1)?,
            title: row.try_get(at + 2)?,
            body: row.try_get(at + 3)?,
        })
    }
}

impl FromRow<'_, SqliteRow> for Post {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Post::read(row, 0)
    }
}

impl FromRow<'_, SqliteRow> for Comment {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Comment { id: row.try_get(0)?, post_id: row.try_get(1)?, text: row.try_get(2)? })
    }
}

pub struct Pair(User, Option<Post>);

impl orm_bench_cases::Content for Pair {
    fn add_to(&self, digest: &mut orm_bench_cases::Digest) {
        self.0.add_to(digest);
        self.1.add_to(digest);
    }
}

impl FromRow<'_, SqliteRow> for Pair {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let post = match row.try_get::<Option<i64>, _>(3)? {
            Some(_) => Some(Post::read(row, 3)?),
            None => None,
        };
        Ok(Pair(User::from_row(row)?, post))
    }
}

pub type Tree = (User, Vec<(Post, Vec<Comment>)>);

pub struct Sqlx {
    connection: SqliteConnection,
}

impl Library for Sqlx {
    const NAME: &'static str = "sqlx";
    type User = User;
    type Pair = Pair;
    type Trees = Vec<Tree>;

    async fn open(file: &Path) -> Result<Self> {
        Ok(Sqlx { connection: options().filename(file).connect().await? })
    }

    async fn select(&mut self) -> Result<Vec<User>> {
        let query = sqlx::query("SELECT id, name, hair_color FROM users");
        self.all(query).await
    }

    async fn filtered_join(&mut self) -> Result<Vec<Pair>> {
        let query = sqlx::query(
            "SELECT users.id, name, hair_color, posts.id, user_id, title, body \
             FROM users LEFT JOIN posts ON posts.user_id = users.id WHERE hair_color = ?",
        );
        self.all(query.bind("black")).await
    }

    async fn nested(&mut self) -> Result<Vec<Tree>> {
        let users = self.select().await?;
        let keys = json(users.iter().map(|user| user.id));
        let query = sqlx::query(
            "SELECT id, user_id, title, body FROM posts WHERE user_id IN (SELECT value FROM json_each(?))",
        );
        let posts: Vec<Post> = self.all(query.bind(keys)).await?;
        let keys = json(posts.iter().map(|post| post.id));
        let query = sqlx::query(
            "SELECT id, post_id, text FROM comments WHERE post_id IN (SELECT value FROM json_each(?))",
        );
        let comments: Vec<Comment> = self.all(query.bind(keys)).await?;

        let post_places: FxHashMap<i64, usize> = (0..).zip(&posts).map(|(at, post)| (post.id, at)).collect();
        let user_places: FxHashMap<i64, usize> = (0..).zip(&users).map(|(at, user)| (user.id, at)).collect();
        let mut posts: Vec<(Post, Vec<Comment>)> = posts.into_iter().map(|post| (post, Vec::new())).collect();
        for comment in comments {
            posts[post_places[&comment.post_id]].1.push(comment);
        }
        let mut users: Vec<Tree> = users.into_iter().map(|user| (user, Vec::new())).collect();
        for post in posts {
            users[user_places[&post.0.user_id]].1.push(post);
        }
        Ok(users)
    }

    async fn by_key(&mut self, id: i64) -> Result<User> {
        let query = sqlx::query_as("SELECT id, name, hair_color FROM users WHERE id = ?");
        Ok(query.bind(id).fetch_one(&mut self.connection).await?)
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
    async fn all<T>(&mut self, query: Query<'_, Sqlite, SqliteArguments>) -> Result<Vec<T>>
    where
        T: for<'r> FromRow<'r, SqliteRow>,
    {
        let rows = query.fetch_all(&mut self.connection).await?;
        Ok(rows.iter().map(T::from_row).collect::<sqlx::Result<_>>()?)
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
