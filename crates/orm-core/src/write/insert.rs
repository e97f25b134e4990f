//! INSERT: one row, many rows, the rows of a query.

use std::collections::BTreeMap;
use std::future::Future;
use std::marker::PhantomData;

use super::assign::{Columns, Fits};
use super::create::{Insertable, NewRow, Now, initial, is_given, prepare};
use crate::backend::capabilities::InsertSelect;
use crate::backend::{
    Affected, Backend, BoxFuture, Collect, Decoder, Executor, Flow, FromRow, Needs, ProvidedBy, Row,
    Supports, Tx, TxOptions, run,
};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{
    ColumnRef, Command, Conflict, ConflictAction, Expr, Insert, InsertSource, IntoCommand, Output, Select,
    Source,
};
use crate::meta::{ModelMeta, ThroughMeta};
use crate::model::{Model, Named};
use crate::query::Query;
use crate::relation::{Rel, Slot, hold};
use crate::value::{Datum, DbType};

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
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::write::{Insertable, insert};
/// let tag: Tag = insert(Tag::create().name("news").into_row(), &db).await?;
/// assert!(tag.id > 0);
/// # Ok(()) }
/// ```
///
/// # Errors
/// Whatever constraint is broken, the fields named.
pub fn insert<M: Model, E: Executor + ?Sized>(row: NewRow, db: &E) -> impl Future<Output = Result<M>> + Send {
    async move {
        if !row.children.is_empty() {
            let mut rows = insert_trees::<M, E::Backend>(vec![row], db.session()).await?;
            return rows.pop().ok_or_else(|| no_row(M::meta()));
        }
        let command = insert_row(M::meta(), row, None);
        run(db, command, Written::<M>::default()).await?.ok_or_else(|| no_row(M::meta()))
    }
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
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::write::insert_many;
/// let tags = insert_many::<Tag, _>((0..100).map(|n| Tag::create().name(format!("tag {n}")))).all(&db).await?;
/// assert_eq!(tags[99].name, "tag 99");
/// # Ok(()) }
/// ```
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
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let insert = Tag::insert_many([Tag::create().name("news"), Tag::create().name("machines")]);
/// assert_eq!(insert.on_conflict_do_nothing().exec(&db).await?, 1);
/// # Ok(()) }
/// ```
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

impl<M: Model> IntoCommand for InsertMany<M> {
    fn into_command(self) -> Result<Command> {
        self.has_children(false)?;
        self.command(None)
            .ok_or_else(|| Error::new(ErrorKind::Usage, "there are no rows").with_model(M::meta().name))
    }
}

impl<M: Model> InsertMany<M> {
    /// Leaves out rows that conflict with a unique constraint. They are not part of what comes back.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let again = Tag::insert_many([Tag::create().name("machines")]).on_conflict_do_nothing().all(&db).await?;
    /// assert!(again.is_empty());
    /// # Ok(()) }
    /// ```
    pub fn on_conflict_do_nothing(mut self) -> Self {
        self.ignore = true;
        self
    }

    fn command(self, returning: Option<Output>) -> Option<Command> {
        insert_rows(M::meta(), self.rows, self.ignore, returning)
    }

    /// Whether rows bring their children; an error where that cannot be.
    fn has_children(&self, possible: bool) -> Result<bool> {
        let nested = self.rows.iter().any(|row| !row.children.is_empty());
        if nested && (self.ignore || !possible) {
            return Err(no_children(M::meta()));
        }
        Ok(nested)
    }

    /// Inserts the rows and returns how many there were.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(Tag::insert_many(["a", "b"].map(|name| Tag::create().name(name))).exec(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn exec<E: Executor + ?Sized>(self, db: &E) -> impl Future<Output = Result<u64>> + Send {
        async move {
            if self.has_children(true)? {
                return Ok(insert_trees::<M, E::Backend>(self.rows, db.session()).await?.len() as u64);
            }
            match self.command(None) {
                Some(command) => run(db, command, Affected::default()).await,
                None => Ok(0),
            }
        }
    }

    /// Inserts the rows and returns them in the order of the input.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tags = Tag::insert_many(["a", "b"].map(|name| Tag::create().name(name))).all(&db).await?;
    /// assert_eq!((tags[0].name.as_str(), tags[1].name.as_str()), ("a", "b"));
    /// # Ok(()) }
    /// ```
    pub fn all<E: Executor + ?Sized>(self, db: &E) -> impl Future<Output = Result<Vec<M>>> + Send {
        async move {
            if self.has_children(true)? {
                return insert_trees::<M, E::Backend>(self.rows, db.session()).await;
            }
            let rows = self.rows.len();
            match self.command(Some(Output::Model)) {
                Some(command) => run(db, command, Collect::<M>::with_capacity(rows)).await,
                None => Ok(Vec::new()),
            }
        }
    }

    /// Inserts the rows and returns their primary keys in the order of the input.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let keys: Vec<i64> = Tag::insert_many(["a", "b"].map(|name| Tag::create().name(name))).keys(&db).await?;
    /// assert_eq!(Tag::find(keys[1]).one(&db).await?.name, "b");
    /// # Ok(()) }
    /// ```
    pub fn keys<E: Executor + ?Sized>(self, db: &E) -> impl Future<Output = Result<Vec<M::Key>>> + Send
    where
        M::Key: FromRow,
    {
        async move {
            self.has_children(false)?;
            let rows = self.rows.len();
            let source = M::source();
            let key = M::PRIMARY_KEY.iter().map(|index| Expr::Column(ColumnRef { source, index: *index }));
            match self.command(Some(Output::Exprs(key.collect()))) {
                Some(command) => run(db, command, Collect::<M::Key>::with_capacity(rows)).await,
                None => Ok(Vec::new()),
            }
        }
    }
}

