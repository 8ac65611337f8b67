//! Reservations: permits booked for an instant ahead, and given back once.

use core::fmt;
#[cfg(feature = "std")]
use core::time::Duration;

use crate::decision::{Decision, Verb};
use crate::limiter::Limiter;
use crate::limiter::kept::Kept;
use crate::rule::{Booking, Rule, Step, Unbookable};

/// Permits booked for an instant, made by `Limiter::reserve_at`.
///
/// Not `Clone`: handing it to `cancel_at` gives the permits back exactly once. Dropping it keeps them booked.
#[derive(Debug)]
#[must_use = "the permits are booked; wait for the instant, or cancel the slot"]
pub struct Slot {
    at: u64,
    cost: u64,
    /// The word before and after it; of a log, its oldest permit and its head, both after it.
    before: u64,
    after: u128,
    /// Which configuration of the limiter booked it; a slot from before a reconfiguration gives nothing back.
    generation: u64,
}

impl Slot {
    pub(crate) fn of_word(at: u64, cost: u64, before: u64, after: u64) -> Slot {
        Slot { at, cost, before, after: u128::from(after), generation: 0 }
    }

    pub(crate) fn of_booking(booking: &Booking) -> Slot {
        Slot::of_word(0, booking.cost, booking.before, booking.after)
    }

    pub(crate) fn of_log(at: u64, cost: u64, oldest: u64, head: u128) -> Slot {
        Slot { at, cost, before: oldest, after: head, generation: 0 }
    }

    /// A cost of 0: nothing was booked.
    pub(crate) fn nothing(at: u64) -> Slot {
        Slot { at, cost: 0, before: 0, after: 0, generation: 0 }
    }

    /// The instant from which the permits may be used, in nanoseconds of the limiter's clock.
    pub const fn at_nanos(&self) -> u64 {
        self.at
    }

    /// The permits booked.
    pub const fn cost(&self) -> u64 {
        self.cost
    }

    /// The slot as plain numbers, for callers who keep it where no Rust type lives. The first is its instant, the second its cost.
    ///
    /// ```
    /// # use tidegate::{Algorithm, Limiter, Quota, Slot};
    /// let limiter = Limiter::new(Algorithm::Gcra, Quota::per_second(10)?.burst(1)?)?;
    /// let kept = limiter.reserve_at(0, 1, 0)?.into_raw();
    /// limiter.cancel_at(0, Slot::from_raw(kept));
    /// assert!(limiter.try_acquire_at(0, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn into_raw(self) -> [u64; 6] {
        [self.at, self.cost, self.before, self.after as u64, (self.after >> 64) as u64, self.generation]
    }

    /// The slot that [`Slot::into_raw`] took apart. Numbers can be copied where a slot cannot: cancel each slot at most once, or permits that
    /// others have spent may be given back.
    pub const fn from_raw([at, cost, before, low, high, generation]: [u64; 6]) -> Slot {
        Slot { at, cost, before, after: (high as u128) << 64 | low as u128, generation }
    }

    pub(crate) fn of_generation(mut self, generation: u64) -> Slot {
        self.generation = generation;
        self
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn booking(&self) -> Booking {
        // Slots of words were made from words.
        Booking { before: self.before, after: self.after as u64, cost: self.cost }
    }

    pub(crate) fn log_after(&self) -> (u64, u128) {
        (self.before, self.after)
    }
}

/// What is asked of a word. Times are at most the rule's end.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) now: u64,
    pub(crate) from: u64,
    pub(crate) cost: u64,
    pub(crate) max_wait: u64,
}

/// The word with a booking, and its instant.
#[derive(Clone, Copy)]
pub(crate) struct Booked {
    pub(crate) after: u64,
    pub(crate) at: u64,
    /// It could have been earlier.
    late: bool,
}

impl Wanted {
    pub(crate) fn of(&self, rule: &Rule, word: u64) -> Result<Booked, Refused> {
        let Wanted { now, from, cost, max_wait } = *self;
        let refusal = match rule.reserve(word, now, from, cost) {
            Ok((after, at)) if at - now <= max_wait => {
                return Ok(Booked { after, at, late: rule.earliest(word, now, cost) < Some(at) });
            }
            Ok(_) => Refusal::WaitTooLong,
            Err(Unbookable::Never) => Refusal::Never,
            Err(Unbookable::Full) => Refusal::QueueFull,
        };
        let decision = Decision::of_word(false, rule, word, now, cost, Verb::Take);
        Err(Refused::new(refusal, decision.not_before(from.saturating_sub(now))))
    }
}

impl Booked {
    /// Before the word is exchanged.
    pub(crate) fn keep(&self, kept: &Kept) {
        if self.late {
            kept.keep(self.at);
        }
    }
}

/// Why a reservation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The cost is above the capacity, or its instant lies beyond the end of the clock.
    Never,
    /// The wait would exceed the longest that was allowed.
    WaitTooLong,
    /// The limiter's word cannot count a queue this long.
    QueueFull,
    /// A keyed limiter has no slot for a new key.
    NoRoom,
    /// Of a group only: others booked some member first, again and again.
    Contended,
}

