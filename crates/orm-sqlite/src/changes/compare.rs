//! What a database has otherwise than a schema.
//!
//! The tables of the schema are made in an empty database, and SQLite is asked about both. What it keeps as text alone, checks and the
//! expressions of generated columns and indexes, is compared without blanks, quotes and case.

use orm_core::schema::{Difference, Snapshot};
use orm_core::{Error, Result};
use orm_sql::{Dialect, SqliteDialect, create_table, tokens};
use rusqlite::{Connection, OptionalExtension};

use super::carry::unquoted;
use crate::errors::{self, Context};
use crate::session::SqliteSession;

/// What is said of a table: objects by kind and name, and how they are.
type Facts = Vec<(String, String)>;

pub async fn differences(
    session: &SqliteSession,
    schema: &Snapshot,
    gone: &[String],
) -> Result<Vec<Difference>> {
    let work = session.work(false).await?;
    let (schema, gone) = (schema.clone(), gone.to_vec());
    work.on_thread(move |on| compare(on.connection, &schema, &gone)).await
}

fn compare(connection: &Connection, schema: &Snapshot, gone: &[String]) -> Result<Vec<Difference>> {
    let failed = |error: rusqlite::Error| -> Error { errors::map(error, &Context::default()) };
    let model = Connection::open_in_memory().map_err(failed)?;
    crate::functions::register(&model).map_err(failed)?;
    let mut found = Vec::new();
    for table in &schema.tables {
        for sql in create_table(&SqliteDialect, table, false) {
            model.execute_batch(&sql).map_err(failed)?;
        }
        let expected = facts(&model, &table.name).map_err(failed)?;
        let actual = facts(connection, &table.name).map_err(failed)?;
        found.extend(Difference::between(&table.name, &expected, &actual));
    }
    for name in gone {
        let actual = facts(connection, name).map_err(failed)?;
        found.extend(Difference::between(name, &[], &actual));
    }
    Ok(found)
}

/// What there is to say of a table; nothing if there is none.
fn facts(connection: &Connection, table: &str) -> rusqlite::Result<Facts> {
    let object = "SELECT type, coalesce(sql, '') FROM sqlite_master \
                  WHERE name = ?1 COLLATE NOCASE AND type IN ('table', 'view')";
    let object: Option<(String, String)> =
        connection.query_row(object, [table], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((kind, sql)) = object else { return Ok(Facts::new()) };
    if kind != "table" {
        return Ok(vec![(String::new(), format!("a {kind}"))]);
    }
    let text = Text::read(&sql);
    let mut facts = vec![(String::new(), format!("a table{}", text.options))];
    let mut key: Vec<(i64, String)> = Vec::new();
    let columns = "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1)";
    let mut columns = connection.prepare(columns)?;
    let mut rows = columns.query([table])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let ty: String = row.get(1)?;
        let mut column = ty.trim_end_matches(" GENERATED ALWAYS").to_owned();
        if row.get::<_, bool>(2)? {
            column += " NOT NULL";
        }
        if let Some(default) = row.get::<_, Option<String>>(3)? {
            column += &format!(" DEFAULT {}", plain(&tokens(&default, &SqliteDialect.lexer())));
        }
        match row.get::<_, i64>(5)? {
            2 => column += " VIRTUAL",
            3 => column += " STORED",
            _ => {}
        }
        for (_, more) in text.columns.iter().filter(|(of, _)| of.eq_ignore_ascii_case(&name)) {
            column += more;
        }
        if row.get::<_, i64>(4)? > 0 {
            key.push((row.get(4)?, name.clone()));
        }
        facts.push((format!("column `{name}`"), column));
    }
    key.sort();
    let key: Vec<String> = key.into_iter().map(|(_, name)| name).collect();
    facts.push(("primary key".to_owned(), format!("({})", key.join(", "))));
    facts.extend(text.checks.clone());
    foreign_keys(connection, table, &text, &mut facts)?;
    indexes(connection, table, &mut facts)?;
    Ok(facts)
}

fn foreign_keys(
    connection: &Connection,
    table: &str,
    text: &Text,
    facts: &mut Facts,
) -> rusqlite::Result<()> {
    let keys = "SELECT group_concat(\"from\", ', '), \"table\", coalesce(group_concat(\"to\", ', '), ''), on_delete, on_update \
                FROM (SELECT * FROM pragma_foreign_key_list(?1) ORDER BY id, seq) GROUP BY id ORDER BY id";
    let mut keys = connection.prepare(keys)?;
    let mut rows = keys.query([table])?;
    while let Some(row) = rows.next()? {
        let part = |index| row.get::<_, String>(index);
        let (columns, parent, target, delete, update) = (part(0)?, part(1)?, part(2)?, part(3)?, part(4)?);
        let deferred = text.deferred.iter().find(|(of, _)| of.eq_ignore_ascii_case(&columns));
        let deferred = deferred.map_or("", |(_, how)| how.as_str());
        let key = format!("to `{parent}` ({target}) ON DELETE {delete} ON UPDATE {update}{deferred}");
        facts.push((format!("foreign key ({columns})"), key));
    }
    Ok(())
}

