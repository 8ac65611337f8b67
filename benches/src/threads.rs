//! Two threads on one limiter, each pinned to a core of its own.
//!
//! Both make the same number of calls and all are granted. The time is that from the first start to the last end, over all calls of both:
//! whoever wins the word more often does not make the pair look faster.

use core::hint::spin_loop;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use governor::DefaultDirectRateLimiter;
use ratelimit::StdClock;
use tidegate::{Algorithm, Leased, Limiter};

use crate::candidate::{count, count_mut};
use crate::floors::{CAS, bare_cas};
use crate::ours::GCRA;
use crate::peers::{GOVERNOR, RATELIMIT};
use crate::quotas::{ample, in_governor, in_ratelimit};

/// The name of the call on a lease, in the table.
pub const LEASE: &str = "tidegate gcra, leased to two, 256 at a time: try_acquire";

/// Calls that two threads make at once.
pub struct Pair {
    /// What is called.
    pub name: &'static str,
    run: Box<dyn Fn(u64) -> u64 + Sync>,
}

impl Pair {
    fn new(name: &'static str, run: impl Fn(u64) -> u64 + Sync + 'static) -> Pair {
        Pair { name, run: Box::new(run) }
    }

    /// Makes `calls` calls, half on each thread, and returns how long that took.
    ///
    /// # Panics
    /// If a call was denied.
    pub fn run_checked(&self, calls: u64) -> Duration {
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        let ready = AtomicU32::new(0);
        let half = |index: usize| {
            if let Some(&core) = cores.get(index) {
                core_affinity::set_for_current(core);
            }
            ready.fetch_add(1, Ordering::AcqRel);
            while ready.load(Ordering::Acquire) < 2 {
                spin_loop();
            }
            let start = Instant::now();
            let admitted = (self.run)(calls / 2);
            (start, Instant::now(), admitted)
        };
        let (one, two) = std::thread::scope(|scope| {
            let (one, two) = (scope.spawn(|| half(0)), scope.spawn(|| half(1)));
            (one.join().expect("no panic"), two.join().expect("no panic"))
        });
        assert_eq!(one.2 + two.2, calls / 2 * 2, "{}: two threads, {calls} calls", self.name);
        one.1.max(two.1) - one.0.min(two.0)
    }
}

/// The floor, ours and the peers'.
pub fn pairs() -> Vec<Pair> {
    let cas = AtomicU64::new(0);
    let limiter = Limiter::new(Algorithm::Gcra, ample()).expect("within every bound");
    let governor = DefaultDirectRateLimiter::direct(in_governor::ample());
    let ratelimit = in_ratelimit::ample(StdClock::new());
    let leased = Leased::new(Algorithm::Gcra, ample(), 2, 256).expect("within every bound");
    vec![
        Pair::new(CAS, move |calls| count(&cas, calls, bare_cas)),
        Pair::new(GCRA, move |calls| count(&limiter, calls, |limiter| limiter.try_acquire(1))),
        Pair::new(LEASE, move |calls| {
            let mut lease = leased.lease().expect("two threads, two leases");
            count_mut(&mut lease, calls, |lease| lease.try_acquire(1))
        }),
        Pair::new(GOVERNOR, move |calls| count(&governor, calls, |limiter| limiter.check().is_ok())),
        Pair::new(RATELIMIT, move |calls| count(&ratelimit, calls, |limiter| limiter.try_wait().is_ok())),
    ]
}
