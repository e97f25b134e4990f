//! INSERT: one row, many rows, rows with their children.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::marker::PhantomData;

use super::create::{Insertable, NewRow, Now, is_given, prepare, without_key};
use super::upsert::unique_target;
use crate::backend::{
    Affected, Backend, BoxFuture, Collect, Decoder, Executor, Flow, FromRow, Handle, Row, Transactions,
    atomically, run,
};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{
    ColumnRef, Command, Conflict, ConflictAction, Expr, Insert, InsertSource, IntoCommand, Output,
};
use crate::meta::{LinkMeta, ModelMeta, ThroughMeta};
use crate::model::{Model, Named};
use crate::relation::{Mark, Rel, Slot, hold};
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
            let mut rows = insert_trees::<M, E::Backend>(vec![row], db.handle()).await?;
            return rows.pop().ok_or_else(|| no_row(M::meta()));
        }
        let command = insert_row(M::meta(), row, None, Some(Output::Model));
        run(db, command, Written::<M>::default()).await?.ok_or_else(|| no_row(M::meta()))
    }
}

#[cold]
pub(super) fn no_row(meta: &ModelMeta) -> Error {
    Error::new(ErrorKind::Database, "no row came back from the write")
        .with_model(meta.name)
        .with_hint("a trigger or rule of the table leaves it out, or writes it elsewhere")
}

/// The INSERT of one row: the columns that are given and no others.
pub(super) fn insert_row(
    meta: &'static ModelMeta,
    mut row: NewRow,
    conflict: Option<Conflict>,
    returning: Option<Output>,
) -> Command {
    prepare(meta, &mut row, Now::read());
    let (columns, values) = (0..).zip(row.values).filter(|(_, value)| is_given(value)).unzip();
    Command::Insert(Box::new(Insert {
        model: meta,
        columns,
        source: InsertSource::Values(values),
        conflict,
        returning,
    }))
}

/// Inserts any number of rows in one command: see [`InsertMany`].
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::write::insert_many;
/// let tags = insert_many::<Tag, _>((0..100).map(|n| Tag::create().name(format!("tag {n}")))).returning(&db).await?;
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
        ignore: None,
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
#[must_use = "nothing is inserted until `.exec(&db)`, `.returning(&db)` or `.keys(&db)` is awaited"]
pub struct InsertMany<M> {
    rows: Vec<NewRow>,
    /// Which conflicts are passed over: those of the columns, or any if there are none.
    ignore: Option<Vec<u16>>,
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
        self.command(None)?
            .ok_or_else(|| Error::new(ErrorKind::Usage, "there are no rows").with_model(M::meta().name))
    }
}

impl<M: Model> InsertMany<M> {
    /// Leaves out rows that conflict with a unique constraint. They are not part of what comes back.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let again = Tag::insert_many([Tag::create().name("machines")]).on_conflict_do_nothing().returning(&db).await?;
    /// assert!(again.is_empty());
    /// # Ok(()) }
    /// ```
    pub fn on_conflict_do_nothing(mut self) -> Self {
        self.ignore = Some(Vec::new());
        self
    }

    /// Leaves out rows that are there, told by these columns.
    pub(super) fn ignoring(rows: Vec<NewRow>, target: Vec<u16>) -> Self {
        InsertMany { rows, ignore: Some(target), marker: PhantomData }
    }

    fn command(self, returning: Option<Output>) -> Result<Option<Command>> {
        let conflict = match self.ignore {
            Some(target) if target.is_empty() => Some(IGNORE),
            Some(target) => {
                Some(Conflict { target: unique_target(M::meta(), target)?, action: ConflictAction::Nothing })
            }
            None => None,
        };
        Ok(insert_rows(M::meta(), self.rows, conflict, returning))
    }

