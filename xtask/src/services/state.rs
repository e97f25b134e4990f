//! What `cargo xtask services up` leaves running, noted in a file.

use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::process::Left;

/// The servers, in the order they were started, and how tests find them.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    pub env: Vec<(String, String)>,
    pub servers: Vec<Left>,
}

fn file() -> PathBuf {
    super::folder().join("state.json")
}

impl State {
    /// What is noted; nothing if nothing is.
    pub fn read() -> Result<Option<Self>> {
        let text = match std::fs::read_to_string(file()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let state =
            serde_json::from_str(&text).with_context(|| format!("{} is damaged", file().display()))?;
        Ok(Some(state))
    }

    pub fn write(&self) -> Result<()> {
        std::fs::create_dir_all(super::folder())?;
        std::fs::write(file(), serde_json::to_string_pretty(self)?)?;
        Ok(())
    }

    /// Stops the last first, and forgets them all.
    pub fn end(&self) -> Result<()> {
        self.servers.iter().rev().try_for_each(Left::stop)?;
        Ok(std::fs::remove_file(file())?)
    }

    /// For `eval` in a shell.
    pub fn exports(&self) -> String {
        let quoted = |value: &str| value.replace('\'', r"'\''");
        self.env.iter().map(|(name, value)| format!("export {name}='{}'\n", quoted(value))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn a_shell_reads_an_exported_value_as_it_is() {
        let env = vec![("URL".to_owned(), "a b$c'd".to_owned())];
        let script = State { env, ..State::default() }.exports() + "printf %s \"$URL\"";
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(output.stdout, b"a b$c'd");
    }
}
