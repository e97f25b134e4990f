//! Running one command on one connection.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use orm_core::backend::{Decoder, Flow, StatementEvent};
use orm_core::ir::{Command, Insert, InsertSource, Shape, UpdateRows, shape};
use orm_core::value::Datum;
use orm_core::{Error, ErrorKind, Result};
use orm_sql::{SqliteDialect, compile};
use rusqlite::{Connection, StatementStatus};

use crate::bind;
use crate::cell::SqliteRow;
use crate::errors::{self, Context};
use crate::pool::{Planned, Pool};

/// An INSERT of more cells than this is cut into pieces; SQLite allows 32 766 parameters, and prepares long ones slowly.
const CELLS: usize = 2000;

/// A statement that spent its budget goes straight to a thread this many times, then it is tried again.
const HEAVY: u32 = 100;

/// Runs the command to its end and gives the number of rows that a write changed.
pub fn execute<D: Decoder>(
    pool: &Pool,
    connection: &Connection,
    command: &Command,
    shape: Shape,
    inline: bool,
    decoder: &mut D,
) -> Result<u64> {
    if let Command::Insert(insert) = command
        && let InsertSource::Values(values) = &insert.source
    {
        let width = insert.columns.len();
        let plain = !values.iter().any(|datum| matches!(datum, Datum::Default));
        if width > 0 && !(plain && values.len() <= CELLS) {
            return insert_rows(pool, connection, insert, values, decoder);
        }
        let rows = values.len().checked_div(width).unwrap_or(1);
        return statement(pool, connection, Call { command, shape, rows, values: None, inline }, decoder);
    }
    if let Command::UpdateRows(update) = command {
        if update.values.len() > CELLS {
            return update_rows(pool, connection, update, decoder);
        }
        let rows = update.values.len().checked_div(update.columns.len()).unwrap_or(0);
        return statement(pool, connection, Call { command, shape, rows, values: None, inline }, decoder);
    }
    statement(pool, connection, Call { command, shape, rows: 0, values: None, inline }, decoder)
}

/// Rows in pieces of bounded size. Whoever sends them does so in a transaction: they are never written in part.
fn update_rows<D: Decoder>(
    pool: &Pool,
    connection: &Connection,
    update: &UpdateRows,
    decoder: &mut D,
) -> Result<u64> {
    let width = update.columns.len().max(1);
    let command = Command::UpdateRows(Box::new(UpdateRows {
        source: update.source,
        columns: update.columns.clone(),
        keys: update.keys,
        values: Vec::new(),
        also: update.also.clone(),
        returning: update.returning.clone(),
    }));
    let shape = shape(&command);
    let mut affected = 0;
    for piece in update.values.chunks((CELLS / width).max(1) * width) {
        let rows = piece.len() / width;
        let call = Call { command: &command, shape, rows, values: Some(piece), inline: false };
        affected += statement(pool, connection, call, decoder)?;
    }
    Ok(affected)
}

