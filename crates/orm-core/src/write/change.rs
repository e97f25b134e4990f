//! A change of one row: the columns that were set, and the state in which the row was read.

use std::future::Future;
use std::marker::PhantomData;

use super::insert::Written;
use super::update::{assign, maintain};
use crate::backend::{Executor, run};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{Assignment, BinaryOp, ColumnRef, Command, Expr, Output, Select, Source, Update};
use crate::meta::ModelMeta;
use crate::model::{Model, Named};
use crate::schema::limited;
use crate::value::{ColumnType, Datum};

/// What changes in a row: its key and version as they were read, and the columns that were set.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::value::Datum;
/// use orm::write::{Change, save_changes};
/// let ada = User::find(1).one(&db).await?;
/// let mut change = Change::new(&ada);
/// change.set(User::age.index(), Datum::I64(37));
/// assert_eq!(save_changes(change, &db).await?.age, Some(37));
/// # Ok(()) }
/// ```
pub struct Change<M> {
    pub(super) row: RowId,
    pub(super) set: Vec<Assignment>,
    /// Whether it was made of all the fields of a struct, which may be none but the key.
    pub(super) whole: bool,
    marker: PhantomData<fn() -> M>,
}

impl<M> Clone for Change<M> {
    fn clone(&self) -> Self {
        Change { row: self.row.clone(), set: self.set.clone(), whole: self.whole, marker: PhantomData }
    }
}

impl<M> std::fmt::Debug for Change<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns: Vec<u16> = self.set.iter().map(|assignment| assignment.column).collect();
        f.debug_struct("Change").field("columns", &columns).finish_non_exhaustive()
    }
}

impl<M: Model> Change<M> {
    /// A change of this row that does nothing yet.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::write::{Change, save_changes};
    /// let ada = User::find(1).one(&db).await?;
    /// assert_eq!(save_changes(Change::new(&ada), &db).await.unwrap_err().kind(), ErrorKind::Usage);
    /// # Ok(()) }
    /// ```
    pub fn new(row: &M) -> Self {
        Change { row: RowId::of(row), set: Vec::new(), whole: false, marker: PhantomData }
    }

    /// Gives a column a new value.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::value::Datum;
    /// use orm::write::{Change, save_changes};
    /// let mut change = Change::new(&User::find(1).one(&db).await?);
    /// change.set(User::name.index(), Datum::Text("Ada L.".to_owned()));
    /// assert_eq!(save_changes(change, &db).await?.name, "Ada L.");
    /// # Ok(()) }
    /// ```
    pub fn set(&mut self, column: u16, mut datum: Datum) {
        limited(M::meta(), column, &mut datum);
        let ty = M::meta().columns.get(usize::from(column)).map_or(ColumnType::Text, |column| column.ty());
        assign(&mut self.set, column, Expr::Value(datum, ty));
    }

    /// Whether nothing was set.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::write::Change;
    /// assert!(Change::new(&User::find(1).one(&db).await?).is_empty());
    /// # Ok(()) }
    /// ```
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// The change, if it is one.
    pub(super) fn checked(self) -> Result<Self> {
        if self.set.is_empty() && !self.whole {
            return Err(Error::new(
                ErrorKind::Usage,
                "the update sets nothing, and does not see fields assigned on the struct",
            )
            .with_model(M::meta().name)
            .with_hint("call the setters of `row.update()`, or send the whole struct with `row.save(&db)`"));
        }
        Ok(self)
    }
}

