//! tokio, smol, and an executor written by hand; `Send`, `select!`, timeouts, no memory asked for.

use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use tidegate::{Algorithm, Limiter, Quota};

use crate::every::EVERY;
use crate::world::{World, poll_once, ready};
use crate::{MILLI, SECOND};

fn quick() -> Arc<Limiter> {
    let quota = Quota::per_second(1_000).unwrap().burst(1).unwrap();
    Arc::new(Limiter::new(Algorithm::Gcra, quota).unwrap())
}

/// The permits of a real line, spread over tasks, take at least their time. (How much more is the machine's business.)
fn at_least(started: std::time::Instant, permits: u32) {
    assert!(started.elapsed() >= Duration::from_micros(u64::from(permits - 1) * 1_000 - 500));
}

#[test]
fn tokio_tasks() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async {
        let (limiter, started) = (quick(), std::time::Instant::now());
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let limiter = limiter.clone();
                tokio::spawn(async move { limiter.acquire_async(1, Duration::from_secs(60), tokio::time::sleep).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        at_least(started, 10);
    });
}

#[test]
fn tokio_select_and_timeout_lose_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let limiter = Limiter::new(Algorithm::Gcra, Quota::per_hour(1).unwrap()).unwrap();
        assert!(limiter.try_acquire(1));
        let wait = limiter.peek(1).retry_after().unwrap();
        for _ in 0..3 {
            tokio::select! {
                biased;
                _ = limiter.acquire_async(1, Duration::MAX, tokio::time::sleep) => panic!("an hour is not over"),
                () = tokio::task::yield_now() => {}
            }
            let timed = limiter.acquire_async(1, Duration::MAX, tokio::time::sleep);
            assert!(tokio::time::timeout(Duration::from_nanos(1), timed).await.is_err());
        }
        // Nobody stands in line.
        assert!(limiter.peek(1).retry_after().unwrap() <= wait);
    });
}

#[test]
fn smol_tasks() {
    let (limiter, started) = (quick(), std::time::Instant::now());
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let limiter = limiter.clone();
            smol::spawn(async move { limiter.acquire_async(1, Duration::from_secs(60), smol::Timer::after).await })
        })
        .collect();
    smol::block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    at_least(started, 10);
}

#[cfg(feature = "tokio")]
#[test]
fn the_feature_tokio() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (limiter, started) = (quick(), std::time::Instant::now());
    runtime.block_on(async {
        for _ in 0..5 {
            limiter.acquire_tokio(1, Duration::from_secs(60)).await.unwrap();
        }
    });
    at_least(started, 5);
}

#[cfg(feature = "smol")]
#[test]
fn the_feature_smol() {
    let (limiter, started) = (quick(), std::time::Instant::now());
    smol::block_on(async {
        for _ in 0..5 {
            limiter.acquire_smol(1, Duration::from_secs(60)).await.unwrap();
        }
    });
    at_least(started, 5);
}

/// A sleep for the ages is legal for every timer.
#[test]
fn waits_of_centuries() {
    let limiter = Limiter::new(Algorithm::Gcra, Quota::from_nanos(1, 1 << 61).unwrap()).unwrap();
    assert!(limiter.try_acquire(1));
    let wait = limiter.peek(1).retry_after().unwrap();
    assert!(wait > Duration::from_secs(70 * 365 * 86_400));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let timed = limiter.acquire_async(1, Duration::MAX, tokio::time::sleep);
        assert!(tokio::time::timeout(Duration::from_millis(1), timed).await.is_err());
    });
    let mut future = Box::pin(limiter.acquire_async(1, Duration::MAX, smol::Timer::after));
    assert!(poll_once(future.as_mut()).is_pending());
    drop(future);
    assert!(limiter.peek(1).retry_after().unwrap() <= wait);
}

#[test]
fn futures_are_send_if_the_sleep_is() {
    fn sendable(_: &impl Send) {}
    let limiter = quick();
    let future = limiter.acquire_async(1, Duration::MAX, tokio::time::sleep);
    sendable(&future);
    let reservation = limiter.reserve(1, Duration::MAX).unwrap();
    sendable(&reservation);
    sendable(&reservation.wait_async(smol::Timer::after));
}

/// The wait itself asks for no memory: not to join, not to sleep, not to leave, not to go.
#[test]
fn waiting_allocates_nothing() {
    struct Nothing;
    impl Future for Nothing {
        type Output = ();
        fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<()> {
            std::task::Poll::Pending
        }
    }
    for rule in EVERY {
        let world = World::new(SECOND);
        let limiter = world.limiter(rule.builder(Quota::per_second(10).unwrap()));
        let counted = measure(|| {
            for _ in 0..5 {
                assert!(ready(limiter.acquire_async(2, Duration::ZERO, |_| Nothing)).is_ok());
            }
            for _ in 0..3 {
                let mut future = std::pin::pin!(limiter.acquire_async(1, Duration::MAX, |_| Nothing));
                assert!(poll_once(future.as_mut()).is_pending());
            }
            assert!(limiter.acquire(1, Duration::from_nanos(MILLI / 1_000)).is_err());
        });
        assert_eq!(counted.count_total, 0, "{}", rule.name);
    }
}
