//! What can be asked for permits here: the limiter of the library, and the exact model beside it.

use tidegate::{Algorithm, Anchor, Limiter, Quota};
use tidegate_reference as exact;

/// An answer, in permits and nanoseconds; `None` is never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub allowed: bool,
    pub remaining: u64,
    pub retry_after: Option<u64>,
    pub reset_after: u64,
}

/// One of the two.
pub trait Subject {
    fn spend(&mut self, now: u64, cost: u64) -> Answer;
    fn look(&mut self, now: u64, cost: u64) -> Answer;
}

fn answer(decision: tidegate::Decision) -> Answer {
    Answer {
        allowed: decision.is_allowed(),
        remaining: decision.remaining(),
        retry_after: decision.retry_after_nanos(),
        reset_after: decision.reset_after_nanos(),
    }
}

impl Subject for Limiter {
    fn spend(&mut self, now: u64, cost: u64) -> Answer {
        answer(self.take_at(now, cost))
    }

    fn look(&mut self, now: u64, cost: u64) -> Answer {
        answer(self.peek_at(now, cost))
    }
}

impl Subject for exact::Model {
    fn spend(&mut self, now: u64, cost: u64) -> Answer {
        plain(exact::Model::take(self, now, cost))
    }

    fn look(&mut self, now: u64, cost: u64) -> Answer {
        plain(exact::Model::peek(self, now, cost))
    }
}

fn plain(decision: exact::Decision) -> Answer {
    Answer {
        allowed: decision.allowed,
        remaining: decision.remaining,
        retry_after: decision.retry_after,
        reset_after: decision.reset_after,
    }
}

/// A limiter of the library, made at `origin`.
pub fn limiter(algorithm: Algorithm, quota: Quota, origin: u64) -> Result<Limiter, String> {
    Limiter::builder(algorithm, quota).build_at(origin).map_err(|error| error.to_string())
}

/// The exact model of the same limiter.
pub fn model(algorithm: Algorithm, quota: Quota, origin: u64) -> Result<exact::Model, String> {
    let rule = match algorithm {
        Algorithm::Gcra => exact::Algorithm::Gcra,
        Algorithm::TokenBucket => exact::Algorithm::TokenBucket,
        Algorithm::FixedWindow => exact::Algorithm::FixedWindow,
        Algorithm::SlidingWindow => exact::Algorithm::SlidingWindow,
        Algorithm::SlidingLog => exact::Algorithm::SlidingLog,
        _ => return Err(format!("there is no model of {algorithm}")),
    };
    let mut config = exact::Config::new(rule, quota.limit(), quota.period_nanos(), quota.capacity());
    config.origin = origin;
    config.anchor = match quota.anchored() {
        Anchor::Offset(offset) => exact::Anchor::Clock { offset },
        Anchor::FirstUse => exact::Anchor::FirstUse,
        _ => exact::Anchor::Clock { offset: 0 },
    };
    exact::Model::new(config).map_err(|refused| refused.to_string())
}
