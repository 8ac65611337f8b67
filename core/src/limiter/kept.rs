//! `Kept`: how long somebody waits without the word saying so.
//!
//! A reservation for its earliest instant leaves a bucket or an interval count beyond its capacity for as long as it waits, so whoever gives
//! permits back sees it there. One for a later instant ([`reserve_from_at`](crate::Limiter::reserve_from_at)) need not: before its instant there may be room for
//! others. What is given back then is not owed any more, because it would have been earned back, or closed, until that instant;
//! taken off the word it would let newcomers run beside the reservation. The word cannot tell, so the instant is kept beside it,
//! and until then only what nobody has touched is given back.

use crate::sync::{
    AtomicU64,
    Ordering::{Relaxed, Release},
};

/// The latest such instant, in nanoseconds; 0 if there never was one.
#[derive(Debug)]
pub(crate) struct Kept(AtomicU64);

impl Kept {
    #[cfg(not(tidegate_loom))]
    pub(crate) const fn new(until: u64) -> Kept {
        Kept(AtomicU64::new(until))
    }

    #[cfg(tidegate_loom)]
    pub(crate) fn new(until: u64) -> Kept {
        Kept(AtomicU64::new(until))
    }

    /// Before the word is changed, by a releasing exchange: whoever acquires that word sees the instant.
    pub(crate) fn keep(&self, until: u64) {
        self.0.fetch_max(until, Release);
    }

    /// Whether somebody waits at `now`.
    pub(crate) fn waits(&self, now: u64) -> bool {
        now < self.until()
    }

    pub(crate) fn until(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(crate) fn forget(&self) {
        self.0.swap(0, Relaxed);
    }
}
