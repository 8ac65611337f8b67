//! A limiter and its reference model, asked the same questions.

#![allow(dead_code)]

use std::fmt::Write;

use tidegate::{Algorithm, Anchor, Carry, Decision, Limiter, LimiterBuilder, Quota, Refill, Refusal, Slot, Snapshot};
use tidegate_reference as reference;

/// Seeded numbers (SplitMix64), log-uniform unless said otherwise.
pub struct Numbers {
    state: u64,
    /// Given numbers, which are used up first.
    bytes: Vec<u8>,
}

impl Numbers {
    pub fn new(seed: u64) -> Numbers {
        Numbers { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), bytes: Vec::new() }
    }

    /// Numbers that a fuzzer chooses, eight bytes each, last first.
    pub fn of_bytes(bytes: &[u8]) -> Numbers {
        Numbers { state: 0, bytes: bytes.to_vec() }
    }

    pub fn has_bytes(&self) -> bool {
        !self.bytes.is_empty()
    }

    pub fn next(&mut self) -> u64 {
        if !self.bytes.is_empty() {
            let rest = self.bytes.split_off(self.bytes.len().saturating_sub(8));
            return rest.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
        }
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Log-uniform over `0..2^bits`, with edges: powers of two and their neighbours are common.
    pub fn log(&mut self, bits: u32) -> u64 {
        let width = self.below(u64::from(bits) + 1) as u32;
        if width == 0 {
            return 0;
        }
        let top = 1u64 << (width - 1);
        match self.below(4) {
            0 => top,
            1 => top.saturating_sub(self.below(3)),
            _ => top | (self.next() & (top - 1)),
        }
    }

    /// A number near one of `edges`, or log-uniform.
    pub fn near(&mut self, edges: &[u64], bits: u32) -> u64 {
        if self.below(3) == 0 {
            return self.log(bits);
        }
        let edge = edges[self.below(edges.len() as u64) as usize];
        edge.saturating_add(self.below(5)).saturating_sub(2)
    }
}

/// The limiter and the model, and what they were asked.
pub struct Twin {
    limiter: Limiter,
    model: reference::Model,
    /// The reference has no slot for what was booked before a reconfiguration: it gives nothing back.
    slots: Vec<(Slot, Option<reference::Slot>)>,
    kept: Option<(Snapshot, reference::Snapshot)>,
    now: u64,
    quota: Quota,
    log: String,
}

pub fn reference_algorithm(algorithm: Algorithm) -> reference::Algorithm {
    match algorithm {
        Algorithm::Gcra => reference::Algorithm::Gcra,
        Algorithm::TokenBucket => reference::Algorithm::TokenBucket,
        Algorithm::FixedWindow => reference::Algorithm::FixedWindow,
        Algorithm::SlidingWindow => reference::Algorithm::SlidingWindow,
        Algorithm::SlidingLog => reference::Algorithm::SlidingLog,
        _ => unreachable!("an algorithm without a reference"),
    }
}

/// A builder and its model, and the time at which to build.
pub struct Pair {
    pub builder: LimiterBuilder,
    pub algorithm: Algorithm,
    pub quota: Quota,
    pub refill: Refill,
    pub initial: Option<u64>,
    pub origin: u64,
    pub model: reference::Model,
    pub what: String,
}

