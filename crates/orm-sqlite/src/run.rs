//! Running one command on one connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use orm_core::backend::{Decoder, Flow, Watcher, What};
use orm_core::ir::{Command, Insert, InsertSource, Shape, UpdateRows, shape};
use orm_core::value::Datum;
use orm_core::{Error, ErrorKind, Result};
use orm_sql::{SqliteDialect, compile};
use rusqlite::StatementStatus;

use crate::bind::{self, Checked};
use crate::cell::SqliteRow;
use crate::errors::{self, Context};
use crate::foreign::{self, Adapted};
use crate::numeric;
use crate::pool::Planned;
use crate::session::On;
use crate::watch::{Cause, STEPS};

/// An INSERT of more cells than this is cut into pieces; SQLite allows 32 766 parameters, and prepares long ones slowly.
const CELLS: usize = 2000;

/// Up to so many rows are one statement, whatever their number.
const FEW: usize = 32;

/// How many of the rows the next statement takes. There are few sizes, or each number of rows would be a statement of its own, some tens of
/// kilobytes on each connection.
fn rows_of_piece(rows: usize, width: usize) -> usize {
    let most = (CELLS / width.max(1)).max(1);
    match rows.min(most) {
        rows if rows == most || rows <= FEW => rows,
        rows if rows <= 128 => rows - rows % 16,
        rows => 1 << rows.ilog2(),
    }
}

/// A statement that spent its budget goes straight to a thread this many times, then it is tried again.
const HEAVY: u32 = 100;

/// Runs the command to its end and gives the number of rows that a write changed.
pub fn execute<D: Decoder>(
    on: On<'_>,
    command: &Command,
    checked: &Checked,
    inline: bool,
    decoder: &mut D,
) -> Result<u64> {
    let shape = checked.shape;
    numeric::check(on, command, checked.long_decimals)?;
    if let Command::Insert(insert) = command
        && let InsertSource::Values(values) = &insert.source
    {
        let width = insert.columns.len();
        let plain = !values.iter().any(|datum| matches!(datum, Datum::Default));
        let rows = values.len().checked_div(width).unwrap_or(1);
        if width > 0 && !(plain && rows_of_piece(rows, width) == rows) {
            return insert_rows(on, insert, values, inline, decoder);
        }
        return statement(on, Call { command, shape, rows, values: None, inline }, decoder);
    }
    if let Command::UpdateRows(update) = command {
        let rows = update.values.len().checked_div(update.columns.len()).unwrap_or(0);
        if rows_of_piece(rows, update.columns.len()) < rows {
            return update_rows(on, update, inline, decoder);
        }
        return statement(on, Call { command, shape, rows, values: None, inline }, decoder);
    }
    statement(on, Call { command, shape, rows: 0, values: None, inline }, decoder)
}

/// Rows in pieces of bounded size, all of them or none.
fn update_rows<D: Decoder>(on: On<'_>, update: &UpdateRows, inline: bool, decoder: &mut D) -> Result<u64> {
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
    atomically(on, &Context { model: command.model() }, || {
        let mut affected = 0;
        let mut rest = update.values.as_slice();
        while !rest.is_empty() {
            let rows = rows_of_piece(rest.len() / width, width).max(1);
            let (part, after) = rest.split_at((rows * width).min(rest.len()));
            rest = after;
            let call = Call { command: &command, shape, rows, values: Some(part), inline };
            affected += statement(on, call, decoder)?;
        }
        Ok(affected)
    })
}

