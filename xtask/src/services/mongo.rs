//! MongoDB: the server of the user's URL, or a stand-in.
//!
//! No MongoDB server can be had from a package registry. SecantusDB is one in Python that speaks its protocol, with transactions and
//! change streams; it has no text search, and its speed says nothing about MongoDB's.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Running;
use super::process::{Folder, Server, cannot_run, free_port};

const URL: &str = "ORM_TEST_MONGO_URL";
/// How tests start a server of their own, which they may kill: always the stand-in.
const PYTHON: &str = "ORM_TEST_MONGO_PYTHON";
const PACKAGES: &str = "ORM_TEST_MONGO_PACKAGES";
const PACKAGE: &str = "SecantusDB==0.7.0b3";

pub fn start(running: &mut Running) -> Result<()> {
    if let Some(url) = running.given(URL) {
        eprintln!("MongoDB: the server of {URL}");
        running.set(URL, url);
        match program() {
            Ok((python, packages)) => own(running, &python, &packages),
            Err(error) => eprintln!("MongoDB: no stand-in for the tests that kill their server: {error:#}"),
        }
        return Ok(());
    }
    let (python, packages) = program()?;
    own(running, &python, &packages);
    let folder = Folder::new("mongo")?;
    let port = free_port()?;
    let mut command = Command::new(&python);
    let settings = folder.path().join("empty.toml");
    std::fs::write(&settings, "")?;
    command.env("PYTHONPATH", &packages).args(["-m", "secantus", "--host", "127.0.0.1"]);
    command.arg("--port").arg(port.to_string()).arg("--config").arg(&settings);
    command.arg("--storage-path").arg(folder.path().join("data"));
    // With a small cache a large transaction waits for itself.
    command.args(["--cache-size", "1G", "--log-level", "ERROR"]);
    let server = Server::start(command, "KILL", folder, || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
    eprintln!("MongoDB: the stand-in {PACKAGE} on port {port}");
    running.servers.push(server);
    running.set(URL, format!("mongodb://127.0.0.1:{port}"));
    Ok(())
}

fn own(running: &mut Running, python: &str, packages: &Path) {
    running.set(PYTHON, python);
    running.set(PACKAGES, packages.display().to_string());
}

/// An interpreter, and the folder with the packages, fetched if it is not there.
fn program() -> Result<(String, PathBuf)> {
    let names = ["python3", "python3.13", "python3.12", "python3.11", "python3.10"];
    let fits = |name: &&&str| {
        let test = "import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))";
        let mut command = Command::new(name);
        command.args(["-c", test]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let python = names.iter().find(fits).context("the stand-in for MongoDB needs Python 3.10 to 3.13")?;
    let cache = super::folder().join("cache");
    let packages = cache.join(format!("{}-{python}", PACKAGE.replace("==", "-")));
    if packages.exists() {
        return Ok((python.to_string(), packages));
    }
    std::fs::create_dir_all(&cache)?;
    eprintln!("fetching {PACKAGE}");
    // The folder is made elsewhere first, so that one of this name is whole.
    let making = tempfile::tempdir_in(&cache)?;
    let target = making.path().join("packages");
    install(python, &target, making.path())?;
    std::fs::rename(&target, &packages)?;
    Ok((python.to_string(), packages))
}

fn install(python: &str, target: &Path, scratch: &Path) -> Result<()> {
    let arguments =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--pre", "--only-binary=:all:"];
    let pip = |python: &Path| {
        let mut command = Command::new(python);
        command.args(arguments).arg("--target").arg(target).arg(PACKAGE);
        command.env("PIP_ROOT_USER_ACTION", "ignore");
        let output = command.output().with_context(|| cannot_run(&command))?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    };
    let Err(without) = pip(Path::new(python)) else { return Ok(()) };
    // A Python without pip may still be able to make an environment that has it.
    let own = scratch.join("venv");
    let made = Command::new(python).args(["-m", "venv"]).arg(&own).output()?;
    if !made.status.success() {
        bail!("{PACKAGE} cannot be installed: {without}");
    }
    pip(&own.join("bin/python"))
}
