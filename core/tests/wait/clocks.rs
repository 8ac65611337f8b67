//! Sleeps that end early or late, clocks that step, wakes for no reason.

use std::future::ready;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

use tidegate::{Clock, Limiter, Quota, Refusal};

use crate::every::{EVERY, GCRA};
use crate::world::{World, poll_once};
use crate::{MILLI, SECOND};

fn one_a_second(world: &World) -> Limiter {
    let limiter = world.limiter(GCRA.builder(Quota::per_second(1).unwrap()));
    assert!(limiter.try_acquire(1));
    limiter
}

/// A sleep that ends after nine tenths: the rest is slept, and nobody goes early.
#[test]
fn an_early_sleep_is_slept_again() {
    let world = World::new(0);
    let limiter = one_a_second(&world);
    let sleep = world.sleep();
    world.run([Box::pin(async {
        let short = |duration: Duration| sleep(duration - duration / 10);
        limiter.acquire_async(1, Duration::MAX, short).await.unwrap();
        assert_eq!(world.now(), SECOND);
    }) as _]);
    let slept = world.slept();
    assert_eq!(slept[..3], [900 * MILLI, 90 * MILLI, 9 * MILLI]);
    assert_eq!(slept.iter().sum::<u64>(), SECOND);
}

/// A sleep that ends late makes him late, and nobody else.
#[test]
fn a_late_sleep_delays_only_the_sleeper() {
    let world = World::new(0);
    let limiter = one_a_second(&world);
    let sleep = world.sleep();
    let late = |duration: Duration| sleep(duration + Duration::from_millis(1_500));
    let went = AtomicU64::new(0);
    world.run([
        Box::pin(async {
            limiter.acquire_async(1, Duration::MAX, late).await.unwrap();
            assert_eq!(world.now(), 2_500 * MILLI);
        }) as _,
        Box::pin(async {
            limiter.acquire_async(1, Duration::MAX, world.sleep()).await.unwrap();
            went.store(world.now(), Relaxed);
        }) as _,
    ]);
    assert_eq!(went.into_inner(), 2 * SECOND);
}

/// A sleep that is ready at once is no sleep; the task yields in between, so that whatever moves the clock gets its turn.
#[test]
fn a_sleep_that_does_not_sleep_starves_nobody() {
    let world = World::new(0);
    let limiter = one_a_second(&world);
    let calls = AtomicU64::new(0);
    let finished = world.run([
        Box::pin(async {
            let never = |_| {
                calls.fetch_add(1, Relaxed);
                ready(())
            };
            limiter.acquire_async(1, Duration::MAX, never).await.unwrap();
            assert_eq!(world.now(), SECOND);
        }) as _,
        Box::pin(async {
            for _ in 0..10 {
                world.clock.advance(Duration::from_millis(100));
                smol::future::yield_now().await;
            }
        }) as _,
    ]);
    assert_eq!(finished, 2);
    assert!((2..=11).contains(&calls.load(Relaxed)), "{calls:?}");
}

#[test]
fn wakes_for_no_reason_change_nothing() {
    let world = World::new(0);
    let limiter = one_a_second(&world);
    let mut future = pin!(limiter.acquire_async(1, Duration::MAX, world.sleep()));
    for _ in 0..1_000 {
        assert!(poll_once(future.as_mut()).is_pending());
    }
    assert_eq!(world.slept(), [SECOND]);
    assert_eq!(limiter.peek(1).retry_after_nanos(), Some(2 * SECOND), "he stands in line once");
    world.clock.advance(Duration::from_secs(1));
    assert!(poll_once(future.as_mut()).is_ready());
}

/// A clock set back by less than the timeout lengthens the wait; by more, the wait ends in a refusal and its place is given back.
#[test]
fn a_clock_set_back() {
    for rule in EVERY {
        for (back, goes) in [(2, true), (50, false)] {
            let world = World::new(100 * SECOND);
            let limiter = world.limiter(rule.builder(Quota::per_second(1).unwrap()));
            assert!(limiter.try_acquire(1));
            let before = limiter.peek(1);
            // The first sleep comes back to a clock that was set back; the next ones are as they should be.
            let naps = AtomicU64::new(0);
            let stepping = |duration: Duration| {
                let first = naps.fetch_add(1, Relaxed) == 0;
                world.clock.set(world.now() - if first { back * SECOND } else { 0 });
                world.clock.advance(if first { Duration::ZERO } else { duration });
                ready(())
            };
            let mut future = pin!(limiter.acquire_async(1, Duration::from_secs(5), stepping));
            let waited = loop {
                if let Poll::Ready(waited) = poll_once(future.as_mut()) {
                    break waited;
                }
            };
            if goes {
                assert!(waited.is_ok(), "{}", rule.name);
                assert!(world.now() > 100 * SECOND && naps.load(Relaxed) == 2, "{}", rule.name);
            } else {
                assert_eq!(waited.unwrap_err().refusal(), Refusal::WaitTooLong, "{}", rule.name);
                world.clock.set(100 * SECOND);
                assert_eq!(limiter.peek(1), before, "{}: nothing is charged", rule.name);
            }
        }
    }
}

/// A clock that runs ahead while he sleeps: he goes when he wakes, and the permits were his all along.
#[test]
fn a_clock_that_jumps_ahead() {
    for rule in EVERY {
        let world = World::new(SECOND);
        let limiter = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
        assert!(limiter.try_acquire(10));
        let mut future = Box::pin(limiter.acquire_async(10, Duration::MAX, world.sleep()));
        assert!(poll_once(future.as_mut()).is_pending());
        world.clock.set(u64::MAX);
        assert!(poll_once(future.as_mut()).is_ready(), "{}", rule.name);
    }
}

#[test]
fn the_sleep_of_a_clock_of_ones_own() {
    struct Half(AtomicU64);
    impl Clock for Half {
        fn now(&self) -> u64 {
            self.0.load(Relaxed)
        }
        fn sleep_until(&self, at: u64) {
            // Comes back early: half of the way, rounded up.
            let now = self.now();
            self.0.store(now + (at - now).div_ceil(2), Relaxed);
        }
    }
    let clock: &'static Half = Box::leak(Box::new(Half(AtomicU64::new(0))));
    let limiter = GCRA.builder(Quota::per_second(1).unwrap()).clock(clock).build().unwrap();
    assert!(limiter.try_acquire(1));
    limiter.acquire(1, Duration::from_secs(1)).unwrap();
    assert_eq!(clock.now(), SECOND);
    limiter.reserve(1, Duration::MAX).unwrap().wait();
    assert_eq!(clock.now(), 2 * SECOND);
}
