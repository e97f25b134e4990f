//! INSERT: one row, many rows, the rows of a query.

use std::future::Future;
use std::marker::PhantomData;

use super::assign::{Columns, Fits};
use super::create::{Insertable, NewRow, Now, initial, is_given, prepare};
use crate::backend::capabilities::InsertSelect;
use crate::backend::{
    Affected, Collect, Decoder, Executor, Flow, FromRow, Needs, Provides, Row, Supports, run,
};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{
    ColumnRef, Command, Conflict, ConflictAction, Expr, Insert, InsertSource, Output, Select, Source,
};
use crate::meta::ModelMeta;
use crate::model::{Model, Named};
use crate::query::Query;
use crate::value::Datum;

/// Takes the row of a write. Unlike [`First`](crate::backend::First) it reads to the end, so that the write is complete.
pub(super) struct Written<T>(Option<T>);

impl<T> Default for Written<T> {
    fn default() -> Self {
        Written(None)
    }
}

impl<T: FromRow + Send + 'static> Decoder for Written<T> {
    type Out = Option<T>;
    fn row<R: Row>(&mut self, row: &R) -> Result<Flow> {
        self.0 = Some(T::from_row(row, 0)?);
        Ok(Flow::More)
    }
    fn reset(&mut self) {
        self.0 = None;
    }
    fn finish(self, _: u64) -> Result<Option<T>> {
        Ok(self.0)
    }
}

/// Inserts a row and returns it as the database has it: with its key, defaults and generated columns.
///
/// # Errors
/// Whatever constraint is broken, the fields named.
pub fn insert<M: Model, E: Executor + ?Sized>(row: NewRow, db: &E) -> impl Future<Output = Result<M>> + Send {
    let command = insert_row(M::meta(), row, None);
    async move { run(db, command, Written::<M>::default()).await?.ok_or_else(|| no_row(M::meta())) }
}

#[cold]
pub(super) fn no_row(meta: &ModelMeta) -> Error {
    Error::new(ErrorKind::Database, "the row was written but did not come back")
        .with_model(meta.name)
        .with_hint("a trigger or rule of the table may keep it")
}

/// The INSERT of one row: the columns that are given and no others.
pub(super) fn insert_row(meta: &'static ModelMeta, mut row: NewRow, conflict: Option<Conflict>) -> Command {
    prepare(meta, &mut row, Now::read());
    let (columns, values) = (0..).zip(row.values).filter(|(_, value)| is_given(value)).unzip();
    Command::Insert(Box::new(Insert {
        model: meta,
        columns,
        source: InsertSource::Values(values),
        conflict,
        returning: Some(Output::Model),
    }))
}

/// Inserts any number of rows in one command: see [`InsertMany`].
pub fn insert_many<M, I>(rows: I) -> InsertMany<M>
where
    M: Model,
    I: IntoIterator,
    I::Item: Insertable<M>,
{
    InsertMany {
        rows: rows.into_iter().map(Insertable::into_row).collect(),
        ignore: false,
        marker: PhantomData,
    }
}

/// An INSERT of many rows. Without rows no statement is sent.
#[must_use = "nothing is inserted before `.exec(&db)`, `.all(&db)` or `.keys(&db)`"]
pub struct InsertMany<M> {
    rows: Vec<NewRow>,
    ignore: bool,
    marker: PhantomData<fn() -> M>,
}

impl<M> std::fmt::Debug for InsertMany<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InsertMany").field("rows", &self.rows.len()).field("ignore", &self.ignore).finish()
    }
}

impl<M: Model> InsertMany<M> {
    /// Leaves out rows that conflict with a unique constraint. They are not part of what comes back.
    pub fn on_conflict_do_nothing(mut self) -> Self {
        self.ignore = true;
        self
    }

    fn command(self, returning: Option<Output>) -> Option<Command> {
        insert_rows(M::meta(), self.rows, self.ignore, returning)
    }

    /// Inserts the rows and returns how many there were.
    pub fn exec<E: Executor + ?Sized>(self, db: &E) -> impl Future<Output = Result<u64>> + Send {
        let command = self.command(None);
        async move {
            match command {
                Some(command) => run(db, command, Affected::default()).await,
                None => Ok(0),
            }
        }
    }

    /// Inserts the rows and returns them in the order of the input.
    pub fn all<E: Executor + ?Sized>(self, db: &E) -> impl Future<Output = Result<Vec<M>>> + Send {
        let rows = self.rows.len();
        let command = self.command(Some(Output::Model));
        async move {
            match command {
                Some(command) => run(db, command, Collect::<M>::with_capacity(rows)).await,
                None => Ok(Vec::new()),
            }
        }
    }

