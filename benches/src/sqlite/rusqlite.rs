//! The bare driver, written well by hand: what every library is compared with.

use std::rc::Rc;

use anyhow::Result;
use orm_bench_cases::{Library, NewUser};
use orm_benches::models::plain::{Comment, Post, Tree, User, grow};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Row, params_from_iter};

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User { id: row.get(0)?, name: row.get(1)?, hair_color: row.get(2)? })
}

fn post(row: &Row<'_>, at: usize) -> rusqlite::Result<Post> {
    Ok(Post { id: row.get(at)?, user_id: row.get(at + 1)?, title: row.get(at + 2)?, body: row.get(at + 3)? })
}

fn comment(row: &Row<'_>) -> rusqlite::Result<Comment> {
    Ok(Comment { id: row.get(0)?, post_id: row.get(1)?, text: row.get(2)? })
}

/// How many users one INSERT holds at most: longer statements gain nothing.
const ROWS: usize = 500;

pub struct Rusqlite {
    connection: Connection,
}

impl Library for Rusqlite {
    const NAME: &'static str = "rusqlite";
    type User = User;
    type Pair = (User, Option<Post>);
    type Trees = Vec<Tree>;

    async fn open(place: &str) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(place, flags)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        rusqlite::vtab::array::load_module(&connection)?;
        Ok(Rusqlite { connection })
    }

    async fn select(&mut self) -> Result<Vec<User>> {
        self.all("SELECT id, name, hair_color FROM users", (), user)
    }

    async fn filtered_join(&mut self) -> Result<Vec<Self::Pair>> {
        let sql = "SELECT users.id, name, hair_color, posts.id, user_id, title, body \
                   FROM users LEFT JOIN posts ON posts.user_id = users.id WHERE hair_color = ?";
        self.all(sql, ["black"], |row| {
            let post = match row.get_ref(3)? {
                rusqlite::types::ValueRef::Null => None,
                _ => Some(post(row, 3)?),
            };
            Ok((user(row)?, post))
        })
    }

    async fn nested(&mut self) -> Result<Vec<Tree>> {
        let users: Vec<User> = self.select().await?;
        let keys = array(users.iter().map(|user| user.id));
        let sql = "SELECT id, user_id, title, body FROM posts WHERE user_id IN rarray(?)";
        let posts = self.all(sql, [keys], |row| post(row, 0))?;
        let keys = array(posts.iter().map(|post| post.id));
        let sql = "SELECT id, post_id, text FROM comments WHERE post_id IN rarray(?)";
        let comments = self.all(sql, [keys], comment)?;
        Ok(grow(users, posts, comments))
    }

    async fn by_key(&mut self, id: i64) -> Result<User> {
        let mut statement =
            self.connection.prepare_cached("SELECT id, name, hair_color FROM users WHERE id = ?")?;
        Ok(statement.query_row([id], user)?)
    }

    async fn insert(&mut self, users: &[NewUser]) -> Result<()> {
        let transaction = self.connection.transaction()?;
        for chunk in users.chunks(ROWS) {
            let values = vec!["(?,?)"; chunk.len()].join(",");
            let sql = format!("INSERT INTO users (name, hair_color) VALUES {values}");
            let mut statement = transaction.prepare_cached(&sql)?;
            let cells = chunk.iter().flat_map(|user| [Some(&user.name), user.hair_color.as_ref()]);
            statement.execute(params_from_iter(cells))?;
        }
        Ok(transaction.commit()?)
    }

    async fn clear(&mut self) -> Result<()> {
        self.connection.execute("DELETE FROM users", ())?;
        Ok(())
    }
}

impl Rusqlite {
    fn all<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(read(row)?);
        }
        Ok(all)
    }
}

fn array(keys: impl Iterator<Item = i64>) -> Rc<Vec<Value>> {
    Rc::new(keys.map(Value::Integer).collect())
}
