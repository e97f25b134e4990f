//! A library in a process of its own: one JSON line per request on its standard input, one per answer on its output.

use std::io::{BufRead, Write};
use std::rc::Rc;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{Case, Contender, Digest, Library, Local, runtime};

/// What the harness wants.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    Open { place: String, case: Case },
    Once,
    Run { times: u32 },
    Clear,
    Close,
}

/// What it gets.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Done,
    Digest(Digest),
    Nanoseconds(u64),
    Failed(String),
}

/// Serves a library until the input ends.
///
/// # Errors
/// If the input or output breaks; errors of the library are answers.
pub fn serve<L: Library>() -> Result<()> {
    let mut library = Local::<L>::new(Rc::new(runtime()?));
    let mut output = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let request = serde_json::from_str(&line?).context("not a request")?;
        let answer =
            answer(&mut library, request).unwrap_or_else(|error| Answer::Failed(format!("{error:#}")));
        writeln!(output, "{}", serde_json::to_string(&answer)?)?;
        output.flush()?;
    }
    Ok(())
}

fn answer(library: &mut dyn Contender, request: Request) -> Result<Answer> {
    Ok(match request {
        Request::Open { place, case } => library.open(&place, case).map(|()| Answer::Done)?,
        Request::Once => Answer::Digest(library.once()?),
        Request::Run { times } => {
            let nanoseconds = library.run(times)?.as_nanos();
            Answer::Nanoseconds(u64::try_from(nanoseconds)?)
        }
        Request::Clear => library.clear().map(|()| Answer::Done)?,
        Request::Close => library.close().map(|()| Answer::Done)?,
    })
}
