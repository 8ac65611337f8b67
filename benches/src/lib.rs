//! What is measured, once for all ways of measuring it.
//!
//! A [`Candidate`] makes calls and counts how many were admitted; whoever measures it checks that count, so that no candidate is
//! fast because it does other work than its neighbours. Three programs measure the same list ([`candidates`]):
//! * `benches/speed.rs`, with criterion: absolute times;
//! * `bin/table.rs`, interleaved in short slices: ratios that a noisy machine cannot bend;
//! * `bin/count.rs`, under callgrind: instructions, which have no noise at all (`instructions.sh`).
//!
//! `bin/keys.rs` measures tables of many keys, `bin/scaling.rs` how a cost grows, `bin/burst.rs` what is admitted, in virtual time.
//! Each writes its part ([`results`]); `bin/page.rs` makes tables and charts of all of them. `run.sh` is all of it in one run.

pub mod burst;
pub mod candidate;
pub mod chart;
pub mod charts;
pub mod coarse;
pub mod documents;
pub mod floors;
pub mod interleave;
pub mod languages;
pub mod machine;
pub mod model;
pub mod ours;
pub mod page;
pub mod peers;
pub mod places;
pub mod quotas;
pub mod results;
pub mod retry;
pub mod scaling;
pub mod tables;
pub mod threads;

pub use candidate::{Candidate, Group};

/// Everything that is measured on one thread, in the order of the table.
pub fn candidates() -> Vec<Candidate> {
    let mut all = deterministic();
    all.extend(coarse::candidates());
    all.sort_by_key(|candidate| candidate.group);
    all
}

/// All but those whose clocks have threads or system calls of their own, which do not belong under callgrind.
pub fn deterministic() -> Vec<Candidate> {
    let mut all = floors::candidates();
    all.extend(ours::candidates());
    all.extend(peers::candidates());
    all.extend(places::candidates());
    all.extend(retry::candidates());
    all.sort_by_key(|candidate| candidate.group);
    all
}

#[cfg(test)]
mod tests {
    /// A candidate that admits another number than it says does other work than it says.
    #[test]
    fn every_candidate_admits_what_it_says() {
        for mut candidate in super::candidates() {
            for calls in [0, 1, 2, 999, 5_000] {
                candidate.run_checked(calls);
            }
        }
    }

    #[test]
    fn threads_admit_what_they_say() {
        for crowd in super::threads::crowds(&[1, 2]) {
            for calls in [2, 10_000] {
                crowd.run_checked(calls);
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = super::candidates().iter().map(|c| (c.group, c.name)).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
