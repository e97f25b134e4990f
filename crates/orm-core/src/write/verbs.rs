//! The write verbs on models and their rows.

use std::future::Future;

use super::{InsertMany, Insertable, IntoChange, UpdateMany, Upsert, UpsertMany};
use crate::backend::Executor;
use crate::error::Result;
use crate::model::Model;

/// The write verbs of every model: `User::insert_many(..)`, `user.delete(&db)` …
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let keys = Tag::insert_many([Tag::create().name("news")]).keys(&db).await?;
/// let mut tag = Tag::find(keys[0]).one(&db).await?;
/// tag.name = "old news".to_owned();
/// tag.save(&db).await?.delete(&db).await?;
/// # Ok(()) }
/// ```
pub trait ModelWrite: Model {
    /// Inserts any number of rows in one command.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tags = Tag::insert_many(["a", "b"].map(|name| Tag::create().name(name))).returning(&db).await?;
    /// assert_eq!(tags.len(), 2);
    /// # Ok(()) }
    /// ```
    fn insert_many<I: IntoIterator<Item: Insertable<Self>>>(rows: I) -> InsertMany<Self> {
        super::insert_many(rows)
    }

    /// Changes any number of rows, each by its own values: `User::update_many(&users)` writes them whole,
    /// `User::update_many(users.iter().map(|user| user.update().age(7)))` what is set. One statement, all rows or none.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let users = User::query().all(&db).await?;
    /// let older = users.iter().map(|user| user.update().age(user.age.map(|age| age + 1)));
    /// assert_eq!(User::update_many(older).returning(&db).await?.len(), 3);
    /// # Ok(()) }
    /// ```
    fn update_many<I>(rows: I) -> UpdateMany<Self>
    where
        I: IntoIterator,
        I::Item: IntoChange<Self>,
    {
        super::update_many(rows)
    }

    /// Inserts a row, or changes the one that is there.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::upsert(User::create().email("ada@example.org").name("Ada L.")).on(User::email).returning(&db).await?;
    /// assert_eq!(ada.name, "Ada L.");
    /// # Ok(()) }
    /// ```
    fn upsert(row: impl Insertable<Self>) -> Upsert<Self> {
        super::upsert(row)
    }

    /// Inserts any number of rows, or changes those that are there: see [`UpsertMany`].
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tags = ["machines", "news"].map(|name| Tag::create().name(name));
    /// let tags = Tag::upsert_many(tags).on(Tag::name).returning(&db).await?;
    /// assert_eq!((tags[0].id, tags[1].name.as_str()), (1, "news"));
    /// # Ok(()) }
    /// ```
    fn upsert_many<I: IntoIterator<Item: Insertable<Self>>>(rows: I) -> UpsertMany<Self> {
        super::upsert_many(rows)
    }

    /// Sends every column of the row and returns it as it is now: see [`save`](super::save()).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let mut ada = User::find(1).one(&db).await?;
    /// ada.name = "Ada L.".to_owned();
    /// assert_eq!(ada.save(&db).await?.name, "Ada L.");
    /// # Ok(()) }
    /// ```
    fn save<'e, E: Executor + ?Sized>(
        &self,
        db: &'e E,
    ) -> impl Future<Output = Result<Self>> + Send + use<'e, Self, E> {
        super::save(self, db)
    }

    /// Deletes the row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tag = Tag::find(1).one(&db).await?;
    /// tag.delete(&db).await?;
    /// assert_eq!(tag.delete(&db).await.unwrap_err().kind(), ErrorKind::NotFound);
    /// # Ok(()) }
    /// ```
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
