//! What limiters admit of one and the same trace, in virtual time: the lines of four charts.
//!
//! `cargo run --release -p tidegate-benches --bin burst` leaves them for `bin/page.rs`.

use std::io;

use tidegate_benches::burst;
use tidegate_benches::results::Results;

fn main() -> io::Result<()> {
    let lines = burst::lines();
    for line in &lines {
        let last = line.points.last().copied().unwrap_or_default();
        println!("{:<16} {:<20} {:>10} admitted", line.chart, line.name, last.1);
    }
    Results { lines, ..Results::default() }.save_part("burst")
}
