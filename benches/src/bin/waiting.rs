//! 3,000 waiters at one limiter of 1,000/s, burst 1, in real time: the rate, the order, and what waking them costs.
//!
//! `cargo run --release -p tidegate-benches --bin waiting` prints a table of tidegate and governor (`docs/waiting.md` keeps one); with `--check`
//! tidegate alone is run, and the exit status is 1 unless it keeps within 1 % of the rate, in order, with one sleep for each who waits. A
//! busy machine may delay the last waiter, so the best of three runs counts.

use std::future::Future;
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use governor::clock::{DefaultClock, Reference};
use governor::middleware::{NoOpMiddleware, RateLimitingMiddleware, StateSnapshot};
use governor::{NotUntil, RateLimiter};
use tidegate::{Algorithm, Limiter, Quota};

const WAITERS: usize = 3_000;
const RATE: u32 = 1_000;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("--check") {
        return check();
    }
    println!(
        "{WAITERS} waiters at {RATE}/s, burst 1 (share of the rate; out of order; sleeps and denied checks for each grant)\n"
    );
    println!("{:<34} {:>8} {:>13} {:>8} {:>8}", "", "rate", "out of order", "sleeps", "denied");
    for (name, run) in [
        ("tidegate, tokio", tidegate_under_tokio as fn() -> Run),
        ("tidegate, smol", tidegate_under_smol),
        ("tidegate, a thread each", tidegate_on_threads),
        ("governor until_ready, tokio", governor_under_tokio),
    ] {
        let run = run();
        println!(
            "{name:<34} {:>6.1} % {:>13} {:>8.2} {:>8.2}",
            run.share_of_the_rate() * 100.0,
            run.out_of_order(),
            run.sleeps as f64 / WAITERS as f64,
            run.denied as f64 / WAITERS as f64,
        );
    }
    ExitCode::SUCCESS
}

fn check() -> ExitCode {
    for _ in 0..3 {
        let run = tidegate_under_tokio();
        let rate = run.share_of_the_rate();
        println!(
            "{WAITERS} waiters: {:.2} % of the rate, {} out of order, {} sleeps",
            rate * 100.0,
            run.out_of_order(),
            run.sleeps
        );
        // The first does not wait. A sleep that ends early by the limiter's clock is followed by another; that is rare.
        let sleeps = WAITERS - 1..=WAITERS + WAITERS / 100;
        if (0.99..=1.01).contains(&rate) && run.out_of_order() == 0 && sleeps.contains(&run.sleeps) {
            return ExitCode::SUCCESS;
        }
    }
    ExitCode::FAILURE
}

/// Who went ahead when, in the order of going.
struct Run {
    went: Vec<(usize, Instant)>,
    sleeps: usize,
    denied: u64,
}

impl Run {
    fn share_of_the_rate(&self) -> f64 {
        let took = self.went[WAITERS - 1].1 - self.went[0].1;
        (WAITERS - 1) as f64 / f64::from(RATE) / took.as_secs_f64()
    }

    /// Those who went after somebody who had come later.
    fn out_of_order(&self) -> usize {
        let mut latest = 0;
        let passed = |&&(waiter, _): &&(usize, Instant)| {
            let passed = waiter < latest;
            latest = latest.max(waiter);
            passed
        };
        self.went.iter().filter(passed).count()
    }
}

fn limiter() -> Limiter {
    let quota = Quota::per_second(u64::from(RATE)).and_then(|quota| quota.burst(1)).expect("legal");
    Limiter::new(Algorithm::Gcra, quota).expect("legal")
}

fn tidegate_under_tokio() -> Run {
    let sleeps = Arc::new(AtomicUsize::new(0));
    let counted = sleeps.clone();
    let sleep = move |duration| {
        counted.fetch_add(1, Relaxed);
        tokio::time::sleep(duration)
    };
    let went = under_tokio(limiter(), move |limiter| {
        let sleep = sleep.clone();
        async move { assert!(limiter.acquire_async(1, Duration::MAX, sleep).await.is_ok()) }
    });
    Run { went, sleeps: sleeps.load(Relaxed), denied: 0 }
}

