//! The clocks of an operating system: `MonotonicClock` (the default) and `SystemClock`.

extern crate std;

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::Clock;

/// The default clock: the operating system's monotonic clock, set once to Unix time when it is first read.
///
/// Nanoseconds since 1970-01-01 UTC. It does not follow later changes of the system's time, so windows aligned to the clock drift
/// from the wall clock by as much as that is adjusted while the process runs; use [`SystemClock`] to follow it.
///
/// Where Linux itself trusts the processor's time stamp counter, that is read directly (about half the cost of a system clock) and
/// checked against the system's clock at least once a second of use. It then stays within some microseconds of the system's clock; two threads may
/// read it a few apart, and a thread that is preempted while it takes a bearing may see it step back by as much. Limiters are built for that:
/// a late time mints nothing.
///
/// ```
/// use tidegate::{Clock, MonotonicClock};
/// let (a, b) = (MonotonicClock.now(), MonotonicClock.now());
/// assert!(a <= b && a > 1_700_000_000_000_000_000);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MonotonicClock;

impl Clock for MonotonicClock {
    #[inline]
    fn now(&self) -> u64 {
        super::tsc::now()
    }
}

/// The operating system's monotonic clock, set to Unix time at its first reading.
pub(super) fn system_monotonic() -> u64 {
    static START: OnceLock<(Instant, u64)> = OnceLock::new();
    let (start, unix) = START.get_or_init(|| (Instant::now(), SystemClock.now()));
    // 584 years of uptime.
    unix.saturating_add(start.elapsed().as_nanos() as u64)
}

/// The wall clock: nanoseconds since 1970-01-01 UTC, with all the steps that the system's time makes. 0 before 1970.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}
