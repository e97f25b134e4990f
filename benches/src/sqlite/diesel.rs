//! diesel, by its query builder and its associations.

use anyhow::Result;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use orm_bench_cases::{Library, NewUser};
use orm_benches::models::diesel::{Comment, Insert, Post, Tree, User, grow, posts, users};

/// Inserts users in a transaction.
pub fn insert(connection: &mut SqliteConnection, users: &[NewUser]) -> QueryResult<()> {
    let rows: Vec<Insert<'_>> = users.iter().map(Insert::from).collect();
    connection.transaction(|connection| {
        diesel::insert_into(users::table).values(&rows).execute(connection)?;
        Ok(())
    })
}

pub const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; \
                           PRAGMA wal_autocheckpoint = 0";

pub struct Diesel {
    connection: SqliteConnection,
}

impl Library for Diesel {
    const NAME: &'static str = "diesel";
    type User = User;
    type Pair = (User, Option<Post>);
    type Trees = Vec<Tree>;

    async fn open(place: &str) -> Result<Self> {
        let mut connection = SqliteConnection::establish(place)?;
        connection.batch_execute(PRAGMAS)?;
        Ok(Diesel { connection })
    }

    async fn select(&mut self) -> Result<Vec<User>> {
        Ok(users::table.load(&mut self.connection)?)
    }

    async fn filtered_join(&mut self) -> Result<Vec<Self::Pair>> {
        let pairs = users::table.left_join(posts::table).filter(users::hair_color.eq("black"));
        Ok(pairs.select((users::all_columns, posts::all_columns.nullable())).load(&mut self.connection)?)
    }

    async fn nested(&mut self) -> Result<Vec<Tree>> {
        let users: Vec<User> = users::table.load(&mut self.connection)?;
        let posts: Vec<Post> = Post::belonging_to(&users).load(&mut self.connection)?;
        let comments: Vec<Comment> = Comment::belonging_to(&posts).load(&mut self.connection)?;
        Ok(grow(users, posts, comments))
    }

    async fn by_key(&mut self, id: i64) -> Result<User> {
        // `first` would bind a LIMIT, and SQLite prepares such a statement again at each execution.
        Ok(users::table.find(id).get_result(&mut self.connection)?)
    }

    async fn insert(&mut self, users: &[NewUser]) -> Result<()> {
        Ok(insert(&mut self.connection, users)?)
    }

    async fn clear(&mut self) -> Result<()> {
        diesel::delete(users::table).execute(&mut self.connection)?;
        Ok(())
    }
}
