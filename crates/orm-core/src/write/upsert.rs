//! INSERT … ON CONFLICT: a row that may be there already.

use std::future::Future;
use std::marker::PhantomData;

use super::assign::{Assign, Columns};
use super::create::{Insertable, NewRow};
use super::insert::{Written, insert_row, no_children, no_row};
use super::update::{assign, next_version};
use crate::backend::{Affected, And, Executor, Needs, Plus, ProvidedBy, run};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Column, Expr};
use crate::ir::{self, Assignment, ColumnRef, Command, Conflict, ConflictAction, Output, Source};
use crate::meta::ModelMeta;
use crate::model::{Model, Named};
use crate::schema::limit_assignments;
use crate::value::Value;

/// Inserts a row, or changes the one that is there: see [`Upsert`].
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::write::upsert;
/// let row = User::create().email("ada@example.org").name("Ada L.");
/// let ada: User = upsert(row).on(User::email).returning(&db).await?;
/// assert_eq!((ada.id, ada.name.as_str()), (1, "Ada L."));
/// # Ok(()) }
/// ```
pub fn upsert<M: Model>(row: impl Insertable<M>) -> Upsert<M> {
    Upsert::new(row.into_row())
}

/// The value of a column in the row that could not be inserted, for [`Upsert::set`].
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::write::excluded;
/// let row = User::create().email("ada@example.org").name("Ada").age(4);
/// let ada = User::upsert(row).on(User::email).set(User::age, User::age + excluded(User::age)).returning(&db).await?;
/// assert_eq!(ada.age, Some(40));
/// # Ok(()) }
/// ```
pub fn excluded<M: Named, T: Value>(column: Column<M, T>) -> Expr<T, M> {
    Expr::new(ir::Expr::Excluded(column.column_ref()))
}

/// Which columns of an existing row take the values of the new one.
#[derive(Debug, Clone)]
enum Chosen {
    /// None was named: all, unless `.set(..)` says what to do.
    Nothing,
    All,
    Columns(Vec<u16>),
}

/// A row to insert, or to merge into the row that is there already.
///
/// By default every given column but the key is updated. `updated_at` is refreshed and the version grows.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let row = |name: &str| User::create().email("ada@example.org").name(name);
/// let ada = User::upsert(row("Ada L.")).on(User::email).returning(&db).await?;
/// assert_eq!(ada.name, "Ada L.");
/// let none = User::upsert(row("Else")).on(User::email).do_nothing().returning(&db).await?;
/// assert!(none.is_none());
/// # Ok(()) }
/// ```
#[must_use = "nothing is written until `.exec(&db)` or `.returning(&db)` is awaited"]
#[derive(Clone)]
pub struct Upsert<M, N = (), R = NewRow> {
    pub(super) rows: R,
    pub(super) merge: Merge,
    marker: PhantomData<fn() -> (M, N)>,
}

/// What becomes of a row that is there already.
#[derive(Debug, Clone)]
pub(super) struct Merge {
    pub(super) target: Vec<u16>,
    chosen: Chosen,
    set: Vec<Assignment>,
}

impl<M, N, R> std::fmt::Debug for Upsert<M, N, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upsert").field("merge", &self.merge).finish_non_exhaustive()
    }
}

impl<M: Model, R> Upsert<M, (), R> {
    pub(super) fn new(rows: R) -> Self {
        let merge = Merge { target: Vec::new(), chosen: Chosen::Nothing, set: Vec::new() };
        Upsert { rows, merge, marker: PhantomData }
    }
}

impl<M: Model, N: Needs, R> Upsert<M, N, R> {
    /// The unique columns that say whether the row is there: one, or a tuple. Without it, the primary key if it is given, else the
    /// only unique index that is given in full.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::upsert(User::create().email("ada@example.org").name("Ada L.")).on(User::email).returning(&db).await?;
    /// assert_eq!(ada.id, 1);
    /// # Ok(()) }
    /// ```
    pub fn on(mut self, columns: impl Columns<M>) -> Self {
        self.merge.target = columns.indexes();
        self
    }