    /// Whether rows bring their children; an error where that cannot be.
    fn has_children(&self, possible: bool) -> Result<bool> {
        let nested = self.rows.iter().any(|row| !row.children.is_empty());
        if nested && (self.ignore.is_some() || !possible) {
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
                return Ok(insert_trees::<M, E::Backend>(self.rows, db.handle()).await?.len() as u64);
            }
            match self.command(None)? {
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
    /// let tags = Tag::insert_many(["a", "b"].map(|name| Tag::create().name(name))).returning(&db).await?;
    /// assert_eq!((tags[0].name.as_str(), tags[1].name.as_str()), ("a", "b"));
    /// # Ok(()) }
    /// ```
    pub fn returning<E: Executor + ?Sized>(self, db: &E) -> impl Future<Output = Result<Vec<M>>> + Send {
        async move {
            if self.has_children(true)? {
                return insert_trees::<M, E::Backend>(self.rows, db.handle()).await;
            }
            let rows = self.rows.len();
            match self.command(Some(Output::Model))? {
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
            match self.command(Some(Output::Exprs(key.collect())))? {
                Some(command) => run(db, command, Collect::<M::Key>::with_capacity(rows)).await,
                None => Ok(Vec::new()),
            }
        }
    }
}

/// Any conflict, passed over.
const IGNORE: Conflict = Conflict { target: Vec::new(), action: ConflictAction::Nothing };

/// The command that inserts the rows of a join model, and leaves out those that are there.
///
/// # Errors
/// If the join model does not keep one link from another: nothing would tell that a link is there.
pub(crate) fn link_rows(
    meta: &'static ModelMeta,
    through: &ThroughMeta,
    rows: Vec<NewRow>,
) -> Result<Option<Command>> {
    if rows.is_empty() {
        return Ok(None);
    }
    let ends = || through.near.iter().chain(through.far);
    let indexes = meta.indexes.iter().filter(|index| index.unique).map(|index| index.columns.as_slice());
    let mut of_ends = indexes
        .chain([meta.primary_key])
        .filter(|columns| columns.iter().all(|column| ends().any(|end| end == column)));
    // A key over both ends says that the link is there; one over a part of them that the row may have no other.
    let Some(first) = of_ends.next() else { return Err(links_not_unique(meta, through)) };
    let both = |columns: &[u16]| ends().all(|end| columns.contains(end));
    let ignore = both(first) || of_ends.any(both);
    Ok(insert_rows(meta, rows, ignore.then_some(IGNORE), None))
}

/// The command that inserts rows of a join model of which none can be there.
pub(crate) fn new_links(meta: &'static ModelMeta, rows: Vec<NewRow>) -> Option<Command> {
    insert_rows(meta, rows, None, None)
}

#[cold]
fn links_not_unique(meta: &ModelMeta, through: &ThroughMeta) -> Error {
    let field = |index: &u16| meta.column(*index).field.clone();
    let fields: Vec<String> = through.near.iter().chain(through.far).map(field).collect();
    let list = fields.join(", ");
    let text = format!(
        "the join model `{}` may hold the same link twice, so links cannot be added by their ends",
        meta.name
    );
    fields
        .into_iter()
        .fold(Error::new(ErrorKind::Usage, text).with_model(meta.name), Error::with_field)
        .with_hint(format!(
            "declare `#[orm(unique({list}))]` on `{}`, or insert its rows themselves",
            meta.name
        ))
}

#[cold]
pub(super) fn no_children(meta: &ModelMeta) -> Error {
    Error::new(ErrorKind::Usage, "rows that bring their children cannot be written this way")
        .with_model(meta.name)
        .with_hint("use `.insert(&db)`, or `insert_many(..)` with `.returning(&db)` or `.exec(&db)`")
}

/// Inserts rows with their children in a transaction of its own (a savepoint within one): one statement for each level and
/// relation. The children are in the slots of what comes back.
async fn insert_trees<M: Model, B: Transactions>(rows: Vec<NewRow>, handle: &Handle<B>) -> Result<Vec<M>> {
    atomically(handle, |tx| async move { M::insert_level::<B>(rows, &tx).await }).await
}

/// `Model::insert_children` of a model.
type InsertChildren<M, B> =
    for<'a> fn(&'a mut [M], u16, Vec<(usize, Vec<NewRow>)>, &'a Handle<B>) -> BoxFuture<'a, Result<()>>;
/// `Model::insert_level` of a model.
type InsertLevel<M, B> = for<'a> fn(Vec<NewRow>, &'a Handle<B>) -> BoxFuture<'a, Result<Vec<M>>>;

/// Inserts rows and then, relation by relation, their children.
#[doc(hidden)]
pub fn insert_level<M: Model, B: Backend>(
    mut rows: Vec<NewRow>,
    handle: &Handle<B>,
    insert_children: InsertChildren<M, B>,
) -> BoxFuture<'_, Result<Vec<M>>> {
    Box::pin(async move {
        let mut by_relation: BTreeMap<u16, Vec<(usize, Vec<NewRow>)>> = BTreeMap::new();
        for (index, row) in rows.iter_mut().enumerate() {
            for (relation, children) in std::mem::take(&mut row.children) {
                by_relation.entry(relation).or_default().push((index, children));
            }
        }
        let count = rows.len();
        let keys = given_keys(M::meta(), &rows);
        let Some(command) = insert_rows(M::meta(), rows, None, Some(Output::Model)) else {
            return Ok(Vec::new());
        };
        let parents = handle.run(command, Collect::<M>::with_capacity(count)).await?;
        let mut parents = matched(parents, count, keys)?;
        for (relation, children) in by_relation {
            insert_children(&mut parents, relation, children, handle).await?;
        }
        Ok(parents)
    })
}

/// Inserts the children of some rows by a relation: what a derived `insert_children` calls.
#[doc(hidden)]
pub fn insert_related<'a, M: Model, S: Slot, V: 'static, B: Backend>(
    rel: Rel<M, S, V>,
    parents: &'a mut [M],
    children: Vec<(usize, Vec<NewRow>)>,
    handle: &'a Handle<B>,
    insert_level: InsertLevel<S::Target, B>,
) -> BoxFuture<'a, Result<()>> {
    Box::pin(async move {
        let relation = rel.meta();
        let (mut places, mut rows): (Vec<u32>, Vec<NewRow>) = Default::default();
        for (parent, list) in children {
            for mut row in list {
                match (&relation.link, relation.remote) {
                    (LinkMeta::KeysThere, [column]) => {
                        let index = relation.local.first().copied().unwrap_or_default();
                        match parents[parent].datum(index) {
                            Datum::Null => row.set(*column, without_key::<M>(index)),
                            key => hold(&mut row, *column, key),
                        }
                    }
                    // The link is a row of its own.
                    (LinkMeta::Join(_), _) => {}
                    _ => {
                        row.set_parent(relation.remote, &parents[parent], relation.local);
                        if let Some(morph) = &relation.morph {
                            row.set(morph.column, Datum::Text(morph.tag.to_owned()));
                        }
                    }
                }
                places.push(parent as u32);
                rows.push(row);
            }
        }
        let targets = insert_level(rows, handle).await?;
        if let Some(through) = relation.through() {
            let link = |(place, target): (&u32, &S::Target)| {
                let mut row = (through.new_row)();
                row.set_parent(through.near, &parents[*place as usize], relation.local);
                row.set_parent(through.far, target, relation.remote);
                row
            };
            let links = places.iter().zip(&targets).map(link).collect();
            let count = places.len();
            if let Some(command) = insert_rows((through.model)(), links, None, None) {
                let written = handle.run(command, Affected::default()).await?;
                if written != count as u64 {
                    return Err(left_out((through.model)(), count, written as usize));
                }
            }
        }
        let mark = Mark::of_all(handle);
        let mut filled = vec![false; parents.len()];
        places.iter().for_each(|place| filled[*place as usize] = true);
        let contents = S::distribute(relation, parents.len(), &places, targets)?;
        for ((parent, content), filled) in parents.iter_mut().zip(contents).zip(filled) {
            if filled {
                let mark = mark.of_row(parent, relation.local);
                rel.slot_mut(parent).put(content, mark);
            }
        }
        Ok(())
    })
}

