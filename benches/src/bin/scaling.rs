//! How a cost grows: the measured part of `docs/scaling.md`, interleaved in short slices, within a minute.
//!
//! `cargo run --release -p tidegate-benches --bin scaling` measures, prints the tables and leaves the figures for `bin/page.rs`.

use std::io;
use std::time::Duration;

use tidegate_benches::interleave;
use tidegate_benches::results::{Results, Row, quick};
use tidegate_benches::{Candidate, scaling, tables};

const ROUNDS: u32 = 201;
const SLICE: Duration = Duration::from_micros(500);

fn main() -> io::Result<()> {
    let points = scaling::points();
    let about: Vec<_> = points.iter().map(|point| (point.group, point.unit, point.size)).collect();
    let mut candidates: Vec<Candidate> = points.into_iter().map(|point| point.candidate).collect();
    let series = interleave::candidates(&mut candidates, if quick() { ROUNDS / 20 } else { ROUNDS }, SLICE);
    let row = |((candidate, series), (group, unit, size)): ((&Candidate, _), &(&str, &str, f64))| Row {
        size: Some(*size),
        kind: Some((*unit).to_owned()),
        ..Row::new(tables::SCALING, group, candidate.name, series)
    };
    let rows = candidates.iter().zip(&series).zip(&about).map(row).collect();
    let results = Results { rows, ..Results::default() };
    println!("{}", tables::scaling(&results));
    results.save_part("scaling")
}
