//! Lazy loading that does not end in N+1 queries.
//!
//! Rows that came from one query know each other: every slot that is not loaded holds the same [`Siblings`], which has the
//! keys of all these rows. The first [`load`](LoadOne::load) of a relation fetches it for all of them; the others take theirs from what
//! was fetched. On a slice, [`LoadSlice::load`] says the same thing explicitly.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, PoisonError};

use futures_util::lock::Mutex;
use rustc_hash::FxHashMap;

use super::keys::{Key, KeySet};
use super::load::{fetch_contents, fetch_missing, is_current};
use super::slot::not_loaded;
use super::{Include, IncludePlan, Mark, Rel, Slot};
use crate::backend::{Backend, Executor, Handle, ProvidedBy};
use crate::error::{Error, Result};
use crate::exec::Scope;
use crate::model::Model;

/// What a lazy load fetches.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::relation::FetchMode;
/// let mut users = User::query().order_by(User::id.asc()).all(&db).await?;
/// let error = users[0].load_with(FetchMode::Deny, User::posts, &db).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotLoaded);
/// assert_eq!(users[0].load_with(FetchMode::One, User::posts, &db).await?.len(), 2);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum FetchMode {
    /// The relation of every row of the same query, in one query, the first time that one of them asks.
    #[default]
    Batch,
    /// The relation of this row.
    One,
    /// Nothing: a relation that is not loaded is an error of kind [`NotLoaded`](crate::ErrorKind::NotLoaded).
    Deny,
}

/// What the rows of one query know of each other: the keys of all of them, and what was already fetched for them.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// // The first `load` fetches the authors of all three posts.
/// let mut posts = Post::query().order_by(Post::id.asc()).all(&db).await?;
/// let mut names = Vec::new();
/// for post in &mut posts {
///     names.push(post.load(Post::author, &db).await?.name.clone());
/// }
/// assert_eq!(names, ["Ada", "Ada", "Bob"]);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Siblings(Arc<Family>);

struct Family {
    /// The keys of the rows, once for each set of columns that relations start from.
    keys: Vec<Vec<Key>>,
    relations: Vec<Relation>,
}

struct Relation {
    /// The index in [`Family::keys`]; `None` for a relation that the rows were loaded with.
    keys: Option<usize>,
    /// What was fetched, apart for each database and transaction: one must not see what another did, nor wait for it while that one
    /// waits for the connection. The latest few.
    fetched: std::sync::Mutex<VecDeque<(Scope, Shelf)>>,
}

/// A `Fetched<S>` once it is there. Locked while it is fetched, so that rows which ask at the same time wait for one query.
type Shelf = Arc<Mutex<Option<Box<dyn Any + Send>>>>;

/// How many databases and transactions can take turns without fetching again each time.
const SHELVES: usize = 4;

impl Relation {
    fn shelf(&self, scope: &Scope) -> Shelf {
        let mut shelves = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, shelf)) = shelves.iter().find(|(of, _)| of.is(scope)) {
            return Arc::clone(shelf);
        }
        if shelves.len() == SHELVES {
            shelves.pop_front();
        }
        let shelf = Shelf::default();
        shelves.push_back((scope.clone(), Arc::clone(&shelf)));
        shelf
    }
}

/// The contents by local key, for rows that have not asked yet.
type Fetched<S> = FxHashMap<Key, <S as Slot>::Content>;

impl fmt::Debug for Siblings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Siblings")
    }
}

impl Siblings {
    /// Of the rows of one query; `None` if there is nothing to share.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::relation::Siblings;
    /// let users = User::query().all(&db).await?;
    /// assert!(Siblings::of(&users).is_some());
    /// assert!(Siblings::of(&users[..1]).is_none());
    /// # Ok(()) }
    /// ```
    pub fn of<M: Model>(rows: &[M]) -> Option<Self> {
        Self::without(rows, &[])
    }

