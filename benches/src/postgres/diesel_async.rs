//! diesel-async, which speaks to PostgreSQL by tokio-postgres.

use anyhow::Result;
use diesel::prelude::*;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use futures_util::future::try_join_all;
use orm_bench_cases::{Library, NewUser};
use orm_benches::models::diesel::{Comment, Insert, Post, Tree, User, grow, posts, users};

pub struct DieselAsync {
    connection: AsyncPgConnection,
    pool: Pool<AsyncPgConnection>,
}

impl Library for DieselAsync {
    const NAME: &'static str = "diesel-async";
    type User = User;
    type Pair = (User, Option<Post>);
    type Trees = Vec<Tree>;

    async fn open(place: &str) -> Result<Self> {
        // Connections are not pinged before each use.
        let mut config = ManagerConfig::default();
        config.recycling_method = RecyclingMethod::Fast;
        let manager = AsyncDieselConnectionManager::new_with_config(place, config);
        Ok(DieselAsync {
            connection: AsyncPgConnection::establish(place).await?,
            pool: Pool::builder(manager).max_size(10).build()?,
        })
    }

    async fn select(&mut self) -> Result<Vec<User>> {
        Ok(users::table.load(&mut self.connection).await?)
    }

    async fn filtered_join(&mut self) -> Result<Vec<Self::Pair>> {
        let pairs = users::table.left_join(posts::table).filter(users::hair_color.eq("black"));
        let pairs = pairs.select((users::all_columns, posts::all_columns.nullable()));
        Ok(pairs.load(&mut self.connection).await?)
    }

    async fn nested(&mut self) -> Result<Vec<Tree>> {
        let users: Vec<User> = users::table.load(&mut self.connection).await?;
        let posts: Vec<Post> = Post::belonging_to(&users).load(&mut self.connection).await?;
        let comments: Vec<Comment> = Comment::belonging_to(&posts).load(&mut self.connection).await?;
        Ok(grow(users, posts, comments))
    }

    async fn by_key(&mut self, id: i64) -> Result<User> {
        Ok(users::table.find(id).get_result(&mut self.connection).await?)
    }

    async fn concurrent(&mut self, keys: &[i64]) -> Result<Vec<User>> {
        let pool = &self.pool;
        let reads = keys.iter().map(|id| async move {
            let mut connection = pool.get().await?;
            Ok(users::table.find(*id).get_result(&mut connection).await?)
        });
        try_join_all(reads).await
    }

    async fn insert(&mut self, users: &[NewUser]) -> Result<()> {
        let rows: Vec<Insert<'_>> = users.iter().map(Insert::from).collect();
        let insert = async |connection: &mut AsyncPgConnection| {
            diesel::insert_into(users::table).values(&rows).execute(connection).await
        };
        self.connection.transaction(insert).await?;
        Ok(())
    }

    async fn clear(&mut self) -> Result<()> {
        diesel::delete(users::table).execute(&mut self.connection).await?;
        Ok(())
    }
}
