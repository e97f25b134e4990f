//! The side-by-side benches: a workspace of their own in `benches/`, built into a folder of their own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::Backend;
use crate::run::{cargo, root};

/// Builds and runs the benches of a backend. The rest is for them.
pub fn bench(backend: Backend, rest: &[String]) -> Result<()> {
    let target = target()?;
    let build = target.join("bench-build");
    let name = match backend {
        Backend::Sqlite => "sqlite",
    };
    let mut args = release("run", "benches/Cargo.toml", &build);
    args.extend(["--bin", name, "--"].map(OsString::from));
    args.extend(rest.iter().map(OsString::from));
    cargo(args, &[("ORM_BENCH_OUT", target.join("bench").as_os_str())])
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
