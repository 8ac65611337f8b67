//! Who leaves the line: dropped futures at every point, panics, and those around them.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tidegate::{Algorithm, Limiter, Quota};

use crate::every::{EVERY, GCRA};
use crate::world::{World, poll_once};
use crate::{MILLI, SECOND};

/// A future that was never polled has not joined the line.
#[test]
fn joins_at_the_first_poll() {
    let world = World::new(SECOND);
    let limiter = world.limiter(GCRA.builder(Quota::per_second(1).unwrap()));
    let early = limiter.acquire_async(1, Duration::MAX, world.sleep());
    world.clock.advance(Duration::from_secs(5));
    assert!(limiter.try_acquire(1));
    let mut early = pin!(early);
    assert!(poll_once(early.as_mut()).is_pending());
    assert_eq!(world.slept(), [SECOND], "the timeout and the wait count from the first poll");
}

/// The last in line leaves no trace, whether he leaves before, while or after he could have gone.
#[test]
fn the_last_in_line_leaves_no_trace() {
    for rule in EVERY {
        for cost in [1, 4, 10] {
            let world = World::new(SECOND);
            let limiter = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
            assert!(limiter.try_acquire(10));
            let before = limiter.peek(cost);
            for polls in 0..3 {
                let mut future = Box::pin(limiter.acquire_async(cost, Duration::MAX, world.sleep()));
                for _ in 0..polls {
                    assert!(poll_once(future.as_mut()).is_pending());
                }
                drop(future);
                assert_eq!(limiter.peek(cost), before, "{}: cost {cost}, {polls} polls", rule.name);
            }
            // He does not come when his time has come.
            let other = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
            assert!(other.try_acquire(10));
            let mut future = Box::pin(limiter.acquire_async(cost, Duration::MAX, world.sleep()));
            assert!(poll_once(future.as_mut()).is_pending());
            world.clock.advance(Duration::from_secs(30));
            drop(future);
            assert_eq!(limiter.take(10).is_allowed(), other.take(10).is_allowed(), "{}", rule.name);
        }
    }
}

/// Who leaves late gives back at that time: not what has been earned back meanwhile, which others may have used.
#[test]
fn leaving_late_gives_back_what_is_left() {
    let world = World::new(0);
    let limiter = world.limiter(GCRA.builder(Quota::per_second(10).unwrap()));
    assert!(limiter.try_acquire(10));
    let mut future = Box::pin(limiter.acquire_async(5, Duration::MAX, world.sleep()));
    assert!(poll_once(future.as_mut()).is_pending());
    // His five permits are owed until 1.5 s; of them three are left when he leaves at 1.2 s. Somebody has taken three since.
    world.clock.set(1_200 * MILLI);
    assert!(limiter.try_acquire(3));
    drop(future);
    assert_eq!(limiter.peek(1).remaining(), 7);
}

/// Who has gone ahead has used his permits: dropping what is left of him gives nothing back.
#[test]
fn who_has_gone_gives_nothing_back() {
    for rule in EVERY {
        let world = World::new(SECOND);
        let limiter = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
        let mut future = Box::pin(limiter.acquire_async(10, Duration::MAX, world.sleep()));
        assert!(poll_once(future.as_mut()).is_ready());
        drop(future);
        assert!(!limiter.try_acquire(1), "{}", rule.name);
    }
}

/// In the middle of a line: those behind keep their instants, and no span lets more through than the limit.
#[test]
fn leaving_the_middle_harms_nobody() {
    for rule in EVERY {
        for leaver in 0..20 {
            let world = World::new(SECOND);
            let limiter = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
            assert!(limiter.try_acquire(10));
            let mut went = vec![SECOND; 10];
            let mut line: Vec<_> = (0..20).map(|_| Some(limiter.reserve(1, Duration::MAX).unwrap())).collect();
            line[leaver].take().unwrap().cancel();
            // Newcomers take what is free, whenever it is.
            let last = line.iter().flatten().map(|place| place.at_nanos()).max().unwrap();
            let mut waiting: Vec<u64> = line.iter().flatten().map(|place| place.at_nanos()).collect();
            while world.now() < last + 3 * SECOND {
                waiting.retain(|&at| {
                    let goes = at <= world.now();
                    if goes {
                        went.push(world.now());
                    }
                    !goes
                });
                while limiter.try_acquire(1) {
                    went.push(world.now());
                }
                world.clock.advance(Duration::from_millis(20));
            }
            let most = match rule.algorithm {
                Algorithm::SlidingLog => 10,
                // B + L * t / W, two windows, or two capacities.
                _ => 20,
            };
            for (n, &from) in went.iter().enumerate() {
                let within = went[n..].iter().take_while(|&&at| at < from + SECOND).count();
                assert!(within <= most, "{}: {within} in a second, {leaver} left", rule.name);
            }
        }
    }
}

