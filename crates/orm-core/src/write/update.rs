//! UPDATE of the rows that a query names, and what every update has in common.

use std::future::Future;
use std::marker::PhantomData;

use super::assign::Assign;
use super::create::Now;
use crate::backend::{Affected, And, Collect, Envelope, Executor, Needs, Plus, ProvidedBy, run};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::Column;
use crate::expr::scope::Closed;
use crate::ir::{
    Assignment, BinaryOp, ColumnRef, Command, Expr, IntoCommand, Output, Select, SetOp, Source, Update,
};
use crate::model::Model;
use crate::query::Query;
use crate::relation::{IncludePlan, complete};
use crate::schema::limit_assignments;
use crate::value::{ColumnType, Datum, Value};

/// Sets a column; the last value for a column counts.
pub(super) fn assign(set: &mut Vec<Assignment>, column: u16, value: Expr) {
    match set.iter_mut().find(|assignment| assignment.column == column) {
        Some(assignment) => assignment.value = value,
        None => set.push(Assignment { column, value }),
    }
}

/// `version + 1`.
pub(super) fn next_version(source: Source, index: u16) -> Expr {
    let ty = source.model.column(index).ty();
    Expr::binary(BinaryOp::Add, Expr::Column(ColumnRef { source, index }), Expr::Value(Datum::I64(1), ty), ty)
}

/// Checks the values against their columns and adds what every update changes: `updated_at` and the version, unless the program
/// set them itself.
pub(super) fn maintain(source: Source, set: &mut Vec<Assignment>) {
    let meta = source.model;
    limit_assignments(meta, set);
    let now = Now::read();
    for (index, column) in (0..).zip(&meta.columns) {
        if set.iter().any(|assignment| assignment.column == index) {
            continue;
        }
        if column.updated_at {
            set.push(Assignment { column: index, value: Expr::Value(now.datum(meta, column), column.ty()) });
        } else if meta.version == Some(index) {
            set.push(Assignment { column: index, value: next_version(source, index) });
        }
    }
}

/// An UPDATE of the rows that a query yields: made by [`Query::update`].
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let update = Post::filter(Post::author_id.eq(1)).update().set(Post::score, Post::score + 1);
/// assert_eq!(update.exec(&db).await?, 2);
/// # Ok(()) }
/// ```
#[must_use = "nothing is changed until `.exec(&db)` or `.returning(&db)` is awaited"]
pub struct UpdateQuery<M, N = ()> {
    select: Select,
    includes: Vec<IncludePlan>,
    set: Vec<Assignment>,
    all_rows: bool,
    marker: PhantomData<fn() -> (M, N)>,
}

impl<M, N> std::fmt::Debug for UpdateQuery<M, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpdateQuery")
            .field("set", &self.set)
            .field("select", &self.select)
            .finish_non_exhaustive()
    }
}

impl<M: Model, Q: Closed, N: Needs> Query<M, Q, M, N> {
    /// Changes the rows of the query: `User::filter(..).update().set(User::age, User::age + 1).exec(&db)`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let raised = Post::filter(Post::score.lt(4)).update().set(Post::score, Post::score * 2).exec(&db).await?;
    /// assert_eq!(raised, 2);
    /// # Ok(()) }
    /// ```
    pub fn update(self) -> UpdateQuery<M, N> {
        UpdateQuery {
            select: self.select,
            includes: self.includes,
            set: Vec::new(),
            all_rows: false,
            marker: PhantomData,
        }
    }
}

impl<M: Model, N> UpdateQuery<M, N> {
    /// For drivers: which rows, and what they become, `updated_at` and the version included.
    #[doc(hidden)]
    pub fn into_parts(mut self) -> (Select, Vec<Assignment>) {
        maintain(self.select.from, &mut self.set);
        (self.select, self.set)
    }
}

impl<M, N> UpdateQuery<M, N> {
    /// What a column was set to.
    #[cfg(feature = "json")]
    pub(super) fn value_of(&self, column: u16) -> Option<&Expr> {
        self.set.iter().find(|assignment| assignment.column == column).map(|assignment| &assignment.value)
    }

