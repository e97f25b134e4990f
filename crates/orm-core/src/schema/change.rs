//! A piece of a migration on its way to a database, and what a database has that the schema has not.

use std::time::Duration;

/// Statements of a migration that are sent together.
///
/// ```
/// use orm::schema::Change;
/// let change = Change::whole(["ALTER TABLE users ADD COLUMN nick TEXT".into()]);
/// assert!(change.whole && change.guard.is_none());
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Change {
    /// The statements, as a migration has them: SQL, or a command in extended JSON.
    pub statements: Vec<String>,
    /// Whether all of them take effect or none. A database that has no transactions for this refuses.
    pub whole: bool,
    /// A query for one number that must be 1 where the change is made, or nothing happens: whether the lock is still held.
    pub guard: Option<String>,
    /// How long a statement waits for what others have locked.
    pub lock_timeout: Option<Duration>,
}

impl Change {
    /// Statements that all take effect or none.
    pub fn whole(statements: impl IntoIterator<Item = String>) -> Self {
        Change { statements: statements.into_iter().collect(), whole: true, ..Change::default() }
    }

    /// A statement that cannot run in a transaction.
    pub fn alone(statement: String) -> Self {
        Change { statements: vec![statement], ..Change::default() }
    }
}

/// What a database has otherwise than the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The table.
    pub table: String,
    /// What of it, with its kind: ``column `nick` ``; empty for the table itself.
    pub object: String,
    /// How it should be, in the database's own words; nothing if it should not be there.
    pub expected: Option<String>,
    /// How it is, in the database's own words; nothing if it is missing.
    pub found: Option<String>,
}

impl Difference {
    /// A difference of a table, or of what it has.
    pub fn new(table: impl Into<String>, object: impl Into<String>) -> Self {
        Difference { table: table.into(), object: object.into(), expected: None, found: None }
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.object.as_str() {
            "" => write!(f, "the table `{}` ", self.table)?,
            object => write!(f, "the {object} of `{}` ", self.table)?,
        }
        match (&self.expected, &self.found) {
            (Some(expected), Some(found)) => write!(f, "is {found}, not {expected}"),
            (Some(_), None) => f.write_str("is missing"),
            _ => f.write_str("is not in the schema"),
        }
    }
}
