//! diesel-async, which runs each statement of diesel on a thread of tokio.

use anyhow::Result;
use diesel::prelude::*;
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use diesel_async::{AsyncConnection, RunQueryDsl, SimpleAsyncConnection};
use orm_bench_cases::{Library, NewUser};
use orm_benches::models::diesel::{Comment, Post, Tree, User, grow, posts, users};

use crate::diesel::{PRAGMAS, insert};

pub struct DieselAsync {
    connection: SyncConnectionWrapper<SqliteConnection>,
}

impl Library for DieselAsync {
    const NAME: &'static str = "diesel-async";
    type User = User;
    type Pair = (User, Option<Post>);
    type Trees = Vec<Tree>;

    async fn open(place: &str) -> Result<Self> {
        let mut connection = SyncConnectionWrapper::establish(place).await?;
        connection.batch_execute(PRAGMAS).await?;
        Ok(DieselAsync { connection })
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

    async fn insert(&mut self, users: &[NewUser]) -> Result<()> {
        // It cannot send many rows in one statement to SQLite, but it can lend the connection of diesel, which does. The
        // whole transaction then takes one turn on the thread.
        let users = users.to_vec();
        let work = move |connection: &mut SqliteConnection| insert(connection, &users);
        Ok(self.connection.spawn_blocking(work).await?)
    }

    async fn clear(&mut self) -> Result<()> {
        diesel::delete(users::table).execute(&mut self.connection).await?;
        Ok(())
    }
}