    /// Sets a column; `R` is what the whole needs of a database then.
    pub(super) fn assign<R>(mut self, column: u16, value: Expr) -> UpdateQuery<M, R> {
        assign(&mut self.set, column, value);
        UpdateQuery {
            select: self.select,
            includes: self.includes,
            set: self.set,
            all_rows: self.all_rows,
            marker: PhantomData,
        }
    }
}

impl<M: Model, N: Needs> IntoCommand for UpdateQuery<M, N> {
    fn into_command(self) -> Result<Command> {
        self.command(None)
    }
}

impl<M: Model, N: Needs> UpdateQuery<M, N> {
    /// Gives a column a value, or an expression over the row's columns as they were before the update.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let update = User::find_many([2]).update().set(User::age, 40).set(User::name, User::name.upper());
    /// let rows = update.returning(&db).await?;
    /// assert_eq!((rows[0].name.as_str(), rows[0].age), ("BOB", Some(40)));
    /// # Ok(()) }
    /// ```
    pub fn set<T, V, I>(self, column: Column<M, T>, value: V) -> UpdateQuery<M, And<N, V::N>>
    where
        T: Value,
        V: Assign<M, T, I>,
        N: Plus<V::N>,
    {
        self.assign(column.index(), value.value())
    }

    /// Says that a query without a filter is meant.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::query().update().set(User::active, false).all_rows().exec(&db).await?, 3);
    /// // A limit is no filter: it chooses from every row.
    /// let first = || User::query().order_by(User::id.asc()).limit(1).update().set(User::active, true);
    /// assert_eq!(first().exec(&db).await.unwrap_err().kind(), ErrorKind::Unfiltered);
    /// assert_eq!(first().all_rows().exec(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    pub fn all_rows(mut self) -> Self {
        self.all_rows = true;
        self
    }

    fn command(self, returning: Option<Output>) -> Result<Command> {
        update_set(self.select, self.set, self.all_rows, returning)
    }

    #[track_caller]
    fn envelope(mut self, returning: Option<Output>) -> Result<Envelope> {
        let requires = std::mem::take(&mut self.select.requires);
        Ok(Envelope::from(self.command(returning)?).requiring(requires).from_here())
    }

    /// Changes the rows and returns how many there were.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let error = Post::query().update().set(Post::score, 0).exec(&db).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Unfiltered);
    /// assert_eq!(Post::find_many([1]).update().set(Post::score, 0).exec(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Unfiltered`] if the query has no filter and [`all_rows`](UpdateQuery::all_rows) was not called.
    #[track_caller]
    pub fn exec<E>(self, db: &E) -> impl Future<Output = Result<u64>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
    {
        let command = self.envelope(None);
        async move { run(db, command?, Affected::default()).await }
    }

    /// Changes the rows and returns them as they are now, with the relations that the query includes.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let posts = Post::find_many([1]).include(Post::author).update().set(Post::score, 9).returning(&db).await?;
    /// assert_eq!((posts[0].score, posts[0].author.get()?.name.as_str()), (9, "Ada"));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`exec`](UpdateQuery::exec).
    #[track_caller]
    pub fn returning<E>(mut self, db: &E) -> impl Future<Output = Result<Vec<M>>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
    {
        let includes = std::mem::take(&mut self.includes);
        let command = self.envelope(Some(Output::Model));
        async move {
            let mut rows = run(db, command?, Collect::<M>::default()).await?;
            complete::<M, E::Backend>(&mut rows, &includes, db.handle()).await?;
            Ok(rows)
        }
    }
}

/// An UPDATE that is known to be meant.
pub(crate) fn update_command(source: Source, mut set: Vec<Assignment>, filter: Option<Expr>) -> Command {
    maintain(source, &mut set);
    Command::Update(Box::new(Update { source, set, filter, returning: None }))
}

fn update_set(
    select: Select,
    mut set: Vec<Assignment>,
    all_rows: bool,
    returning: Option<Output>,
) -> Result<Command> {
    let source = select.from;
    if set.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "the update sets no column")
            .with_model(source.model.name)
            .with_hint("call `.set(column, value)`"));
    }
    let filter = rows_of(select, all_rows)?;
    maintain(source, &mut set);
    Ok(Command::Update(Box::new(Update { source, set, filter, returning })))
}

