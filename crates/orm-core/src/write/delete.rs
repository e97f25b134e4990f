//! DELETE: a row, and the rows that a query names.

use std::future::Future;
use std::marker::PhantomData;

use super::change::{RowId, missing_row};
use super::update::rows_of;
use crate::backend::{Affected, Collect, Envelope, Executor, Needs, ProvidedBy, run};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::scope::Closed;
use crate::ir::{Command, Delete, IntoCommand, Output, Select};
use crate::model::{Model, Named};
use crate::query::Query;

/// Deletes a row.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::write::delete_row;
/// let tag = Tag::find(1).one(&db).await?;
/// delete_row(&tag, &db).await?;
/// assert_eq!(delete_row(&tag, &db).await.unwrap_err().kind(), ErrorKind::NotFound);
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::Stale`] if the model has a version and somebody else changed or deleted the row; [`ErrorKind::NotFound`] if the
/// row is gone.
pub fn delete_row<'e, M: Model, E: Executor + ?Sized>(
    row: &M,
    db: &'e E,
) -> impl Future<Output = Result<()>> + Send + use<'e, M, E> {
    let source = M::source();
    let (filter, missing) = RowId::of(row).filter(source);
    let command = Command::Delete(Box::new(Delete { source, filter: Some(filter), returning: None }));
    async move {
        match run(db, command, Affected::default()).await? {
            0 => Err(missing_row(M::meta(), missing)),
            _ => Ok(()),
        }
    }
}

/// A DELETE of the rows that a query yields: made by [`Query::delete`].
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let delete = Post::filter(Post::score.gt(0)).order_by(Post::score.asc()).limit(1).delete();
/// assert_eq!(delete.returning(&db).await?[0].title, "Hello");
/// # Ok(()) }
/// ```
#[must_use = "nothing is deleted until `.exec(&db)` or `.returning(&db)` is awaited"]
pub struct DeleteQuery<M, N = ()> {
    select: Select,
    includes: bool,
    all_rows: bool,
    marker: PhantomData<fn() -> (M, N)>,
}

impl<M, N> std::fmt::Debug for DeleteQuery<M, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeleteQuery").field("select", &self.select).finish_non_exhaustive()
    }
}

impl<M: Model, Q: Closed, N: Needs> Query<M, Q, M, N> {
    /// Deletes the rows of the query: `User::filter(..).delete().exec(&db)`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(Post::filter(Post::score.lt(4)).delete().exec(&db).await?, 2);
    /// assert_eq!(Post::query().delete().exec(&db).await.unwrap_err().kind(), ErrorKind::Unfiltered);
    /// # Ok(()) }
    /// ```
    pub fn delete(self) -> DeleteQuery<M, N> {
        let includes = !self.includes.is_empty();
        DeleteQuery { select: self.select, includes, all_rows: false, marker: PhantomData }
    }
}

impl<M: Model, N: Needs> IntoCommand for DeleteQuery<M, N> {
    fn into_command(self) -> Result<Command> {
        self.command(None)
    }
}

impl<M: Model, N: Needs> DeleteQuery<M, N> {
    /// Says that a query without a filter is meant.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(Comment::query().delete().all_rows().exec(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    pub fn all_rows(mut self) -> Self {
        self.all_rows = true;
        self
    }

    fn command(self, returning: Option<Output>) -> Result<Command> {
        let source = self.select.from;
        if self.includes && returning.is_some() {
            return Err(Error::new(ErrorKind::Usage, "deleted rows cannot load their relations")
                .with_model(source.model.name)
                .with_hint("drop `.include(..)`, or read the rows before they are deleted"));
        }
        let filter = rows_of(self.select, self.all_rows)?;
        Ok(Command::Delete(Box::new(Delete { source, filter, returning })))
    }

    #[track_caller]
    fn envelope(mut self, returning: Option<Output>) -> Result<Envelope> {
        let requires = std::mem::take(&mut self.select.requires);
        Ok(Envelope::from(self.command(returning)?).requiring(requires).from_here())
    }

    /// Deletes the rows and returns how many there were.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(Post::filter(Post::title.eq("Hello")).delete().exec(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Unfiltered`] if the query has no filter and [`all_rows`](DeleteQuery::all_rows) was not called.
    #[track_caller]
    pub fn exec<E>(self, db: &E) -> impl Future<Output = Result<u64>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
    {
        let command = self.envelope(None);
        async move { run(db, command?, Affected::default()).await }
    }

    /// Deletes the rows and returns them as they were.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let gone = Post::filter(Post::title.eq("Hello")).delete().returning(&db).await?;
    /// assert_eq!(gone[0].score, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`exec`](DeleteQuery::exec); [`ErrorKind::Usage`] if the query includes relations.
    #[track_caller]
    pub fn returning<E>(self, db: &E) -> impl Future<Output = Result<Vec<M>>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
    {
        let command = self.envelope(Some(Output::Model));
        async move { run(db, command?, Collect::<M>::default()).await }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::ExprOps;
    use crate::query::ModelQuery;
    use crate::write::testing::Note;

    #[test]
    fn a_filter_or_all_rows_is_required() {
        let error = Note::query().delete().command(None).expect_err("unfiltered");
        assert_eq!((error.kind(), error.model()), (ErrorKind::Unfiltered, Some("Note")));
        assert!(Note::query().delete().all_rows().command(None).is_ok());
        assert!(Note::filter(Note::ID.eq(1)).delete().command(None).is_ok());
    }
}
