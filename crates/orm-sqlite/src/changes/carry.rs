//! What hangs on a table that is rebuilt, and that the script of the migration does not know of.
//!
//! With a table, SQLite drops its indexes and triggers; and it renames nothing while a view or a trigger mentions a table that is not
//! there. So what is lost with a table, and what mentions it, is noted and made again at the end, unless the script dropped or made it
//! itself. SQLite looks at the text of a view or trigger when it is used, and at all of them when a table is renamed: that is how
//! they are [checked](probe).

use orm_core::{Error, ErrorKind, Result};
use orm_sql::{Dialect, SqliteDialect, tokens};
use rusqlite::{Connection, OptionalExtension};

use crate::errors::{self, Context};
use crate::run;
use crate::session::On;

/// A table, index, view or trigger.
#[derive(Debug, Clone)]
struct Object {
    kind: String,
    name: String,
    table: String,
    sql: String,
}

impl Object {
    fn is(&self, kind: &str, name: &str) -> bool {
        self.kind == kind && self.name.eq_ignore_ascii_case(name)
    }

    /// Whether its text may be about something of this name: some that are not are made again as well.
    fn mentions(&self, name: &str) -> bool {
        let text = self.sql.to_lowercase();
        text.contains(&name.to_lowercase()) || text.contains(&name.to_lowercase().replace('"', "\"\""))
    }
}

/// What was put aside in a change.
pub struct Carried {
    /// The schema before the statement that comes next, and its version.
    known: Vec<Object>,
    version: i64,
    /// What has to be there again at the end.
    aside: Vec<Object>,
    /// The numbers that AUTOINCREMENT had reached in the tables that were dropped.
    marks: Vec<(String, i64)>,
    /// The marks before the statement that comes next.
    reached: Vec<(String, i64)>,
    /// What SQLite already found wrong with the schema before the change.
    wrong: Option<String>,
}

fn failed(error: rusqlite::Error) -> Error {
    errors::map(error, &Context::default())
}

/// All objects that have a text, in the order in which they were made.
fn objects(connection: &Connection) -> rusqlite::Result<Vec<Object>> {
    let sql = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
               ORDER BY rowid";
    let mut statement = connection.prepare_cached(sql)?;
    let object = |row: &rusqlite::Row<'_>| {
        Ok(Object { kind: row.get(0)?, name: row.get(1)?, table: row.get(2)?, sql: row.get(3)? })
    };
    statement.query_map([], object)?.collect()
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA schema_version", [], |row| row.get(0))
}

