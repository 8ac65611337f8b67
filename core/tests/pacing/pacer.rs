//! Released at the rate, in order, nothing lost: consumers that come, wait, leave and panic.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use tidegate::Priority::{High, Low, Normal};
use tidegate::{Algorithm, Clock, Limiter, ManualClock, Pacer, Priority, PriorityQueue, PushError, Quota, TryNext};

use crate::world::{World, poll_once, ready};
use crate::{MILLI, SECOND};

fn ten_a_second(world: &World) -> Limiter {
    world.limiter(Limiter::builder(Algorithm::Gcra, Quota::per_second(10).unwrap().burst(1).unwrap()))
}

/// A waker that counts its calls.
fn counting() -> (Waker, Arc<AtomicUsize>) {
    struct Count(Arc<AtomicUsize>);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }
    let woken = Arc::new(AtomicUsize::new(0));
    (Waker::from(Arc::new(Count(woken.clone()))), woken)
}

#[test]
fn a_thousand_in_order_at_the_rate() {
    let world = World::new(0);
    let pacer = Pacer::new(ten_a_second(&world), 1_000);
    for n in 0..1_000u64 {
        pacer.push(Normal, n).unwrap();
    }
    pacer.close();
    let mut sent = Vec::new();
    world.run([Box::pin(async {
        while let Some(n) = pacer.next_async(world.sleep()).await.unwrap() {
            sent.push((n, world.now()));
        }
    }) as _]);
    assert_eq!(sent, (0..1_000).map(|n| (n, n * 100 * MILLI)).collect::<Vec<_>>());
    assert_eq!(world.slept().len(), 999, "one sleep for each that had to wait");
}

/// What comes late and is urgent goes at the next instant, before those who wait.
#[test]
fn the_urgent_pass_those_who_wait() {
    let world = World::new(0);
    let pacer = Pacer::new(ten_a_second(&world), 100);
    for n in 0..5 {
        pacer.push(Low, n).unwrap();
    }
    let sent = Mutex::new(Vec::new());
    world.run([
        Box::pin(async {
            while let Some(n) = pacer.next_async(world.sleep()).await.unwrap() {
                sent.lock().unwrap().push((n, world.now()));
            }
        }) as _,
        Box::pin(async {
            // In the middle of the wait for the second permit, which had been booked for anyone.
            world.sleep()(Duration::from_millis(50)).await;
            pacer.push(High, 100).unwrap();
            pacer.push(Normal, 101).unwrap();
            pacer.close();
        }) as _,
    ]);
    let sent: Vec<(i32, u64)> = sent.into_inner().unwrap();
    let order: Vec<i32> = sent.iter().map(|&(n, _)| n).collect();
    assert_eq!(order, [0, 100, 101, 1, 2, 3, 4]);
    assert!(sent.iter().enumerate().all(|(turn, &(_, at))| at == turn as u64 * 100 * MILLI));
}

/// Many consumers: each instant is used once, and nothing is handed out twice.
#[test]
fn many_consumers_share_the_rate() {
    let world = World::new(0);
    let pacer = Pacer::new(ten_a_second(&world), 1_000);
    let sent = Mutex::new(Vec::new());
    let consumers = (0..7).map(|_| {
        let (pacer, sent, world) = (&pacer, &sent, &world);
        Box::pin(async move {
            while let Some(n) = pacer.next_async(world.sleep()).await.unwrap() {
                sent.lock().unwrap().push((n, world.now()));
            }
        }) as std::pin::Pin<Box<dyn Future<Output = ()> + Send>>
    });
    let producer = Box::pin(async {
        for n in 0..200u64 {
            pacer.push(Normal, n).unwrap();
            world.sleep()(Duration::from_millis(n % 250)).await;
        }
        pacer.close();
    }) as _;
    assert_eq!(world.run(consumers.chain([producer])), 8, "all are told that it is over");
    let sent = sent.into_inner().unwrap();
    assert_eq!(sent.iter().map(|&(n, _)| n).collect::<Vec<_>>(), (0..200).collect::<Vec<_>>());
    assert!(sent.windows(2).all(|two| two[1].1 >= two[0].1 + 100 * MILLI));
}

