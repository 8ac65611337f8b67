//! First come, first served, one sleep each, at the rate.

use std::sync::Mutex;
use std::time::Duration;

use tidegate::{Algorithm, Limiter, Quota};

use crate::every::{EVERY, FIXED, GCRA, INTERVAL, LOG, SLIDING};
use crate::world::World;
use crate::{MILLI, SECOND};

/// `waiters` tasks, each for `cost` permits: who went ahead when, in the order of going.
fn stand_in_line(world: &World, limiter: &Limiter, waiters: usize, cost: u64) -> Vec<(usize, u64)> {
    let went = Mutex::new(Vec::new());
    let finished = world.run((0..waiters).map(|waiter| {
        let (went, sleep) = (&went, world.sleep());
        Box::pin(async move {
            let joined = world.now();
            let waited = limiter.acquire_async(cost, Duration::MAX, sleep).await.expect("no bound");
            assert_eq!(waited, Duration::from_nanos(world.now() - joined));
            went.lock().unwrap().push((waiter, world.now()));
        }) as _
    }));
    assert_eq!(finished, waiters);
    went.into_inner().unwrap()
}

#[test]
fn three_thousand_at_a_thousand_a_second() {
    let world = World::new(0);
    let limiter = world.limiter(Limiter::builder(Algorithm::Gcra, Quota::per_second(1_000).unwrap().burst(1).unwrap()));
    let went = stand_in_line(&world, &limiter, 3_000, 1);
    for (turn, &(waiter, at)) in went.iter().enumerate() {
        assert_eq!((waiter, at), (turn, turn as u64 * MILLI));
    }
    assert_eq!(world.now(), 2_999 * MILLI);
    // All but the first sleep, once.
    let slept = world.slept();
    assert_eq!(slept, (1..3_000).map(|turn| turn * MILLI).collect::<Vec<_>>());
}

/// Under every rule: in order, no more than one sleep each, and the limiter would have granted each at his instant.
#[test]
fn in_order_under_every_rule() {
    for rule in EVERY {
        for cost in [1, 3, 10] {
            let start = 1_000 * SECOND + 1;
            let world = World::new(start);
            let limiter = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
            let alone = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
            let went = stand_in_line(&world, &limiter, 50, cost);
            let order: Vec<usize> = went.iter().map(|&(waiter, _)| waiter).collect();
            assert!(order.is_sorted(), "{}: {order:?}", rule.name);
            assert!(world.slept().len() < 50, "{}: {} sleeps", rule.name, world.slept().len());
            // The same instants, asked of a limiter that nobody waits at.
            for &(waiter, at) in &went {
                let granted = alone.take_at(at, cost);
                assert!(granted.is_allowed(), "{}: {waiter} at {at}", rule.name);
            }
        }
    }
}

/// When exactly: ten at once, then as each algorithm gives back.
#[test]
fn the_instants_of_each_algorithm() {
    let instants = |rule: crate::every::Rule, start: u64| -> Vec<u64> {
        let world = World::new(start);
        let limiter = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
        stand_in_line(&world, &limiter, 35, 1).into_iter().map(|(_, at)| at - start).collect()
    };
    let start = 7 * SECOND + 400 * MILLI;
    let by_tens = |first: u64| -> Vec<u64> {
        (0..35).map(|turn| if turn < 10 { 0 } else { first + (turn / 10 - 1) * SECOND }).collect()
    };
    assert_eq!(instants(GCRA, start), (0..35u64).map(|turn| turn.saturating_sub(9) * 100 * MILLI).collect::<Vec<_>>());
    assert_eq!(instants(FIXED, start), by_tens(600 * MILLI));
    assert_eq!(instants(INTERVAL, start), by_tens(600 * MILLI));
    assert_eq!(instants(LOG, start), by_tens(SECOND));
    // Ten of the last window weigh 10 * (1 - e): one more for each tenth of a second.
    let sliding = instants(SLIDING, start);
    assert_eq!(sliding[..20], [vec![0; 10], (1..=10).map(|n| (600 + n * 100) * MILLI).collect()].concat());
}

/// Who takes without waiting does not pass those who wait.
#[test]
fn nobody_passes_the_line() {
    for rule in EVERY {
        let world = World::new(SECOND);
        let limiter = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
        assert!(limiter.try_acquire(10));
        let waiting = limiter.reserve(10, Duration::MAX).unwrap();
        while world.now() < waiting.at_nanos() {
            assert!(!limiter.try_acquire(1), "{} at {}", rule.name, world.now());
            world.clock.advance(Duration::from_millis(30));
        }
        assert!(!limiter.try_acquire(1), "{}: the whole capacity was booked", rule.name);
    }
}

/// Different costs in one line: a small one does not slip in before a large one.
#[test]
fn the_large_are_not_passed_by_the_small() {
    for rule in EVERY {
        let world = World::new(SECOND);
        let limiter = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
        assert!(limiter.try_acquire(8));
        let went = Mutex::new(Vec::new());
        let finished = world.run([10, 1, 5, 2].map(|cost| {
            let (went, sleep, limiter) = (&went, world.sleep(), &limiter);
            Box::pin(async move {
                limiter.acquire_async(cost, Duration::MAX, sleep).await.expect("fits");
                went.lock().unwrap().push(cost);
            }) as _
        }));
        assert_eq!(finished, 4);
        assert_eq!(went.into_inner().unwrap(), [10, 1, 5, 2], "{}", rule.name);
    }
}
