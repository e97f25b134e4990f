//! The constant that names a relation.

use std::marker::PhantomData;

use super::Slot;
use crate::ir::Source;
use crate::meta::RelationMeta;
use crate::model::Model;

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
    /// Called by the derive. `local` and `remote` are as in [`RelationMeta`].
    #[doc(hidden)]
    pub const fn new(
        index: u16,
        local: &'static [u16],
        remote: &'static [u16],
        slot: fn(&M) -> &S,
        slot_mut: fn(&mut M) -> &mut S,
    ) -> Self {
        Rel { index, local, remote, slot, slot_mut, marker: PhantomData }
    }

    /// The index in [`ModelMeta::relations`](crate::meta::ModelMeta::relations).
    pub const fn index(self) -> u16 {
        self.index
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
