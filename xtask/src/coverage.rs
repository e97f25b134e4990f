//! `cargo xtask coverage`: which lines of the crates the tests run.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::run::{cargo, root};
use crate::services::{Running, Service};

/// The crates whose share is reported.
const CRATES: [&str; 4] = ["orm-core", "orm-sql", "orm-sqlite", "orm-postgres"];

pub fn coverage() -> Result<()> {
    let tools = root().join("target").join("tools");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([tools.join("bin")]);
    let path = std::env::join_paths(folders)?;
    let found = std::env::split_paths(&path).any(|folder| folder.join("cargo-tarpaulin").exists());
    if !found {
        println!("installing cargo-tarpaulin into target/tools");
        let root = tools.display().to_string();
        cargo(["install", "cargo-tarpaulin", "--locked", "--root", &root], &[])?;
    }
    let servers = Running::start(&[Service::Postgres, Service::Pgbouncer])?;
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).env("PATH", path).envs(servers.env.iter().cloned());
    command.args([
        "tarpaulin",
        "--engine",
        "llvm",
        "--skip-clean",
        "--timeout",
        "600",
        "--target-dir",
        "target/coverage",
    ]);
    command.args(["--all-features", "--out", "Json", "--output-dir", "target/coverage", "-p", "orm-tests"]);
    command.args(CRATES.iter().flat_map(|name| ["-p", name]));
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("cargo tarpaulin")?;
    let mut crates: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let output = child.stdout.take().context("cargo tarpaulin has no output")?;
    let errors = child.stderr.take().context("cargo tarpaulin has no output")?;
    let errors =
        std::thread::spawn(move || BufReader::new(errors).lines().map_while(Result::ok).collect::<Vec<_>>());
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        println!("{line}");
        count(&line, &mut crates);
    }
    let errors = errors.join().unwrap_or_default();
    errors.iter().for_each(|line| count(line, &mut crates));
    if !child.wait()?.success() {
        bail!("the tests failed under coverage:\n{}", errors.join("\n"));
    }
    println!();
    for (name, (covered, lines)) in crates {
        println!("{name}: {:.1} % of {lines} lines", 100.0 * covered as f64 / lines.max(1) as f64);
    }
    Ok(())
}

/// Adds a line of the report, `|| crates/orm-core/src/error.rs: 53/100`.
fn count(line: &str, crates: &mut BTreeMap<&'static str, (u64, u64)>) {
    let Some((file, share)) = line.strip_prefix("|| ").and_then(|rest| rest.split_once(": ")) else { return };
    let name = CRATES.into_iter().find(|name| file.starts_with(&format!("crates/{name}/src/")));
    let share = share.split(' ').next().and_then(|share| share.split_once('/'));
    if let (Some(name), Some((covered, lines))) = (name, share) {
        let entry = crates.entry(name).or_default();
        entry.0 += covered.parse::<u64>().unwrap_or(0);
        entry.1 += lines.parse::<u64>().unwrap_or(0);
    }
}