/// A consumer that is dropped while it waits for an item, or for its permit, leaves everything as it was.
#[test]
fn a_dropped_consumer_loses_nothing() {
    let world = World::new(0);
    let limiter = Arc::new(ten_a_second(&world));
    let pacer = Pacer::new(limiter.clone(), 10);
    let idle = Box::pin(pacer.next_async(world.sleep()));
    let mut waiting = Box::pin(pacer.next_async(world.sleep()));
    let mut idle_too = Box::pin(pacer.next_async(world.sleep()));
    drop(idle);
    assert!(poll_once(waiting.as_mut()).is_pending());
    assert!(poll_once(idle_too.as_mut()).is_pending());
    pacer.push(Normal, 1).unwrap();
    assert_eq!(poll_once(waiting.as_mut()), Poll::Ready(Ok(Some(1))));
    pacer.push(Normal, 2).unwrap();
    let before = limiter.peek(1);
    // Waits for its permit, and leaves.
    assert!(poll_once(idle_too.as_mut()).is_pending());
    assert_ne!(limiter.peek(1), before);
    drop(idle_too);
    assert_eq!(limiter.peek(1), before, "its permit is given back");
    assert_eq!(pacer.len(), 1);
    world.clock.advance(Duration::from_millis(100));
    assert_eq!(pacer.try_next(), TryNext::Item(2));
}

/// Who was woken for an item and is dropped before he looks, passes the call on.
#[test]
fn a_call_is_passed_on() {
    let world = World::new(0);
    let pacer = Pacer::new(ten_a_second(&world), 10);
    let (waker, woken) = counting();
    let mut cx = Context::from_waker(&waker);
    let mut line: Vec<_> = (0..4).map(|_| Box::pin(pacer.next_async(world.sleep()))).collect();
    for consumer in &mut line {
        assert!(consumer.as_mut().poll(&mut cx).is_pending());
    }
    pacer.push(High, 1).unwrap();
    for woken_so_far in 1..=3 {
        assert_eq!(woken.load(Relaxed), woken_so_far);
        drop(line.remove(0));
    }
    assert_eq!(woken.load(Relaxed), 4);
    assert_eq!(line[0].as_mut().poll(&mut cx), Poll::Ready(Ok(Some(1))));
}

/// Who finds an item without having been called is called no more in vain, so that the call reaches who waits.
#[test]
fn a_call_is_not_wasted_on_who_has_gone() {
    let world = World::new(0);
    let pacer = Pacer::new(ten_a_second(&world), 10);
    let mut line: Vec<_> = (0..2).map(|_| Box::pin(pacer.next_async(world.sleep()))).collect();
    for consumer in &mut line {
        assert!(poll_once(consumer.as_mut()).is_pending());
    }
    pacer.push(Normal, 1).unwrap();
    assert_eq!(poll_once(line[1].as_mut()), Poll::Ready(Ok(Some(1))), "the other one was called");
    drop(line);
    let (waker, woken) = counting();
    let mut waiting = Box::pin(pacer.next_async(world.sleep()));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    pacer.push(Normal, 2).unwrap();
    assert_eq!(woken.load(Relaxed), 1);
}

/// Polled, dropped and made anew without end, a consumer leaves nothing behind.
#[test]
fn a_select_in_a_loop_leaves_nothing_behind() {
    let world = World::new(0);
    let pacer = Pacer::<u8>::new(ten_a_second(&world), 10);
    let counted = allocation_counter::measure(|| {
        for _ in 0..1_000 {
            let mut next = pin!(pacer.next_async(world.sleep()));
            assert!(poll_once(next.as_mut()).is_pending());
        }
    });
    assert!(counted.bytes_max < 1_000, "{counted:?}");
}

