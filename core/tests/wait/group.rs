//! One line for several limits at once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::{
    Algorithm, Group, KeyedLimiter, KeyedLimiterGroup, KeyedMember, Limiter, LimiterGroup, Member, Pacer, Priority,
    PriorityQueue, Quota, Refusal,
};

use crate::every::{EVERY, GCRA, LOG};
use crate::world::{World, poll_once};
use crate::{MILLI, SECOND};

/// Ten at once and ten a second, and twenty-five in three seconds, under each rule.
fn two_limits(world: &World, rule: crate::every::Rule) -> LimiterGroup {
    let second = world.limiter(GCRA.builder(Quota::per_second(10).unwrap()));
    let three = world.limiter(rule.builder(Quota::from_nanos(25, 3 * SECOND).unwrap()));
    LimiterGroup::new([("second", second), ("three", three)]).unwrap()
}

#[test]
fn in_order_one_sleep_each_within_both_limits() {
    for rule in EVERY {
        let world = World::new(30 * SECOND);
        let group = two_limits(&world, rule);
        let alone = two_limits(&world, rule);
        let went = Mutex::new(Vec::new());
        let finished = world.run((0..60).map(|waiter| {
            let (went, group, world) = (&went, &group, &world);
            Box::pin(async move {
                group.acquire_async(1, Duration::MAX, world.sleep()).await.unwrap();
                went.lock().unwrap().push((waiter, world.now()));
            }) as _
        }));
        assert_eq!(finished, 60);
        let went = went.into_inner().unwrap();
        assert!(went.iter().map(|&(waiter, _)| waiter).eq(0..60), "{}", rule.name);
        assert!(world.slept().len() <= 50, "{}", rule.name);
        for &(waiter, at) in &went {
            assert!(alone.take_at(at, 1).is_allowed(), "{}: {waiter} at {at}", rule.name);
        }
    }
}

#[test]
fn refused_at_once_and_nothing_changed() {
    for rule in EVERY {
        let world = World::new(30 * SECOND);
        let group = two_limits(&world, rule);
        assert!(group.try_acquire(10));
        let wait = group.peek(1).retry_after().unwrap();
        let refused = group.acquire(1, wait - Duration::from_nanos(1)).unwrap_err();
        assert_eq!(refused.refusal(), Refusal::WaitTooLong);
        assert_eq!((refused.decision().limit(), refused.decision().retry_after()), (10, Some(wait)));
        assert_eq!(group.acquire(11, Duration::MAX).unwrap_err().refusal(), Refusal::Never);
        assert_eq!(group.peek(1).retry_after(), Some(wait), "{}", rule.name);
    }
}

/// The last in line leaves no trace in the words; the log keeps its time, as its `cancel` says.
#[test]
fn leaving_gives_back_to_all() {
    for rule in EVERY.into_iter().filter(|&rule| rule != LOG) {
        let world = World::new(30 * SECOND);
        let group = two_limits(&world, rule);
        assert!(group.try_acquire(10));
        let before: Vec<_> = group.iter().map(|(_, member)| member.peek(2)).collect();
        for polls in 0..3 {
            let mut future = Box::pin(group.acquire_async(2, Duration::MAX, world.sleep()));
            for _ in 0..polls {
                assert!(poll_once(future.as_mut()).is_pending());
            }
            drop(future);
            let after: Vec<_> = group.iter().map(|(_, member)| member.peek(2)).collect();
            assert_eq!(before, after, "{}: {polls} polls", rule.name);
        }
        let mut waiting = Box::pin(group.reserve(2, Duration::MAX).unwrap().wait_async(world.sleep()));
        assert!(poll_once(waiting.as_mut()).is_pending());
        drop(waiting);
        let after: Vec<_> = group.iter().map(|(_, member)| member.peek(2)).collect();
        assert_eq!(before, after, "{}", rule.name);
    }
}

#[test]
fn a_group_chosen_for_a_call() {
    let world = World::new(SECOND);
    let all = world.limiter(GCRA.builder(Quota::per_second(100).unwrap()));
    let users: KeyedLimiter<str> = KeyedLimiter::builder(Algorithm::Gcra, Quota::per_second(1).unwrap())
        .max_keys(10)
        .shared_clock(world.clock.clone())
        .build()
        .unwrap();
    let members = [Member::limiter("all", &all, 5), Member::key("user", users.key("alice"), 1)];
    let group = Group::new(&members).unwrap();
    assert_eq!(group.acquire(Duration::ZERO).unwrap(), Duration::ZERO);
    assert_eq!(group.acquire(Duration::from_millis(999)).unwrap_err().refusal(), Refusal::WaitTooLong);
    world.run([Box::pin(async {
        assert_eq!(group.acquire_async(Duration::MAX, world.sleep()).await.unwrap(), Duration::from_secs(1));
    }) as _]);
    assert_eq!(world.slept(), [SECOND]);
}

