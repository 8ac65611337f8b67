//! Any sequence of calls on a key table: each key is the reference model's, or has been forgotten, and then the table says so.
//!
//! Time goes forward, so a key that was forgotten as idle is as good as one that was kept. The table's hash is seeded anew each time:
//! what is asserted holds for every hash, but a finding may take several runs to show again.

use std::collections::HashMap;

use tidegate::{Algorithm, Decision, KeyedLimiter, Quota, Refill, Slot, WhenFull};
use tidegate_reference::{self as reference, Model};

use crate::steps::common::{Numbers, reference_algorithm, same};

/// What the table should remember of a key.
struct Known {
    model: Model,
    /// The table's count when the key was last seen to be in it.
    evictions: u64,
    slot: Option<(Slot, reference::Slot)>,
}

struct Run {
    keyed: KeyedLimiter<u64>,
    new: Model,
    known: HashMap<u64, Known>,
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
            (Some(keyed), Ok(new)) => Some(Run { keyed, new, known: HashMap::new(), when_full, now: 0 }),
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
                if let Some(known) = self.known.get_mut(&key) {
                    known.model.refund(now, cost);
                }
                self.look(key);
            }
            11 => self.reserve(key, cost, numbers.near(&[0, period], 64)),
            12 => {
                if let Some((ours, theirs)) = self.known.get_mut(&key).and_then(|known| known.slot.take()) {
                    self.keyed.cancel_at(&key, now, ours);
                    if let Some(known) = self.known.get_mut(&key) {
                        known.model.cancel(now, theirs);
                    }
                    self.look(key);
                }
            }
            13 => {
                self.keyed.reset(&key);
                self.known.remove(&key);
                self.look(key);
            }
            14 if numbers.below(4) == 0 => {
                self.keyed.clear();
                self.known.clear();
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
        let booked = self.keyed.reserve_at(&key, now, cost, max_wait);
        match booked {
            Ok(slot) => {
                // Forgotten meanwhile, or not: the slot says which model booked it, or else what is left afterwards.
                let ours = self.keyed.peek_at(&key, now, 1);
                for fresh in [false, true] {
                    let (mut model, evictions) = match self.known.get(&key) {
                        Some(known) if !fresh => (known.model.clone(), known.evictions),
                        _ => (self.new.clone(), 0),
                    };
                    if fresh && !self.may_be_forgotten(key) {
                        break;
                    }
                    if let Ok(theirs) = model.reserve(now, cost, max_wait)
                        && theirs.at == slot.at_nanos()
                        && same(ours, &model.peek(now, 1)).is_ok()
                    {
                        let evictions = if fresh { self.keyed.evictions() } else { evictions };
                        self.known.insert(key, Known { model, evictions, slot: Some((slot, theirs)) });
                        return;
                    }
                }
                panic!("key {key}: booked {slot:?} at {now}");
            }
            Err(_) => self.look(key),
        }
    }

    /// Whether the table may have forgotten a key since it was last seen there.
    fn may_be_forgotten(&self, key: u64) -> bool {
        self.known.get(&key).is_none_or(|known| {
            known.evictions < self.keyed.evictions() || known.model.peek(self.now, 0).reset_after == 0
        })
    }

    fn agree(&mut self, key: u64, ours: Decision, ask: impl Fn(&mut Model) -> reference::Decision) {
        let evictions = self.keyed.evictions();
        if let Some(known) = self.known.get_mut(&key) {
            let mut model = known.model.clone();
            if same(ours, &ask(&mut model)).is_ok() {
                known.model = model;
                return;
            }
        }
        assert!(
            self.may_be_forgotten(key),
            "key {key} at {}: {ours:?}, known as {:?}",
            self.now,
            self.known[&key].model
        );
        let mut model = self.new.clone();
        if same(ours, &ask(&mut model)).is_ok() {
            self.known.insert(key, Known { model, evictions, slot: None });
            return;
        }
        // No room for a newcomer.
        assert!(
            self.when_full == WhenFull::Refuse && !ours.is_allowed() && self.known.len() >= self.keyed.max_keys(),
            "key {key} at {}: {ours:?}, new or {:?}",
            self.now,
            self.known.get(&key).map(|known| &known.model)
        );
    }
}
