//! The constant that names a relation.

use std::marker::PhantomData;

use super::Slot;
use crate::ir::Source;
use crate::meta::{MorphMeta, RelationMeta};
use crate::model::{Model, Named};

/// A relation of the model `M`, kept in a field of type `S`: the type of `User::posts`.
pub struct Rel<M, S> {
    index: u16,
    local: &'static [u16],
    remote: &'static [u16],
    slot: fn(&M) -> &S,
    slot_mut: fn(&mut M) -> &mut S,
    marker: PhantomData<fn() -> (M, S)>,
}

impl<M, S> Clone for Rel<M, S> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<M, S> Copy for Rel<M, S> {}

impl<M, S> std::fmt::Debug for Rel<M, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rel").field("index", &self.index).finish_non_exhaustive()
    }
}

impl<M, S> Rel<M, S> {
    /// Called by the derive. The sides are `local` and `remote` as in [`RelationMeta`].
    #[doc(hidden)]
    pub const fn new(
        index: u16,
        sides: (&'static [u16], &'static [u16]),
        slot: fn(&M) -> &S,
        slot_mut: fn(&mut M) -> &mut S,
    ) -> Self {
        Rel { index, local: sides.0, remote: sides.1, slot, slot_mut, marker: PhantomData }
    }

    /// The index in [`ModelMeta::relations`](crate::meta::ModelMeta::relations).
    pub const fn index(self) -> u16 {
        self.index
    }
    /// The sides seen from the other end, called by the derive of the parent.
    #[doc(hidden)]
    pub const fn seen_from(self, _: &'static [u16]) -> (&'static [u16], &'static [u16]) {
        (self.remote, self.local)
    }
    /// Nothing tells the rows of one parent model from those of another. Called by the derive of the parent.
    #[doc(hidden)]
    pub fn morph_of<T>(self) -> Option<MorphMeta> {
        None
    }
    /// The columns of both sides: [`local`](Rel::local) and [`remote`](Rel::remote).
    pub const fn sides(self) -> (&'static [u16], &'static [u16]) {
        (self.local, self.remote)
    }
    /// The columns of `M` that take part.
    pub const fn local(self) -> &'static [u16] {
        self.local
    }
    /// The columns of the target that they equal.
    pub const fn remote(self) -> &'static [u16] {
        self.remote
    }
    /// The slot of a row.
    pub fn slot(self, row: &M) -> &S {
        (self.slot)(row)
    }
    /// The slot of a row, to fill.
    pub fn slot_mut(self, row: &mut M) -> &mut S {
        (self.slot_mut)(row)
    }
}

impl<M: Model, S: Slot> Rel<M, S> {
    /// The metadata.
    pub fn meta(self) -> &'static RelationMeta {
        &M::meta().relations[self.index as usize]
    }
    /// The model as it stands in a FROM clause.
    pub fn source(self) -> Source {
        Source { model: M::meta(), alias: "" }
    }
}

impl<M: Model, S: Slot> Rel<M, S> {
    /// The relation between two names.
    pub fn via(self) -> Via<M, S::Target> {
        Via { relation: self.meta(), marker: PhantomData }
    }

    /// The relation leading to an alias of its target: `Employee::manager.to::<Boss>()`.
    pub fn to<T: Named<Model = S::Target>>(self) -> Via<M, T> {
        self.via().to()
    }

    /// The relation starting at an alias of its model: `Employee::manager.starting_at::<Boss>()`.
    pub fn starting_at<A: Named<Model = M>>(self) -> Via<A, S::Target> {
        self.via().starting_at()
    }
}

/// A relation between two models or aliases of them, for joins and predicates.
pub struct Via<A, T> {
    relation: &'static RelationMeta,
    marker: PhantomData<fn() -> (A, T)>,
}

impl<A, T> Clone for Via<A, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<A, T> Copy for Via<A, T> {}

impl<A, T> std::fmt::Debug for Via<A, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Via").field("relation", &self.relation.name).finish_non_exhaustive()
    }
}

impl<A: Named, T: Named> Via<A, T> {
    /// The metadata.
    pub fn relation(self) -> &'static RelationMeta {
        self.relation
    }

    /// The same relation leading to an alias.
    pub fn to<T2: Named<Model = T::Model>>(self) -> Via<A, T2> {
        Via { relation: self.relation, marker: PhantomData }
    }

    /// The same relation starting at an alias.
    pub fn starting_at<A2: Named<Model = A::Model>>(self) -> Via<A2, T> {
        Via { relation: self.relation, marker: PhantomData }
    }
}
