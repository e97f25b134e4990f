//! Which databases the task that runs now has a transaction on.
//!
//! Inside `db.transaction(async |tx| …)` a command on `db` instead of `tx` is nearly always a mistake, and a silent one: on one database
//! its write survives a rollback, on another it waits for the transaction that waits for it. The mark is set while the closure's future is polled,
//! so it belongs to the task and not to the thread, whatever the runtime; a task that the closure spawns does not have it.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;

thread_local! {
    static MARKS: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Whether the code that runs now is in the closure of a transaction on the database.
#[inline]
pub(super) fn is_marked(database: u64) -> bool {
    // Nobody holds it over a call. A thread that ends has no task any more.
    MARKS.try_with(|marks| marks.borrow().contains(&database)).unwrap_or(false)
}

struct Mark;

impl Mark {
    fn set(database: u64) -> Option<Self> {
        MARKS.try_with(|marks| marks.borrow_mut().push(database)).ok().map(|()| Mark)
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let _ = MARKS.try_with(|marks| marks.borrow_mut().pop());
    }
}

/// Runs a future with the mark of the database.
pub(super) async fn marked<F: Future>(database: u64, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(move |context| {
        let _mark = Mark::set(database);
        future.as_mut().poll(context)
    })
    .await
}
