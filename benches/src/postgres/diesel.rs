//! diesel, by its query builder and its associations, over libpq.

use anyhow::Result;
use diesel::prelude::*;
use orm_bench_cases::{Library, NewUser};
use orm_benches::models::diesel::{Comment, Insert, Post, Tree, User, grow, posts, users};

/// How many connections concurrent reads share.
const CONNECTIONS: usize = 10;

pub struct Diesel {
    place: String,
    connection: PgConnection,
    pool: Vec<PgConnection>,
}

impl Library for Diesel {
    const NAME: &'static str = "diesel";
    type User = User;
    type Pair = (User, Option<Post>);
    type Trees = Vec<Tree>;

    async fn open(place: &str) -> Result<Self> {
        let connection = PgConnection::establish(place)?;
        Ok(Diesel { place: place.to_owned(), connection, pool: Vec::new() })
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
        Ok(users::table.find(id).get_result(&mut self.connection)?)
    }

    async fn concurrent(&mut self, keys: &[i64]) -> Result<Vec<User>> {
        // It blocks, so each connection has a thread, and the keys are dealt out before.
        while self.pool.len() < CONNECTIONS {
            self.pool.push(PgConnection::establish(&self.place)?);
        }
        let shares = keys.chunks(keys.len().div_ceil(CONNECTIONS).max(1));
        std::thread::scope(|scope| {
            let read = |(connection, keys): (&mut PgConnection, &[i64])| -> QueryResult<Vec<User>> {
                keys.iter().map(|id| users::table.find(*id).get_result(connection)).collect()
            };
            let threads: Vec<_> =
                self.pool.iter_mut().zip(shares).map(|work| scope.spawn(move || read(work))).collect();
            let mut all = Vec::with_capacity(keys.len());
            for thread in threads {
                all.extend(thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??);
            }
            Ok(all)
        })
    }

    async fn insert(&mut self, users: &[NewUser]) -> Result<()> {
        let rows: Vec<Insert<'_>> = users.iter().map(Insert::from).collect();
        self.connection.transaction(|connection| {
            diesel::insert_into(users::table).values(&rows).execute(connection).map(drop)
        })?;
        Ok(())
    }

    async fn clear(&mut self) -> Result<()> {
        diesel::delete(users::table).execute(&mut self.connection)?;
        Ok(())
    }
}
