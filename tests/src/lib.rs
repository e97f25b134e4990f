//! The conformance suite: what the library promises on every backend, one test per promise, readable as a manual.
//!
//! A backend runs it by implementing [`Harness`] and calling [`suite!`] in a test target. Cases are grouped by topic in
//! [`cases`] and registered by being written there; the models they share are in [`models`]. A case that needs a
//! capability names it in its bounds.

pub mod cases;
pub mod dropping;
pub mod models;
pub mod walking;

use std::sync::Arc;

use orm::backend::{Database, StatementLog, Supports};

/// How a backend is set up for one test.
#[allow(async_fn_in_trait)]
pub trait Harness {
    /// The database handle.
    type Db: Database;
    /// An empty database of its own, with all tables of [`models::TestSchema`], and a log of its statements.
    async fn fresh() -> Fixture<Self::Db>;
}

/// A database for one test.
pub struct Fixture<D> {
    /// The database.
    pub db: D,
    /// Every statement that went out.
    pub log: Arc<StatementLog>,
    /// How many rows stand for «many»: several pieces of a bulk write, or as many as a slow server takes in a moment.
    pub many: usize,
    /// What has to live as long as the test (a temporary folder).
    pub keep: Box<dyn std::any::Any>,
}

// The macros `every_case!` and `if_listed!`.
include!(concat!(env!("OUT_DIR"), "/cases.rs"));

/// Makes a test function of every case that the backend can run.
///
/// Cases are found where they are written. Those whose bounds ask for a capability run if it is in the harness' list,
/// `suite!(OnSqlite: RawSql, Savepoints)`; a backend that has a capability which its list leaves out does not compile.
#[macro_export]
macro_rules! suite {
    (@lacks $need:ident $harness:ty, $has:tt) => {
        $crate::if_listed!($need $has {} {
            const _: () = {
                use $crate::Lacks as _;
                use $crate::orm::backend::{Executor, capabilities::$need};
                type Backend = <<$harness as $crate::Harness>::Db as Executor>::Backend;
                assert!(
                    !$crate::Probe::<Backend, $need>::SUPPORTED,
                    concat!("the backend supports `", stringify!($need), "`: name it in the list of `suite!`"),
                );
            };
        });
    };
    (@needs [] $has:tt { $($cases:tt)* }) => { $($cases)* };
    (@needs [$need:ident $($more:ident)*] $has:tt $cases:tt) => {
        $crate::if_listed!($need $has { $crate::suite!(@needs [$($more)*] $has $cases); } {});
    };
    (@module $harness:ty, $module:ident: $($case:ident)+) => {
        mod $module {
            use super::*;
            $(
                #[tokio::test]
                async fn $case() {
                    let fixture = <$harness as $crate::Harness>::fresh().await;
                    $crate::cases::$module::$case(&fixture).await.unwrap();
                }
            )+
        }
    };
    ($harness:ty) => { $crate::every_case!($harness, []); };
    ($harness:ty: $($has:ident),+ $(,)?) => { $crate::every_case!($harness, [$($has)+]); };
}

#[doc(hidden)]
pub use orm;

/// Whether a backend has a capability, asked when it is compiled: this constant where the bound holds, else [`Lacks`]'.
#[doc(hidden)]
pub struct Probe<B, C>(std::marker::PhantomData<(B, C)>);

#[doc(hidden)]
pub trait Lacks {
    const SUPPORTED: bool = false;
}

impl<B, C> Lacks for Probe<B, C> {}

impl<B: Supports<C>, C> Probe<B, C> {
    pub const SUPPORTED: bool = true;
}
