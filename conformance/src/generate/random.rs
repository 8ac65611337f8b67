//! Seeded random sequences: quotas, costs and instants of all magnitudes, every second case with all verbs.

use tidegate_reference::{Algorithm, Anchor, Config, Model, Refill};

use super::boundaries::{has_burst, rules};
use super::record::{Book, Script};
use crate::Carry;

/// Sequences a rule.
const SEQUENCES: u64 = 24;
const STEPS: u32 = 10;

/// SplitMix64, so that the same numbers come on every machine and in every version.
struct Random(u64);

impl Random {
    fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.any() % end.max(1)
    }

    /// Log-uniform below `2^bits`; now and then a power of two or its neighbour.
    fn log(&mut self, bits: u32) -> u64 {
        let width = self.below(u64::from(bits) + 1) as u32;
        if width == 0 {
            return 0;
        }
        let top = 1u64 << (width - 1);
        match self.below(12) {
            0 => top,
            1 => top - 1,
            2 => top | 1,
            _ => top | self.any() & (top - 1),
        }
    }

    fn config(&mut self, rule: &Config) -> Config {
        let small = self.below(3) > 0;
        let limit = self.log(if small { 4 } else { 24 }).max(1);
        let limit = if rule.algorithm == Algorithm::SlidingLog { limit.min(1 << 20) } else { limit };
        let mut period = self.log(if small { 36 } else { 62 }).max(1);
        if small {
            period = period.max(4 * limit);
        }
        let mut config = Config { limit, period, burst: limit, ..rule.clone() };
        if has_burst(rule) && self.below(2) == 0 {
            config.burst = self.log(if small { 5 } else { 24 }).max(1);
        }
        if rule.algorithm == Algorithm::TokenBucket && self.below(3) == 0 {
            config.initial = Some(self.below(config.burst + 1));
        }
        let aligned = rule.algorithm == Algorithm::FixedWindow
            || rule.algorithm == Algorithm::SlidingWindow
            || rule.refill == Refill::Interval;
        if aligned && rule.anchor != Anchor::FirstUse && self.below(2) == 0 {
            config.anchor = Anchor::Clock { offset: self.log(64) };
        }
        if self.below(2) == 0 {
            config.origin = self.log(63);
        }
        config
    }

    /// Mostly forward by something like a fraction of the period, sometimes still, back, or anywhere.
    fn step(&mut self, now: u64, period: u64) -> u64 {
        let near = self.log((65 - period.leading_zeros()).min(63));
        match self.below(20) {
            0..5 => now,
            5..14 => now.saturating_add(near),
            14 | 15 => now.saturating_add(period),
            16 | 17 => now.saturating_sub(near),
            18 => now.saturating_add(1),
            _ => self.log(64),
        }
    }

    fn cost(&mut self, capacity: u64) -> u64 {
        match self.below(8) {
            0..3 => 1,
            3..5 => self.below(capacity.saturating_add(2)),
            5 => capacity,
            6 => self.below(capacity / 2 + 2),
            _ => self.log(64),
        }
    }
}

pub(super) fn write(book: &mut Book) {
    for (number, (rule, config)) in rules().into_iter().enumerate() {
        let mut random = Random(number as u64);
        for sequence in 0..SEQUENCES {
            let config = loop {
                let config = random.config(&config);
                if Model::new(config.clone()).is_ok() {
                    break config;
                }
            };
            let full = sequence % 2 == 1;
            let verbs = if full { "all verbs" } else { "basic verbs" };
            book.case(format!("{rule}: random sequence {sequence} with {verbs}"), &config, |script| {
                let mut now = config.origin;
                for _ in 0..STEPS {
                    now = random.step(now, config.period);
                    if full { any_verb(&mut random, script, now) } else { basic_verb(&mut random, script, now) }
                }
            });
        }
    }
}

fn basic_verb(random: &mut Random, script: &mut Script, now: u64) {
    let n = random.cost(script.model.config().burst);
    match random.below(6) {
        0 => drop(script.peek(now, n)),
        1 => script.try_acquire(now, n),
        2 => drop(script.wait_for(now, n)),
        _ => drop(script.take(now, n)),
    }
}

fn any_verb(random: &mut Random, script: &mut Script, now: u64) {
    let config = script.model.config().clone();
    let n = random.cost(config.burst);
    match random.below(24) {
        0..6 => drop(script.take(now, n)),
        6..8 => basic_verb(random, script, now),
        8..11 => drop(script.charge(now, n)),
        11..13 => script.refund(now, n),
        13..18 => {
            let max_wait = random.log(64);
            script.reserve(now, n, max_wait);
        }
        18..21 => {
            let open = script.open();
            let slot = open.get(random.below(open.len() as u64) as usize).copied();
            script.cancel(now, slot);
        }
        21 => match random.below(4) {
            0 => script.reset(now),
            1 | 2 => script.snapshot(now),
            _ => script.restore(now),
        },
        22 => script.restore(now),
        _ => {
            let limit = (config.limit / 2).saturating_add(random.below(config.limit.saturating_mul(2))).max(1);
            let period = (config.period / 2).saturating_add(random.below(config.period)).max(1);
            let burst = if has_burst(&config) { random.below(config.burst.saturating_mul(2)).max(1) } else { limit };
            let carry = [Carry::Permits, Carry::Proportional, Carry::Time, Carry::Reset];
            script.reconfigure(now, limit, period, burst, carry[random.below(4) as usize]);
        }
    }
}
