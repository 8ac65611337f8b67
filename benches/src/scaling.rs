//! How the cost of a call grows with what a user may choose: limits in a group, permits a call, the length of a period, the limit.
//!
//! Threads are measured by `bin/table.rs`, keys by `bin/keys.rs`; `model.rs` goes beyond what was measured.

use tidegate::{Algorithm, Limiter, LimiterGroup, Quota};

use crate::candidate::{Candidate, Group, count_in_time};
use crate::quotas::{DAY, ORIGIN, STEADY_STEP, steady};

/// One point of a curve.
pub struct Point {
    /// What is varied.
    pub group: &'static str,
    /// In which unit.
    pub unit: &'static str,
    /// How much of it.
    pub size: f64,
    /// What is called. Its name is the curve's.
    pub candidate: Candidate,
}

/// All points, curve by curve.
pub fn points() -> Vec<Point> {
    let mut all = limits();
    all.extend(costs());
    all.extend(periods());
    all.extend(logs());
    all
}

fn limiter(algorithm: Algorithm, quota: Quota) -> Limiter {
    Limiter::builder(algorithm, quota).build_at(ORIGIN).expect("within every bound")
}

/// A call of `cost` each `step` nanoseconds.
fn calls(name: &'static str, limiter: Limiter, step: u64, cost: u64) -> Candidate {
    let mut now = ORIGIN;
    Candidate::new(Group::GivenGrant, name, move |calls| {
        count_in_time(&limiter, calls, &mut now, step, |limiter, now| limiter.try_acquire_at(now, cost))
    })
}

/// One account with several limits, all or nothing.
fn limits() -> Vec<Point> {
    let point = |count: usize| {
        let members = (0..count).map(|n| (format!("limit {n}"), limiter(Algorithm::Gcra, steady())));
        let group = LimiterGroup::new(members).expect("names that differ");
        let mut now = ORIGIN;
        let candidate = Candidate::new(Group::GivenGrant, "gcra", move |calls| {
            count_in_time(&group, calls, &mut now, STEADY_STEP, |group, now| group.try_acquire_at(now, 1))
        });
        Point { group: "limits in one group", unit: "limits", size: count as f64, candidate }
    };
    [1, 2, 4, 8, 16].map(point).into()
}

/// Permits a call, under a quota that earns them between two calls.
fn costs() -> Vec<Point> {
    let quota = |limit| Quota::per_second(limit).expect("within every bound");
    let point = |name, algorithm, cost: u64| Point {
        group: "permits a call",
        unit: "permits",
        size: cost as f64,
        // Two seconds apart, so that sliding windows have let go of the last call.
        candidate: calls(name, limiter(algorithm, quota(10_000)), 2_000_000_000, cost),
    };
    [1, 10, 100, 1_000]
        .into_iter()
        .flat_map(|cost| {
            [
                point("gcra", Algorithm::Gcra, cost),
                point("fixed-window", Algorithm::FixedWindow, cost),
                point("sliding-window", Algorithm::SlidingWindow, cost),
                point("sliding-log", Algorithm::SlidingLog, cost),
            ]
        })
        .collect()
}

/// A thousand permits in periods of a millisecond to a year.
fn periods() -> Vec<Point> {
    let point = |name, algorithm, nanos: u64| {
        let quota = Quota::from_nanos(1_000, nanos).expect("within every bound");
        // Two periods' thousandths apart: granted for ever.
        let candidate = calls(name, limiter(algorithm, quota), nanos / 500, 1);
        Point { group: "length of the period", unit: "seconds", size: nanos as f64 / 1e9, candidate }
    };
    // A sequence of calls two thousandths of a year apart would leave the range of clocks.
    [1_000_000, 1_000_000_000, 3_600_000_000_000, DAY]
        .into_iter()
        .flat_map(|nanos| {
            [
                point("gcra", Algorithm::Gcra, nanos),
                point("fixed-window", Algorithm::FixedWindow, nanos),
                point("sliding-window", Algorithm::SlidingWindow, nanos),
                point("sliding-log", Algorithm::SlidingLog, nanos),
            ]
        })
        .collect()
}

/// The limit itself: only a log has a slot for each permit.
fn logs() -> Vec<Point> {
    let point = |name, algorithm, limit: u64| {
        let quota = Quota::per_second(limit).expect("within every bound");
        let candidate = calls(name, limiter(algorithm, quota), 2 * 1_000_000_000 / limit, 1);
        Point { group: "limit", unit: "permits a second", size: limit as f64, candidate }
    };
    [10, 1_000, 10_000, 200_000]
        .into_iter()
        .flat_map(|limit| [point("gcra", Algorithm::Gcra, limit), point("sliding-log", Algorithm::SlidingLog, limit)])
        .collect()
}

#[cfg(test)]
mod tests {
    /// As every candidate, each admits what it says.
    #[test]
    fn every_point_admits_what_it_says() {
        for mut point in super::points() {
            for calls in [0, 1, 2, 999] {
                point.candidate.run_checked(calls);
            }
        }
    }
}
