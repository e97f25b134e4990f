//! INSERT … SELECT: the rows of a query.

use std::future::Future;
use std::marker::PhantomData;

use super::assign::{Columns, Fits};
use super::create::{Now, initial};
use crate::backend::capabilities::InsertSelect;
use crate::backend::{Affected, Collect, Envelope, Executor, Needs, ProvidedBy, Supports, run};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{Command, Expr, Insert, InsertSource, Output, Select, Source};
use crate::model::{Model, Named};
use crate::query::Query;

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
#[must_use = "nothing is inserted until `.exec(&db)` or `.returning(&db)` is awaited"]
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
        let requires = self.select.requires.clone();
        let command = insert_select(M::source(), self.columns, self.select, None);
        let envelope = command.map(|command| Envelope::from(command).requiring(requires).from_here());
        async move { run(db, envelope?, Affected::default()).await }
    }

    /// Inserts the rows and returns them.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::write::insert_from;
    /// let titles = Post::filter(Post::score.gt(3)).select(Post::title);
    /// let tags: Vec<Tag> = insert_from(titles, Tag::name).returning(&db).await?;
    /// assert_eq!(tags[0].name, "Notes");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`exec`](InsertFrom::exec).
    pub fn returning<E>(self, db: &E) -> impl Future<Output = Result<Vec<M>>> + Send
    where
        E: Executor + ?Sized,
        E::Backend: Supports<InsertSelect>,
        N: ProvidedBy<E::Backend>,
    {
        let requires = self.select.requires.clone();
        let command = insert_select(M::source(), self.columns, self.select, Some(Output::Model));
        let envelope = command.map(|command| Envelope::from(command).requiring(requires).from_here());
        async move { run(db, envelope?, Collect::<M>::default()).await }
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
    use crate::write::testing::{CREATED, Note, Tag, UPDATED, VERSION};

    #[test]
    fn rows_of_a_query_get_their_timestamps_and_version() {
        let from = insert_from::<Note, _, _, _, _, _>(Tag::query().select(Tag::NAME), Note::BODY);
        let command = insert_select(Note::source(), from.columns, from.select, None).expect("fits");
        let Command::Insert(insert) = command else { panic!("not an insert: {command:?}") };
        assert_eq!(insert.columns, [2, CREATED, UPDATED, VERSION]);
        assert!(matches!(&insert.source, InsertSource::Select(select)
            if matches!(&select.output, Output::Exprs(exprs) if exprs.len() == 4)));
    }
}