/// A sleep that panics: the item stays, the permit is given back, others go on.
#[test]
fn a_consumer_that_panics() {
    let world = World::new(0);
    let limiter = Arc::new(ten_a_second(&world));
    let pacer = Pacer::new(limiter.clone(), 10);
    pacer.push(Normal, 1).unwrap();
    pacer.push(Normal, 2).unwrap();
    assert_eq!(ready(pacer.next_async(world.sleep())), Ok(Some(1)));
    let before = limiter.peek(1);
    let mut broken = Box::pin(pacer.next_async(|_| -> std::future::Ready<()> { panic!("no sleep") }));
    assert!(catch_unwind(AssertUnwindSafe(|| poll_once(broken.as_mut()))).is_err());
    assert_eq!(limiter.peek(1), before);
    world.run([Box::pin(async {
        assert_eq!(pacer.next_async(world.sleep()).await, Ok(Some(2)));
    }) as _]);
    assert_eq!(world.now(), 100 * MILLI);
}

#[test]
fn closing_drains_at_the_rate_and_then_says_so() {
    let world = World::new(0);
    let pacer = Pacer::new(ten_a_second(&world), 10);
    pacer.push(Normal, 1).unwrap();
    pacer.push(Normal, 2).unwrap();
    pacer.close();
    pacer.close();
    assert!(pacer.is_closed());
    assert_eq!(pacer.push(Normal, 3), Err(PushError::Closed(3)));
    assert_eq!(pacer.try_next(), TryNext::Item(1));
    assert_eq!(pacer.try_next(), TryNext::Wait(Duration::from_millis(100)));
    world.clock.advance(Duration::from_millis(100));
    assert_eq!(pacer.try_next(), TryNext::Item(2));
    assert_eq!(pacer.try_next(), TryNext::Closed);
    assert_eq!(ready(pacer.next_async(world.sleep())), Ok(None));
    assert_eq!(pacer.next(), Ok(None));
}

/// One consumer has claimed the last item when it is closed; if he leaves, another must still get it.
#[test]
fn the_last_item_is_not_stranded() {
    let world = World::new(0);
    let limiter = Arc::new(ten_a_second(&world));
    let pacer = Pacer::new(limiter.clone(), 10);
    assert!(limiter.try_acquire(1));
    pacer.push(Normal, 1).unwrap();
    let mut claims = Box::pin(pacer.next_async(world.sleep()));
    let mut behind = Box::pin(pacer.next_async(world.sleep()));
    assert!(poll_once(claims.as_mut()).is_pending());
    pacer.close();
    assert!(poll_once(behind.as_mut()).is_pending(), "it is not over yet");
    assert_eq!(pacer.try_next(), TryNext::Empty);
    drop(claims);
    world.clock.advance(Duration::from_millis(100));
    assert_eq!(poll_once(behind.as_mut()), Poll::Ready(Ok(Some(1))));
    assert_eq!(pacer.try_next(), TryNext::Closed);
}

/// Drained under those who sleep for a permit: they find nothing, give back, and wait for the next item.
#[test]
fn drained_under_sleepers() {
    let world = World::new(0);
    let limiter = Arc::new(ten_a_second(&world));
    let pacer = Pacer::new(limiter.clone(), 10);
    assert!(limiter.try_acquire(1));
    pacer.push(Low, 1).unwrap();
    pacer.push(High, 2).unwrap();
    let mut sleeper = Box::pin(pacer.next_async(world.sleep()));
    assert!(poll_once(sleeper.as_mut()).is_pending());
    assert_eq!(pacer.drain(), [2, 1]);
    world.clock.advance(Duration::from_millis(100));
    assert!(poll_once(sleeper.as_mut()).is_pending());
    assert!(limiter.peek(1).is_allowed(), "his permit is there again");
    pacer.push(Normal, 3).unwrap();
    assert_eq!(poll_once(sleeper.as_mut()), Poll::Ready(Ok(Some(3))));
}

#[test]
fn others_use_the_limiter_too() {
    let world = World::new(0);
    let limiter = Arc::new(ten_a_second(&world));
    let pacer = Pacer::new(limiter.clone(), 10);
    pacer.push(Normal, 1).unwrap();
    assert!(limiter.try_acquire(1));
    world.run([Box::pin(async {
        assert_eq!(pacer.next_async(world.sleep()).await, Ok(Some(1)));
        assert_eq!(world.now(), 100 * MILLI);
    }) as _]);
    assert!(!limiter.try_acquire(1));
}