/// Sends the changed columns and returns the row as it is now.
///
/// A change that sets nothing is an error: fields that were assigned on the struct are not seen, and they would be lost without a word.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::value::Datum;
/// use orm::write::{Change, save_changes};
/// let post = Post::find(1).one(&db).await?;
/// let mut change = Change::new(&post);
/// change.set(Post::score.index(), Datum::I64(4));
/// assert_eq!(save_changes(change.clone(), &db).await?.score, 4);
/// // The version grew: the same change is out of date now.
/// assert_eq!(save_changes(change, &db).await.unwrap_err().kind(), ErrorKind::Stale);
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::Usage`] if nothing was set; [`ErrorKind::Stale`] if the model has a version and somebody else changed or deleted the
/// row; [`ErrorKind::NotFound`] if the row is gone.
pub fn save_changes<M: Model, E: Executor + ?Sized>(
    change: Change<M>,
    db: &E,
) -> impl Future<Output = Result<M>> + Send {
    let command = change.checked().map(|change| change_command(M::source(), change.row, change.set));
    async move {
        let (command, missing) = command?;
        run(db, command, Written::<M>::default()).await?.ok_or_else(|| missing_row(M::meta(), missing))
    }
}

/// Which row is meant, and in which state.
#[derive(Debug, Clone)]
pub(super) struct RowId {
    pub(super) key: Vec<Datum>,
    pub(super) version: Option<Datum>,
}

impl RowId {
    pub(super) fn of<M: Model>(row: &M) -> Self {
        RowId {
            key: M::PRIMARY_KEY.iter().map(|index| row.datum(*index)).collect(),
            version: M::meta().version.map(|index| row.datum(index)),
        }
    }

    fn key_filter(key: Vec<Datum>, source: Source) -> Option<Expr> {
        let mut filter = None;
        for (index, datum) in source.model.primary_key.iter().zip(key) {
            filter = Some(Expr::and(filter, equals(source, *index, datum)));
        }
        filter
    }

    /// The condition on key and version, and what it means if no row meets it. A model without a key has no row to name.
    pub(super) fn filter(self, source: Source) -> (Expr, ErrorKind) {
        let never = || Expr::Any(Vec::new());
        let key = Self::key_filter(self.key, source).unwrap_or_else(never);
        match source.model.version.zip(self.version) {
            Some((index, version)) => {
                (Expr::and(Some(key), equals(source, index, version)), ErrorKind::Stale)
            }
            None => (key, ErrorKind::NotFound),
        }
    }
}

fn equals(source: Source, index: u16, datum: Datum) -> Expr {
    let ty = source.model.column(index).ty();
    let op = if datum.is_null() { BinaryOp::IsSame } else { BinaryOp::Eq };
    Expr::binary(op, Expr::Column(ColumnRef { source, index }), Expr::Value(datum, ty), ty)
}

pub(super) fn change_command(source: Source, row: RowId, mut set: Vec<Assignment>) -> (Command, ErrorKind) {
    if set.is_empty() {
        let mut select = Select::new(source);
        let unchecked = RowId { version: None, ..row };
        let (filter, missing) = unchecked.filter(source);
        select.filter = Some(filter);
        return (Command::Select(Box::new(select)), missing);
    }
    maintain(source, &mut set);
    let (filter, missing) = row.filter(source);
    (
        Command::Update(Box::new(Update {
            source,
            set,
            filter: Some(filter),
            returning: Some(Output::Model),
        })),
        missing,
    )
}

#[cold]
pub(super) fn missing_row(meta: &ModelMeta, kind: ErrorKind) -> Error {
    match kind {
        ErrorKind::Stale => Error::new(kind, "the row was changed or deleted since it was read")
            .with_hint("read it again and repeat the change"),
        kind => Error::new(kind, "the row is not there"),
    }
    .with_model(meta.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::testing::{Note, TITLE, Tag, UPDATED, VERSION, columns, update_of};

    #[test]
    fn a_change_sends_what_was_set_and_checks_the_version() {
        let mut change = Change::new(&Note::sample());
        change.set(TITLE, Datum::Text("a".into()));
        change.set(TITLE, Datum::Text("b".into()));
        let (command, missing) = change_command(Note::source(), change.row, change.set);
        let update = update_of(command);
        assert_eq!(columns(&update.set), [TITLE, UPDATED, VERSION]);
        assert!(matches!(&update.set[0].value, Expr::Value(Datum::Text(text), _) if text == "b"));
        assert_eq!(missing, ErrorKind::Stale);
        let Some(Expr::All(both)) = &update.filter else { panic!("{:?}", update.filter) };
        assert!(matches!(&both[1], Expr::Binary(BinaryOp::Eq, parts, _)
            if matches!(&parts.0, Expr::Column(column) if column.index == VERSION)));
    }

    #[test]
    fn a_row_without_a_version_is_not_found_rather_than_stale() {
        let mut change = Change::new(&Tag::sample());
        change.set(1, Datum::Text("x".into()));
        let (_, missing) = change_command(Tag::source(), change.row, change.set);
        assert_eq!(missing, ErrorKind::NotFound);
    }

    #[test]
    fn an_empty_change_is_refused_and_one_of_a_key_alone_reads_the_row() {
        let change = Change::new(&Note::sample());
        assert!(change.is_empty());
        assert_eq!(change.clone().checked().expect_err("nothing is set").kind(), ErrorKind::Usage);
        let (command, missing) = change_command(Note::source(), change.row, change.set);
        assert!(!command.is_write());
        assert_eq!(missing, ErrorKind::NotFound);
    }
}
