//! Any sequence of calls on a key table: each key is the reference model's, or has been forgotten, and then the table says so.
//!
//! Two pasts of a key may explain all of its answers so far: kept, or forgotten and new. Then both are followed until one of them does not.
//! Time goes forward, so a key that was forgotten as idle is as good as one that was kept. The table's hash is seeded anew each time:
//! what is asserted holds for every hash, but a finding may take several runs to show again.

use std::collections::HashMap;

use tidegate::{Algorithm, Decision, KeyedLimiter, Quota, Refill, Slot, WhenFull};
use tidegate_reference::{self as reference, Model};

use crate::steps::common::{Numbers, reference_algorithm, same};

/// A past of a key that explains its answers.
#[derive(Clone)]
struct Past {
    model: Model,
    /// The table's count when the key was last seen to be in it.
    evictions: u64,
    slot: Option<reference::Slot>,
}

struct Run {
    keyed: KeyedLimiter<u64>,
    new: Model,
    known: HashMap<u64, Vec<Past>>,
    /// The last booking of a key, which its pasts have, too.
    booked: HashMap<u64, Slot>,
    when_full: WhenFull,
    now: u64,
}

/// The first byte chooses the rule, eight bytes each of the rest a number.
pub fn run(bytes: &[u8]) {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let mut numbers = Numbers::of_bytes(rest);
    let Some(mut run) = Run::new(first, &mut numbers) else { return };
    while numbers.has_bytes() {
        run.step(&mut numbers);
        assert!(run.keyed.len() <= run.keyed.max_keys());
    }
}

/// The same with a table that forgets a key now and then and does not say so: the seeded bug of this target.
pub fn run_forgetful(bytes: &[u8]) {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let mut numbers = Numbers::of_bytes(rest);
    let Some(mut run) = Run::new(first, &mut numbers) else { return };
    for nth in 0.. {
        if !numbers.has_bytes() {
            break;
        }
        if nth % 3 == 2 {
            run.keyed.reset(&numbers.below(32));
        }
        run.step(&mut numbers);
    }
}

impl Run {
    fn new(first: u8, numbers: &mut Numbers) -> Option<Run> {
        let (algorithm, refill) = match first % 5 {
            0 => (Algorithm::Gcra, Refill::Continuous),
            1 => (Algorithm::TokenBucket, Refill::Continuous),
            2 => (Algorithm::TokenBucket, Refill::Interval),
            3 => (Algorithm::FixedWindow, Refill::Continuous),
            _ => (Algorithm::SlidingWindow, Refill::Continuous),
        };
        let when_full = if first & 64 == 0 { WhenFull::EvictNearestIdle } else { WhenFull::Refuse };
        let max_keys = 1 + numbers.below(24) as usize;
        let (limit, period) = (numbers.log(20), numbers.log(50));
        let quota = Quota::from_nanos(limit, period);
        let built = quota.ok().and_then(|quota| {
            let builder = KeyedLimiter::builder(algorithm, quota).refill(refill);
            builder.max_keys(max_keys).when_full(when_full).build_at(0).ok()
        });
        let mut config = reference::Config::new(reference_algorithm(algorithm), limit, period, limit);
        if refill == Refill::Interval {
            config.refill = reference::Refill::Interval;
        }
        match (built, Model::new(config)) {
            (Some(keyed), Ok(new)) => {
                Some(Run { keyed, new, known: HashMap::new(), booked: HashMap::new(), when_full, now: 0 })
            }
            (None, Err(_)) => None,
            (ours, theirs) => panic!("only one side accepts {limit} in {period}: {} / {theirs:?}", ours.is_some()),
        }
    }

