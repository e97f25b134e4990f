//! A pause without a runtime: one thread wakes all tasks that pause.
//!
//! Used only between retries of a transaction. The thread starts with the first pause and ends when it has had nothing to do for a while.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// How long the thread waits for the next pause before it ends.
const IDLE: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Pause(Mutex<State>);

#[derive(Default)]
struct State {
    over: bool,
    waker: Option<Waker>,
}

/// Pauses by their end.
struct Clock {
    pauses: BinaryHeap<Reverse<Entry>>,
    runs: bool,
}

struct Entry {
    end: Instant,
    pause: Arc<Pause>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.end == other.end
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.end.cmp(&other.end)
    }
}

static CLOCK: Mutex<Clock> = Mutex::new(Clock { pauses: BinaryHeap::new(), runs: false });
static NEWS: Condvar = Condvar::new();

/// Waits for `time`; not at all if the system has no thread left.
pub(crate) async fn pause(time: Duration) {
    let pause = Arc::new(Pause::default());
    {
        let mut clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
        if !clock.runs {
            clock.runs = std::thread::Builder::new().name("orm-pause".into()).spawn(run).is_ok();
            if !clock.runs {
                return;
            }
        }
        clock.pauses.push(Reverse(Entry { end: Instant::now() + time, pause: Arc::clone(&pause) }));
        NEWS.notify_one();
    }
    poll_fn(|context| {
        let mut state = pause.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.over {
            return Poll::Ready(());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    })
    .await;
}

fn run() {
    let mut clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let now = Instant::now();
        while clock.pauses.peek().is_some_and(|Reverse(first)| first.end <= now) {
            let Some(Reverse(entry)) = clock.pauses.pop() else { break };
            let mut state = entry.pause.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.over = true;
            let waker = state.waker.take();
            drop(state);
            if let Some(waker) = waker {
                // A waker is somebody else's code: the clock is not held while it runs.
                drop(clock);
                waker.wake();
                clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
            }
        }
        let wait = clock.pauses.peek().map(|Reverse(first)| first.end.saturating_duration_since(now));
        let (guard, timeout) =
            NEWS.wait_timeout(clock, wait.unwrap_or(IDLE)).unwrap_or_else(PoisonError::into_inner);
        clock = guard;
        if wait.is_none() && timeout.timed_out() && clock.pauses.is_empty() {
            clock.runs = false;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_hundred_pauses_share_a_thread_and_last_as_long_as_they_should() {
        let start = Instant::now();
        let pauses = (0..100).map(|number| async move {
            let time = Duration::from_millis(20 + number % 7);
            pause(time).await;
            assert!(start.elapsed() >= time);
        });
        futures_util::future::join_all(pauses).await;
        assert!(start.elapsed() < Duration::from_secs(5));
        let dropped = pause(Duration::from_secs(3600));
        assert!(tokio::time::timeout(Duration::from_millis(5), dropped).await.is_err());
        pause(Duration::from_millis(1)).await;
    }
}