/// A refused reservation; nothing was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    refusal: Refusal,
    decision: Decision,
}

impl Refused {
    pub(crate) fn new(refusal: Refusal, decision: Decision) -> Refused {
        Refused { refusal, decision }
    }

    /// Why.
    pub const fn refusal(&self) -> Refusal {
        self.refusal
    }

    /// The denied decision, with the wait that would have been needed.
    pub const fn decision(&self) -> Decision {
        self.decision
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.refusal {
            Refusal::Never => write!(f, "the cost can never fit within {} permits", self.decision.limit()),
            Refusal::WaitTooLong => match self.decision.retry_after() {
                Some(wait) => write!(f, "the wait of {wait:?} is longer than allowed"),
                None => f.write_str("the wait is longer than allowed"),
            },
            Refusal::Contended => f.write_str("others booked first, again and again"),
            Refusal::NoRoom => f.write_str("the table has no slot for a new key"),
            Refusal::QueueFull => f.write_str("the queue of reservations is as long as the limiter can count"),
        }
    }
}

impl core::error::Error for Refused {}

/// Permits booked on a limiter with its own clock, made by `Limiter::reserve`.
///
/// Then one of: [`Reservation::wait`] or [`Reservation::wait_async`] until the instant, and go ahead; sleep for [`Reservation::delay`] in a way of
/// your own; or [`Reservation::cancel`]. **Dropping it keeps the permits booked**: the limiter cannot know whether
/// they were used, and giving used permits back would exceed the limit.
///
/// ```
/// use std::time::Duration;
/// use tidegate::{Algorithm, Limiter, Quota};
/// let limiter = Limiter::new(Algorithm::Gcra, Quota::per_minute(1)?)?;
/// let now = limiter.reserve(1, Duration::ZERO)?;
/// assert_eq!(now.delay(), Duration::ZERO);
///
/// let later = limiter.reserve(1, Duration::from_secs(60))?;
/// assert!(later.delay() > Duration::from_secs(59));
/// assert!(limiter.reserve(1, Duration::from_secs(60)).is_err());
/// later.cancel();
/// assert!(limiter.reserve(1, Duration::from_secs(60)).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "std")]
#[derive(Debug)]
#[must_use = "the permits are booked; wait for the instant, or cancel"]
pub struct Reservation<'a> {
    limiter: &'a crate::Limiter,
    slot: Slot,
}

#[cfg(feature = "std")]
impl<'a> Reservation<'a> {
    pub(crate) fn new(limiter: &'a crate::Limiter, slot: Slot) -> Reservation<'a> {
        Reservation { limiter, slot }
    }

    pub(crate) fn limiter(&self) -> &'a crate::Limiter {
        self.limiter
    }

    /// The instant from which the permits may be used, in nanoseconds of the limiter's clock.
    pub fn at_nanos(&self) -> u64 {
        self.slot.at_nanos()
    }

    /// How long it is until then, from now.
    pub fn delay(&self) -> Duration {
        Duration::from_nanos(self.slot.at_nanos().saturating_sub(self.limiter.now()))
    }

    /// Gives the permits back, as far as nobody else relies on them (see `Limiter::cancel_at`).
    pub fn cancel(self) {
        self.limiter.cancel_at(self.limiter.now(), self.slot);
    }

    /// Says what it has really cost; the difference is given back or charged (see `Limiter::settle_at`).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tidegate::{Algorithm, Limiter, Quota};
    /// let bytes = Limiter::new(Algorithm::FixedWindow, Quota::per_day(1_000_000)?)?;
    /// let estimate = bytes.reserve(4_096, Duration::ZERO)?;
    /// // ... a request, whose response has 1,000 bytes
    /// assert!(estimate.settle(1_000).is_allowed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn settle(self, actual: u64) -> Decision {
        self.limiter.settle(self.slot, actual)
    }

    /// The slot, to be kept without borrowing the limiter.
    pub fn into_slot(self) -> Slot {
        self.slot
    }
}

impl Limiter {
    /// Books `cost` permits for the earliest instant at which they fit, at most `max_wait_nanos` from now.
    ///
    /// First come, first served: whoever asks later stands behind.
    ///
    /// # Errors
    /// The cost can never fit, the wait would be longer, or the queue cannot be counted; nothing is booked.
    ///
    /// ```
    /// # use tidegate::{Algorithm, Limiter, Quota};
    /// let limiter = Limiter::new(Algorithm::Gcra, Quota::per_second(10)?.burst(1)?)?;
    /// let waits: Vec<u64> = (0..3).map(|_| limiter.reserve_at(0, 1, u64::MAX).unwrap().at_nanos()).collect();
    /// assert_eq!(waits, [0, 100_000_000, 200_000_000]);
    /// # Ok::<(), tidegate::QuotaError>(())
    /// ```
    pub fn reserve_at(&self, now: u64, cost: u64, max_wait_nanos: u64) -> Result<Slot, Refused> {
        self.reserve_from_at(now, now, cost, max_wait_nanos)
    }