    /// An existing row takes the new values of these columns.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let row = User::create().email("ada@example.org").name("Ada L.").age(99);
    /// let ada = User::upsert(row).on(User::email).update(User::name).returning(&db).await?;
    /// assert_eq!((ada.name.as_str(), ada.age), ("Ada L.", Some(36)));
    /// # Ok(()) }
    /// ```
    pub fn update(mut self, columns: impl Columns<M>) -> Self {
        let mut indexes = columns.indexes();
        match &mut self.merge.chosen {
            Chosen::Columns(chosen) => chosen.append(&mut indexes),
            other => *other = Chosen::Columns(indexes),
        }
        self
    }

    /// An existing row takes the new values of all columns that are given, but for its key and `created_at`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let row = User::create().email("ada@example.org").name("Ada L.").age(99);
    /// let ada = User::upsert(row).on(User::email).update_all().returning(&db).await?;
    /// assert_eq!((ada.name.as_str(), ada.age), ("Ada L.", Some(99)));
    /// # Ok(()) }
    /// ```
    pub fn update_all(mut self) -> Self {
        self.merge.chosen = Chosen::All;
        self
    }

    /// An existing row gets this value: plain, or computed from its own columns and [`excluded`] ones.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let row = User::create().email("ada@example.org").name("Ada");
    /// let ada = User::upsert(row).on(User::email).set(User::age, User::age + 1).returning(&db).await?;
    /// assert_eq!(ada.age, Some(37));
    /// # Ok(()) }
    /// ```
    pub fn set<T, V, I>(mut self, column: Column<M, T>, value: V) -> Upsert<M, And<N, V::N>, R>
    where
        T: Value,
        V: Assign<M, T, I>,
        N: Plus<V::N>,
    {
        assign(&mut self.merge.set, column.index(), value.value());
        Upsert { rows: self.rows, merge: self.merge, marker: PhantomData }
    }
}

impl<M: Model, N: Needs> Upsert<M, N> {
    /// An existing row stays as it is.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tag = Tag::upsert(Tag::create().name("machines")).on(Tag::name).do_nothing().returning(&db).await?;
    /// assert!(tag.is_none());
    /// # Ok(()) }
    /// ```
    pub fn do_nothing(self) -> InsertOrIgnore<M> {
        InsertOrIgnore { row: self.rows, target: self.merge.target, marker: PhantomData }
    }

    /// Inserts or updates the row, and returns how many rows were written: 1.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(Tag::upsert(Tag::create().name("machines")).exec(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if it is not clear which unique columns are meant.
    pub fn exec<E>(self, db: &E) -> impl Future<Output = Result<u64>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
    {
        let command = command(M::source(), self.rows, self.merge, None);
        async move { run(db, command?, Affected::default()).await }
    }

    /// Inserts or updates, and returns the row as it is now.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tag = Tag::upsert(Tag::create().name("machines")).returning(&db).await?;
    /// assert_eq!(tag.id, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`exec`](Upsert::exec).
    pub fn returning<E>(self, db: &E) -> impl Future<Output = Result<M>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
    {
        let command = command(M::source(), self.rows, self.merge, Some(Output::Model));
        async move { run(db, command?, Written::<M>::default()).await?.ok_or_else(|| no_row(M::meta())) }
    }
}

/// A row to insert unless it is there already: made by [`Upsert::do_nothing`].
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let insert = Tag::upsert(Tag::create().name("news")).on(Tag::name).do_nothing();
/// assert!(insert.returning(&db).await?.is_some());
/// # Ok(()) }
/// ```
#[must_use = "nothing is written until `.exec(&db)` or `.returning(&db)` is awaited"]
#[derive(Clone)]
pub struct InsertOrIgnore<M> {
    row: NewRow,
    target: Vec<u16>,
    marker: PhantomData<fn() -> M>,
}

impl<M> std::fmt::Debug for InsertOrIgnore<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InsertOrIgnore").field("target", &self.target).finish_non_exhaustive()
    }
}

