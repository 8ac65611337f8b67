//! Blocking waits, on clocks that tests own.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use tidegate::{Algorithm, Clock, Limiter, ManualClock, MonotonicClock, Quota};

use crate::every::EVERY;
use crate::{MILLI, SECOND};

/// On a clock whose time passes in sleep, one thread can wait.
#[test]
fn one_thread_waits_through_a_day() {
    for rule in EVERY {
        let clock = Arc::new(ManualClock::auto_advancing(SECOND));
        let limiter = rule.builder(Quota::per_hour(10).unwrap()).shared_clock(clock.clone()).build().unwrap();
        let started = clock.now();
        for _ in 0..240 {
            assert!(limiter.acquire(1, Duration::from_secs(7_200)).is_ok(), "{}", rule.name);
        }
        let hours = (clock.now() - started) / (3_600 * SECOND);
        assert!((22..=26).contains(&hours), "{}: {hours} hours", rule.name);
    }
}

/// On a manual clock threads sleep until another moves it, in whatever steps, and none goes before its instant.
#[test]
fn threads_sleep_until_the_clock_is_moved() {
    let clock = Arc::new(ManualClock::new(0));
    let quota = Quota::per_second(1_000).unwrap().burst(1).unwrap();
    let limiter = Limiter::builder(Algorithm::Gcra, quota).shared_clock(clock.clone()).build().unwrap();
    let went = Mutex::new(Vec::new());
    let (joined, joins) = mpsc::channel();
    thread::scope(|scope| {
        for waiter in 0..20 {
            let reservation = limiter.reserve(1, Duration::MAX).unwrap();
            let (went, clock, joined) = (&went, &clock, joined.clone());
            scope.spawn(move || {
                let at = reservation.at_nanos();
                joined.send(()).unwrap();
                reservation.wait();
                assert!(clock.now() >= at);
                went.lock().unwrap().push(waiter);
            });
        }
        for _ in 0..20 {
            joins.recv().unwrap();
        }
        // One that is let through at a time: the order is that of the line, however the threads are scheduled.
        for turn in 0..20 {
            while went.lock().unwrap().len() <= turn {
                thread::yield_now();
            }
            assert_eq!(went.lock().unwrap().len(), turn + 1);
            clock.advance(Duration::from_nanos(MILLI - 1));
            clock.advance(Duration::from_nanos(1));
        }
    });
    assert_eq!(went.into_inner().unwrap(), (0..20).collect::<Vec<_>>());
}

/// Sleeping until what is past takes no time, and none back.
#[test]
fn sleep_never_turns_the_clock_back() {
    let clock = ManualClock::auto_advancing(SECOND);
    clock.sleep_until(MILLI);
    assert_eq!(clock.now(), SECOND);
    ManualClock::new(SECOND).sleep_until(SECOND);
}

/// The same through `acquire`, from many threads: every instant is used once.
#[test]
fn threads_acquire_each_its_own_instant() {
    let clock = Arc::new(ManualClock::auto_advancing(0));
    let quota = Quota::per_second(1_000).unwrap().burst(1).unwrap();
    let limiter = Limiter::builder(Algorithm::Gcra, quota).shared_clock(clock.clone()).build().unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..250 {
                    limiter.acquire(1, Duration::MAX).unwrap();
                }
            });
        }
    });
    // 1,000 permits, one a millisecond: not one was given twice, not one was lost.
    assert_eq!(clock.now(), 999 * MILLI);
}

/// A panic while a thread sleeps gives its place back.
#[test]
fn a_clock_that_panics_gives_back() {
    struct Breaks(ManualClock);
    impl Clock for Breaks {
        fn now(&self) -> u64 {
            self.0.now()
        }
        fn sleep_until(&self, _: u64) {
            panic!("no sleep here")
        }
    }
    for rule in EVERY {
        let clock = Arc::new(Breaks(ManualClock::new(SECOND)));
        let limiter = rule.builder(Quota::per_second(10).unwrap()).shared_clock(clock).build().unwrap();
        assert!(limiter.try_acquire(10));
        let before = limiter.peek(2);
        let waited = thread::scope(|scope| scope.spawn(|| limiter.acquire(2, Duration::MAX).is_ok()).join());
        assert!(waited.is_err());
        assert_eq!(limiter.peek(2), before, "{}", rule.name);
    }
}

/// The default clock sleeps in the system's time, and never less.
#[test]
fn the_system_sleeps_long_enough() {
    let limiter = Limiter::new(Algorithm::Gcra, Quota::per_second(500).unwrap().burst(1).unwrap()).unwrap();
    assert!(limiter.try_acquire(1));
    let reservation = limiter.reserve(1, Duration::from_secs(1)).unwrap();
    let at = reservation.at_nanos();
    reservation.wait();
    assert!(MonotonicClock.now() + 1_000_000 >= at);
    let started = std::time::Instant::now();
    for _ in 0..3 {
        limiter.acquire(1, Duration::from_secs(1)).unwrap();
    }
    // Three instants, two milliseconds apart: a lower bound, which no load can break.
    assert!(started.elapsed() >= Duration::from_millis(3));
}
