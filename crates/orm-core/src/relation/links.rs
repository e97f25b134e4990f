//! Changes of the links between one row and others: `Post::tags.of(&post).add(..)`.

use super::ManyToMany;
use super::of::{Related, affected, both, equal, link_source, one_of};
use crate::backend::{Executor, Tx, TxOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{Command, Delete, Expr};
use crate::meta::ThroughMeta;
use crate::model::Model;
use crate::write::{Insertable, link_rows};

impl<M: Model, T: Model> Related<M, ManyToMany<T>> {
    fn through(&self) -> Result<&'static ThroughMeta> {
        self.relation().through.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Usage, "a many-to-many relation without a model between")
                .with_model(M::meta().name)
        })
    }

    fn links(&self, through: &ThroughMeta, targets: &[&T]) -> Option<Command> {
        let rows = targets.iter().map(|target| {
            let mut row = (through.new_row)();
            through.near.iter().zip(&self.key).for_each(|(index, value)| row.set(*index, value.clone()));
            row.set_parent(through.far, *target, self.relation().remote);
            row
        });
        link_rows((through.model)(), through, rows.collect())
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

    /// Links rows to this one, in one statement; returns how many links are new.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let post = Post::find(2).one(&db).await?;
    /// let tags = Tag::insert_many(["a", "b"].map(|name| Tag::create().name(name))).all(&db).await?;
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
        match self.links(self.through()?, &targets) {
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
        let through = self.through()?;
        let row = target.into_row();
        let tx = Tx::<E::Backend>::start(db.session(), TxOptions::default()).await?;
        let create = async {
            let target = crate::write::insert::<T, _>(row, &tx).await?;
            if let Some(link) = self.links(through, &[&target]) {
                affected(&tx, link).await?;
            }
            Ok(target)
        };
        let result = create.await;
        tx.end(result).await
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
        let through = self.through()?;
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
        affected(db, self.unlink(self.through()?, None)).await
    }

    /// Links these rows and no others to this one, in a transaction. Links that are there already stay as they are.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let post = Post::find(1).one(&db).await?;
    /// let tags = Tag::insert_many(["a", "b"].map(|name| Tag::create().name(name))).all(&db).await?;
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
        let through = self.through()?;
        let targets: Vec<&T> = targets.into_iter().collect();
        let others = self.unlink(through, Some(self.linked_to(through, &targets).negate()));
        both::<E::Backend>(db.session(), [Some(others), self.links(through, &targets)]).await
    }
}