/// Threads: producers and blocking consumers; every item once, each instant once.
#[test]
fn threads_lose_nothing_and_double_nothing() {
    const ITEMS: usize = 2_000;
    let clock = Arc::new(ManualClock::auto_advancing(0));
    let quota = Quota::per_second(1_000).unwrap().burst(1).unwrap();
    let limiter = Limiter::builder(Algorithm::Gcra, quota).shared_clock(clock.clone()).build().unwrap();
    let pacer = Pacer::of_queue(limiter, PriorityQueue::new(20).patience(3, 5));
    let sent = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let producers: Vec<_> = (0..2)
            .map(|producer| {
                let pacer = &pacer;
                scope.spawn(move || {
                    for n in 0..ITEMS / 2 {
                        let mut item = producer * ITEMS / 2 + n;
                        while let Err(full) = pacer.push(Priority::ALL[item % 3], item) {
                            item = full.into_inner();
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(item) = pacer.next().unwrap() {
                    sent.lock().unwrap().push(item);
                }
            });
        }
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        pacer.close();
    });
    let sent = sent.into_inner().unwrap();
    assert_eq!(sent.len(), ITEMS);
    assert_eq!(sent.iter().collect::<BTreeSet<_>>().len(), ITEMS);
    assert!(clock.now() >= (ITEMS as u64 - 1) * MILLI);
}

/// A thread that waits for an item is let go by an item, and by the end.
#[test]
fn idle_threads_are_woken() {
    let clock = Arc::new(ManualClock::auto_advancing(SECOND));
    let limiter =
        Limiter::builder(Algorithm::Gcra, Quota::per_second(10).unwrap()).shared_clock(clock).build().unwrap();
    let pacer = Pacer::new(limiter, 10);
    let got = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while pacer.next().unwrap().is_some() {
                    got.fetch_add(1, Relaxed);
                }
            });
        }
        for n in 0..3 {
            pacer.push(Normal, n).unwrap();
            while got.load(Relaxed) <= n {
                thread::yield_now();
            }
        }
        pacer.close();
    });
    assert_eq!(got.into_inner(), 3);
}

/// The end of the clock is an error, and the item stays.
#[test]
fn at_the_end_of_the_clock() {
    let world = World::new(u64::MAX);
    let pacer = Pacer::new(ten_a_second(&world), 10);
    pacer.push(Normal, 1).unwrap();
    pacer.push(Normal, 2).unwrap();
    assert_eq!(pacer.try_next(), TryNext::Item(1));
    assert_eq!(pacer.try_next(), TryNext::Wait(Duration::from_nanos(u64::MAX)));
    assert!(pacer.next().is_err());
    assert!(ready(pacer.next_async(world.sleep())).is_err());
    assert_eq!(pacer.drain(), [2]);
    assert_eq!(world.clock.now(), u64::MAX);
}

/// What a producer or consumer does in its waker or its item's drop may come back to the pacer.
#[test]
fn an_item_that_comes_back_when_it_is_dropped() {
    struct Again(Arc<Pacer<Again>>, AtomicUsize);
    impl Drop for Again {
        fn drop(&mut self) {
            let left = self.1.load(Relaxed);
            if left > 0 {
                let _ = self.0.push(Low, Again(self.0.clone(), AtomicUsize::new(left - 1)));
            }
        }
    }
    let world = World::new(0);
    let pacer = Arc::new(Pacer::new(ten_a_second(&world), 1));
    assert!(pacer.push(Low, Again(pacer.clone(), AtomicUsize::new(3))).is_ok());
    // Full: comes back, is dropped, and comes back to a full line until it has had enough.
    assert!(pacer.push(Low, Again(pacer.clone(), AtomicUsize::new(3))).is_err());
    for _ in 0..4 {
        assert!(matches!(pacer.try_next(), TryNext::Item(_)));
        world.clock.advance(Duration::from_millis(100));
    }
    assert!(matches!(pacer.try_next(), TryNext::Empty));
}
