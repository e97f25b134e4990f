//! Changes of the rows whose foreign key points to one row: `User::posts.of(&user).add(..)`.

use super::of::{Related, affected, distinct, not_there, one_of, there};
use super::{HasMany, HasOne, Slot};
use crate::backend::{Executor, atomically};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{Assignment, Command, Expr, Source};
use crate::meta::{ModelMeta, RelationMeta};
use crate::model::{Model, Named};
use crate::value::Datum;
use crate::write::{NewChild, NewRow, update_command};

impl<M: Model, S: Slot, V> Related<M, S, V> {
    /// Moves children to this row: those that meet the condition.
    fn adopt(&self, target: Source, filter: Expr) -> Command {
        let relation = self.relation();
        let assign = |(index, value): (&u16, &Datum)| Assignment {
            column: *index,
            value: Expr::Value(value.clone(), target.model.column(*index).ty()),
        };
        let mut set: Vec<Assignment> = relation.remote.iter().zip(&self.key).map(assign).collect();
        if let Some(morph) = &relation.morph {
            let ty = target.model.column(morph.column).ty();
            let value = Expr::Value(Datum::Text(morph.tag.to_owned()), ty);
            set.push(Assignment { column: morph.column, value });
        }
        update_command(target, set, Some(filter))
    }

    /// Takes children away from this row: those that meet the condition too.
    fn release(&self, target: Source, filter: Option<Expr>) -> Result<Command> {
        let relation = self.relation();
        if let Some(index) = relation.remote.iter().find(|index| !target.model.column(**index).nullable) {
            return Err(cannot_release(target.model, *index, relation));
        }
        let set = relation.remote.iter().map(|index| Assignment {
            column: *index,
            value: Expr::Value(Datum::Null, target.model.column(*index).ty()),
        });
        let filter = Expr::and(filter, self.children(target));
        Ok(update_command(target, set.collect(), Some(filter)))
    }

    /// A new child with its foreign key.
    fn born(&self, mut row: NewRow) -> NewRow {
        let relation = self.relation();
        relation.remote.iter().zip(&self.key).for_each(|(index, value)| row.set(*index, value.clone()));
        if let Some(morph) = &relation.morph {
            row.set(morph.column, Datum::Text(morph.tag.to_owned()));
        }
        row
    }
}

#[cold]
fn cannot_release(meta: &ModelMeta, index: u16, relation: &RelationMeta) -> Error {
    Error::new(ErrorKind::Usage, format!("a row of `{}` cannot be without its parent", relation.name))
        .with_model(meta.name)
        .with_field(meta.column(index).field.clone())
        .with_hint("its foreign key is not an `Option`: delete the row, or add it to another parent")
}

impl<M: Model, T: Model, V> Related<M, HasMany<T>, V> {
    /// Makes a row belong to this one, whatever it belonged to before. The struct in the caller's hands stays as it was.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let bob = User::find(2).one(&db).await?;
    /// let post = Post::find(1).one(&db).await?;
    /// User::posts.of(&bob).add(&post, &db).await?;
    /// assert_eq!(Post::find(1).one(&db).await?.author_id, bob.id);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the row is gone.
    pub async fn add<E: Executor + ?Sized>(&self, child: &T, db: &E) -> Result<()> {
        match self.add_all([child], db).await? {
            0 => Err(not_there(T::source())),
            _ => Ok(()),
        }
    }

