//! The side-by-side benches: a workspace of their own in `benches/`, built into a folder of their own.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

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
        Backend::Mongo => run("mongo", "mongo", &build, rest, &[("ORM_BENCH_OUT", out.as_os_str())]),
    }
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
