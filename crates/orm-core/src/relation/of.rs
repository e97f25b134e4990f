//! The rows that belong to one row: `User::posts.of(&user)`.

use super::{HasMany, HasOne, ManyToMany, Rel, Slot};
use crate::backend::{Affected, Backend, Executor, Tx, TxOptions, run};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Condition, IntoOrder, Only};
use crate::ir::{
    Assignment, BinaryOp, ColumnRef, Command, Delete, Expr, Join, JoinKind, Output, Select, Source,
};
use crate::meta::{ModelMeta, RelationMeta, ThroughMeta};
use crate::model::{Model, Named};
use crate::query::Query;
use crate::value::Datum;
use crate::write::{ByParent, Insertable, NewChild, NewRow, link_rows, update_command};

/// The rows that a relation leads to from one row: a query, and the ways to change what belongs to it.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let ada = User::find(1).one(&db).await?;
/// let weak = User::posts.of(&ada).filter(Post::score.lt(4)).all(&db).await?;
/// let post = User::posts.of(&ada).create(Post::create().title("New").score(1), &db).await?;
/// let rust = Tag::create().name("rust").insert(&db).await?;
/// Post::tags.of(&post).set([&rust], &db).await?;
/// assert_eq!((weak.len(), Post::tags.of(&post).count(&db).await?), (1, 1));
/// # Ok(()) }
/// ```
pub struct Related<M, S> {
    rel: Rel<M, S>,
    key: Vec<Datum>,
}

impl<M, S> std::fmt::Debug for Related<M, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Related").field("rel", &self.rel).finish_non_exhaustive()
    }
}

impl<M: Model, S: Slot> Rel<M, S> {
    /// The rows that this relation leads to from one row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::find(1).one(&db).await?;
    /// assert_eq!(User::posts.of(&ada).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn of(self, row: &M) -> Related<M, S> {
        Related { rel: self, key: self.local().iter().map(|column| row.datum(*column)).collect() }
    }
}

/// A unique name for the model between in a query over a relation: no user's alias can be the same, they are Rust type names.
const LINK: &str = "orm_link";

/// The table between as it stands in these statements.
fn link_source(through: &ThroughMeta) -> Source {
    Source { model: (through.model)(), alias: "" }
}

fn column(source: Source, index: u16) -> Expr {
    Expr::Column(ColumnRef { source, index })
}

/// `columns = values`. A value that is NULL makes it false: such a row is related to nothing.
fn equal(source: Source, columns: &[u16], values: &[Datum]) -> Expr {
    if values.iter().any(Datum::is_null) {
        return Expr::Any(Vec::new());
    }
    let parts = columns.iter().zip(values).map(|(index, value)| {
        let ty = source.model.column(*index).ty();
        Expr::binary(BinaryOp::Eq, column(source, *index), Expr::Value(value.clone(), ty), ty)
    });
    Expr::All(parts.collect())
}

/// The columns are those of one of the rows.
fn one_of<T: Model>(source: Source, columns: &[u16], rows: &[&T], row_columns: &[u16]) -> Expr {
    let values = rows.iter().flat_map(|row| row_columns.iter().map(|index| row.datum(*index))).collect();
    match columns {
        [only] => Expr::InList {
            expr: Box::new(column(source, *only)),
            list: values,
            ty: source.model.column(*only).ty(),
            negated: false,
        },
        several => Expr::InTuples {
            exprs: several.iter().map(|index| column(source, *index)).collect(),
            rows: values,
            types: several.iter().map(|index| source.model.column(*index).ty()).collect(),
        },
    }
}

