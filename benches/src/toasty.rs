//! toasty, whose driver links another SQLite and therefore lives in another process. It keeps the time itself.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use orm_bench_cases::remote::{Answer, Request};
use orm_bench_cases::{Case, Contender, Digest};

/// Where `cargo xtask bench` says the program is.
const PROGRAM: &str = "ORM_BENCH_TOASTY";

/// The process, ended when its input ends.
pub struct Toasty {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Toasty {
    /// Starts the process, if there is a program to start.
    pub fn start() -> Result<Option<Self>> {
        let Some(program) = std::env::var_os(PROGRAM) else {
            eprintln!("without toasty: {PROGRAM} does not name its program");
            return Ok(None);
        };
        let mut child = Command::new(&program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("no output")?);
        Ok(Some(Toasty { child, input, output }))
    }

    fn ask(&mut self, request: &Request) -> Result<Answer> {
        let input = self.input.as_mut().context("no input")?;
        writeln!(input, "{}", serde_json::to_string(request)?)?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        match serde_json::from_str(&line).context("the process of toasty ended")? {
            Answer::Failed(error) => bail!(error),
            answer => Ok(answer),
        }
    }

    fn tell(&mut self, request: &Request) -> Result<()> {
        match self.ask(request)? {
            Answer::Done => Ok(()),
            other => bail!("{other:?} is no answer to {request:?}"),
        }
    }
}

impl Contender for Toasty {
    fn name(&self) -> &'static str {
        "toasty"
    }

    fn open(&mut self, place: &str, case: Case) -> Result<()> {
        self.tell(&Request::Open { place: place.to_owned(), case })
    }

    fn once(&mut self) -> Result<Digest> {
        match self.ask(&Request::Once)? {
            Answer::Digest(digest) => Ok(digest),
            other => bail!("{other:?} is no digest"),
        }
    }

    fn run(&mut self, times: u32) -> Result<Duration> {
        match self.ask(&Request::Run { times })? {
            Answer::Nanoseconds(time) => Ok(Duration::from_nanos(time)),
            other => bail!("{other:?} is no time"),
        }
    }

    fn clear(&mut self) -> Result<()> {
        self.tell(&Request::Clear)
    }

    fn close(&mut self) -> Result<()> {
        self.tell(&Request::Close)
    }
}

impl Drop for Toasty {
    fn drop(&mut self) {
        self.input = None;
        // Nothing is left to be done about a process that ends badly.
        let _ = self.child.wait();
    }
}
