//! `cargo xtask bench sqlite`: orm, the bare driver and its peers over SQLite, side by side.

mod diesel;
mod diesel_async;
mod harness;
mod orm;
mod report;
mod rusqlite;
mod sea_orm;
mod seed;
mod sqlx;
mod toasty;

use std::rc::Rc;

use anyhow::{Result, bail};
use clap::Parser;
use orm_bench_cases::{Case, Contender, Local, Shape, runtime};

/// Measures orm and other libraries over SQLite, side by side.
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
    /// Only these libraries, and rusqlite to compare them with.
    #[arg(long)]
    library: Vec<String>,
    /// How many samples of each case are taken.
    #[arg(long)]
    samples: Option<usize>,
    /// Do not measure: do each piece of work this often and no more, for a profiler.
    #[arg(long, value_name = "TIMES")]
    repeat: Option<u32>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let mut libraries = libraries()?;
    if let Some(unknown) = args.library.iter().find(|name| libraries.iter().all(|one| one.name() != **name)) {
        let known: Vec<_> = libraries.iter().map(|library| library.name()).collect();
        bail!("there is no library `{unknown}`, but {}", known.join(", "));
    }
    libraries.retain(|library| {
        let wanted = args.library.iter().any(|name| name == library.name());
        // Ratios need the bare driver; a profile does not.
        wanted || args.library.is_empty() || (args.repeat.is_none() && library.name() == harness::BASELINE)
    });
    let cases = cases(&args);
    if let Some(times) = args.repeat {
        return harness::repeat(&mut libraries, &cases, times);
    }
    let samples = args.samples.unwrap_or(if args.quick { 3 } else { 31 });
    let method =
        if args.quick { harness::Method::quick(samples) } else { harness::Method::thorough(samples) };
    let results = harness::measure(&mut libraries, &cases, &method)?;
    report::print(&results);
    report::save(&results, "sqlite")
}

fn cases(args: &Args) -> Vec<Case> {
    let shapes = Shape::ALL.into_iter().filter(|shape| args.shape.is_empty() || args.shape.contains(shape));
    shapes
        .flat_map(|shape| shape.sizes().iter().map(move |size| Case { shape, size: *size }))
        .filter(|case| args.size.is_empty() || args.size.contains(&case.size))
        .collect()
}

/// Every library, the bare driver first.
fn libraries() -> Result<Vec<Box<dyn Contender>>> {
    let runtime = Rc::new(runtime()?);
    let mut libraries: Vec<Box<dyn Contender>> = vec![
        Box::new(Local::<rusqlite::Rusqlite>::new(Rc::clone(&runtime))),
        Box::new(Local::<orm::Orm>::new(Rc::clone(&runtime))),
        Box::new(Local::<diesel::Diesel>::new(Rc::clone(&runtime))),
        Box::new(Local::<diesel_async::DieselAsync>::new(Rc::clone(&runtime))),
        Box::new(Local::<sqlx::Sqlx>::new(Rc::clone(&runtime))),
        Box::new(Local::<sea_orm::SeaOrm>::new(runtime)),
    ];
    if let Some(toasty) = toasty::Toasty::start()? {
        libraries.push(Box::new(toasty));
    }
    Ok(libraries)
}
