//! Debian packages, unpacked into the cache and not installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::process::cannot_run;

/// The user's wish to pass over what is installed.
pub fn wanted() -> bool {
    std::env::var_os("ORM_TEST_FETCH").is_some()
}

/// The root of a tree with some packages and what they need beyond what the machine has, fetched if it is not there.
pub fn unpacked(name: &str, packages: impl FnOnce(&Apt) -> Result<Vec<String>>) -> Result<PathBuf> {
    let cache = super::folder().join("cache");
    let tree = cache.join(name);
    if tree.exists() {
        return Ok(tree);
    }
    let apt = Apt::update(&cache)?;
    let packages = packages(&apt)?;
    eprintln!("fetching Debian's {}", packages.join(", "));
    // A tree is made elsewhere first, so that one of this name is whole.
    let making = tempfile::tempdir_in(&cache)?;
    let (debs, root) = (making.path().join("debs"), making.path().join("root"));
    std::fs::create_dir(&debs)?;
    apt.download(&packages, &debs)?;
    for deb in std::fs::read_dir(&debs)? {
        run(Command::new("dpkg").arg("-x").arg(deb?.path()).arg(&root))?;
    }
    std::fs::rename(&root, &tree)?;
    Ok(tree)
}

/// A tree of packages, copied to where a user without rights can read it.
pub fn readable(tree: &Path, folder: &Path) -> Result<PathBuf> {
    let copy = folder.join("root");
    run(Command::new("cp").arg("-a").arg(tree).arg(&copy))?;
    Ok(copy)
}

/// Where a tree has its libraries.
pub fn libraries(tree: &Path) -> PathBuf {
    tree.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH))
}

/// The package manager, with lists of its own, which need no rights.
pub struct Apt {
    options: Vec<String>,
}

impl Apt {
    fn update(cache: &Path) -> Result<Self> {
        let own = cache.join("apt");
        for folder in ["lists/partial", "archives/partial"] {
            std::fs::create_dir_all(own.join(folder))?;
        }
        let options = vec![
            format!("-oDir::State::lists={}", own.join("lists").display()),
            format!("-oDir::Cache={}", own.display()),
            "-oDebug::NoLocking=1".to_owned(),
            "-oAPT::Sandbox::User=".to_owned(),
        ];
        let apt = Apt { options };
        // The lists of the machine may name versions that are no longer on offer.
        run(apt.command("apt-get").arg("update"))?;
        Ok(apt)
    }

    /// The newest version of a package whose name ends with it: `15` for `postgresql-`.
    pub fn newest(&self, prefix: &str) -> Result<u32> {
        let pattern = format!("^{prefix}[0-9]+$");
        let found = run(self.command("apt-cache").args(["search", "--names-only", &pattern]))?;
        let version = |line: &str| line.strip_prefix(prefix)?.split(' ').next()?.parse().ok();
        found.lines().filter_map(version).max().with_context(|| format!("apt knows no package {prefix}*"))
    }

    /// Fetches packages, and those they depend on that the machine does not have.
    fn download(&self, packages: &[String], folder: &Path) -> Result<()> {
        let simulated = ["install", "--simulate", "--no-install-recommends"];
        let plan = run(self.command("apt-get").args(simulated).args(packages))?;
        let planned = plan.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
        let mut wanted: Vec<&str> = planned.collect();
        for package in packages {
            if !wanted.contains(&package.as_str()) {
                wanted.push(package);
            }
        }
        run(self.command("apt-get").arg("download").args(wanted).current_dir(folder))?;
        Ok(())
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.args(&self.options).env("LC_ALL", "C");
        command
    }
}

/// Runs a command and wants it to succeed.
fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| cannot_run(command))?;
    if !output.status.success() {
        bail!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