    /// Books `cost` permits for the earliest instant at which they fit and that is not before `from`, at most `max_wait_nanos` from now.
    ///
    /// For work that must wait for something else as well: the permits are kept for that instant, wherever it lies. What the
    /// limiter could have given until then is forgone as far as it cannot be told apart from what is kept: windows and logs are closed
    /// until the instant, buckets give what is left of their burst. So the reservation of several limits at once (see
    /// [`LimiterGroup::reserve_at`](crate::LimiterGroup::reserve_at)) exceeds none. A `from` before now is read as now; one beyond the horizon
    /// as that.
    ///
    /// # Errors
    /// As [`Limiter::reserve_at`].
    ///
    /// ```
    /// # use tidegate::{Algorithm, Limiter, Quota};
    /// let limiter = Limiter::new(Algorithm::Gcra, Quota::per_second(10)?.burst(3)?)?;
    /// assert_eq!(limiter.reserve_from_at(0, 5_000_000_000, 1, u64::MAX)?.at_nanos(), 5_000_000_000);
    /// assert!(!limiter.try_acquire_at(4_899_999_999, 1));
    /// assert!(limiter.try_acquire_at(4_900_000_000, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve_from_at(&self, now: u64, from: u64, cost: u64, max_wait_nanos: u64) -> Result<Slot, Refused> {
        if cost == 0 {
            return Ok(Slot::nothing(now));
        }
        self.ask(now, |core, now| core.reserve(now, from, cost, max_wait_nanos))
    }

    /// Gives a reservation back, as far as nobody else relies on it.
    ///
    /// If nothing has happened since, the state before it comes back. Otherwise as much is given back as cannot let two parties use the
    /// same permits: those who reserved behind keep their instants. What has been earned back already, and a slot from before a
    /// reconfiguration, give nothing.
    pub fn cancel_at(&self, now: u64, slot: Slot) {
        self.cancel_by(|| now, &slot);
    }

    /// [`Limiter::cancel_at`] the time that the clock says after the state has been read.
    pub(crate) fn cancel_by(&self, clock: impl Fn() -> u64, slot: &Slot) {
        if slot.cost() > 0 {
            self.ask(0, |core, _| core.cancel_by(&clock, slot));
        }
    }

    /// Says what a reservation has really cost: the difference is given back, or charged.
    ///
    /// For work whose cost is known only when it is done: tokens of a language model, bytes of a response. Reserve an estimate, go ahead at
    /// the instant, then settle. Less than was reserved is given back as [`Limiter::cancel_at`] gives back a part: not what has been earned
    /// back already, and nothing that somebody who waits relies on. So settle after the instant and soon. More is charged as by
    /// [`Limiter::charge_at`], into debt if need be.
    ///
    /// Allowed means settled; `retry_after` is then how long to pause until the debt is paid, if there is one. Denied means that the
    /// debt would be too deep: what was reserved stays spent, the rest is not charged, and can be once `retry_after` has passed.
    ///
    /// ```
    /// # use tidegate::{Algorithm, Limiter, Quota};
    /// let tokens = Limiter::new(Algorithm::TokenBucket, Quota::per_minute(10_000)?)?;
    /// let slot = tokens.reserve_at(0, 2_000, u64::MAX)?;
    /// assert!(tokens.settle_at(0, slot, 500).is_allowed());
    /// assert_eq!(tokens.peek_at(0, 1).remaining(), 9_500);
    ///
    /// let slot = tokens.reserve_at(0, 9_000, u64::MAX)?;
    /// let decision = tokens.settle_at(0, slot, 12_500);
    /// assert!(decision.is_allowed());
    /// assert_eq!(decision.retry_after().unwrap().as_secs(), 18); // 3,000 permits of debt
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn settle_at(&self, now: u64, slot: Slot, actual: u64) -> Decision {
        self.settle_by(now, || now, &slot, actual)
    }

    pub(crate) fn settle_by(&self, now: u64, clock: impl Fn() -> u64, slot: &Slot, actual: u64) -> Decision {
        match actual.checked_sub(slot.cost()) {
            Some(more) => self.charge_at(now, more),
            None => {
                // All of it is more than a part: then the state before it may come back.
                if actual == 0 {
                    self.cancel_by(clock, slot);
                } else {
                    self.ask(0, |core, _| core.return_part_by(&clock, slot, slot.cost() - actual));
                }
                self.peek_at(now, 0)
            }
        }
    }

    /// Whether `reserve_from_at` would be refused, without booking.
    pub(crate) fn refuses_at(&self, now: u64, from: u64, cost: u64, max_wait: u64) -> Option<Refused> {
        self.ask(now, |core, now| core.refuses(now, from, cost, max_wait))
    }

    /// As `take_at`, and what it takes to give it back.
    pub(crate) fn spend_marked_at(&self, now: u64, cost: u64) -> (Decision, Option<Slot>) {
        self.ask(now, |core, now| core.spend_marked(now, cost))
    }
}
