//! Where something was read: on which database, and in which of its transactions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// A database, or a transaction or savepoint on it, or either of them seen through other passes. What relations keep of their rows remembers its scope, so that nothing of a
/// transaction that was rolled back, or of another database, is handed out later.
#[derive(Clone)]
pub(crate) struct Scope(Arc<State>);

struct State {
    outer: Option<Scope>,
    end: AtomicU8,
}

const OPEN: u8 = 0;
const COMMITTED: u8 = 1;
const UNDONE: u8 = 2;

impl Scope {
    pub(crate) fn database() -> Self {
        Scope(Arc::new(State { outer: None, end: AtomicU8::new(OPEN) }))
    }

    /// A transaction or savepoint here, or the same place with passes or a context of its own.
    pub(crate) fn inner(&self) -> Self {
        Scope(Arc::new(State { outer: Some(self.clone()), end: AtomicU8::new(OPEN) }))
    }

    pub(crate) fn committed(&self) {
        self.0.end.store(COMMITTED, Ordering::Release);
    }

    /// Rolled back, abandoned, or lost in a way that leaves its end unknown.
    pub(crate) fn undone(&self) {
        self.0.end.store(UNDONE, Ordering::Release);
    }

    pub(crate) fn is(&self, other: &Scope) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether what was read in `origin` may be handed out here.
    pub(crate) fn sees(&self, origin: &Scope) -> bool {
        let mut origin = origin;
        loop {
            match (origin.0.end.load(Ordering::Acquire), &origin.0.outer) {
                (OPEN, _) => return self.is_within(origin),
                (COMMITTED, Some(outer)) => origin = outer,
                _ => return false,
            }
        }
    }

    fn is_within(&self, outer: &Scope) -> bool {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if here.is(outer) {
                return true;
            }
            scope = here.0.outer.as_ref();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_transaction_read_is_its_own_until_it_is_committed() {
        let (db, other) = (Scope::database(), Scope::database());
        let tx = db.inner();
        let savepoint = tx.inner();
        assert!(tx.sees(&db) && savepoint.sees(&tx) && db.sees(&db));
        assert!(!db.sees(&tx) && !tx.sees(&savepoint) && !other.sees(&db) && !db.inner().sees(&tx));
        savepoint.committed();
        assert!(tx.sees(&savepoint) && !db.sees(&savepoint));
        tx.committed();
        assert!(db.sees(&savepoint) && db.inner().sees(&tx) && !other.sees(&tx));
    }

    #[test]
    fn what_was_rolled_back_is_seen_by_nobody() {
        let db = Scope::database();
        let tx = db.inner();
        let savepoint = tx.inner();
        savepoint.committed();
        tx.undone();
        assert!(!db.sees(&tx) && !db.sees(&savepoint) && !tx.sees(&tx));
    }
}
