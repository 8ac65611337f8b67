//! Clocks: where `now` comes from when the caller does not say.
//!
//! A clock counts nanoseconds from an origin of its own. The default one begins at the Unix epoch and never steps back, so that
//! windows are aligned to UTC and snapshots mean something after a restart.

mod manual;
#[cfg(feature = "std")]
mod monotonic;
#[cfg(feature = "std")]
mod tsc;

pub use manual::ManualClock;
#[cfg(feature = "std")]
pub use monotonic::{MonotonicClock, SystemClock};

/// A source of time in nanoseconds.
///
/// It may stand still, jump, or run backwards: limiters read a late time as the latest that their state remembers, and nothing is
/// refunded or minted. Values above 2^63 - 1 are read as that.
///
/// ```
/// struct Ticks;
/// impl tidegate::Clock for Ticks {
///     fn now(&self) -> u64 {
///         42_000_000 // a timer register, say
///     }
/// }
/// ```
pub trait Clock: Send + Sync {
    /// Nanoseconds since the clock's origin.
    fn now(&self) -> u64;

    /// Blocks the calling thread until [`Clock::now`] is `at` or later; for the blocking waits.
    ///
    /// The default sleeps as long as is left, in the operating system's time. It may come back early: who waits looks at the clock and
    /// sleeps again. A clock that does not keep the pace of the system's time should sleep by its own.
    #[cfg(feature = "std")]
    fn sleep_until(&self, at: u64) {
        extern crate std;
        std::thread::sleep(core::time::Duration::from_nanos(at.saturating_sub(self.now())));
    }
}

impl<T: Clock + ?Sized> Clock for &T {
    fn now(&self) -> u64 {
        (**self).now()
    }
    #[cfg(feature = "std")]
    fn sleep_until(&self, at: u64) {
        (**self).sleep_until(at);
    }
}

#[cfg(feature = "alloc")]
impl<T: Clock + ?Sized> Clock for alloc::sync::Arc<T> {
    fn now(&self) -> u64 {
        (**self).now()
    }
    #[cfg(feature = "std")]
    fn sleep_until(&self, at: u64) {
        (**self).sleep_until(at);
    }
}

/// A limiter's clock, without a type parameter.
#[derive(Clone)]
pub(crate) enum ClockSource {
    Default,
    // Read by the verbs without `_at`, which need `std`.
    #[cfg_attr(not(feature = "std"), allow(dead_code))]
    Static(&'static dyn Clock),
    #[cfg(feature = "alloc")]
    #[cfg_attr(not(feature = "std"), allow(dead_code))]
    Shared(alloc::sync::Arc<dyn Clock>),
}

#[cfg(feature = "std")]
impl ClockSource {
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        match self {
            ClockSource::Default => MonotonicClock.now(),
            ClockSource::Static(clock) => clock.now(),
            ClockSource::Shared(clock) => clock.now(),
        }
    }

    pub(crate) fn sleep_until(&self, at: u64) {
        match self {
            ClockSource::Default => MonotonicClock.sleep_until(at),
            ClockSource::Static(clock) => clock.sleep_until(at),
            ClockSource::Shared(clock) => clock.sleep_until(at),
        }
    }

    /// Whether both say the same time.
    pub(crate) fn is(&self, other: &ClockSource) -> bool {
        match (self, other) {
            (ClockSource::Default, ClockSource::Default) => true,
            (ClockSource::Static(a), ClockSource::Static(b)) => core::ptr::addr_eq(*a, *b),
            (ClockSource::Shared(a), ClockSource::Shared(b)) => core::ptr::addr_eq(&raw const **a, &raw const **b),
            _ => false,
        }
    }
}

impl core::fmt::Debug for ClockSource {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            ClockSource::Default => "default clock",
            _ => "own clock",
        })
    }
}
