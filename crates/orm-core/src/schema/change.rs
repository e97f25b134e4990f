//! A piece of a migration on its way to a database, and what a database has that the schema has not.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

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

    /// Refuses the change if the guard does not hold, `number` asking it: for drivers.
    ///
    /// # Errors
    /// [`ErrorKind::Migration`] if the answer is not 1; those of the query.
    pub fn check_guard(&self, number: impl FnOnce(&str) -> Result<i64>) -> Result<()> {
        match &self.guard {
            Some(guard) => Change::held(number(guard)?),
            None => Ok(()),
        }
    }

    /// Refuses the change if the guard's number is not 1: for drivers.
    ///
    /// # Errors
    /// [`ErrorKind::Migration`] then.
    pub fn held(number: i64) -> Result<()> {
        if number == 1 {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Migration,
            "the lock of the migrations is lost: somebody else may migrate now",
        )
        .with_hint("nothing of this step was done; look who holds the lock, and run it again"))
    }

    /// Refuses statements that begin or end a transaction, `controls` saying of each whether it does: for drivers.
    ///
    /// # Errors
    /// [`ErrorKind::Migration`] then.
    pub fn check_whole(&self, controls: impl Fn(&str) -> bool) -> Result<()> {
        match self.statements.iter().position(|sql| controls(sql)) {
            None => Ok(()),
            Some(index) => {
                let text = "the statement begins or ends a transaction, and the migration is one";
                let error = Error::new(ErrorKind::Migration, text);
                Err(self
                    .failed(index, error.with_hint("leave BEGIN, COMMIT and ROLLBACK out of a migration")))
            }
        }
    }

    /// The error of a statement with its place and text: for drivers.
    pub fn failed(&self, index: usize, error: Error) -> Error {
        const LONGEST: usize = 300;
        let sql = self.statements.get(index).map_or("", |sql| sql.trim());
        let text: String = sql.chars().take(LONGEST).collect();
        let more = if text.len() < sql.len() { " …" } else { "" };
        let place = match self.statements.len() {
            1 => "the statement".to_owned(),
            count => format!("statement {} of {count}", index + 1),
        };
        let message = format!("{place} failed: {}\n{text}{more}", error.message());
        let mut named = Error::new(error.kind(), message);
        if let Some(hint) = error.hint() {
            named = named.with_hint(hint);
        }
        if let Some(code) = error.code() {
            named = named.with_code(code);
        }
        if let Some(constraint) = error.constraint() {
            named = named.with_constraint(constraint);
        }
        named.with_source(error)
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

    /// What differs between two descriptions of a table, each object with how it is: for drivers. The table itself is the object
    /// without a name, and the only difference if it is missing or should not be there.
    ///
    /// ```
    /// use orm::schema::Difference;
    /// let is = |ty: &str| [(String::new(), "a table".to_owned()), ("column `a`".to_owned(), ty.to_owned())];
    /// let differences = Difference::between("t", &is("TEXT"), &is("INTEGER"));
    /// assert_eq!(differences[0].to_string(), "the column `a` of `t` is INTEGER, not TEXT");
    /// assert_eq!(Difference::between("t", &is("TEXT"), &[])[0].to_string(), "the table `t` is missing");
    /// ```
    pub fn between(
        table: &str,
        expected: &[(String, String)],
        found: &[(String, String)],
    ) -> Vec<Difference> {
        let of = |facts: &[(String, String)], object: &str| {
            facts.iter().find(|(other, _)| other == object).map(|(_, text)| text.clone())
        };
        let (all_expected, all_found) = (expected, found);
        let mut differences = Vec::new();
        let extra = found.iter().filter(|(object, _)| of(expected, object).is_none());
        for (object, _) in expected.iter().chain(extra) {
            let (expected, found) = (of(all_expected, object), of(all_found, object));
            if expected == found {
                continue;
            }
            let whole = object.is_empty();
            differences.push(Difference { table: table.to_owned(), object: object.clone(), expected, found });
            if whole && (all_expected.is_empty() || all_found.is_empty()) {
                break;
            }
        }
        differences
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
