//! PostgreSQL.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::process::{Folder, Server, cannot_run, free_port, unprivileged};
use super::{Running, debian};

pub const URL: &str = "ORM_TEST_POSTGRES_URL";
const BIN: &str = "ORM_TEST_POSTGRES_BIN";
const LIB: &str = "ORM_TEST_POSTGRES_LIB";

/// Programs of PostgreSQL, and the libraries they need if they were unpacked.
struct Programs {
    bin: PathBuf,
    libraries: Option<PathBuf>,
}

pub fn start(running: &mut Running) -> Result<()> {
    if let Some(url) = running.given(URL) {
        eprintln!("PostgreSQL: the server of {URL}");
        running.set(URL, url);
        // For tests that start a server of their own.
        match running.given(BIN).or_else(|| Some(installed()?.display().to_string())) {
            Some(bin) => running.set(BIN, bin),
            None => eprintln!("PostgreSQL: no programs here, and {BIN} is not set"),
        }
        return Ok(());
    }
    let folder = Folder::new("postgres")?;
    let programs = programs(folder.path())?;
    let data = folder.path().join("data");
    let run = |name: &str, args: &[&str], input: &str| -> Result<()> {
        let mut command = programs.command(name, folder.path());
        done(command.args(args).arg("-D").arg(&data), input)
    };
    run("initdb", &["-U", "orm", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"], "")?;
    // A server without a client: `psql` need not be there.
    run("postgres", &["--single", "-F", "-c", "exit_on_error=on", "postgres"], "CREATE DATABASE orm\n")?;

    let port = free_port()?;
    let mut server = programs.command("postgres", folder.path());
    server.arg("-D").arg(&data).arg("-k").arg(folder.path());
    server.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
    for setting in [
        // A server for tests forgets everything anyway.
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "wal_level=logical",
        "max_wal_senders=5",
        "max_replication_slots=5",
        "max_connections=200",
        "max_prepared_transactions=20",
        "shared_buffers=64MB",
    ] {
        server.args(["-c", setting]);
    }
    // QUIT is what `pg_ctl -m immediate stop` sends.
    let server = Server::start(server, "QUIT", folder, || is_ready(&data))?;
    eprintln!("PostgreSQL: {} on port {port}", programs.bin.display());
    running.servers.push(server);
    running.set(URL, format!("postgres://orm@127.0.0.1:{port}/orm"));
    running.set(BIN, programs.bin.display().to_string());
    if let Some(libraries) = &programs.libraries {
        running.set(LIB, libraries.display().to_string());
    }
    Ok(())
}

/// An open port is not enough: a server that recovers has one and refuses. What `pg_ctl -w` reads is line 8 of this file.
fn is_ready(data: &Path) -> bool {
    let file = std::fs::read_to_string(data.join("postmaster.pid"));
    file.is_ok_and(|text| text.lines().nth(7).is_some_and(|status| status.trim() == "ready"))
}

impl Programs {
    fn command(&self, name: &str, home: &Path) -> Command {
        let mut command = unprivileged(&self.bin.join(name));
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command.env("HOME", home).current_dir(home);
        command
    }
}

/// Runs a command on some input and wants it to succeed.
fn done(command: &mut Command, input: &str) -> Result<()> {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| cannot_run(command))?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ended early says why by itself.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn programs(folder: &Path) -> Result<Programs> {
    if let Some(bin) = installed() {
        return Ok(Programs { bin, libraries: None });
    }
    let tree = debian::unpacked("postgresql", |apt| {
        let version = apt.newest("postgresql-")?;
        Ok(vec![format!("postgresql-{version}"), format!("postgresql-client-{version}"), "libpq5".to_owned()])
    });
    let tree = tree.with_context(|| {
        let passed = if debian::wanted() { " (passed over by ORM_TEST_FETCH)" } else { "" };
        format!(
            "no PostgreSQL: {URL} is not set, there are no programs in /usr/lib/postgresql/*/bin, PATH and \
             `pg_config --bindir`{passed}, and Debian's packages cannot be fetched"
        )
    })?;
    let tree = debian::readable(&tree, folder)?;
    let bin = newest(&tree.join("usr/lib/postgresql")).context("the packages hold no programs")?;
    Ok(Programs { bin, libraries: Some(debian::libraries(&tree)) })
}

/// The folder of the newest programs on the machine. `ORM_TEST_FETCH=1` passes them over.
fn installed() -> Option<PathBuf> {
    if debian::wanted() {
        return None;
    }
    let in_path = || std::env::split_paths(&std::env::var_os("PATH")?).find(|bin| is_whole(bin));
    let told = || {
        let output = Command::new("pg_config").arg("--bindir").output().ok()?;
        Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim())).filter(|bin| is_whole(bin))
    };
    newest("/usr/lib/postgresql".as_ref()).or_else(in_path).or_else(told)
}

/// The programs of the highest version in a folder that has one folder for each.
fn newest(versions: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(versions).ok()?.flatten();
    let numbered = versions.filter_map(|entry| {
        Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
    });
    numbered.filter(|(_, bin)| is_whole(bin)).max().map(|(_, bin)| bin)
}

fn is_whole(bin: &Path) -> bool {
    bin.join("initdb").exists() && bin.join("postgres").exists()
}
