//! The place of one word: an atomic that applies a rule's steps.
//!
//! Ordering: the word is the whole message. A reader needs nothing else that a writer wrote, and all writes to one atomic have one
//! order, so `Relaxed` makes the limiter linearizable. What happens to data *beside* the limiter is the caller's business. Only a
//! reservation has more to say than its word ([`Kept`]): it releases, and who gives back acquires.

use core::borrow::Borrow;
use core::cell::Cell;

use crate::decision::{Decision, Verb};
use crate::limiter::Retired;
use crate::limiter::kept::Kept;
use crate::limiter::reservation::{Refused, Slot, Wanted};
use crate::rule::continuous::Continuous;
use crate::rule::{Booking, RETIRED, Rule, Step};
use crate::sync::{
    AtomicU64, Bug,
    Ordering::{Acquire, Relaxed, Release},
    fence, seeded,
};

/// A rule and its word: the place's own, or one that is lent (`limiter::word`).
#[derive(Debug)]
pub(crate) struct Place<W = AtomicU64> {
    pub(crate) rule: Rule,
    word: W,
    kept: Kept,
}

/// Applies `step` to the word until the word has not changed meanwhile.
///
/// `Ok((before, after))`, or `Err(word)` as soon as the step says no. A step that leaves the word as it is writes nothing.
#[inline(always)]
fn update(word: &AtomicU64, step: impl Fn(u64) -> Option<u64>) -> Result<(u64, u64), u64> {
    let mut before = word.load(Relaxed);
    loop {
        let Some(after) = step(before) else { return Err(before) };
        if after == before {
            return Ok((before, after));
        }
        if seeded(Bug::LostUpdate) {
            word.swap(after, Relaxed);
            return Ok((before, after));
        }
        match word.compare_exchange_weak(before, after, Relaxed, Relaxed) {
            Ok(_) => return Ok((before, after)),
            Err(seen) => before = seen,
        }
    }
}

/// As [`update`], for a grant: that changes the word, or it is none, so nothing is asked but whether it fits.
#[inline(always)]
fn grant(word: &AtomicU64, step: impl Fn(u64) -> Option<u64>) -> Result<u64, u64> {
    let mut before = word.load(Relaxed);
    loop {
        let Some(after) = step(before) else { return Err(before) };
        if seeded(Bug::LostUpdate) {
            word.swap(after, Relaxed);
            return Ok(after);
        }
        match word.compare_exchange_weak(before, after, Relaxed, Relaxed) {
            Ok(_) => return Ok(after),
            Err(seen) => before = seen,
        }
    }
}

/// The word after spending `cost`, or the word that denies it, which may be one that the rule could not have made.
#[inline(always)]
pub(crate) fn spend_continuous(rule: &Continuous, word: &AtomicU64, now: u64, cost: u64) -> Result<u64, u64> {
    grant(word, |word| rule.take(word, now, cost))
}

/// A denial on a retired word is no answer.
#[inline(always)]
fn live(word: u64) -> Result<u64, Retired> {
    if word == RETIRED { Err(Retired) } else { Ok(word) }
}

/// Whether a step was taken, and the word that it left.
#[inline(always)]
fn answered(updated: Result<(u64, u64), u64>) -> Result<(bool, u64), Retired> {
    match updated {
        Ok((_, word)) => Ok((true, word)),
        Err(word) => live(word).map(|word| (false, word)),
    }
}

impl Place {
    #[cfg(not(tidegate_loom))]
    pub(crate) const fn new(rule: Rule, word: u64) -> Place {
        Place { rule, word: AtomicU64::new(word), kept: Kept::new(0) }
    }

    #[cfg(tidegate_loom)]
    pub(crate) fn new(rule: Rule, word: u64) -> Place {
        Place { rule, word: AtomicU64::new(word), kept: Kept::new(0) }
    }
}

