//! The key table: each key is a limiter of its own, a key is in one slot, and only what may be forgotten is forgotten.
//!
//! All threads call at one instant, so that who is idle does not depend on who is asked first; what is idle by then was spent before.

use std::collections::BTreeMap;

use tidegate::{Algorithm, KeyedLimiter, Quota, WhenFull};

use crate::checker::{Definition, Next};
use crate::reference::{self, Model};
use crate::threads::{History, Numbers, Verdict, judge};
use crate::{Answer, holds_but_not_with, ours, theirs};

const PERIOD: u64 = 1 << 20;

#[derive(Clone, Debug)]
struct Call {
    key: u64,
    now: u64,
    asked: Asked,
}

#[derive(Clone, Debug)]
enum Asked {
    Take {
        cost: u64,
        answer: Answer,
    },
    Charge {
        cost: u64,
        answer: Answer,
    },
    Peek {
        cost: u64,
        answer: Answer,
    },
    Refund {
        permits: u64,
    },
    /// Asked by one thread alone, in the end: the two counters are read apart.
    Count {
        len: usize,
        evictions: u64,
    },
}

/// A table of so many keys.
struct Table {
    new: Model,
    max: usize,
    when_full: WhenFull,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Keys {
    here: BTreeMap<u64, Model>,
    evictions: u64,
}

impl Table {
    fn is_idle(&self, model: &Model, now: u64) -> bool {
        let seen = model.peek(now, 0);
        seen.reset_after == 0
    }

    /// Every way in which a newcomer can find a place: any of those who are idle go, and if that is not enough, one who is not, if one may.
    fn places(&self, keys: &Keys, now: u64) -> Vec<Keys> {
        let idle: Vec<u64> =
            keys.here.iter().filter(|(_, model)| self.is_idle(model, now)).map(|(&key, _)| key).collect();
        let mut places = Vec::new();
        for gone in 0..1u32 << idle.len() {
            let mut left = keys.clone();
            left.here.retain(|key, _| idle.iter().position(|one| one == key).is_none_or(|nth| gone >> nth & 1 == 0));
            if left.here.len() < self.max {
                places.push(left);
            } else if self.when_full == WhenFull::EvictNearestIdle && idle.is_empty() {
                for victim in left.here.keys() {
                    let mut left = left.clone();
                    left.here.remove(victim);
                    left.evictions += 1;
                    places.push(left);
                }
            }
        }
        places
    }

    /// The answer of a call, and the model after it.
    fn ask(&self, model: &Model, call: &Call) -> Option<Model> {
        let mut model = model.clone();
        let same = match call.asked {
            Asked::Take { cost, answer } => theirs(&model.take(call.now, cost)) == answer,
            Asked::Charge { cost, answer } => theirs(&model.charge(call.now, cost)) == answer,
            Asked::Peek { cost, answer } => theirs(&model.peek(call.now, cost)) == answer,
            Asked::Refund { permits } => {
                model.refund(call.now, permits);
                true
            }
            Asked::Count { .. } => false,
        };
        same.then_some(model)
    }
}

impl Definition for Table {
    type Call = Call;
    type State = Keys;
    type Progress = ();

