//! Costs that can never fit, cost nothing, or are given back twice; queues without end.

use tidegate::Refusal;

use crate::every::EVERY;
use crate::{END, SECOND, in_every_state, quota};

#[test]
fn a_cost_above_the_capacity_is_never_and_changes_nothing() {
    for rule in EVERY {
        for (state, limiter) in in_every_state(rule) {
            let before = limiter.snapshot();
            for now in [0, 10, 11, SECOND, 100 * SECOND] {
                for cost in [8, 15, 1 << 31, (1 << 32) + 1, 1 << 62, 1 << 63, u64::MAX - 1, u64::MAX] {
                    let at = format!("{}, {state}, {cost} at {now}", rule.name);
                    for decision in [limiter.take_at(now, cost), limiter.peek_at(now, cost)] {
                        assert!(!decision.is_allowed() && decision.is_never(), "{at}: {decision:?}");
                        assert_eq!(decision.limit(), 7);
                    }
                    assert!(!limiter.try_acquire_at(now, cost), "{at}");
                    let refused = limiter.reserve_at(now, cost, u64::MAX).expect_err(&at);
                    assert_eq!(refused.refusal(), Refusal::Never, "{at}");
                    assert!(refused.decision().is_never(), "{at}");
                    if cost > 14 {
                        let decision = limiter.charge_at(now, cost);
                        assert!(!decision.is_allowed() && decision.is_never(), "{at}: {decision:?}");
                    }
                }
            }
            assert_eq!(limiter.snapshot(), before, "{}, {state}", rule.name);
        }
    }
}

#[test]
fn a_cost_of_nothing_is_always_allowed_and_changes_nothing() {
    for rule in EVERY {
        for (state, limiter) in in_every_state(rule) {
            let before = limiter.snapshot();
            for now in [0, 10, SECOND, END, u64::MAX] {
                assert!(limiter.try_acquire_at(now, 0));
                for decision in [limiter.take_at(now, 0), limiter.peek_at(now, 0), limiter.charge_at(now, 0)] {
                    assert!(decision.is_allowed(), "{}, {state}", rule.name);
                    assert_eq!(decision.retry_after_nanos(), Some(0), "{}, {state}", rule.name);
                }
                limiter.refund_at(now, 0);
                let slot = limiter.reserve_at(now, 0, 0).expect("nothing to wait for");
                assert_eq!(slot.at_nanos(), now);
                limiter.cancel_at(now, slot);
            }
            assert_eq!(limiter.snapshot(), before, "{}, {state}", rule.name);
        }
    }
}

#[test]
fn a_refund_of_anything_fills_it_at_most() {
    for rule in EVERY {
        for (state, limiter) in in_every_state(rule) {
            for permits in [u64::MAX, 1 << 63, 1 << 62, 8] {
                limiter.refund_at(10, permits);
                let all = limiter.peek_at(10, 1).remaining();
                assert!(all <= 7, "{}, {state}: {all}", rule.name);
                assert!(limiter.try_acquire_at(10, all) && !limiter.try_acquire_at(10, 1), "{}, {state}", rule.name);
            }
        }
    }
}

/// A queue that the word cannot count is refused; so is one beyond the end of the clock.
#[test]
fn a_queue_too_long_is_refused_and_changes_nothing() {
    let (mut full, mut never) = (0, 0);
    for rule in EVERY {
        for (limit, period) in [(3, 1 << 20), (1_000, 1 << 50), (7, 1 << 61)] {
            let Ok(limiter) = rule.builder(quota(limit, period)).build_at(0) else { continue };
            let mut last = 0;
            for _ in 0..2_000 {
                let before = limiter.snapshot();
                match limiter.reserve_at(0, limit, u64::MAX) {
                    Ok(slot) => {
                        assert!(slot.at_nanos() >= last && slot.at_nanos() <= limiter.horizon(), "{}", rule.name);
                        last = slot.at_nanos();
                        continue;
                    }
                    Err(refused) => {
                        assert!(!refused.decision().is_allowed() && !refused.to_string().is_empty());
                        match refused.refusal() {
                            Refusal::QueueFull => full += u32::from(refused.decision().retry_after_nanos() > Some(0)),
                            Refusal::Never => never += u32::from(refused.decision().is_never()),
                            other => panic!("{}: {other:?}", rule.name),
                        }
                    }
                }
                assert_eq!(limiter.snapshot(), before, "{}", rule.name);
                break;
            }
        }
    }
    println!("{full} full, {never} beyond the clock");
    assert!(full >= 4 && never >= 4, "{full} full, {never} beyond the clock");
}
