//! Pieces of migrations.
//!
//! SQLite rebuilds a table to change it, and a rebuild is plain SQL: a new table, the rows copied, the old table dropped, the new one
//! renamed. [`change`] does around it what the script cannot: foreign keys are not enforced meanwhile, or the children would go with
//! the old table, and are all [looked at](keys) before COMMIT; what else hangs on the table is [carried over](carry).

mod carry;
mod compare;
mod keys;

use orm_core::schema::Change;
use orm_core::{Error, ErrorKind, Result};
use orm_sql::{Dialect, SqliteDialect, controls_transaction, tokens};
use rusqlite::Connection;

use crate::errors::{self, Context};
use crate::run;
use crate::session::{On, Place, SqliteSession};

pub use compare::differences;

/// Sends a piece of a migration.
pub async fn change(session: &SqliteSession, change: &Change) -> Result<()> {
    if !matches!(session.place, Place::Pool(_)) {
        return Err(Error::new(ErrorKind::Usage, "a migration cannot run in a transaction")
            .with_hint("run it on the database: it has transactions of its own"));
    }
    let work = session.work_within(change.lock_timeout).await?;
    let change = change.clone();
    work.on_thread_within(change.lock_timeout, move |on| {
        let result = if change.whole { whole(on, &change) } else { apart(on, &change) };
        // What was compiled is about the schema as it was.
        on.pool.cache.clear();
        on.connection.flush_prepared_statement_cache();
        result
    })
    .await
}

/// Asks queries for one number each.
pub async fn count(session: &SqliteSession, queries: &[String]) -> Result<Vec<i64>> {
    let work = session.work(false).await?;
    let queries = queries.to_vec();
    work.on_thread(move |on| queries.iter().map(|sql| number(on.connection, sql)).collect()).await
}

fn number(connection: &Connection, sql: &str) -> Result<i64> {
    // A sum over no rows is NULL.
    let number = connection.query_row(sql, [], |row| row.get::<_, Option<i64>>(0));
    Ok(number.map_err(|error| errors::map(error, &Context::default()))?.unwrap_or(0))
}

/// Each statement by itself.
fn apart(on: On<'_>, change: &Change) -> Result<()> {
    let _settings = Settings::keep(on)?;
    change.check_guard(|sql| number(on.connection, sql))?;
    for (index, sql) in change.statements.iter().enumerate() {
        run::control(on, sql).map_err(|error| change.failed(index, error))?;
        if !on.connection.is_autocommit() {
            return Err(change.failed(index, left_open()));
        }
    }
    Ok(())
}

fn left_open() -> Error {
    Error::new(ErrorKind::Migration, "the statement begins a transaction and does not end it")
        .with_hint("leave BEGIN and COMMIT out of a migration")
}

/// All statements or none.
fn whole(on: On<'_>, change: &Change) -> Result<()> {
    change.check_whole(|sql| controls_transaction(sql, &SqliteDialect.lexer()))?;
    let settings = Settings::keep(on)?;
    let touches_rows = change.statements.iter().any(|sql| touches_rows(sql));
    if touches_rows {
        // In a transaction this does nothing: https://sqlite.org/pragma.html#pragma_foreign_keys
        settings.set("foreign_keys", false)?;
    }
    run::control(on, "BEGIN IMMEDIATE")?;
    change.check_guard(|sql| number(on.connection, sql))?;
    let checks = settings.foreign_keys && touches_rows;
    let before = if checks { keys::broken(on.connection)? } else { Vec::new() };
    let mut carried = carry::Carried::new(on)?;
    for (index, sql) in change.statements.iter().enumerate() {
        let failed = |error| change.failed(index, error);
        carried.before(on, sql).map_err(failed)?;
        if carried.is_done_already(sql) {
            continue;
        }
        run::control(on, sql).map_err(failed)?;
        carried.after(on).map_err(failed)?;
    }
    carried.restore(on)?;
    if checks {
        keys::check(on.connection, &before)?;
    }
    run::control(on, "COMMIT")
}

/// Whether a statement may change which keys refer to which: all but those that make or remove what has no rows.
fn touches_rows(sql: &str) -> bool {
    let words: Vec<String> =
        tokens(sql, &SqliteDialect.lexer()).iter().take(3).map(|word| word.to_ascii_uppercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["CREATE", ..] | ["ALTER", "TABLE", ..] => false,
        ["DROP", kind, ..] => *kind == "TABLE",
        _ => true,
    }
}

/// The settings of the connection, which are as before when this is dropped; what is open then is rolled back.
struct Settings<'w> {
    on: On<'w>,
    foreign_keys: bool,
    legacy_alter_table: bool,
}

impl<'w> Settings<'w> {
    fn keep(on: On<'w>) -> Result<Self> {
        let ask = |name: &str| {
            on.connection
                .pragma_query_value(None, name, |row| row.get::<_, bool>(0))
                .map_err(|error| errors::map(error, &Context::default()))
        };
        Ok(Settings {
            on,
            foreign_keys: ask("foreign_keys")?,
            legacy_alter_table: ask("legacy_alter_table")?,
        })
    }

    fn set(&self, name: &str, value: bool) -> Result<()> {
        self.on
            .connection
            .pragma_update(None, name, value)
            .map_err(|error| errors::map(error, &Context::default()))
    }
}

impl Drop for Settings<'_> {
    fn drop(&mut self) {
        if !self.on.connection.is_autocommit() {
            // If this fails, the guard tries again, and gives the connection up.
            let _ = run::control(self.on, "ROLLBACK");
        }
        // The authorizer takes note of these, so that a connection to a file is not lent again but opened anew. That of a database
        // in memory is the only one, and has to be right.
        let _ = self.set("foreign_keys", self.foreign_keys);
        let _ = self.set("legacy_alter_table", self.legacy_alter_table);
    }
}
