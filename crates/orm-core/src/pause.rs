//! A pause without a runtime: a thread that sleeps and wakes the task.
//!
//! Used only between retries of a transaction, where a thread per pause is cheap beside the transaction itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[derive(Default)]
struct State {
    over: bool,
    waker: Option<Waker>,
}

struct Pause(Arc<Mutex<State>>);

impl Future for Pause {
    type Output = ();
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.over {
            return Poll::Ready(());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

/// Waits for `time`.
pub(crate) async fn pause(time: Duration) {
    let state = Arc::new(Mutex::new(State::default()));
    let shared = Arc::clone(&state);
    let spawned = std::thread::Builder::new().name("orm-pause".into()).spawn(move || {
        std::thread::sleep(time);
        let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
        state.over = true;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    });
    if spawned.is_ok() {
        Pause(state).await;
    }
}
