//! INSERT … ON CONFLICT of many rows.

use std::collections::{HashMap, HashSet};
use std::future::Future;

use super::create::{Insertable, NewRow};
use super::insert::{InsertMany, insert_rows};
use super::upsert::{Merge, Upsert};
use crate::backend::{Collect, Executor, FromRow, Handle, Needs, ProvidedBy, Transactions, atomically};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{ColumnRef, Conflict, Expr, Output};
use crate::meta::ModelMeta;
use crate::model::{Model, ModelKey, Named};
use crate::value::Datum;

/// Many rows, each to insert or to merge into the row that is there already: made by
/// [`ModelWrite::upsert_many`](super::ModelWrite::upsert_many).
///
/// Rows that set the same columns are one statement, however many they are, and an existing row takes what its own new row sets. All rows
/// are written or none. Two rows of the input that are one row of the table are an error of kind [`Usage`](ErrorKind::Usage).
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let rows = [("ada@example.org", "Ada L."), ("dan@example.org", "Dan")];
/// let rows = rows.map(|(email, name)| User::create().email(email).name(name));
/// let users = User::upsert_many(rows).on(User::email).returning(&db).await?;
/// assert_eq!((users[0].id, users[0].age, users[1].name.as_str()), (1, Some(36), "Dan"));
/// # Ok(()) }
/// ```
pub type UpsertMany<M, N = ()> = Upsert<M, N, Vec<NewRow>>;

/// Inserts rows, or changes those that are there: see [`UpsertMany`].
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::write::upsert_many;
/// let tags = ["machines", "news"].map(|name| Tag::create().name(name));
/// assert_eq!(upsert_many::<Tag, _>(tags).on(Tag::name).exec(&db).await?, 2);
/// # Ok(()) }
/// ```
pub fn upsert_many<M, I>(rows: I) -> UpsertMany<M>
where
    M: Model,
    I: IntoIterator,
    I::Item: Insertable<M>,
{
    Upsert::new(rows.into_iter().map(Insertable::into_row).collect())
}

impl<M: Model, N: Needs> Upsert<M, N, Vec<NewRow>> {
    /// Existing rows stay as they are, and are not part of what comes back.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tags = ["machines", "news"].map(|name| Tag::create().name(name));
    /// let new = Tag::upsert_many(tags).on(Tag::name).do_nothing().returning(&db).await?;
    /// assert_eq!((new.len(), new[0].name.as_str()), (1, "news"));
    /// # Ok(()) }
    /// ```
    pub fn do_nothing(self) -> InsertMany<M> {
        InsertMany::ignoring(self.rows, self.merge.target)
    }

    /// Inserts or updates the rows, and returns how many were written.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tags = || ["machines", "news"].map(|name| Tag::create().name(name));
    /// assert_eq!(Tag::upsert_many(tags()).on(Tag::name).exec(&db).await?, 2);
    /// let twice = Tag::upsert_many(tags().into_iter().chain(tags())).on(Tag::name).exec(&db).await;
    /// assert_eq!(twice.unwrap_err().kind(), ErrorKind::Usage);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if it is not clear which unique columns are meant, or if two rows of the input are one row of the table; nothing
    /// is written then.
    pub fn exec<E>(self, db: &E) -> impl Future<Output = Result<u64>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
        M::Key: FromRow,
    {
        async move {
            let source = M::source();
            let key = M::PRIMARY_KEY.iter().map(|index| Expr::Column(ColumnRef { source, index: *index }));
            let output = Output::Exprs(key.collect());
            let key_of = |key: &M::Key| key.clone().datums();
            let keys = write::<M, M::Key, E::Backend>(self.rows, self.merge, &output, key_of, db.handle());
            keys.await.map(|keys| keys.len() as u64)
        }
    }

