//! One limit of a group: how it is looked at, spent on and given back, whatever it is.

use crate::decision::{Decision, Facts, Verb};
#[cfg(feature = "std")]
use crate::keyed::{Key, Marked};
use crate::limiter::{Limiter, Refused, Slot};
use crate::rule::{Algorithm, Booking, END, RETIRED, Rule, Step};
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

/// What a member said, and what giving it back needs. Small, and cheap to begin with: a group keeps sixteen of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Judged {
    /// Not a member.
    Nothing,
    /// Allowed: the word, and the one after the cost (the same, if that is nothing).
    Word { before: u64, after: u64 },
    /// Allowed by the word that newcomers to a full table share.
    #[cfg(feature = "std")]
    Shared { before: u64, after: u64 },
    /// Denied by this word.
    Denied { word: u64 },
    /// The state is not one word, or there is no room for it. `retry_after` is [`NEVER`] for never.
    Facts { allowed: bool, limit: u64, remaining: u64, retry_after: u64, reset_after: u64 },
}

/// Longer than any wait.
const NEVER: u64 = u64::MAX;

/// What became of a spend.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spent<'a> {
    Done,
    Denied,
    /// The state is a log's, or that of a configuration that has followed: ask the limiter itself.
    Elsewhere(&'a Limiter),
}

impl Judged {
    #[inline(always)]
    pub(super) fn allows(&self) -> bool {
        match self {
            Judged::Denied { .. } => false,
            Judged::Facts { allowed, .. } => *allowed,
            _ => true,
        }
    }

    #[inline(always)]
    fn word(rule: &Rule, word: u64, now: u64, cost: u64) -> Judged {
        match step(rule, word, now, cost) {
            Some(after) => Judged::Word { before: word, after },
            None => Judged::Denied { word },
        }
    }

    #[cold]
    fn elsewhere(limiter: &Limiter, now: u64, cost: u64) -> Judged {
        Judged::facts(&limiter.peek_at(now, cost))
    }

    pub(super) fn facts(decision: &Decision) -> Judged {
        let Facts { limit, remaining, retry_after, reset_after } = decision.facts();
        let retry_after = retry_after.unwrap_or(NEVER);
        Judged::Facts { allowed: decision.is_allowed(), limit, remaining, retry_after, reset_after }
    }

    /// What a member's figures follow from; `spent` tells whether the cost has been spent.
    #[inline]
    pub(super) fn state<'a>(&self, rule: Option<&'a Rule>, spent: bool) -> State<'a> {
        let word = match *self {
            Judged::Word { before, after } => {
                if spent {
                    after
                } else {
                    before
                }
            }
            #[cfg(feature = "std")]
            Judged::Shared { before, after } => {
                if spent {
                    after
                } else {
                    before
                }
            }
            Judged::Denied { word } => word,
            Judged::Facts { limit, remaining, retry_after, reset_after, .. } => {
                let retry_after = (retry_after != NEVER).then_some(retry_after);
                return State::Facts(Facts { limit, remaining, retry_after, reset_after });
            }
            Judged::Nothing => return State::Facts(FULL),
        };
        rule.map_or(State::Facts(FULL), |rule| State::Word(rule, word))
    }

    /// The member's own decision about `cost`.
    pub(super) fn decision(&self, rule: Option<&Rule>, now: u64, cost: u64, spent: bool) -> Decision {
        match self.state(rule, spent) {
            State::Word(rule, word) => Decision::of_word(self.allows(), rule, word, now, cost, Verb::Take),
            State::Facts(facts) => Decision::of_facts(self.allows(), facts),
        }
    }
}

/// What a decision is worked out from.
pub(super) enum State<'a> {
    Word(&'a Rule, u64),
    Facts(Facts),
}

/// What nobody says: only members are asked, and only words that have a rule are kept.
const FULL: Facts = Facts { limit: u64::MAX, remaining: u64::MAX, retry_after: Some(0), reset_after: 0 };

/// The word after `cost`; nothing costs nothing. The default algorithm is inlined.
#[inline(always)]
fn step(rule: &Rule, word: u64, now: u64, cost: u64) -> Option<u64> {
    #[inline(never)]
    fn in_windows(rule: &Rule, word: u64, now: u64, cost: u64) -> Option<u64> {
        rule.take(word, now, cost)
    }
    if cost == 0 {
        return Some(word);
    }
    match rule {
        Rule::Continuous(rule) => rule.take(word, now.min(END), cost),
        _ => in_windows(rule, word, now.min(END), cost),
    }
}

