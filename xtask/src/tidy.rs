//! House rules that no other tool checks.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::root;

/// A file past this many lines usually holds two ideas.
const LONG: usize = 600;

pub fn tidy() -> Result<()> {
    let listing =
        Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(root()).output();
    let listing = String::from_utf8(listing.context("cannot run git")?.stdout)?;
    let mut faults = Vec::new();
    for path in listing.lines() {
        let Ok(text) = fs::read_to_string(root().join(path)) else { continue };
        let library = path.starts_with("crates/") && path.ends_with(".rs");
        if library && text.lines().count() > LONG {
            println!("warning: {path} has {} lines: does it hold two ideas?", text.lines().count());
        }
        if library && (path.ends_with("/lib.rs") || path.ends_with("/mod.rs")) && !text.starts_with("//!") {
            faults.push(format!("{path}: begins without `//!` documentation"));
        }
        for (number, line) in text.lines().enumerate() {
            let fault = if path.ends_with(".rs") && line.trim_end() != line {
                "white space at the end of the line"
            } else if library && !line.trim_start().starts_with("//") && unfinished(line) {
                "left unfinished"
            } else {
                continue;
            };
            faults.push(format!("{path}:{}: {fault}", number + 1));
        }
    }
    faults.extend(unlisted_decisions(&listing)?);
    for fault in &faults {
        eprintln!("{fault}");
    }
    if !faults.is_empty() {
        bail!("{} faults", faults.len());
    }
    Ok(())
}

/// Decisions that the index in `docs/adr/README.md` leaves out.
fn unlisted_decisions(listing: &str) -> Result<Vec<String>> {
    let index = fs::read_to_string(root().join("docs/adr/README.md"))?;
    let names = listing.lines().filter_map(|path| path.strip_prefix("docs/adr/"));
    let missing = names.filter(|name| *name != "README.md" && !index.contains(&format!("({name})")));
    Ok(missing.map(|name| format!("docs/adr/{name}: the index in README.md leaves it out")).collect())
}

fn unfinished(line: &str) -> bool {
    ["todo!(", "unimplemented!(", "dbg!("].iter().any(|word| line.contains(word))
}
