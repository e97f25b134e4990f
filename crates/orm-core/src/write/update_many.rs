//! Many rows, each changed in its own way, in one statement.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::marker::PhantomData;

use super::change::{Change, RowId, change_command, missing_row};
use super::save::whole;
use crate::backend::{Affected, Backend, Collect, Executor, Handle, Transactions, atomically};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{Assignment, Command, Expr, Output, UpdateRows};
use crate::meta::ModelMeta;
use crate::model::{Model, Named};
use crate::value::Datum;

/// What [`update_many`](super::ModelWrite::update_many) takes: a row, which is written whole, or the changes of one.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let users = User::query().all(&db).await?;
/// assert_eq!(User::update_many(&users).exec(&db).await?, 3);
/// let older = users.iter().map(|user| user.update().age(7));
/// assert_eq!(User::update_many(older).exec(&db).await?, 3);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a change of a `{M}`",
    label = "expected `&{M}` or `row.update()` with what it sets"
)]
pub trait IntoChange<M> {
    /// The change.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::write::IntoChange;
    /// let ada = User::find(1).one(&db).await?;
    /// assert!(ada.update().into_change().is_empty());
    /// # Ok(()) }
    /// ```
    fn into_change(self) -> Change<M>;
}

impl<M> IntoChange<M> for Change<M> {
    fn into_change(self) -> Change<M> {
        self
    }
}

impl<M: Model> IntoChange<M> for &M {
    fn into_change(self) -> Change<M> {
        whole(self)
    }
}

/// Changes of many rows: made by [`ModelWrite::update_many`](super::ModelWrite::update_many). Without rows no statement is sent.
///
/// Rows that set the same columns are one statement, however many they are. All rows are changed or none.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let users = User::query().all(&db).await?;
/// let changes = User::update_many(users.iter().map(|user| user.update().age(user.age.map(|age| age + 1))));
/// assert_eq!(changes.returning(&db).await?.len(), 3);
/// # Ok(()) }
/// ```
#[must_use = "nothing is written until `.exec(&db)` or `.returning(&db)` is awaited"]
pub struct UpdateMany<M> {
    changes: Vec<Change<M>>,
    marker: PhantomData<fn() -> M>,
}

impl<M> std::fmt::Debug for UpdateMany<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpdateMany").field("rows", &self.changes.len()).finish()
    }
}

/// Changes many rows: see [`UpdateMany`].
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let users = User::query().all(&db).await?;
/// assert_eq!(orm::write::update_many::<User, _>(&users).exec(&db).await?, 3);
/// # Ok(()) }
/// ```
pub fn update_many<M, I>(rows: I) -> UpdateMany<M>
where
    M: Model,
    I: IntoIterator,
    I::Item: IntoChange<M>,
{
    UpdateMany { changes: rows.into_iter().map(IntoChange::into_change).collect(), marker: PhantomData }
}

impl<M: Model> UpdateMany<M> {
    /// Changes the rows and returns how many there were. A change that sets nothing is refused.
    ///
    /// # Errors
    /// [`ErrorKind::Stale`] if the model has a version and somebody else changed or deleted one of the rows, [`ErrorKind::NotFound`] if
    /// one is gone; no row is changed then. [`ErrorKind::Usage`] if a row comes twice.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let users = User::query().all(&db).await?;
    /// assert_eq!(User::update_many(&users).exec(&db).await?, 3);
    /// # Ok(()) }
    /// ```
    pub fn exec<E: Executor + ?Sized>(self, db: &E) -> impl Future<Output = Result<u64>> + Send {
        async move {
            let changes: Vec<Change<M>> =
                self.changes.into_iter().map(Change::checked).collect::<Result<_>>()?;
            let changes: Vec<Change<M>> = changes.into_iter().filter(|change| !change.is_empty()).collect();
            let count = changes.len() as u64;
            write::<M, E::Backend>(changes, false, db.handle()).await?;
            Ok(count)
        }
    }

    /// Changes the rows and returns them as they are now, in the order of the input, relations not loaded. A change that sets nothing is
    /// refused.
    ///
    /// # Errors
    /// As [`exec`](UpdateMany::exec).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let users = User::query().order_by(User::id.asc()).all(&db).await?;
    /// let older = User::update_many(users.iter().map(|user| user.update().age(7))).returning(&db).await?;
    /// assert_eq!((older[0].id, older[0].age), (users[0].id, Some(7)));
    /// # Ok(()) }
    /// ```
    pub fn returning<E: Executor + ?Sized>(self, db: &E) -> impl Future<Output = Result<Vec<M>>> + Send {
        async move {
            let changes = self.changes.into_iter().map(Change::checked).collect::<Result<_>>()?;
            write::<M, E::Backend>(changes, true, db.handle()).await
        }
    }
}

/// Writes all changes in a transaction of their own (a savepoint within one).
async fn write<M: Model, B: Transactions>(
    changes: Vec<Change<M>>,
    wanted: bool,
    handle: &Handle<B>,
) -> Result<Vec<M>> {
    let mut seen = HashSet::with_capacity(changes.len());
    if !changes.iter().all(|change| seen.insert(change.row.key.as_slice())) {
        return Err(Error::new(ErrorKind::Usage, "a row is changed twice in one call")
            .with_model(M::meta().name)
            .with_hint("put its changes together"));
    }
    drop(seen);
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    atomically(handle, |tx| async move { write_all::<M, B>(changes, wanted, &tx).await }).await
}

