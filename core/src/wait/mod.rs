//! Waiting in line: a caller books the earliest instant at which his permits fit, sleeps once, and goes.
//!
//! 1. **First come, first served.** The instants are handed out in the order of booking, and nobody is woken to ask again.
//! 2. **One sleep for each who waits.** The instant is known when he joins. A sleep that ends early is followed by one for the rest.
//! 3. **Refused at once** if the wait would exceed the timeout, or the cost can never fit. Nothing is then booked.
//! 4. **Whoever leaves gives his permits back**, by a dropped future or a panic in a sleep, as `Limiter::cancel_at` says.
//! 5. **Never early by the limiter's clock**, whatever the sleep is made of. While anyone sleeps nothing is locked, and no thread runs for it.
//!
//! What can be waited for is a [`Line`]; the loops here know nothing else of it.

/// The examples of the page run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/waiting.md")]
struct Page;

mod asynchronous;
mod group;
mod keyed;
mod limiter;
#[cfg(any(feature = "tokio", feature = "smol"))]
mod runtimes;

use core::time::Duration;

use crate::sync::{Bug, seeded};

pub(crate) use asynchronous::{acquire_async, doze, wait_async};

/// Something to wait for: the permits that one caller asks of a limiter.
pub(crate) trait Line {
    /// A place in the line; whoever holds it either goes ahead at its instant or gives it back.
    type Slot;
    type Refused;

    /// Nanoseconds of the clock that the instants are told in.
    fn now(&self) -> u64;
    /// Blocks until about `at`; it may come back early.
    fn sleep_until(&self, at: u64);
    /// Books the earliest instant, at most `max_wait` nanoseconds from `now`.
    fn book(&self, now: u64, max_wait: u64) -> Result<Self::Slot, Self::Refused>;
    fn instant(slot: &Self::Slot) -> u64;
    fn give_back(&self, now: u64, slot: Self::Slot);
}

/// A place in a line, given back when it is dropped before its holder has gone ahead.
pub(crate) struct Place<L: Line> {
    line: L,
    slot: Option<L::Slot>,
    at: u64,
    /// The time at which the line was joined, and the latest reading of the clock.
    joined: u64,
    now: u64,
}

impl<L: Line> Place<L> {
    pub(crate) fn take(line: L, max_wait: u64) -> Result<Place<L>, L::Refused> {
        let now = line.now();
        let slot = line.book(now, max_wait)?;
        let at = L::instant(&slot);
        Ok(Place { line, slot: Some(slot), at, joined: now, now })
    }

    /// The place of a slot that has been booked before.
    pub(crate) fn of(line: L, slot: L::Slot) -> Place<L> {
        let (at, now) = (L::instant(&slot), line.now());
        Place { line, slot: Some(slot), at, joined: now, now }
    }

    /// How long it is until the instant, in nanoseconds; `None` from then on.
    fn rest(&self) -> Option<u64> {
        self.at.checked_sub(self.now).filter(|&rest| rest > 0)
    }

    fn rest_now(&mut self) -> Option<u64> {
        self.now = self.line.now();
        self.rest()
    }

    /// Looks at the clock. If that has been set back so far that the rest exceeds the timeout, the line is left and joined anew: as a rule, refused.
    fn hold_to(&mut self, max_wait: u64) -> Result<(), L::Refused> {
        if self.rest_now().is_some_and(|rest| rest > max_wait) {
            self.leave();
            let slot = self.line.book(self.now, max_wait)?;
            self.at = L::instant(&slot);
            self.slot = Some(slot);
        }
        Ok(())
    }

    fn leave(&mut self) {
        if let Some(slot) = self.slot.take() {
            self.line.give_back(self.now, slot);
        }
    }

    /// Goes ahead: the permits are used. How long it took.
    pub(crate) fn go(mut self) -> Duration {
        if !seeded(Bug::UsedAndGivenBack) {
            self.slot = None;
        }
        Duration::from_nanos(self.now.saturating_sub(self.joined))
    }
}

impl<L: Line> Drop for Place<L> {
    fn drop(&mut self) {
        if self.slot.is_some() {
            self.now = self.line.now();
            self.leave();
        }
    }
}

/// Joins the line and blocks the thread until the instant has come.
pub(crate) fn acquire<L: Line>(line: L, max_wait: u64) -> Result<Duration, L::Refused> {
    let mut place = Place::take(line, max_wait)?;
    while place.rest().is_some() {
        place.line.sleep_until(place.at);
        place.hold_to(max_wait)?;
    }
    Ok(place.go())
}

/// Blocks the thread until the instant of a place has come.
pub(crate) fn sleep<L: Line>(place: &mut Place<L>) {
    while place.rest_now().is_some() {
        place.line.sleep_until(place.at);
    }
}

/// The same, and goes ahead.
pub(crate) fn wait<L: Line>(mut place: Place<L>) -> Duration {
    sleep(&mut place);
    place.go()
}

/// Nanoseconds; 584 years and more are read as `u64::MAX`, which no instant exceeds.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