impl Pair {
    /// A random limiter of the kind, if both sides accept it. Panics if only one does.
    pub fn random(kind: usize, numbers: &mut Numbers) -> Option<Pair> {
        let (algorithm, refill) = match kind {
            0 => (Algorithm::Gcra, Refill::Continuous),
            1 => (Algorithm::TokenBucket, Refill::Continuous),
            2 => (Algorithm::TokenBucket, Refill::Interval),
            3 => (Algorithm::FixedWindow, Refill::Continuous),
            4 => (Algorithm::SlidingWindow, Refill::Continuous),
            _ => (Algorithm::SlidingLog, Refill::Continuous),
        };
        let bits = if kind == 5 { 10 } else { [4, 12, 34, 64][numbers.below(4) as usize] };
        let limit = numbers.log(bits);
        let period = if numbers.below(3) == 0 { numbers.log(6) } else { numbers.log(63) };
        let burst = if kind > 2 && numbers.below(10) > 0 || numbers.below(4) == 0 { limit } else { numbers.log(bits) };
        let anchor = match numbers.below(6) {
            0 => Anchor::FirstUse,
            1 => Anchor::Offset(numbers.log(64)),
            _ => Anchor::Clock,
        };
        let initial = (kind < 3 && numbers.below(3) == 0).then(|| numbers.near(&[0, burst], 64));
        let origin = if numbers.below(2) == 0 { 0 } else { numbers.log(63) };
        let mut config = reference::Config::new(reference_algorithm(algorithm), limit, period, burst);
        config.anchor = match anchor {
            Anchor::FirstUse => reference::Anchor::FirstUse,
            Anchor::Offset(offset) => reference::Anchor::Clock { offset },
            _ => reference::Anchor::Clock { offset: 0 },
        };
        config.refill =
            if refill == Refill::Interval { reference::Refill::Interval } else { reference::Refill::Continuous };
        config.initial = initial;
        config.origin = origin;
        let model = reference::Model::new(config);
        let built = Quota::from_nanos(limit, period)
            .and_then(|quota| quota.burst(burst))
            .map(|quota| quota.anchor(anchor))
            .and_then(|quota| {
                let mut builder = Limiter::builder(algorithm, quota).refill(refill);
                if let Some(initial) = initial {
                    builder = builder.initial(initial);
                }
                builder.clone().build_at(origin).map(|limiter| (limiter, builder, quota))
            });
        let what = format!(
            "{algorithm} {refill:?} limit {limit} period {period} burst {burst} {anchor:?} initial {initial:?} origin {origin}"
        );
        match (built, model) {
            (Ok((limiter, builder, quota)), Ok(model)) => {
                assert_eq!(limiter.horizon(), model.horizon(), "horizon of {what}");
                Some(Pair { builder, algorithm, quota, refill, initial, origin, model, what })
            }
            (Err(_), Err(_)) => None,
            (ours, theirs) => panic!("only one side accepts {what}: {:?} / {:?}", ours.err(), theirs.err()),
        }
    }

    pub fn limiter(&self) -> Limiter {
        self.builder.clone().build_at(self.origin).unwrap()
    }
}

impl Twin {
    /// A random limiter of the kind, if both sides accept it.
    pub fn random(kind: usize, numbers: &mut Numbers) -> Option<Twin> {
        let pair = Pair::random(kind, numbers)?;
        let limiter = pair.limiter();
        let Pair { model, quota, origin, what, .. } = pair;
        Some(Twin { limiter, model, slots: Vec::new(), kept: None, now: origin, quota, log: what })
    }

    /// A random fixed window of a calendar, if both sides accept it. Panics if only one does.
    #[cfg(feature = "calendar")]
    pub fn of_calendar(calendar: tidegate::Calendar, starts: &'static [u64], numbers: &mut Numbers) -> Option<Twin> {
        let bits = [4, 12, 34, 64][numbers.below(4) as usize];
        let limit = numbers.log(bits);
        // Most of them where zones change their clocks.
        let origin = if numbers.below(4) == 0 { numbers.log(63) } else { starts[starts.len() / 6] + numbers.log(55) };
        let quota = Quota::per_calendar(limit, calendar);
        let mut config =
            reference::Config::new(reference::Algorithm::FixedWindow, limit, calendar.unit().mean_nanos(), limit);
        config.anchor = reference::Anchor::Starts(starts);
        config.origin = origin;
        let model = reference::Model::new(config);
        let limiter = quota.and_then(|quota| Limiter::builder(Algorithm::FixedWindow, quota).build_at(origin));
        let log = format!("limit {limit} {calendar} origin {origin}");
        match (limiter, model) {
            (Ok(limiter), Ok(model)) => {
                assert_eq!(limiter.horizon(), model.horizon(), "horizon of {log}");
                let quota = limiter.quota();
                Some(Twin { limiter, model, slots: Vec::new(), kept: None, now: origin, quota, log })
            }
            (Err(_), Err(_)) => None,
            (ours, theirs) => panic!("only one side accepts {log}: {:?} / {:?}", ours.err(), theirs.err()),
        }
    }

    pub fn history(&self) -> &str {
        &self.log
    }

