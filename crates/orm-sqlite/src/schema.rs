//! Creating and dropping the tables of a schema.

use orm_core::meta::{Action, ModelMeta};
use orm_core::schema::{Table, check_names, no_such_model, relations_outside};
use orm_core::value::{ColumnType, array_to_json};
use orm_core::{Error, ErrorKind, Result};
use orm_sql::{
    Dialect, Existing, ExistingColumn, ExistingForeignKey, ExistingIndex, ExistingTable, SqliteDialect,
    check_existing, create_table, drop_table,
};
use rusqlite::{Connection, OptionalExtension};

use crate::errors::{self, Context};
use crate::session::SqliteSession;
use crate::{bind, run};

pub async fn create_all(session: &SqliteSession, models: &[&'static ModelMeta]) -> Result<()> {
    for model in models {
        if let Some(index) = model.indexes.iter().find(|index| index.nulls_not_distinct) {
            let text = "SQLite holds NULLs for distinct in every unique constraint";
            return Err(Error::new(ErrorKind::Unsupported, text)
                .with_model(model.name)
                .with_constraint(index.name.clone())
                .with_hint("leave out `nulls_not_distinct`, or make the columns required"));
        }
        for column in &model.columns {
            let error = match column.ty() {
                ColumnType::Array(ColumnType::Bytes) => bind::no_bytes_in_arrays(),
                ColumnType::Native(native) | ColumnType::Array(&ColumnType::Native(native)) => {
                    bind::no_native(native)
                }
                // Without JSON, nothing could be written to it.
                ColumnType::Array(_) => match array_to_json(&[]) {
                    Ok(_) => continue,
                    Err(error) => error,
                },
                _ => continue,
            };
            return Err(error.with_model(model.name).with_field(column.field.clone()));
        }
    }
    check_names(models, &SqliteDialect.name_rules())?;
    let statements: Vec<String> =
        models.iter().flat_map(|model| create_table(&SqliteDialect, &Table::of(model), true)).collect();
    let models = models.to_vec();
    batch(session, statements, move |connection| check(connection, &models)).await
}

/// Compares the models with what is there.
fn check(connection: &Connection, models: &[&'static ModelMeta]) -> Result<()> {
    let failed = |error| errors::map(error, &Context::default());
    for (model, relation, target) in relations_outside(models) {
        let sql = "SELECT 1 FROM sqlite_master WHERE name = ?1 COLLATE NOCASE";
        if !connection.prepare(sql).and_then(|mut found| found.exists([target.table])).map_err(failed)? {
            return Err(no_such_model(model, relation, target));
        }
    }
    let existing = existing(connection, models).map_err(failed)?;
    check_existing(&SqliteDialect, models, &existing)
}

fn existing(connection: &Connection, models: &[&'static ModelMeta]) -> rusqlite::Result<Existing> {
    let mut existing = Existing::default();
    let object =
        "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master WHERE name = ?1 COLLATE NOCASE";
    let mut object = connection.prepare(object)?;
    let mut find = |name: &str| {
        object
            .query_row([name], |row| {
                let text = |index| row.get::<_, String>(index);
                Ok((text(0)?, text(1)?, text(2)?, text(3)?))
            })
            .optional()
    };
    for model in models {
        if let Some((kind, name, _, sql)) = find(model.table)? {
            existing.tables.push(table(connection, kind, name, &sql)?);
        }
        for index in &model.indexes {
            let Some((kind, name, table, _)) = find(&index.name)? else { continue };
            if kind != "index" {
                existing.tables.push(ExistingTable { name, kind, ..Default::default() });
                continue;
            }
            let mut columns =
                connection.prepare("SELECT coalesce(name, '') FROM pragma_index_info(?1) ORDER BY seqno")?;
            let columns = columns.query_map([&name], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            let facts = "SELECT \"unique\", partial FROM pragma_index_list(?1) WHERE name = ?2";
            let (unique, partial) =
                connection.query_row(facts, [&table, &name], |row| Ok((row.get(0)?, row.get(1)?)))?;
            existing.indexes.push(ExistingIndex { name, table, columns, unique, partial });
        }
    }
    Ok(existing)
}

fn table(connection: &Connection, kind: String, name: String, sql: &str) -> rusqlite::Result<ExistingTable> {
    let mut key: Vec<(i64, String)> = Vec::new();
    let mut columns = Vec::new();
    // https://sqlite.org/pragma.html#pragma_table_xinfo: 2 and 3 are generated columns.
    let sql_columns =
        "SELECT name, type, \"notnull\", dflt_value IS NOT NULL, pk, hidden FROM pragma_table_xinfo(?1)";
    let mut statement = connection.prepare(sql_columns)?;
    let mut rows = statement.query([&name])?;
    while let Some(row) = rows.next()? {
        let (column, place): (String, i64) = (row.get(0)?, row.get(4)?);
        if place > 0 {
            key.push((place, column.clone()));
        }
        let ty: String = row.get(1)?;
        columns.push(ExistingColumn {
            name: column,
            // It is generated with the rest of its definition on older tables.
            ty: ty.trim_end_matches(" GENERATED ALWAYS").to_owned(),
            nullable: !row.get::<_, bool>(2)?,
            default: row.get(3)?,
            generated: matches!(row.get::<_, i64>(5)?, 2 | 3),
        });
    }
    key.sort();
    let mut foreign_keys: Vec<(i64, ExistingForeignKey)> = Vec::new();
    let sql_keys = "SELECT id, \"table\", \"from\", \"to\", on_delete, on_update FROM pragma_foreign_key_list(?1) ORDER BY id, seq";
    let mut statement = connection.prepare(sql_keys)?;
    let mut rows = statement.query([&name])?;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        if foreign_keys.last().is_none_or(|(last, _)| *last != id) {
            foreign_keys.push((
                id,
                ExistingForeignKey {
                    target: row.get(1)?,
                    on_delete: action(&row.get::<_, String>(4)?),
                    on_update: action(&row.get::<_, String>(5)?),
                    ..Default::default()
                },
            ));
        }
        if let Some((_, key)) = foreign_keys.last_mut() {
            key.columns.push(row.get(2)?);
            key.target_columns.extend(row.get::<_, Option<String>>(3)?);
        }
    }
    Ok(ExistingTable {
        name,
        kind,
        columns,
        primary_key: key.into_iter().map(|(_, name)| name).collect(),
        foreign_keys: foreign_keys.into_iter().map(|(_, key)| key).collect(),
        checks: constraints(sql),
    })
}

fn action(name: &str) -> Action {
    match name {
        "CASCADE" => Action::Cascade,
        "RESTRICT" => Action::Restrict,
        "SET NULL" => Action::SetNull,
        "SET DEFAULT" => Action::SetDefault,
        _ => Action::NoAction,
    }
}

/// The names after CONSTRAINT in the text of a table: SQLite keeps them nowhere else.
fn constraints(sql: &str) -> Vec<String> {
    let mut names = Vec::new();
    let upper = sql.to_ascii_uppercase();
    for (at, word) in upper.match_indices("CONSTRAINT") {
        let rest = sql[at + word.len()..].trim_start();
        let Some(quote) = rest.chars().next() else { continue };
        let close = match quote {
            '"' | '`' | '\'' => quote,
            '[' => ']',
            _ => {
                names.push(
                    rest.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default().to_owned(),
                );
                continue;
            }
        };
        let mut name = String::new();
        let mut letters = rest[1..].chars().peekable();
        while let Some(letter) = letters.next() {
            if letter == close {
                if letters.peek() != Some(&close) {
                    break;
                }
                letters.next();
            }
            name.push(letter);
        }
        names.push(name);
    }
    names
}

/// Children first. Rows that still refer to each other across a cycle do not matter: the check waits for the commit.
pub async fn drop_all(session: &SqliteSession, models: &[&'static ModelMeta]) -> Result<()> {
    let mut statements = vec!["PRAGMA defer_foreign_keys = ON".to_owned()];
    statements.extend(models.iter().rev().map(|model| drop_table(&SqliteDialect, model.table)));
    batch(session, statements, |_| Ok(())).await
}

/// All statements in one savepoint, which is a transaction of its own where none is open.
async fn batch(
    session: &SqliteSession,
    statements: Vec<String>,
    before: impl FnOnce(&Connection) -> Result<()> + Send + 'static,
) -> Result<()> {
    let work = session.work(true).await?;
    if let Some(transaction) = work.transaction() {
        transaction.add_bytes(u64::MAX);
    }
    work.on_thread(move |on| {
        run::control(on, "SAVEPOINT orm_schema")?;
        let result = before(on.connection);
        let result = result.and_then(|()| statements.iter().try_for_each(|sql| run::control(on, sql)));
        let result = result.and_then(|()| run::control(on, "RELEASE orm_schema"));
        if result.is_err() {
            // If this fails too, the guard rolls the connection back before anybody else gets it.
            let _ = run::control(on, "ROLLBACK TO orm_schema; RELEASE orm_schema");
        }
        result
    })
    .await
}
