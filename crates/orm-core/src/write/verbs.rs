//! The write verbs on models and their rows.

use std::future::Future;

use super::{InsertMany, Insertable, Upsert};
use crate::backend::Executor;
use crate::error::Result;
use crate::model::Model;

/// The write verbs of every model: `User::insert_many(..)`, `user.delete(&db)` …
pub trait ModelWrite: Model {
    /// Inserts any number of rows in one command.
    fn insert_many<I: IntoIterator<Item: Insertable<Self>>>(rows: I) -> InsertMany<Self> {
        super::insert_many(rows)
    }

    /// Inserts a row, or changes the one that is there.
    fn upsert(row: impl Insertable<Self>) -> Upsert<Self> {
        super::upsert(row)
    }

    /// Sends every column of the row and returns it as it is now: see [`save`](super::save()).
    fn save<'e, E: Executor + ?Sized>(
        &self,
        db: &'e E,
    ) -> impl Future<Output = Result<Self>> + Send + use<'e, Self, E> {
        super::save(self, db)
    }

    /// Deletes the row.
    ///
    /// # Errors
    /// [`ErrorKind::Stale`](crate::ErrorKind::Stale) or [`ErrorKind::NotFound`](crate::ErrorKind::NotFound), as
    /// [`delete_row`](super::delete_row) says.
    fn delete<'e, E: Executor + ?Sized>(
        &self,
        db: &'e E,
    ) -> impl Future<Output = Result<()>> + Send + use<'e, Self, E> {
        super::delete_row(self, db)
    }
}

impl<M: Model> ModelWrite for M {}