/// The INSERT of rows of a model between. Links that are there already stay, if the model has a unique key over both sides.
pub(crate) fn link_rows(
    meta: &'static ModelMeta,
    through: &ThroughMeta,
    rows: Vec<NewRow>,
) -> Option<Command> {
    let both = |columns: &[u16]| {
        columns.len() == through.near.len() + through.far.len()
            && through.near.iter().chain(through.far).all(|index| columns.contains(index))
    };
    let unique =
        both(meta.primary_key) || meta.indexes.iter().any(|index| index.unique && both(&index.columns));
    insert_rows(meta, rows, unique, None)
}

#[cold]
pub(super) fn no_children(meta: &ModelMeta) -> Error {
    Error::new(ErrorKind::Usage, "rows that bring their children cannot be written this way")
        .with_model(meta.name)
        .with_hint("use `.insert(&db)`, or `insert_many(..)` with `.all(&db)` or `.exec(&db)`")
}

/// Inserts rows with their children in a transaction of its own (a savepoint within one): one statement for each level and
/// relation. The children are in the slots of what comes back.
async fn insert_trees<M: Model, B: Backend>(rows: Vec<NewRow>, session: &B::Session) -> Result<Vec<M>> {
    let tx = Tx::<B>::start(session, TxOptions::default()).await?;
    let result = insert_level::<M, B>(rows, tx.session()).await;
    tx.end(result).await
}

/// Inserts rows and then, relation by relation, their children.
fn insert_level<M: Model, B: Backend>(
    mut rows: Vec<NewRow>,
    session: &B::Session,
) -> BoxFuture<'_, Result<Vec<M>>> {
    Box::pin(async move {
        let mut by_relation: BTreeMap<u16, Vec<(usize, Vec<NewRow>)>> = BTreeMap::new();
        for (index, row) in rows.iter_mut().enumerate() {
            for (relation, children) in std::mem::take(&mut row.children) {
                by_relation.entry(relation).or_default().push((index, children));
            }
        }
        let count = rows.len();
        let Some(command) = insert_rows(M::meta(), rows, false, Some(Output::Model)) else {
            return Ok(Vec::new());
        };
        let mut parents = B::run(session, command, Collect::<M>::with_capacity(count)).await?;
        for (relation, children) in by_relation {
            M::insert_children::<B>(&mut parents, relation, children, session).await?;
        }
        Ok(parents)
    })
}