    /// Makes rows belong to this one, in one statement; returns how many there were.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let bob = User::find(2).one(&db).await?;
    /// let posts = Post::filter(Post::author_id.eq(1)).all(&db).await?;
    /// assert_eq!(User::posts.of(&bob).add_all(&posts, &db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub async fn add_all<'c, E: Executor + ?Sized>(
        &self,
        children: impl IntoIterator<Item = &'c T>,
        db: &E,
    ) -> Result<u64> {
        self.check()?;
        let children: Vec<&T> = children.into_iter().collect();
        let target = T::source();
        let command = self.adopt(target, one_of(target, T::PRIMARY_KEY, &children, T::PRIMARY_KEY));
        affected(db, command).await
    }

    /// Inserts a new row that belongs to this one: a builder that lacks nothing but the parent.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::find(1).one(&db).await?;
    /// let post = User::posts.of(&ada).create(Post::create().title("New").score(1), &db).await?;
    /// assert_eq!(post.author_id, ada.id);
    /// # Ok(()) }
    /// ```
    pub async fn create<C, E>(&self, child: C, db: &E) -> Result<T>
    where
        C: NewChild<T, V>,
        E: Executor + ?Sized,
    {
        self.check()?;
        crate::write::insert::<T, E>(self.born(child.into_child()), db).await
    }

    /// Takes a row away from this one: its foreign key becomes NULL. Says whether it belonged to this row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::find(1).one(&db).await?;
    /// let post = Post::find(1).one(&db).await?;
    /// // A post cannot be without an author.
    /// let error = User::posts.of(&ada).remove(&post, &db).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Usage);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if the foreign key cannot be NULL.
    pub async fn remove<E: Executor + ?Sized>(&self, child: &T, db: &E) -> Result<bool> {
        let target = T::source();
        let filter = one_of(target, T::PRIMARY_KEY, &[child], T::PRIMARY_KEY);
        Ok(affected(db, self.release(target, Some(filter))?).await? > 0)
    }

    /// Takes every row away from this one; returns how many there were.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Owner {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub name: String,
    /// #     pub pets: HasMany<Pet>,
    /// # }
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Pet {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub name: String,
    /// #     pub owner_id: Option<i64>,
    /// #     #[orm(foreign_key = owner_id)]
    /// #     pub owner: BelongsTo<Owner>,
    /// # }
    /// # orm::schema!(Pets: Owner, Pet);
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # let db = Sqlite::memory().await?;
    /// # Pets::create_all(&db).await?;
    /// let pets = ["Mimi", "Rex"].map(|name| Pet::create().name(name));
    /// let ada = Owner::create().name("Ada").pets(pets).insert(&db).await?;
    /// assert_eq!(Owner::pets.of(&ada).clear(&db).await?, 2);
    /// assert_eq!(Pet::filter(Pet::owner_id.is_null()).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`remove`](Related::remove).
    pub async fn clear<E: Executor + ?Sized>(&self, db: &E) -> Result<u64> {
        affected(db, self.release(T::source(), None)?).await
    }

    /// Makes these rows and no others belong to this one, in a transaction.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Owner {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub name: String,
    /// #     pub pets: HasMany<Pet>,
    /// # }
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Pet {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub name: String,
    /// #     pub owner_id: Option<i64>,
    /// #     #[orm(foreign_key = owner_id)]
    /// #     pub owner: BelongsTo<Owner>,
    /// # }
    /// # orm::schema!(Pets: Owner, Pet);
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # let db = Sqlite::memory().await?;
    /// # Pets::create_all(&db).await?;
    /// let ada = Owner::create().name("Ada").pets([Pet::create().name("Mimi")]).insert(&db).await?;
    /// let rex = Pet::create().name("Rex").insert(&db).await?;
    /// Owner::pets.of(&ada).set([&rex], &db).await?;
    /// assert_eq!(Owner::pets.of(&ada).query().one(&db).await?.name, "Rex");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`remove`](Related::remove): others may have to be taken away.
    pub async fn set<'c, E: Executor + ?Sized>(
        &self,
        children: impl IntoIterator<Item = &'c T>,
        db: &E,
    ) -> Result<()> {
        self.check()?;
        let children: Vec<&T> = children.into_iter().collect();
        let target = T::source();
        let chosen = one_of(target, T::PRIMARY_KEY, &children, T::PRIMARY_KEY);
        let others = self.release(target, Some(chosen.clone().negate()))?;
        if children.is_empty() {
            return affected(db, others).await.map(drop);
        }
        let adopt = self.adopt(target, chosen.clone());
        let wanted = distinct(&children);
        atomically(db.handle(), |tx| async move {
            affected(&tx, others).await?;
            affected(&tx, adopt).await?;
            there(target, chosen, wanted, &tx).await
        })
        .await
    }
}

impl<M: Model, T: Model, V> Related<M, HasOne<T>, V> {
    /// Makes a row belong to this one. A row that did before is taken away first.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let bob = User::find(2).one(&db).await?;
    /// let profile = Profile::find(1).one(&db).await?;
    /// User::profile.of(&bob).set(&profile, &db).await?;
    /// assert!(User::profile.of(&bob).exists(&db).await?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if another row has to be taken away and its foreign key cannot be NULL.
    pub async fn set<E: Executor + ?Sized>(&self, child: &T, db: &E) -> Result<()> {
        self.check()?;
        let target = T::source();
        let chosen = one_of(target, T::PRIMARY_KEY, &[child], T::PRIMARY_KEY);
        let adopt = self.adopt(target, chosen.clone());
        match self.release(target, Some(chosen.clone().negate())) {
            Ok(others) => {
                atomically(db.handle(), |tx| async move {
                    affected(&tx, others).await?;
                    affected(&tx, adopt).await?;
                    there(target, chosen, 1, &tx).await
                })
                .await
            }
            // The unique key of the relation refuses a second row, for want of a way to take the first away.
            Err(cannot) => match affected(db, adopt).await {
                Err(error) if error.kind() == ErrorKind::Unique => Err(cannot),
                Ok(0) => there(target, chosen, 1, db).await,
                other => other.map(drop),
            },
        }
    }

    /// Inserts the row that belongs to this one: a builder that lacks nothing but the parent.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let bob = User::find(2).one(&db).await?;
    /// let profile = User::profile.of(&bob).create(Profile::create().bio("Listens"), &db).await?;
    /// assert_eq!(profile.user_id, bob.id);
    /// # Ok(()) }
    /// ```
    pub async fn create<C, E>(&self, child: C, db: &E) -> Result<T>
    where
        C: NewChild<T, V>,
        E: Executor + ?Sized,
    {
        self.check()?;
        crate::write::insert::<T, E>(self.born(child.into_child()), db).await
    }

    /// Takes the row away from this one: its foreign key becomes NULL. Says whether there was one.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::find(1).one(&db).await?;
    /// // A profile cannot be without a user.
    /// assert_eq!(User::profile.of(&ada).clear(&db).await.unwrap_err().kind(), ErrorKind::Usage);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if the foreign key cannot be NULL.
    pub async fn clear<E: Executor + ?Sized>(&self, db: &E) -> Result<bool> {
        Ok(affected(db, self.release(T::source(), None)?).await? > 0)
    }
}
