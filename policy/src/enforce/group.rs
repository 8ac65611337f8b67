//! All or nothing over the limits of one request: the rates by the core's group, stocks around it.
//!
//! Stocks (so many in one request, so many at the same time) are looked at first, places at the same time are taken, then the group of rates
//! spends on all or on none; if it denies, the places are given back. No limit is ever exceeded; a race may refuse what would just have
//! fitted, never admit what does not.

use std::sync::Arc;

use smallvec::SmallVec;
use tidegate::{Decision, Group, GroupError, Key, Limiter, MAX_MEMBERS};

use super::in_flight::{InFlight, Places};

/// The most rates that a request can meet at once.
pub(crate) const MAX_RATES: usize = MAX_MEMBERS;

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
    /// Not a rate: so many of so many are left, and whether waiting may help.
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

pub(crate) type Answers = SmallVec<[Answer; 6]>;

/// What every member says, and whether all allow. With `in_flight` they are spent on: all, or none.
pub(crate) fn ask(members: &[Member<'_>], now: u64, in_flight: Option<&mut InFlight>) -> (bool, Answers) {
    let mut answers: Answers = members.iter().map(Member::stock).collect();
    let mut allowed = answers.iter().all(Answer::is_allowed);
    let spend = in_flight.is_some();
    let mut held = InFlight::default();
    if spend && allowed {
        for (member, answer) in members.iter().zip(&mut answers) {
            member.enter(answer, &mut held);
            allowed &= answer.is_allowed();
        }
    }
    let rates: SmallVec<[tidegate::Member<'_>; 6]> = members.iter().filter_map(Member::rate).collect();
    let group = match Group::new(&rates) {
        Ok(group) => Some(group),
        Err(GroupError::Empty) => None,
        // More rates than a group holds: the loader has refused such a file.
        Err(_) => {
            let refused = Answer::Stock { allowed: false, limit: 0, remaining: 0, never: true };
            return (false, members.iter().map(|_| refused).collect());
        }
    };
    if let Some(group) = group {
        let decision = if spend && allowed { group.take_at(now) } else { group.peek_at(now) };
        allowed &= decision.is_allowed();
        let rates = members.iter().zip(&mut answers).filter(|(member, _)| member.is_rate());
        for ((_, answer), (_, decision)) in rates.zip(decision.members()) {
            *answer = Answer::Decided(decision);
        }
    }
    if allowed && let Some(in_flight) = in_flight {
        in_flight.add(held);
    }
    (allowed, answers)
}

impl<'a> Member<'a> {
    fn is_rate(&self) -> bool {
        matches!(self.of_key, OfKey::Word(_) | OfKey::Whole(_))
    }

    fn rate(&self) -> Option<tidegate::Member<'_>> {
        match &self.of_key {
            OfKey::Word(key) => Some(tidegate::Member::key("", *key, self.cost)),
            OfKey::Whole(limiter) => Some(tidegate::Member::limiter("", limiter, self.cost)),
            _ => None,
        }
    }

    /// What a stock says without being spent on. A rate has no say yet.
    fn stock(&self) -> Answer {
        match &self.of_key {
            OfKey::Word(_) | OfKey::Whole(_) => Answer::Stock { allowed: true, limit: 0, remaining: 0, never: false },
            OfKey::Places { places, key } => {
                let free = places.limit().saturating_sub(places.held(*key));
                self.places(places, free, self.cost <= free)
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

    fn enter(&self, answer: &mut Answer, held: &mut InFlight) {
        let OfKey::Places { places, key } = &self.of_key else { return };
        *answer = match places.enter(*key, self.cost) {
            Ok(now_held) => {
                if self.cost > 0 {
                    held.hold(places, *key, self.cost);
                }
                self.places(places, places.limit().saturating_sub(now_held), true)
            }
            Err(now_held) => self.places(places, places.limit().saturating_sub(now_held), false),
        };
    }

    fn places(&self, places: &Places, remaining: u64, allowed: bool) -> Answer {
        let limit = places.limit();
        Answer::Stock { allowed, limit, remaining, never: self.cost > limit }
    }
}
