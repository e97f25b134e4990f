//! The servers that tests run against.
//!
//! Each is looked for in the same order: the URL that the user names, programs on the machine, Debian packages unpacked into a
//! cache without installing them. A server that is started here has a folder of its own, a free port of the loopback
//! address, and ends with the run. One that cannot be had fails the run: no test is skipped in silence.

mod debian;
mod pgbouncer;
mod postgres;
mod process;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::run::root;

/// A server that tests need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Service {
    Postgres,
    Pgbouncer,
}

/// Servers that run, and how tests find them.
#[derive(Default)]
pub struct Running {
    pub env: Vec<(String, String)>,
    processes: Vec<process::Server>,
}

impl Running {
    /// Starts what is not running elsewhere, in order.
    pub fn start(services: &[Service]) -> Result<Self> {
        let mut running = Running::default();
        for service in services {
            match service {
                Service::Postgres => postgres::start(&mut running),
                Service::Pgbouncer => pgbouncer::start(&mut running),
            }
            .with_context(|| format!("{service:?} cannot be had"))?;
        }
        Ok(running)
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.env.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.env.push((name.to_owned(), value.into()));
    }
}

/// Where packages are unpacked, and where `up` notes what it started.
fn cache() -> PathBuf {
    root().join("target").join("services")
}

fn state() -> PathBuf {
    cache().join("running")
}

/// `cargo xtask services up`: starts servers and leaves them running.
pub fn up(services: &[Service]) -> Result<()> {
    let services = if services.is_empty() { &[Service::Postgres, Service::Pgbouncer][..] } else { services };
    down()?;
    let running = Running::start(services)?;
    let mut lines = String::new();
    for server in &running.processes {
        lines += &format!("server {} {}\n", server.pid(), server.folder().display());
    }
    for (name, value) in &running.env {
        lines += &format!("env {name}={value}\n");
    }
    std::fs::create_dir_all(cache())?;
    std::fs::write(state(), lines)?;
    running.processes.into_iter().for_each(process::Server::leave);
    env()
}

/// `cargo xtask services down`: stops what `up` started.
pub fn down() -> Result<()> {
    let Ok(text) = std::fs::read_to_string(state()) else { return Ok(()) };
    for line in text.lines().rev() {
        if let Some((pid, folder)) = line.strip_prefix("server ").and_then(|rest| rest.split_once(' ')) {
            process::stop(pid.parse()?, folder.as_ref());
        }
    }
    Ok(std::fs::remove_file(state())?)
}

/// `cargo xtask services env`: how tests find what `up` started, for `eval`.
pub fn env() -> Result<()> {
    let text = std::fs::read_to_string(state()).context("nothing runs: `cargo xtask services up` first")?;
    text.lines().filter_map(|line| line.strip_prefix("env ")).for_each(|line| println!("export {line}"));
    Ok(())
}