async fn write_all<M: Model, B: Backend>(
    changes: Vec<Change<M>>,
    wanted: bool,
    handle: &Handle<B>,
) -> Result<Vec<M>> {
    let order: Vec<Vec<Datum>> =
        if wanted { changes.iter().map(|change| change.row.key.clone()).collect() } else { Vec::new() };
    let mut rows: Vec<M> = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    for change in changes {
        if change.is_empty() || !handle.updates_rows() {
            let (command, missing) = change_command(M::source(), change.row, change.set);
            let row = handle.run(command, Collect::<M>::default()).await?.pop();
            rows.push(row.ok_or_else(|| missing_row(M::meta(), missing))?);
            continue;
        }
        match groups.iter_mut().find(|group| group.takes(&change.set)) {
            Some(group) => group.add(change.row, change.set),
            None => groups.push(Group::new(change.row, change.set)),
        }
    }
    for group in groups {
        let (count, missing) = (group.rows, group.missing(M::meta()));
        let command = group.command(M::source(), wanted);
        let changed = if wanted {
            let changed = handle.run(command, Collect::<M>::with_capacity(count)).await?;
            let number = changed.len();
            rows.extend(changed);
            number
        } else {
            handle.run(command, Affected::default()).await? as usize
        };
        if changed != count {
            return Err(missing_row(M::meta(), missing).with_hint(format!(
                "{changed} of {count} rows were as they had been read; none is changed"
            )));
        }
    }
    if !wanted {
        return Ok(Vec::new());
    }
    let key_of = |row: &M| -> Vec<Datum> { M::PRIMARY_KEY.iter().map(|index| row.datum(*index)).collect() };
    let mut by_key: HashMap<Vec<Datum>, M> = rows.into_iter().map(|row| (key_of(&row), row)).collect();
    let in_order = order.into_iter().map(|key| by_key.remove(&key));
    in_order.collect::<Option<_>>().ok_or_else(|| super::insert::no_row(M::meta()))
}

/// Changes that set the same columns.
struct Group {
    set: Vec<u16>,
    versioned: bool,
    rows: usize,
    values: Vec<Datum>,
}

impl Group {
    fn new(row: RowId, set: Vec<Assignment>) -> Self {
        let columns = set.iter().map(|assignment| assignment.column).collect();
        let mut group = Group { set: columns, versioned: row.version.is_some(), rows: 0, values: Vec::new() };
        group.add(row, set);
        group
    }

    fn takes(&self, set: &[Assignment]) -> bool {
        self.set.len() == set.len() && set.iter().all(|assignment| self.set.contains(&assignment.column))
    }

    fn add(&mut self, row: RowId, mut set: Vec<Assignment>) {
        self.rows += 1;
        self.values.extend(row.key);
        self.values.extend(row.version);
        for column in &self.set {
            // A change holds plain values only.
            if let Some(place) = set.iter().position(|assignment| assignment.column == *column)
                && let Expr::Value(datum, _) = set.swap_remove(place).value
            {
                self.values.push(datum);
            }
        }
    }

    fn missing(&self, meta: &ModelMeta) -> ErrorKind {
        if self.versioned && meta.version.is_some() { ErrorKind::Stale } else { ErrorKind::NotFound }
    }

    fn command(self, source: crate::ir::Source, wanted: bool) -> Command {
        let meta = source.model;
        let mut columns: Vec<u16> = meta.primary_key.to_vec();
        columns.extend(meta.version.filter(|_| self.versioned));
        let keys = columns.len();
        columns.extend(&self.set);
        // What every update changes, for the columns that this one does not set.
        let mut also: Vec<Assignment> = self
            .set
            .iter()
            .map(|column| Assignment { column: *column, value: Expr::All(Vec::new()) })
            .collect();
        super::update::maintain(source, &mut also);
        also.drain(..self.set.len());
        Command::UpdateRows(Box::new(UpdateRows {
            source,
            columns,
            keys,
            values: self.values,
            also,
            returning: wanted.then_some(Output::Model),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::testing::{ID, Note, TITLE, UPDATED, VERSION};

    #[test]
    fn rows_that_set_the_same_columns_are_one_command() {
        let change = |title: &str| {
            let mut change = Change::new(&Note::sample());
            change.set(TITLE, Datum::Text(title.into()));
            change
        };
        let (first, second) = (change("a"), change("b"));
        let mut group = Group::new(first.row, first.set);
        assert!(group.takes(&second.set));
        group.add(second.row, second.set);
        let Command::UpdateRows(update) = group.command(Note::source(), false) else { panic!("not rows") };
        assert_eq!(
            (update.columns.as_slice(), update.keys, update.values.len()),
            (&[ID, VERSION, TITLE][..], 2, 6)
        );
        let also: Vec<u16> = update.also.iter().map(|assignment| assignment.column).collect();
        assert_eq!(also, [UPDATED, VERSION]);
    }
}
