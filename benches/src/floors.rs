//! Floors: what no limiter with the same promise can be faster than on this machine.
//!
//! A grant must change a shared word, so it costs one uncontended compare-and-swap; a denial must read it; a limiter that reads a
//! clock reads at least the counter behind it (the time stamp counter, where the system has it). The two do not overlap: the
//! counter is read after the last swap has finished, and the next swap waits for all before it. The empty loop is what measuring
//! itself costs, and is contained in all other figures.

use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use tidegate::{Clock, MonotonicClock};

use crate::candidate::{Candidate, count};

/// The name of the floor of a grant.
pub const CAS: &str = "compare-and-swap loop";
/// The name of the floor of a denial.
pub const LOAD: &str = "load and compare";
/// The name of the floor of a denial that reads a clock, whose cost covers the load.
pub const COUNTER: &str = "raw counter";
/// The name of the floor of a grant that reads a clock.
pub const COUNTER_CAS: &str = "raw counter, then compare-and-swap loop";

/// Adds one to the word, as a limiter with nothing to compute would.
#[inline(always)]
pub fn bare_cas(word: &AtomicU64) -> bool {
    let mut before = word.load(Relaxed);
    loop {
        match word.compare_exchange_weak(before, before.wrapping_add(1), Relaxed, Relaxed) {
            Ok(_) => return true,
            Err(seen) => before = seen,
        }
    }
}

/// All floors.
pub fn candidates() -> Vec<Candidate> {
    let (cas, full, counted) = (AtomicU64::new(0), AtomicU64::new(1_000), AtomicU64::new(0));
    let clock = quanta::Clock::new();
    let (counter, counter_and_word) = (clock.clone(), (clock.clone(), counted));
    vec![
        Candidate::floor("empty loop", true, |calls| count(&(), calls, |()| true)),
        Candidate::floor(LOAD, false, move |calls| count(&full, calls, |word| word.load(Relaxed) < black_box(1_000))),
        Candidate::floor(CAS, true, move |calls| count(&cas, calls, bare_cas)),
        Candidate::floor(COUNTER, true, move |calls| count(&counter, calls, |counter| black_box(counter.raw()) > 0)),
        Candidate::floor(COUNTER_CAS, true, move |calls| {
            count(&counter_and_word, calls, |(counter, word)| {
                black_box(counter.raw());
                bare_cas(word)
            })
        }),
        Candidate::floor("clock: std Instant", true, |calls| {
            count(&(), calls, |()| {
                black_box(Instant::now());
                true
            })
        }),
        Candidate::floor("clock: tidegate MonotonicClock", true, |calls| {
            count(&MonotonicClock, calls, |clock| black_box(clock.now()) > 0)
        }),
        // Read as governor reads it.
        Candidate::floor("clock: quanta", true, move |calls| {
            count(&clock, calls, |clock| black_box(clock.delta_as_nanos(0, clock.raw())) > 0)
        }),
    ]
}