    fn step(&mut self, numbers: &mut Numbers) {
        let (limit, period) = (self.new.config().limit, self.new.config().period);
        let interval = (period / limit).max(1);
        match numbers.below(4) {
            0 => self.now = self.now.saturating_add(numbers.near(&[interval, period, 2 * period], 50)),
            1 => self.now = self.now.saturating_add(numbers.below(2)),
            _ => {}
        }
        let (key, now) = (numbers.below(32), self.now);
        let cost = numbers.near(&[1, 1, limit, 2 * limit], 64);
        match numbers.below(16) {
            0..=6 => {
                let ours = self.keyed.take_at(&key, now, cost);
                self.agree(key, ours, |model| model.take(now, cost));
            }
            7 | 8 => {
                let ours = self.keyed.charge_at(&key, now, cost);
                self.agree(key, ours, |model| model.charge(now, cost));
            }
            9 => {
                let ours = self.keyed.peek_at(&key, now, cost);
                self.agree(key, ours, |model| model.peek(now, cost));
            }
            10 => {
                self.keyed.refund_at(&key, now, cost);
                for past in self.known.get_mut(&key).into_iter().flatten() {
                    past.model.refund(now, cost);
                }
                self.look(key);
            }
            11 => self.reserve(key, cost, numbers.near(&[0, period], 64)),
            12 => {
                let pasts = self.known.get_mut(&key).map_or(&mut [][..], Vec::as_mut_slice);
                // A past in which it was forgotten since has nothing to cancel.
                let all = pasts.iter().all(|past| past.slot.is_some());
                if let Some(ours) = self.booked.remove(&key).filter(|_| all) {
                    self.keyed.cancel_at(&key, now, ours);
                    for past in pasts {
                        if let Some(theirs) = past.slot.take() {
                            past.model.cancel(now, theirs);
                        }
                    }
                    self.look(key);
                }
            }
            13 => {
                self.keyed.reset(&key);
                self.known.remove(&key);
                self.booked.remove(&key);
                self.look(key);
            }
            14 if numbers.below(4) == 0 => {
                self.keyed.clear();
                self.known.clear();
                self.booked.clear();
                assert!(self.keyed.is_empty());
            }
            _ => self.look(key),
        }
    }

    fn look(&mut self, key: u64) {
        let ours = self.keyed.peek_at(&key, self.now, 1);
        let now = self.now;
        self.agree(key, ours, |model| model.peek(now, 1));
    }

    fn reserve(&mut self, key: u64, cost: u64, max_wait: u64) {
        let now = self.now;
        if let Ok(slot) = self.keyed.reserve_at(&key, now, cost, max_wait) {
            let mut pasts = self.pasts(key);
            pasts.retain_mut(|past| {
                let theirs = past.model.reserve(now, cost, max_wait).ok().filter(|theirs| theirs.at == slot.at_nanos());
                past.slot = theirs;
                past.slot.is_some()
            });
            assert!(!pasts.is_empty(), "key {key}: booked {slot:?} at {now}");
            self.known.insert(key, pasts);
            self.booked.insert(key, slot);
        }
        self.look(key);
    }

    /// All that the key may be: what was known of it, and new, if it is not known or the table may have forgotten it since.
    fn pasts(&self, key: u64) -> Vec<Past> {
        let mut pasts = self.known.get(&key).cloned().unwrap_or_default();
        let forgotten = |past: &Past| {
            past.evictions < self.keyed.evictions() || past.model.clone().peek(self.now, 0).reset_after == 0
        };
        if pasts.is_empty() || pasts.iter().any(forgotten) {
            pasts.push(Past { model: self.new.clone(), evictions: self.keyed.evictions(), slot: None });
        }
        pasts
    }

    fn agree(&mut self, key: u64, ours: Decision, ask: impl Fn(&mut Model) -> reference::Decision) {
        let mut pasts = self.pasts(key);
        pasts.retain_mut(|past| same(ours, &ask(&mut past.model)).is_ok());
        if !pasts.is_empty() {
            if let [one] = &mut pasts[..] {
                one.evictions = self.keyed.evictions();
            }
            // Pasts that have become one.
            let mut apart: Vec<Past> = Vec::new();
            for past in pasts {
                let same = |other: &&mut Past| {
                    other.model.state() == past.model.state() && other.slot.is_some() == past.slot.is_some()
                };
                match apart.iter_mut().find(same) {
                    Some(other) => other.evictions = other.evictions.min(past.evictions),
                    None => apart.push(past),
                }
            }
            self.known.insert(key, apart);
            return;
        }
        // No room for a newcomer.
        assert!(
            self.when_full == WhenFull::Refuse && !ours.is_allowed() && self.known.len() >= self.keyed.max_keys(),
            "key {key} at {}: {ours:?}, which is none of {:?}",
            self.now,
            self.pasts(key).iter().map(|past| &past.model).collect::<Vec<_>>()
        );
    }
}
