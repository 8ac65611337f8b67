//! Who is refused, is refused at once, and nothing is changed.

use std::time::Duration;

use tidegate::{Algorithm, Limiter, Quota, Refusal};

use crate::every::EVERY;
use crate::world::{World, ready};
use crate::{MILLI, SECOND};

/// All timeouts from none to the longest: exactly those that reach the instant are let in.
#[test]
fn the_timeout_is_exact() {
    for rule in EVERY {
        let world = World::new(5 * SECOND);
        let limiter = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
        assert!(limiter.try_acquire(10));
        let wait = limiter.peek(1).retry_after_nanos().unwrap();
        let before = limiter.snapshot();
        for timeout in [0, 1, wait / 2, wait - 1] {
            let refused = ready(limiter.acquire_async(1, Duration::from_nanos(timeout), world.sleep())).unwrap_err();
            assert_eq!(refused.refusal(), Refusal::WaitTooLong, "{}", rule.name);
            assert_eq!(refused.decision().retry_after_nanos(), Some(wait));
            assert!(!refused.decision().is_allowed());
            assert_eq!(limiter.acquire(1, Duration::from_nanos(timeout)), Err(refused));
        }
        assert_eq!(limiter.snapshot(), before, "{}: a refusal changes nothing", rule.name);
        assert!(world.slept().is_empty());
        for timeout in [Duration::from_nanos(wait), Duration::from_nanos(u64::MAX), Duration::MAX] {
            let mut gone = false;
            world.run([Box::pin(async {
                limiter.acquire_async(1, timeout, world.sleep()).await.expect("in time");
                gone = true;
            }) as _]);
            assert!(gone, "{}", rule.name);
            assert!(limiter.try_acquire(limiter.peek(1).remaining()));
        }
    }
}

#[test]
fn a_timeout_of_zero_takes_what_is_there() {
    let world = World::new(0);
    let limiter = world.limiter(Limiter::builder(Algorithm::Gcra, Quota::per_second(2).unwrap()));
    assert_eq!(limiter.acquire(1, Duration::ZERO), Ok(Duration::ZERO));
    assert_eq!(ready(limiter.acquire_async(1, Duration::ZERO, world.sleep())), Ok(Duration::ZERO));
    assert_eq!(limiter.acquire(1, Duration::ZERO).unwrap_err().refusal(), Refusal::WaitTooLong);
}

#[test]
fn what_can_never_fit_is_refused_at_once() {
    for rule in EVERY {
        let world = World::new(SECOND);
        let limiter = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
        let before = limiter.snapshot();
        for cost in [11, 1 << 32, u64::MAX] {
            for timeout in [Duration::ZERO, Duration::MAX] {
                let refused = limiter.acquire(cost, timeout).unwrap_err();
                assert_eq!(refused.refusal(), Refusal::Never, "{}", rule.name);
                assert!(refused.decision().is_never());
                assert_eq!(ready(limiter.acquire_async(cost, timeout, world.sleep())), Err(refused));
            }
        }
        assert_eq!(limiter.snapshot(), before);
    }
}

/// A cost of nothing never waits, even in debt.
#[test]
fn nothing_is_free() {
    for rule in EVERY {
        let world = World::new(SECOND);
        let limiter = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
        assert!(limiter.try_acquire(10));
        let _ = limiter.charge(7);
        assert!(limiter.acquire(0, Duration::ZERO).is_ok(), "{}", rule.name);
        assert!(ready(limiter.acquire_async(0, Duration::ZERO, world.sleep())).is_ok());
    }
}

/// At the very end of time nobody waits for what comes after it.
#[test]
fn the_end_of_the_clock_is_an_answer() {
    for rule in EVERY {
        let world = World::new(0);
        let limiter = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
        for now in [limiter.horizon() - 1, limiter.horizon(), u64::MAX] {
            world.clock.set(now);
            for _ in 0..40 {
                match ready(limiter.acquire_async(1, Duration::ZERO, world.sleep())) {
                    Ok(waited) => assert_eq!(waited, Duration::ZERO),
                    Err(refused) => assert!(!refused.decision().is_allowed()),
                }
            }
            assert_eq!(limiter.acquire(11, Duration::MAX).unwrap_err().refusal(), Refusal::Never, "{}", rule.name);
            let full = limiter.acquire(1, Duration::ZERO).unwrap_err();
            if now >= limiter.horizon() {
                assert_eq!(full.refusal(), Refusal::Never, "{}: {full}", rule.name);
                // Not a wait of any length: without a bound it is refused at once as well.
                assert_eq!(limiter.acquire(1, Duration::MAX).unwrap_err().refusal(), Refusal::Never, "{}", rule.name);
            }
        }
    }
}

/// A line that the word cannot count: the error says so, and the line before it stays.
#[test]
fn a_line_too_long_to_count() {
    let world = World::new(0);
    let quota = Quota::from_nanos(1, SECOND).unwrap();
    let limiter = world.limiter(crate::every::FIXED_FIRST.builder(quota));
    let mut waiting = Vec::new();
    let refused = loop {
        match limiter.reserve(1, Duration::MAX) {
            Ok(reservation) => waiting.push(reservation),
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused.refusal(), Refusal::QueueFull);
    assert_eq!(limiter.acquire(1, Duration::MAX).unwrap_err().refusal(), Refusal::QueueFull);
    assert!(waiting.len() > 10);
    assert!(waiting.iter().map(|place| place.at_nanos()).is_sorted());
    // Room again when the last one leaves.
    let last = waiting.pop().unwrap();
    let at = last.at_nanos();
    last.cancel();
    assert_eq!(limiter.reserve(1, Duration::MAX).unwrap().at_nanos(), at);
    assert!(at < 100 * SECOND + MILLI);
}