fn tidegate_under_smol() -> Run {
    let (limiter, went, sleeps) = (limiter(), Mutex::new(Vec::new()), AtomicUsize::new(0));
    let executor = smol::LocalExecutor::new();
    smol::block_on(executor.run(async {
        let tasks: Vec<_> = (0..WAITERS)
            .map(|waiter| {
                let (limiter, went, sleeps) = (&limiter, &went, &sleeps);
                let sleep = |duration| {
                    sleeps.fetch_add(1, Relaxed);
                    smol::Timer::after(duration)
                };
                executor.spawn(async move {
                    assert!(limiter.acquire_async(1, Duration::MAX, sleep).await.is_ok());
                    went.lock().unwrap().push((waiter, Instant::now()));
                })
            })
            .collect();
        for task in tasks {
            task.await;
        }
    }));
    drop(executor);
    Run { went: went.into_inner().unwrap(), sleeps: sleeps.into_inner(), denied: 0 }
}

/// One thread for each waiter: they join in an order of their own, so that is asked of the reservations.
fn tidegate_on_threads() -> Run {
    let (limiter, went) = (limiter(), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for waiter in 0..WAITERS {
            let reservation = limiter.reserve(1, Duration::MAX).expect("no bound");
            let went = &went;
            let thread = std::thread::Builder::new().stack_size(32 << 10);
            let wait = move || {
                reservation.wait();
                went.lock().unwrap().push((waiter, Instant::now()));
            };
            thread.spawn_scoped(scope, wait).expect("a thread");
        }
    });
    Run { went: went.into_inner().unwrap(), sleeps: WAITERS - 1, denied: 0 }
}

/// Counts what is denied.
#[derive(Debug)]
struct Counting;

static DENIED: AtomicU64 = AtomicU64::new(0);

impl<P: Reference> RateLimitingMiddleware<P> for Counting {
    type PositiveOutcome = ();
    type NegativeOutcome = NotUntil<P>;

    fn allow<K>(_: &K, _: impl Into<StateSnapshot>) {}

    fn disallow<K>(key: &K, state: impl Into<StateSnapshot>, start: P) -> NotUntil<P> {
        DENIED.fetch_add(1, Relaxed);
        <NoOpMiddleware<P> as RateLimitingMiddleware<P>>::disallow(key, state, start)
    }
}

fn governor_under_tokio() -> Run {
    let one = NonZeroU32::MIN;
    let quota = governor::Quota::per_second(NonZeroU32::new(RATE).expect("not 0")).allow_burst(one);
    let limiter = RateLimiter::direct_with_clock(quota, DefaultClock::default()).with_middleware::<Counting>();
    DENIED.store(0, Relaxed);
    let went = under_tokio(limiter, |limiter| async move { limiter.until_ready().await });
    let denied = DENIED.load(Relaxed);
    // Each denied check is followed by a sleep.
    Run { went, sleeps: denied as usize, denied }
}

/// One thread, so that the waiters join in the order in which they are numbered.
fn under_tokio<L: Send + Sync + 'static, F: Future<Output = ()> + 'static>(
    limiter: L,
    wait: impl Fn(Arc<L>) -> F,
) -> Vec<(usize, Instant)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let limiter = Arc::new(limiter);
    let went = Arc::new(Mutex::new(Vec::with_capacity(WAITERS)));
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let tasks: Vec<_> = (0..WAITERS)
            .map(|waiter| {
                let (waiting, went) = (wait(limiter.clone()), went.clone());
                tokio::task::spawn_local(async move {
                    waiting.await;
                    went.lock().unwrap().push((waiter, Instant::now()));
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("it does not panic");
        }
    });
    Arc::try_unwrap(went).expect("all are done").into_inner().unwrap()
}
