//! `Pacer`: items released at the rate of a limiter, the most urgent first.
//!
//! The order of the two waits is what matters: first an item must be there, then a permit is booked and slept for, and only at its
//! instant the item is chosen. So no permit is spent on an empty queue, and what is urgent passes even those who already wait.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::time::Duration;

use super::claims::Claims;
use super::gate::Gate;
use super::queue::{Priority, PriorityQueue, PushError};
use super::thread::block_on;
use crate::group::LimiterGroup;
use crate::limiter::{Limiter, Refused};
use crate::wait::{self, Line, Place};

/// A queue that hands out its items at the rate of a limiter, one permit each.
///
/// Producers [`push`](Pacer::push); consumers, as many as you like, ask for the [`next`](Pacer::next) item and get it when the limiter lets
/// it go. Which item that is, is decided at that moment, by [`PriorityQueue`]: high before normal before low, none starving. With `T`
/// the limiter's emission interval, an item at place `p` of its line waits at most `3 p T` (high), `6 p T` (normal) or `9 p T` (low), once the burst is
/// used up, if consumers keep asking and nobody else uses the limiter.
///
/// * Each consumer sleeps once for an item (and once for a permit); no lock is held meanwhile, and there is no thread behind it.
/// * The limiter may be shared with others: they stand in the same line.
/// * **Nothing is lost.** An item leaves the queue in the moment in which its consumer has it. A consumer whose future is dropped, or whose sleep
///   panics, leaves the item in the queue and gives its permit back ([`Limiter::cancel_at`]).
/// * [`close`](Pacer::close) takes in no more; what waits is still released at the rate, and then consumers are told `None`.
///   [`drain`](Pacer::drain) takes out what waits, at once.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use tidegate::{Algorithm, Clock, Limiter, ManualClock, Pacer, Priority, Quota};
/// let clock = Arc::new(ManualClock::auto_advancing(0));
/// let limiter = Limiter::builder(Algorithm::Gcra, Quota::per_second(10)?.burst(1)?).shared_clock(clock.clone()).build()?;
/// let pacer = Pacer::new(limiter, 1_000);
///
/// pacer.push(Priority::Low, "digest")?;
/// pacer.push(Priority::Normal, "welcome")?;
/// pacer.push(Priority::High, "password reset")?;
/// pacer.close();
///
/// let mut sent = Vec::new();
/// while let Some(mail) = pacer.next()? {
///     sent.push((clock.now() / 1_000_000, mail));
/// }
/// assert_eq!(sent, [(0, "password reset"), (100, "welcome"), (200, "digest")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Pacer<T> {
    gate: Gate,
    claims: Claims<T>,
}

/// What [`Pacer::try_next`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum TryNext<T> {
    /// An item, and its permit is spent.
    Item(T),
    /// The limiter lets nothing go for this long (`u64::MAX` nanoseconds: not before the end of the clock).
    Wait(Duration),
    /// No item waits but those that other consumers are about to get.
    Empty,
    /// It is closed, and no item waits.
    Closed,
}

impl<T> Pacer<T> {
    /// A pacer at the rate of `limiter` (a `Limiter`, or an `Arc` of one that others use too), for up to `capacity` items of each priority.
    pub fn new(limiter: impl Into<Arc<Limiter>>, capacity: usize) -> Pacer<T> {
        Pacer::of_queue(limiter, PriorityQueue::new(capacity))
    }

    /// A pacer of a queue that has its own patience, or items already.
    pub fn of_queue(limiter: impl Into<Arc<Limiter>>, queue: PriorityQueue<T>) -> Pacer<T> {
        Pacer { gate: Gate::Limiter(limiter.into()), claims: Claims::new(queue) }
    }

