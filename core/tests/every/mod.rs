//! Every rule that a limiter can follow, as a list that tests go through.

#![allow(dead_code)]

use tidegate::{Algorithm, Anchor, Limiter, LimiterBuilder, Quota, Refill};

/// An algorithm with the refill and the anchor that make it a rule of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    pub name: &'static str,
    pub algorithm: Algorithm,
    pub refill: Refill,
    pub first_use: bool,
}

const fn rule(name: &'static str, algorithm: Algorithm, refill: Refill, first_use: bool) -> Rule {
    Rule { name, algorithm, refill, first_use }
}

pub const GCRA: Rule = rule("gcra", Algorithm::Gcra, Refill::Continuous, false);
pub const BUCKET: Rule = rule("token bucket", Algorithm::TokenBucket, Refill::Continuous, false);
pub const INTERVAL: Rule = rule("token bucket, interval refill", Algorithm::TokenBucket, Refill::Interval, false);
pub const INTERVAL_FIRST: Rule =
    rule("token bucket, interval refill from first use", Algorithm::TokenBucket, Refill::Interval, true);
pub const FIXED: Rule = rule("fixed window", Algorithm::FixedWindow, Refill::Continuous, false);
pub const FIXED_FIRST: Rule = rule("fixed window from first use", Algorithm::FixedWindow, Refill::Continuous, true);
pub const SLIDING: Rule = rule("sliding window", Algorithm::SlidingWindow, Refill::Continuous, false);
pub const LOG: Rule = rule("sliding log", Algorithm::SlidingLog, Refill::Continuous, false);

pub const EVERY: [Rule; 8] = [GCRA, BUCKET, INTERVAL, INTERVAL_FIRST, FIXED, FIXED_FIRST, SLIDING, LOG];

impl Rule {
    pub fn builder(&self, quota: Quota) -> LimiterBuilder {
        let builder = Limiter::builder(self.algorithm, quota).refill(self.refill);
        if self.first_use { builder.anchor(Anchor::FirstUse) } else { builder }
    }

    /// A limiter with a capacity of `limit`, made at 0.
    pub fn make(&self, limit: u64, period: u64) -> Limiter {
        let quota = Quota::from_nanos(limit, period).expect("a legal quota");
        self.builder(quota).build_at(0).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Whether a burst other than the limit means something.
    pub fn is_bucket(&self) -> bool {
        matches!(self.algorithm, Algorithm::Gcra | Algorithm::TokenBucket)
    }
}