    /// One random call, and whether both sides say the same.
    pub fn step(&mut self, numbers: &mut Numbers) -> Result<(), String> {
        let period = self.quota.period_nanos();
        let interval = (period / self.quota.limit().max(1)).max(1);
        match numbers.below(8) {
            0 | 1 => {}
            2 => self.now = self.now.saturating_add(numbers.near(&[period, interval, 2 * period], 64)),
            3 => self.now = self.now.saturating_sub(numbers.near(&[period, interval], 64)),
            4 if numbers.below(4) == 0 => self.now = numbers.log(64),
            5 => {
                // To the nanosecond at which something changes, or one beside it.
                let decision = self.limiter.peek_at(self.now, numbers.near(&[1, self.quota.capacity()], 63));
                let wait =
                    decision.retry_after_nanos().filter(|&wait| wait > 0).unwrap_or(decision.reset_after_nanos());
                self.now =
                    self.now.min((1 << 63) - 1).saturating_add(wait).saturating_add(1).saturating_sub(numbers.below(3));
            }
            _ => self.now = self.now.saturating_add(numbers.log(period.ilog2() + 1)),
        }
        let now = self.now;
        let capacity = self.quota.capacity();
        let remaining = self.limiter.peek_at(now, 1).remaining();
        let cost = numbers.near(&[0, 1, 1, capacity, capacity / 2, remaining, 2 * (capacity / 2)], 64);
        let verb = numbers.below(16);
        let _ = write!(self.log, "\n{:?}\n  now {now} verb {verb} cost {cost}", self.model.state());
        match verb {
            0..=4 => same(self.limiter.take_at(now, cost), &self.model.take(now, cost)),
            5 => {
                let (ours, theirs) = (self.limiter.try_acquire_at(now, cost), self.model.take(now, cost).allowed);
                if ours == theirs { Ok(()) } else { Err(format!("try_acquire {ours} / {theirs}")) }
            }
            6 => same(self.limiter.peek_at(now, cost), &self.model.peek(now, cost)),
            7 => {
                self.limiter.refund_at(now, cost);
                self.model.refund(now, cost);
                self.same_state()
            }
            8 => same(self.limiter.charge_at(now, cost), &self.model.charge(now, cost)),
            9..=11 => self.reserve(now, cost, numbers),
            12 if !self.slots.is_empty() => {
                let (ours, theirs) = self.slots.swap_remove(numbers.below(self.slots.len() as u64) as usize);
                let _ = write!(self.log, " cancel {ours:?}");
                self.limiter.cancel_at(now, ours);
                if let Some(theirs) = theirs {
                    self.model.cancel(now, theirs);
                }
                self.same_state()
            }
            13 if numbers.below(2) == 0 && !self.slots.is_empty() => {
                let (ours, theirs) = self.slots.swap_remove(numbers.below(self.slots.len() as u64) as usize);
                let actual = numbers.near(&[0, ours.cost(), ours.cost() / 2, ours.cost().saturating_add(capacity)], 64);
                let _ = write!(self.log, " settle {ours:?} as {actual}");
                let reserved = ours.cost();
                let decision = self.limiter.settle_at(now, ours, actual);
                let expected = match theirs {
                    Some(theirs) => self.model.settle(now, theirs, actual),
                    // From before a change of quota: nothing is given back.
                    None if actual < reserved => self.model.peek(now, 0),
                    None => self.model.charge(now, actual - reserved),
                };
                same(decision, &expected).and_then(|()| self.same_state())
            }
            13 if numbers.below(4) == 0 => {
                self.limiter.reset();
                self.model.reset();
                if self.is_log() {
                    // A log that happens to be as the reservation left it looks untouched to the model, not to the ring.
                    self.slots.clear();
                }
                self.same_state()
            }
            14 if numbers.below(3) == 0 => self.reconfigure(now, numbers),
            15 if numbers.below(3) == 0 => self.snapshot(),
            _ => self.same_state(),
        }
        .map_err(|difference| format!("{difference}; model {:?}", self.model.state()))
    }