/// The condition that names the rows of a query in an UPDATE or DELETE.
///
/// Those have no joins, limits and offsets of their own (SQLite and PostgreSQL alike), so a query with any of these becomes
/// `key IN (SELECT key …)`. An order without a limit means nothing here, and neither does DISTINCT: rows are told apart by their key.
pub(super) fn rows_of(select: Select, all_rows: bool) -> Result<Option<Expr>> {
    let mut select = select.nested();
    let source = select.from;
    let meta = source.model;
    let usage = |text: &str, hint: &str| {
        Err(Error::new(ErrorKind::Usage, text).with_model(meta.name).with_hint(hint))
    };
    let unfiltered = select.is_unfiltered();
    if let Some(condition) = as_condition(&select) {
        select.combined = None;
        select.and_filter(condition);
    }
    let cut = select.limit.is_some()
        || select.offset.is_some()
        || select.sample.is_some()
        || select.combined.is_some();
    if !all_rows && unfiltered {
        // A limit is no filter: what deletes a thousand rows at a time until none is left would empty the table, too.
        let (text, hint) = if cut || !select.joins.is_empty() {
            (
                "no filter says which rows this may write to",
                "add `.filter(..)`, or call `.all_rows()` if any row may be chosen",
            )
        } else {
            (
                "this would write to every row",
                "add `.filter(..)`, or call `.all_rows()` if every row is meant",
            )
        };
        return Err(Error::new(ErrorKind::Unfiltered, text).with_model(meta.name).with_hint(hint));
    }
    if !select.group_by.is_empty() || select.having.is_some() || select.per_parent.is_some() {
        return usage("the rows of a grouped query cannot be written to", "use a filter instead of groups");
    }
    if select.joins.is_empty() && !cut {
        return Ok(select.filter);
    }
    let [key] = meta.primary_key else {
        return usage(
            "a write with joins, a limit or an offset needs a primary key of one column",
            "use a relation predicate such as `.any(..)` in the filter, or read the keys first",
        );
    };
    let key = Expr::Column(ColumnRef { source, index: *key });
    if !cut {
        select.order.clear();
    } else if select.distinct && !select.joins.is_empty() {
        // The limit counts different rows. GROUP BY keeps the order legal where DISTINCT would want its keys selected.
        select.group_by.push(key.clone());
    }
    select.distinct = false;
    select.output = Output::Exprs(vec![key.clone()]);
    Ok(Some(Expr::InSelect { expr: Box::new(key), select: Box::new(select), negated: false, rows: true }))
}