    /// A pacer at the rate of several limits at once: an item goes when every member has a permit for it.
    ///
    /// ```
    /// use std::{sync::Arc, time::Duration};
    /// use tidegate::{Algorithm, Clock, Limiter, LimiterGroup, ManualClock, Pacer, Priority, PriorityQueue, Quota};
    /// let clock = Arc::new(ManualClock::auto_advancing(0));
    /// let limiter = |text: &str| Limiter::builder(Algorithm::SlidingLog, text.parse::<Quota>()?).shared_clock(clock.clone()).build();
    /// let group = LimiterGroup::new([("second", limiter("10/s")?), ("hour", limiter("25/h")?)])?;
    ///
    /// let pacer = Pacer::of_group(group, PriorityQueue::new(100));
    /// for mail in 0..26 {
    ///     pacer.push(Priority::Normal, mail)?;
    /// }
    /// for _ in 0..25 {
    ///     pacer.next()?;
    /// }
    /// assert_eq!(clock.now(), 2_000_000_000);
    /// assert_eq!(pacer.next()?, Some(25));
    /// assert_eq!(clock.now(), 3_600_000_000_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_group(group: impl Into<Arc<LimiterGroup>>, queue: PriorityQueue<T>) -> Pacer<T> {
        Pacer { gate: Gate::Group(group.into()), claims: Claims::new(queue) }
    }

    /// Puts an item at the end of the line of its priority. Never waits.
    ///
    /// # Errors
    /// The line is full, or the pacer is closed; the item comes back.
    pub fn push(&self, priority: Priority, item: T) -> Result<(), PushError<T>> {
        self.claims.push(priority, item)
    }

    /// Blocks the thread until an item may go, and returns it; `None` once the pacer is closed and empty.
    ///
    /// It sleeps for the permit as the limiter's clock does ([`Clock::sleep_until`](crate::Clock::sleep_until)); closing and draining do not
    /// interrupt that sleep.
    ///
    /// # Errors
    /// The limiter books no permit: at the end of its clock, or because its line is as long as it can count. No item is lost.
    pub fn next(&self) -> Result<Option<T>, Refused> {
        loop {
            let Some(claim) = block_on(self.claims.claim()) else { return Ok(None) };
            let mut place = Place::take(&self.gate, u64::MAX)?;
            wait::sleep(&mut place);
            if let Some(item) = claim.take() {
                place.go();
                return Ok(Some(item));
            }
        }
    }

    /// As [`Pacer::next`], as a future under any runtime; for `sleep` see [`Limiter::acquire_async`].
    ///
    /// Dropping the future before it is ready loses nothing: the item stays where it is, and the permit is given back.
    ///
    /// # Errors
    /// As [`Pacer::next`].
    pub async fn next_async<S, F>(&self, mut sleep: S) -> Result<Option<T>, Refused>
    where
        S: FnMut(Duration) -> F,
        F: Future,
    {
        loop {
            let Some(claim) = self.claims.claim().await else { return Ok(None) };
            let mut place = Place::take(&self.gate, u64::MAX)?;
            wait::doze(&mut place, &mut sleep).await;
            if let Some(item) = claim.take() {
                place.go();
                return Ok(Some(item));
            }
        }
    }

    /// The next item if it may go at `now` (nanoseconds of the limiter's clock). Never waits.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tidegate::{Algorithm, Limiter, Pacer, Priority, Quota, TryNext};
    /// let pacer = Pacer::new(Limiter::new(Algorithm::Gcra, Quota::per_second(10)?.burst(1)?)?, 10);
    /// assert_eq!(pacer.try_next_at(0), TryNext::Empty);
    /// pacer.push(Priority::Normal, 1)?;
    /// pacer.push(Priority::Normal, 2)?;
    /// assert_eq!(pacer.try_next_at(0), TryNext::Item(1));
    /// assert_eq!(pacer.try_next_at(1), TryNext::Wait(Duration::from_nanos(99_999_999)));
    /// assert_eq!(pacer.try_next_at(100_000_000), TryNext::Item(2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_next_at(&self, now: u64) -> TryNext<T> {
        let claim = match self.claims.try_claim() {
            Ok(claim) => claim,
            Err(true) => return TryNext::Closed,
            Err(false) => return TryNext::Empty,
        };
        match (&self.gate).book(now, 0) {
            Err(refused) => TryNext::Wait(refused.decision().retry_after().unwrap_or(Duration::from_nanos(u64::MAX))),
            Ok(slot) => claim.take().map(TryNext::Item).unwrap_or_else(|| {
                (&self.gate).give_back(now, slot);
                TryNext::Empty
            }),
        }
    }

    /// [`Pacer::try_next_at`], now.
    pub fn try_next(&self) -> TryNext<T> {
        self.try_next_at((&self.gate).now())
    }

    /// Takes in no more. What waits is still released at the rate; then consumers are told `None`, those who wait for an item at once.
    pub fn close(&self) {
        self.claims.close();
    }

    /// Whether it has been closed.
    pub fn is_closed(&self) -> bool {
        self.claims.look(|_, closed| closed)
    }

    /// Takes out everything that waits, at once and without permits, in the order in which it would have gone.
    ///
    /// Consumers who sleep for a permit find nothing when they wake, give it back, and wait for the next item.
    pub fn drain(&self) -> Vec<T> {
        self.claims.drain()
    }

    /// The items that wait.
    pub fn len(&self) -> usize {
        self.claims.look(|queue, _| queue.len())
    }

    /// The items of one priority that wait.
    pub fn len_of(&self, priority: Priority) -> usize {
        self.claims.look(|queue, _| queue.len_of(priority))
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most items of one priority.
    pub fn capacity(&self) -> usize {
        self.claims.look(|queue, _| queue.capacity())
    }
}

impl<T> fmt::Debug for Pacer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pacer").field("gate", &self.gate).field("len", &self.len()).finish_non_exhaustive()
    }
}
