//! Three hundred models in a chain, a tree and a random graph with circles, all connected with each other, and a spawned query of
//! each: that they compile, without a `recursion_limit`, is the test. `build.rs` writes them.

use orm::prelude::*;

/// What `tokio::spawn` asks of a future.
fn spawned<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) {
    drop(future);
}

include!(concat!(env!("OUT_DIR"), "/models.rs"));
