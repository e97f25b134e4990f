//! Lazy loading that does not end in N+1 queries.
//!
//! Rows that came from one query know each other: every slot that is not loaded holds the same [`Siblings`], which has the
//! keys of all these rows. The first [`load`](LoadOne::load) of a relation fetches it for all of them; the others take theirs from what
//! was fetched. On a slice, [`LoadSlice::load`] says the same thing explicitly.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::lock::Mutex;
use rustc_hash::FxHashMap;

use super::keys::{Key, KeySet};
use super::load::{fetch_contents, fetch_missing};
use super::slot::not_loaded;
use super::{Includable, IncludePlan, Rel, Slot};
use crate::backend::{Backend, Executor};
use crate::error::Result;
use crate::meta::RelationKind;
use crate::model::Model;

/// What a lazy load fetches.
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
    /// A `Fetched<S>` once it is there. Locked while it is fetched, so that rows which ask at the same time wait for one query.
    fetched: Mutex<Option<Box<dyn Any + Send>>>,
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
            let keys = (!known && meta.kind != RelationKind::MorphTo).then(|| {
                columns.iter().position(|columns| *columns == meta.local).unwrap_or_else(|| {
                    columns.push(meta.local);
                    columns.len() - 1
                })
            });
            Relation { keys, fetched: Mutex::new(None) }
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
        session: &B::Session,
    ) -> Result<Option<S::Content>> {
        let Some(relation) = self.0.relations.get(rel.index() as usize) else { return Ok(None) };
        let Some(keys) = relation.keys.and_then(|keys| self.0.keys.get(keys)) else { return Ok(None) };
        let mut guard = relation.fetched.lock().await;
        if guard.is_none() {
            let fetched = fetch_all::<M, S, B>(rel, keys, session).await?;
            *guard = Some(Box::new(fetched));
        }
        let fetched = guard.as_mut().and_then(|fetched| fetched.downcast_mut::<Fetched<S>>());
        Ok(fetched.and_then(|fetched| {
            if S::SHARED { fetched.get_mut(key).map(S::hand_out) } else { fetched.remove(key) }
        }))
    }
}

/// Fetches a relation for these keys, each of them once.
async fn fetch_all<M: Model, S: Slot, B: Backend>(
    rel: Rel<M, S>,
    keys: &[Key],
    session: &B::Session,
) -> Result<Fetched<S>> {
    let mut distinct: Vec<Key> = Vec::with_capacity(keys.len());
    let mut seen = rustc_hash::FxHashSet::default();
    distinct.extend(keys.iter().filter(|key| seen.insert(*key)).cloned());
    drop(seen);

    let plan = IncludePlan::new(rel);
    // Each key once: the group of a key is the place of its content, shared or not.
    let keys = KeySet::of(distinct.into_iter().map(Some));
    let (keys, contents) = fetch_contents::<S, B>(rel.meta(), keys, &plan, session).await?;
    let mut contents: Vec<Option<S::Content>> = contents.into_iter().map(Some).collect();
    let mut content =
        |group: u32| contents.get_mut(group as usize).and_then(Option::take).unwrap_or_default();
    Ok(keys.into_groups().map(|(key, group)| (key, content(group))).collect())
}

/// `row.load(Post::author, &db)`: a relation of one row, when it is needed.
pub trait LoadOne: Model {
    /// The relation, fetched if it is not loaded, and kept in the row.
    ///
    /// Rows of one query are served by one query ([`FetchMode::Batch`]): what a later row gets is as old as the first
    /// load. Like [`BelongsTo::get`](super::BelongsTo::get), it is [`NotFound`](crate::ErrorKind::NotFound) if the parent is absent;
    /// the slot is loaded then, and its `get_opt` says `None`.
    fn load<'a, S: Slot, E: Executor + ?Sized>(
        &'a mut self,
        rel: Rel<Self, S>,
        db: &'a E,
    ) -> impl Future<Output = Result<S::Loaded<'a>>> + Send {
        self.load_with(FetchMode::Batch, rel, db)
    }

    /// As [`load`](Self::load), with the choice of what is fetched.
    fn load_with<'a, S: Slot, E: Executor + ?Sized>(
        &'a mut self,
        mode: FetchMode,
        rel: Rel<Self, S>,
        db: &'a E,
    ) -> impl Future<Output = Result<S::Loaded<'a>>> + Send {
        async move {
            if !rel.slot(self).is_loaded() {
                load_slot::<Self, S, E::Backend>(self, mode, rel, db.session()).await?;
            }
            rel.slot(self).read()
        }
    }
}

impl<M: Model> LoadOne for M {}

async fn load_slot<M: Model, S: Slot, B: Backend>(
    row: &mut M,
    mode: FetchMode,
    rel: Rel<M, S>,
    session: &B::Session,
) -> Result<()> {
    match mode {
        FetchMode::Deny => {
            return Err(not_loaded::<S::Target>().with_model(M::meta().name).with_field(rel.meta().name));
        }
        FetchMode::Batch => {
            let siblings = rel.slot(row).siblings().cloned();
            if let (Some(siblings), Some(key)) = (siblings, Key::of_row(row, rel.local()))
                && let Some(content) = siblings.content::<M, S, B>(rel, &key, session).await?
            {
                rel.slot_mut(row).put(content);
                return Ok(());
            }
        }
        FetchMode::One => {}
    }
    fetch_missing::<M, S, B>(rel, std::slice::from_mut(row), &IncludePlan::new(rel), session).await
}

/// `rows.load(Post::author, &db)`: a relation of several rows, in one query.
pub trait LoadSlice<M: Model> {
    /// Loads the relation of every row that lacks it. Takes what `.include(..)` takes:
    /// `users.load(User::posts.order_by(Post::id.desc()).include(Post::tags), &db)`.
    fn load<'a, I, E>(&'a mut self, relation: I, db: &'a E) -> impl Future<Output = Result<()>> + Send
    where
        I: Includable<M>,
        E: Executor + ?Sized;
}

impl<M: Model> LoadSlice<M> for [M] {
    fn load<'a, I, E>(&'a mut self, relation: I, db: &'a E) -> impl Future<Output = Result<()>> + Send
    where
        I: Includable<M>,
        E: Executor + ?Sized,
    {
        let (rel, plan) = (relation.rel(), relation.into_plan());
        async move { fetch_missing::<M, I::Slot, E::Backend>(rel, self, &plan, db.session()).await }
    }
}
