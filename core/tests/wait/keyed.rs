//! Each key has a line of its own.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use tidegate::{Algorithm, KeyedLimiter, Quota, Refusal, WhenFull};

use crate::every::{EVERY, Rule};
use crate::world::{World, poll_once};
use crate::{MILLI, SECOND};

fn keyed(world: &World, rule: &Rule, quota: Quota, keys: usize) -> KeyedLimiter<str> {
    let mut builder = KeyedLimiter::builder(rule.algorithm, quota).refill(rule.refill).max_keys(keys);
    if rule.first_use {
        builder = builder.anchor(tidegate::Anchor::FirstUse);
    }
    builder.shared_clock(world.clock.clone()).build().unwrap()
}

fn words() -> impl Iterator<Item = Rule> {
    EVERY.into_iter().filter(|rule| rule.algorithm != Algorithm::SlidingLog)
}

#[test]
fn keys_wait_apart_and_in_order() {
    for rule in words() {
        let world = World::new(SECOND);
        let keyed = keyed(&world, &rule, Quota::per_second(10).unwrap(), 100);
        let went = Mutex::new(BTreeMap::<&str, Vec<(usize, u64)>>::new());
        let finished = world.run((0..90).map(|waiter| {
            let (went, keyed, world, name) = (&went, &keyed, &world, ["a", "b", "c"][waiter % 3]);
            Box::pin(async move {
                keyed.acquire_async(&String::from(name), 1, Duration::MAX, world.sleep()).await.unwrap();
                went.lock().unwrap().entry(name).or_default().push((waiter, world.now()));
            }) as _
        }));
        assert_eq!(finished, 90);
        let went = went.into_inner().unwrap();
        assert!(went.values().all(|line| line.len() == 30 && line.is_sorted()), "{}", rule.name);
        let times = |name| went[name].iter().map(|&(_, at)| at).collect::<Vec<_>>();
        assert_eq!((times("a"), times("a")), (times("b"), times("c")), "{}", rule.name);
        assert!(world.slept().len() <= 60, "{}", rule.name);
    }
}

#[test]
fn leaving_leaves_no_trace() {
    for rule in words() {
        let world = World::new(SECOND);
        let keyed = keyed(&world, &rule, Quota::per_second(10).unwrap(), 100);
        let key = keyed.key("a");
        assert!(key.try_acquire(10));
        let before = key.peek(2);
        for _ in 0..3 {
            let mut future = Box::pin(key.acquire_async(2, Duration::MAX, world.sleep()));
            assert!(poll_once(future.as_mut()).is_pending());
            drop(future);
            assert_eq!(key.peek(2), before, "{}", rule.name);
        }
        let wait = before.retry_after().unwrap();
        assert_eq!(key.acquire(2, wait - Duration::from_nanos(1)).unwrap_err().refusal(), Refusal::WaitTooLong);
        assert_eq!(key.acquire(11, Duration::MAX).unwrap_err().refusal(), Refusal::Never);
        assert_eq!(key.peek(2), before, "{}", rule.name);
    }
}

#[test]
fn no_room_is_no_wait() {
    let world = World::new(SECOND);
    let quota = Quota::per_second(1_000).unwrap().burst(1).unwrap();
    let keyed: KeyedLimiter<u64> = KeyedLimiter::builder(Algorithm::Gcra, quota)
        .max_keys(1)
        .when_full(WhenFull::Refuse)
        .shared_clock(world.clock.clone())
        .build()
        .unwrap();
    assert!(keyed.try_acquire(&1, 1));
    assert_eq!(keyed.acquire(&2, 1, Duration::MAX).unwrap_err().refusal(), Refusal::NoRoom);
    world.clock.advance(Duration::from_nanos(MILLI));
    assert!(keyed.acquire(&2, 1, Duration::ZERO).is_ok());
}

#[test]
fn the_future_of_a_key_is_send_and_keeps_no_key() {
    fn sendable(_: &impl Send) {}
    let world = World::new(SECOND);
    let keyed = keyed(&world, &crate::every::GCRA, Quota::per_second(1).unwrap(), 10);
    let future = {
        let name = String::from("gone before the future is");
        keyed.acquire_async(&name, 1, Duration::ZERO, world.sleep())
    };
    sendable(&future);
    assert!(crate::world::ready(future).is_ok());
}
