//! The servers that tests run against.
//!
//! Each is looked for in the same order: the URL that the user names, programs on the machine, Debian packages unpacked into a
//! cache without installing them. A server that is started here has a folder of its own, a free port of the loopback
//! address, and ends with the run, even if the run is killed. One that cannot be had fails the run, and without the
//! pooler the test that needs it fails: none is skipped in silence.

pub mod debian;
mod mongo;
mod pgbouncer;
mod postgres;
mod process;
mod state;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::run::root;
use process::Server;
use state::State;

/// A server that tests need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Service {
    Postgres,
    Pgbouncer,
    Mongo,
}

/// All of them, in the order in which they start.
pub const ALL: &[Service] = &[Service::Postgres, Service::Pgbouncer, Service::Mongo];

/// Servers that run, and how tests find them.
#[derive(Default)]
pub struct Running {
    pub env: Vec<(String, String)>,
    servers: Vec<Server>,
    /// What the user's shell may still export of servers that `up` started and that are gone.
    stale: Vec<(String, String)>,
}

impl Running {
    /// Starts what is not running elsewhere, in order.
    pub fn start(services: &[Service]) -> Result<Self> {
        Self::start_after(services, State::default())
    }

    fn start_after(services: &[Service], last: State) -> Result<Self> {
        let mut running = Running::default();
        running.stale = last.env;
        for service in services {
            match service {
                Service::Postgres => postgres::start(&mut running),
                Service::Pgbouncer => pgbouncer::start(&mut running),
                Service::Mongo => mongo::start(&mut running),
            }
            .with_context(|| format!("{service:?} cannot be had"))?;
        }
        Ok(running)
    }

    /// What the user says about a server elsewhere.
    fn given(&self, name: &str) -> Option<String> {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
        let stale = self.stale.iter().any(|(known, last)| known == name && *last == value);
        (!stale).then_some(value)
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.env.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.env.push((name.to_owned(), value.into()));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A pooler goes before the server behind it.
        while self.servers.pop().is_some() {}
    }
}

/// Where packages are unpacked, and where `up` notes what it started.
fn folder() -> PathBuf {
    root().join("target").join("services")
}

/// `cargo xtask services up`: starts servers and leaves them running, in place of those of an earlier `up`.
pub fn up(services: &[Service]) -> Result<()> {
    let services = if services.is_empty() { ALL } else { services };
    let last = State::read()?.unwrap_or_default();
    down()?;
    let mut running = Running::start_after(services, last)?;
    let servers = running.servers.iter().map(Server::note).collect::<Result<_>>()?;
    State { env: running.env.clone(), servers }.write()?;
    running.servers.drain(..).for_each(Server::leave);
    env()
}

/// `cargo xtask services down`: stops what `up` started.
pub fn down() -> Result<()> {
    State::read()?.map_or(Ok(()), |state| state.end())
}

/// `cargo xtask services env`: how tests find what `up` started, for `eval`.
pub fn env() -> Result<()> {
    let state = State::read()?.context("nothing runs: `cargo xtask services up` first")?;
    if !state.servers.iter().all(process::Left::runs) {
        anyhow::bail!("what `cargo xtask services up` started has ended: `up` again");
    }
    print!("{}", state.exports());
    Ok(())
}
