//! The database files, made by the bare driver so that every library gets the same one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use orm_bench_cases::{Case, KEYS, NewUser, Shape, new_users};
use orm_benches::Ground;
use rusqlite::{Connection, params};

const SCHEMA: &str = "
    CREATE TABLE users (id INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL, hair_color TEXT);
    CREATE TABLE posts (
        id INTEGER PRIMARY KEY NOT NULL,
        user_id INTEGER NOT NULL REFERENCES users (id),
        title TEXT NOT NULL,
        body TEXT
    );
    CREATE INDEX posts_user_id ON posts (user_id);
    CREATE TABLE comments (
        id INTEGER PRIMARY KEY NOT NULL,
        post_id INTEGER NOT NULL REFERENCES posts (id),
        text TEXT NOT NULL
    );
    CREATE INDEX comments_post_id ON comments (post_id);
";

/// Files in a temporary folder.
#[derive(Default)]
pub struct Files {
    folder: Option<tempfile::TempDir>,
}

impl Files {
    fn file(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.as_ref().context("no case was prepared")?;
        Ok(folder.path().join(format!("{name}.db")))
    }
}

impl Ground for Files {
    const NAME: &'static str = "sqlite";
    const BASELINE: &'static str = "rusqlite";
    const SHAPES: &'static [Shape] =
        &[Shape::Select, Shape::FilteredJoin, Shape::Insert, Shape::Nested, Shape::ByKey, Shape::Bulk];

    fn prepare(&mut self, case: Case) -> Result<()> {
        self.folder = Some(tempfile::tempdir()?);
        seed(&self.file("original")?, case)
    }

    fn place(&mut self, library: &str) -> Result<String> {
        let file = self.file(library)?;
        std::fs::copy(self.file("original")?, &file)?;
        file.into_os_string().into_string().ok().context("the path is not UTF-8")
    }

    /// Moves the log into the database, so that it does not grow.
    fn settle(&mut self, place: &str) -> Result<()> {
        Ok(Connection::open(place)?.pragma_update(None, "wal_checkpoint", "TRUNCATE")?)
    }

    fn count(&mut self, place: &str) -> Result<(i64, i64, i64)> {
        let sql = "SELECT count(*), count(hair_color), coalesce(sum(length(name)), 0) FROM users";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        Ok(Connection::open(place)?.query_row(sql, (), read)?)
    }

    fn clean(&mut self) -> Result<()> {
        self.folder = None;
        Ok(())
    }
}

/// Makes the database file of a case.
fn seed(file: &Path, case: Case) -> Result<()> {
    let mut connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.execute_batch(SCHEMA)?;
    let size = i64::try_from(case.size)?;
    let transaction = connection.transaction()?;
    match case.shape {
        Shape::Select => users(&transaction, &new_users(case.size))?,
        Shape::ByKey | Shape::Concurrent => users(&transaction, &new_users(usize::try_from(KEYS)?))?,
        Shape::Insert | Shape::Bulk => {}
        Shape::FilteredJoin => {
            let mut people = new_users(case.size);
            for (number, user) in people.iter_mut().enumerate() {
                user.hair_color = Some(if number % 2 == 0 { "black" } else { "brown" }.to_owned());
            }
            users(&transaction, &people)?;
            // One, two or no posts, in turn, for the users with black hair.
            posts(&transaction, size, |user| if user % 2 == 1 { (user / 2 + 1) % 3 } else { 0 })?;
        }
        Shape::Nested | Shape::Distant => {
            users(&transaction, &new_users(case.size))?;
            posts(&transaction, size, |_| 10)?;
            comments(&transaction, size * 10)?;
        }
    }
    transaction.commit()?;
    connection.pragma_update(None, "wal_checkpoint", "TRUNCATE")?;
    Ok(())
}

fn users(connection: &Connection, users: &[NewUser]) -> Result<()> {
    let mut insert = connection.prepare("INSERT INTO users (name, hair_color) VALUES (?, ?)")?;
    for user in users {
        insert.execute(params![user.name, user.hair_color])?;
    }
    Ok(())
}

fn posts(connection: &Connection, users: i64, count: impl Fn(i64) -> i64) -> Result<()> {
    let mut insert = connection.prepare("INSERT INTO posts (user_id, title, body) VALUES (?, ?, ?)")?;
    for user in 1..=users {
        for number in 0..count(user) {
            let body = (number % 2 == 0).then_some("A body of a few words, as bodies are");
            insert.execute(params![user, format!("Post {number} of {user}"), body])?;
        }
    }
    Ok(())
}

fn comments(connection: &Connection, posts: i64) -> Result<()> {
    let mut insert = connection.prepare("INSERT INTO comments (post_id, text) VALUES (?, ?)")?;
    for post in 1..=posts {
        for number in 0..10 {
            insert.execute(params![post, format!("Comment {number} on {post}")])?;
        }
    }
    Ok(())
}