impl<M: Model> InsertOrIgnore<M> {
    fn command(self, returning: Option<Output>) -> Result<Command> {
        if !self.row.children.is_empty() {
            return Err(no_children(M::meta()));
        }
        let target = match self.target {
            target if target.is_empty() => target,
            target => unique_target(M::meta(), target)?,
        };
        let conflict = Conflict { target, action: ConflictAction::Nothing };
        Ok(insert_row(M::meta(), self.row, Some(conflict), returning))
    }

    /// Inserts the row, and returns how many rows were inserted: 1, or 0 if it was there.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tag = |name: &str| Tag::upsert(Tag::create().name(name)).on(Tag::name).do_nothing();
    /// assert_eq!((tag("news").exec(&db).await?, tag("news").exec(&db).await?), (1, 0));
    /// # Ok(()) }
    /// ```
    pub fn exec<E: Executor + ?Sized>(self, db: &E) -> impl Future<Output = Result<u64>> + Send {
        let command = self.command(None);
        async move { run(db, command?, Affected::default()).await }
    }

    /// Inserts the row and returns it, or returns `None` if it was there.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tag = |name: &str| Tag::upsert(Tag::create().name(name)).on(Tag::name).do_nothing();
    /// assert!(tag("news").returning(&db).await?.is_some());
    /// assert!(tag("news").returning(&db).await?.is_none());
    /// # Ok(()) }
    /// ```
    pub fn returning<E: Executor + ?Sized>(self, db: &E) -> impl Future<Output = Result<Option<M>>> + Send {
        let command = self.command(Some(Output::Model));
        async move { run(db, command?, Written::<M>::default()).await }
    }
}

fn command(source: Source, row: NewRow, merge: Merge, returning: Option<Output>) -> Result<Command> {
    let conflict = merge.conflict(source, &row)?;
    Ok(insert_row(source.model, row, Some(conflict), returning))
}

impl Merge {
    /// The conflict clause for a row, and for others that set the same columns.
    pub(super) fn conflict(self, source: Source, row: &NewRow) -> Result<Conflict> {
        let Merge { target, chosen, mut set } = self;
        let meta = source.model;
        if !row.children.is_empty() {
            return Err(no_children(meta));
        }
        let target = if target.is_empty() { find_target(source, row)? } else { unique_target(meta, target)? };
        let of_row = |index: u16| ir::Expr::Excluded(ColumnRef { source, index });
        let mut columns = match chosen {
            Chosen::Columns(columns) => columns,
            Chosen::Nothing if !set.is_empty() => Vec::new(),
            Chosen::Nothing | Chosen::All => (0..)
                .zip(&meta.columns)
                .filter(|(index, column)| {
                    row.is_set(*index)
                        && !target.contains(index)
                        && !meta.primary_key.contains(index)
                        && meta.version != Some(*index)
                        && !column.created_at
                        && column.generated.is_none()
                })
                .map(|(index, _)| index)
                .collect(),
        };
        // The row of the INSERT already holds the new `updated_at`: given, or the time of the command.
        columns
            .extend((0..).zip(&meta.columns).filter(|(_, column)| column.updated_at).map(|(index, _)| index));
        for index in columns {
            if !set.iter().any(|assignment| assignment.column == index) {
                set.push(Assignment { column: index, value: of_row(index) });
            }
        }
        if let Some(index) =
            meta.version.filter(|index| !set.iter().any(|assignment| assignment.column == *index))
        {
            set.push(Assignment { column: index, value: next_version(source, index) });
        }
        limit_assignments(meta, &mut set);
        if set.is_empty() {
            // DO NOTHING would return no row; the key onto itself changes nothing and does.
            set.extend(target.first().map(|index| Assignment { column: *index, value: of_row(*index) }));
        }
        Ok(Conflict { target, action: ConflictAction::Update(set, None) })
    }
}

