//! The bare driver, written well by hand: what every library is compared with.
//!
//! One connection whose statements were prepared at its start; rows are read by index as they come. Only reads that are
//! concurrent go through a pool, that of deadpool, which is the driver's usual one.

use anyhow::Result;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use futures_util::TryStreamExt;
use futures_util::future::try_join_all;
use orm_bench_cases::{Library, NewUser};
use orm_benches::models::plain::{Comment, Post, Tree, User, grow};
use tokio_postgres::types::BorrowToSql;
use tokio_postgres::{Client, Config, NoTls, Row, Statement};

const BY_KEY: &str = "SELECT id, name, hair_color FROM users WHERE id = $1";

/// A connection, driven by the runtime it is made on.
pub async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

fn user(row: &Row) -> Result<User, tokio_postgres::Error> {
    Ok(User { id: row.try_get(0)?, name: row.try_get(1)?, hair_color: row.try_get(2)? })
}

fn post(row: &Row, at: usize) -> Result<Post, tokio_postgres::Error> {
    Ok(Post {
        id: row.try_get(at)?,
        user_id: row.try_get(at + 1)?,
        title: row.try_get(at + 2)?,
        body: row.try_get(at + 3)?,
    })
}

fn comment(row: &Row) -> Result<Comment, tokio_postgres::Error> {
    Ok(Comment { id: row.try_get(0)?, post_id: row.try_get(1)?, text: row.try_get(2)? })
}

pub struct TokioPostgres {
    client: Client,
    pool: Pool,
    select: Statement,
    filtered_join: Statement,
    posts: Statement,
    comments: Statement,
    by_key: Statement,
    insert: Statement,
}

impl Library for TokioPostgres {
    const NAME: &'static str = "tokio-postgres";
    type User = User;
    type Pair = (User, Option<Post>);
    type Trees = Vec<Tree>;

    async fn open(place: &str) -> Result<Self> {
        let client = connect(place).await?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(place.parse::<Config>()?, NoTls, recycling);
        let join = "SELECT users.id, name, hair_color, posts.id, user_id, title, body \
                    FROM users LEFT JOIN posts ON posts.user_id = users.id WHERE hair_color = $1";
        let posts = "SELECT id, user_id, title, body FROM posts WHERE user_id = ANY($1)";
        let comments = "SELECT id, post_id, text FROM comments WHERE post_id = ANY($1)";
        let insert = "INSERT INTO users (name, hair_color) SELECT * FROM unnest($1::text[], $2::text[])";
        Ok(TokioPostgres {
            pool: Pool::builder(manager).max_size(10).build()?,
            select: client.prepare("SELECT id, name, hair_color FROM users").await?,
            filtered_join: client.prepare(join).await?,
            posts: client.prepare(posts).await?,
            comments: client.prepare(comments).await?,
            by_key: client.prepare(BY_KEY).await?,
            insert: client.prepare(insert).await?,
            client,
        })
    }

    async fn select(&mut self) -> Result<Vec<User>> {
        self.all(&self.select, [] as [i64; 0], user).await
    }

    async fn filtered_join(&mut self) -> Result<Vec<Self::Pair>> {
        let read = |row: &Row| {
            let post = match row.try_get::<_, Option<i64>>(3)? {
                Some(_) => Some(post(row, 3)?),
                None => None,
            };
            Ok((user(row)?, post))
        };
        self.all(&self.filtered_join, ["black"], read).await
    }

    async fn nested(&mut self) -> Result<Vec<Tree>> {
        let users = self.select().await?;
        let keys: Vec<i64> = users.iter().map(|user| user.id).collect();
        let posts = self.all(&self.posts, [keys], |row| post(row, 0)).await?;
        let keys: Vec<i64> = posts.iter().map(|post| post.id).collect();
        let comments = self.all(&self.comments, [keys], comment).await?;
        Ok(grow(users, posts, comments))
    }

    async fn by_key(&mut self, id: i64) -> Result<User> {
        Ok(user(&self.client.query_one(&self.by_key, &[&id]).await?)?)
    }

    async fn concurrent(&mut self, keys: &[i64]) -> Result<Vec<User>> {
        let pool = &self.pool;
        let reads = keys.iter().map(|id| async move {
            let client = pool.get().await?;
            let statement = client.prepare_cached(BY_KEY).await?;
            Ok(user(&client.query_one(&statement, &[id]).await?)?)
        });
        try_join_all(reads).await
    }

    async fn insert(&mut self, users: &[NewUser]) -> Result<()> {
        let transaction = self.client.transaction().await?;
        let names: Vec<&str> = users.iter().map(|user| user.name.as_str()).collect();
        let colors: Vec<Option<&str>> = users.iter().map(|user| user.hair_color.as_deref()).collect();
        transaction.execute(&self.insert, &[&names, &colors]).await?;
        Ok(transaction.commit().await?)
    }

    async fn clear(&mut self) -> Result<()> {
        self.client.batch_execute("DELETE FROM users").await?;
        Ok(())
    }
}

impl TokioPostgres {
    async fn all<P, I, T>(
        &self,
        statement: &Statement,
        params: I,
        read: impl Fn(&Row) -> Result<T, tokio_postgres::Error>,
    ) -> Result<Vec<T>>
    where
        P: BorrowToSql,
        I: IntoIterator<Item = P, IntoIter: ExactSizeIterator>,
    {
        let mut rows = std::pin::pin!(self.client.query_raw(statement, params).await?);
        let mut all = Vec::new();
        while let Some(row) = rows.try_next().await? {
            all.push(read(&row)?);
        }
        Ok(all)
    }
}
