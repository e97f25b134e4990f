//! Rows in, as many as there are.

use std::pin::Pin;
use std::time::Instant;

use futures_util::{Stream, StreamExt};
use orm_core::backend::Executor;
use orm_core::ir::{Command, Insert, InsertSource, IntoCommand};
use orm_core::meta::{ColumnMeta, ModelMeta};
use orm_core::model::Model;
use orm_core::value::Datum;
use orm_core::write::{Insertable, NewRow, insert_many};
use orm_core::{Error, ErrorKind, Result};
use tokio_postgres::binary_copy::BinaryCopyInWriter;

use super::{column_types, text};
use crate::bind::{self, Param};
use crate::builder::Settings;
use crate::connection::Connection;
use crate::database::Postgres;
use crate::session::PgSession;
use crate::{errors, run};

/// How many rows are taken from the source at a time.
const CHUNK: usize = 1000;

impl Postgres {
    /// Sends rows by `COPY … FROM STDIN (FORMAT binary)` and returns how many there were: the fastest way in. The rows are taken
    /// from the iterator as they are sent, so they need not all be in memory. All of them are stored or none.
    ///
    /// Nothing comes back but their number; what the database fills in (keys, defaults) has to be left out of every row or of
    /// none. `insert_many(..).exec(..)` chooses COPY by itself for rows that are in memory.
    ///
    /// ```no_run
    /// # use orm_postgres::Postgres;
    /// # async fn example<Point: orm_core::Model, R: orm_core::write::Insertable<Point> + Send>(
    /// #     db: &Postgres, points: impl Iterator<Item = R> + Send,
    /// # ) -> orm_core::Result<()> {
    /// let count = Postgres::copy_in::<Point, _, _>(points, db).await?;
    /// # let _ = count; Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if the rows do not give the same columns or bring children; [`ErrorKind::Unsupported`] behind a pooler.
    pub fn copy_in<'e, M, I, E>(
        rows: I,
        db: &'e E,
    ) -> impl Future<Output = Result<u64>> + Send + use<'e, M, I, E>
    where
        M: Model,
        I: IntoIterator<IntoIter: Send + 'e>,
        I::Item: Insertable<M>,
        E: Executor<Backend = Postgres> + ?Sized,
    {
        let rows = rows.into_iter().map(|row| Ok(row.into_row()));
        copy_all::<M, E>(Box::pin(futures_util::stream::iter(rows)), db)
    }

    /// As [`copy_in`](Postgres::copy_in), from a stream; its first error ends the copy, and nothing is stored.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres, lines: impl futures_util::Stream<Item = Result<String>> + Send) -> Result<()> {
    /// use futures_util::TryStreamExt;
    /// let tags = lines.map_ok(|line| Tag::create().name(line));
    /// let count = Postgres::copy_in_stream::<Tag, _, _, _>(tags, &db).await?;
    /// # let _ = count; Ok(()) }
    /// ```
    pub fn copy_in_stream<'e, M, S, R, E>(
        rows: S,
        db: &'e E,
    ) -> impl Future<Output = Result<u64>> + Send + use<'e, M, S, R, E>
    where
        M: Model,
        S: Stream<Item = Result<R>> + Send + 'e,
        R: Insertable<M>,
        E: Executor<Backend = Postgres> + ?Sized,
    {
        copy_all::<M, E>(Box::pin(rows.map(|row| row.map(Insertable::into_row))), db)
    }
}

type Rows<'r> = Pin<Box<dyn Stream<Item = Result<NewRow>> + Send + 'r>>;

/// A row that is one already.
struct Ready(NewRow);

impl<M> Insertable<M> for Ready {
    fn into_row(self) -> NewRow {
        self.0
    }
}

async fn copy_all<M: Model, E: Executor<Backend = Postgres> + ?Sized>(
    mut rows: Rows<'_>,
    db: &E,
) -> Result<u64> {
    let Some(first) = chunk::<M>(&mut rows).await? else { return Ok(0) };
    db.handle().native(Some(M::meta()), |session| copy_rows::<M>(session, first, rows)).await
}

