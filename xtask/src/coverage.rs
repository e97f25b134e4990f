//! `cargo xtask coverage`: which lines of the crates the tests run.
//!
//! The compiler counts (`-C instrument-coverage`) and LLVM's own tools add up: a generic function is compiled where it is
//! used, and a line of it counts as run if any copy of it was.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::run::{command, root};
use crate::services::{ALL, Running, debian};

/// The crates whose share is reported.
const CRATES: [&str; 5] = ["orm-core", "orm-sql", "orm-sqlite", "orm-postgres", "orm-mongo"];

/// Files of tests are no part of a share.
const TESTS: &str = "/(tests|testing)(/|\\.rs$)";

pub fn coverage() -> Result<()> {
    let tools = Tools::find()?;
    let folder = root().join("target").join("coverage");
    let profiles = folder.join("profiles");
    // What an earlier run counted may be of other code.
    let _ = std::fs::remove_dir_all(&profiles);
    std::fs::create_dir_all(&profiles)?;

    let servers = Running::start(ALL)?;
    let cargo = |more: &[&str]| {
        let mut cargo = command();
        // With a target named, build scripts and derives are not counted.
        cargo.args(["test", "--all-features", "--lib", "--tests", "--target", &tools.host, "--target-dir"]);
        cargo
            .arg(&folder)
            .args(["-p", "orm-tests"])
            .args(CRATES.iter().flat_map(|name| ["-p", name]))
            .args(more);
        cargo.env("RUSTFLAGS", "-Cinstrument-coverage");
        cargo.env("LLVM_PROFILE_FILE", profiles.join("%m-%p.profraw")).envs(servers.env.iter().cloned());
        cargo
    };
    let programs = programs(cargo(&["--no-run", "--message-format", "json-render-diagnostics"]))?;
    let passed = cargo(&["--no-fail-fast"]).status().context("cannot run cargo")?.success();
    drop(servers);
    if !passed {
        bail!("the tests failed under coverage");
    }

    let merged = folder.join("tests.profdata");
    let raw = std::fs::read_dir(&profiles)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    output(tools.command("llvm-profdata").args(["merge", "--sparse", "-o"]).arg(&merged).args(raw))?;
    let report = |kind: &str| {
        let mut command = tools.command("llvm-cov");
        command.args([kind, "--ignore-filename-regex", TESTS, "--instr-profile"]).arg(&merged);
        command
            .args(programs.first())
            .args(programs.iter().skip(1).flat_map(|more| [Path::new("--object"), more]));
        command.arg("--sources").args(CRATES.map(|name| root().join("crates").join(name).join("src")));
        command
    };
    let pages = folder.join("html");
    output(report("show").args(["--format", "html", "--output-dir"]).arg(&pages))?;
    let summary = output(report("export").arg("--summary-only"))?;
    print(&serde_json::from_slice(&summary)?)?;
    println!("line by line: {}", pages.join("index.html").display());
    Ok(())
}

/// The test programs that cargo built.
fn programs(mut cargo: Command) -> Result<Vec<PathBuf>> {
    let mut child = cargo.stdout(Stdio::piped()).spawn().context("cannot run cargo")?;
    let messages = child.stdout.take().context("cargo has no output")?;
    let mut programs = Vec::new();
    for line in BufReader::new(messages).lines() {
        let message: Value = serde_json::from_str(&line?)?;
        programs.extend(message["executable"].as_str().map(PathBuf::from));
    }
    if !child.wait()?.success() {
        bail!("the tests do not compile under coverage");
    }
    Ok(programs)
}

/// Prints the share of each file, and of each crate.
fn print(summary: &Value) -> Result<()> {
    let mut crates: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for file in summary["data"][0]["files"].as_array().context("llvm-cov lists no files")? {
        let path = Path::new(file["filename"].as_str().unwrap_or_default());
        let path = path.strip_prefix(root().join("crates")).unwrap_or(path).display().to_string();
        let Some(name) = CRATES.into_iter().find(|name| path.starts_with(&format!("{name}/src/"))) else {
            continue;
        };
        let lines = &file["summary"]["lines"];
        let (covered, lines) = (lines["covered"].as_u64().unwrap_or(0), lines["count"].as_u64().unwrap_or(0));
        println!("{path}: {covered}/{lines}");
        let entry = crates.entry(name).or_default();
        *entry = (entry.0 + covered, entry.1 + lines);
    }
    println!();
    for (name, (covered, lines)) in crates {
        println!("{name}: {:.1} % of {lines} lines", 100.0 * covered as f64 / lines.max(1) as f64);
    }
    Ok(())
}

/// LLVM's tools, which have to be as new as the compiler's own LLVM.
struct Tools {
    host: String,
    folder: PathBuf,
    libraries: Option<PathBuf>,
}

impl Tools {
    /// Those of the toolchain (`rustup component add llvm-tools`), those of the machine, or Debian's.
    fn find() -> Result<Self> {
        let rustc = |args: &[&str]| -> Result<String> {
            let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
            Ok(String::from_utf8(output(Command::new(rustc).args(args))?)?.trim().to_owned())
        };
        let version = rustc(&["-vV"])?;
        let value = |name: &str| {
            let line = version.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.with_context(|| format!("`rustc -vV` names no {name}"))
        };
        let host = value("host")?.to_owned();
        let llvm = value("LLVM version")?.split('.').next().unwrap_or_default();
        let component =
            Path::new(&rustc(&["--print", "sysroot"])?).join("lib/rustlib").join(&host).join("bin");
        let installed = PathBuf::from(format!("/usr/lib/llvm-{llvm}/bin"));
        for folder in [component, installed] {
            if folder.join("llvm-cov").exists() && folder.join("llvm-profdata").exists() {
                return Ok(Self { host, folder, libraries: None });
            }
        }
        let package = format!("llvm-{llvm}");
        let tree = debian::unpacked(&package, |_| Ok(vec![package.clone()]));
        let tree = tree.with_context(|| {
            format!(
                "no tools of LLVM {llvm}: `rustup component add llvm-tools` brings those of the toolchain"
            )
        })?;
        let folder = tree.join("usr/lib").join(&package).join("bin");
        Ok(Self { host, folder, libraries: Some(debian::libraries(&tree)) })
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.folder.join(name));
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }
}

/// What a command prints; it has to succeed.
fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{:?} failed", command.get_program());
    }
    Ok(output.stdout)
}
