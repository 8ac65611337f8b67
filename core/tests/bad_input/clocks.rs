//! Clocks that run backwards, stand still, or are at their end.

use std::time::Duration;

use tidegate::{Carry, Clock, MAX_PERIOD_NANOS, ManualClock};

use crate::every::{EVERY, GCRA, LOG};
use crate::{END, SECOND, quota};

#[test]
fn a_clock_that_runs_backwards_mints_nothing_and_panics_nowhere() {
    for rule in EVERY {
        let limiter = rule.make(7, SECOND);
        let now = 1_000 * SECOND;
        assert!(limiter.try_acquire_at(now, 7));
        let before = limiter.snapshot();
        for late in [1, SECOND - 1, SECOND, SECOND + 1, 10 * SECOND, now - 1, now] {
            for cost in [1, 7] {
                assert!(!limiter.try_acquire_at(now - late, cost), "{} {late} ns late", rule.name);
                let decision = limiter.take_at(now - late, cost);
                let wait = decision.retry_after_nanos().expect("it fits some day");
                assert!(wait >= late, "{}: the clock must first come back: {decision:?}", rule.name);
                assert!(decision.reset_after_nanos() >= late);
                assert_eq!(decision.remaining(), 0, "{} {late} ns late", rule.name);
            }
        }
        assert_eq!(limiter.snapshot(), before, "{}", rule.name);
    }
}

#[test]
fn a_clock_at_its_end_stands_still() {
    for rule in EVERY {
        let limiter = rule.make(7, SECOND);
        let end = limiter.horizon();
        assert!(end <= END && end > 10 * 31_557_600 * SECOND, "{}", rule.name);
        let mut granted = 0;
        let times = [end, end + 1, END, END + 1, u64::MAX - 1, u64::MAX];
        for now in times.into_iter().chain(times) {
            while limiter.try_acquire_at(now, 1) {
                granted += 1;
                assert!(granted <= 7, "{}: one capacity at one time", rule.name);
            }
            let denied = limiter.take_at(now, 1);
            assert!(denied.is_never(), "{}: nothing comes back beyond the end: {denied:?}", rule.name);
            assert_eq!(denied.reset_after_nanos(), u64::MAX, "{}", rule.name);
            assert!(limiter.reserve_at(now, 1, u64::MAX).is_err(), "{}", rule.name);
        }
        assert_eq!(granted, 7, "{}", rule.name);
        // And from there back to the beginning.
        let before = limiter.snapshot();
        for now in [0, SECOND, end - SECOND, end - 1] {
            assert!(!limiter.try_acquire_at(now, 1), "{} at {now}", rule.name);
        }
        assert_eq!(limiter.snapshot(), before);
        limiter.refund_at(u64::MAX, u64::MAX);
        assert_eq!(limiter.peek_at(u64::MAX, 1).remaining(), 7, "{}: a refund needs no time", rule.name);
    }
}

/// Every verb at every edge of time and cost, in every order of times: no panic (debug builds check every sum).
#[test]
fn every_verb_at_every_edge_of_time_and_cost() {
    let edges = [0, 1, 2, SECOND, 1 << 31, 1 << 32, 1 << 61, 1 << 62, END - 1, END, 1 << 63, u64::MAX - 1, u64::MAX];
    let quotas = [(1, 1), (1, 2), (3, 7), (7, SECOND), (1, MAX_PERIOD_NANOS), (1 << 20, 1 << 61), (1 << 40, 1 << 61)];
    let mut made = 0;
    for rule in EVERY {
        for (limit, period) in quotas {
            if rule == LOG && limit > 7 {
                continue;
            }
            for origin in edges {
                let Ok(limiter) = rule.builder(quota(limit, period)).build_at(origin) else { continue };
                made += 1;
                for now in edges {
                    for cost in [1, limit, limit * 2, 1 << 33, END, u64::MAX] {
                        let said = [
                            limiter.charge_at(now, cost),
                            limiter.take_at(now, cost),
                            limiter.peek_at(now ^ 1, cost),
                            limiter.take_at(now / 2, 1),
                        ];
                        for decision in said {
                            assert!(decision.remaining() <= decision.limit(), "{}: {decision:?}", rule.name);
                            assert!(decision.is_allowed() || decision.retry_after_nanos() != Some(0), "{decision:?}");
                        }
                        if let Ok(slot) = limiter.reserve_at(now, cost.min(limit), u64::MAX) {
                            limiter.cancel_at(now.wrapping_add(cost), slot);
                        }
                        limiter.refund_at(now, cost);
                    }
                    let _ = limiter.reconfigure_at(now, quota(limit, period), Carry::Time);
                    limiter.reset();
                }
            }
        }
    }
    assert!(made > 300, "{made}");
}

#[test]
fn a_manual_clock_saturates() {
    let clock = ManualClock::new(5);
    clock.advance(Duration::MAX);
    assert_eq!(clock.now(), u64::MAX);
    clock.advance(Duration::from_nanos(1));
    assert_eq!(clock.now(), u64::MAX);
    clock.set(0);
    assert_eq!(clock.now(), 0);
    // The longest wait that can be said is a wait.
    let limiter = GCRA.make(1, SECOND);
    assert!(limiter.try_acquire(1));
    assert!(limiter.reserve(1, Duration::MAX).is_ok());
}