/// The text of a command, from the cache or rendered now.
pub fn compiled(
    pool: &Pool,
    command: &Command,
    shape: Shape,
    rows: usize,
) -> Result<std::sync::Arc<Planned>> {
    // The number of rows of an INSERT is not part of the shape.
    let key = Shape(shape.0 ^ (rows as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
    pool.cache.get_or_try_insert(key, || {
        Ok(Planned {
            compiled: compile(&SqliteDialect, command, rows)?,
            heavy: AtomicU32::new(0),
            rows: AtomicU32::new(0),
        })
    })
}

/// One execution of a statement.
struct Call<'c> {
    command: &'c Command,
    shape: Shape,
    /// The rows of an INSERT that the text has room for.
    rows: usize,
    /// Its values, where the command itself has none.
    values: Option<&'c [Datum]>,
    /// Whether it happens on the caller's thread.
    inline: bool,
}

fn statement<D: Decoder>(
    pool: &Pool,
    connection: &Connection,
    call: Call<'_>,
    decoder: &mut D,
) -> Result<u64> {
    let Call { command, shape, rows, values, inline } = call;
    let planned = compiled(pool, command, shape, rows)?;
    let heavy = planned.heavy.load(Ordering::Relaxed);
    if inline && heavy > 0 {
        planned.heavy.store(heavy - 1, Ordering::Relaxed);
        return Err(Error::new(ErrorKind::StatementTimeout, "the statement was too much lately"));
    }
    let sql = planned.compiled.sql.as_str();
    let result = observed(pool, command, sql, || {
        let context = Context { model: command.model() };
        let failed = |error| errors::map(error, &context);
        let mut statement = connection.prepare_cached(sql).map_err(failed)?;
        bind::bind(&mut statement, command, values).map_err(failed)?;
        let write = command.is_write();
        // The budget of a read counts the steps of this execution, not those of all since the statement was prepared
        // (https://sqlite.org/c3ref/progress_handler.html says neither; the handler starts from this counter).
        statement.reset_status(StatementStatus::VmStep);
        let mut seen: u64 = 0;
        let mut wanted = true;
        let usual = planned.rows.load(Ordering::Relaxed);
        // A result that was huge once need not be again.
        decoder.reserve(usual.min(1 << 16) as usize);
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(failed)? {
            seen += 1;
            if wanted && decoder.row(&SqliteRow(row))? == Flow::Enough {
                wanted = false;
                // A write is stepped to its end, or it would not happen.
                if !write {
                    break;
                }
            }
        }
        drop(rows);
        if usual != seen as u32 {
            planned.rows.store(seen as u32, Ordering::Relaxed);
        }
        Ok(if write { connection.changes() } else { seen })
    });
    if inline && matches!(&result, Err(error) if error.kind() == ErrorKind::StatementTimeout) {
        planned.heavy.store(HEAVY, Ordering::Relaxed);
    }
    result
}

/// Tells tracing and the observer of a statement; next to nothing when neither listens.
pub fn observed(
    pool: &Pool,
    command: &Command,
    text: &str,
    work: impl FnOnce() -> Result<u64>,
) -> Result<u64> {
    let traced = tracing::enabled!(tracing::Level::DEBUG);
    if !traced && pool.settings.observer.is_none() {
        return work();
    }
    let start = Instant::now();
    let result = work();
    // A read whose budget was spent is run again on a thread and reported then.
    if matches!(&result, Err(error) if error.kind() == ErrorKind::StatementTimeout) {
        return result;
    }
    let duration = start.elapsed();
    let rows = *result.as_ref().unwrap_or(&0);
    if let Some(observer) = &pool.settings.observer {
        observer.statement(&StatementEvent::new(text, duration, rows, result.is_ok()));
    }
    if traced {
        tracing::debug!(
            "db.system.name" = "sqlite",
            "db.operation.name" = command.operation(),
            "db.collection.name" = command.model().map(|model| model.table),
            "db.query.text" = text,
            "db.response.returned_rows" = rows,
            duration_us = duration.as_micros() as u64,
            ok = result.is_ok(),
            "statement"
        );
    }
    result
}

/// Rows in pieces of bounded size, each piece of rows that give the same columns; all of them or none.
fn insert_rows<D: Decoder>(
    pool: &Pool,
    connection: &Connection,
    insert: &Insert,
    values: &[Datum],
    decoder: &mut D,
) -> Result<u64> {
    let context = Context { model: Some(insert.model) };
    let control = |sql: &str| connection.execute_batch(sql).map_err(|error| errors::map(error, &context));
    control("SAVEPOINT orm_insert")?;
    let result = pieces(pool, connection, insert, values, decoder);
    match &result {
        Ok(_) => control("RELEASE orm_insert")?,
        Err(_) => {
            // If this fails too, the guard rolls the connection back before anybody else gets it.
            let _ = control("ROLLBACK TO orm_insert; RELEASE orm_insert");
        }
    }
    result
}

/// The pieces share the values: each is a command without values of its own and a part of the list.
fn pieces<D: Decoder>(
    pool: &Pool,
    connection: &Connection,
    insert: &Insert,
    values: &[Datum],
    decoder: &mut D,
) -> Result<u64> {
    let width = insert.columns.len();
    let is_given = |datum: &Datum| !matches!(datum, Datum::Default);
    let same = |a: &[Datum], b: &[Datum]| a.iter().zip(b).all(|(a, b)| is_given(a) == is_given(b));
    let mut affected = 0;
    let mut rest = values;
    let mut piece: Option<(Vec<u16>, Command, Shape)> = None;
    while !rest.is_empty() {
        let first = &rest[..width];
        let given = insert.columns.iter().zip(first).filter(|(_, datum)| is_given(datum));
        let columns: Vec<u16> = given.map(|(column, _)| *column).collect();
        let most = if columns.is_empty() { 1 } else { (CELLS / columns.len()).max(1) };
        let run = rest.chunks(width).take(most).take_while(|row| same(first, row)).count();
        let (part, after) = rest.split_at(run * width);
        rest = after;
        if piece.as_ref().is_none_or(|(known, ..)| *known != columns) {
            let command = Command::Insert(Box::new(Insert {
                model: insert.model,
                columns: columns.clone(),
                source: InsertSource::Values(Vec::new()),
                conflict: insert.conflict.clone(),
                returning: insert.returning.clone(),
            }));
            let shape = shape(&command);
            piece = Some((columns, command, shape));
        }
        if let Some((_, command, shape)) = &piece {
            let call = Call { command, shape: *shape, rows: run, values: Some(part), inline: false };
            affected += statement(pool, connection, call, decoder)?;
        }
    }
    Ok(affected)
}

/// The plan of a command, as an indented text.
pub fn explain(pool: &Pool, connection: &Connection, command: &Command) -> Result<String> {
    let context = Context { model: command.model() };
    let failed = |error| errors::map(error, &context);
    let rows = match command {
        Command::Insert(insert) => match &insert.source {
            InsertSource::Values(values) => values.len().checked_div(insert.columns.len()).unwrap_or(1),
            InsertSource::Select(_) => 0,
        },
        _ => 0,
    };
    let sql = format!("EXPLAIN QUERY PLAN {}", compiled(pool, command, shape(command), rows)?.compiled.sql);
    let mut statement = connection.prepare(&sql).map_err(failed)?;
    bind::bind(&mut statement, command, None).map_err(failed)?;
    let mut rows = statement.raw_query();
    let (mut depths, mut text) = (vec![(0_i64, 0_usize)], String::new());
    while let Some(row) = rows.next().map_err(failed)? {
        let (id, parent): (i64, i64) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        let depth = depths.iter().find(|(known, _)| *known == parent).map_or(0, |(_, depth)| *depth);
        depths.push((id, depth + 1));
        text.push_str(&format!("{}{}\n", "  ".repeat(depth), row.get::<_, String>(3).map_err(failed)?));
    }
    Ok(text)
}

/// A savepoint or transaction statement.
pub fn control(pool: &Pool, connection: &Connection, sql: &str) -> Result<()> {
    let raw = orm_core::ir::RawSql { sql: sql.to_owned(), binds: Vec::new(), write: true };
    observed(pool, &Command::Raw(Box::new(raw)), sql, || {
        connection.execute_batch(sql).map_err(|error| errors::map(error, &Context::default()))?;
        Ok(0)
    })
    .map(drop)
}

/// Whether a failed attempt on the caller's thread should be made again on another, with patience.
pub fn should_move(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::LockTimeout | ErrorKind::StatementTimeout)
}