/// The keys of new rows, if each has all of its key.
fn given_keys(meta: &ModelMeta, rows: &[NewRow]) -> Option<Vec<Vec<Datum>>> {
    let key = |row: &NewRow| -> Option<Vec<Datum>> {
        let value =
            |index: &u16| row.values.get(usize::from(*index)).filter(|value| is_given(value)).cloned();
        meta.primary_key.iter().map(value).collect()
    };
    rows.iter().map(key).collect()
}

/// The rows that came back, each in the place of the one that was sent. A trigger or a rule may have left some out, and the
/// number alone does not say which.
fn matched<M: Model>(rows: Vec<M>, count: usize, keys: Option<Vec<Vec<Datum>>>) -> Result<Vec<M>> {
    if rows.len() != count {
        return Err(left_out(M::meta(), count, rows.len()));
    }
    let Some(keys) = keys else { return Ok(rows) };
    let key_of = |row: &M| -> Vec<Datum> { M::PRIMARY_KEY.iter().map(|index| row.datum(*index)).collect() };
    let found: Vec<Vec<Datum>> = rows.iter().map(key_of).collect();
    if found == keys {
        return Ok(rows);
    }
    let places: HashMap<&[Datum], usize> = keys.iter().zip(0..).map(|(key, place)| (&**key, place)).collect();
    let places: Option<Vec<usize>> = found.iter().map(|key| places.get(&**key).copied()).collect();
    // A trigger may write keys of its own: then their order is what there is to go by.
    let Some(places) = places else { return Ok(rows) };
    let mut sorted: Vec<(usize, M)> = places.into_iter().zip(rows).collect();
    sorted.sort_by_key(|(place, _)| *place);
    Ok(sorted.into_iter().map(|(_, row)| row).collect())
}

