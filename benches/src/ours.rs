//! tidegate: every algorithm, granted and denied, with `now` given and with the default clock.

use core::hint::black_box;

use tidegate::{Algorithm, Decision, GroupDecision, Limiter, LimiterGroup, Refill};

use crate::candidate::{Candidate, Group, count, count_in_time};
use crate::quotas::{ORIGIN, STEADY_STEP, ample, ample_window, drained, steady};

/// The name of the grant that is compared with floors and peers.
pub const GCRA: &str = "tidegate gcra: try_acquire";

/// The name of three limiters at once.
pub const GROUP: &str = "tidegate group of three gcra: try_acquire";

/// A shape of limiter, and what its calls are named in the table.
struct Shape {
    algorithm: Algorithm,
    refill: Refill,
    try_acquire: &'static str,
    take: &'static str,
    figures: &'static str,
}

macro_rules! shape {
    ($algorithm:ident, $refill:ident, $name:literal) => {
        Shape {
            algorithm: Algorithm::$algorithm,
            refill: Refill::$refill,
            try_acquire: concat!("tidegate ", $name, ": try_acquire"),
            take: concat!("tidegate ", $name, ": take"),
            figures: concat!("tidegate ", $name, ": take, all figures read"),
        }
    };
}

const SHAPES: [Shape; 6] = [
    shape!(Gcra, Continuous, "gcra"),
    shape!(TokenBucket, Continuous, "token-bucket"),
    shape!(TokenBucket, Interval, "token-bucket, interval refill"),
    shape!(FixedWindow, Continuous, "fixed-window"),
    shape!(SlidingWindow, Continuous, "sliding-window"),
    shape!(SlidingLog, Continuous, "sliding-log"),
];

/// Reads all that a decision can say.
#[inline(always)]
fn read(decision: &Decision) {
    black_box((decision.limit(), decision.remaining(), decision.retry_after_nanos(), decision.reset_after_nanos()));
}

/// The three calls that are measured, on one kind of limiter.
fn calls(group: Group, shape: &'static Shape, step: u64, make: impl Fn() -> Limiter) -> [Candidate; 3] {
    let (tried, taken, figured) = (make(), make(), make());
    let (mut a, mut b, mut c) = (ORIGIN, ORIGIN, ORIGIN);
    [
        Candidate::new(group, shape.try_acquire, move |calls| {
            count_in_time(&tried, calls, &mut a, step, |limiter, now| limiter.try_acquire_at(now, 1))
        }),
        Candidate::new(group, shape.take, move |calls| {
            count_in_time(&taken, calls, &mut b, step, |limiter, now| black_box(limiter.take_at(now, 1)).is_allowed())
        }),
        Candidate::new(group, shape.figures, move |calls| {
            count_in_time(&figured, calls, &mut c, step, |limiter, now| {
                let decision = limiter.take_at(now, 1);
                read(&decision);
                decision.is_allowed()
            })
        }),
    ]
}

/// Reads all that a group's decision can say.
#[inline(always)]
fn read_group(decision: &GroupDecision<'_>) {
    black_box((decision.binding(), decision.remaining(), decision.retry_after_nanos(), decision.reset_after_nanos()));
}

/// Three GCRA limiters, all or nothing.
fn groups() -> [Candidate; 4] {
    let three = || {
        let limiter = || Limiter::builder(Algorithm::Gcra, steady()).build_at(ORIGIN).expect("within every bound");
        LimiterGroup::new([("a", limiter()), ("b", limiter()), ("c", limiter())]).expect("three names")
    };
    // The last one denies, so that all of them are looked at.
    let last = LimiterGroup::new([("a", ample()), ("b", ample()), ("c", steady())].map(|(name, quota)| {
        let limiter = Limiter::builder(Algorithm::Gcra, quota).build_at(ORIGIN).expect("within every bound");
        (name, limiter)
    }));
    let last = last.expect("three names");
    assert!(last.try_acquire_at(ORIGIN, 1_000));
    let (tried, taken, figured) = (three(), three(), three());
    let (mut a, mut b, mut c) = (ORIGIN, ORIGIN, ORIGIN);
    [
        Candidate::new(Group::GivenGrant, GROUP, move |calls| {
            count_in_time(&tried, calls, &mut a, STEADY_STEP, |group, now| group.try_acquire_at(now, 1))
        }),
        Candidate::new(Group::GivenGrant, "tidegate group of three gcra: take", move |calls| {
            count_in_time(&taken, calls, &mut b, STEADY_STEP, |group, now| {
                black_box(group.take_at(now, 1)).is_allowed()
            })
        }),
        Candidate::new(Group::GivenGrant, "tidegate group of three gcra: take, all figures read", move |calls| {
            count_in_time(&figured, calls, &mut c, STEADY_STEP, |group, now| {
                let decision = group.take_at(now, 1);
                read_group(&decision);
                decision.is_allowed()
            })
        }),
        Candidate::new(Group::GivenDenial, GROUP, move |calls| {
            count(&last, calls, |group| group.try_acquire_at(ORIGIN, 1))
        }),
    ]
}

/// All calls on all algorithms.
pub fn candidates() -> Vec<Candidate> {
    let mut all = Vec::from(groups());
    for shape in &SHAPES {
        // A sliding window counts its last window in proportion, so a call an interval would sometimes be one too many.
        let step = if shape.algorithm == Algorithm::SlidingWindow { 2 * STEADY_STEP } else { STEADY_STEP };
        all.extend(calls(Group::GivenGrant, shape, step, || {
            let builder = Limiter::builder(shape.algorithm, steady()).refill(shape.refill);
            builder.build_at(ORIGIN).expect("within every bound")
        }));
        // Interval refill denies as a fixed window does: it is the same step.
        if shape.refill == Refill::Continuous {
            all.extend(calls(Group::GivenDenial, shape, 1, || drained(shape.algorithm, ORIGIN)));
            let limiter = drained(shape.algorithm, tidegate::Clock::now(&tidegate::MonotonicClock));
            all.push(Candidate::new(Group::ClockDenial, shape.try_acquire, move |calls| {
                count(&limiter, calls, |limiter| limiter.try_acquire(1))
            }));
        }
    }
    // The two that count or log each permit of the last window cannot hold a quota that is never exhausted at this speed.
    for shape in &SHAPES {
        let quota = match (shape.algorithm, shape.refill) {
            (Algorithm::Gcra | Algorithm::TokenBucket, Refill::Continuous) => ample(),
            (Algorithm::FixedWindow, _) => ample_window(),
            _ => continue,
        };
        let limiter = Limiter::new(shape.algorithm, quota).expect("within every bound");
        all.push(Candidate::new(Group::ClockGrant, shape.try_acquire, move |calls| {
            count(&limiter, calls, |limiter| limiter.try_acquire(1))
        }));
        let limiter = Limiter::new(shape.algorithm, quota).expect("within every bound");
        all.push(Candidate::new(Group::ClockGrant, shape.figures, move |calls| {
            count(&limiter, calls, |limiter| {
                let decision = limiter.take(1);
                read(&decision);
                decision.is_allowed()
            })
        }));
    }
    all
}
