//! `Key`: the verbs at the time of the limiter's own clock, and what they book.

use core::fmt;
use core::time::Duration;

use super::Key;
use crate::decision::Decision;
use crate::limiter::{Refused, Slot};

impl<K: ?Sized> Key<'_, K> {
    /// The time, while memory is asked for the key's slot: some processors read their counter only when all loads before are done, so a load
    /// that went ahead would hold it up, and one that comes after is held up by it.
    #[inline(always)]
    fn now(&self) -> u64 {
        self.prefetch();
        self.keys.clock.now()
    }

    /// [`Key::try_acquire_at`], now.
    #[inline]
    pub fn try_acquire(&self, cost: u64) -> bool {
        self.try_acquire_at(self.now(), cost)
    }

    /// [`Key::take_at`], now.
    #[inline]
    pub fn take(&self, cost: u64) -> Decision {
        self.take_at(self.now(), cost)
    }

    /// [`Key::peek_at`], now.
    pub fn peek(&self, cost: u64) -> Decision {
        self.peek_at(self.now(), cost)
    }

    /// [`Key::charge_at`], now.
    pub fn charge(&self, cost: u64) -> Decision {
        self.charge_at(self.now(), cost)
    }

    /// [`Key::refund_at`], now.
    pub fn refund(&self, permits: u64) {
        self.refund_at(self.now(), permits);
    }

    /// [`Key::cancel_at`], now.
    pub fn cancel(&self, slot: Slot) {
        self.cancel_at(self.now(), slot);
    }

    /// [`Key::settle_at`], now.
    pub fn settle(&self, slot: Slot, actual: u64) -> Decision {
        let clock = &self.keys.clock;
        self.settle_by(clock.now(), || clock.now(), &slot, actual)
    }
}

impl<'a, K: ?Sized> Key<'a, K> {
    /// [`Key::reserve_at`], now. A `max_wait` beyond 584 years is read as that.
    ///
    /// # Errors
    /// As [`Key::reserve_at`].
    ///
    /// ```
    /// use std::time::Duration;
    /// # use tidegate::{Algorithm, KeyedLimiter, Quota};
    /// let keyed: KeyedLimiter<str> = KeyedLimiter::builder(Algorithm::Gcra, Quota::per_minute(1)?).max_keys(10).build()?;
    /// let key = keyed.key("a");
    /// assert_eq!(key.reserve(1, Duration::ZERO)?.delay(), Duration::ZERO);
    ///
    /// let later = key.reserve(1, Duration::from_secs(60))?;
    /// assert!(later.delay() > Duration::from_secs(59));
    /// assert!(key.reserve(1, Duration::from_secs(60)).is_err());
    /// later.cancel();
    /// assert!(key.reserve(1, Duration::from_secs(60)).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve(&self, cost: u64, max_wait: Duration) -> Result<KeyedReservation<'a, K>, Refused> {
        let slot = self.reserve_at(self.now(), cost, crate::wait::nanos(max_wait))?;
        Ok(KeyedReservation { key: *self, slot })
    }
}

/// Permits booked for one key on a limiter with its own clock, made by [`Key::reserve`] and
/// [`KeyedLimiter::reserve`](crate::KeyedLimiter::reserve).
///
/// Dropping it keeps the permits booked.
#[must_use = "the permits are booked; wait for the instant, or cancel"]
pub struct KeyedReservation<'a, K: ?Sized> {
    key: Key<'a, K>,
    slot: Slot,
}

impl<'a, K: ?Sized> KeyedReservation<'a, K> {
    /// The instant from which the permits may be used, in nanoseconds of the limiter's clock.
    pub fn at_nanos(&self) -> u64 {
        self.slot.at_nanos()
    }

    /// How long it is until then, from now.
    pub fn delay(&self) -> Duration {
        Duration::from_nanos(self.slot.at_nanos().saturating_sub(self.key.keys.clock.now()))
    }

    /// The key that they are booked for.
    pub fn key(&self) -> Key<'a, K> {
        self.key
    }

    /// Gives the permits back, as far as nobody else relies on them (see [`Limiter::cancel_at`](crate::Limiter::cancel_at)).
    pub fn cancel(self) {
        self.key.cancel(self.slot);
    }

    /// Says what it has really cost; the difference is given back or charged (see [`Limiter::settle_at`](crate::Limiter::settle_at)).
    pub fn settle(self, actual: u64) -> Decision {
        self.key.settle(self.slot, actual)
    }

    /// The slot, to be kept without borrowing the limiter and given back with [`KeyedLimiter::cancel`](crate::KeyedLimiter::cancel).
    pub fn into_slot(self) -> Slot {
        self.slot
    }
}

impl<K: ?Sized> fmt::Debug for KeyedReservation<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedReservation").field("slot", &self.slot).finish_non_exhaustive()
    }
}