async fn copy_rows<M: Model>(session: &PgSession, first: Insert, mut rows: Rows<'_>) -> Result<u64> {
    let work = session.work().await?;
    let settings = work.settings();
    if settings.pooled {
        return Err(super::no_pooler());
    }
    let connection = work.connection()?;
    let (sql, start) = (text(&first), Instant::now());
    let command =
        Command::Insert(Box::new(Insert { source: InsertSource::Values(Vec::new()), ..first.clone() }));
    let under_way = connection.start();
    let result = send::<M>(settings, connection, first, &mut rows).await;
    under_way.done();
    run::report(settings, &command, &sql, start, &result);
    result
}

/// The next rows as an INSERT; none at the end.
async fn chunk<M: Model>(rows: &mut Rows<'_>) -> Result<Option<Insert>> {
    let mut list = Vec::with_capacity(CHUNK);
    while list.len() < CHUNK {
        match rows.next().await {
            Some(row) => list.push(Ready(row?)),
            None => break,
        }
    }
    if list.is_empty() {
        return Ok(None);
    }
    let command = insert_many::<M, _>(list).into_command()?;
    bind::check(&command)?;
    match command {
        Command::Insert(insert) => Ok(Some(*insert)),
        _ => Ok(None),
    }
}

/// Whether a row that says nothing of a column has NULL there.
fn may_be_left_out(column: &ColumnMeta) -> bool {
    column.nullable && column.default.is_none() && column.generated.is_none() && !column.auto
}

async fn send<M: Model>(
    settings: &Settings,
    connection: &Connection,
    first: Insert,
    rows: &mut Rows<'_>,
) -> Result<u64> {
    let meta = M::meta();
    let failed = |error: tokio_postgres::Error| -> Error { errors::map(error, Some(meta)) };
    let columns: Vec<u16> = (0..)
        .zip(&meta.columns)
        .filter(|(index, column)| first.columns.contains(index) || may_be_left_out(column))
        .map(|(index, _)| index)
        .collect();
    let shape = Insert {
        model: meta,
        columns: columns.clone(),
        source: InsertSource::Values(Vec::new()),
        conflict: None,
        returning: None,
    };
    let types = column_types(settings, connection, &shape).await?;
    let sink = connection.client.copy_in(&text(&shape)).await.map_err(failed)?;
    let mut writer = std::pin::pin!(BinaryCopyInWriter::new(sink, &types));
    let mut next = Some(first);
    while let Some(insert) = next {
        let places = places(meta, &columns, &insert)?;
        let InsertSource::Values(values) = &insert.source else { return Err(other_columns(meta, None)) };
        for row in values.chunks(insert.columns.len().max(1)) {
            let value = |place: &Option<usize>| place.map_or(&Datum::Null, |place| &row[place]);
            for (column, place) in columns.iter().zip(&places) {
                let column = meta.column(*column);
                if matches!(value(place), Datum::Default) && !may_be_left_out(column) {
                    return Err(other_columns(meta, Some(column)));
                }
            }
            let types = columns.iter().map(|column| meta.column(*column).ty());
            let params: Vec<Param<'_>> =
                places.iter().zip(types).map(|(place, ty)| Param::One(value(place), ty)).collect();
            writer.as_mut().write_raw(params).await.map_err(failed)?;
        }
        next = chunk::<M>(rows).await?;
    }
    writer.finish().await.map_err(failed)
}

/// Where the columns of the copy are among those of some rows.
fn places(meta: &'static ModelMeta, columns: &[u16], insert: &Insert) -> Result<Vec<Option<usize>>> {
    if let Some(more) = insert.columns.iter().find(|index| !columns.contains(index)) {
        return Err(other_columns(meta, Some(meta.column(*more))));
    }
    let place = |index: &u16| {
        let place = insert.columns.iter().position(|known| known == index);
        match place {
            None if !may_be_left_out(meta.column(*index)) => {
                Err(other_columns(meta, Some(meta.column(*index))))
            }
            place => Ok(place),
        }
    };
    columns.iter().map(place).collect()
}

#[cold]
fn other_columns(meta: &ModelMeta, column: Option<&ColumnMeta>) -> Error {
    let error = Error::new(ErrorKind::Usage, "the rows of one copy do not give the same columns")
        .with_model(meta.name)
        .with_hint("give a column in every row, or leave it to the database in every row");
    match column {
        Some(column) => error.with_field(column.field.clone()),
        None => error,
    }
}
