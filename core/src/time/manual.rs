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
///
/// A blocking wait on it (`Limiter::acquire`, `Reservation::wait`) sleeps **until another thread has moved the clock** to the
/// instant waited for; a test of one thread would wait for ever. [`ManualClock::auto_advancing`] is for that: there sleeping is
/// itself what passes the time.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicU64,
    #[cfg(feature = "std")]
    sleepers: Sleepers,
}

/// Threads that wait for the clock to move. The lock is held to look at the clock and to tell of a move, so that no move is missed.
#[cfg(feature = "std")]
#[derive(Debug)]
struct Sleepers {
    pass_the_time: bool,
    looking: parking_lot::Mutex<()>,
    moved: parking_lot::Condvar,
}

impl ManualClock {
    /// A clock that says `now` nanoseconds.
    #[cfg(not(tidegate_loom))]
    pub const fn new(now: u64) -> ManualClock {
        ManualClock::made(AtomicU64::new(now), false)
    }

    #[cfg(tidegate_loom)]
    #[allow(missing_docs)]
    pub fn new(now: u64) -> ManualClock {
        ManualClock::made(AtomicU64::new(now), false)
    }

    /// A clock on which sleeping passes the time: a blocking wait moves it to the instant waited for, at once. For tests of one thread.
    ///
    /// ```
    /// use tidegate::{Clock, ManualClock};
    /// let clock = ManualClock::auto_advancing(0);
    /// clock.sleep_until(5_000);
    /// assert_eq!(clock.now(), 5_000);
    /// ```
    #[cfg(all(feature = "std", not(tidegate_loom)))]
    pub const fn auto_advancing(now: u64) -> ManualClock {
        ManualClock::made(AtomicU64::new(now), true)
    }

    const fn made(now: AtomicU64, _sleepers_pass_the_time: bool) -> ManualClock {
        ManualClock {
            now,
            #[cfg(feature = "std")]
            sleepers: Sleepers {
                pass_the_time: _sleepers_pass_the_time,
                looking: parking_lot::const_mutex(()),
                moved: parking_lot::Condvar::new(),
            },
        }
    }

    /// Sets the time, forwards or backwards.
    pub fn set(&self, now: u64) {
        self.now.swap(now, Relaxed);
        self.tell();
    }

    /// Moves the time forward; it stays at `u64::MAX` if it would go beyond.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.change(|now| now.saturating_add(by));
        self.tell();
    }

    fn change(&self, to: impl Fn(u64) -> u64) {
        let mut now = self.now.load(Relaxed);
        while let Err(seen) = self.now.compare_exchange_weak(now, to(now), Relaxed, Relaxed) {
            now = seen;
        }
    }

    /// Wakes those who wait for the clock to move.
    fn tell(&self) {
        #[cfg(feature = "std")]
        {
            drop(self.sleepers.looking.lock());
            self.sleepers.moved.notify_all();
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> u64 {
        self.now.load(Relaxed)
    }

    #[cfg(feature = "std")]
    fn sleep_until(&self, at: u64) {
        if self.sleepers.pass_the_time {
            self.change(|now| now.max(at));
            self.tell();
            return;
        }
        let mut looking = self.sleepers.looking.lock();
        while self.now() < at {
            self.sleepers.moved.wait(&mut looking);
        }
    }
}