    fn steps(&self, keys: &Keys, _: usize, call: &Call, (): &(), found: &mut Vec<(Keys, Next<()>)>) {
        if let Asked::Count { len, evictions } = call.asked {
            if (len, evictions) == (keys.here.len(), keys.evictions) {
                found.push((keys.clone(), Next::Over));
            }
            return;
        }
        if let Some(model) = keys.here.get(&call.key) {
            if let Some(after) = self.ask(model, call) {
                let mut keys = keys.clone();
                keys.here.insert(call.key, after);
                found.push((keys, Next::Over));
            }
            return;
        }
        let after = self.ask(&self.new, call);
        if let Some(after) = &after
            && after.state() == self.new.state()
        {
            // Nothing was spent: a key that is not here owes nothing and takes no place.
            found.push((keys.clone(), Next::Over));
            return;
        }
        let places = self.places(keys, call.now);
        match (after, &call.asked) {
            (Some(after), _) => found.extend(places.into_iter().map(|mut keys| {
                keys.here.insert(call.key, after.clone());
                (keys, Next::Over)
            })),
            // No room, and nobody may go.
            (None, Asked::Take { answer, .. } | Asked::Charge { answer, .. }) if !answer.0 && places.is_empty() => {
                found.push((keys.clone(), Next::Over));
            }
            _ => {}
        }
    }
}

fn ask(keyed: &KeyedLimiter<u64>, key: u64, now: u64, numbers: &mut Numbers, refunds: bool) -> Call {
    let cost = numbers.one_of(&[1, 1, 1, 2]);
    let asked = match numbers.below(8) {
        0 => Asked::Peek { cost, answer: ours(keyed.peek_at(&key, now, cost)) },
        1 => Asked::Charge { cost, answer: ours(keyed.charge_at(&key, now, cost)) },
        2 if refunds => {
            keyed.refund_at(&key, now, cost);
            Asked::Refund { permits: cost }
        }
        _ => Asked::Take { cost, answer: ours(keyed.take_at(&key, now, cost)) },
    };
    Call { key, now, asked }
}

/// Some keys spend before, so that they are idle at `PERIOD`; then three threads ask for `keys` keys at once.
fn at_one_instant(algorithm: Algorithm, max: usize, keys: u64, when_full: WhenFull) -> impl Fn(u64) -> Verdict {
    move |seed| {
        let mut history = History::new(seed);
        let limit = history.numbers().one_of(&[1, 2, 3]);
        let quota = Quota::from_nanos(limit, PERIOD).expect("legal");
        let builder = KeyedLimiter::<u64>::builder(algorithm, quota).max_keys(max).when_full(when_full);
        let keyed = builder.build_at(0).expect("legal");
        let config = reference::Config::new(crate::algorithm(algorithm), limit, PERIOD, limit);
        let table = Table { new: Model::new(config).expect("legal"), max, when_full };
        let ample = keys as usize <= max;
        history.alone(|recorder| {
            for key in 0..recorder.numbers.below(3).min(max as u64) {
                recorder.record(|_| Call {
                    key,
                    now: 0,
                    asked: Asked::Take { cost: 1, answer: ours(keyed.take_at(&key, 0, 1)) },
                });
            }
        });
        history.at_once(3, |_, recorder| {
            for _ in 0..4 {
                recorder.record(|numbers| {
                    let key = numbers.below(keys);
                    ask(&keyed, key, 2 * PERIOD, numbers, ample)
                });
            }
        });
        history.alone(|recorder| {
            for key in 0..keys {
                recorder.record(|_| {
                    let now = 2 * PERIOD;
                    Call { key, now, asked: Asked::Peek { cost: 1, answer: ours(keyed.peek_at(&key, now, 1)) } }
                });
            }
            recorder.record(|_| {
                let asked = Asked::Count { len: keyed.len(), evictions: keyed.evictions() };
                Call { key: 0, now: 2 * PERIOD, asked }
            });
        });
        judge(&table, Keys::default(), &history.events(), &format!("{algorithm}, {keys} keys of {max}, {when_full:?}"))
    }
}

#[test]
fn every_key_is_a_limiter_of_its_own() {
    for algorithm in [Algorithm::Gcra, Algorithm::TokenBucket, Algorithm::FixedWindow, Algorithm::SlidingWindow] {
        holds_but_not_with!([InsertedTwice], at_one_instant(algorithm, 4, 3, WhenFull::Refuse));
    }
}

#[test]
fn a_full_table_refuses_newcomers_or_takes_the_place_of_who_is_idle() {
    holds_but_not_with!(
        [SpendOnAnotherKey, EvictedUnderSpend, LastPlaceTwice],
        at_one_instant(Algorithm::Gcra, 2, 4, WhenFull::Refuse)
    );
}

#[test]
fn a_full_table_forgets_one_key_for_each_newcomer_and_counts_it() {
    holds_but_not_with!(
        [SpendOnAnotherKey, EvictedUnderSpend, LastPlaceTwice],
        at_one_instant(Algorithm::Gcra, 2, 4, WhenFull::EvictNearestIdle)
    );
}
