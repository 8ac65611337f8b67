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
}

impl<T: Clock + ?Sized> Clock for &T {
    fn now(&self) -> u64 {
        (**self).now()
    }
}

#[cfg(feature = "alloc")]
impl<T: Clock + ?Sized> Clock for alloc::sync::Arc<T> {
    fn now(&self) -> u64 {
        (**self).now()
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
}

impl core::fmt::Debug for ClockSource {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            ClockSource::Default => "default clock",
            _ => "own clock",
        })
    }
}