/// Inserts the children of some rows by a relation: what a derived `insert_children` calls.
#[doc(hidden)]
pub fn insert_related<'a, M: Model, S: Slot, B: Backend>(
    rel: Rel<M, S>,
    parents: &'a mut [M],
    children: Vec<(usize, Vec<NewRow>)>,
    session: &'a B::Session,
) -> BoxFuture<'a, Result<()>> {
    Box::pin(async move {
        let relation = rel.meta();
        let (mut places, mut rows): (Vec<u32>, Vec<NewRow>) = Default::default();
        for (parent, list) in children {
            for mut row in list {
                if let (None, [column]) = (&relation.through, relation.remote)
                    && let DbType::Array(_) = (relation.target)().column(*column).ty()
                {
                    let key = relation.local.first().map(|index| parents[parent].datum(*index));
                    hold(&mut row, *column, key.unwrap_or(Datum::Null));
                } else if relation.through.is_none() {
                    row.set_parent(relation.remote, &parents[parent], relation.local);
                    if let Some(morph) = &relation.morph {
                        row.set(morph.column, Datum::Text(morph.tag.to_owned()));
                    }
                }
                places.push(parent as u32);
                rows.push(row);
            }
        }
        let targets = insert_level::<S::Target, B>(rows, session).await?;
        if let Some(through) = &relation.through {
            let link = |(place, target): (&u32, &S::Target)| {
                let mut row = (through.new_row)();
                row.set_parent(through.near, &parents[*place as usize], relation.local);
                row.set_parent(through.far, target, relation.remote);
                row
            };
            let links = places.iter().zip(&targets).map(link).collect();
            if let Some(command) = insert_rows((through.model)(), links, false, None) {
                B::run(session, command, Affected::default()).await?;
            }
        }
        let mut filled = vec![false; parents.len()];
        places.iter().for_each(|place| filled[*place as usize] = true);
        let contents = S::distribute(relation, parents.len(), &places, targets)?;
        for ((parent, content), filled) in parents.iter_mut().zip(contents).zip(filled) {
            if filled {
                rel.slot_mut(parent).put(content);
            }
        }
        Ok(())
    })
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
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::write::insert_from;
/// let names = User::query().select(User::name.lower());
/// assert_eq!(insert_from::<Tag, _, _, _, _, _>(names, Tag::name).exec(&db).await?, 3);
/// # Ok(()) }
/// ```
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
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::write::{InsertFrom, insert_from};
/// let insert: InsertFrom<Tag> = insert_from(Post::query().select(Post::title), Tag::name);
/// assert_eq!(insert.exec(&db).await?, 3);
/// # Ok(()) }
/// ```
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
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::write::insert_from;
    /// let titles = Post::filter(Post::score.gt(2)).select(Post::title);
    /// assert_eq!(insert_from::<Tag, _, _, _, _, _>(titles, Tag::name).exec(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if the program has to make a value for each row (`default_fn`) and its column is not among the chosen ones.
    pub fn exec<E>(self, db: &E) -> impl Future<Output = Result<u64>> + Send
    where
        E: Executor + ?Sized,
        E::Backend: Supports<InsertSelect>,
        N: ProvidedBy<E::Backend>,
    {
        let command = insert_select(M::source(), self.columns, self.select, None);
        async move { run(db, command?, Affected::default()).await }
    }

    /// Inserts the rows and returns them.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::write::insert_from;
    /// let titles = Post::filter(Post::score.gt(3)).select(Post::title);
    /// let tags: Vec<Tag> = insert_from(titles, Tag::name).all(&db).await?;
    /// assert_eq!(tags[0].name, "Notes");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`exec`](InsertFrom::exec).
    pub fn all<E>(self, db: &E) -> impl Future<Output = Result<Vec<M>>> + Send
    where
        E: Executor + ?Sized,
        E::Backend: Supports<InsertSelect>,
        N: ProvidedBy<E::Backend>,
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
