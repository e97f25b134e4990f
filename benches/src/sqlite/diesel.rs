//! diesel, by its query builder and its associations.

use std::path::Path;

use anyhow::{Context, Result};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use orm_bench_cases::{Library, NewUser, tables};

diesel::table! {
    users {
        id -> BigInt,
        name -> Text,
        hair_color -> Nullable<Text>,
    }
}

diesel::table! {
    posts {
        id -> BigInt,
        user_id -> BigInt,
        title -> Text,
        body -> Nullable<Text>,
    }
}

diesel::table! {
    comments {
        id -> BigInt,
        post_id -> BigInt,
        text -> Text,
    }
}

diesel::joinable!(posts -> users (user_id));
diesel::joinable!(comments -> posts (post_id));
diesel::allow_tables_to_appear_in_same_query!(users, posts, comments);

#[derive(Queryable, Identifiable)]
#[diesel(table_name = users)]
pub struct User {
    id: i64,
    name: String,
    hair_color: Option<String>,
}

#[derive(Queryable, Identifiable, Associations)]
#[diesel(table_name = posts, belongs_to(User))]
pub struct Post {
    id: i64,
    user_id: i64,
    title: String,
    body: Option<String>,
}

#[derive(Queryable, Identifiable, Associations)]
#[diesel(table_name = comments, belongs_to(Post))]
pub struct Comment {
    id: i64,
    post_id: i64,
    text: String,
}

tables!(User, Post, Comment);

/// With `treat_none_as_default_value`, SQLite would get a statement for each row.
#[derive(Insertable)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
struct Insert<'a> {
    name: &'a str,
    hair_color: Option<&'a str>,
}

impl<'a> From<&'a NewUser> for Insert<'a> {
    fn from(user: &'a NewUser) -> Self {
        Insert { name: &user.name, hair_color: user.hair_color.as_deref() }
    }
}

pub type Tree = (User, Vec<(Post, Vec<Comment>)>);

/// Puts children under their parents.
pub fn grow(users: Vec<User>, posts: Vec<Post>, comments: Vec<Comment>) -> Vec<Tree> {
    let comments = comments.grouped_by(&posts);
    let posts: Vec<_> = posts.into_iter().zip(comments).collect();
    let posts = posts.grouped_by(&users);
    users.into_iter().zip(posts).collect()
}

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

    async fn open(file: &Path) -> Result<Self> {
        let mut connection = SqliteConnection::establish(file.to_str().context("the path is not UTF-8")?)?;
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