    /// Inserts or updates the rows, and returns them as they are now in the order of the input, relations not loaded.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tags = ["news", "machines"].map(|name| Tag::create().name(name));
    /// let tags = Tag::upsert_many(tags).on(Tag::name).returning(&db).await?;
    /// assert_eq!((tags[0].name.as_str(), tags[1].id), ("news", 1));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As `exec`.
    pub fn returning<E>(self, db: &E) -> impl Future<Output = Result<Vec<M>>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
    {
        let key_of = |row: &M| M::PRIMARY_KEY.iter().map(|index| row.datum(*index)).collect();
        async move { write::<M, M, E::Backend>(self.rows, self.merge, &Output::Model, key_of, db.handle()).await }
    }
}

/// Rows that set the same columns, and where they stand in the input.
struct Group {
    places: Vec<usize>,
    rows: Vec<NewRow>,
}

/// One command for each group of rows, in a transaction of their own (a savepoint within one).
async fn write<M: Model, T: FromRow + Send + 'static, B: Transactions>(
    rows: Vec<NewRow>,
    merge: Merge,
    output: &Output,
    key_of: fn(&T) -> Vec<Datum>,
    handle: &Handle<B>,
) -> Result<Vec<T>> {
    let meta = M::meta();
    let groups = groups(meta, rows);
    let mut conflicts = Vec::with_capacity(groups.len());
    for Group { rows, .. } in &groups {
        let Some(first) = rows.first() else { continue };
        conflicts.push(merge.clone().conflict(M::source(), first)?);
    }
    distinct(meta, &groups, &conflicts)?;
    let mut commands = Vec::with_capacity(groups.len());
    for (Group { places, rows }, conflict) in groups.into_iter().zip(conflicts) {
        let command = insert_rows(meta, rows, Some(conflict), Some(output.clone()));
        commands.extend(command.map(|command| (places, command)));
    }
    if commands.is_empty() {
        return Ok(Vec::new());
    }
    atomically(handle, |tx| async move {
        let mut written: Vec<(usize, T)> = Vec::new();
        for (places, command) in commands {
            let rows = tx.run(command, Collect::<T>::with_capacity(places.len())).await?;
            written.extend(places.into_iter().zip(rows));
        }
        // Values that only the database takes for equal, those of a collation for example, and rows that meet one by different columns.
        let mut seen = HashSet::with_capacity(written.len());
        if !written.iter().all(|(_, row)| seen.insert(key_of(row))) {
            return Err(twice(meta));
        }
        written.sort_by_key(|(place, _)| *place);
        Ok(written.into_iter().map(|(_, row)| row).collect())
    })
    .await
}

fn groups(meta: &ModelMeta, rows: Vec<NewRow>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut by_set: HashMap<Vec<u16>, usize> = HashMap::new();
    for (place, row) in rows.into_iter().enumerate() {
        let set: Vec<u16> = (0..meta.columns.len() as u16).filter(|index| row.is_set(*index)).collect();
        let at = *by_set.entry(set).or_insert_with(|| {
            groups.push(Group { places: Vec::new(), rows: Vec::new() });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(at) {
            group.places.push(place);
            group.rows.push(row);
        }
    }
    groups
}

/// Whether no two rows have the same values in the columns that say whether a row is there. NULL equals nothing.
fn distinct(meta: &ModelMeta, groups: &[Group], conflicts: &[Conflict]) -> Result<()> {
    let mut seen = HashSet::new();
    for (group, Conflict { target, .. }) in groups.iter().zip(conflicts) {
        for row in &group.rows {
            let key: Option<Vec<&Datum>> = target.iter().map(|index| row.value(*index)).collect();
            if key.is_some_and(|key| !seen.insert((target, key))) {
                return Err(twice(meta));
            }
        }
    }
    Ok(())
}

#[cold]
fn twice(meta: &ModelMeta) -> Error {
    Error::new(ErrorKind::Usage, "two rows of an upsert are one row of the table")
        .with_model(meta.name)
        .with_hint("keep one of them: what the row becomes would depend on their order")
}