#[test]
fn keys_with_several_limits_each() {
    let world = World::new(SECOND);
    let keyed = |limit, period| {
        let quota = Quota::from_nanos(limit, period).unwrap();
        let builder = KeyedLimiter::<str>::builder(Algorithm::Gcra, quota).max_keys(10);
        KeyedMember::from(builder.shared_clock(world.clock.clone()).build().unwrap())
    };
    let group = KeyedLimiterGroup::new([("second", keyed(2, SECOND)), ("ten", keyed(5, 10 * SECOND))]).unwrap();
    let went = Mutex::new(Vec::new());
    world.run((0..12).map(|waiter| {
        let (went, group, world) = (&went, &group, &world);
        Box::pin(async move {
            group.acquire_async(["a", "b"][waiter % 2], 1, Duration::MAX, world.sleep()).await.unwrap();
            went.lock().unwrap().push((waiter % 2, world.now() - SECOND));
        }) as _
    }));
    let times = |key| {
        let went = went.lock().unwrap();
        went.iter().filter(|&&(of, _)| of == key).map(|&(_, at)| at).collect::<Vec<_>>()
    };
    assert_eq!(times(0), [0, 0, 500 * MILLI, SECOND, 1_500 * MILLI, 2 * SECOND]);
    assert_eq!(times(0), times(1));
}

#[test]
fn leaving_gives_back_to_the_key() {
    let world = World::new(SECOND);
    let quota = Quota::per_second(2).unwrap();
    let keyed = KeyedLimiter::<str>::builder(Algorithm::Gcra, quota).max_keys(10).shared_clock(world.clock.clone());
    let group = KeyedLimiterGroup::new([("second", KeyedMember::from(keyed.build().unwrap()))]).unwrap();
    assert!(group.try_acquire("a", 2));
    let before = group.peek("a", 1).retry_after();
    let mut future = Box::pin(group.acquire_async("a", 1, Duration::MAX, world.sleep()));
    assert!(poll_once(future.as_mut()).is_pending());
    assert_ne!(group.peek("a", 1).retry_after(), before);
    drop(future);
    assert_eq!(group.peek("a", 1).retry_after(), before);
}

/// A pacer of a group: a thousand sends at ten a second and a thousand an hour, and those that find the hour used up.
#[test]
fn a_pacer_of_a_group() {
    let world = World::new(SECOND);
    let log = |quota| world.limiter(LOG.builder(quota));
    let second = Arc::new(log(Quota::per_second(10).unwrap()));
    let hour = Arc::new(log(Quota::per_hour(1_000).unwrap()));
    let group = LimiterGroup::new([("second", second), ("hour", hour)]).unwrap();
    let pacer = Pacer::of_group(group, PriorityQueue::new(2_000));
    for n in 0..1_020u64 {
        pacer.push(Priority::Normal, n).unwrap();
    }
    pacer.close();
    let sent = Mutex::new(Vec::new());
    world.run((0..3).map(|_| {
        let (sent, pacer, world) = (&sent, &pacer, &world);
        Box::pin(async move {
            while let Some(n) = pacer.next_async(world.sleep()).await.unwrap() {
                sent.lock().unwrap().push((n, world.now() - SECOND));
            }
        }) as _
    }));
    let expected =
        (0..1_020).map(|n| (n, if n < 1_000 { n / 10 * SECOND } else { 3_600 * SECOND + (n - 1_000) / 10 * SECOND }));
    assert_eq!(sent.into_inner().unwrap(), expected.collect::<Vec<_>>());
}

#[test]
fn futures_of_groups_are_send() {
    fn sendable(_: &impl Send) {}
    let world = World::new(SECOND);
    let group = two_limits(&world, GCRA);
    sendable(&group.acquire_async(1, Duration::MAX, world.sleep()));
    let pacer = Pacer::<u8>::new(Limiter::new(Algorithm::Gcra, Quota::per_second(1).unwrap()).unwrap(), 1);
    sendable(&pacer.next_async(world.sleep()));
}