impl<M: Model, S: Slot> Related<M, S> {
    fn relation(&self) -> &'static RelationMeta {
        self.rel.meta()
    }

    /// The rows as a query of their own.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::find(1).one(&db).await?;
    /// let titles = User::posts.of(&ada).query().order_by(Post::id.asc()).select(Post::title).all(&db).await?;
    /// assert_eq!(titles, ["Engines", "Notes"]);
    /// # Ok(()) }
    /// ```
    pub fn query(&self) -> Query<S::Target> {
        let mut select = Select::new(<S::Target as Named>::source());
        let (relation, target) = (self.relation(), select.from);
        match &relation.through {
            None => select.and_filter(self.children(target)),
            Some(through) => match (relation.remote, through.far) {
                ([remote], [far]) => {
                    let link = Source { alias: LINK, ..link_source(through) };
                    let mut keys = Select::new(link);
                    keys.output = Output::Exprs(vec![column(link, *far)]);
                    keys.filter = Some(equal(link, through.near, &self.key));
                    select.and_filter(Expr::InSelect {
                        expr: Box::new(column(target, *remote)),
                        select: Box::new(keys),
                        negated: false,
                    });
                }
                (remote, far) => {
                    let link = Source { alias: LINK, ..link_source(through) };
                    let pair = |(far, remote): (&u16, &u16)| {
                        let side = |source, index: &u16| ColumnRef { source, index: *index };
                        (side(link, far), side(target, remote))
                    };
                    select.joins.push(Join {
                        kind: JoinKind::Inner,
                        target: link,
                        relation: None,
                        on_columns: far.iter().zip(remote).map(pair).collect(),
                        on: None,
                        lateral: None,
                    });
                    select.and_filter(equal(link, through.near, &self.key));
                }
            },
        }
        Query::from_parts(select, Vec::new())
    }

    /// The rows that meet a condition.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::find(1).one(&db).await?;
    /// assert_eq!(User::posts.of(&ada).filter(Post::score.gt(3)).one(&db).await?.title, "Notes");
    /// # Ok(()) }
    /// ```
    pub fn filter<C, I>(&self, condition: C) -> Query<S::Target>
    where
        C: Condition<Only<S::Target>, I, N = ()>,
    {
        self.query().filter(condition)
    }

    /// The rows in an order.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::find(1).one(&db).await?;
    /// let best = User::posts.of(&ada).order_by(Post::score.desc()).first(&db).await?;
    /// assert_eq!(best.map(|post| post.title), Some("Notes".to_owned()));
    /// # Ok(()) }
    /// ```
    pub fn order_by<I>(&self, order: impl IntoOrder<Only<S::Target>, I>) -> Query<S::Target> {
        self.query().order_by(order)
    }

    /// Every row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let post = Post::find(1).one(&db).await?;
    /// assert_eq!(Post::tags.of(&post).all(&db).await?[0].name, "machines");
    /// # Ok(()) }
    /// ```
    pub fn all<E: Executor + ?Sized>(&self, db: &E) -> impl Future<Output = Result<Vec<S::Target>>> + Send {
        self.query().all(db)
    }

    /// How many there are.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::find(1).one(&db).await?;
    /// assert_eq!(User::posts.of(&ada).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn count<E: Executor + ?Sized>(&self, db: &E) -> impl Future<Output = Result<u64>> + Send {
        self.query().count(db)
    }

    /// Whether there is one.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let bob = User::find(2).one(&db).await?;
    /// assert!(!User::profile.of(&bob).exists(&db).await?);
    /// # Ok(()) }
    /// ```
    pub fn exists<E: Executor + ?Sized>(&self, db: &E) -> impl Future<Output = Result<bool>> + Send {
        self.query().exists(db)
    }

    /// The condition on a child that it belongs to the row.
    fn children(&self, target: Source) -> Expr {
        let relation = self.relation();
        let mut parts = vec![equal(target, relation.remote, &self.key)];
        if let Some(morph) = &relation.morph {
            let ty = target.model.column(morph.column).ty();
            let tag = Expr::Value(Datum::Text(morph.tag.to_owned()), ty);
            parts.push(Expr::binary(BinaryOp::Eq, column(target, morph.column), tag, ty));
        }
        Expr::All(parts)
    }

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

    /// A row that was never stored has no key to point to.
    fn check(&self) -> Result<()> {
        if self.key.iter().any(Datum::is_null) {
            return Err(Error::new(ErrorKind::Usage, "this row has no key that others could belong to")
                .with_model(M::meta().name));
        }
        Ok(())
    }
}

#[cold]
fn cannot_release(meta: &ModelMeta, index: u16, relation: &RelationMeta) -> Error {
    Error::new(ErrorKind::Usage, format!("a row of `{}` cannot be without its parent", relation.name))
        .with_model(meta.name)
        .with_field(meta.column(index).field.clone())
        .with_hint("its foreign key is not an `Option`: delete the row, or add it to another parent")
}

async fn affected<E: Executor + ?Sized>(db: &E, command: Command) -> Result<u64> {
    run(db, command, Affected::default()).await
}

/// Runs two commands as one.
async fn both<B: Backend>(session: &B::Session, commands: [Option<Command>; 2]) -> Result<()> {
    let tx = Tx::<B>::start(session, TxOptions::default()).await?;
    for command in commands.into_iter().flatten() {
        if let Err(error) = affected(&tx, command).await {
            let _ = tx.rollback().await;
            return Err(error);
        }
    }
    tx.commit().await
}

impl<M: Model, T: Model> Related<M, HasMany<T>> {
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
            0 => Err(Error::new(ErrorKind::NotFound, "the row is not there").with_model(T::meta().name)),
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
        C: NewChild<T, ByParent<M>>,
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
        let adopt = (!children.is_empty()).then(|| self.adopt(target, chosen));
        both::<E::Backend>(db.session(), [Some(others), adopt]).await
    }
}

impl<M: Model, T: Model> Related<M, HasOne<T>> {
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
        match self.release(target, Some(chosen.negate())) {
            Ok(others) => both::<E::Backend>(db.session(), [Some(others), Some(adopt)]).await,
            // The unique key of the relation refuses a second row, for want of a way to take the first away.
            Err(cannot) => match affected(db, adopt).await {
                Err(error) if error.kind() == ErrorKind::Unique => Err(cannot),
                other => other.map(|_| ()),
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
        C: NewChild<T, ByParent<M>>,
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
        let result = async {
            let target = crate::write::insert::<T, _>(row, &tx).await?;
            if let Some(link) = self.links(through, &[&target]) {
                affected(&tx, link).await?;
            }
            Ok(target)
        };
        match result.await {
            Ok(target) => tx.commit().await.map(|()| target),
            Err(error) => {
                let _ = tx.rollback().await;
                Err(error)
            }
        }
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
