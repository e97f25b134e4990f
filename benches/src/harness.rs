//! Measuring: the libraries take turns, so that whatever else the machine does hits all of them alike.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use orm_bench_cases::{Case, Contender, Digest, new_users};

use crate::cli::Library;
use crate::ground::Ground;

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
    /// To [`Ground::BASELINE`].
    pub ratio: f64,
}

/// A library in a case, with the database it works on.
struct Entrant<'a> {
    library: &'a mut Library,
    place: String,
    times: u32,
    samples: Vec<f64>,
}

/// Measures all cases.
pub fn measure<G: Ground>(
    ground: &mut G,
    libraries: &mut [Library],
    cases: &[Case],
    method: &Method,
) -> Result<Vec<Measured>> {
    let mut results = Vec::new();
    for case in cases {
        eprintln!("{case}");
        results.extend(measure_case(ground, libraries, *case, method)?);
    }
    Ok(results)
}

fn measure_case<G: Ground>(
    ground: &mut G,
    libraries: &mut [Library],
    case: Case,
    method: &Method,
) -> Result<Vec<Measured>> {
    let mut entrants = enter(ground, libraries, case)?;
    verify(ground, &mut entrants, case)?;
    for entrant in &mut entrants {
        entrant.warm_up(ground, case, method)?;
    }
    for round in 0..method.samples {
        // Nobody always follows the same one.
        entrants.rotate_left(usize::from(round > 0));
        for entrant in &mut entrants {
            let sample = entrant.sample(ground, case, entrant.times)?;
            entrant.samples.push(sample.as_nanos() as f64 / f64::from(entrant.times));
        }
    }
    for entrant in &mut entrants {
        entrant.library.close()?;
    }
    ground.clean()?;
    let mut medians: Vec<_> =
        entrants.into_iter().map(|entrant| (entrant.library.name(), median(entrant.samples))).collect();
    medians.sort_by_key(|(library, _)| libraries.iter().position(|one| one.name() == *library));
    let base =
        medians.iter().find(|(library, _)| *library == G::BASELINE).map_or(f64::NAN, |(_, time)| *time);
    let measured = medians.into_iter().map(|(library, nanoseconds)| Measured {
        case,
        library,
        nanoseconds,
        ratio: nanoseconds / base,
    });
    Ok(measured.collect())
}

/// Does each piece of work some times, for a profiler to watch.
pub fn repeat(ground: &mut impl Ground, libraries: &mut [Library], cases: &[Case], times: u32) -> Result<()> {
    for case in cases {
        for mut entrant in enter(ground, libraries, *case)? {
            entrant.sample(ground, *case, times)?;
            entrant.library.close()?;
        }
        ground.clean()?;
    }
    Ok(())
}

/// Gives every library a database of its own with the same content, and lets it open that.
fn enter<'a>(ground: &mut impl Ground, libraries: &'a mut [Library], case: Case) -> Result<Vec<Entrant<'a>>> {
    ground.prepare(case)?;
    let mut entrants = Vec::new();
    for library in libraries {
        let place = ground.place(library.name())?;
        library.open(&place, case).with_context(|| format!("{} cannot open a database", library.name()))?;
        entrants.push(Entrant { library, place, times: 1, samples: Vec::new() });
    }
    Ok(entrants)
}

/// Checks that all libraries do the same work.
fn verify(ground: &mut impl Ground, entrants: &mut [Entrant<'_>], case: Case) -> Result<()> {
    let mut known: Option<Digest> = None;
    for entrant in entrants {
        let digest = entrant.named(case, |library| library.once())?;
        let wanted = *known.get_or_insert(digest);
        let name = entrant.library.name();
        ensure!(digest == wanted, "{name}, {case}: read {digest:?} and not {wanted:?}");
        if case.shape.writes() {
            ground.inserted(&entrant.place, &new_users(case.size)).with_context(|| name)?;
            entrant.library.clear()?;
        }
    }
    Ok(())
}

impl Entrant<'_> {
    fn sample(&mut self, ground: &mut impl Ground, case: Case, times: u32) -> Result<Duration> {
        if case.shape.writes() {
            ground.settle(&self.place)?;
        }
        self.named(case, |library| library.run(times))
    }

    /// Fills the caches and finds out how often the work must be done to last as long as a sample should.
    fn warm_up(&mut self, ground: &mut impl Ground, case: Case, method: &Method) -> Result<()> {
        loop {
            let time = self.sample(ground, case, self.times)?;
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