/// The columns, if they are those of the key or of a unique constraint: only then can a row be there already because of them.
pub(super) fn unique_target(meta: &ModelMeta, target: Vec<u16>) -> Result<Vec<u16>> {
    let same = |columns: &[u16]| {
        columns.iter().all(|index| target.contains(index))
            && target.iter().all(|index| columns.contains(index))
    };
    let unique = meta.indexes.iter().filter(|index| index.unique).map(|index| index.columns.as_slice());
    if std::iter::once(meta.primary_key).chain(unique).any(same) {
        return Ok(target);
    }
    let error = Error::new(ErrorKind::Usage, "the columns of `.on(..)` are not unique together")
        .with_model(meta.name)
        .with_hint("name the primary key, or columns that the model says to be `unique`");
    Err(target.iter().fold(error, |error, index| error.with_field(meta.column(*index).field.clone())))
}

fn find_target(source: Source, row: &NewRow) -> Result<Vec<u16>> {
    let meta = source.model;
    let given = |columns: &[u16]| !columns.is_empty() && columns.iter().all(|index| row.is_set(*index));
    if given(meta.primary_key) {
        return Ok(meta.primary_key.to_vec());
    }
    let mut unique = meta.indexes.iter().filter(|index| index.unique && given(&index.columns));
    match (unique.next(), unique.next()) {
        (Some(only), None) => Ok(only.columns.clone()),
        _ => Err(Error::new(
            ErrorKind::Usage,
            "it is not clear which unique columns tell that the row is there",
        )
        .with_model(meta.name)
        .with_hint("name them: `.on(column)` or `.on((column, column))`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::ExprOps;
    use crate::write::testing::{BODY, CREATED, ID, NewNote, Note, TITLE, UPDATED, VERSION, columns};

    fn conflict_of<N>(upsert: Upsert<Note, N>) -> (Vec<u16>, Vec<Assignment>) {
        match upsert.merge.conflict(Note::source(), &upsert.rows).expect("clear") {
            Conflict { target, action: ConflictAction::Update(set, _) } => (target, set),
            other => panic!("no update: {other:?}"),
        }
    }

    #[test]
    fn by_default_all_given_columns_but_the_key_are_updated() {
        let (target, set) = conflict_of(upsert::<Note>(NewNote::titled("a").body("b")));
        assert_eq!(target, [TITLE]);
        assert_eq!(columns(&set), [BODY, UPDATED, VERSION]);
        assert!(!columns(&set).contains(&CREATED));
    }

    #[test]
    fn chosen_columns_and_computed_values_stand_together() {
        let row = NewNote::titled("a").body("b");
        let upsert = upsert::<Note>(row)
            .on(Note::ID)
            .update(Note::TITLE)
            .set(Note::BODY, Note::BODY.concat(excluded(Note::TITLE)));
        let (target, set) = conflict_of(upsert);
        assert_eq!(target, [ID]);
        assert_eq!(columns(&set), [BODY, TITLE, UPDATED, VERSION]);
        assert!(matches!(set[1].value, ir::Expr::Excluded(_)));
    }

    #[test]
    fn the_version_grows_from_the_row_that_is_there() {
        let (_, set) = conflict_of(upsert::<Note>(NewNote::titled("a")));
        let version = set.iter().find(|assignment| assignment.column == VERSION).expect("version");
        assert!(
            matches!(&version.value, ir::Expr::Binary(ir::BinaryOp::Add, both, _) if matches!(both.0, ir::Expr::Column(_)))
        );
    }

    #[test]
    fn a_target_that_is_not_unique_is_refused() {
        let error = unique_target(Note::meta(), vec![BODY]).expect_err("not unique");
        assert_eq!((error.kind(), error.fields().len()), (ErrorKind::Usage, 1));
        assert!(unique_target(Note::meta(), vec![ID, BODY]).is_err());
        assert_eq!(unique_target(Note::meta(), vec![TITLE]).expect("unique"), [TITLE]);
    }

    #[test]
    fn without_a_unique_column_given_the_target_must_be_named() {
        let error = find_target(Note::source(), &NewRow::new(Note::meta())).expect_err("unclear");
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.hint().is_some_and(|hint| hint.contains(".on(")));
    }
}
