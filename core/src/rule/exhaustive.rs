//! Every step on every small word, against its definition: 8 bits of time and of use, all costs, several shapes of quota.
//!
//! What a wait or a remainder *means* is found here by trying: the first nanosecond at which `take` says yes, the largest cost that it
//! allows. So the closed formulas of the rules are checked against the one formula of `take`, and `take` against the page.

use std::vec::Vec;

use super::continuous::Continuous;
use super::interval::Interval;
use super::sliding::Sliding;
use super::{Step, Unbookable};
use crate::quota::{Anchor, Quota};

/// Time in the models runs to here; waits that end later are not looked for.
const LAST: u64 = 700;

fn quota(limit: u64, period: u64, burst: u64) -> Quota {
    Quota::from_nanos(limit, period).unwrap().burst(burst).unwrap()
}

/// All that follows from `take` by its meaning.
fn check(step: &impl Step, word: u64, now: u64, allowed: impl Fn(u64, u64) -> bool) {
    let capacity = step.capacity();
    assert!(step.holds(word));
    for cost in 1..=capacity + 1 {
        let taken = step.take(word, now, cost);
        assert_eq!(taken.is_some(), allowed(now, cost), "take {cost} of {word:#x} at {now}");
        if let Some(after) = taken {
            assert_ne!(after, word);
            assert!(step.holds(after));
            // What was granted is used: the rest is smaller by exactly that.
            assert_eq!(step.remaining(after, now), step.remaining(word, now) - cost);
            // And a refund brings it back.
            assert_eq!(step.remaining(step.refund(after, now, cost), now), step.remaining(word, now));
        }
        let first = (now..LAST).find(|&t| allowed(t, cost));
        match step.earliest(word, now, cost) {
            Some(at) if at < LAST => assert_eq!(first, Some(at), "wait for {cost} of {word:#x} at {now}"),
            _ => assert_eq!(first, None, "wait for {cost} of {word:#x} at {now}"),
        }
        match step.reserve(word, now, now, cost) {
            Ok((after, at)) => {
                assert_eq!(Some(at), step.earliest(word, now, cost));
                assert!(step.holds(after));
                if at > now && at < LAST {
                    // Who comes later stands behind: nothing is to be had before.
                    assert_eq!(step.remaining(after, now), 0, "behind {cost} of {word:#x} at {now}");
                }
            }
            Err(Unbookable::Never) => assert!(cost > capacity),
            Err(Unbookable::Full) => {}
        }
        // Not before an instant: then or later, and what is left before is not more than there was.
        for from in [now + 1, now + 9, now + 40] {
            if let Ok((after, at)) = step.reserve(word, now, from, cost) {
                assert_eq!(Some(at), step.earliest(word, now, cost).map(|at| at.max(from)));
                assert!(step.holds(after) && after != word);
                assert!(step.remaining(after, now) <= step.remaining(word, now));
                assert!(step.remaining(after, at) <= step.remaining(word, at) - cost);
            }
        }
        // A charge goes one capacity deeper, and no further.
        if let Some(after) = step.charge(word, now, cost) {
            assert!(step.holds(after));
            assert!(step.charge(after, now, 2 * capacity + 1).is_none());
        }
        assert_eq!(step.charge(word, now, cost).is_some(), step.earliest_charge(word, now, cost) == Some(now));
    }
    assert_eq!(step.take(word, now, u64::MAX), None);
    assert_eq!(step.earliest(word, now, u64::MAX), None);
    assert_eq!(step.charge(word, now, u64::MAX), None);
    assert_eq!(step.take(super::RETIRED, now, 1), None);
    let largest = (0..=capacity).rev().find(|&cost| cost == 0 || allowed(now, cost)).unwrap();
    assert_eq!(step.remaining(word, now), largest, "remaining of {word:#x} at {now}");
    // As good as new: from then on everything fits, and a nanosecond before it does not all be as new.
    let renewed = step.renewed(word, now).unwrap();
    assert_eq!(step.used(word, renewed), 0);
    assert!(renewed == now || step.used(word, renewed - 1) > 0, "renewed of {word:#x} at {now}");
}