/// How far AUTOINCREMENT has come in each table.
fn marks(connection: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    let there = "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'";
    if connection.query_row(there, [], |_| Ok(())).optional()?.is_none() {
        return Ok(Vec::new());
    }
    let mut statement =
        connection.prepare("SELECT name, seq FROM sqlite_sequence WHERE typeof(seq) = 'integer'")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// What SQLite finds wrong with the texts of views and triggers when a table is renamed.
fn probe(on: On<'_>) -> Result<Option<String>> {
    let (one, other) = ("\"orm__probe\"", "\"orm__probe_2\"");
    on.connection.execute_batch(&format!("SAVEPOINT orm_probe; CREATE TABLE {one} (a)")).map_err(failed)?;
    let renamed = on.connection.execute_batch(&format!("ALTER TABLE {one} RENAME TO {other}"));
    on.connection.execute_batch("ROLLBACK TO orm_probe; RELEASE orm_probe").map_err(failed)?;
    match renamed {
        Ok(()) => Ok(None),
        Err(
            rusqlite::Error::SqliteFailure(_, Some(text)) | rusqlite::Error::SqlInputError { msg: text, .. },
        ) if text.starts_with("error in ") => Ok(Some(text)),
        Err(error) => Err(failed(error)),
    }
}

impl Carried {
    pub fn new(on: On<'_>) -> Result<Self> {
        let connection = on.connection;
        Ok(Carried {
            known: objects(connection).map_err(failed)?,
            version: version(connection).map_err(failed)?,
            aside: Vec::new(),
            marks: Vec::new(),
            reached: Vec::new(),
            wrong: None,
        })
    }

    /// To be called before each statement.
    pub fn before(&mut self, on: On<'_>, sql: &str) -> Result<()> {
        if !matches!(dropped(sql), Some((kind, _)) if kind == "table") {
            return Ok(());
        }
        if self.aside.is_empty() && self.wrong.is_none() {
            self.wrong = probe(on)?;
            self.version = version(on.connection).map_err(failed)?;
        }
        self.reached = marks(on.connection).map_err(failed)?;
        Ok(())
    }

    /// Whether a statement drops what was put aside: it is gone already.
    pub fn is_done_already(&mut self, sql: &str) -> bool {
        let Some((kind, name)) = dropped(sql) else { return false };
        let before = self.aside.len();
        self.aside.retain(|object| !object.is(&kind, &name));
        let found = self.aside.len() < before;
        if found && kind == "view" {
            self.aside
                .retain(|object| !(object.kind == "trigger" && object.table.eq_ignore_ascii_case(&name)));
        }
        found
    }

    /// To be called after each statement: whether a table went, and what with it.
    pub fn after(&mut self, on: On<'_>) -> Result<()> {
        let connection = on.connection;
        let version = version(connection).map_err(failed)?;
        if version == self.version {
            return Ok(());
        }
        let now = objects(connection).map_err(failed)?;
        let is_table = |object: &&Object| object.kind == "table";
        let has = |objects: &[Object], name: &str| objects.iter().any(|object| object.is("table", name));
        let made = now.iter().filter(is_table).any(|object| !has(&self.known, &object.name));
        let gone: Vec<String> = self
            .known
            .iter()
            .filter(is_table)
            .filter(|object| !has(&now, &object.name))
            .map(|object| object.name.clone())
            .collect();
        // A table that went while another one came was renamed.
        if !made {
            for table in gone {
                self.lose(on, &table, &now)?;
            }
        }
        self.known = objects(connection).map_err(failed)?;
        self.version = self::version(connection).map_err(failed)?;
        Ok(())
    }

    /// Puts aside what a table had, and what mentions it.
    fn lose(&mut self, on: On<'_>, table: &str, now: &[Object]) -> Result<()> {
        if let Some((_, mark)) = self.reached.iter().find(|(name, _)| name.eq_ignore_ascii_case(table)) {
            self.marks.push((table.to_owned(), *mark));
        }
        let lost = self.known.iter().filter(|object| {
            object.kind != "table"
                && object.table.eq_ignore_ascii_case(table)
                && !now.iter().any(|other| other.is(&object.kind, &object.name))
        });
        let mut aside: Vec<Object> = lost.cloned().collect();
        // Views of views, too.
        let mut names = vec![table.to_owned()];
        let mut blocking: Vec<Object> = Vec::new();
        while let Some(name) = names.pop() {
            for object in now.iter().filter(|object| object.kind == "view" || object.kind == "trigger") {
                if !object.mentions(&name)
                    || blocking.iter().any(|known| known.is(&object.kind, &object.name))
                {
                    continue;
                }
                if object.kind == "view" {
                    names.push(object.name.clone());
                }
                blocking.push(object.clone());
            }
        }
        // Triggers first: those of a view go with it.
        for kind in ["trigger", "view"] {
            for object in blocking.iter().filter(|object| object.kind == kind) {
                let name = SqliteDialect.quote_ident(&object.name);
                run::control(on, &format!("DROP {} {name}", kind.to_uppercase()))?;
            }
        }
        aside.append(&mut blocking);
        self.aside.append(&mut aside);
        Ok(())
    }

    /// Makes again what was put aside, where its table is there.
    pub fn restore(self, on: On<'_>) -> Result<()> {
        let connection = on.connection;
        if self.aside.is_empty() && self.marks.is_empty() {
            return Ok(());
        }
        let now = objects(connection).map_err(failed)?;
        let there = |name: &str| {
            now.iter().any(|object| {
                matches!(object.kind.as_str(), "table" | "view") && object.name.eq_ignore_ascii_case(name)
            })
        };
        for kind in ["view", "index", "trigger"] {
            for object in self.aside.iter().filter(|object| object.kind == kind) {
                let made = now.iter().any(|other| other.is(&object.kind, &object.name));
                // Of a table that is gone for good.
                let of_none = kind != "view"
                    && !there(&object.table)
                    && !self.aside.iter().any(|other| other.is("view", &object.table));
                if !made && !of_none {
                    run::control(on, &object.sql).map_err(|error| unmade(object, error))?;
                }
            }
        }
        for object in self.aside.iter().filter(|object| object.kind == "trigger" && there(&object.table)) {
            fires(connection, object)?;
        }
        if let Some(text) = probe(on)?
            && self.wrong.as_ref() != Some(&text)
        {
            let named = |object: &&Object| text.contains(&format!("{} {}", object.kind, object.name));
            return Err(match self.aside.iter().find(named) {
                Some(object) => lost(object, &text, None),
                None => Error::new(ErrorKind::Migration, text)
                    .with_hint("drop or change it in the migration, before the table"),
            });
        }
        for (table, mark) in &self.marks {
            let numbered =
                now.iter().any(|object| object.is("table", table) && object.mentions("autoincrement"));
            if !numbered {
                continue;
            }
            let sql = "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1 COLLATE NOCASE";
            if connection.execute(sql, (table, mark)).map_err(failed)? == 0 {
                let sql = "INSERT INTO sqlite_sequence (name, seq) SELECT name, ?2 FROM sqlite_master \
                           WHERE type = 'table' AND name = ?1 COLLATE NOCASE";
                connection.execute(sql, (table, mark)).map_err(failed)?;
            }
        }
        Ok(())
    }
}

fn lost(object: &Object, why: &str, source: Option<Error>) -> Error {
    let (kind, name, table) = (&object.kind, &object.name, &object.table);
    let of = if kind == "view" { String::new() } else { format!(" of `{table}`") };
    let error = Error::new(
        ErrorKind::Migration,
        format!("the {kind} `{name}`{of} does not fit the changed tables: {why}"),
    )
    .with_hint(format!(
        "no model declares it: say in the migration what becomes of it, with `DROP {} {}` before the table is changed, and make \
         it again afterwards if it is still wanted",
        kind.to_uppercase(),
        SqliteDialect.quote_ident(name)
    ));
    match source {
        Some(source) => error.with_source(source),
        None => error,
    }
}

fn unmade(object: &Object, error: Error) -> Error {
    let why = error.message().to_owned();
    lost(object, &why, Some(error))
}

/// The kind and name of what a statement drops.
fn dropped(sql: &str) -> Option<(String, String)> {
    let tokens = tokens(sql, &SqliteDialect.lexer());
    let mut tokens = tokens.iter().copied();
    if !tokens.next()?.eq_ignore_ascii_case("drop") {
        return None;
    }
    let kind = tokens.next()?.to_ascii_lowercase();
    let mut rest: Vec<&str> = tokens.collect();
    if rest.len() > 2 && rest[0].eq_ignore_ascii_case("if") && rest[1].eq_ignore_ascii_case("exists") {
        rest.drain(..2);
    }
    // `main.name`.
    if rest.len() > 2 && rest[1] == "." {
        rest.drain(..2);
    }
    Some((kind, unquoted(&rest.concat())))
}

/// A name without its quotes. A doubled quote inside is two tokens, which stand next to each other.
pub fn unquoted(name: &str) -> String {
    let inner = |quote: char| {
        let inner = name.strip_prefix(quote)?.strip_suffix(quote)?;
        Some(inner.replace(&format!("{quote}{quote}"), &quote.to_string()))
    };
    let bracketed = || Some(name.strip_prefix('[')?.strip_suffix(']')?.to_owned());
    inner('"').or_else(|| inner('`')).or_else(bracketed).unwrap_or_else(|| name.to_owned())
}

/// Refuses a trigger that could not be fired. The probe does not see all of it: not the columns of its `UPDATE OF`, which would be
/// silent, nor those that it sets.
fn fires(connection: &Connection, trigger: &Object) -> Result<()> {
    let column = "SELECT name FROM pragma_table_xinfo(?1) WHERE name = coalesce(?2, name) COLLATE NOCASE AND hidden = 0";
    let mut column = connection.prepare_cached(column).map_err(failed)?;
    let table = SqliteDialect.quote_ident(&trigger.table);
    let mut find = |name: Option<&str>| {
        column.query_row((&trigger.table, name), |row| row.get::<_, String>(0)).optional().map_err(failed)
    };
    let statement = match event(&trigger.sql) {
        (event, _) if event == "insert" => format!("INSERT INTO {table} DEFAULT VALUES"),
        (event, _) if event == "delete" => format!("DELETE FROM {table}"),
        (_, columns) => {
            let mut first = None;
            for name in &columns {
                match find(Some(name))? {
                    Some(found) => first = first.or(Some(found)),
                    None => return Err(lost(trigger, &format!("no such column: {name}"), None)),
                }
            }
            let Some(first) = first.map_or_else(|| find(None), |first| Ok(Some(first)))? else {
                return Ok(());
            };
            let column = SqliteDialect.quote_ident(&first);
            format!("UPDATE {table} SET {column} = {column}")
        }
    };
    match connection.prepare(&statement).map_err(failed) {
        Ok(_) => Ok(()),
        Err(error) => Err(unmade(trigger, error)),
    }
}

/// What fires a trigger, and the columns of an `UPDATE OF`.
fn event(trigger: &str) -> (String, Vec<String>) {
    let tokens = tokens(trigger, &SqliteDialect.lexer());
    // Behind CREATE TRIGGER and the name.
    let mut tokens = tokens.iter().skip(3).map(|token| token.to_ascii_lowercase());
    let event = tokens.find(|token| matches!(token.as_str(), "insert" | "delete" | "update"));
    let mut columns = Vec::new();
    if tokens.next().as_deref() == Some("of") {
        columns = tokens
            .take_while(|token| token != "on")
            .filter(|token| token != ",")
            .map(|name| unquoted(&name))
            .collect();
    }
    (event.unwrap_or_default(), columns)
}
