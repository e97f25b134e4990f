//! `cargo xtask …`: everything that is done to this repository, so that a person and CI do the same.

mod bench;
mod coverage;
mod run;
mod services;
mod test;
mod tidy;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

use run::{cargo, section};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks for people who work on orm")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test: units, conformance, compile errors, doctests, examples.
    Test {
        /// Only what concerns this backend.
        #[arg(long, value_enum)]
        backend: Vec<Backend>,
        /// Passed on to `cargo test`.
        #[arg(last = true)]
        rest: Vec<String>,
    },
    /// Format, lint, document and test, as CI does.
    Ci,
    /// Accept the compile-error texts and snapshots as they are now.
    Bless,
    /// Run the side-by-side benches (a workspace of its own in `benches/`).
    Bench {
        /// Whose libraries are compared.
        #[arg(value_enum)]
        backend: Backend,
        /// Passed on to the benches: `--quick --shape select --library orm`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Build the API documentation.
    Docs,
    /// Start, stop and name the servers that tests run against.
    Services {
        #[arg(value_enum)]
        what: ServicesTask,
        /// Which; all of them unless named.
        #[arg(value_enum)]
        services: Vec<services::Service>,
    },
    /// Report which lines of the crates the tests run.
    Coverage,
    /// Check the house rules that no other tool checks.
    Tidy,
}

/// A backend that tests can be narrowed to.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Backend {
    Sqlite,
    Postgres,
    Mongo,
}

#[derive(Clone, Copy, ValueEnum)]
enum ServicesTask {
    /// Start servers and leave them running.
    Up,
    /// Stop what `up` started.
    Down,
    /// Print how tests find them: `eval "$(cargo xtask services env)"`.
    Env,
}

fn main() -> Result<()> {
    match Args::parse().task {
        Task::Test { backend, rest } => test::test(&backend, &rest),
        Task::Ci => ci(),
        Task::Bless => bless(),
        Task::Bench { backend, rest } => bench::bench(backend, &rest),
        Task::Docs => docs(),
        Task::Services { what, services } => match what {
            ServicesTask::Up => services::up(&services),
            ServicesTask::Down => services::down(),
            ServicesTask::Env => services::env(),
        },
        Task::Coverage => coverage::coverage(),
        Task::Tidy => tidy::tidy(),
    }
}

fn ci() -> Result<()> {
    section("format", || cargo(["fmt", "--all", "--check"], &[]))?;
    section("tidy", tidy::tidy)?;
    section("clippy", || {
        cargo(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"], &[])
    })?;
    section("docs", docs)?;
    section("test", || test::test(&[], &[]))
}

fn docs() -> Result<()> {
    cargo(["doc", "--workspace", "--all-features", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings".as_ref())])
}

fn bless() -> Result<()> {
    // The other tests read the texts that this one writes.
    let args = ["test", "-p", "orm-ui-tests", "mistakes_have_short_texts"];
    cargo(args, &[("TRYBUILD", "overwrite".as_ref())])
}
