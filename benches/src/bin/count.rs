//! Runs each candidate so that callgrind can count its instructions: see `instructions.sh`, which runs this.
//!
//! Prints a line for each candidate whose count is the same in every run (those that read no clock), in the order in which they
//! run. Each is run with two numbers of calls, and `mark` after each, at which callgrind writes down what it has counted since the
//! last; the difference of the two, divided by [`CALLS`], is the cost of a call alone.
//!
//! `count [--slower PERCENT] [NAME]`: only the candidate of this name; slower by so many in a hundred, which the check must find.

use core::hint::black_box;

use tidegate_benches::{Candidate, Group, deterministic, floors};

/// How many more calls the second run makes.
const CALLS: u64 = 10_000;

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let slower = arguments.next_if_eq("--slower").and_then(|_| arguments.next()?.parse::<u64>().ok()).unwrap_or(0);
    let only = arguments.next();
    println!("calls\t{CALLS}");
    let mut all: Vec<Candidate> = deterministic();
    all.retain(|candidate| match candidate.group {
        Group::Floor => ["empty loop", floors::LOAD, floors::CAS].contains(&candidate.name),
        group => group.reads_no_clock(),
    });
    all.retain(|candidate| only.as_ref().is_none_or(|only| candidate.name == only));
    for candidate in &all {
        println!("{}\t{}", candidate.group.name(), candidate.name);
    }
    mark();
    for candidate in &mut all {
        // The first calls find a log with free slots and branches never taken; they are not what is counted.
        for calls in [2_000, 1_000, 1_000 + CALLS + CALLS * slower / 100] {
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
