//! Many rows by binary COPY: <https://www.postgresql.org/docs/current/sql-copy.html>.
//!
//! An INSERT of many rows from which nothing has to come back goes this way by itself ([`suits`]). By name, rows go in as they come
//! from an iterator or a stream ([`Postgres::copy_in`](crate::Postgres::copy_in)) and out as a stream
//! ([`Postgres::copy_out`](crate::Postgres::copy_out)). The format is that of the columns as they are, not as the model has them, so
//! their types are asked for first, with a statement that is prepared: behind a pooler that cannot be.

mod input;
mod output;

use orm_core::ir::{Command, Insert, InsertSource, Shape, shape};
use orm_core::value::Datum;
use orm_core::{Error, ErrorKind, Result};
use orm_sql::{Dialect, PostgresDialect};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

use crate::bind::Param;
use crate::connection::Connection;
use crate::errors;

/// From how many rows on COPY is chosen: below, it gains nothing over one INSERT from arrays.
pub const ROWS: usize = 2000;

/// The values of an INSERT that COPY can take: many, given in full, nothing wanted back, nothing to do about conflicts.
pub fn suits(command: &Command) -> Option<(&Insert, &[Datum])> {
    let Command::Insert(insert) = command else { return None };
    let InsertSource::Values(values) = &insert.source else { return None };
    let many = values.len() >= ROWS * insert.columns.len().max(1);
    (many && insert.returning.is_none() && insert.conflict.is_none()).then_some((insert, values))
}

/// The text, as it is sent.
pub fn text(insert: &Insert) -> String {
    let (table, columns) = names(insert);
    format!("COPY {table} ({columns}) FROM STDIN (FORMAT binary)")
}

fn names(insert: &Insert) -> (String, String) {
    let column = |index: &u16| PostgresDialect.quote_ident(&insert.model.column(*index).name);
    let columns: Vec<String> = insert.columns.iter().map(column).collect();
    (PostgresDialect.table(insert.model), columns.join(", "))
}

/// Sends the rows and returns how many there were. All of them are stored or none.
pub async fn rows(connection: &Connection, insert: &Insert, values: &[Datum], sql: &str) -> Result<u64> {
    let model = Some(insert.model);
    let failed = |error: tokio_postgres::Error| -> Error { errors::map(error, model) };
    let types = column_types(connection, insert).await?;
    let sink = connection.client.copy_in(sql).await.map_err(failed)?;
    let mut writer = std::pin::pin!(BinaryCopyInWriter::new(sink, &types));
    for row in values.chunks(insert.columns.len().max(1)) {
        let params: Vec<Param<'_>> = row.iter().map(Param::One).collect();
        writer.as_mut().write_raw(params).await.map_err(failed)?;
    }
    writer.finish().await.map_err(failed)
}

/// The types of the columns in the database.
async fn column_types(connection: &Connection, insert: &Insert) -> Result<Vec<Type>> {
    let (table, columns) = names(insert);
    let probe = format!("SELECT {columns} FROM {table} LIMIT 0");
    let mut key = shape(&Command::Insert(Box::new(Insert {
        model: insert.model,
        columns: insert.columns.clone(),
        source: InsertSource::Values(Vec::new()),
        conflict: None,
        returning: None,
    })));
    key = Shape(key.0 ^ 0x434f_5059);
    let statement = connection.prepare(key, &probe, Some(insert.model)).await?;
    Ok(statement.columns().iter().map(|column| column.type_().clone()).collect())
}

#[cold]
fn no_pooler() -> Error {
    Error::new(ErrorKind::Unsupported, "COPY by name is not possible behind a pooler")
        .with_hint("use `insert_many(..)` and `.stream(&db)`, or connect to the server itself")
}