    fn without<M: Model>(rows: &[M], loaded: &[IncludePlan]) -> Option<Self> {
        let metas = &M::meta().relations;
        if rows.len() < 2 || metas.is_empty() {
            return None;
        }
        let mut columns: Vec<&'static [u16]> = Vec::new();
        let relations = metas.iter().enumerate().map(|(index, meta)| {
            let known = loaded.iter().any(|plan| plan.relation as usize == index);
            let keys = (!known).then(|| {
                columns.iter().position(|columns| *columns == meta.local).unwrap_or_else(|| {
                    columns.push(meta.local);
                    columns.len() - 1
                })
            });
            Relation { keys, fetched: Default::default() }
        });
        let relations = relations.collect();
        if columns.is_empty() {
            return None;
        }
        let keys =
            columns.iter().map(|columns| rows.iter().filter_map(|row| Key::of_row(row, columns)).collect());
        Some(Siblings(Arc::new(Family { keys: keys.collect(), relations })))
    }

    /// Makes the rows of one query known to each other. `loaded` are the relations that they came with.
    #[doc(hidden)]
    pub fn link<M: Model>(rows: &mut [M], loaded: &[IncludePlan]) {
        if let Some(siblings) = Self::without(rows, loaded) {
            rows.iter_mut().for_each(|row| row.set_siblings(&siblings));
        }
    }

    /// The content for a key, fetched for all siblings if it was not yet. `None` if it is not theirs or was taken before.
    async fn content<M: Model, S: Slot, B: Backend>(
        &self,
        rel: Rel<M, S>,
        key: &Key,
        handle: &Handle<B>,
    ) -> Result<Option<S::Content>> {
        self.fetched(
            rel.index(),
            handle.scope(),
            async |keys| fetch_all::<M, S, B>(rel, keys, handle).await,
            |fetched: &mut FxHashMap<Key, S::Content>| {
                if S::SHARED { fetched.get_mut(key).map(S::hand_out) } else { fetched.remove(key) }
            },
        )
        .await
    }

    /// Takes from what was fetched of a relation for all siblings; fetches it if nobody did. `None` if it is not theirs.
    pub(super) async fn fetched<F: Send + 'static, T>(
        &self,
        relation: u16,
        scope: &Scope,
        fetch: impl AsyncFnOnce(&[Key]) -> Result<F>,
        take: impl FnOnce(&mut F) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(relation) = self.0.relations.get(relation as usize) else { return Ok(None) };
        let Some(keys) = relation.keys.and_then(|keys| self.0.keys.get(keys)) else { return Ok(None) };
        let fetched = relation.shelf(scope);
        let mut guard = fetched.lock().await;
        if guard.is_none() {
            *guard = Some(Box::new(fetch(keys).await?));
        }
        Ok(guard.as_mut().and_then(|fetched| fetched.downcast_mut::<F>()).and_then(take))
    }
}

/// Fetches a relation for these keys, each of them once.
async fn fetch_all<M: Model, S: Slot, B: Backend>(
    rel: Rel<M, S>,
    keys: &[Key],
    handle: &Handle<B>,
) -> Result<Fetched<S>> {
    let mut distinct: Vec<Key> = Vec::with_capacity(keys.len());
    let mut seen = rustc_hash::FxHashSet::default();
    distinct.extend(keys.iter().filter(|key| seen.insert(*key)).cloned());
    drop(seen);

    let plan = IncludePlan::new(rel);
    // Each key once: its place among them is that of its content, shared or not.
    let keys = KeySet::of(distinct.iter().cloned().map(Some), &rel.meta().link);
    let (_, contents) =
        fetch_contents::<S, B>(rel.meta(), keys, &plan, handle, <S::Target as Model>::attach::<B>).await?;
    Ok(distinct.into_iter().zip(contents).collect())
}

