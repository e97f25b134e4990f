//! The rows of sqlx, of any database. They are read by index, as the code does that its `query_as!` expands to.

use std::marker::PhantomData;

use sqlx::{ColumnIndex, Decode, Result, Row, Type};

use super::plain::{Comment, Post, User};

/// Reads rows of the type `R`.
pub struct Read<R>(PhantomData<R>);

impl<R: Row> Read<R>
where
    usize: ColumnIndex<R>,
    i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    String: for<'r> Decode<'r, R::Database> + Type<R::Database>,
{
    pub fn user(row: &R) -> Result<User> {
        Ok(User { id: row.try_get(0)?, name: row.try_get(1)?, hair_color: row.try_get(2)? })
    }

    pub fn post(row: &R, at: usize) -> Result<Post> {
        Ok(Post {
            id: row.try_get(at)?,
            user_id: row.try_get(at + 1)?,
            title: row.try_get(at + 2)?,
            body: row.try_get(at + 3)?,
        })
    }

    pub fn comment(row: &R) -> Result<Comment> {
        Ok(Comment { id: row.try_get(0)?, post_id: row.try_get(1)?, text: row.try_get(2)? })
    }

    pub fn pair(row: &R) -> Result<(User, Option<Post>)> {
        let post = match row.try_get::<Option<i64>, _>(3)? {
            Some(_) => Some(Self::post(row, 3)?),
            None => None,
        };
        Ok((Self::user(row)?, post))
    }
}
