//! Waiting for the permits of a `Limiter`, and for a `Reservation`.

use core::future::Future;
use core::time::Duration;

use super::{Line, Place, nanos};
use crate::limiter::{Limiter, Refused, Reservation, Slot};

/// `cost` permits of a limiter.
pub(crate) struct Asked<'a> {
    limiter: &'a Limiter,
    cost: u64,
}

impl Line for Asked<'_> {
    type Slot = Slot;
    type Refused = Refused;

    fn now(&self) -> u64 {
        self.limiter.now()
    }
    fn sleep_until(&self, at: u64) {
        self.limiter.clock().sleep_until(at);
    }
    fn book(&self, now: u64, max_wait: u64) -> Result<Slot, Refused> {
        self.limiter.reserve_at(now, self.cost, max_wait)
    }
    fn instant(slot: &Slot) -> u64 {
        slot.at_nanos()
    }
    fn give_back(&self, now: u64, slot: Slot) {
        self.limiter.cancel_at(now, slot);
    }
}

/// Waiting in line: first come, first served, one sleep each, refused at once if the wait would be too long.
impl Limiter {
    pub(crate) fn asked(&self, cost: u64) -> Asked<'_> {
        Asked { limiter: self, cost }
    }

    /// Waits for `cost` permits, at most `timeout`, blocking the thread.
    ///
    /// The permits are booked for the earliest instant at which they fit ([`Limiter::reserve_at`]); then the thread sleeps until that
    /// instant, once. Under every algorithm callers go ahead in the order in which they asked. `Duration::MAX` waits
    /// without bound, `Duration::ZERO` not at all. The thread sleeps as its limiter's clock says ([`Clock::sleep_until`](crate::Clock::sleep_until)), and
    /// never goes ahead before the instant by that clock. No lock is held meanwhile.
    ///
    /// Returns how long it waited, by the limiter's clock.
    ///
    /// # Errors
    /// At once, with the denied decision, and nothing is booked: the cost can never fit, the wait would exceed the timeout, or the line is as
    /// long as the limiter can count. Later only if the clock has been set back by so much that the rest of the
    /// wait exceeds the timeout: the permits are then given back.
    ///
    /// ```
    /// use std::{sync::Arc, time::Duration};
    /// use tidegate::{Algorithm, Clock, Limiter, ManualClock, Quota, Refusal};
    /// let clock = Arc::new(ManualClock::auto_advancing(0)); // sleeping passes its time
    /// let limiter = Limiter::builder(Algorithm::Gcra, Quota::per_second(10)?.burst(1)?).shared_clock(clock.clone()).build()?;
    ///
    /// for _ in 0..4 {
    ///     limiter.acquire(1, Duration::from_secs(1))?;
    /// }
    /// assert_eq!(clock.now(), 300_000_000);
    ///
    /// let refused = limiter.acquire(1, Duration::from_millis(99)).unwrap_err();
    /// assert_eq!(refused.refusal(), Refusal::WaitTooLong);
    /// assert_eq!(refused.decision().retry_after(), Some(Duration::from_millis(100)));
    /// assert_eq!(limiter.acquire(2, Duration::MAX).unwrap_err().refusal(), Refusal::Never);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn acquire(&self, cost: u64, timeout: Duration) -> Result<Duration, Refused> {
        super::acquire(self.asked(cost), nanos(timeout))
    }

    /// Waits for `cost` permits, at most `timeout`, as a future under any runtime.
    ///
    /// `sleep` makes a future that is ready after a duration: `tokio::time::sleep`, `smol::Timer::after`, your own. It is called once for
    /// each who waits; again only if it came back early by the limiter's clock. What it returns is ignored.
    ///
    /// * The place in line is taken **at the first poll**, and the timeout counts from there.
    /// * **Dropping the future** before it is ready leaves the line: nothing is charged to the last in line, and as much is given back in the
    ///   middle of it as [`Limiter::cancel_at`] says. So `select!` and timeouts around it lose nothing.
    /// * It allocates nothing, needs no thread, holds no lock while it sleeps, and is `Send` if the sleep is.
    ///
    /// # Errors
    /// As [`Limiter::acquire`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use tidegate::{Algorithm, Limiter, Quota};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// let limiter = Limiter::new(Algorithm::Gcra, Quota::per_second(1_000)?.burst(1)?)?;
    /// for _ in 0..3 {
    ///     limiter.acquire_async(1, Duration::from_secs(1), tokio::time::sleep).await?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn acquire_async<S, F>(
        &self,
        cost: u64,
        timeout: Duration,
        sleep: S,
    ) -> impl Future<Output = Result<Duration, Refused>>
    where
        S: FnMut(Duration) -> F,
        F: Future,
    {
        super::acquire_async(self.asked(cost), nanos(timeout), sleep)
    }
}

impl<'a> Reservation<'a> {
    fn place(self) -> Place<Asked<'a>> {
        let limiter = self.limiter();
        let slot = self.into_slot();
        Place::of(limiter.asked(slot.cost()), slot)
    }

    /// Blocks the thread until the instant has come, and goes ahead: the permits are used.
    ///
    /// Never early by the limiter's clock; a clock that is set back lengthens the wait. Returns how long it waited from this call on.
    ///
    /// ```
    /// # use std::{sync::Arc, time::Duration};
    /// # use tidegate::{Algorithm, Clock, Limiter, ManualClock, Quota};
    /// let clock = Arc::new(ManualClock::auto_advancing(0));
    /// let limiter = Limiter::builder(Algorithm::Gcra, Quota::per_minute(1)?).shared_clock(clock.clone()).build()?;
    /// let now = limiter.reserve(1, Duration::MAX)?;
    /// let later = limiter.reserve(1, Duration::MAX)?;
    /// now.wait();
    /// later.wait();
    /// assert_eq!(clock.now(), 60_000_000_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait(self) -> Duration {
        super::wait(self.place())
    }

    /// As [`Reservation::wait`], as a future with a sleep of the caller's (see [`Limiter::acquire_async`]).
    ///
    /// Dropping the future before it is ready, polled or not, cancels the reservation.
    pub fn wait_async<S, F>(self, sleep: S) -> impl Future<Output = Duration>
    where
        S: FnMut(Duration) -> F,
        F: Future,
    {
        super::wait_async(self.place(), sleep)
    }
}