/// `row.load(Post::author, &db)`: a relation of one row, when it is needed.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let mut ada = User::find(1).one(&db).await?;
/// assert_eq!(ada.load(User::posts, &db).await?.len(), 2);
/// assert!(ada.posts.is_loaded());
/// # Ok(()) }
/// ```
pub trait LoadOne: Model {
    /// The relation, fetched if it is not loaded, and kept in the row.
    ///
    /// What the row holds is fetched again if it is not what this load would read: if it came with conditions or a limit, for a key
    /// that the row no longer has, from another database, or in a transaction that was not committed. What the program put into the
    /// slot stays.
    ///
    /// Rows of one query are served by one query ([`FetchMode::Batch`]): what a later row gets is as old as the first
    /// load. Like [`BelongsTo::get`](super::BelongsTo::get), it is [`NotFound`](crate::ErrorKind::NotFound) if the parent is absent;
    /// the slot is loaded then, and its `get_opt` says `None`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let mut post = Post::find(1).one(&db).await?;
    /// assert_eq!(post.load(Post::author, &db).await?.name, "Ada");
    /// # Ok(()) }
    /// ```
    fn load<'a, R: Loadable<Self>, E: Executor + ?Sized>(
        &'a mut self,
        rel: R,
        db: &'a E,
    ) -> impl Future<Output = Result<R::Loaded<'a>>> + Send {
        self.load_with(FetchMode::Batch, rel, db)
    }

    /// As [`load`](Self::load), with the choice of what is fetched.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::relation::FetchMode;
    /// let mut post = Post::find(1).one(&db).await?;
    /// let error = post.load_with(FetchMode::Deny, Post::author, &db).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::NotLoaded);
    /// # Ok(()) }
    /// ```
    fn load_with<'a, R: Loadable<Self>, E: Executor + ?Sized>(
        &'a mut self,
        mode: FetchMode,
        rel: R,
        db: &'a E,
    ) -> impl Future<Output = Result<R::Loaded<'a>>> + Send {
        async move {
            if !rel.is_current(self, db.handle()) {
                if mode == FetchMode::Deny {
                    return Err(rel.refused());
                }
                rel.fetch::<E::Backend>(self, mode, db.handle()).await?;
            }
            rel.read(self)
        }
    }
}

impl<M: Model> LoadOne for M {}

/// What `row.load(..)` takes: a relation of the row's model.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::relation::Loadable;
/// async fn load_all<R: Loadable<User>>(users: &mut [User], relation: R, db: &Sqlite) -> Result<()> {
///     for user in users {
///         user.load(relation, db).await?;
///     }
///     Ok(())
/// }
/// let mut users = User::query().all(&db).await?;
/// load_all(&mut users, User::profile, &db).await?;
/// assert!(users[2].profile.is_loaded());
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a relation of `{M}`",
    label = "expected a relation of `{M}`, such as `{M}::…`"
)]
pub trait Loadable<M: Model>: Copy + Send + Sync + 'static {
    /// What reading the loaded slot gives.
    type Loaded<'a>;
    /// Whether the slot holds all rows of the relation, for the key that the row has now and as they can be read here.
    #[doc(hidden)]
    fn is_current<B: Backend>(self, row: &M, handle: &Handle<B>) -> bool;
    /// Reads the slot.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::relation::Loadable;
    /// let ada = User::find(1).include(User::posts).one(&db).await?;
    /// assert_eq!(Loadable::read(User::posts, &ada)?.len(), 2);
    /// # Ok(()) }
    /// ```
    fn read(self, row: &M) -> Result<Self::Loaded<'_>>;
    /// The error of reading what is not loaded.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::relation::Loadable;
    /// assert_eq!(Loadable::<User>::refused(User::posts).kind(), ErrorKind::NotLoaded);
    /// ```
    fn refused(self) -> Error;
    /// Fills the slot.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::relation::{FetchMode, Loadable};
    /// let mut ada = User::find(1).one(&db).await?;
    /// User::posts.fetch::<Sqlite>(&mut ada, FetchMode::One, db.handle()).await?;
    /// assert_eq!(ada.posts.get()?.len(), 2);
    /// # Ok(()) }
    /// ```
    fn fetch<B: Backend>(
        self,
        row: &mut M,
        mode: FetchMode,
        handle: &Handle<B>,
    ) -> impl Future<Output = Result<()>> + Send;
}

