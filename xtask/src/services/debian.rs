//! Debian packages, unpacked into the cache and not installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The root of a tree with these packages and what they need beyond what the machine has.
pub fn unpacked(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let base = super::cache().join(name);
    let tree = base.join("root");
    if base.join("complete").exists() {
        return Ok(tree);
    }
    println!("fetching the packages {}", packages.join(", "));
    let (lists, archives, debs) = (base.join("lists"), base.join("archives"), base.join("debs"));
    for folder in [&lists.join("partial"), &archives.join("partial"), &debs, &tree] {
        std::fs::create_dir_all(folder)?;
    }
    let options = [
        format!("-oDir::State::lists={}", lists.display()),
        format!("-oDir::Cache={}", base.display()),
        "-oDebug::NoLocking=1".to_owned(),
        "-oAPT::Sandbox::User=".to_owned(),
    ];
    let apt = |args: &[&str], folder: &Path| -> Result<String> {
        let mut command = Command::new("apt-get");
        command.args(&options).args(args).current_dir(folder);
        let output = command.output().context("there is no apt-get to fetch packages with")?;
        if !output.status.success() {
            bail!("apt-get {} failed:\n{}", args.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    apt(&["update"], &base)?;
    let plan = apt(&[&["install", "-s", "--no-install-recommends"], packages].concat(), &base)?;
    let mut wanted: Vec<&str> =
        plan.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next()).collect();
    wanted.extend(packages.iter().filter(|package| !plan.contains(&format!("Inst {package} "))));
    apt(&[&["download"], wanted.as_slice()].concat(), &debs)?;
    for deb in std::fs::read_dir(&debs)? {
        let status = Command::new("dpkg").arg("-x").arg(deb?.path()).arg(&tree).status()?;
        if !status.success() {
            bail!("a package cannot be unpacked");
        }
    }
    std::fs::write(base.join("complete"), "")?;
    Ok(tree)
}

/// Copies a tree to where a user without rights can read it.
pub fn readable(tree: &Path, folder: &Path) -> Result<PathBuf> {
    let copy = folder.join("root");
    let status = Command::new("cp").arg("-a").arg(tree).arg(&copy).status()?;
    if !status.success() {
        bail!("the unpacked packages cannot be copied");
    }
    Ok(copy)
}
