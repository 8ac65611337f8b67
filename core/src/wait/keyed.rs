//! Waiting for the permits of one key: each key has a line of its own.

use core::future::Future;
use core::hash::Hash;
use core::time::Duration;

use super::{Line, nanos};
use crate::keyed::{Key, KeyedLimiter};
use crate::limiter::{Refused, Slot};

/// `cost` permits of a key.
struct Asked<'a> {
    key: Key<'a, ()>,
    cost: u64,
}

impl Line for Asked<'_> {
    type Slot = Slot;
    type Refused = Refused;

    fn now(&self) -> u64 {
        self.key.clock().now()
    }
    fn sleep_until(&self, at: u64) {
        self.key.clock().sleep_until(at);
    }
    fn book(&self, now: u64, max_wait: u64) -> Result<Slot, Refused> {
        self.key.reserve_at(now, self.cost, max_wait)
    }
    fn instant(slot: &Slot) -> u64 {
        slot.at_nanos()
    }
    fn give_back(&self, now: u64, slot: Slot) {
        self.key.cancel_at(now, slot);
    }
}

/// Waiting in line, each key for itself.
impl<'a, K: ?Sized> Key<'a, K> {
    /// Waits for `cost` permits of the key, at most `timeout`, blocking the thread. See [`Limiter::acquire`](crate::Limiter::acquire).
    ///
    /// # Errors
    /// As there; also if there is no room for the key ([`Refusal::NoRoom`](crate::Refusal::NoRoom)).
    pub fn acquire(&self, cost: u64, timeout: Duration) -> Result<Duration, Refused> {
        super::acquire(Asked { key: self.untyped(), cost }, nanos(timeout))
    }

    /// The same as a future under any runtime. See [`Limiter::acquire_async`](crate::Limiter::acquire_async).
    ///
    /// # Errors
    /// As [`Key::acquire`].
    pub fn acquire_async<S, F>(
        &self,
        cost: u64,
        timeout: Duration,
        sleep: S,
    ) -> impl Future<Output = Result<Duration, Refused>> + use<'a, K, S, F>
    where
        S: FnMut(Duration) -> F,
        F: Future,
    {
        super::acquire_async(Asked { key: self.untyped(), cost }, nanos(timeout), sleep)
    }
}

/// Waiting in line, each key for itself.
impl<K: ?Sized + Hash> KeyedLimiter<K> {
    /// Waits for `cost` permits of `key`, at most `timeout`, blocking the thread. See [`Limiter::acquire`](crate::Limiter::acquire).
    ///
    /// # Errors
    /// As there; also if there is no room for the key ([`Refusal::NoRoom`](crate::Refusal::NoRoom)).
    ///
    /// ```
    /// use std::{sync::Arc, time::Duration};
    /// use tidegate::{Algorithm, Clock, KeyedLimiter, ManualClock, Quota};
    /// let clock = Arc::new(ManualClock::auto_advancing(0));
    /// let keyed: KeyedLimiter<str> = KeyedLimiter::builder(Algorithm::Gcra, Quota::per_second(10)?.burst(1)?)
    ///     .max_keys(100)
    ///     .shared_clock(clock.clone())
    ///     .build()?;
    /// for _ in 0..3 {
    ///     keyed.acquire("org_1", 1, Duration::from_secs(1))?;
    /// }
    /// assert_eq!(clock.now(), 200_000_000);
    /// assert_eq!(keyed.acquire("org_2", 1, Duration::ZERO), Ok(Duration::ZERO));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn acquire(&self, key: &K, cost: u64, timeout: Duration) -> Result<Duration, Refused> {
        self.key(key).acquire(cost, timeout)
    }

    /// The same as a future under any runtime, which does not borrow the key. See [`Limiter::acquire_async`](crate::Limiter::acquire_async).
    ///
    /// # Errors
    /// As [`KeyedLimiter::acquire`].
    pub fn acquire_async<'a, S, F>(
        &'a self,
        key: &K,
        cost: u64,
        timeout: Duration,
        sleep: S,
    ) -> impl Future<Output = Result<Duration, Refused>> + use<'a, K, S, F>
    where
        S: FnMut(Duration) -> F,
        F: Future,
    {
        self.key(key).acquire_async(cost, timeout, sleep)
    }
}