impl<W: Borrow<AtomicU64>> Place<W> {
    #[inline(always)]
    pub(crate) fn of(rule: Rule, word: W) -> Place<W> {
        Place { rule, word, kept: Kept::new(0) }
    }

    #[inline(always)]
    fn at(&self) -> &AtomicU64 {
        self.word.borrow()
    }

    /// The rule of the default algorithm, and the word after spending `cost` under it, or the word that denies it, which may be `RETIRED`.
    /// `None` for any other algorithm. Inlined into the caller, and with one test only for what the place holds.
    #[inline(always)]
    pub(crate) fn spend_continuous(&self, now: u64, cost: u64) -> Option<(&Continuous, Result<u64, u64>)> {
        match &self.rule {
            Rule::Continuous(rule) => Some((rule, spend_continuous(rule, self.at(), now, cost))),
            _ => None,
        }
    }

    /// Whether `cost` was spent, and the word after it. Here `now` may lie beyond the rule's own end.
    #[inline(always)]
    pub(crate) fn spend(&self, now: u64, cost: u64) -> Result<(bool, u64), Retired> {
        // The rule is told apart outside the loop.
        let granted = if let Rule::Interval(rule) = &self.rule {
            grant(self.at(), |word| rule.take(word, now, cost))
        } else if let Rule::Sliding(rule) = &self.rule {
            grant(self.at(), |word| rule.take(word, now, cost))
        } else {
            grant(self.at(), |word| self.rule.take(word, now, cost))
        };
        match granted {
            Ok(word) => Ok((true, word)),
            Err(word) => live(word).map(|word| (false, word)),
        }
    }

    /// Spends as much as fits, at least `least` (not 0) and at most `most`: how much, or the word that denies `least`. `now` is at most the
    /// rule's end.
    pub(crate) fn draw(&self, now: u64, least: u64, most: u64) -> Result<u64, u64> {
        let drawn = Cell::new(0);
        grant(self.at(), |word| {
            let fits = self.rule.remaining(word, now).min(most);
            drawn.set(fits);
            if fits < least { None } else { self.rule.take(word, now, fits) }
        })?;
        Ok(drawn.get())
    }

    /// Takes back a spend that was drawn and not used.
    pub(crate) fn unspend(&self, permits: u64) {
        // The step never says no.
        let _ = update(self.at(), |word| Some(self.rule.unspend(word, permits)));
    }

    pub(crate) fn try_acquire(&self, now: u64, cost: u64) -> Result<bool, Retired> {
        self.spend(now, cost).map(|(allowed, _)| allowed)
    }

    pub(crate) fn take(&self, now: u64, cost: u64) -> Result<Decision, Retired> {
        let (allowed, word) = self.spend(now, cost)?;
        Ok(Decision::of_word(allowed, &self.rule, word, now, cost, Verb::Take))
    }

    pub(crate) fn charge(&self, now: u64, cost: u64) -> Result<Decision, Retired> {
        let (allowed, word) = answered(update(self.at(), |word| self.rule.charge(word, now, cost)))?;
        Ok(Decision::of_word(allowed, &self.rule, word, now, cost, Verb::Charge))
    }

    #[inline]
    pub(crate) fn peek(&self, now: u64, cost: u64) -> Result<Decision, Retired> {
        let word = live(self.at().load(Relaxed))?;
        let allowed = cost == 0 || self.rule.take(word, now, cost).is_some();
        Ok(Decision::of_word(allowed, &self.rule, word, now, cost, Verb::Take))
    }

    /// Applies a step that never says no.
    fn adjust(&self, step: impl Fn(u64) -> u64) -> Result<(), Retired> {
        match update(self.at(), |word| live(word).ok().map(&step)) {
            Ok(_) => Ok(()),
            Err(_) => Err(Retired),
        }
    }