    fn reserve(&mut self, now: u64, cost: u64, numbers: &mut Numbers) -> Result<(), String> {
        let max_wait = if numbers.below(2) == 0 { u64::MAX } else { numbers.near(&[0, self.quota.period_nanos()], 64) };
        let period = self.quota.period_nanos();
        let from = match numbers.below(4) {
            0 => now.saturating_add(numbers.near(&[period, 2 * period, 3 * period], 63)),
            1 => numbers.log(64),
            _ => now,
        };
        let _ = write!(self.log, " max_wait {max_wait} from {from}");
        let ours = self.limiter.reserve_from_at(now, from, cost, max_wait);
        match (ours, self.model.reserve_from(now, from, cost, max_wait)) {
            (Ok(ours), Ok(theirs)) => {
                // A `now` beyond the horizon is read as the horizon; the instant says so.
                if ours.at_nanos() != theirs.at && cost > 0 {
                    return Err(format!("reserved at {} / {}", ours.at_nanos(), theirs.at));
                }
                self.slots.push((ours, Some(theirs)));
                self.same_state()
            }
            (Err(ours), Err(theirs)) => {
                // A full queue could be waited for: the reference has no such answer of its own.
                if ours.refusal() == Refusal::Never && theirs.retry_after.is_some() {
                    return Err(format!("never / {theirs:?}"));
                }
                same(ours.decision(), &theirs)
            }
            (ours, theirs) => Err(format!("reserve {ours:?} / {theirs:?}")),
        }
    }

    fn reconfigure(&mut self, now: u64, numbers: &mut Numbers) -> Result<(), String> {
        let old = self.quota;
        let limit =
            numbers.near(&[old.limit(), old.limit() / 2, 2 * (old.limit() / 2)], if self.is_log() { 10 } else { 64 });
        let period = numbers.near(&[old.period_nanos(), old.period_nanos() / 2], 62);
        let burst = if old.capacity() == old.limit() { limit } else { numbers.near(&[old.capacity()], 64) };
        let (carry, theirs) = [
            (Carry::Time, reference::Carry::Time),
            (Carry::Permits, reference::Carry::Permits),
            (Carry::Proportional, reference::Carry::Proportional),
            (Carry::Reset, reference::Carry::Reset),
        ][numbers.below(4) as usize];
        if self.is_log() && limit > 4_000 {
            return Ok(());
        }
        let Ok(quota) = Quota::from_nanos(limit, period).and_then(|quota| quota.burst(burst)) else { return Ok(()) };
        let quota = quota.anchor(old.anchored());
        // Of a calendar, the period is what its unit says.
        let period = quota.period_nanos();
        let _ = write!(self.log, " reconfigure {quota:?} {carry:?}");
        let ours = self.limiter.reconfigure_at(now, quota, carry);
        let theirs = self.model.reconfigure(now, limit, period, burst, theirs);
        if ours.is_ok() != theirs.is_ok() {
            return Err(format!("reconfigure {ours:?} / {theirs:?}"));
        }
        if ours.is_ok() {
            self.quota = quota;
            self.kept = None;
            self.slots.iter_mut().for_each(|(_, theirs)| *theirs = None);
        }
        self.same_state()
    }

    fn snapshot(&mut self) -> Result<(), String> {
        match self.kept.take() {
            None => self.kept = Some((self.limiter.snapshot(), self.model.snapshot())),
            Some((ours, theirs)) => {
                let _ = write!(self.log, " restore");
                self.limiter.restore(&ours).map_err(|error| error.to_string())?;
                self.model.restore(&theirs).map_err(|error| error.to_string())?;
                // Slots of the state that was left mean nothing in the one that came back.
                self.slots.clear();
            }
        }
        self.same_state()
    }

    fn is_log(&self) -> bool {
        self.limiter.algorithm() == Algorithm::SlidingLog
    }

    /// Two looks at the state: what one more would be told, and all that there is.
    fn same_state(&self) -> Result<(), String> {
        for cost in [1, self.quota.capacity()] {
            same(self.limiter.peek_at(self.now, cost), &self.model.peek(self.now, cost))?;
        }
        Ok(())
    }
}

pub fn same(ours: Decision, theirs: &reference::Decision) -> Result<(), String> {
    let equal = ours.is_allowed() == theirs.allowed
        && ours.limit() == theirs.limit
        && ours.remaining() == theirs.remaining
        && ours.retry_after_nanos() == theirs.retry_after
        && ours.reset_after_nanos() == theirs.reset_after;
    if equal { Ok(()) } else { Err(format!("{ours:?} / {theirs:?}")) }
}
