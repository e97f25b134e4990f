//! Changes of the links between one row and others: `Post::tags.of(&post).add(..)`. What is here writes the rows of a model
//! between; [`array_links`](super::array_links) is for keys in an array.

use super::ManyToMany;
use super::of::{Related, affected, all_of, equal, link_source, one_of};
use crate::backend::{Executor, atomically};
use crate::error::Result;
use crate::ir::{Command, Delete, Expr};
use crate::meta::ThroughMeta;
use crate::model::Model;
use crate::write::{Insertable, NewRow, link_rows, new_links};

impl<M: Model, T: Model, V> Related<M, ManyToMany<T>, V> {
    fn links(&self, through: &ThroughMeta, targets: &[&T]) -> Result<Option<Command>> {
        let rows = targets.iter().map(|target| self.link(through, target));
        link_rows((through.model)(), through, rows.collect())
    }

    fn link(&self, through: &ThroughMeta, target: &T) -> NewRow {
        let mut row = (through.new_row)();
        through.near.iter().zip(&self.key).for_each(|(index, value)| row.set(*index, value.clone()));
        row.set_parent(through.far, target, self.relation().remote);
        row
    }

    fn unlink(&self, through: &ThroughMeta, filter: Option<Expr>) -> Command {
        let source = link_source(through);
        let filter = Expr::and(filter, equal(source, through.near, &self.key));
        Command::Delete(Box::new(Delete { source, filter: Some(filter), returning: None }))
    }

    fn linked_to(&self, through: &ThroughMeta, targets: &[&T]) -> Expr {
        one_of(link_source(through), through.far, targets, self.relation().remote)
    }

    /// Links a row to this one; a link that is there already stays as it is.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let (post, tag) = (Post::find(2).one(&db).await?, Tag::find(1).one(&db).await?);
    /// Post::tags.of(&post).add(&tag, &db).await?;
    /// Post::tags.of(&post).add(&tag, &db).await?;
    /// assert_eq!(Post::tags.of(&post).count(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    pub async fn add<E: Executor + ?Sized>(&self, target: &T, db: &E) -> Result<()> {
        self.add_all([target], db).await.map(|_| ())
    }

    /// Links rows to this one; returns how many links are new. It is one statement, where keys are kept in an array one for each
    /// of the rows, in a transaction.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let post = Post::find(2).one(&db).await?;
    /// let tags = Tag::insert_many(["a", "b"].map(|name| Tag::create().name(name))).returning(&db).await?;
    /// assert_eq!(Post::tags.of(&post).add_all(&tags, &db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub async fn add_all<'c, E: Executor + ?Sized>(
        &self,
        targets: impl IntoIterator<Item = &'c T>,
        db: &E,
    ) -> Result<u64> {
        self.check()?;
        let targets: Vec<&T> = targets.into_iter().collect();
        let Some(through) = self.relation().through() else { return self.add_keys(&targets, db).await };
        match self.links(through, &targets)? {
            Some(command) => affected(db, command).await,
            None => Ok(0),
        }
    }

    /// Inserts a new row and links it to this one, in a transaction.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let post = Post::find(2).one(&db).await?;
    /// let tag = Post::tags.of(&post).create(Tag::create().name("rust"), &db).await?;
    /// assert_eq!((tag.name.as_str(), Post::tags.of(&post).count(&db).await?), ("rust", 1));
    /// # Ok(()) }
    /// ```
    pub async fn create<E: Executor + ?Sized>(&self, target: impl Insertable<T>, db: &E) -> Result<T> {
        self.check()?;
        let Some(through) = self.relation().through() else { return self.create_keyed(target, db).await };
        let row = target.into_row();
        atomically(db.handle(), |tx| async move {
            let target = crate::write::insert::<T, _>(row, &tx).await?;
            // It is new: no link to it is there.
            if let Some(link) = new_links((through.model)(), vec![self.link(through, &target)]) {
                affected(&tx, link).await?;
            }
            Ok(target)
        })
        .await
    }

    /// Unlinks a row from this one; the row itself stays. Says whether it was linked.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let (post, tag) = (Post::find(1).one(&db).await?, Tag::find(1).one(&db).await?);
    /// assert!(Post::tags.of(&post).remove(&tag, &db).await?);
    /// assert!(!Post::tags.of(&post).remove(&tag, &db).await?);
    /// # Ok(()) }
    /// ```
    pub async fn remove<E: Executor + ?Sized>(&self, target: &T, db: &E) -> Result<bool> {
        let Some(through) = self.relation().through() else { return self.remove_key(target, db).await };
        Ok(affected(db, self.unlink(through, Some(self.linked_to(through, &[target])))).await? > 0)
    }

    /// Unlinks every row from this one; returns how many links there were.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let post = Post::find(1).one(&db).await?;
    /// assert_eq!(Post::tags.of(&post).clear(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    pub async fn clear<E: Executor + ?Sized>(&self, db: &E) -> Result<u64> {
        match self.relation().through() {
            Some(through) => affected(db, self.unlink(through, None)).await,
            None => self.clear_keys(db).await,
        }
    }

    /// Links these rows and no others to this one, in a transaction. Links that are there already stay as they are.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let post = Post::find(1).one(&db).await?;
    /// let tags = Tag::insert_many(["a", "b"].map(|name| Tag::create().name(name))).returning(&db).await?;
    /// Post::tags.of(&post).set(&tags, &db).await?;
    /// assert_eq!(Post::tags.of(&post).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub async fn set<'c, E: Executor + ?Sized>(
        &self,
        targets: impl IntoIterator<Item = &'c T>,
        db: &E,
    ) -> Result<()> {
        self.check()?;
        let targets: Vec<&T> = targets.into_iter().collect();
        let Some(through) = self.relation().through() else { return self.set_keys(&targets, db).await };
        let others = self.unlink(through, Some(self.linked_to(through, &targets).negate()));
        let links = self.links(through, &targets)?;
        all_of(Some(others).into_iter().chain(links).collect(), db).await.map(drop)
    }
}
