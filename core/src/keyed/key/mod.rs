//! `Key`: the verbs of a keyed limiter for one key, hashed once.

mod plain;

use core::fmt;
use core::marker::PhantomData;

pub use plain::KeyedReservation;

use crate::decision::{Decision, Facts, Verb};
use crate::keyed::Keys;
use crate::keyed::newcomer::{NoRoom, WhenFull};
use crate::keyed::table::Outcome;
use crate::limiter::kept::Kept;
use crate::limiter::place::Place;
use crate::limiter::reservation::Wanted;
use crate::limiter::{Refusal, Refused, Retired, Slot};
use crate::rule::{Booking, Rule, Step};
use crate::time::ClockSource;

/// One key of a [`KeyedLimiter`](crate::KeyedLimiter): its verbs skip the hashing.
///
/// A handle holds no state. The key may be forgotten and come back any number of times while the handle lives.
pub struct Key<'a, K: ?Sized> {
    keys: &'a Keys,
    hash: u64,
    kind: PhantomData<fn(&K)>,
}

impl<K: ?Sized> Clone for Key<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: ?Sized> Copy for Key<'_, K> {}

impl<K: ?Sized> fmt::Debug for Key<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

/// What a spend did to which word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marked {
    pub(crate) before: u64,
    pub(crate) after: u64,
    /// It is the word that newcomers share.
    pub(crate) shared: bool,
}

impl<'a, K: ?Sized> Key<'a, K> {
    pub(super) fn new(keys: &'a Keys, hash: u64) -> Key<'a, K> {
        Key { keys, hash, kind: PhantomData }
    }

    /// The key as a number, for callers who keep it where no lifetime goes. It means nothing to another table.
    ///
    /// ```
    /// # use tidegate::{Algorithm, KeyedLimiter, Quota};
    /// let keyed: KeyedLimiter<str> = KeyedLimiter::builder(Algorithm::Gcra, Quota::per_second(1)?).max_keys(10).build()?;
    /// let kept = keyed.key("alice").into_raw();
    /// assert!(keyed.key_from_raw(kept).try_acquire_at(0, 1));
    /// assert!(!keyed.try_acquire_at("alice", 0, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn into_raw(self) -> u64 {
        self.hash
    }

