//! Runs each candidate so that callgrind can count its instructions: see `instructions.sh`, which runs this.
//!
//! Prints a line for each candidate whose count is the same in every run (those that read no clock), in the order in which they
//! run. Each is run with two numbers of calls, and `mark` after each, at which callgrind writes down what it has counted since the
//! last; the difference of the two, divided by [`CALLS`], is the cost of a call alone.

use core::hint::black_box;

use tidegate_benches::{Candidate, Group, candidates, floors};

/// How many more calls the second run makes.
const CALLS: u64 = 10_000;

fn main() {
    println!("calls\t{CALLS}");
    let mut all: Vec<Candidate> = candidates();
    all.retain(|candidate| match candidate.group {
        Group::Floor => ["empty loop", floors::LOAD, floors::CAS].contains(&candidate.name),
        Group::GivenGrant | Group::GivenDenial => true,
        Group::ClockGrant | Group::ClockDenial => false,
    });
    for candidate in &all {
        println!("{}\t{}", candidate.group.name(), candidate.name);
    }
    mark();
    for candidate in &mut all {
        // The first calls find a log with free slots and branches never taken; they are not what is counted.
        for calls in [2_000, 1_000, 1_000 + CALLS] {
            candidate.run_checked(calls);
            mark();
        }
    }
}

/// Callgrind writes its counts whenever this is entered.
#[inline(never)]
fn mark() {
    black_box(());
}
