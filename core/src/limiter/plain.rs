//! `Limiter`: the verbs at the time of its own clock.

use core::time::Duration;

use crate::decision::Decision;
use crate::limiter::{Limiter, Refused, Reservation, Slot};
use crate::time::ClockSource;

impl Limiter {
    pub(crate) fn clock(&self) -> &ClockSource {
        &self.clock
    }

    /// The time of the limiter's clock, in nanoseconds.
    #[inline]
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// [`Limiter::try_acquire_at`], now.
    #[inline]
    pub fn try_acquire(&self, cost: u64) -> bool {
        self.try_acquire_at(self.now(), cost)
    }

    /// [`Limiter::take_at`], now.
    #[inline]
    pub fn take(&self, cost: u64) -> Decision {
        self.take_at(self.now(), cost)
    }

    /// [`Limiter::peek_at`], now.
    #[inline]
    pub fn peek(&self, cost: u64) -> Decision {
        self.peek_at(self.now(), cost)
    }

    /// [`Limiter::refund_at`], now.
    pub fn refund(&self, permits: u64) {
        self.refund_at(self.now(), permits);
    }

    /// [`Limiter::charge_at`], now.
    pub fn charge(&self, cost: u64) -> Decision {
        self.charge_at(self.now(), cost)
    }

    /// [`Limiter::reserve_at`], now. A `max_wait` beyond 584 years is read as that.
    ///
    /// # Errors
    /// As [`Limiter::reserve_at`].
    pub fn reserve(&self, cost: u64, max_wait: Duration) -> Result<Reservation<'_>, Refused> {
        self.reserve_at(self.now(), cost, crate::wait::nanos(max_wait)).map(|slot| Reservation::new(self, slot))
    }

    /// [`Limiter::cancel_at`], now: the clock is read after the state, so that no spend is later.
    pub fn cancel(&self, slot: Slot) {
        self.cancel_by(|| self.now(), &slot);
    }

    /// [`Limiter::settle_at`], now, likewise.
    pub fn settle(&self, slot: Slot, actual: u64) -> Decision {
        self.settle_by(self.now(), || self.now(), &slot, actual)
    }
}
