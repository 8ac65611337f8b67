//! Waiting for several limits at once: one instant in all members.

use core::future::Future;
use core::hash::Hash;
use core::time::Duration;

use super::{Line, Place, nanos};
use crate::decision::{Decision, Facts};
use crate::group::{Group, GroupRefused, GroupReservation, GroupSlot, KeyedLimiterGroup, LimiterGroup};
use crate::limiter::{Refusal, Refused};

/// Books until nobody else comes first: who loses a race loses it to somebody who has booked.
///
/// A refusal tells what the binding member says, by value: who waits may be long gone from the group.
fn book<'a>(reserve: impl Fn() -> Result<GroupSlot, GroupRefused<'a>>) -> Result<GroupSlot, Refused> {
    loop {
        let refused = match reserve() {
            Ok(slot) => return Ok(slot),
            Err(refused) if refused.refusal() == Refusal::Contended => continue,
            Err(refused) => refused,
        };
        let said = refused.decision();
        let binding = Facts {
            limit: said.limit(),
            remaining: said.remaining(),
            retry_after: said.retry_after_nanos(),
            reset_after: said.reset_after_nanos(),
        };
        return Err(Refused::new(refused.refusal(), Decision::of_facts(false, binding)));
    }
}

/// `cost` permits of every member of a group.
pub(crate) struct AskedOfAll<'a> {
    group: &'a LimiterGroup,
    cost: u64,
}

impl Line for AskedOfAll<'_> {
    type Slot = GroupSlot;
    type Refused = Refused;

    fn now(&self) -> u64 {
        self.group.now()
    }
    fn sleep_until(&self, at: u64) {
        self.group.clock().sleep_until(at);
    }
    fn book(&self, now: u64, max_wait: u64) -> Result<GroupSlot, Refused> {
        book(|| self.group.reserve_at(now, self.cost, max_wait))
    }
    fn instant(slot: &GroupSlot) -> u64 {
        slot.at_nanos()
    }
    fn give_back(&self, now: u64, slot: GroupSlot) {
        self.group.cancel_at(now, slot);
    }
}

/// What each member of a borrowed group is asked for.
impl Line for Group<'_> {
    type Slot = GroupSlot;
    type Refused = Refused;

    fn now(&self) -> u64 {
        Group::now(self)
    }
    fn sleep_until(&self, at: u64) {
        self.clock().sleep_until(at);
    }
    fn book(&self, now: u64, max_wait: u64) -> Result<GroupSlot, Refused> {
        book(|| self.reserve_at(now, max_wait))
    }
    fn instant(slot: &GroupSlot) -> u64 {
        slot.at_nanos()
    }
    fn give_back(&self, now: u64, slot: GroupSlot) {
        self.cancel_at(now, slot);
    }
}

/// `cost` permits of every limit of a key.
struct AskedOfKey<'a, K: ?Sized> {
    group: &'a KeyedLimiterGroup<K>,
    key: &'a K,
    cost: u64,
}

impl<K: ?Sized + Hash> Line for AskedOfKey<'_, K> {
    type Slot = GroupSlot;
    type Refused = Refused;

    fn now(&self) -> u64 {
        self.group.now()
    }
    fn sleep_until(&self, at: u64) {
        self.group.clock().sleep_until(at);
    }
    fn book(&self, now: u64, max_wait: u64) -> Result<GroupSlot, Refused> {
        book(|| self.group.reserve_at(self.key, now, self.cost, max_wait))
    }
    fn instant(slot: &GroupSlot) -> u64 {
        slot.at_nanos()
    }
    fn give_back(&self, now: u64, slot: GroupSlot) {
        self.group.cancel_at(self.key, now, slot);
    }
}

