//! The write verbs on models and their rows.

use std::future::Future;

use super::{InsertMany, Insertable, IntoChange, UpdateMany, Upsert};
use crate::backend::Executor;
use crate::error::Result;
use crate::model::Model;

/// The write verbs of every model: `User::insert_many(..)`, `user.delete(&db)` …
pub trait ModelWrite: Model {
    /// Inserts any number of rows in one command.
    fn insert_many<I>(rows: I) -> InsertMany<Self>
    where
        I: IntoIterator,
        I::Item: Insertable<Self>,
    {
        super::insert_many(rows)
    }

    /// Changes any number of rows, each by its own values: `User::update_many(&users)` writes them whole,
    /// `User::update_many(users.iter().map(|user| user.update().age(7)))` what is set. One statement, all rows or none.
    ///
    /// ```ignore
    /// let older = users.iter().map(|user| user.update().age(user.age.map(|age| age + 1)));
    /// let users = User::update_many(older).all(&db).await?;
    /// ```
    fn update_many<I>(rows: I) -> UpdateMany<Self>
    where
        I: IntoIterator,
        I::Item: IntoChange<Self>,
    {
        super::update_many(rows)
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
