//! Clocks that a user may choose because they are cheaper than the default one, and what they cost in exactness.
//!
//! A grant with the default clock cannot be faster than a reading of the processor's counter and a compare-and-swap, one after the other.
//! Who can do with a coarser time gets below that, with tidegate's `Clock` as with governor's:
//! * the system's coarse clock (`CLOCK_MONOTONIC_COARSE`), which moves on by a tick of the kernel, 1 to 10 ms;
//! * an instant that somebody stores from time to time, here never during a measurement: reading it is a load.
//!
//! A limiter's promise holds on any of them, in the time that they tell. In real time, permits come late by up to a tick, never early
//! within one clock, and a burst that falls on a tick is admitted as if it came at its beginning.

use core::time::Duration;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use governor::RateLimiter;
use governor::clock::QuantaUpkeepClock;
use rustix::time::{ClockId, clock_gettime};
use tidegate::{Algorithm, Clock, Limiter};

use crate::candidate::{Candidate, Group, count};
use crate::quotas::{ORIGIN, ample, in_governor};

/// Ours with the system's coarse clock.
pub const SYSTEM: &str = "tidegate gcra: try_acquire, the system's coarse clock";
/// Ours with a stored instant.
pub const STORED: &str = "tidegate gcra: try_acquire, an instant that is stored now and then";

/// The system's clock as of its last tick.
struct SystemCoarse;

impl Clock for SystemCoarse {
    #[inline]
    fn now(&self) -> u64 {
        let time = clock_gettime(ClockId::MonotonicCoarse);
        time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
    }
}

/// What somebody has stored.
pub struct Stored(AtomicU64);

impl Clock for Stored {
    #[inline]
    fn now(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

static SYSTEM_COARSE: SystemCoarse = SystemCoarse;
/// An instant that nobody stores anew during a measurement.
pub static STORED_INSTANT: Stored = Stored(AtomicU64::new(ORIGIN));

/// The two clocks, and ours and governor's limiter on such clocks.
pub fn candidates() -> Vec<Candidate> {
    let ours = |clock: &'static dyn Clock| {
        Limiter::builder(Algorithm::Gcra, ample()).clock(clock).build().expect("within every bound")
    };
    let (system, stored) = (ours(&SYSTEM_COARSE), ours(&STORED_INSTANT));
    let mut all = vec![
        Candidate::floor("clock: the system's coarse clock", true, |calls| {
            count(&SYSTEM_COARSE, calls, |clock| clock.now() > 0)
        }),
        Candidate::new(Group::CoarseGrant, SYSTEM, move |calls| {
            count(&system, calls, |limiter| limiter.try_acquire(1))
        }),
        Candidate::new(Group::CoarseGrant, STORED, move |calls| {
            count(&stored, calls, |limiter| limiter.try_acquire(1))
        }),
    ];
    // There can be one thread of upkeep in a process; it stores an instant once a millisecond.
    if let Ok(clock) = QuantaUpkeepClock::from_interval(Duration::from_millis(1)) {
        let limiter = RateLimiter::direct_with_clock(in_governor::ample(), clock);
        all.push(Candidate::new(Group::CoarseGrant, "governor: check, quanta's upkeep clock", move |calls| {
            count(&limiter, calls, |limiter| limiter.check().is_ok())
        }));
    }
    all
}
