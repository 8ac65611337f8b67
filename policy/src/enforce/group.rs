//! All or nothing over the limits of one request.
//!
//! First every limit is asked without spending: if one denies, nothing was changed. Then each spends; a caller in a race may find that
//! a limit which had room has none any more, and what the limits before it have spent is given back. No limit is ever exceeded;
//! a race may refuse what would just have fitted, never admit what does not.

use std::sync::Arc;

use smallvec::SmallVec;
use tidegate::{Decision, Key, Limiter};

use super::in_flight::{InFlight, Places};

/// One key of one limit.
pub(crate) enum OfKey<'a> {
    Word(Key<'a, u64>),
    Whole(Arc<Limiter>),
    Places {
        places: &'a Arc<Places>,
        key: u64,
    },
    /// Decided by the request alone: at most so many in one.
    Most(u64),
    /// There is no memory to count in: denied.
    Nowhere,
}

/// What one limit answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Decided(Decision),
    /// Not a rate: so many of so many were left, and whether waiting may help.
    Stock {
        allowed: bool,
        limit: u64,
        remaining: u64,
        never: bool,
    },
}

impl Answer {
    pub(crate) fn is_allowed(&self) -> bool {
        match self {
            Answer::Decided(decision) => decision.is_allowed(),
            Answer::Stock { allowed, .. } => *allowed,
        }
    }
}

pub(crate) struct Member<'a> {
    pub of_key: OfKey<'a>,
    pub cost: u64,
}

impl Member<'_> {
    pub(crate) fn look(&self, now: u64) -> Answer {
        match &self.of_key {
            OfKey::Word(key) => Answer::Decided(key.peek_at(now, self.cost)),
            OfKey::Whole(limiter) => Answer::Decided(limiter.peek_at(now, self.cost)),
            OfKey::Places { places, key } => {
                let free = places.limit().saturating_sub(places.held(*key));
                self.places(places.limit(), free, self.cost <= free)
            }
            OfKey::Most(most) => Answer::Stock {
                allowed: self.cost <= *most,
                limit: *most,
                remaining: most.saturating_sub(self.cost),
                never: true,
            },
            OfKey::Nowhere => Answer::Stock { allowed: self.cost == 0, limit: 0, remaining: 0, never: false },
        }
    }

    pub(crate) fn spend(&self, now: u64, in_flight: &mut InFlight) -> Answer {
        match &self.of_key {
            OfKey::Word(key) => Answer::Decided(key.take_at(now, self.cost)),
            OfKey::Whole(limiter) => Answer::Decided(limiter.take_at(now, self.cost)),
            OfKey::Places { places, key } => match places.enter(*key, self.cost) {
                Ok(held) => {
                    if self.cost > 0 {
                        in_flight.hold(places, *key, self.cost);
                    }
                    self.places(places.limit(), places.limit().saturating_sub(held), true)
                }
                Err(held) => self.places(places.limit(), places.limit().saturating_sub(held), false),
            },
            OfKey::Most(_) | OfKey::Nowhere => self.look(now),
        }
    }

    /// Places are given back with the `InFlight` that holds them.
    fn give_back(&self, now: u64) {
        match &self.of_key {
            OfKey::Word(key) => key.refund_at(now, self.cost),
            OfKey::Whole(limiter) => limiter.refund_at(now, self.cost),
            OfKey::Places { .. } | OfKey::Most(_) | OfKey::Nowhere => {}
        }
    }

    fn places(&self, limit: u64, remaining: u64, allowed: bool) -> Answer {
        Answer::Stock { allowed, limit, remaining, never: self.cost > limit }
    }
}

pub(crate) type Answers = SmallVec<[Answer; 6]>;

/// Asks every member without spending.
pub(crate) fn look(members: &[Member<'_>], now: u64) -> Answers {
    members.iter().map(|member| member.look(now)).collect()
}

/// Spends on every member, or on none; what is held at the same time goes into `in_flight`.
pub(crate) fn take(members: &[Member<'_>], now: u64, in_flight: &mut InFlight) -> Answers {
    // One limit decides for itself.
    if let [member] = members {
        return SmallVec::from_iter([member.spend(now, in_flight)]);
    }
    let mut answers = look(members, now);
    if !answers.iter().all(Answer::is_allowed) {
        return answers;
    }
    for (n, member) in members.iter().enumerate() {
        answers[n] = member.spend(now, in_flight);
        if !answers[n].is_allowed() {
            roll_back(&members[..n], now, in_flight, &mut answers);
            break;
        }
    }
    answers
}

#[cold]
fn roll_back(spent: &[Member<'_>], now: u64, in_flight: &mut InFlight, answers: &mut Answers) {
    drop(std::mem::take(in_flight));
    for (member, answer) in spent.iter().zip(answers) {
        member.give_back(now);
        *answer = member.look(now);
    }
}