#[cold]
fn left_out(meta: &ModelMeta, sent: usize, written: usize) -> Error {
    let text =
        format!("{sent} rows were sent and {written} came back, so nobody knows whose children are whose");
    Error::new(ErrorKind::Database, text).with_model(meta.name).with_hint(
        "a trigger, rule or policy of the table leaves rows out: insert the rows first, then their children",
    )
}

/// The INSERT of many rows: every column that one of them gives, [`Datum::Default`] in the rows that do not.
pub(super) fn insert_rows(
    meta: &'static ModelMeta,
    mut rows: Vec<NewRow>,
    conflict: Option<Conflict>,
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
        conflict,
        returning,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let insert = insert_of(insert_row(Note::meta(), row, None, Some(Output::Model)));
        assert_eq!(insert.columns, [TITLE, CREATED, UPDATED, VERSION]);
        assert_eq!(values_of(&insert).len(), 4);
        assert!(matches!(insert.returning, Some(Output::Model)));
    }

    #[test]
    fn a_row_of_defaults_has_no_columns() {
        let insert = insert_of(insert_row(Tag::meta(), NewRow::new(Tag::meta()), None, None));
        assert!(insert.columns.is_empty() && values_of(&insert).is_empty());
    }

    #[test]
    fn no_rows_make_no_statement() {
        assert!(insert_many::<Note, _>(Vec::<NewNote>::new()).command(None).expect("no target").is_none());
    }

    #[test]
    fn many_rows_share_the_union_of_their_columns() {
        let rows = [NewNote::titled("a"), NewNote::titled("b").body("x"), NewNote::titled("c")];
        let insert = insert_of(insert_many::<Note, _>(rows).into_command().expect("rows"));
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
        let insert = insert_of(insert_rows(Tag::meta(), rows, None, None).expect("rows"));
        assert_eq!(insert.columns, [ID]);
        assert_eq!(values_of(&insert), [Datum::Default, Datum::Default]);
    }

    #[test]
    fn conflicts_can_be_passed_over() {
        let many = insert_many::<Note, _>([NewNote::titled("a")]).on_conflict_do_nothing();
        let insert = insert_of(many.into_command().expect("rows"));
        assert!(matches!(insert.conflict, Some(Conflict { action: ConflictAction::Nothing, .. })));
    }
}
