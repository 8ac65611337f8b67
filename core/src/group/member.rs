//! One limit of a group: how it is looked at, spent on and given back, whatever it is.

use crate::decision::{Decision, Facts, Verb};
#[cfg(feature = "std")]
use crate::keyed::{Key, Marked};
use crate::limiter::{Limiter, Slot};
use crate::rule::{Booking, END, RETIRED, Rule, Step};
use crate::sync::{Bug, seeded};
#[cfg(feature = "std")]
use crate::time::ClockSource;

/// One limit of a [`Group`](crate::Group): its name, what it is, and what a call costs there.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    name: &'a str,
    limit: Limit<'a>,
    cost: u64,
}

impl<'a> Member<'a> {
    /// A limiter, where the call costs `cost` permits.
    pub const fn limiter(name: &'a str, limiter: &'a Limiter, cost: u64) -> Member<'a> {
        Member { name, limit: Limit::Limiter(limiter), cost }
    }

    /// One key of a keyed limiter, where the call costs `cost` permits.
    #[cfg(feature = "std")]
    pub fn key<K: ?Sized>(name: &'a str, key: Key<'a, K>, cost: u64) -> Member<'a> {
        Member { name, limit: Limit::Key(key.untyped()), cost }
    }

    /// The name.
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// What a call costs here, in permits.
    pub const fn cost(&self) -> u64 {
        self.cost
    }

    #[inline(always)]
    pub(super) fn part(&self) -> (Limit<'a>, u64) {
        (self.limit, self.cost)
    }

    #[cfg(feature = "std")]
    pub(super) fn clock(&self) -> &'a ClockSource {
        self.limit.clock()
    }
}

/// What can be a member.
#[derive(Clone, Copy, Debug)]
pub(super) enum Limit<'a> {
    Limiter(&'a Limiter),
    #[cfg(feature = "std")]
    Key(Key<'a, ()>),
}

/// What a member said, and what giving it back needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged<'a> {
    pub(super) allowed: bool,
    pub(super) source: Source<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    /// Not a member.
    Nothing,
    /// The word, and the one after the cost (the same, if that is denied or nothing).
    Word {
        rule: &'a Rule,
        before: u64,
        after: u64,
        cost: u64,
        /// The word is the one that newcomers to a full table share.
        shared: bool,
    },
    Facts(Facts),
}

/// What became of a spend.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spent<'a> {
    Done,
    Denied,
    /// The state is a log's, or that of a configuration that has followed: ask the limiter itself.
    Elsewhere(&'a Limiter),
}

impl<'a> Judged<'a> {
    pub(super) const NOTHING: Judged<'a> = Judged { allowed: true, source: Source::Nothing };

    #[inline(always)]
    fn word(rule: &'a Rule, word: u64, now: u64, cost: u64) -> Judged<'a> {
        let after = if cost == 0 { Some(word) } else { rule.take(word, now, cost) };
        Judged {
            allowed: after.is_some(),
            source: Source::Word { rule, before: word, after: after.unwrap_or(word), cost, shared: false },
        }
    }

    #[cold]
    fn elsewhere(limiter: &Limiter, now: u64, cost: u64) -> Judged<'a> {
        Judged::facts(&limiter.peek_at(now, cost))
    }

    pub(super) fn facts(decision: &Decision) -> Judged<'a> {
        Judged { allowed: decision.is_allowed(), source: Source::Facts(decision.facts()) }
    }

    /// The member's own decision; `spent` tells whether the cost has been spent.
    pub(super) fn decision(&self, now: u64, spent: bool) -> Decision {
        match &self.source {
            Source::Word { rule, before, after, cost, .. } => {
                Decision::of_word(self.allowed, rule, if spent { *after } else { *before }, now, *cost, Verb::Take)
            }
            Source::Facts(facts) => Decision::of_facts(self.allowed, *facts),
            // No member is asked for beyond the last one.
            Source::Nothing => Decision::of_facts(
                true,
                Facts { limit: u64::MAX, remaining: u64::MAX, retry_after: Some(0), reset_after: 0 },
            ),
        }
    }
}

impl<'a> Limit<'a> {
    /// Judges without spending.
    #[inline(always)]
    pub(super) fn look(&self, now: u64, cost: u64) -> Judged<'a> {
        match self {
            Limit::Limiter(limiter) => {
                if let Some((place, _)) = limiter.place() {
                    let word = place.raw();
                    if word != RETIRED {
                        return Judged::word(&place.rule, word, now.min(END), cost);
                    }
                }
                Judged::elsewhere(limiter, now, cost)
            }
            #[cfg(feature = "std")]
            Limit::Key(key) => {
                let (word, judged) = key.look(now);
                Judged::word(key.rule(), word, judged, cost)
            }
        }
    }

    /// Spends what was judged to fit, if it still does.
    #[inline(always)]
    pub(super) fn spend(&self, judged: &mut Judged<'a>, now: u64, cost: u64) -> Spent<'a> {
        match self {
            Limit::Limiter(limiter) => {
                let (Some((place, _)), Source::Word { rule, before, after, .. }) =
                    (limiter.place(), &mut judged.source)
                else {
                    return Spent::Elsewhere(limiter);
                };
                while let Err(seen) = place.exchange(*before, *after) {
                    *before = seen;
                    match rule.take(seen, now.min(END), cost) {
                        Some(next) => *after = next,
                        None if seen == RETIRED => return Spent::Elsewhere(limiter),
                        None => {
                            *after = seen;
                            judged.allowed = seeded(Bug::SpendUnchecked);
                            return if judged.allowed { Spent::Done } else { Spent::Denied };
                        }
                    }
                }
                Spent::Done
            }
            #[cfg(feature = "std")]
            Limit::Key(key) => match key.spend_marked(now, cost) {
                Ok(Marked { before, after, shared }) => {
                    judged.source = Source::Word { rule: key.rule(), before, after, cost, shared };
                    Spent::Done
                }
                Err(decision) => {
                    *judged = Judged::facts(&decision);
                    Spent::Denied
                }
            },
        }
    }

    /// Gives back what [`Limit::spend`] has spent.
    #[cold]
    pub(super) fn give_back(&self, judged: &Judged<'a>, clock: &impl Fn() -> u64) {
        let Source::Word { rule, before, after, cost, shared } = judged.source else { return };
        let mut booking = Booking { before, after, cost };
        if seeded(Bug::RollbackTooMuch) {
            booking = Booking { before: rule.refund(before, clock(), 1), cost: cost + 1, ..booking };
        }
        match self {
            Limit::Limiter(limiter) => {
                // Nobody shares a limiter's word so.
                debug_assert!(!shared);
                if let Some((_, generation)) = limiter.place() {
                    limiter.cancel_by(clock, &Slot::of_booking(&booking).of_generation(generation));
                }
            }
            #[cfg(feature = "std")]
            Limit::Key(key) if shared => key.cancel_shared_by(clock, &booking),
            #[cfg(feature = "std")]
            Limit::Key(key) => key.cancel_by(clock, &booking),
        }
    }

    #[cfg(feature = "std")]
    pub(super) fn clock(&self) -> &'a ClockSource {
        match self {
            Limit::Limiter(limiter) => limiter.clock(),
            Limit::Key(key) => key.clock(),
        }
    }
}