#[test]
fn continuous() {
    // Periods that are multiples of the limit, that are not, one tick a permit, and a hundred.
    for (limit, period, burst) in [(1, 1, 3), (3, 16, 2), (5, 7, 4), (1, 100, 1), (7, 100, 5), (2, 3, 9)] {
        let step = Continuous::new(&quota(limit, period, burst)).unwrap();
        let k = (period / limit).ilog2();
        let tick = |t: u64| i128::from(t) * i128::from(limit << k) / i128::from(period);
        for tat in 0..256 {
            for now in 0..256 {
                check(&step, tat, now, |t, cost| {
                    let x = tick(t).max(i128::from(tat)) + i128::from(cost << k);
                    cost <= burst && x - tick(t) <= i128::from(burst << k)
                });
            }
        }
    }
}

#[test]
fn interval() {
    let cases = [
        (3, 16, 3, Anchor::Clock),
        (3, 16, 3, Anchor::Offset(5)),
        (2, 10, 5, Anchor::Clock),
        (5, 10, 2, Anchor::Offset(9)),
        (1, 40, 4, Anchor::Clock),
    ];
    for (limit, period, burst, anchor) in cases {
        let step = Interval::new(&quota(limit, period, burst).anchor(anchor), 0).unwrap();
        let phase = if let Anchor::Offset(offset) = anchor { period - offset } else { 0 };
        // Words by charging a new limiter: (interval begun, used).
        for begun in 0..24u64 {
            for used in 0..=2 * burst {
                let since = (begun * period).saturating_sub(phase);
                let Some(word) = step.spent(since, used) else { panic!("{used} does not fit") };
                let begun = (since + phase) / period;
                for now in 0..256 {
                    check(&step, word, now, |t, cost| {
                        let whole = ((t + phase) / period).saturating_sub(begun);
                        let left = used.saturating_sub(whole * limit);
                        cost <= burst && left + cost <= burst
                    });
                }
            }
        }
    }
}

#[test]
fn interval_from_first_use() {
    for (limit, period, burst) in [(3, 1 << 50, 3), (2, 1 << 49, 5)] {
        let step = Interval::new(&quota(limit, period, burst).anchor(Anchor::FirstUse), 0).unwrap();
        // Too long to try every nanosecond: the instants at which something changes, and their neighbours.
        for opened in [0, 1 << 20, period - 1] {
            for used in 1..=2 * burst {
                let word = step.spent(opened, used).unwrap();
                for intervals in 0..3 {
                    let left = used.saturating_sub(intervals * limit);
                    let now = opened + intervals * period;
                    assert_eq!(step.remaining(word, now), burst.saturating_sub(left));
                    if intervals > 0 && now > (1 << 20) {
                        // A tick is far below 2^20 ns here.
                        let before = used.saturating_sub((intervals - 1) * limit);
                        assert_eq!(step.remaining(word, now - (1 << 20)), burst.saturating_sub(before));
                    }
                }
            }
        }
    }
}

#[test]
fn sliding() {
    for (limit, period, anchor) in [
        (3, 16, Anchor::Clock),
        (3, 16, Anchor::Offset(5)),
        (5, 10, Anchor::Clock),
        (1, 40, Anchor::Clock),
        (7, 14, Anchor::Clock),
    ] {
        let step = Sliding::new(&quota(limit, period, limit).anchor(anchor), 0).unwrap();
        let phase = if let Anchor::Offset(offset) = anchor { period - offset } else { 0 };
        for window in 0..10u64 {
            for (previous, current) in
                (0..=2 * limit).flat_map(|p| (0..=2 * limit).map(move |c| (p, c))).collect::<Vec<_>>()
            {
                // A word whose window begins in time: by charging in two windows.
                let word = step.word_for_test(window, previous, current);
                for now in 0..160 {
                    // Words ahead of the clock come only from reservations, which leave at least the limit in them.
                    if (now + phase) / period < window && previous + current < limit {
                        continue;
                    }
                    check(&step, word, now, |t, cost| {
                        let (o, e) = ((t + phase) / period, (t + phase) % period);
                        let (p, c, e) = match o.checked_sub(window) {
                            None => (previous, current, 0),
                            Some(0) => (previous, current, e),
                            Some(1) => (current, 0, e),
                            Some(_) => (0, 0, e),
                        };
                        p * (period - e) + (c + cost) * period <= limit * period
                    });
                }
            }
        }
    }
}
