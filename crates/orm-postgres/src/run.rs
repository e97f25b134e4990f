//! Running one command on one connection.

use std::sync::Arc;
use std::time::Instant;

use futures_util::TryStreamExt;
use orm_core::backend::{Decoder, Flow, StatementEvent};
use orm_core::ir::{Command, Insert, InsertSource, Shape, UpdateRows, shape};
use orm_core::value::Datum;
use orm_core::{Error, ErrorKind, Result};
use orm_sql::{Compiled, PostgresDialect, compile};
use tokio_postgres::RowStream;
use tokio_postgres::error::SqlState;

use crate::bind;
use crate::builder::Settings;
use crate::cell::{PgRow, Raw};
use crate::connection::Connection;
use crate::copy;
use crate::errors;
use crate::session::Session;

/// How many rows the text of a command is for: only whether an INSERT has one or several matters.
fn rows_of(command: &Command) -> usize {
    match command {
        Command::Insert(insert) => match &insert.source {
            InsertSource::Values(values) => values.len().checked_div(insert.columns.len()).unwrap_or(1),
            InsertSource::Select(_) => 0,
        },
        Command::UpdateRows(update) => update.values.len().checked_div(update.columns.len()).unwrap_or(0),
        _ => 0,
    }
}

fn key_of(command: &Command, rows: usize) -> Shape {
    Shape(shape(command).0 ^ (rows.min(2) as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

/// The text of a command, from the cache or rendered now.
pub fn compiled(settings: &Settings, command: &Command) -> Result<(Shape, Arc<Compiled>)> {
    let rows = rows_of(command);
    let key = key_of(command, rows);
    let compiled = settings.cache.get_or_try_insert(key, || compile(&PostgresDialect, command, rows))?;
    Ok((key, compiled))
}

/// Runs the command to its end and gives the number of rows that a write changed.
pub async fn execute<D: Decoder>(
    settings: &Settings,
    connection: &Connection,
    command: &Command,
    decoder: &mut D,
) -> Result<u64> {
    // COPY has to ask for the columns' types with a prepared statement, which a pooler would leave on some connection.
    if let Some((insert, values)) = copy::suits(command).filter(|_| !settings.pooled) {
        let sql = copy::text(insert);
        let start = watched(settings).then(Instant::now);
        let under_way = connection.start();
        let result = Box::pin(copy::rows(connection, insert, values, &sql)).await;
        under_way.done();
        if let Some(start) = start {
            observe(settings, command, &sql, start, &result);
        }
        return result;
    }
    let (key, compiled) = compiled(settings, command)?;
    let start = watched(settings).then(Instant::now);
    let under_way = connection.start();
    let result = statement(settings, connection, command, key, &compiled.sql, decoder).await;
    match &result {
        // The rest of the rows is not read: the connection is not free.
        Ok((_, false)) => drop(under_way),
        _ => under_way.done(),
    }
    let result = result.map(|(rows, _)| rows);
    if let Some(start) = start {
        observe(settings, command, &compiled.sql, start, &result);
    }
    result
}

/// Sends a statement: prepared, or with its text where a pooler stands between.
pub async fn send(
    settings: &Settings,
    connection: &Connection,
    command: &Command,
    key: Shape,
    sql: &str,
) -> Result<RowStream> {
    let model = command.model();
    let rows = rows_of(command);
    let failed = |error| errors::map(error, model);
    if settings.pooled {
        // Unnamed: parsed, bound and executed in one go, on whatever connection the pooler chose.
        let typed = Box::pin(connection.client.query_typed_raw(sql, bind::typed(command, rows)));
        return typed.await.map_err(failed);
    }
    let statement = connection.prepare(key, sql, model).await?;
    match connection.client.query_raw(&statement, bind::params(command, rows)).await {
        Err(error) if has_new_type(&error) => {
            // A table changed under the statement: prepared once more, it fits again. Nothing has happened yet.
            connection.forget(key);
            let statement = connection.prepare(key, sql, model).await?;
            let again = Box::pin(connection.client.query_raw(&statement, bind::params(command, rows)));
            again.await.map_err(failed)
        }
        other => other.map_err(failed),
    }
}

/// `cached plan must not change result type`.
fn has_new_type(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|error| {
        *error.code() == SqlState::FEATURE_NOT_SUPPORTED && error.message().contains("cached plan")
    })
}

/// The rows changed or seen, and whether all of the answer was read.
async fn statement<D: Decoder>(
    settings: &Settings,
    connection: &Connection,
    command: &Command,
    key: Shape,
    sql: &str,
    decoder: &mut D,
) -> Result<(u64, bool)> {
    let model = command.model();
    let failed = |error| errors::map(error, model);
    let rows = send(settings, connection, command, key, sql).await?;
    let mut rows = std::pin::pin!(rows);
    let mut seen = 0;
    let (mut wanted, mut fault) = (true, None);
    // The answer is read to its end even if a row cannot be decoded: the connection stays in step.
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        seen += 1;
        if !wanted {
            continue;
        }
        match decoder.row(&PgRow(&row)) {
            Ok(Flow::More) => {}
            Ok(Flow::Enough) => wanted = false,
            Err(error) => {
                wanted = false;
                fault = Some(error);
            }
        }
    }
    if let Some(fault) = fault {
        return Err(fault);
    }
    let affected = rows.rows_affected().unwrap_or(0);
    Ok((if command.is_write() { affected } else { seen }, true))
}

/// An INSERT in pieces of rows that give the same columns. One piece, unless some rows leave a column to the database.
pub fn pieces(insert: &Insert, pooled: bool) -> Option<Vec<Insert>> {
    let InsertSource::Values(values) = &insert.source else { return None };
    let width = insert.columns.len();
    // A row with composites is a statement of its own: see the dialect's `bulk_rows`.
    let composites =
        insert.columns.iter().any(|index| !PostgresDialect::unnests(insert.model.column(*index).ty()));
    let alone = composites && values.len() > width && (pooled || values.len() < copy::ROWS * width);
    if width == 0 || !(alone || values.iter().any(|datum| matches!(datum, Datum::Default))) {
        return None;
    }
    let given =
        |row: &[Datum]| -> Vec<bool> { row.iter().map(|datum| !matches!(datum, Datum::Default)).collect() };
    let rows: Vec<&[Datum]> = values.chunks(width).collect();
    let (mut pieces, mut start) = (Vec::new(), 0);
    while start < rows.len() {
        let mask = given(rows[start]);
        let columns: Vec<u16> = insert
            .columns
            .iter()
            .zip(&mask)
            .filter(|(_, given)| **given)
            .map(|(column, _)| *column)
            .collect();
        let most = if columns.is_empty() || composites { 1 } else { usize::MAX };
        let run = rows[start..].iter().take(most).take_while(|row| given(row) == mask).count();
        let cells = rows[start..start + run].iter().flat_map(|row| row.iter());
        pieces.push(Insert {
            model: insert.model,
            columns,
            source: InsertSource::Values(
                cells.filter(|datum| !matches!(datum, Datum::Default)).cloned().collect(),
            ),
            conflict: insert.conflict.clone(),
            returning: insert.returning.clone(),
        });
        start += run;
    }
    Some(pieces)
}

/// An UPDATE of many rows whose values no UNNEST takes, row by row.
pub fn single_updates(update: &UpdateRows) -> Option<Vec<Command>> {
    let model = update.source.model;
    let width = update.columns.len().max(1);
    let unnests = update.columns.iter().all(|index| PostgresDialect::unnests(model.column(*index).ty()));
    if unnests || update.values.len() <= width {
        return None;
    }
    let single = |values: &[Datum]| {
        Command::UpdateRows(Box::new(UpdateRows {
            source: update.source,
            columns: update.columns.clone(),
            keys: update.keys,
            values: values.to_vec(),
            also: update.also.clone(),
            returning: update.returning.clone(),
        }))
    };
    Some(update.values.chunks(width).map(single).collect())
}

fn watched(settings: &Settings) -> bool {
    settings.observer.is_some() || tracing::enabled!(tracing::Level::DEBUG)
}

/// Tells tracing and the observer of a statement.
pub fn observe(settings: &Settings, command: &Command, text: &str, start: Instant, result: &Result<u64>) {
    let duration = start.elapsed();
    let rows = *result.as_ref().unwrap_or(&0);
    if let Some(observer) = &settings.observer {
        observer.statement(&StatementEvent::new(text, duration, rows, result.is_ok()));
    }
    tracing::debug!(
        "db.system.name" = "postgresql",
        "db.operation.name" = command.operation(),
        "db.collection.name" = command.model().map(|model| model.table),
        "db.query.text" = text,
        "db.response.returned_rows" = rows,
        duration_us = duration.as_micros() as u64,
        ok = result.is_ok(),
        "statement"
    );
}

/// A statement without parameters or rows, such as BEGIN.
pub async fn control(settings: &Settings, connection: &Connection, sql: &str) -> Result<()> {
    let start = watched(settings).then(Instant::now);
    let under_way = connection.start();
    let result = connection.client.batch_execute(sql).await.map_err(|error| errors::map(error, None));
    under_way.done();
    if let Some(start) = start {
        let raw = orm_core::ir::RawSql { sql: sql.to_owned(), binds: Vec::new(), write: true };
        let counted = result.as_ref().map(|()| 0).map_err(Error::duplicate);
        observe(settings, &Command::Raw(Box::new(raw)), sql, start, &counted);
    }
    result
}

/// Statements of DDL as one transaction: the server takes a batch as a whole.
pub async fn batch(session: &Session, sql: &str) -> Result<()> {
    let work = session.work().await?;
    control(work.settings(), work.connection()?, sql).await
}

/// What EXPLAIN says of a command; `sql` puts it before the command's text.
pub async fn explain(
    settings: &Settings,
    connection: &Connection,
    command: &Command,
    sql: impl FnOnce(&str) -> String,
) -> Result<String> {
    bind::check(command)?;
    let (_, compiled) = compiled(settings, command)?;
    let failed = |error| errors::map(error, command.model());
    let under_way = connection.start();
    let result = async {
        let (sql, count) = (sql(&compiled.sql), rows_of(command));
        let rows = if settings.pooled {
            connection.client.query_typed_raw(&sql, bind::typed(command, count)).await.map_err(failed)?
        } else {
            let statement = connection.client.prepare(&sql).await.map_err(failed)?;
            connection.client.query_raw(&statement, bind::params(command, count)).await.map_err(failed)?
        };
        let rows: Vec<tokio_postgres::Row> = rows.try_collect().await.map_err(failed)?;
        let line = |row: &tokio_postgres::Row| match row.try_get::<_, Raw<'_>>(0) {
            Ok(Raw(Some(bytes))) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        };
        Ok(rows.iter().map(line).collect::<Vec<_>>().join("\n") + "\n")
    };
    let result = result.await;
    under_way.done();
    result
}

/// Whether an error means that the connection cannot be used any more.
pub fn is_lost(error: &Error) -> bool {
    error.kind() == ErrorKind::ConnectionLost
}
