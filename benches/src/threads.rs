//! Threads on one limiter, each pinned to a core of its own.
//!
//! All make the same number of calls and all are granted. The time is that from the first start to the last end, over all calls of all:
//! whoever wins the word more often does not make them look faster.

use core::hint::spin_loop;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use governor::DefaultDirectRateLimiter;
use ratelimit::StdClock;
use tidegate::{Algorithm, Leased, Limiter};

use crate::candidate::{count, count_mut};
use crate::floors::{CAS, bare_cas};
use crate::ours::GCRA;
use crate::peers::{GOVERNOR, LEAKY_BUCKET, RATELIMIT};
use crate::quotas::{ample, in_governor, in_leaky_bucket, in_ratelimit};

/// The name of the call on a lease, in the table.
pub const LEASE: &str = "tidegate gcra, leased, 256 at a time: try_acquire";

/// The most threads that are measured.
const MOST: usize = 64;

/// Makes calls, on whichever thread, and returns how many were granted.
type Calls = Arc<dyn Fn(u64) -> u64 + Send + Sync>;

/// Calls that threads make at once.
pub struct Crowd {
    /// What is called.
    pub name: &'static str,
    /// By so many threads.
    pub threads: usize,
    run: Calls,
}

impl Crowd {
    /// Makes `calls` calls, as many on each thread, and returns how long that took.
    ///
    /// # Panics
    /// If a call was denied.
    pub fn run_checked(&self, calls: u64) -> Duration {
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        let each = calls / self.threads as u64;
        let ready = AtomicUsize::new(0);
        let alone = |index: usize| {
            if let Some(&core) = cores.get(index) {
                core_affinity::set_for_current(core);
            }
            ready.fetch_add(1, Ordering::AcqRel);
            while ready.load(Ordering::Acquire) < self.threads {
                spin_loop();
            }
            let start = Instant::now();
            let admitted = (self.run)(each);
            (start, Instant::now(), admitted)
        };
        let done: Vec<(Instant, Instant, u64)> = std::thread::scope(|scope| {
            let alone = &alone;
            let threads: Vec<_> = (0..self.threads).map(|index| scope.spawn(move || alone(index))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        let admitted: u64 = done.iter().map(|(.., admitted)| admitted).sum();
        assert_eq!(admitted, each * self.threads as u64, "{}: {} threads, {calls} calls", self.name, self.threads);
        let start = done.iter().map(|(start, ..)| *start).min();
        let end = done.iter().map(|(_, end, _)| *end).max();
        start.zip(end).map_or(Duration::ZERO, |(start, end)| end - start)
    }
}

/// One thread, two, four ... as many as there are cores.
pub fn numbers() -> Vec<usize> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    (0..).map(|n| 1 << n).take_while(|&threads| threads <= cores.min(MOST)).collect()
}

/// The floor, ours and the peers', each by so many threads.
pub fn crowds(threads: &[usize]) -> Vec<Crowd> {
    let each = |(name, run): &(&'static str, Calls)| {
        let (name, run) = (*name, run.clone());
        threads.iter().map(move |&threads| Crowd { name, threads, run: run.clone() }).collect::<Vec<_>>()
    };
    subjects().iter().flat_map(each).collect()
}

fn subjects() -> Vec<(&'static str, Calls)> {
    let cas = AtomicU64::new(0);
    let limiter = Limiter::new(Algorithm::Gcra, ample()).expect("within every bound");
    let governor = DefaultDirectRateLimiter::direct(in_governor::ample());
    let ratelimit = in_ratelimit::ample(StdClock::new());
    let leaky_bucket = in_leaky_bucket::ample();
    let leased = Leased::new(Algorithm::Gcra, ample(), MOST as u64, 256).expect("within every bound");
    vec![
        (CAS, Arc::new(move |calls| count(&cas, calls, bare_cas))),
        (GCRA, Arc::new(move |calls| count(&limiter, calls, |limiter| limiter.try_acquire(1)))),
        (
            LEASE,
            Arc::new(move |calls| {
                let mut lease = leased.lease().expect("a lease for each thread");
                count_mut(&mut lease, calls, |lease| lease.try_acquire(1))
            }),
        ),
        (GOVERNOR, Arc::new(move |calls| count(&governor, calls, |limiter| limiter.check().is_ok()))),
        (RATELIMIT, Arc::new(move |calls| count(&ratelimit, calls, |limiter| limiter.try_wait().is_ok()))),
        (LEAKY_BUCKET, Arc::new(move |calls| count(&leaky_bucket, calls, |limiter| limiter.try_acquire(1)))),
    ]
}
