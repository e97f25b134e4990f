//! `cargo xtask test`: runs the tests and adds up what they report.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::Backend;
use crate::run::command;
use crate::services::{ALL, Running, Service};

/// What `cargo test` reports at the end of each target.
#[derive(Default)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

pub fn test(backends: &[Backend], rest: &[String]) -> Result<()> {
    let mut counts = Counts::default();
    let mut ok = true;
    let mut services = Vec::new();
    if backends.is_empty() {
        services.extend(ALL);
    }
    for backend in backends {
        services.extend(match backend {
            Backend::Sqlite => &[][..],
            Backend::Postgres => &[Service::Postgres, Service::Pgbouncer],
            Backend::Mongo => &[Service::Mongo],
        });
    }
    let servers = Running::start(&services)?;
    let env = &servers.env;
    if backends.is_empty() {
        ok &= run(&["test", "--workspace", "--all-features", "--no-fail-fast"], rest, env, &mut counts)?;
    }
    for backend in backends {
        let packages: &[&str] = match backend {
            Backend::Sqlite => &[
                "test",
                "--no-fail-fast",
                "-p",
                "orm-sqlite",
                "-p",
                "orm-tests",
                "-p",
                "orm-heap-tests",
                "--lib",
                "--test",
                "sqlite*",
            ],
            Backend::Postgres => &[
                "test",
                "--no-fail-fast",
                "--features",
                "orm-tests/postgres",
                "-p",
                "orm-postgres",
                "-p",
                "orm-tests",
                "--lib",
                "--test",
                "postgres*",
            ],
            Backend::Mongo => &[
                "test",
                "--no-fail-fast",
                "--features",
                "orm-tests/mongo",
                "-p",
                "orm-mongo",
                "-p",
                "orm-tests",
                "--lib",
                "--test",
                "mongo*",
            ],
        };
        ok &= run(packages, rest, env, &mut counts)?;
    }
    println!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.ignored);
    if counts.passed + counts.failed == 0 {
        bail!("no test ran");
    }
    if !ok || counts.failed > 0 {
        bail!("some tests failed");
    }
    Ok(())
}

/// Passes the output through while adding up the result lines.
fn run(args: &[&str], rest: &[String], env: &[(String, String)], counts: &mut Counts) -> Result<bool> {
    let mut child = command()
        .args(args)
        .args(if rest.is_empty() { &[][..] } else { &["--"] })
        .args(rest)
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo")?;
    let output = child.stdout.take().context("cargo has no output")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        if let Some(result) = line.strip_prefix("test result: ") {
            counts.passed += number(result, "passed");
            counts.failed += number(result, "failed");
            counts.ignored += number(result, "ignored");
        }
    }
    Ok(child.wait()?.success())
}

/// The number before a word: `12` of `ok. 12 passed; 0 failed`.
fn number(line: &str, word: &str) -> u64 {
    let words: Vec<&str> = line.split([' ', ';', '.']).filter(|part| !part.is_empty()).collect();
    words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_read_from_a_result_line() {
        let line = "ok. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(super::number(line, "passed"), 12);
        assert_eq!(super::number(line, "failed"), 3);
        assert_eq!(super::number(line, "ignored"), 1);
    }
}