    pub(crate) fn refund(&self, now: u64, permits: u64) -> Result<(), Retired> {
        self.adjust(|word| {
            fence(Acquire);
            if self.waits(now) { word } else { self.rule.refund(word, now, permits) }
        })
    }

    pub(crate) fn reset(&self) -> Result<(), Retired> {
        self.kept.forget();
        self.adjust(|_| 0)
    }

    pub(crate) fn set(&self, word: u64) -> Result<(), Retired> {
        self.adjust(|_| word)
    }

    pub(crate) fn reserve(
        &self,
        now: u64,
        from: u64,
        cost: u64,
        max_wait: u64,
    ) -> Result<Result<Slot, Refused>, Retired> {
        let wanted = Wanted { now, from: from.min(self.rule.end()), cost, max_wait };
        let mut before = self.at().load(Relaxed);
        loop {
            let booked = match wanted.of(&self.rule, live(before)?) {
                Ok(booked) => booked,
                Err(refused) => return Ok(Err(refused)),
            };
            if !seeded(Bug::KeptLate) {
                booked.keep(&self.kept);
            }
            match self.at().compare_exchange_weak(before, booked.after, Release, Relaxed) {
                Ok(_) => {
                    if seeded(Bug::KeptLate) {
                        booked.keep(&self.kept);
                    }
                    return Ok(Ok(Slot::of_word(booked.at, cost, before, booked.after)));
                }
                Err(seen) => before = seen,
            }
        }
    }

    /// Whether [`Place::reserve`] would be refused, without booking.
    pub(crate) fn refuses(&self, now: u64, from: u64, cost: u64, max_wait: u64) -> Result<Option<Refused>, Retired> {
        let wanted = Wanted { now, from: from.min(self.rule.end()), cost, max_wait };
        Ok(wanted.of(&self.rule, self.word()?).err())
    }

    /// The clock is read after the word, so that no spend in the word is later than `now`.
    pub(crate) fn cancel_by(&self, clock: impl Fn() -> u64, booking: &Booking) -> Result<(), Retired> {
        self.adjust(|word| {
            fence(Acquire);
            let now = clock().min(self.rule.end());
            self.rule.unbook(word, now, booking, self.waits(now))
        })
    }

    /// Whether somebody waits at `now` whom the word does not show.
    fn waits(&self, now: u64) -> bool {
        !self.rule.shows_instants() && self.kept.waits(now)
    }

    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// The word as it is, `RETIRED` included.
    #[inline(always)]
    pub(crate) fn raw(&self) -> u64 {
        self.word.borrow().load(Relaxed)
    }

    /// Puts `after` in the place of `before`, or says what is there instead.
    #[inline(always)]
    pub(crate) fn exchange(&self, before: u64, after: u64) -> Result<(), u64> {
        self.word.borrow().compare_exchange_weak(before, after, Relaxed, Relaxed).map(drop)
    }

    /// As `take`, and what it takes to give it back.
    pub(crate) fn spend_marked(&self, now: u64, cost: u64) -> Result<(Decision, Option<Slot>), Retired> {
        let spent = update(self.word.borrow(), |word| self.rule.take(word, now, cost));
        let (allowed, word) = answered(spent)?;
        let slot = spent.ok().map(|(before, after)| Slot::of_word(now, cost, before, after));
        Ok((Decision::of_word(allowed, &self.rule, word, now, cost, Verb::Take), slot))
    }

    /// Whether this place is in force.
    pub(crate) fn serving(&self) -> Result<(), Retired> {
        self.word().map(|_| ())
    }

    pub(crate) fn word(&self) -> Result<u64, Retired> {
        live(self.at().load(Relaxed))
    }

    /// Takes the word out of service and returns the last one.
    pub(crate) fn retire(&self) -> u64 {
        self.at().swap(RETIRED, Relaxed)
    }

    /// Puts a word back into service after [`Place::retire`].
    pub(crate) fn revive(&self, word: u64) {
        self.at().swap(word, Relaxed);
    }
}