    /// Inserts the rows and returns their primary keys in the order of the input.
    pub fn keys<E: Executor + ?Sized>(self, db: &E) -> impl Future<Output = Result<Vec<M::Key>>> + Send
    where
        M::Key: FromRow,
    {
        let rows = self.rows.len();
        let source = M::source();
        let key =
            M::PRIMARY_KEY.iter().map(|index| Expr::Column(ColumnRef { source, index: *index })).collect();
        let command = self.command(Some(Output::Exprs(key)));
        async move {
            match command {
                Some(command) => run(db, command, Collect::<M::Key>::with_capacity(rows)).await,
                None => Ok(Vec::new()),
            }
        }
    }
}

/// The INSERT of many rows: every column that one of them gives, [`Datum::Default`] in the rows that do not.
fn insert_rows(
    meta: &'static ModelMeta,
    mut rows: Vec<NewRow>,
    ignore: bool,
    returning: Option<Output>,
) -> Option<Command> {
    if rows.is_empty() {
        return None;
    }
    let now = Now::read();
    for row in &mut rows {
        prepare(meta, row, now);
    }
    let mut columns: Vec<u16> =
        (0..meta.columns.len() as u16).filter(|index| rows.iter().any(|row| row.is_given(*index))).collect();
    if columns.is_empty() && rows.len() > 1 {
        // Row-major values without columns could not say how many rows there are.
        columns.push(meta.primary_key.first().copied().unwrap_or(0));
    }
    let mut wanted = vec![false; meta.columns.len()];
    for index in &columns {
        wanted[usize::from(*index)] = true;
    }
    let mut values: Vec<Datum> = Vec::with_capacity(rows.len() * columns.len());
    for row in rows {
        values.extend(
            row.values.into_iter().zip(&wanted).filter(|(_, wanted)| **wanted).map(|(value, _)| value),
        );
    }
    Some(Command::Insert(Box::new(Insert {
        model: meta,
        columns,
        source: InsertSource::Values(values),
        conflict: ignore.then(|| Conflict { target: Vec::new(), action: ConflictAction::Nothing }),
        returning,
    })))
}

/// Inserts what a query yields into columns of the model `M`, without a round trip for the rows: INSERT … SELECT.
///
/// The types of the query's results must fit the columns. Timestamps and the version are filled in.
pub fn insert_from<M, C, X, Q, Out, N>(query: Query<X, Q, Out, N>, columns: C) -> InsertFrom<M, N>
where
    M: Model,
    C: Columns<M>,
    Out: Fits<C::Types>,
    N: Needs,
{
    InsertFrom { select: query.into_select(), columns: columns.indexes(), marker: PhantomData }
}

/// An INSERT … SELECT: made by [`insert_from`].
#[must_use = "nothing is inserted before `.exec(&db)`"]
pub struct InsertFrom<M, N = ()> {
    select: Select,
    columns: Vec<u16>,
    marker: PhantomData<fn() -> (M, N)>,
}

impl<M, N> std::fmt::Debug for InsertFrom<M, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InsertFrom").field("columns", &self.columns).field("select", &self.select).finish()
    }
}

impl<M: Model, N: Needs> InsertFrom<M, N> {
    /// Inserts the rows and returns how many there were.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if the program has to make a value for each row (`default_fn`) and its column is not among the chosen ones.
    pub fn exec<E>(self, db: &E) -> impl Future<Output = Result<u64>> + Send
    where
        E: Executor + ?Sized,
        E::Backend: Provides<N> + Supports<InsertSelect>,
    {
        let command = insert_select(M::source(), self.columns, self.select, None);
        async move { run(db, command?, Affected::default()).await }
    }

    /// Inserts the rows and returns them.
    ///
    /// # Errors
    /// As [`exec`](InsertFrom::exec).
    pub fn all<E>(self, db: &E) -> impl Future<Output = Result<Vec<M>>> + Send
    where
        E: Executor + ?Sized,
        E::Backend: Provides<N> + Supports<InsertSelect>,
    {
        let command = insert_select(M::source(), self.columns, self.select, Some(Output::Model));
        async move { run(db, command?, Collect::<M>::default()).await }
    }
}