impl<M: Model, S: Slot, V: 'static> Loadable<M> for Rel<M, S, V> {
    type Loaded<'a> = S::Loaded<'a>;
    fn is_current<B: Backend>(self, row: &M, handle: &Handle<B>) -> bool {
        is_current(self.plain(), row, handle)
    }
    fn read(self, row: &M) -> Result<S::Loaded<'_>> {
        self.slot(row).read()
    }
    fn refused(self) -> Error {
        not_loaded::<S::Target>().with_model(M::meta().name).with_field(self.meta().name)
    }
    async fn fetch<B: Backend>(self, row: &mut M, mode: FetchMode, handle: &Handle<B>) -> Result<()> {
        if mode == FetchMode::Batch {
            let siblings = self.slot(row).siblings().cloned();
            if let (Some(siblings), Some(key)) = (siblings, Key::of_row(row, self.local()))
                && let Some(content) = siblings.content::<M, S, B>(self.plain(), &key, handle).await?
            {
                self.slot_mut(row).put(content, Mark::of_all(handle).for_key(Some(&key)));
                return Ok(());
            }
        }
        fetch_missing::<M, S, B>(self.plain(), std::slice::from_mut(row), &IncludePlan::new(self), handle)
            .await
    }
}

/// `rows.load(Post::author, &db)`: a relation of several rows, in one query.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let mut users = User::query().order_by(User::id.asc()).all(&db).await?;
/// users.load(User::posts, &db).await?;
/// assert_eq!(users[0].posts.get()?.len(), 2);
/// # Ok(()) }
/// ```
pub trait LoadSlice<M: Model> {
    /// Loads the relation of every row that lacks it. Takes what `.include(..)` takes:
    /// `users.load(User::posts.order_by(Post::id.desc()).include(Post::tags), &db)`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let mut users = User::query().order_by(User::id.asc()).all(&db).await?;
    /// users.load(User::posts.order_by(Post::score.desc()).include(Post::tags), &db).await?;
    /// assert_eq!(users[0].posts.get()?[0].title, "Notes");
    /// # Ok(()) }
    /// ```
    fn load<'a, I, X, E>(&'a mut self, relation: I, db: &'a E) -> impl Future<Output = Result<()>> + Send
    where
        I: LoadableSlice<M, X>,
        X: ProvidedBy<E::Backend>,
        E: Executor + ?Sized;
}

impl<M: Model> LoadSlice<M> for [M] {
    fn load<'a, I, X, E>(&'a mut self, relation: I, db: &'a E) -> impl Future<Output = Result<()>> + Send
    where
        I: LoadableSlice<M, X>,
        X: ProvidedBy<E::Backend>,
        E: Executor + ?Sized,
    {
        relation.fetch_all::<E::Backend>(self, db.handle())
    }
}

/// What `rows.load(..)` takes: a relation of the rows' model, with or without conditions.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::relation::LoadableSlice;
/// async fn adults_with<R: LoadableSlice<User, ()>>(relation: R, db: &Sqlite) -> Result<Vec<User>> {
///     let mut users = User::filter(User::age.ge(18)).all(db).await?;
///     users.load(relation, db).await?;
///     Ok(users)
/// }
/// assert!(adults_with(User::posts.limit_per_parent(1), &db).await?[0].posts.is_loaded());
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a relation of `{M}`",
    label = "expected a relation of `{M}`, such as `{M}::…`, with or without `.filter(..)` and the like"
)]
pub trait LoadableSlice<M: Model, N>: Send {
    /// Fills the slots that are not loaded.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::relation::LoadableSlice;
    /// let mut users = User::query().all(&db).await?;
    /// User::posts.fetch_all::<Sqlite>(&mut users, db.handle()).await?;
    /// assert!(users.iter().all(|user| user.posts.is_loaded()));
    /// # Ok(()) }
    /// ```
    fn fetch_all<B: Backend>(
        self,
        rows: &mut [M],
        handle: &Handle<B>,
    ) -> impl Future<Output = Result<()>> + Send;
}

impl<M: Model, S: Slot, V: 'static> LoadableSlice<M, ()> for Rel<M, S, V> {
    async fn fetch_all<B: Backend>(self, rows: &mut [M], handle: &Handle<B>) -> Result<()> {
        fetch_missing::<M, S, B>(self.plain(), rows, &IncludePlan::new(self), handle).await
    }
}

impl<M: Model, S: Slot, N> LoadableSlice<M, N> for Include<M, S, N> {
    async fn fetch_all<B: Backend>(self, rows: &mut [M], handle: &Handle<B>) -> Result<()> {
        fetch_missing::<M, S, B>(self.rel, rows, &self.plan, handle).await
    }
}
