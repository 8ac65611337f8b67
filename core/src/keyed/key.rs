//! `Key`: the verbs of a keyed limiter for one key, hashed once.

use core::fmt;

use super::table::{NoRoom, Outcome, WhenFull};
use crate::decision::{Decision, Facts, Verb};
use crate::keyed::KeyedLimiter;
use crate::limiter::place::Place;
use crate::limiter::{Refusal, Refused, Retired, Slot};
use crate::rule::{Rule, Step, Unbookable};

/// One key of a [`KeyedLimiter`]: its verbs skip the hashing.
///
/// A handle holds no state. The key may be forgotten and come back any number of times while the handle lives.
pub struct Key<'a, K: ?Sized> {
    limiter: &'a KeyedLimiter<K>,
    hash: u64,
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

impl<'a, K: ?Sized> Key<'a, K> {
    pub(super) fn new(limiter: &'a KeyedLimiter<K>, hash: u64) -> Key<'a, K> {
        Key { limiter, hash }
    }

    /// Brings the key's slots into the cache.
    pub(super) fn touch(&self) {
        self.limiter.table.touch(self.hash);
    }

    #[inline(always)]
    fn clamp(&self, now: u64) -> u64 {
        now.min(self.limiter.rule.end())
    }

    #[inline(always)]
    fn update(&self, now: u64, step: impl Fn(u64, u64) -> Option<u64>) -> Outcome {
        let KeyedLimiter { table, rule, when_full, .. } = self.limiter;
        table.update(self.hash, self.clamp(now), rule, *when_full, step)
    }

    /// What becomes of the word when `cost` is spent.
    ///
    /// The rule is told apart before the search, and the step of the default algorithm is inlined into the caller.
    #[inline(always)]
    fn spend(&self, now: u64, cost: u64) -> Outcome {
        if let Rule::Continuous(rule) = &self.limiter.rule {
            return self.update(now, |word, now| rule.take(word, now, cost));
        }
        self.spend_in_windows(now, cost)
    }

    #[inline(never)]
    fn spend_in_windows(&self, now: u64, cost: u64) -> Outcome {
        self.update(now, |word, now| self.limiter.rule.take(word, now, cost))
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
                self.overflows() && self.limiter.overflow.try_acquire(self.clamp(now), cost).unwrap_or(false)
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
        let (word, judged) = self.limiter.table.look(self.hash, self.clamp(now));
        let allowed = cost == 0 || self.limiter.rule.take(word, judged, cost).is_some();
        self.decision(allowed, word, if word == 0 { judged } else { now }, cost, Verb::Take)
    }

    /// See [`Limiter::charge_at`](crate::Limiter::charge_at).
    pub fn charge_at(&self, now: u64, cost: u64) -> Decision {
        if cost == 0 {
            return self.peek_at(now, 0);
        }
        match self.update(now, |word, now| self.limiter.rule.charge(word, now, cost)) {
            Outcome::Stepped { after, .. } => self.decision(true, after, now, cost, Verb::Charge),
            Outcome::Denied { word } => self.decision(false, word, now, cost, Verb::Charge),
            Outcome::NoRoom(no_room) => self.elsewhere(no_room, now, |place, now| place.charge(now, cost)),
        }
    }

    /// See [`Limiter::refund_at`](crate::Limiter::refund_at). A key that is not remembered owes nothing.
    pub fn refund_at(&self, now: u64, permits: u64) {
        if permits > 0 {
            self.update(
                now,
                |word, now| {
                    if word == 0 { Some(0) } else { Some(self.limiter.rule.refund(word, now, permits)) }
                },
            );
        }
    }

    /// See [`Limiter::reserve_at`](crate::Limiter::reserve_at).
    ///
    /// # Errors
    /// As there; also if there is no room for the key.
    pub fn reserve_at(&self, now: u64, cost: u64, max_wait_nanos: u64) -> Result<Slot, Refused> {
        if cost == 0 {
            return Ok(Slot::nothing(now));
        }
        let rule = &self.limiter.rule;
        let now = self.clamp(now);
        let book = |word, now| match rule.reserve(word, now, cost) {
            Ok((after, at)) if at - now <= max_wait_nanos => Ok((after, at)),
            Ok(_) => Err(Refusal::WaitTooLong),
            Err(Unbookable::Never) => Err(Refusal::Never),
            Err(Unbookable::Full) => Err(Refusal::QueueFull),
        };
        let refused = |word| {
            let refusal = book(word, now).err().unwrap_or(Refusal::WaitTooLong);
            Refused::new(refusal, self.decision(false, word, now, cost, Verb::Take))
        };
        match self.update(now, |word, now| book(word, now).ok().map(|(after, _)| after)) {
            // The step is pure, so it books the same again; a new key has all its permits at once.
            Outcome::Stepped { before: 0, after } => Ok(Slot::of_word(now, cost, 0, after)),
            Outcome::Stepped { before, after } => match book(before, now) {
                Ok((_, at)) => Ok(Slot::of_word(at, cost, before, after)),
                Err(_) => Err(refused(before)),
            },
            Outcome::Denied { word } => Err(refused(word)),
            Outcome::NoRoom(no_room) => Err(Refused::new(Refusal::NoRoom, self.no_room(no_room, now))),
        }
    }

    /// See [`Limiter::cancel_at`](crate::Limiter::cancel_at).
    pub fn cancel_at(&self, now: u64, slot: Slot) {
        if slot.cost() > 0 {
            let booking = slot.booking();
            self.update(now, |word, now| {
                Some(if word == 0 { 0 } else { self.limiter.rule.unbook(word, now, &booking) })
            });
        }
    }

    /// Forgets the key: it is new and full. Whether it was remembered.
    pub fn reset(&self) -> bool {
        self.limiter.table.forget(self.hash)
    }

    fn decision(&self, allowed: bool, word: u64, now: u64, cost: u64, verb: Verb) -> Decision {
        Decision::of_word(allowed, &self.limiter.rule, word, now, cost, verb)
    }

    /// From what newcomers share, if they do.
    fn elsewhere(
        &self,
        no_room: NoRoom,
        now: u64,
        verb: impl Fn(&Place, u64) -> Result<Decision, Retired>,
    ) -> Decision {
        // The shared place is never retired.
        let shared = self.overflows().then(|| verb(&self.limiter.overflow, self.clamp(now)));
        shared.and_then(Result::ok).unwrap_or_else(|| self.no_room(no_room, now))
    }

    fn overflows(&self) -> bool {
        self.limiter.when_full == WhenFull::Overflow
    }

    /// Denied, until a slot in reach is idle: at the latest then there is room.
    fn no_room(&self, no_room: NoRoom, now: u64) -> Decision {
        let now = self.clamp(now);
        let retry_after = (no_room.until <= self.limiter.rule.end()).then(|| no_room.until.saturating_sub(now));
        let limit = self.limiter.rule.capacity();
        Decision::of_facts(false, Facts { limit, remaining: 0, retry_after, reset_after: 0 })
    }
}

/// The same verbs at the time of the limiter's own clock.
impl<K: ?Sized> Key<'_, K> {
    /// [`Key::try_acquire_at`], now.
    #[inline]
    pub fn try_acquire(&self, cost: u64) -> bool {
        self.try_acquire_at(self.limiter.now(), cost)
    }

    /// [`Key::take_at`], now.
    #[inline]
    pub fn take(&self, cost: u64) -> Decision {
        self.take_at(self.limiter.now(), cost)
    }

    /// [`Key::peek_at`], now.
    pub fn peek(&self, cost: u64) -> Decision {
        self.peek_at(self.limiter.now(), cost)
    }

    /// [`Key::charge_at`], now.
    pub fn charge(&self, cost: u64) -> Decision {
        self.charge_at(self.limiter.now(), cost)
    }

    /// [`Key::refund_at`], now.
    pub fn refund(&self, permits: u64) {
        self.refund_at(self.limiter.now(), permits);
    }
}