fn insert_select(
    target: Source,
    mut columns: Vec<u16>,
    mut select: Select,
    returning: Option<Output>,
) -> Result<Command> {
    let meta = target.model;
    let Output::Exprs(exprs) = &mut select.output else {
        return Err(
            Error::new(ErrorKind::Usage, "only selected columns can be inserted").with_model(meta.name)
        );
    };
    let now = Now::read();
    for (index, column) in (0..).zip(&meta.columns) {
        if columns.contains(&index) {
            continue;
        }
        if let Some(value) = initial(meta, index, now) {
            columns.push(index);
            exprs.push(Expr::Value(value, column.ty()));
        } else if column.client_default && column.default.is_none() && !column.auto {
            return Err(Error::new(
                ErrorKind::Usage,
                "the program makes this value for each row, INSERT … SELECT cannot",
            )
            .with_model(meta.name)
            .with_field(column.field.clone())
            .with_hint("select a value for this column, or read the rows and use `insert_many`"));
        }
    }
    Ok(Command::Insert(Box::new(Insert {
        model: meta,
        columns,
        source: InsertSource::Select(Box::new(select)),
        conflict: None,
        returning,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::ModelQuery;
    use crate::write::testing::{CREATED, ID, NewNote, Note, TITLE, Tag, UPDATED, VERSION};

    fn insert_of(command: Command) -> Insert {
        match command {
            Command::Insert(insert) => *insert,
            other => panic!("not an insert: {other:?}"),
        }
    }

    fn values_of(insert: &Insert) -> &[Datum] {
        match &insert.source {
            InsertSource::Values(values) => values,
            InsertSource::Select(_) => panic!("a select"),
        }
    }

    #[test]
    fn one_row_sends_only_what_is_given() {
        let mut row = NewRow::new(Note::meta());
        row.set(TITLE, Datum::Text("a".into()));
        let insert = insert_of(insert_row(Note::meta(), row, None));
        assert_eq!(insert.columns, [TITLE, CREATED, UPDATED, VERSION]);
        assert_eq!(values_of(&insert).len(), 4);
        assert!(matches!(insert.returning, Some(Output::Model)));
    }

    #[test]
    fn a_row_of_defaults_has_no_columns() {
        let insert = insert_of(insert_row(Tag::meta(), NewRow::new(Tag::meta()), None));
        assert!(insert.columns.is_empty() && values_of(&insert).is_empty());
    }

    #[test]
    fn no_rows_make_no_statement() {
        assert!(insert_many::<Note, _>(Vec::<NewNote>::new()).command(None).is_none());
    }

    #[test]
    fn many_rows_share_the_union_of_their_columns() {
        let rows = [NewNote::titled("a"), NewNote::titled("b").body("x"), NewNote::titled("c")];
        let insert = insert_of(insert_many::<Note, _>(rows).command(None).expect("rows"));
        let width = insert.columns.len();
        let body = insert.columns.iter().position(|column| *column == 2).expect("body");
        let values = values_of(&insert);
        assert_eq!(values.len(), 3 * width);
        let cells: Vec<_> = values.chunks(width).map(|row| row[body].clone()).collect();
        assert_eq!(cells, [Datum::Default, Datum::Text("x".into()), Datum::Default]);
    }

    #[test]
    fn many_rows_of_defaults_still_say_how_many() {
        let rows = vec![NewRow::new(Tag::meta()), NewRow::new(Tag::meta())];
        let insert = insert_of(insert_rows(Tag::meta(), rows, false, None).expect("rows"));
        assert_eq!(insert.columns, [ID]);
        assert_eq!(values_of(&insert), [Datum::Default, Datum::Default]);
    }

    #[test]
    fn conflicts_can_be_passed_over() {
        let many = insert_many::<Note, _>([NewNote::titled("a")]).on_conflict_do_nothing();
        let insert = insert_of(many.command(None).expect("rows"));
        assert!(matches!(insert.conflict, Some(Conflict { action: ConflictAction::Nothing, .. })));
    }

    #[test]
    fn rows_of_a_query_get_their_timestamps_and_version() {
        let from = insert_from::<Note, _, _, _, _, _>(Tag::query().select(Tag::NAME), Note::BODY);
        let insert = insert_of(insert_select(Note::source(), from.columns, from.select, None).expect("fits"));
        assert_eq!(insert.columns, [2, CREATED, UPDATED, VERSION]);
        assert!(matches!(&insert.source, InsertSource::Select(select)
            if matches!(&select.output, Output::Exprs(exprs) if exprs.len() == 4)));
    }
}
