//! All or nothing over the limits of one request: the rates by the core's group, stocks around it.
//!
//! Stocks (so many in one request, so many at the same time) are looked at first, places at the same time are taken, then the group of rates
//! spends on all or on none; if it denies, the places are given back. No limit is ever exceeded; a race may refuse what would just have
//! fitted, never admit what does not.

use std::sync::Arc;

use smallvec::SmallVec;
use tidegate::{Decision, Group, GroupError, Key, Limiter, MAX_MEMBERS};

use super::in_flight::{InFlight, Places};
use super::verdict::{Entries, Entry};
use crate::seeds::{Bug, seeded};

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
    /// The place of the limit in the policy.
    pub limit: u32,
    pub cost: u64,
}

/// Whether all members allow; what each of them says is added to `entries`. With `in_flight` they are spent on: all, or none.
pub(crate) fn ask(members: &[Member<'_>], now: u64, in_flight: Option<&mut InFlight>, entries: &mut Entries) -> bool {
    let spend = in_flight.is_some();
    if members.iter().all(Member::is_rate) {
        return rates(members, now, spend, entries);
    }
    let from = entries.len();
    let mut held = InFlight::default();
    let mut allowed = members.iter().all(|member| member.stock().is_allowed());
    for member in members {
        // A rate has no say yet.
        let mut answer = member.stock();
        if spend && allowed {
            member.enter(&mut answer, &mut held);
            allowed &= answer.is_allowed();
        }
        entries.push(member.entry(answer));
    }
    let mut of_rates = Entries::new();
    allowed &= rates(members, now, spend && allowed, &mut of_rates);
    for entry in of_rates {
        if let Some(place) = entries[from..].iter_mut().find(|place| place.limit == entry.limit) {
            *place = entry;
        }
    }
    match in_flight {
        Some(in_flight) if allowed => in_flight.add(held),
        _ if seeded(Bug::PlacesKept) => std::mem::forget(held),
        // Whatever was taken is given back.
        _ => drop(held),
    }
    allowed
}

/// The rates among the members, by the core's group.
fn rates(members: &[Member<'_>], now: u64, spend: bool, entries: &mut Entries) -> bool {
    let rates: SmallVec<[tidegate::Member<'_>; 6]> = members.iter().filter_map(Member::rate).collect();
    let group = match Group::new(&rates) {
        Ok(group) => group,
        Err(GroupError::Empty) => return true,
        // More than a group holds: the loader has refused such a file.
        Err(_) => {
            let refused = Answer::Stock { allowed: false, limit: 0, remaining: 0, never: true };
            entries.extend(members.iter().map(|member| member.entry(refused)));
            return false;
        }
    };
    let decision = if spend { group.take_at(now) } else { group.peek_at(now) };
    let entry = |(member, (_, said)): (&Member<'_>, (_, Decision))| member.entry(Answer::Decided(said));
    if rates.len() == members.len() {
        // Their number is known, so that each is written where it stays.
        entries.extend(members.iter().zip(decision.members()).map(entry));
    } else {
        entries.extend(members.iter().filter(|member| member.is_rate()).zip(decision.members()).map(entry));
    }
    decision.is_allowed()
}

impl Member<'_> {
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

    /// Brings the key's state into the cache, so that the limits of a request wait for memory together.
    #[inline]
    pub(crate) fn touch(&self) {
        if let OfKey::Word(key) = &self.of_key {
            key.prefetch();
        }
    }

    fn entry(&self, answer: Answer) -> Entry {
        Entry { limit: self.limit, cost: self.cost, answer }
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
