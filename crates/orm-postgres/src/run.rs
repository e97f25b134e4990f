//! Running one command on one connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use futures_util::TryStreamExt;
use orm_core::backend::{Decoder, Flow, What};
use orm_core::ir::{Command, Insert, InsertSource, Shape, UpdateRows};
use orm_core::meta::ModelMeta;
use orm_core::schema::name_overflow;
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
use crate::session::PgSession;

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

fn key_of(shape: Shape, rows: usize) -> Shape {
    Shape(shape.0 ^ (rows.min(2) as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

/// The text of a command, from the cache or rendered now.
pub fn compiled(settings: &Settings, command: &Command, shape: Shape) -> Result<(Shape, Arc<Compiled>)> {
    let rows = rows_of(command);
    let key = key_of(shape, rows);
    let compiled = settings.cache.get_or_try_insert(key, || compile(&PostgresDialect, command, rows))?;
    Ok((key, compiled))
}

/// Runs the command to its end and gives the number of rows that a write changed.
pub async fn execute<D: Decoder>(
    settings: &Settings,
    connection: &Connection,
    command: &Command,
    shape: Shape,
    decoder: &mut D,
) -> Result<u64> {
    let (key, compiled) = compiled(settings, command, shape)?;
    note_raw(connection, command, &compiled.sql);
    let start = watched(settings).then(Instant::now);
    let under_way = connection.start();
    let result = statement(settings, connection, command, key, &compiled.sql, decoder).await;
    under_way.done();
    if result.as_ref().is_err_and(is_lost) {
        connection.lose();
    }
    let result = result.map_err(|error| name_overflow(error, command));
    if let Some(start) = start {
        report(settings, command, &compiled.sql, start, &result);
    }
    result
}

/// Many rows by COPY, where that does what the INSERT does; `None` where it does not.
pub async fn copy(settings: &Settings, connection: &Connection, command: &Command) -> Result<Option<u64>> {
    // Types have to be asked for with a prepared statement, which a pooler would leave on some connection.
    let Some((insert, values)) = copy::suits(command).filter(|_| !settings.pooled) else { return Ok(None) };
    let under_way = connection.start();
    let plain = copy::plain(settings, connection, insert).await;
    let types = match plain {
        Ok(Some(types)) => types,
        other => {
            under_way.done();
            return other.map(|_| None);
        }
    };
    let (sql, start) = (copy::text(insert), Instant::now());
    let result = copy::rows(connection, insert, values, &types, &sql).await;
    under_way.done();
    if result.as_ref().is_err_and(is_lost) {
        connection.lose();
    }
    report(settings, command, &sql, start, &result);
    result.map(Some)
}

/// Notes SQL of the user's own that changes the session in a way of which the server's answer says nothing.
pub fn note_raw(connection: &Connection, command: &Command, sql: &str) {
    if matches!(command, Command::Raw(_)) && changes_session(sql) {
        connection.wire.mark();
    }
}

/// Whether SQL may leave behind what is neither named in its answer nor ends with its transaction.
fn changes_session(sql: &str) -> bool {
    // What this driver sends itself.
    if sql == SET_LOCAL {
        return false;
    }
    let has = |word: &str| {
        sql.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    };
    let session_lock = || has("advisory") && !has("advisory_xact");
    has("set_config") || has("temp") || session_lock()
}

/// What `set_local` sends.
const SET_LOCAL: &str = "SELECT set_config($1, $2, true)";

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
        let typed = bind::typed(command, rows);
        bind::check_count(typed.len(), command)?;
        connection.hand_over();
        // Unnamed: parsed, bound and executed in one go, on whatever connection the pooler chose.
        let sent = Box::pin(connection.client.query_typed_raw(sql, typed)).await;
        if sent.as_ref().is_err_and(is_outdated) {
            // A type that was made since the connection was: the next one knows it.
            settings.schema.fetch_add(1, Ordering::AcqRel);
        }
        return sent.map_err(failed);
    }
    let params = bind::params(command, rows);
    bind::check_count(params.len(), command)?;
    let statement = connection.prepare(settings, key, sql, model).await?;
    connection.hand_over();
    match connection.client.query_raw(&statement, params).await {
        Err(error) if is_outdated(&error) => {
            outdated(settings, connection, error, model)?;
            let statement = connection.prepare(settings, key, sql, model).await?;
            let again = Box::pin(connection.client.query_raw(&statement, bind::params(command, rows)));
            again.await.map_err(failed)
        }
        other => other.map_err(failed),
    }
}

/// Whether a table or type changed since a statement was prepared, or somebody dropped the statement.
fn is_outdated(error: &tokio_postgres::Error) -> bool {
    let Some(error) = error.as_db_error() else { return false };
    match *error.code() {
        // `cached plan must not change result type`
        SqlState::FEATURE_NOT_SUPPORTED => error.routine() == Some("RevalidateCachedQuery"),
        // These texts are not translated.
        SqlState::INTERNAL_ERROR => error.message().starts_with("cache lookup failed"),
        SqlState::UNDEFINED_OBJECT => error.message().starts_with("type with OID"),
        SqlState::INVALID_SQL_STATEMENT_NAME => true,
        _ => false,
    }
}

/// Forgets what was prepared. Outside of a transaction nothing has happened yet, and the statement can be prepared and sent once more;
/// in one, the server refuses everything until it is rolled back, and the transaction can be run again.
fn outdated(
    settings: &Settings,
    connection: &Connection,
    error: tokio_postgres::Error,
    model: Option<&'static ModelMeta>,
) -> Result<()> {
    // Every connection has prepared statements that are as old.
    settings.schema.fetch_add(1, Ordering::AcqRel);
    if !connection.is_in_transaction() {
        return Ok(());
    }
    let cause = errors::map(error, model);
    let text = "a table or type has changed since this statement was prepared";
    let mut outdated =
        Error::new(ErrorKind::Schema, text).with_hint("run the transaction again").with_retry();
    if let Some(code) = cause.code() {
        outdated = outdated.with_code(code.to_owned());
    }
    if let Some(model) = model {
        outdated = outdated.with_model(model.name);
    }
    Err(outdated.with_source(cause))
}

/// The rows changed or seen.
async fn statement<D: Decoder>(
    settings: &Settings,
    connection: &Connection,
    command: &Command,
    key: Shape,
    sql: &str,
    decoder: &mut D,
) -> Result<u64> {
    let model = command.model();
    let mut first = true;
    loop {
        let rows = send(settings, connection, command, key, sql).await?;
        let mut rows = std::pin::pin!(rows);
        let mut seen = 0;
        let (mut wanted, mut fault) = (true, None);
        // The answer is read to its end even if a row cannot be decoded: the connection stays in step.
        let ended = loop {
            let row = match rows.try_next().await {
                Ok(Some(row)) => row,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            seen += 1;
            if !wanted {
                continue;
            }
            match decode(command, &PgRow::new(&row), |row| decoder.row(row)) {
                Ok(Flow::More) => {}
                Ok(Flow::Enough) => wanted = false,
                Err(error) => {
                    wanted = false;
                    fault = Some(error);
                }
            }
        };
        match ended {
            Ok(()) => {}
            // The plan is made when the first row is asked for: nothing has happened yet then either.
            Err(error) if first && seen == 0 && is_outdated(&error) => {
                outdated(settings, connection, error, model)?;
                first = false;
                continue;
            }
            Err(error) => return Err(errors::map(error, model)),
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
        let affected = rows.rows_affected().unwrap_or(0);
        return Ok(if command.is_write() { affected } else { seen });
    }
}

/// Decodes a row; an error that does not know its field gets that of the column at which it happened.
pub fn decode<'r, T>(
    command: &Command,
    row: &PgRow<'r>,
    decode: impl FnOnce(&PgRow<'r>) -> Result<T>,
) -> Result<T> {
    decode(row).map_err(|error| errors::of_column(error, command, row.last()))
}

/// An INSERT in pieces of rows that give the same columns. One piece, unless some rows leave a column to the database.
pub fn pieces(insert: &Insert) -> Option<Vec<Insert>> {
    let InsertSource::Values(values) = &insert.source else { return None };
    let width = insert.columns.len();
    // A row with composites is a statement of its own: see the dialect's `bulk_rows`.
    let composites =
        insert.columns.iter().any(|index| !PostgresDialect::unnests(insert.model.column(*index).ty()));
    let alone = composites && values.len() > width;
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
    settings.watcher().listens()
}

/// Tells tracing and the observer of a statement.
pub fn report(settings: &Settings, command: &Command, text: &str, start: Instant, result: &Result<u64>) {
    if watched(settings) {
        let rows = *result.as_ref().unwrap_or(&0);
        settings.watcher().tell(What::of(command), text, start.elapsed(), rows, result.is_ok());
    }
}

/// As [`report`], of one that failed before a row came.
pub fn report_failed(settings: &Settings, command: &Command, text: &str, error: &Error) {
    report(settings, command, text, Instant::now(), &Err(error.clone()));
}

/// As [`report`], of a statement such as BEGIN.
pub fn observe_control(settings: &Settings, text: &str, start: Instant, result: &Result<()>) {
    if watched(settings) {
        settings.watcher().tell(What::default(), text, start.elapsed(), 0, result.is_ok());
    }
}

/// A statement without parameters or rows, such as BEGIN.
pub async fn control(settings: &Settings, connection: &Connection, sql: &str) -> Result<()> {
    let start = Instant::now();
    let under_way = connection.start();
    connection.hand_over();
    let result = connection.client.batch_execute(sql).await.map_err(|error| errors::map(error, None));
    under_way.done();
    if result.as_ref().is_err_and(is_lost) {
        connection.lose();
    }
    observe_control(settings, sql, start, &result);
    result
}

/// Statements of the user's own as they are: the server takes a batch as a whole.
pub async fn batch(session: &PgSession, sql: &str) -> Result<()> {
    let mut moves = session.moves();
    loop {
        let work = session.work().await?;
        let connection = work.connection()?;
        if changes_session(sql) {
            connection.wire.mark();
        }
        // A batch may commit parts of itself: it is never sent twice, so the connection is asked first.
        match connection.ask().await {
            Err(error) if moves.again_idle(&work, &error) => connection.lose(),
            Err(error) => return Err(error),
            Ok(()) => {
                control(work.settings(), connection, sql).await?;
                return work.check_left();
            }
        }
    }
}

/// Statements of the driver's own as one transaction.
pub async fn definitions(session: &PgSession, sql: &str) -> Result<()> {
    let work = session.work().await?;
    let connection = work.connection()?;
    let marked = connection.wire.is_marked();
    control(work.settings(), connection, sql).await?;
    if !marked {
        // The blocks of PL/pgSQL in them set nothing.
        connection.wire.unmark();
    }
    // Types may be new.
    work.settings().schema.fetch_add(1, Ordering::AcqRel);
    Ok(())
}

/// What EXPLAIN says of a command; `sql` puts it before the command's text.
pub async fn explain(
    settings: &Settings,
    connection: &Connection,
    command: &Command,
    sql: impl FnOnce(&str) -> String,
) -> Result<String> {
    let shape = bind::check(command)?;
    let (_, compiled) = compiled(settings, command, shape)?;
    let failed = |error| errors::map(error, command.model());
    let (sql, count) = (sql(&compiled.sql), rows_of(command));
    let start = Instant::now();
    let under_way = connection.start();
    let result = async {
        let rows = if settings.pooled {
            connection.hand_over();
            connection.client.query_typed_raw(&sql, bind::typed(command, count)).await.map_err(failed)?
        } else {
            let statement = connection.client.prepare(&sql).await.map_err(failed)?;
            connection.hand_over();
            connection.client.query_raw(&statement, bind::params(command, count)).await.map_err(failed)?
        };
        let rows: Vec<tokio_postgres::Row> = rows.try_collect().await.map_err(failed)?;
        let line = |row: &tokio_postgres::Row| match row.try_get::<_, Raw<'_>>(0) {
            Ok(Raw(Some(bytes))) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        };
        Ok(rows.iter().map(line).collect::<Vec<_>>())
    };
    let result = result.await;
    under_way.done();
    report(
        settings,
        command,
        &sql,
        start,
        &result.as_ref().map(|lines| lines.len() as u64).map_err(Error::clone),
    );
    Ok(result?.join("\n") + "\n")
}

/// As [`explain`], on a connection of the session's.
pub async fn explain_on(
    session: &PgSession,
    command: &Command,
    sql: impl Fn(&str) -> String,
) -> Result<String> {
    let mut moves = session.moves();
    loop {
        let work = session.work().await?;
        match explain(work.settings(), work.connection()?, command, &sql).await {
            Err(error) if moves.again(&work, &error, command) => work.connection()?.lose(),
            other => return other,
        }
    }
}

/// Whether an error means that the connection cannot be used any more.
pub fn is_lost(error: &Error) -> bool {
    error.kind() == ErrorKind::ConnectionLost
}
