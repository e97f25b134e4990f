//! The side-by-side benches: a workspace of their own in `benches/`, built into a folder of their own.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::Backend;
use crate::run::{cargo, root};
use crate::services::{Running, Service};

/// Builds and runs the benches of a backend. The rest is for them.
pub fn bench(backend: Backend, rest: &[String]) -> Result<()> {
    let target = target()?;
    let build = target.join("bench-build");
    let out = target.join("bench");
    match backend {
        Backend::Sqlite => {
            let toasty = toasty(&build)?;
            let env = [("ORM_BENCH_OUT", out.as_os_str()), ("ORM_BENCH_TOASTY", toasty.as_os_str())];
            run("sqlite", "sqlite", &build, rest, &env)
        }
        Backend::Postgres => {
            let features = if has_libpq() { "libpq" } else { "postgres" };
            let running = Running::start(&[Service::Postgres])?;
            let mut env = vec![("ORM_BENCH_OUT", out.as_os_str())];
            env.extend(running.env.iter().map(|(name, value)| (name.as_str(), value.as_ref())));
            run("postgres", features, &build, rest, &env)
        }
        Backend::Mongo => mongo(&build, &out),
    }
}

/// Counts what the client does: there is no server whose speed would say something. An instruction is one that callgrind
/// counts, in the difference of two runs.
fn mongo(build: &Path, out: &Path) -> Result<()> {
    let mut args = release("build", "benches/Cargo.toml", build);
    args.extend(["-p", "orm-bench-mongo"].map(OsString::from));
    cargo(args, &[])?;
    let program = build.join("release").join(format!("orm-bench-mongo{}", std::env::consts::EXE_SUFFIX));
    let mut rows = Vec::new();
    println!("| job | library | instructions | allocations |\n|---|---|--:|--:|");
    for (job, parts) in [("decode", 100), ("encode", 1)] {
        for library in ["bare", "orm"] {
            let (few, _) = counted(&program, job, library, 200)?;
            let (many, allocations) = counted(&program, job, library, 1200)?;
            let instructions = (many - few) / 1000 / parts;
            let allocations = allocations as f64 / parts as f64;
            println!("| {job} | {library} | {instructions} | {allocations:.2} |");
            rows.push(serde_json::json!({
                "job": job, "library": library, "instructions": instructions, "allocations": allocations,
            }));
        }
    }
    std::fs::create_dir_all(out)?;
    std::fs::write(out.join("mongo.json"), serde_json::to_string_pretty(&rows)?)?;
    Ok(())
}

/// The instructions of a run, and its allocations for each round.
fn counted(program: &Path, job: &str, library: &str, rounds: u32) -> Result<(u64, u64)> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    command.args([job, library, &rounds.to_string()]);
    let output = command.output().context("valgrind counts the instructions: install it")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split("Collected : ").nth(1)?.trim().parse().ok());
    let allocations = String::from_utf8_lossy(&output.stdout).trim().parse();
    Ok((collected.with_context(|| format!("valgrind failed:\n{said}"))?, allocations?))
}

/// Whether diesel can be linked, which needs the C library of PostgreSQL.
fn has_libpq() -> bool {
    let found = Command::new("pg_config").arg("--libdir").output();
    found.is_ok_and(|found| {
        let folder = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        found.status.success()
            && ["libpq.so", "libpq.dylib"].iter().any(|name| Path::new(&folder).join(name).exists())
    })
}

fn run(name: &str, features: &str, build: &Path, rest: &[String], env: &[(&str, &OsStr)]) -> Result<()> {
    let mut args = release("run", "benches/Cargo.toml", build);
    args.extend(["--no-default-features", "--features", features, "--bin", name, "--"].map(OsString::from));
    args.extend(rest.iter().map(OsString::from));
    cargo(args, env)
}

/// Builds what cannot be linked into the same program, and says where it is.
fn toasty(build: &Path) -> Result<PathBuf> {
    let build = build.join("toasty");
    cargo(release("build", "benches/toasty/Cargo.toml", &build), &[])?;
    Ok(build.join("release").join(format!("orm-bench-toasty{}", std::env::consts::EXE_SUFFIX)))
}

fn release(verb: &str, manifest: &str, build: &Path) -> Vec<OsString> {
    let mut args: Vec<OsString> = [verb, "--release", "--manifest-path", manifest].map(OsString::from).into();
    args.extend(["--target-dir".into(), build.into()]);
    args
}

/// Where cargo builds this repository.
fn target() -> Result<PathBuf> {
    Ok(match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => std::path::absolute(folder)?,
        None => root().join("target"),
    })
}
