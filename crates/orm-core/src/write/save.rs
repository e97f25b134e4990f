//! Saving a whole struct.

use std::future::Future;

use super::change::{Change, save_changes};
use crate::backend::Executor;
use crate::error::Result;
use crate::model::Model;

/// Sends every column of the row but its key and generated ones, and returns the row as it is now, relations not loaded.
///
/// The key says which row is meant, so a changed key means another row. Prefer `row.update()`, which sends what changed:
/// saving a struct writes back old values of columns that others have changed meanwhile, unless the model has a version.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::write::save;
/// let mut ada = User::find(1).one(&db).await?;
/// ada.age = Some(37);
/// assert_eq!(save(&ada, &db).await?.age, Some(37));
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::Stale`](crate::ErrorKind::Stale) if the model has a version and somebody else changed or deleted the row;
/// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the row is gone.
pub fn save<'e, M: Model, E: Executor + ?Sized>(
    row: &M,
    db: &'e E,
) -> impl Future<Output = Result<M>> + Send + use<'e, M, E> {
    save_changes(whole(row), db)
}

pub(super) fn whole<M: Model>(row: &M) -> Change<M> {
    let meta = M::meta();
    let mut change = Change::new(row);
    change.whole = true;
    for (index, column) in (0..).zip(&meta.columns) {
        let kept = M::PRIMARY_KEY.contains(&index)
            || column.generated.is_some()
            || column.auto
            || column.updated_at
            || meta.version == Some(index);
        if !kept {
            change.set(index, row.datum(index));
        }
    }
    change
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::testing::{BODY, CREATED, Note, TITLE};

    #[test]
    fn all_columns_are_sent_but_those_the_library_or_database_keeps() {
        let columns: Vec<u16> =
            whole(&Note::sample()).set.iter().map(|assignment| assignment.column).collect();
        assert_eq!(columns, [TITLE, BODY, CREATED]);
    }
}