/// A sleep that panics, when it is made or when it is polled, leaves the line in order.
#[test]
fn a_sleep_that_panics() {
    struct Panics;
    impl Future for Panics {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<()> {
            panic!("polled")
        }
    }
    for rule in EVERY {
        let world = World::new(SECOND);
        let limiter = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
        assert!(limiter.try_acquire(10));
        let before = limiter.peek(3);
        let made = |_: Duration| -> std::future::Ready<()> { panic!("made") };
        let polled = |_: Duration| Panics;
        let mut future = Box::pin(limiter.acquire_async(3, Duration::MAX, made));
        assert!(catch_unwind(AssertUnwindSafe(|| poll_once(future.as_mut()))).is_err());
        assert_eq!(limiter.peek(3), before, "{}: given back at once", rule.name);
        drop(future);
        let mut future = Box::pin(limiter.acquire_async(3, Duration::MAX, polled));
        assert!(catch_unwind(AssertUnwindSafe(|| poll_once(future.as_mut()))).is_err());
        drop(future);
        assert_eq!(limiter.peek(3), before, "{}", rule.name);
    }
}

/// Half of a long line leaves, from its end: the rest goes as if they had never come.
#[test]
fn a_line_that_shrinks() {
    let world = World::new(SECOND);
    let limiter = world.limiter(Limiter::builder(Algorithm::Gcra, Quota::per_second(1_000).unwrap().burst(1).unwrap()));
    let mut line: Vec<_> =
        (0..1_000).map(|_| Box::pin(limiter.acquire_async(1, Duration::MAX, world.sleep()))).collect();
    for place in &mut line {
        let _ = poll_once(place.as_mut());
    }
    while line.len() > 500 {
        line.pop();
    }
    assert_eq!(limiter.peek(1).retry_after_nanos(), Some(500 * MILLI));
}

mod reservations {
    use super::*;

    #[test]
    fn dropping_one_keeps_it_booked() {
        for rule in EVERY {
            let world = World::new(SECOND);
            let limiter = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
            drop(limiter.reserve(10, Duration::ZERO).unwrap());
            assert!(!limiter.try_acquire(1), "{}", rule.name);
        }
    }

    #[test]
    fn dropping_its_future_cancels_it() {
        for rule in EVERY {
            let world = World::new(SECOND);
            let limiter = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
            assert!(limiter.try_acquire(10));
            let before = limiter.peek(2);
            for polls in 0..3 {
                let mut future = Box::pin(limiter.reserve(2, Duration::MAX).unwrap().wait_async(world.sleep()));
                for _ in 0..polls {
                    assert!(poll_once(future.as_mut()).is_pending());
                }
                drop(future);
                assert_eq!(limiter.peek(2), before, "{}: {polls} polls", rule.name);
            }
        }
    }

    /// Time that passes before the future is polled is not slept again.
    #[test]
    fn wait_what_is_left() {
        let world = World::new(SECOND);
        let limiter = world.limiter(GCRA.builder(Quota::per_second(1).unwrap()));
        assert!(limiter.try_acquire(1));
        let future = limiter.reserve(1, Duration::MAX).unwrap().wait_async(world.sleep());
        world.clock.advance(Duration::from_millis(300));
        world.run([Box::pin(async {
            assert_eq!(future.await, Duration::from_secs(1), "counted from the call");
        }) as _]);
        assert_eq!(world.slept(), [700 * MILLI]);
        assert_eq!(world.now(), 2 * SECOND);
    }
}
