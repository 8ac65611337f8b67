//! One limiter: floors, tidegate and its peers, interleaved in short slices, on one thread and on more, within a minute.
//!
//! `cargo run --release -p tidegate-benches --bin table` measures, prints the tables and leaves the figures for `bin/page.rs`.

use std::io;
use std::time::Duration;

use tidegate_benches::interleave::{self, Middle, Series};
use tidegate_benches::results::{Bound, Results, Row, quick};
use tidegate_benches::threads::Crowd;
use tidegate_benches::{Candidate, Group, candidates, coarse, floors, ours, peers, retry, tables, threads};

const ROUNDS: u32 = 601;
const SLICE: Duration = Duration::from_micros(250);
const CROWD_ROUNDS: u32 = 301;
const CROWD_SLICE: Duration = Duration::from_millis(4);
/// The page of all these bounds.
const PAGE: &str = "benchmarks";

fn main() -> io::Result<()> {
    let one = OneThread::measure();
    let more = Threads::measure();
    let mut results = Results { rows: one.rows(), bounds: bounds(&one, &more), ..Results::default() };
    results.rows.extend(more.rows());
    for table in [tables::bounds(&results, PAGE), tables::speed(&results), tables::threads(&results)] {
        println!("{table}");
    }
    results.save_part("direct")
}

/// The figures of one thread.
struct OneThread {
    candidates: Vec<Candidate>,
    series: Vec<Series>,
}

impl OneThread {
    fn measure() -> OneThread {
        let mut candidates = candidates();
        let rounds = if quick() { ROUNDS / 20 } else { ROUNDS };
        let series = interleave::candidates(&mut candidates, rounds, SLICE);
        OneThread { candidates, series }
    }

    fn get(&self, group: Group, name: &str) -> &Series {
        let found = self.candidates.iter().position(|candidate| (candidate.group, candidate.name) == (group, name));
        &self.series[found.expect("a candidate of this name")]
    }

    /// What a group is compared with: the floor, where there is one, and a call of ours on the default algorithm.
    fn yardsticks(&self, group: Group) -> (Option<&Series>, Option<&Series>) {
        let floor = match group {
            Group::Floor | Group::GivenGrant | Group::CoarseGrant | Group::Places => Some(floors::CAS),
            Group::GivenDenial => Some(floors::LOAD),
            Group::ClockGrant => Some(floors::COUNTER_CAS),
            Group::ClockDenial => Some(floors::COUNTER),
            Group::Retry => None,
        };
        let ours = match group {
            Group::Floor => None,
            Group::CoarseGrant => Some(self.get(Group::ClockGrant, ours::GCRA)),
            Group::Places => Some(self.get(Group::GivenGrant, ours::GCRA)),
            Group::Retry => Some(self.get(group, retry::OURS)),
            _ => Some(self.get(group, ours::GCRA)),
        };
        (floor.map(|floor| self.get(Group::Floor, floor)), ours)
    }

    fn rows(&self) -> Vec<Row> {
        let row = |(candidate, series): (&Candidate, &Series)| {
            let (floor, ours) = self.yardsticks(candidate.group);
            Row::new(tables::DIRECT, candidate.group.name(), candidate.name, series)
                .to_floor(floor.map(|floor| Middle::of_ratio(series, floor)))
                .to_ours(ours.map(|ours| Middle::of_ratio(series, ours)))
        };
        self.candidates.iter().zip(&self.series).map(row).collect()
    }
}

/// The figures of threads on one limiter.
struct Threads {
    crowds: Vec<Crowd>,
    series: Vec<Series>,
}

impl Threads {
    fn measure() -> Threads {
        let mut crowds = threads::crowds(&threads::numbers());
        let rounds = if quick() { CROWD_ROUNDS / 10 } else { CROWD_ROUNDS };
        let series = interleave::crowds(&mut crowds, rounds, CROWD_SLICE);
        Threads { crowds, series }
    }

    fn get(&self, name: &str, threads: usize) -> Option<&Series> {
        let found = self.crowds.iter().position(|crowd| (crowd.name, crowd.threads) == (name, threads));
        Some(&self.series[found?])
    }

    fn rows(&self) -> Vec<Row> {
        let row = |(crowd, series): (&Crowd, &Series)| {
            let ours = self.get(ours::GCRA, crowd.threads).map(|ours| Middle::of_ratio(series, ours));
            let floor = self.get(floors::CAS, crowd.threads).map(|floor| Middle::of_ratio(series, floor));
            let row = Row::new(tables::THREADS, "grant, default clock", crowd.name, series);
            Row { threads: Some(crowd.threads), ..row.to_ours(ours).to_floor(floor) }
        };
        self.crowds.iter().zip(&self.series).map(row).collect()
    }
}

/// What is promised or wanted, and what was measured.
fn bounds(one: &OneThread, more: &Threads) -> Vec<Bound> {
    let ours = |group| one.get(group, ours::GCRA);
    let floor = |name| one.get(Group::Floor, name);
    let clocked = |name| one.get(Group::ClockGrant, name);
    let at_least = |says, least, above, below| Bound::at_least(PAGE, says, least, Middle::of_ratio(above, below));
    let at_most = |says, most, above, below| Bound::at_most(PAGE, says, most, Middle::of_ratio(above, below));
    let known = |says, above, below| Bound::known(PAGE, says, Middle::of_ratio(above, below));
    let (given, denied, clock) = (ours(Group::GivenGrant), ours(Group::GivenDenial), ours(Group::ClockGrant));
    let (governor, ratelimit) = (clocked(peers::GOVERNOR), clocked(peers::RATELIMIT));
    let counted = floor(floors::COUNTER_CAS);
    let (system, stored) = (one.get(Group::CoarseGrant, coarse::SYSTEM), one.get(Group::CoarseGrant, coarse::STORED));
    let mut all = vec![
        at_most("A grant, `now` given, to a bare compare-and-swap loop", 1.25, given, floor(floors::CAS)),
        at_most("A denial, `now` given, to a grant", 0.25, denied, given),
        at_least("governor to tidegate, a grant, each with its default clock", 1.5, governor, clock),
        at_least("ratelimit to tidegate, a grant, each with its default clock", 3.0, ratelimit, clock),
        known(
            "governor to the floor of such a grant, the raw counter and a bare loop: the room there is",
            governor,
            counted,
        ),
        known("ratelimit to that floor", ratelimit, counted),
        known("tidegate to that floor", clock, counted),
        known(
            "governor, default clock, to tidegate with the system's coarse clock, chosen by its user",
            governor,
            system,
        ),
        known("governor, default clock, to tidegate with an instant stored now and then", governor, stored),
    ];
    let two = |name| more.get(name, 2);
    if let (Some(governor), Some(word), Some(lease)) = (two(peers::GOVERNOR), two(ours::GCRA), two(threads::LEASE)) {
        all.push(at_least("governor to tidegate, two threads on one limiter", 1.0, governor, word));
        all.push(at_least("One word to leases, two threads on one limiter", 5.0, word, lease));
        all.push(at_least("governor to tidegate's leases, two threads on one limiter", 5.0, governor, lease));
    }
    all
}
