//! PostgreSQL.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::process::{self, folder, free_port, unprivileged};
use super::{Running, debian};

const URL: &str = "ORM_TEST_POSTGRES_URL";

/// Programs of PostgreSQL, and the libraries they need if they were unpacked.
struct Programs {
    bin: PathBuf,
    libraries: Option<PathBuf>,
}

pub fn start(running: &mut Running) -> Result<()> {
    if let Ok(url) = std::env::var(URL) {
        println!("PostgreSQL: the server of {URL}");
        running.set(URL, url);
        return Ok(());
    }
    let (folder, port) = (folder("postgres")?, free_port()?);
    let programs = programs(&folder)?;
    let command = |name: &str| {
        let mut command = unprivileged(&programs.bin.join(name));
        if let Some(libraries) = &programs.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command.env("HOME", &folder).current_dir(&folder);
        command
    };
    let data = folder.join("data");
    let made = command("initdb")
        .args(["-U", "orm", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
        .arg(&data)
        .output()
        .context("initdb does not start")?;
    if !made.status.success() {
        bail!("initdb failed:\n{}", String::from_utf8_lossy(&made.stderr));
    }
    let mut server = command("postgres");
    server.arg("-D").arg(&data).arg("-k").arg(&folder).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
    for setting in [
        // A server for tests forgets everything anyway.
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "wal_level=logical",
        "max_connections=200",
        "max_prepared_transactions=20",
        "shared_buffers=64MB",
    ] {
        server.args(["-c", setting]);
    }
    let started = process::start(server, folder.clone(), port)?;
    println!("PostgreSQL: {} on port {port}", programs.bin.display());
    running.processes.push(started);
    running.set(URL, format!("postgres://orm@127.0.0.1:{port}/postgres"));
    running.set("ORM_TEST_POSTGRES_BIN", programs.bin.display().to_string());
    if let Some(libraries) = &programs.libraries {
        running.set("ORM_TEST_POSTGRES_LIB", libraries.display().to_string());
    }
    Ok(())
}

fn programs(folder: &Path) -> Result<Programs> {
    if let Some(bin) = installed() {
        return Ok(Programs { bin, libraries: None });
    }
    let mut tried = Vec::new();
    for version in ["17", "16", "15", "14"] {
        let (server, client) = (format!("postgresql-{version}"), format!("postgresql-client-{version}"));
        match debian::unpacked(&server, &[&server, &client, "libpq5"]) {
            Ok(tree) => {
                let tree = debian::readable(&tree, folder)?;
                return Ok(Programs {
                    bin: tree.join("usr/lib/postgresql").join(version).join("bin"),
                    libraries: Some(tree.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH))),
                });
            }
            Err(error) => tried.push(format!("{server}: {error:#}")),
        }
    }
    bail!(
        "no PostgreSQL: {URL} is not set, there is none under /usr/lib/postgresql or in PATH, and no package could be fetched\n{}",
        tried.join("\n")
    )
}

/// The folder of the newest programs on the machine. `ORM_TEST_FETCH=1` passes them over.
fn installed() -> Option<PathBuf> {
    if std::env::var_os("ORM_TEST_FETCH").is_some() {
        return None;
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut bins: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| is_whole(bin))
        .collect();
    bins.sort();
    let in_path = || std::env::split_paths(&std::env::var_os("PATH")?).find(|bin| is_whole(bin));
    bins.pop().map(|(_, bin)| bin).or_else(in_path)
}

fn is_whole(bin: &Path) -> bool {
    bin.join("initdb").exists() && bin.join("postgres").exists()
}