/// The rows of a set as a condition on their model, where the parts are filters and no more: then nothing has to be put together.
fn as_condition(select: &Select) -> Option<Expr> {
    let combined = select.combined.as_ref()?;
    let filter = |part: &Select| {
        let mut rest = part.clone();
        let inner = as_condition(&rest);
        let filter = rest.filter.take();
        let known = rest.combined.take().is_none() || inner.is_some();
        let whole = known && rest.from == select.from && rest.is_plain();
        let condition = match (inner, filter) {
            (inner, Some(filter)) => Some(Expr::and(inner, filter)),
            (inner, None) => inner,
        };
        condition.filter(|_| whole)
    };
    let mut condition = filter(&combined.first)?;
    for (op, part) in &combined.rest {
        let part = filter(part)?;
        condition = match op {
            SetOp::Union | SetOp::UnionAll => Expr::Any(vec![condition, part]),
            SetOp::Intersect => Expr::All(vec![condition, part]),
            // A condition that is NULL takes no row away.
            SetOp::Except => {
                let truth = |truth| Expr::Value(Datum::Bool(truth), ColumnType::Bool);
                let left = Expr::Case(vec![(part, truth(false))], Some(Box::new(truth(true))));
                Expr::All(vec![condition, left])
            }
        };
    }
    Some(condition)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::{Expr as Typed, ExprOps, all_of};

    use crate::query::ModelQuery;
    use crate::value::ColumnType;
    use crate::write::testing::{BODY, ID, Link, Note, TITLE, UPDATED, VERSION, columns, update_of};

    #[test]
    fn a_set_based_update_maintains_time_and_version() {
        let update = Note::filter(Note::ID.gt(3)).update().set(Note::TITLE, "x").set(Note::BODY, None);
        let update = update_of(update.command(None).expect("filtered"));
        assert_eq!(columns(&update.set), [TITLE, BODY, UPDATED, VERSION]);
        assert!(matches!(update.set[1].value, Expr::Value(Datum::Null, ColumnType::Text)));
        assert!(matches!(update.filter, Some(Expr::Binary(BinaryOp::Gt, ..))));
    }

    #[test]
    fn options_values_and_columns_can_be_assigned_to_a_nullable_column() {
        let update = Note::filter(Note::ID.gt(3)).update();
        let update =
            update.set(Note::BODY, Some("a".to_owned())).set(Note::BODY, "a").set(Note::BODY, Note::TITLE);
        let update = update.set(Note::TITLE, Note::BODY.coalesce(Note::TITLE));
        assert_eq!(columns(&update_of(update.command(None).expect("filtered")).set)[..2], [BODY, TITLE]);
    }

    #[test]
    fn without_a_filter_every_row_must_be_meant() {
        let unfiltered = |query: Query<Note>| query.update().set(Note::TITLE, "x").command(None);
        let error = unfiltered(Note::query()).expect_err("unfiltered");
        assert_eq!(error.kind(), ErrorKind::Unfiltered);
        assert!(error.hint().is_some_and(|hint| hint.contains(".all_rows()")));
        let none: Vec<Typed<bool, Note>> = Vec::new();
        assert!(unfiltered(Note::filter(all_of(none))).is_err());
        let meant = Note::query().update().set(Note::TITLE, "x").all_rows().command(None);
        assert!(update_of(meant.expect("meant")).filter.is_none());
    }

    #[test]
    fn a_limit_is_no_filter_and_the_text_says_so() {
        let oldest = || Note::query().order_by(Note::ID.asc()).limit(1).into_select();
        let error = rows_of(oldest(), false).expect_err("unfiltered");
        assert_eq!((error.kind(), error.model()), (ErrorKind::Unfiltered, Some("Note")));
        assert_eq!(error.message(), "no filter says which rows this may write to");
        let filter = rows_of(oldest(), true).expect("meant");
        assert!(matches!(filter, Some(Expr::InSelect { select, .. }) if select.limit == Some(1)));
    }

    #[test]
    fn a_limit_goes_through_a_subquery_over_the_key() {
        let query = Note::filter(Note::ID.gt(3)).order_by(Note::ID.asc()).limit(2).distinct();
        let filter = rows_of(query.into_select(), false).expect("one key column");
        let Some(Expr::InSelect { expr, select, negated: false, rows: true }) = filter else {
            panic!("{filter:?}")
        };
        assert!(matches!(*expr, Expr::Column(column) if column.index == ID));
        assert_eq!((select.limit, select.order.len(), select.distinct), (Some(2), 1, false));
        assert!(select.group_by.is_empty());
    }

    #[test]
    fn an_order_alone_changes_nothing() {
        let query = Note::filter(Note::ID.gt(3)).order_by(Note::ID.asc());
        assert!(matches!(rows_of(query.into_select(), false), Ok(Some(Expr::Binary(..)))));
    }

    #[test]
    fn a_composite_key_refuses_what_needs_the_subquery() {
        let error = rows_of(Link::filter(Link::NOTE.gt(1)).limit(1).into_select(), false)
            .expect_err("two key columns");
        assert_eq!((error.kind(), error.model()), (ErrorKind::Usage, Some("Link")));
        assert!(rows_of(Link::filter(Link::NOTE.gt(1)).into_select(), false).is_ok());
    }

    #[test]
    fn an_update_without_a_column_is_refused() {
        let error = Note::filter(Note::ID.gt(3)).update().command(None).expect_err("nothing set");
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
}
