//! A seeded generator whose numbers spread over all magnitudes: an overflow hides among the large ones, an off-by-one
//! among the small ones.

#![allow(dead_code, missing_docs)]

use tidegate_reference::{Algorithm, Anchor, Config, Model, Refill};

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.any() % end
    }

    /// Log-uniform over `0..2^bits`; every fourth is a power of two or a neighbour of one.
    pub fn log(&mut self, bits: u32) -> u64 {
        let width = self.below(bits as u64 + 1) as u32;
        if width == 0 {
            return 0;
        }
        let top = 1u64 << (width - 1);
        match self.below(12) {
            0 => top,
            1 => top - 1,
            2 => (top + 1).min((top - 1) * 2 + 1),
            _ => top | self.any() & (top - 1),
        }
    }

    /// One of the six rules with a random quota; legal more often than not.
    pub fn config(&mut self, small: bool) -> Config {
        let (limit_bits, period_bits) = if small { (4, 6) } else { (24, 62) };
        let limit = self.log(limit_bits).max(1);
        let mut config = match self.below(6) {
            0 => Config::new(Algorithm::Gcra, limit, 1, limit),
            1 => Config::new(Algorithm::TokenBucket, limit, 1, limit),
            2 => Config { refill: Refill::Interval, ..Config::new(Algorithm::TokenBucket, limit, 1, limit) },
            3 => Config::new(Algorithm::FixedWindow, limit, 1, limit),
            4 => Config::new(Algorithm::SlidingWindow, limit, 1, limit),
            _ => Config::new(Algorithm::SlidingLog, limit.min((1 << 18) - 1), 1, limit.min((1 << 18) - 1)),
        };
        config.period = self.log(period_bits).max(1);
        if config.algorithm == Algorithm::SlidingWindow {
            config.period = config.period.max(2 * limit);
        }
        if matches!(config.algorithm, Algorithm::Gcra | Algorithm::TokenBucket) && self.below(2) == 0 {
            config.burst = self.log(limit_bits).max(1);
        }
        if config.algorithm == Algorithm::TokenBucket && self.below(3) == 0 {
            config.initial = Some(self.below(config.burst + 1));
        }
        let intervals = config.algorithm == Algorithm::FixedWindow || config.refill == Refill::Interval;
        if intervals && self.below(2) == 0 {
            config.anchor = Anchor::FirstUse;
            if small {
                config.period = 2048 + self.below(64) * 64;
            }
        } else if (intervals || config.algorithm == Algorithm::SlidingWindow) && self.below(2) == 0 {
            config.anchor = Anchor::Clock { offset: self.log(63) };
        }
        config
    }

    /// A model of a random legal configuration.
    pub fn model(&mut self, small: bool) -> Model {
        loop {
            let mut config = self.config(small);
            if !small && self.below(2) == 0 {
                config.origin = self.log(63);
            }
            if let Ok(model) = Model::new(config) {
                return model;
            }
        }
    }

    /// The next instant: mostly forward by something like a fraction of the period, sometimes still, back or far away.
    pub fn step(&mut self, now: u64, period: u64, monotone: bool) -> u64 {
        let near = 64 - period.leading_zeros() + 1;
        let forward = self.log(near.min(63));
        match self.below(16) {
            0..4 => now,
            4..13 => now.saturating_add(forward),
            13 => now.saturating_add(period),
            14 if !monotone => now.saturating_sub(forward),
            15 if !monotone => self.log(64),
            _ => now.saturating_add(forward / 8),
        }
    }
}