fn indexes(connection: &Connection, table: &str, facts: &mut Facts) -> rusqlite::Result<()> {
    let indexes = "SELECT l.name, l.\"unique\", l.origin, coalesce(m.sql, ''), \
                   (SELECT group_concat(coalesce(name, ''), ', ') FROM (SELECT * FROM pragma_index_info(l.name) ORDER BY seqno)) \
                   FROM pragma_index_list(?1) l LEFT JOIN sqlite_master m ON m.name = l.name AND m.type = 'index' ORDER BY l.name";
    let mut indexes = connection.prepare(indexes)?;
    let mut rows = indexes.query([table])?;
    while let Some(row) = rows.next()? {
        let (name, unique, origin): (String, bool, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (sql, columns): (String, String) = (row.get(3)?, row.get(4)?);
        match origin.as_str() {
            "pk" => {}
            "u" => facts.push((format!("unique constraint ({columns})"), "there".to_owned())),
            _ => {
                let words = tokens(&sql, &SqliteDialect.lexer());
                let on = words.iter().position(|word| word.eq_ignore_ascii_case("on")).unwrap_or(0);
                let body = words.get(on + 2..).unwrap_or_default();
                let unique = if unique { "unique " } else { "" };
                facts.push((format!("index `{name}`"), unique.to_owned() + &plain(body)));
            }
        }
    }
    Ok(())
}

/// Tokens without quotes and case, but for texts.
fn plain(tokens: &[&str]) -> String {
    let word = |token: &&str| match token.as_bytes().first() {
        Some(b'\'') => (*token).to_owned(),
        _ => unquoted(token).to_lowercase(),
    };
    tokens.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// What only the text of a table says.
#[derive(Default)]
struct Text {
    checks: Facts,
    /// More of a column: its expression, its collation, whether its numbers are never given out again.
    columns: Facts,
    /// The columns of a foreign key, and when it is checked.
    deferred: Facts,
    /// What stands behind the columns: STRICT, WITHOUT ROWID.
    options: String,
}

impl Text {
    fn read(sql: &str) -> Self {
        let all = tokens(sql, &SqliteDialect.lexer());
        let mut text = Text::default();
        let Some(open) = all.iter().position(|token| *token == "(") else { return text };
        let (mut depth, mut part) = (0_usize, Vec::new());
        for (at, token) in all.iter().enumerate().skip(open) {
            match *token {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                text.part(&part);
                text.options = all[at + 1..].iter().map(|word| format!(" {}", word.to_uppercase())).collect();
                break;
            }
            if depth == 1 && *token == "," {
                text.part(&std::mem::take(&mut part));
            } else if at > open {
                part.push(*token);
            }
        }
        text
    }

    /// A column or a constraint of the table.
    fn part(&mut self, part: &[&str]) {
        const CONSTRAINTS: [&str; 5] = ["constraint", "primary", "unique", "check", "foreign"];
        let is = |at: usize, word: &str| part.get(at).is_some_and(|token| token.eq_ignore_ascii_case(word));
        let of_table = CONSTRAINTS.iter().any(|word| is(0, word));
        let column = unquoted(part.first().copied().unwrap_or_default());
        let (mut keyed, mut at, mut name) = (column.clone(), 0, String::new());
        while at < part.len() {
            let end = close(part, at + 1);
            if is(at, "constraint") {
                name = unquoted(part.get(at + 1).copied().unwrap_or_default());
                at += 2;
                continue;
            }
            if is(at, "foreign") && is(at + 1, "key") {
                let end = close(part, at + 2);
                let names = part[(at + 3).min(end)..end].iter().filter(|token| **token != ",");
                keyed = names.map(|name| unquoted(name)).collect::<Vec<_>>().join(", ");
                at = end;
            } else if is(at, "check") {
                let inner = plain(&part[(at + 2).min(end)..end]);
                let check =
                    if name.is_empty() { format!("check ({inner})") } else { format!("check `{name}`") };
                self.checks.push((check, format!("({inner})")));
                name.clear();
                at = end;
            } else if !of_table && is(at, "as") {
                self.columns
                    .push((column.clone(), format!(" AS ({})", plain(&part[(at + 2).min(end)..end]))));
                at = end;
            } else if !of_table && is(at, "collate") {
                self.columns.push((
                    column.clone(),
                    format!(" COLLATE {}", plain(&part[at + 1..(at + 2).min(part.len())])),
                ));
            } else if is(at, "autoincrement") {
                self.columns.push((column.clone(), " AUTOINCREMENT".to_owned()));
            } else if is(at, "deferrable") && (at == 0 || !is(at - 1, "not")) {
                let how = if is(at + 2, "deferred") { "DEFERRED" } else { "IMMEDIATE" };
                self.deferred.push((keyed.clone(), format!(" DEFERRABLE INITIALLY {how}")));
            } else if part[at] == "(" {
                at = close(part, at);
            }
            at += 1;
        }
    }
}

/// Where the parenthesis that opens here closes.
fn close(part: &[&str], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in part.iter().enumerate().skip(open) {
        match *token {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    part.len()
}
