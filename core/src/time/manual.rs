//! `ManualClock`: time that a test owns.

use core::time::Duration;

use crate::Clock;
use crate::sync::{AtomicU64, Ordering::Relaxed};

/// A clock that moves only when told to.
///
/// ```
/// use std::time::Duration;
/// use tidegate::{Clock, ManualClock};
/// let clock = ManualClock::new(5);
/// clock.advance(Duration::from_nanos(7));
/// assert_eq!(clock.now(), 12);
/// clock.set(3); // backwards, as real clocks may
/// assert_eq!(clock.now(), 3);
/// ```
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that says `now` nanoseconds.
    #[cfg(not(tidegate_loom))]
    pub const fn new(now: u64) -> ManualClock {
        ManualClock(AtomicU64::new(now))
    }

    /// Sets the time, forwards or backwards.
    pub fn set(&self, now: u64) {
        self.0.swap(now, Relaxed);
    }

    /// Moves the time forward; it stays at `u64::MAX` if it would go beyond.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let mut now = self.0.load(Relaxed);
        while let Err(seen) = self.0.compare_exchange_weak(now, now.saturating_add(by), Relaxed, Relaxed) {
            now = seen;
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
