//! The results, for people and for programs.

use std::path::PathBuf;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::harness::Measured;

/// A result as it is saved.
#[derive(Serialize)]
struct Line {
    shape: &'static str,
    size: usize,
    library: &'static str,
    median_ns: f64,
    ratio: Option<f64>,
}

/// Prints a table for each shape: a row for each library, a column for each size.
pub fn print(results: &[Measured]) {
    for shape in results.chunk_by(|a, b| a.case.shape == b.case.shape) {
        let sizes: Vec<_> = shape.chunk_by(|a, b| a.case.size == b.case.size).collect();
        let mut table = Table::new();
        table.load_preset(presets::ASCII_MARKDOWN);
        let heads = sizes.iter().map(|size| size[0].case.size.to_string());
        table.set_header(std::iter::once(shape[0].case.shape.name().to_owned()).chain(heads));
        for (row, first) in sizes[0].iter().enumerate() {
            let cells = sizes.iter().map(|size| cell(&size[row]));
            table.add_row(std::iter::once(first.library.to_owned()).chain(cells));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        println!("\n{table}");
    }
}

fn cell(result: &Measured) -> String {
    if result.ratio.is_nan() {
        time(result.nanoseconds)
    } else {
        format!("{} {:>6.2}x", time(result.nanoseconds), result.ratio)
    }
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ..1e6 => format!("{:.2} us", nanoseconds / 1e3),
        ..1e9 => format!("{:.2} ms", nanoseconds / 1e6),
        _ => format!("{:.2} s", nanoseconds / 1e9),
    }
}

/// Saves all results as JSON in the folder that `ORM_BENCH_OUT` names, `target/bench` unless set.
pub fn save(results: &[Measured], name: &str) -> Result<()> {
    let folder =
        std::env::var_os("ORM_BENCH_OUT").map_or_else(|| PathBuf::from("target/bench"), PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{name}.json"));
    let lines: Vec<Line> = results.iter().map(Line::of).collect();
    std::fs::write(&file, serde_json::to_string_pretty(&lines)?)?;
    println!("\nsaved to {}", file.display());
    Ok(())
}

impl Line {
    fn of(result: &Measured) -> Self {
        Line {
            shape: result.case.shape.name(),
            size: result.case.size,
            library: result.library,
            median_ns: result.nanoseconds,
            ratio: Some(result.ratio).filter(|ratio| ratio.is_finite()),
        }
    }
}
