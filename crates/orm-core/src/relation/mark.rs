//! What a slot remembers of the load that filled it.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock};

use super::IncludePlan;
use super::keys::Key;
use crate::backend::{Backend, Handle};
use crate::exec::Scope;
use crate::model::Model;

/// How a slot came by its content: by which load, and for which key of its row. A later load hands the content out if it would read
/// the same again, but for what has changed in the database since.
#[doc(hidden)]
#[derive(Clone)]
pub struct Mark {
    source: Arc<Source>,
    key: u64,
}

enum Source {
    /// The program put it there.
    Given,
    /// A load with conditions, or with a limit.
    Part,
    Whole(Scope),
}

impl Mark {
    pub(super) fn given() -> Self {
        static GIVEN: LazyLock<Arc<Source>> = LazyLock::new(|| Arc::new(Source::Given));
        Mark { source: Arc::clone(&GIVEN), key: 0 }
    }

    /// Of a load by this plan; each row has its own key in it.
    pub(super) fn of_load<B: Backend>(plan: &IncludePlan, handle: &Handle<B>) -> Self {
        if plan.is_whole() { Mark::of_all(handle) } else { Mark { source: Arc::new(Source::Part), key: 0 } }
    }

    /// Of a load of all rows of a relation.
    pub(crate) fn of_all<B: Backend>(handle: &Handle<B>) -> Self {
        Mark { source: Arc::new(Source::Whole(handle.scope().clone())), key: 0 }
    }

    pub(super) fn for_print(&self, key: u64) -> Self {
        Mark { source: Arc::clone(&self.source), key }
    }

    pub(super) fn for_key(&self, key: Option<&Key>) -> Self {
        self.for_print(print(key))
    }

    pub(crate) fn of_row<M: Model>(&self, row: &M, local: &[u16]) -> Self {
        self.for_key(Key::of_row(row, local).as_ref())
    }

    /// Whether all rows of the relation for a row of this key would come from here.
    pub(super) fn serves<B: Backend>(&self, key: Option<&Key>, handle: &Handle<B>) -> bool {
        match &*self.source {
            Source::Given => true,
            Source::Part => false,
            Source::Whole(scope) => self.key == print(key) && handle.scope().sees(scope),
        }
    }
}

/// A number that tells keys apart: an integer is its own.
pub(super) fn print(key: Option<&Key>) -> u64 {
    static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    match key {
        Some(Key::Int(key)) => *key as u64,
        Some(key) => HASHER.hash_one(key),
        // No counter gets there.
        None => 0x9f3a_51c7_e26d_840b,
    }
}
