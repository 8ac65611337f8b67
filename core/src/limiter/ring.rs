//! `SlidingLog<N>`: the exact rolling window with its permits in an array, for where there is no heap.

#[cfg(not(tidegate_loom))]
use core::time::Duration;

use crate::decision::Decision;
use crate::limiter::log::Log;
#[cfg(not(tidegate_loom))]
use crate::limiter::log::LogRule;
use crate::limiter::{Refused, Retired, Slot};
#[cfg(not(tidegate_loom))]
use crate::quota::{Quota, QuotaError};
use crate::sync::AtomicU64;

/// A sliding log of at most `N` permits per period, without a heap: `N * 8 + 16` bytes of state.
///
/// The same decisions as a [`Limiter`](crate::Limiter) with [`Algorithm::SlidingLog`](crate::Algorithm::SlidingLog) and a limit of `N`.
/// Never more than `N` permits in any half-open span of the period.
///
/// ```
/// use std::time::Duration;
/// use tidegate::SlidingLog;
/// let log: SlidingLog<3> = SlidingLog::new(Duration::from_secs(1))?;
/// assert!(log.try_acquire_at(0, 3));
/// assert!(!log.try_acquire_at(999_999_999, 1));
/// assert!(log.try_acquire_at(1_000_000_000, 1));
/// # Ok::<(), tidegate::QuotaError>(())
/// ```
#[derive(Debug)]
pub struct SlidingLog<const N: usize> {
    log: Log<Slots<N>>,
}

#[derive(Debug)]
struct Slots<const N: usize>([AtomicU64; N]);

impl<const N: usize> AsRef<[AtomicU64]> for Slots<N> {
    fn as_ref(&self) -> &[AtomicU64] {
        &self.0
    }
}

impl<const N: usize> SlidingLog<N> {
    /// `N` permits per `period`.
    ///
    /// # Errors
    /// `N` of 0 or above 2^18 - 1; a period of 0 or above 2^62 ns.
    #[cfg(not(tidegate_loom))]
    pub const fn new(period: Duration) -> Result<SlidingLog<N>, QuotaError> {
        let quota = match Quota::new(N as u64, period) {
            Ok(quota) => quota,
            Err(error) => return Err(error),
        };
        match LogRule::new(&quota) {
            Ok(rule) => Ok(SlidingLog { log: Log::new(rule, Slots([const { AtomicU64::new(0) }; N])) }),
            Err(error) => Err(error),
        }
    }

    /// Spends `cost` permits if they fit; whether they did.
    pub fn try_acquire_at(&self, now: u64, cost: u64) -> bool {
        cost == 0 || settled(|| self.log.try_acquire(self.clamp(now), cost))
    }

    /// Spends `cost` permits if they fit, and says everything about it.
    pub fn take_at(&self, now: u64, cost: u64) -> Decision {
        settled(|| self.log.take(self.clamp(now), cost))
    }

    /// What `take_at` would answer, without spending.
    pub fn peek_at(&self, now: u64, cost: u64) -> Decision {
        settled(|| self.log.peek(self.clamp(now), cost))
    }

    /// Gives back the oldest `permits` live permits.
    pub fn refund_at(&self, now: u64, permits: u64) {
        settled(|| self.log.refund(self.clamp(now), permits));
    }

    /// Spends `cost` although it does not fit (see [`Limiter::charge_at`](crate::Limiter::charge_at)).
    pub fn charge_at(&self, now: u64, cost: u64) -> Decision {
        if cost == 0 {
            return self.peek_at(now, 0);
        }
        settled(|| self.log.charge(self.clamp(now), cost))
    }

    /// Books `cost` permits for the earliest instant at which they fit.
    ///
    /// # Errors
    /// As [`Limiter::reserve_at`](crate::Limiter::reserve_at).
    pub fn reserve_at(&self, now: u64, cost: u64, max_wait_nanos: u64) -> Result<Slot, Refused> {
        if cost == 0 {
            return Ok(Slot::nothing(now));
        }
        settled(|| self.log.reserve(self.clamp(now), 0, cost, max_wait_nanos))
    }

    /// Gives a reservation back (see [`Limiter::cancel_at`](crate::Limiter::cancel_at)).
    pub fn cancel_at(&self, now: u64, slot: Slot) {
        if slot.cost() > 0 {
            let (oldest, head) = slot.log_after();
            settled(|| self.log.cancel_by(|| now, slot.cost(), oldest, head));
        }
    }

    /// As new and full.
    pub fn reset(&self) {
        settled(|| self.log.reset());
    }

    fn clamp(&self, now: u64) -> u64 {
        now.min(self.log.rule().end())
    }
}

/// Nothing retires the log of a `SlidingLog`, so the first answer is the answer.
fn settled<R>(verb: impl Fn() -> Result<R, Retired>) -> R {
    loop {
        if let Ok(answer) = verb() {
            return answer;
        }
    }
}
