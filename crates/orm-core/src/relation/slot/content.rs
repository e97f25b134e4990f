//! What a slot holds, behind a trait object.
//!
//! Whether a model is `Send` and `Sync` must not depend on the models that its slots lead to: the compiler would have to prove it
//! through every model that is connected with it, and gives up after a dozen. A trait object that says `Send + Sync` by
//! itself ends the proof at the slot, which is why whoever puts rows into a slot shows there that they are both.

use std::sync::Arc;

use crate::relation::{Mark, Siblings};

/// Whether a slot is loaded, and what it holds or knows.
#[derive(Clone)]
pub(super) enum State<C> {
    /// For lazy loading in batches, the other rows of the result.
    Unloaded(Option<Siblings>),
    Loaded(C, Mark),
}

impl<C> State<C> {
    /// What the program put there.
    pub(super) fn given(content: C) -> Self {
        State::Loaded(content, Mark::given())
    }
    pub(super) fn mark(&self) -> Option<&Mark> {
        match self {
            State::Loaded(_, mark) => Some(mark),
            State::Unloaded(_) => None,
        }
    }
    pub(super) fn loaded(&self) -> Option<&C> {
        match self {
            State::Loaded(content, _) => Some(content),
            State::Unloaded(_) => None,
        }
    }
    pub(super) fn loaded_mut(&mut self) -> Option<&mut C> {
        match self {
            State::Loaded(content, _) => Some(content),
            State::Unloaded(_) => None,
        }
    }
    pub(super) fn into_loaded(self) -> Option<C> {
        match self {
            State::Loaded(content, _) => Some(content),
            State::Unloaded(_) => None,
        }
    }
    pub(super) fn siblings(&self) -> Option<&Siblings> {
        match self {
            State::Loaded(..) => None,
            State::Unloaded(siblings) => siblings.as_ref(),
        }
    }
    pub(super) fn set_siblings(&mut self, new: &Siblings) {
        if let State::Unloaded(siblings) = self {
            *siblings = Some(new.clone());
        }
    }
}

/// One row. Implemented by the row itself, so that a pointer to it becomes one to the trait object as it is.
pub(super) trait One<T>: Send + Sync {
    fn row(&self) -> &T;
    fn row_mut(&mut self) -> &mut T;
    fn boxed(self: Box<Self>) -> Box<T>;
    fn shared(self: Arc<Self>) -> Arc<T>;
}

impl<T: Send + Sync + 'static> One<T> for T {
    fn row(&self) -> &T {
        self
    }
    fn row_mut(&mut self) -> &mut T {
        self
    }
    fn boxed(self: Box<Self>) -> Box<T> {
        self
    }
    fn shared(self: Arc<Self>) -> Arc<T> {
        self
    }
}

/// Any number of rows.
pub(super) trait Many<T>: Send + Sync {
    fn rows(&self) -> &Vec<T>;
    fn rows_mut(&mut self) -> &mut Vec<T>;
    fn into_rows(self: Box<Self>) -> Vec<T>;
}

impl<T: Send + Sync + 'static> Many<T> for Vec<T> {
    fn rows(&self) -> &Vec<T> {
        self
    }
    fn rows_mut(&mut self) -> &mut Vec<T> {
        self
    }
    fn into_rows(self: Box<Self>) -> Vec<T> {
        *self
    }
}

/// A row that others may point to as well.
pub(super) type Shared<T> = Arc<dyn One<T>>;
/// A row of its own.
pub(super) type Owned<T> = Box<dyn One<T>>;
/// Rows of its own.
pub(super) type Rows<T> = Box<dyn Many<T>>;

/// The row behind a pointer to a trait object, past the pointer, which is a row to the compiler too.
pub(super) fn row<'a, T>(content: &'a (dyn One<T> + 'static)) -> &'a T {
    content.row()
}

pub(super) fn row_mut<'a, T>(content: &'a mut (dyn One<T> + 'static)) -> &'a mut T {
    content.row_mut()
}
