//! What the harness sees of a library.

use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::runtime::Runtime;

use crate::data::next_key;
use crate::{Case, Digest, KEYS, Library, NewUser, Shape, keys, new_users};

/// A library that can be measured, in this process or in another.
pub trait Contender {
    /// The name of the library.
    fn name(&self) -> &'static str;

    /// Opens a database (the name of a file, or a URL), for this case only.
    fn open(&mut self, place: &str, case: Case) -> Result<()>;

    /// Does the work once and sums up what came out. The rows of a write stay, to be looked at.
    fn once(&mut self) -> Result<Digest>;

    /// Does the work several times and says how long that took in all. The rows of a write are removed after that.
    fn run(&mut self, times: u32) -> Result<Duration>;

    /// Removes the rows of a write.
    fn clear(&mut self) -> Result<()>;

    /// Closes the database.
    fn close(&mut self) -> Result<()>;
}

/// A library in this process.
pub struct Local<L> {
    runtime: Rc<Runtime>,
    open: Option<Open<L>>,
}

struct Open<L> {
    library: L,
    case: Case,
    users: Vec<NewUser>,
    keys: Vec<i64>,
}

impl<L: Library> Local<L> {
    /// A library on a runtime; nothing is opened yet.
    pub fn new(runtime: Rc<Runtime>) -> Self {
        Local { runtime, open: None }
    }

    fn parts(&mut self) -> Result<(&Runtime, &mut Open<L>)> {
        let open = self.open.as_mut();
        Ok((&self.runtime, open.ok_or_else(|| anyhow::anyhow!("{} has nothing open", L::NAME))?))
    }
}

impl<L: Library> Contender for Local<L> {
    fn name(&self) -> &'static str {
        L::NAME
    }

    fn open(&mut self, place: &str, case: Case) -> Result<()> {
        let library = self.runtime.block_on(L::open(place))?;
        let users = if case.shape.writes() { new_users(case.size) } else { Vec::new() };
        let keys = if case.shape == Shape::Concurrent { keys(case.size) } else { Vec::new() };
        self.open = Some(Open { library, case, users, keys });
        Ok(())
    }

    fn once(&mut self) -> Result<Digest> {
        let (runtime, open) = self.parts()?;
        runtime.block_on(once(open))
    }

    fn run(&mut self, times: u32) -> Result<Duration> {
        let (runtime, open) = self.parts()?;
        runtime.block_on(run(open, times))
    }

    fn clear(&mut self) -> Result<()> {
        let (runtime, open) = self.parts()?;
        runtime.block_on(open.library.clear())
    }

    fn close(&mut self) -> Result<()> {
        // Some libraries close in the background and want a runtime around them.
        let _guard = self.runtime.enter();
        self.open = None;
        Ok(())
    }
}

async fn once<L: Library>(open: &mut Open<L>) -> Result<Digest> {
    let library = &mut open.library;
    Ok(match open.case.shape {
        Shape::Select => Digest::of(&library.select().await?),
        Shape::FilteredJoin => Digest::of(&library.filtered_join().await?),
        Shape::Nested | Shape::Distant => Digest::of(&library.nested().await?),
        Shape::ByKey => Digest::of(&library.by_key(KEYS / 2).await?),
        Shape::Concurrent => Digest::of(&library.concurrent(&open.keys).await?),
        Shape::Insert | Shape::Bulk => {
            library.insert(&open.users).await?;
            Digest::default()
        }
    })
}

/// Times a piece of work, the dropping of its result included.
macro_rules! timed {
    ($times:expr, $work:expr) => {{
        let start = Instant::now();
        for _ in 0..$times {
            _ = black_box($work?);
        }
        start.elapsed()
    }};
}

async fn run<L: Library>(open: &mut Open<L>, times: u32) -> Result<Duration> {
    let library = &mut open.library;
    Ok(match open.case.shape {
        Shape::Select => timed!(times, library.select().await),
        Shape::FilteredJoin => timed!(times, library.filtered_join().await),
        Shape::Nested | Shape::Distant => timed!(times, library.nested().await),
        Shape::ByKey => {
            let mut key = 1;
            timed!(times, {
                key = next_key(key);
                library.by_key(key).await
            })
        }
        Shape::Concurrent => timed!(times, library.concurrent(&open.keys).await),
        Shape::Insert | Shape::Bulk => {
            // Cleared once and not after each time: what clears may leave the connection's memory in the cache of another
            // core, and the next insert would pay for that.
            let total = timed!(times, library.insert(&open.users).await);
            library.clear().await?;
            total
        }
    })
}