impl<'a> Limit<'a> {
    /// The rule, if the state is one word.
    pub(super) fn rule(&self) -> Option<&'a Rule> {
        match self {
            Limit::Limiter(limiter) => limiter.place().map(|(place, _)| &place.rule),
            #[cfg(feature = "std")]
            Limit::Key(key) => Some(key.rule()),
        }
    }

    /// Says what a booking has really cost.
    pub(super) fn settle(&self, now: u64, clock: &impl Fn() -> u64, slot: &Slot, actual: u64) -> Judged {
        Judged::facts(&match self {
            Limit::Limiter(limiter) => limiter.settle_by(now, clock, slot, actual),
            #[cfg(feature = "std")]
            Limit::Key(key) => key.settle_by(now, clock, slot, actual),
        })
    }

    pub(super) fn is_log(&self) -> bool {
        matches!(self, Limit::Limiter(limiter) if limiter.algorithm() == Algorithm::SlidingLog)
    }

    /// Whether [`Limit::book`] would be refused. Nothing is changed; logs, and tables without room, say so only then.
    pub(super) fn refuses(&self, now: u64, from: u64, cost: u64, max_wait: u64) -> Option<Refused> {
        match self {
            _ if cost == 0 => None,
            Limit::Limiter(limiter) => limiter.refuses_at(now, from, cost, max_wait),
            #[cfg(feature = "std")]
            Limit::Key(key) => key.refuses(now, from, cost, max_wait),
        }
    }

    /// Books an instant that is not before `from`.
    pub(super) fn book(&self, now: u64, from: u64, cost: u64, max_wait: u64) -> Result<Slot, Refused> {
        match self {
            Limit::Limiter(limiter) => limiter.reserve_from_at(now, from, cost, max_wait),
            #[cfg(feature = "std")]
            Limit::Key(key) => key.reserve_from_at(now, from, cost, max_wait),
        }
    }

    /// Gives back what [`Limit::book`] has booked.
    pub(super) fn unbook(&self, slot: &Slot, clock: &impl Fn() -> u64) {
        match self {
            Limit::Limiter(limiter) => limiter.cancel_by(clock, slot),
            #[cfg(feature = "std")]
            Limit::Key(key) if slot.cost() > 0 => key.cancel_by(clock, &slot.booking()),
            #[cfg(feature = "std")]
            Limit::Key(_) => {}
        }
    }

    /// Judges without spending.
    #[inline(always)]
    pub(super) fn look(&self, now: u64, cost: u64) -> Judged {
        match self {
            Limit::Limiter(limiter) => {
                if let Some((place, _)) = limiter.place() {
                    let word = place.raw();
                    if word != RETIRED {
                        return Judged::word(&place.rule, word, now, cost);
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
    pub(super) fn spend(&self, judged: &mut Judged, now: u64, cost: u64) -> Spent<'a> {
        match self {
            Limit::Limiter(limiter) => {
                let (Some((place, _)), Judged::Word { before, after }) = (limiter.place(), &mut *judged) else {
                    return Spent::Elsewhere(limiter);
                };
                while let Err(seen) = place.exchange(*before, *after) {
                    match step(&place.rule, seen, now, cost) {
                        Some(next) => (*before, *after) = (seen, next),
                        None if seen == RETIRED => return Spent::Elsewhere(limiter),
                        None if seeded(Bug::SpendUnchecked) => break,
                        None => {
                            *judged = Judged::Denied { word: seen };
                            return Spent::Denied;
                        }
                    }
                }
                Spent::Done
            }
            #[cfg(feature = "std")]
            Limit::Key(key) => match key.spend_marked(now, cost) {
                Ok(Marked { before, after, shared: false }) => {
                    *judged = Judged::Word { before, after };
                    Spent::Done
                }
                Ok(Marked { before, after, shared: true }) => {
                    *judged = Judged::Shared { before, after };
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
    pub(super) fn give_back(&self, judged: &Judged, cost: u64, clock: &impl Fn() -> u64) {
        let booked = |before, after| match self.rule() {
            Some(rule) if seeded(Bug::RollbackTooMuch) => {
                Booking { before: rule.refund(before, clock(), 1), after, cost: cost + 1 }
            }
            _ => Booking { before, after, cost },
        };
        match (self, judged) {
            (Limit::Limiter(limiter), &Judged::Word { before, after }) => {
                if let Some((_, generation)) = limiter.place() {
                    limiter.cancel_by(clock, &Slot::of_booking(&booked(before, after)).of_generation(generation));
                }
            }
            #[cfg(feature = "std")]
            (Limit::Key(key), &Judged::Word { before, after }) => key.cancel_by(clock, &booked(before, after)),
            #[cfg(feature = "std")]
            (Limit::Key(key), &Judged::Shared { before, after }) => key.cancel_shared_by(clock, &booked(before, after)),
            // Nothing was spent, or elsewhere.
            _ => {}
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
