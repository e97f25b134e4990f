//! Many rows by binary COPY: <https://www.postgresql.org/docs/current/sql-copy.html>.
//!
//! An INSERT of many rows from which nothing has to come back goes this way by itself ([`suits`]) into a [`plain`] table. By name, rows go in as they come
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

use crate::bind::{self, Param};
use crate::builder::Settings;
use crate::connection::Connection;
use crate::errors;

/// From how many rows on COPY is chosen: below, it gains nothing over one INSERT from arrays.
pub const ROWS: usize = 2000;

/// The values of an INSERT that COPY can take: many, given in full, nothing wanted back, nothing to do about conflicts.
pub fn suits(command: &Command) -> Option<(&Insert, &[Datum])> {
    let Command::Insert(insert) = command else { return None };
    let InsertSource::Values(values) = &insert.source else { return None };
    let many = !insert.columns.is_empty() && values.len() >= ROWS * insert.columns.len();
    let plain = many && insert.returning.is_none() && insert.conflict.is_none();
    (plain && !values.iter().any(|datum| matches!(datum, Datum::Default))).then_some((insert, values))
}

/// The types of the columns, where COPY does what INSERT does. It passes rules and policies by, knows no views, overrides keys that the
/// server always makes itself, and takes values in the format of the column where INSERT would cast them. The catalogue is asked each time:
/// a rule may have been added meanwhile, and beside two thousand rows the question is cheap.
pub async fn plain(
    settings: &Settings,
    connection: &Connection,
    insert: &Insert,
) -> Result<Option<Vec<Type>>> {
    let failed = |error| errors::map(error, Some(insert.model));
    let statement = connection.prepare(settings, Shape(0x434f_5059), CATALOGUE, Some(insert.model)).await?;
    let (table, _) = names(insert);
    let rows = connection.client.query(&statement, &[&table]).await.map_err(failed)?;
    let mut types = Vec::with_capacity(insert.columns.len());
    for index in &insert.columns {
        let column = insert.model.column(*index);
        let row = rows.iter().find(|row| row.try_get::<_, &str>(0).is_ok_and(|name| name == column.name));
        let Some((oid, name)) =
            row.and_then(|row| Some((row.try_get::<_, u32>(1).ok()?, row.try_get::<_, String>(2).ok()?)))
        else {
            return Ok(None);
        };
        let ty = match Type::from_oid(oid) {
            Some(ty) => ty,
            None => {
                // A type of the program or of an extension: its kind and fields come with a statement.
                let probe =
                    connection.client.prepare(&format!("SELECT NULL::{name}")).await.map_err(failed)?;
                match probe.columns() {
                    [column] => column.type_().clone(),
                    _ => return Ok(None),
                }
            }
        };
        if !bind::is_exact(column.ty(), &ty) {
            return Ok(None);
        }
        types.push(ty);
    }
    Ok(Some(types))
}

/// The columns of a plain table that INSERT may set, with their types; none of anything else.
const CATALOGUE: &str = "SELECT a.attname::text, a.atttypid, pg_catalog.format_type(a.atttypid, NULL) \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid \
     WHERE c.oid = pg_catalog.to_regclass($1)::oid AND c.relkind = 'r' AND NOT c.relrowsecurity \
     AND NOT (c.relhasrules AND EXISTS (SELECT FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid)) \
     AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity <> 'a' AND a.attgenerated = ''";

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
pub async fn rows(
    connection: &Connection,
    insert: &Insert,
    values: &[Datum],
    types: &[Type],
    sql: &str,
) -> Result<u64> {
    let model = Some(insert.model);
    let failed = |error: tokio_postgres::Error| -> Error { errors::map(error, model) };
    connection.hand_over();
    let sink = connection.client.copy_in(sql).await.map_err(failed)?;
    let mut writer = std::pin::pin!(BinaryCopyInWriter::new(sink, types));
    for row in values.chunks(insert.columns.len().max(1)) {
        let column = |index: &u16| insert.model.column(*index).ty();
        let params: Vec<Param<'_>> =
            row.iter().zip(&insert.columns).map(|(datum, index)| Param::One(datum, column(index))).collect();
        writer.as_mut().write_raw(params).await.map_err(failed)?;
    }
    writer.finish().await.map_err(failed)
}

/// The types of the columns in the database.
async fn column_types(settings: &Settings, connection: &Connection, insert: &Insert) -> Result<Vec<Type>> {
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
    let statement = connection.prepare(settings, key, &probe, Some(insert.model)).await?;
    Ok(statement.columns().iter().map(|column| column.type_().clone()).collect())
}

#[cold]
fn no_pooler() -> Error {
    Error::new(ErrorKind::Unsupported, "COPY by name is not possible behind a pooler")
        .with_hint("use `insert_many(..)` and `.stream(&db)`, or connect to the server itself")
}