/// Waiting in line for every member at once.
impl LimiterGroup {
    pub(crate) fn asked(&self, cost: u64) -> AskedOfAll<'_> {
        AskedOfAll { group: self, cost }
    }

    /// Waits until `cost` permits fit in every member, at most `timeout`, blocking the thread. See [`Limiter::acquire`](crate::Limiter::acquire).
    ///
    /// All members are booked for one common instant ([`LimiterGroup::reserve_at`]), so nobody polls and no member is charged early.
    ///
    /// # Errors
    /// At once, and nothing is booked: the cost can never fit, the wait would exceed the timeout, or a member's line cannot be counted. The decision
    /// is the binding member's ([`LimiterGroup::peek`] names it).
    ///
    /// ```
    /// use std::{sync::Arc, time::Duration};
    /// use tidegate::{Algorithm, Clock, Limiter, LimiterGroup, ManualClock, Quota};
    /// let clock = Arc::new(ManualClock::auto_advancing(0));
    /// let limiter = |quota: &str| Limiter::builder(Algorithm::SlidingLog, quota.parse::<Quota>()?).shared_clock(clock.clone()).build();
    /// let group = LimiterGroup::new([("second", limiter("10/s")?), ("minute", limiter("25/min")?)])?;
    ///
    /// for _ in 0..26 {
    ///     group.acquire(1, Duration::MAX)?;
    /// }
    /// assert_eq!(clock.now(), 60_000_000_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn acquire(&self, cost: u64, timeout: Duration) -> Result<Duration, Refused> {
        super::acquire(self.asked(cost), nanos(timeout))
    }

    /// The same as a future under any runtime. See [`Limiter::acquire_async`](crate::Limiter::acquire_async).
    ///
    /// # Errors
    /// As [`LimiterGroup::acquire`].
    pub fn acquire_async<'a, S, F>(
        &'a self,
        cost: u64,
        timeout: Duration,
        sleep: S,
    ) -> impl Future<Output = Result<Duration, Refused>> + use<'a, S, F>
    where
        S: FnMut(Duration) -> F,
        F: Future,
    {
        super::acquire_async(self.asked(cost), nanos(timeout), sleep)
    }
}

impl<'a> GroupReservation<'a> {
    fn place(self) -> Place<AskedOfAll<'a>> {
        let (group, slot) = self.into_parts();
        // What is booked is booked; the cost plays no part any more.
        Place::of(group.asked(0), slot)
    }

    /// Blocks the thread until the instant has come, and goes ahead. See [`Reservation::wait`](crate::Reservation::wait).
    pub fn wait(self) -> Duration {
        super::wait(self.place())
    }

    /// The same as a future, which cancels the reservation if it is dropped before it is ready.
    pub fn wait_async<S, F>(self, sleep: S) -> impl Future<Output = Duration>
    where
        S: FnMut(Duration) -> F,
        F: Future,
    {
        super::wait_async(self.place(), sleep)
    }
}

/// Waiting in line for every member at once.
impl<'a> Group<'a> {
    /// Waits until each member has room for its cost, at most `timeout`, blocking the thread. See [`LimiterGroup::acquire`].
    ///
    /// # Errors
    /// As there.
    pub fn acquire(&self, timeout: Duration) -> Result<Duration, Refused> {
        super::acquire(*self, nanos(timeout))
    }

    /// The same as a future under any runtime. See [`Limiter::acquire_async`](crate::Limiter::acquire_async).
    ///
    /// # Errors
    /// As [`Group::acquire`].
    pub fn acquire_async<S, F>(
        &self,
        timeout: Duration,
        sleep: S,
    ) -> impl Future<Output = Result<Duration, Refused>> + use<'a, S, F>
    where
        S: FnMut(Duration) -> F,
        F: Future,
    {
        super::acquire_async(*self, nanos(timeout), sleep)
    }
}

/// Waiting in line, each key for itself, for all of its limits at once.
impl<K: ?Sized + Hash> KeyedLimiterGroup<K> {
    /// Waits until `cost` permits fit in every limit of `key`, at most `timeout`, blocking the thread. See [`LimiterGroup::acquire`].
    ///
    /// # Errors
    /// As there; also if there is no room for the key.
    pub fn acquire(&self, key: &K, cost: u64, timeout: Duration) -> Result<Duration, Refused> {
        super::acquire(AskedOfKey { group: self, key, cost }, nanos(timeout))
    }

    /// The same as a future under any runtime. See [`Limiter::acquire_async`](crate::Limiter::acquire_async).
    ///
    /// # Errors
    /// As [`KeyedLimiterGroup::acquire`].
    pub fn acquire_async<'a, S, F>(
        &'a self,
        key: &'a K,
        cost: u64,
        timeout: Duration,
        sleep: S,
    ) -> impl Future<Output = Result<Duration, Refused>> + use<'a, K, S, F>
    where
        S: FnMut(Duration) -> F,
        F: Future,
    {
        super::acquire_async(AskedOfKey { group: self, key, cost }, nanos(timeout), sleep)
    }
}
