//! Measuring many things in turn, in slices so short that whatever disturbs the machine disturbs all of them alike.
//!
//! A ratio is taken within one round, where both sides saw the same machine, and the median is taken over the rounds. A slice that
//! was interrupted moves a mean, but not a median.

use std::time::{Duration, Instant};

use crate::Candidate;
use crate::threads::Crowd;

/// Nanoseconds a call, for each round, of one thing.
pub type Series = Vec<f64>;

/// The middle of a series and of its lower and upper half.
#[derive(Clone, Copy, Debug)]
pub struct Middle {
    /// Half of the values are below.
    pub median: f64,
    /// A quarter of the values are below.
    pub low: f64,
    /// A quarter of the values are above.
    pub high: f64,
}

impl Middle {
    /// Of a series of at least one value.
    pub fn of(mut series: Series) -> Middle {
        series.sort_by(f64::total_cmp);
        let at = |part: f64| series[(part * (series.len() - 1) as f64).round() as usize];
        Middle { median: at(0.5), low: at(0.25), high: at(0.75) }
    }

    /// Of the ratios of two series, round by round.
    pub fn of_ratio(above: &Series, below: &Series) -> Middle {
        Middle::of(above.iter().zip(below).map(|(a, b)| a / b).collect())
    }
}

/// Something that takes a while for a number of calls.
trait Timed {
    fn time(&mut self, calls: u64) -> Duration;
}

impl Timed for Candidate {
    fn time(&mut self, calls: u64) -> Duration {
        let start = Instant::now();
        let admitted = self.run(calls);
        let elapsed = start.elapsed();
        self.check(calls, admitted);
        elapsed
    }
}

impl Timed for Crowd {
    fn time(&mut self, calls: u64) -> Duration {
        self.run_checked(calls)
    }
}

/// Measures candidates in `rounds` rounds, with a slice of each candidate in each round.
pub fn candidates(all: &mut [Candidate], rounds: u32, slice: Duration) -> Vec<Series> {
    measure(all, rounds, slice)
}

/// Measures threads on one limiter likewise.
pub fn crowds(all: &mut [Crowd], rounds: u32, slice: Duration) -> Vec<Series> {
    measure(all, rounds, slice)
}

fn measure<T: Timed>(all: &mut [T], rounds: u32, slice: Duration) -> Vec<Series> {
    let calls: Vec<u64> = all.iter_mut().map(|timed| calls_in(timed, slice)).collect();
    let mut series = vec![Series::with_capacity(rounds as usize); all.len()];
    for round in 0..rounds {
        for turn in 0..all.len() {
            // Each round begins elsewhere and every second one goes backwards, so that no candidate always follows the same one.
            let turn = (turn + round as usize) % all.len();
            let index = if round % 2 == 0 { turn } else { all.len() - 1 - turn };
            let elapsed = all[index].time(calls[index]);
            series[index].push(elapsed.as_nanos() as f64 / calls[index] as f64);
        }
    }
    series
}

/// How many calls fill a slice. Also warms up: caches, branch predictors, and clocks that calibrate themselves in use.
fn calls_in<T: Timed>(timed: &mut T, slice: Duration) -> u64 {
    let mut calls = 1_024;
    loop {
        let elapsed = timed.time(calls);
        if elapsed >= slice {
            let a_slice = u128::from(calls) * slice.as_nanos() / elapsed.as_nanos().max(1);
            return (a_slice as u64).max(1_024) / 2 * 2;
        }
        calls *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_ignores_an_outlier() {
        let middle = Middle::of(vec![5.0, 1.0, 2.0, 4.0, 1e9]);
        assert_eq!((middle.low, middle.median, middle.high), (2.0, 4.0, 5.0));
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let middle = Middle::of_ratio(&vec![2.0, 20.0, 200.0], &vec![1.0, 10.0, 100.0]);
        assert_eq!((middle.low, middle.median, middle.high), (2.0, 2.0, 2.0));
    }
}