/// The text of a command, from the cache or rendered now for this database.
fn compiled(on: On<'_>, command: &Command, shape: Shape, rows: usize) -> Result<Arc<Planned>> {
    // The number of rows of an INSERT is not part of the shape.
    let key = Shape(shape.0 ^ (rows as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
    if let Some(planned) = on.pool.cache.get(key) {
        return Ok(planned);
    }
    let Adapted { command: adapted, unsure, view } = foreign::adapt(on, command)?;
    let planned = Planned {
        compiled: compile(&SqliteDialect, adapted.as_ref().unwrap_or(command), rows)?,
        counted: view,
        unread: view && !foreign::gives_rows_back(command),
        heavy: AtomicU32::new(0),
        rows: AtomicU32::new(0),
    };
    Ok(if unsure { Arc::new(planned) } else { on.pool.cache.insert(key, planned) })
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

fn statement<D: Decoder>(on: On<'_>, call: Call<'_>, decoder: &mut D) -> Result<u64> {
    let Call { command, shape, rows, values, inline } = call;
    let planned = compiled(on, command, shape, rows)?;
    let heavy = planned.heavy.load(Ordering::Relaxed);
    if inline && heavy > 0 {
        planned.heavy.store(heavy - 1, Ordering::Relaxed);
        on.watch.spend();
        return Err(Error::new(ErrorKind::StatementTimeout, "the statement was too much lately"));
    }
    let sql = planned.compiled.sql.as_str();
    let result = observed(on, What::of(command), sql, || {
        let context = Context { model: command.model() };
        let failed = |error| errors::map(error, &context);
        let mut lists = bind::Lists::default();
        let mut statement = on.connection.prepare_cached(sql).map_err(failed)?;
        bind::bind(&mut statement, command, values, &mut lists).map_err(failed)?;
        let write = command.is_write();
        // The budget of a read counts the steps of this execution, not those of all since the statement was prepared
        // (https://sqlite.org/c3ref/progress_handler.html says neither; the handler starts from this counter).
        statement.reset_status(StatementStatus::VmStep);
        let mut seen: u64 = 0;
        let mut wanted = !planned.unread;
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
        // A write of a transaction has no budget: SQLite would end the transaction with it. The next one goes to a thread.
        if write && inline && statement.get_status(StatementStatus::VmStep).unsigned_abs() > STEPS {
            planned.heavy.store(HEAVY, Ordering::Relaxed);
        }
        if usual != seen as u32 {
            planned.rows.store(seen as u32, Ordering::Relaxed);
        }
        Ok(if write && !planned.counted { on.connection.changes() } else { seen })
    });
    if inline && result.is_err() && on.watch.cause() == Some(Cause::Budget) {
        planned.heavy.store(HEAVY, Ordering::Relaxed);
    }
    result
}

/// Tells tracing and the observer of a statement; next to nothing when neither listens.
pub fn observed(on: On<'_>, what: What, text: &str, work: impl FnOnce() -> Result<u64>) -> Result<u64> {
    let Some(watch) = Watcher::new("sqlite", on.pool.settings.observer.as_ref()).start(what, text) else {
        return work();
    };
    let result = work();
    // What has spent its budget is run again on a thread and reported then.
    match result.is_err() && on.watch.cause() == Some(Cause::Budget) {
        true => watch.forget(),
        false => watch.end(result.as_ref().copied()),
    }
    result
}

/// Rows in pieces of bounded size, each piece of rows that give the same columns; all of them or none.
fn insert_rows<D: Decoder>(
    on: On<'_>,
    insert: &Insert,
    values: &[Datum],
    inline: bool,
    decoder: &mut D,
) -> Result<u64> {
    let context = Context { model: Some(insert.model) };
    atomically(on, &context, || pieces(on, insert, values, inline, decoder))
}

/// Several statements, all or none: a transaction of their own, or a savepoint in the one that is open.
fn atomically<T>(on: On<'_>, context: &Context, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let failed = |error| errors::map(error, context);
    let control = |sql: &str| on.connection.prepare_cached(sql)?.execute([]).map(drop);
    let [begin, end, undo] = match on.connection.is_autocommit() {
        true => ["BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"],
        false => ["SAVEPOINT orm_rows", "RELEASE orm_rows", "ROLLBACK TO orm_rows; RELEASE orm_rows"],
    };
    control(begin).map_err(failed)?;
    let result = work().and_then(|value| control(end).map(|()| value).map_err(failed));
    if result.is_err() {
        // It fails where SQLite has undone everything by itself. If it fails otherwise, the guard rolls the connection back before
        // anybody else gets it.
        let _ = on.connection.execute_batch(undo);
    }
    result
}

/// The pieces share the values: each is a command without values of its own and a part of the list.
fn pieces<D: Decoder>(
    on: On<'_>,
    insert: &Insert,
    values: &[Datum],
    inline: bool,
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
        let run = rows_of_piece(run, columns.len());
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
            let call = Call { command, shape: *shape, rows: run, values: Some(part), inline };
            affected += statement(on, call, decoder)?;
        }
    }
    Ok(affected)
}

/// The plan of a command, as an indented text.
pub fn explain(on: On<'_>, command: &Command) -> Result<String> {
    let context = Context { model: command.model() };
    let failed = |error| errors::map(error, &context);
    let rows = match command {
        Command::Insert(insert) => match &insert.source {
            InsertSource::Values(values) => values.len().checked_div(insert.columns.len()).unwrap_or(1),
            InsertSource::Select(_) => 0,
        },
        _ => 0,
    };
    let sql = format!("EXPLAIN QUERY PLAN {}", compiled(on, command, shape(command), rows)?.compiled.sql);
    let mut lists = bind::Lists::default();
    let mut statement = on.connection.prepare(&sql).map_err(failed)?;
    bind::bind(&mut statement, command, None, &mut lists).map_err(failed)?;
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
pub fn control(on: On<'_>, sql: &str) -> Result<()> {
    observed(on, What::default(), sql, || {
        on.connection.execute_batch(sql).map_err(|error| errors::map(error, &Context::default()))?;
        Ok(0)
    })
    .map(drop)
}
