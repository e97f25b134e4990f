//! Measuring: the libraries take turns, so that whatever else the machine does hits all of them alike.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use orm_bench_cases::{Case, Contender, Digest, new_users};

use crate::seed;

/// The library that the others are compared with.
pub const BASELINE: &str = "rusqlite";

/// How long and how often.
pub struct Method {
    samples: usize,
    /// How long a sample should take.
    batch: Duration,
    /// How long the slowest sample may make the others wait.
    most: u32,
}

impl Method {
    /// To be believed.
    pub fn thorough(samples: usize) -> Self {
        Method { samples: samples.max(1), batch: Duration::from_millis(4), most: 1 << 16 }
    }

    /// To see that it runs.
    pub fn quick(samples: usize) -> Self {
        Method { samples: samples.max(1), batch: Duration::from_micros(500), most: 1 << 12 }
    }
}

/// The median of the samples of one library in one case.
pub struct Measured {
    pub case: Case,
    pub library: &'static str,
    /// For one piece of work.
    pub nanoseconds: f64,
    /// To [`BASELINE`].
    pub ratio: f64,
}

/// A library in a case, with the database file it works on.
struct Entrant<'a> {
    library: &'a mut Box<dyn Contender>,
    file: PathBuf,
    times: u32,
    samples: Vec<f64>,
}

/// Measures all cases.
pub fn measure(
    libraries: &mut [Box<dyn Contender>],
    cases: &[Case],
    method: &Method,
) -> Result<Vec<Measured>> {
    let mut results = Vec::new();
    for case in cases {
        eprintln!("{case}");
        results.extend(measure_case(libraries, *case, method)?);
    }
    Ok(results)
}

fn measure_case(libraries: &mut [Box<dyn Contender>], case: Case, method: &Method) -> Result<Vec<Measured>> {
    let folder = tempfile::tempdir()?;
    let mut entrants = enter(libraries, folder.path(), case)?;
    verify(&mut entrants, case)?;
    for entrant in &mut entrants {
        entrant.warm_up(case, method)?;
    }
    for round in 0..method.samples {
        // Nobody always follows the same one.
        entrants.rotate_left(usize::from(round > 0));
        for entrant in &mut entrants {
            let sample = entrant.sample(case, entrant.times)?;
            entrant.samples.push(sample.as_nanos() as f64 / f64::from(entrant.times));
        }
    }
    for entrant in &mut entrants {
        entrant.library.close()?;
    }
    let mut medians: Vec<_> =
        entrants.into_iter().map(|entrant| (entrant.library.name(), median(entrant.samples))).collect();
    medians.sort_by_key(|(library, _)| libraries.iter().position(|one| one.name() == *library));
    let base = medians.iter().find(|(library, _)| *library == BASELINE).map_or(f64::NAN, |(_, time)| *time);
    let measured = medians.into_iter().map(|(library, nanoseconds)| Measured {
        case,
        library,
        nanoseconds,
        ratio: nanoseconds / base,
    });
    Ok(measured.collect())
}

/// Does each piece of work some times, for a profiler to watch.
pub fn repeat(libraries: &mut [Box<dyn Contender>], cases: &[Case], times: u32) -> Result<()> {
    for case in cases {
        let folder = tempfile::tempdir()?;
        for mut entrant in enter(libraries, folder.path(), *case)? {
            entrant.sample(*case, times)?;
            entrant.library.close()?;
        }
    }
    Ok(())
}

/// Gives every library a file of its own with the same content, and lets it open that.
fn enter<'a>(libraries: &'a mut [Box<dyn Contender>], folder: &Path, case: Case) -> Result<Vec<Entrant<'a>>> {
    let original = folder.join("original.db");
    seed::seed(&original, case)?;
    let mut entrants = Vec::new();
    for library in libraries {
        let file = folder.join(format!("{}.db", library.name()));
        std::fs::copy(&original, &file)?;
        library.open(&file, case).with_context(|| format!("{} cannot open a file", library.name()))?;
        entrants.push(Entrant { library, file, times: 1, samples: Vec::new() });
    }
    Ok(entrants)
}

/// Checks that all libraries do the same work.
fn verify(entrants: &mut [Entrant<'_>], case: Case) -> Result<()> {
    let mut known: Option<Digest> = None;
    for entrant in entrants {
        let digest = entrant.named(case, |library| library.once())?;
        let wanted = *known.get_or_insert(digest);
        let name = entrant.library.name();
        ensure!(digest == wanted, "{name}, {case}: read {digest:?} and not {wanted:?}");
        if case.shape.writes() {
            seed::inserted(&entrant.file, &new_users(case.size)).with_context(|| name)?;
            entrant.library.clear()?;
        }
    }
    Ok(())
}

impl Entrant<'_> {
    fn sample(&mut self, case: Case, times: u32) -> Result<Duration> {
        if case.shape.writes() {
            seed::checkpoint(&self.file)?;
        }
        self.named(case, |library| library.run(times))
    }

    /// Fills the caches and finds out how often the work must be done to last as long as a sample should.
    fn warm_up(&mut self, case: Case, method: &Method) -> Result<()> {
        loop {
            let time = self.sample(case, self.times)?;
            if time >= method.batch || self.times >= method.most {
                return Ok(());
            }
            // Towards the aim, at most fourfold: the first times are slower than the rest.
            let factor = method.batch.as_secs_f64() / time.as_secs_f64().max(1e-9);
            self.times = (f64::from(self.times) * factor.clamp(1.2, 4.0)).ceil() as u32;
        }
    }

    fn named<T>(&mut self, case: Case, work: impl FnOnce(&mut dyn Contender) -> Result<T>) -> Result<T> {
        let name = self.library.name();
        work(self.library.as_mut()).with_context(|| format!("{name}, {case}"))
    }
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    let middle = samples.len() / 2;
    if samples.len() % 2 == 1 { samples[middle] } else { (samples[middle - 1] + samples[middle]) / 2.0 }
}