    /// The same key, whatever it is.
    pub(crate) fn untyped(self) -> Key<'a, ()> {
        Key::new(self.keys, self.hash)
    }

    /// Asks memory for the key's slots, and waits for nothing: before a call on several tables, say, so that they are fetched together.
    ///
    /// ```
    /// # use tidegate::{Algorithm, KeyedLimiter, Quota};
    /// let keyed: KeyedLimiter<str> = KeyedLimiter::builder(Algorithm::Gcra, Quota::per_minute(1)?).max_keys(10).build()?;
    /// let key = keyed.key("a");
    /// key.prefetch();
    /// assert!(key.try_acquire_at(0, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn prefetch(&self) {
        self.keys.table.prefetch(self.hash);
    }

    #[inline(always)]
    fn clamp(&self, now: u64) -> u64 {
        now.min(self.keys.rule.end())
    }

    #[inline(always)]
    fn update(&self, now: u64, step: impl Fn(u64, u64) -> Option<u64>) -> Outcome {
        let Keys { table, rule, when_full, .. } = self.keys;
        table.update(self.hash, self.clamp(now), rule, *when_full, step)
    }

    /// What becomes of the word when `cost` is spent.
    ///
    /// The rule is told apart before the search, and the step of the default algorithm is inlined into the caller.
    #[inline(always)]
    fn spend(&self, now: u64, cost: u64) -> Outcome {
        if let Rule::Continuous(rule) = &self.keys.rule {
            return self.update(now, |word, now| rule.take(word, now, cost));
        }
        self.spend_in_windows(now, cost)
    }

    #[inline(never)]
    fn spend_in_windows(&self, now: u64, cost: u64) -> Outcome {
        self.update(now, |word, now| self.keys.rule.take(word, now, cost))
    }

    /// See [`Limiter::try_acquire_at`](crate::Limiter::try_acquire_at).
    #[inline]
    pub fn try_acquire_at(&self, now: u64, cost: u64) -> bool {
        if cost == 0 {
            return true;
        }
        match self.spend(now, cost) {
            Outcome::Stepped { .. } => true,
            Outcome::Denied { .. } => false,
            Outcome::NoRoom(_) => {
                self.overflows() && self.keys.overflow.try_acquire(self.clamp(now), cost).unwrap_or(false)
            }
        }
    }

    /// See [`Limiter::take_at`](crate::Limiter::take_at).
    #[inline]
    pub fn take_at(&self, now: u64, cost: u64) -> Decision {
        if cost == 0 {
            return self.peek_at(now, 0);
        }
        match self.spend(now, cost) {
            Outcome::Stepped { after, .. } => self.decision(true, after, now, cost, Verb::Take),
            Outcome::Denied { word } => self.decision(false, word, now, cost, Verb::Take),
            Outcome::NoRoom(no_room) => self.elsewhere(no_room, now, |place, now| place.take(now, cost)),
        }
    }

    /// See [`Limiter::peek_at`](crate::Limiter::peek_at).
    pub fn peek_at(&self, now: u64, cost: u64) -> Decision {
        let (word, judged) = self.keys.table.look(self.hash, self.clamp(now));
        let allowed = cost == 0 || self.keys.rule.take(word, judged, cost).is_some();
        self.decision(allowed, word, judged, cost, Verb::Take)
    }

    /// See [`Limiter::charge_at`](crate::Limiter::charge_at).
    pub fn charge_at(&self, now: u64, cost: u64) -> Decision {
        if cost == 0 {
            return self.peek_at(now, 0);
        }
        match self.update(now, |word, now| self.keys.rule.charge(word, now, cost)) {
            Outcome::Stepped { after, .. } => self.decision(true, after, now, cost, Verb::Charge),
            Outcome::Denied { word } => self.decision(false, word, now, cost, Verb::Charge),
            Outcome::NoRoom(no_room) => self.elsewhere(no_room, now, |place, now| place.charge(now, cost)),
        }
    }

    /// See [`Limiter::refund_at`](crate::Limiter::refund_at). A key that is not remembered owes nothing.
    pub fn refund_at(&self, now: u64, permits: u64) {
        if permits > 0 {
            self.update(now, |word, now| {
                if word == 0 || self.waits(now) { Some(word) } else { Some(self.keys.rule.refund(word, now, permits)) }
            });
        }
    }

    /// See [`Limiter::reserve_at`](crate::Limiter::reserve_at).
    ///
    /// # Errors
    /// As there; also if there is no room for the key.
    pub fn reserve_at(&self, now: u64, cost: u64, max_wait_nanos: u64) -> Result<Slot, Refused> {
        self.reserve_from_at(now, now, cost, max_wait_nanos)
    }

    /// See [`Limiter::reserve_from_at`](crate::Limiter::reserve_from_at).
    ///
    /// # Errors
    /// As there; also if there is no room for the key.
    pub fn reserve_from_at(&self, now: u64, from: u64, cost: u64, max_wait_nanos: u64) -> Result<Slot, Refused> {
        if cost == 0 {
            return Ok(Slot::nothing(now));
        }
        let rule = &self.keys.rule;
        let wanted = self.wanted(now, from, cost, max_wait_nanos);
        // The table's exchanges release.
        let book = |word, now| {
            let booked = Wanted { now, ..wanted }.of(rule, word).ok()?;
            booked.keep(self.kept());
            Some(booked.after)
        };
        match self.update(now, book) {
            // The step is pure, so it books the same again; but a new key, judged at a later time, has its permits at once.
            Outcome::Stepped { before, after } => {
                let at = wanted.of(rule, before).map_or(wanted.now.max(wanted.from), |booked| booked.at);
                Ok(Slot::of_word(at, cost, before, after))
            }
            Outcome::Denied { word } => Err(match wanted.of(rule, word) {
                Err(refused) => refused,
                // A new key, judged at a later time, that waits too long.
                Ok(_) => Refused::new(Refusal::WaitTooLong, self.decision(false, word, now, cost, Verb::Take)),
            }),
            Outcome::NoRoom(no_room) => Err(Refused::new(Refusal::NoRoom, self.no_room(no_room, now))),
        }
    }

    /// Whether [`Key::reserve_from_at`] would be refused, but for want of room, without booking.
    pub(crate) fn refuses(&self, now: u64, from: u64, cost: u64, max_wait: u64) -> Option<Refused> {
        let (word, now) = self.look(now);
        self.wanted(now, from, cost, max_wait).of(&self.keys.rule, word).err()
    }

    fn wanted(&self, now: u64, from: u64, cost: u64, max_wait: u64) -> Wanted {
        Wanted { now: self.clamp(now), from: self.clamp(from), cost, max_wait }
    }

    /// See [`Limiter::cancel_at`](crate::Limiter::cancel_at).
    pub fn cancel_at(&self, now: u64, slot: Slot) {
        if slot.cost() > 0 {
            self.cancel_by(|| now, &slot.booking());
        }
    }

    /// [`Key::cancel_at`] the time that the clock says after the word has been read.
    pub(crate) fn cancel_by(&self, clock: impl Fn() -> u64, booking: &Booking) {
        let unbook = |word| {
            let now = self.clamp(clock());
            self.keys.rule.unbook(word, now, booking, self.waits(now))
        };
        self.update(0, |word, _| Some(if word == self.keys.table.first() { word } else { unbook(word) }));
    }

    /// See [`Limiter::settle_at`](crate::Limiter::settle_at).
    pub fn settle_at(&self, now: u64, slot: Slot, actual: u64) -> Decision {
        self.settle_by(now, || now, &slot, actual)
    }

    pub(crate) fn settle_by(&self, now: u64, clock: impl Fn() -> u64, slot: &Slot, actual: u64) -> Decision {
        match actual.checked_sub(slot.cost()) {
            Some(more) => self.charge_at(now, more),
            None => {
                let booking = slot.booking();
                let part = if actual == 0 { booking } else { booking.part(slot.cost() - actual) };
                self.cancel_by(clock, &part);
                self.peek_at(now, 0)
            }
        }
    }

    /// As `take_at`, with what it takes to give it back: the words before and after it, and whose they are.
    pub(crate) fn spend_marked(&self, now: u64, cost: u64) -> Result<Marked, Decision> {
        match self.spend(now, cost) {
            Outcome::Stepped { before, after } => Ok(Marked { before, after, shared: false }),
            Outcome::Denied { word } => Err(self.decision(false, word, now, cost, Verb::Take)),
            Outcome::NoRoom(no_room) if self.overflows() => {
                // The shared place is never retired.
                match self.keys.overflow.spend_marked(self.clamp(now), cost) {
                    Ok((_, Some(slot))) => {
                        let Booking { before, after, .. } = slot.booking();
                        Ok(Marked { before, after, shared: true })
                    }
                    Ok((decision, None)) => Err(decision),
                    Err(Retired) => Err(self.no_room(no_room, now)),
                }
            }
            Outcome::NoRoom(no_room) => Err(self.no_room(no_room, now)),
        }
    }

    /// Whether somebody waits at `now` whom the word, which has been acquired, does not show.
    fn waits(&self, now: u64) -> bool {
        !self.keys.rule.shows_instants() && self.kept().waits(now)
    }

    fn kept(&self) -> &'a Kept {
        &self.keys.kept[self.hash as usize % self.keys.kept.len()]
    }

    /// Gives back what was spent on the place that newcomers share.
    pub(crate) fn cancel_shared_by(&self, clock: impl Fn() -> u64, booking: &Booking) {
        // It is never retired.
        let _ = self.keys.overflow.cancel_by(clock, booking);
    }

    pub(crate) fn rule(&self) -> &'a Rule {
        &self.keys.rule
    }

    /// The word at a time.
    pub(crate) fn look(&self, now: u64) -> (u64, u64) {
        self.keys.table.look(self.hash, self.clamp(now))
    }

    pub(crate) fn clock(&self) -> &'a ClockSource {
        &self.keys.clock
    }

    /// Forgets the key: it is new and full. Whether it was remembered.
    pub fn reset(&self) -> bool {
        self.keys.table.forget(self.hash)
    }

    fn decision(&self, allowed: bool, word: u64, now: u64, cost: u64, verb: Verb) -> Decision {
        Decision::of_word(allowed, &self.keys.rule, word, now, cost, verb)
    }

    /// From what newcomers share, if they do.
    fn elsewhere(
        &self,
        no_room: NoRoom,
        now: u64,
        verb: impl Fn(&Place, u64) -> Result<Decision, Retired>,
    ) -> Decision {
        // The shared place is never retired.
        let shared = self.overflows().then(|| verb(&self.keys.overflow, self.clamp(now)));
        shared.and_then(Result::ok).unwrap_or_else(|| self.no_room(no_room, now))
    }

    fn overflows(&self) -> bool {
        self.keys.when_full == WhenFull::Overflow
    }

    /// Denied, until a slot in reach is idle: at the latest then there is room.
    fn no_room(&self, no_room: NoRoom, now: u64) -> Decision {
        let now = self.clamp(now);
        let retry_after = (no_room.until <= self.keys.rule.end()).then(|| no_room.until.saturating_sub(now));
        let limit = self.keys.rule.capacity();
        Decision::of_facts(false, Facts { limit, remaining: 0, retry_after, reset_after: 0 })
    }
}
