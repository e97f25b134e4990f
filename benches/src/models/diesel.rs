//! The models of diesel and diesel-async.

use diesel::prelude::*;
use orm_bench_cases::{NewUser, tables};

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
    pub id: i64,
    pub name: String,
    pub hair_color: Option<String>,
}

#[derive(Queryable, Identifiable, Associations)]
#[diesel(table_name = posts, belongs_to(User))]
pub struct Post {
    pub id: i64,
    pub user_id: i64,
    pub title: String,
    pub body: Option<String>,
}

#[derive(Queryable, Identifiable, Associations)]
#[diesel(table_name = comments, belongs_to(Post))]
pub struct Comment {
    pub id: i64,
    pub post_id: i64,
    pub text: String,
}

tables!(User, Post, Comment);

/// A user to be inserted. With `treat_none_as_default_value`, SQLite would get a statement for each row.
#[derive(Insertable)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
pub struct Insert<'a> {
    pub name: &'a str,
    pub hair_color: Option<&'a str>,
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
