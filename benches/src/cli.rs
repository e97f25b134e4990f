//! The command line.

use anyhow::{Result, bail};
use clap::Parser;
use orm_bench_cases::{Case, Contender, Shape};

use crate::ground::Ground;
use crate::{harness, report};

/// A library that takes part.
pub type Library = Box<dyn Contender>;

/// Measures orm and other libraries, side by side.
#[derive(Parser)]
struct Args {
    /// A smoke run: few samples, short ones.
    #[arg(long)]
    quick: bool,
    /// Only these shapes.
    #[arg(long, value_enum)]
    shape: Vec<Shape>,
    /// Only these sizes.
    #[arg(long)]
    size: Vec<usize>,
    /// Only these libraries, and the bare driver to compare them with.
    #[arg(long)]
    library: Vec<String>,
    /// How many samples of each case are taken.
    #[arg(long)]
    samples: Option<usize>,
    /// Do not measure: do each piece of work this often and no more, for a profiler.
    #[arg(long, value_name = "TIMES")]
    repeat: Option<u32>,
}

/// Measures what the command line wants of these libraries.
///
/// # Errors
/// If a library fails, or does not do the same as the others.
pub fn main<G: Ground>(ground: &mut G, mut libraries: Vec<Library>) -> Result<()> {
    let args = Args::parse();
    if let Some(unknown) = args.library.iter().find(|name| libraries.iter().all(|one| one.name() != **name)) {
        let known: Vec<_> = libraries.iter().map(|library| library.name()).collect();
        bail!("there is no library `{unknown}`, but {}", known.join(", "));
    }
    libraries.retain(|library| {
        let wanted = args.library.iter().any(|name| name == library.name());
        // Ratios need the bare driver; a profile does not.
        wanted || args.library.is_empty() || (args.repeat.is_none() && library.name() == G::BASELINE)
    });
    let cases = cases::<G>(&args);
    if let Some(times) = args.repeat {
        return harness::repeat(ground, &mut libraries, &cases, times);
    }
    let samples = args.samples.unwrap_or(if args.quick { 3 } else { 31 });
    let method =
        if args.quick { harness::Method::quick(samples) } else { harness::Method::thorough(samples) };
    let results = harness::measure(ground, &mut libraries, &cases, &method)?;
    report::print(&results);
    report::save(&results, G::NAME)
}

fn cases<G: Ground>(args: &Args) -> Vec<Case> {
    let shapes = G::SHAPES.iter().filter(|shape| args.shape.is_empty() || args.shape.contains(shape));
    shapes
        .flat_map(|shape| shape.sizes().iter().map(|size| Case { shape: *shape, size: *size }))
        .filter(|case| args.size.is_empty() || args.size.contains(&case.size))
        .collect()
}
