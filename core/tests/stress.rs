//! Many threads, many calls, sums that are known exactly: every place but groups (`linear/`, `loom_group.rs`), 2 to 8 threads.
//!
//! `TIDEGATE_CALLS` calls a thread (20,000; the long run says 2,000,000). While time stands still, exactly the limit passes, however the threads
//! meet; under `--cfg tidegate_seeded` the places with a bug planted must be found out.

mod every;

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard};
use std::thread;

use every::EVERY;
use tidegate::{Algorithm, Concurrency, KeyedLimiter, Limiter, Quota};

const THREADS: [u64; 3] = [2, 4, 8];
/// A log's largest limit.
const MOST: u64 = (1 << 18) - 1;

/// The tests share the cores and the switch of the bugs, so they take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn calls() -> u64 {
    std::env::var("TIDEGATE_CALLS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

/// What all threads counted.
fn sum(threads: u64, each: impl Fn(u64) -> u64 + Sync) -> u64 {
    let ready = AtomicU64::new(0);
    let (each, ready) = (&each, &ready);
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || {
                    ready.fetch_add(1, SeqCst);
                    while ready.load(SeqCst) < threads {
                        thread::yield_now();
                    }
                    each(thread)
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().expect("no thread panics")).sum()
    })
}

/// Half of the calls fit: how many passed, of how many.
fn at_one_limiter(rule: every::Rule, threads: u64, calls: u64) -> (u64, u64) {
    let limit = (threads * calls / 2).min(MOST);
    let limiter = rule.make(limit, 1 << 50);
    let passed = sum(threads, |_| (0..calls).filter(|_| limiter.try_acquire_at(5, 1)).count() as u64);
    assert!(passed != limit || limiter.peek_at(5, 1).remaining() == 0);
    (passed, limit)
}

#[test]
fn exactly_the_limit_passes() {
    let _turn = turn();
    for rule in EVERY {
        for threads in THREADS {
            let (passed, limit) = at_one_limiter(rule, threads, calls());
            assert_eq!(passed, limit, "{}, {threads} threads", rule.name);
        }
    }
    #[cfg(tidegate_seeded)]
    is_found_out(tidegate::sync::Bug::LostUpdate, || {
        let (passed, limit) = at_one_limiter(every::GCRA, 4, 5_000);
        passed == limit
    });
}

fn at_a_table(threads: u64, calls: u64) -> bool {
    const KEYS: u64 = 64;
    let limit = (threads * calls / KEYS / 2).max(1);
    let quota = Quota::from_nanos(limit, 1 << 50).expect("legal");
    let keyed = KeyedLimiter::<u64>::builder(Algorithm::Gcra, quota).max_keys(4 * KEYS as usize).build_at(0);
    let keyed = keyed.expect("legal");
    let passed = sum(threads, |thread| {
        (0..calls).filter(|call| keyed.try_acquire_at(&((call + thread) % KEYS), 5, 1)).count() as u64
    });
    let each = (0..KEYS).all(|key| keyed.peek_at(&key, 5, 1).remaining() == 0);
    each && passed == limit * KEYS && keyed.len() as u64 == KEYS && keyed.evictions() == 0
}

#[test]
fn exactly_each_keys_limit_passes() {
    let _turn = turn();
    for threads in THREADS {
        assert!(at_a_table(threads, calls()), "{threads} threads");
    }
    #[cfg(tidegate_seeded)]
    is_found_out(tidegate::sync::Bug::InsertedTwice, || at_a_table(4, 640));
}

/// All hands and the shared word: no more than the burst, and no less than what hands may keep.
fn at_leases(threads: u64, calls: u64) -> bool {
    const BATCH: u64 = 16;
    let burst = (threads * calls / 2).max(threads * BATCH + 1);
    let quota = Quota::from_nanos(1 << 10, 1 << 40).and_then(|quota| quota.burst(burst)).expect("legal");
    let leased = Limiter::builder(Algorithm::Gcra, quota).build_leased_at(0, threads, BATCH).expect("legal");
    let passed = sum(threads, |_| {
        let mut lease = leased.lease().expect("one each");
        (0..calls)
            .filter(|call| {
                if call % 1_000 == 999 {
                    lease.return_unused();
                }
                lease.try_acquire_at(5, 1)
            })
            .count() as u64
    });
    passed == leased.max_cost() && leased.leases() == 0
}

#[test]
fn leases_pass_exactly_what_is_shared() {
    let _turn = turn();
    for threads in THREADS {
        assert!(at_leases(threads, calls()), "{threads} threads");
    }
    #[cfg(tidegate_seeded)]
    is_found_out(tidegate::sync::Bug::ReturnMints, || at_leases(4, 5_000));
}

fn at_a_gate(threads: u64, calls: u64) -> bool {
    let gate = Concurrency::new(2).expect("legal");
    let (inside, most) = (AtomicU64::new(0), AtomicU64::new(0));
    sum(threads, |thread| {
        for call in 0..calls {
            let permits = 1 + (call + thread) % 2;
            if let Some(permit) = gate.try_enter_many(permits) {
                most.fetch_max(inside.fetch_add(permits, SeqCst) + permits, SeqCst);
                black_box(&permit);
                inside.fetch_sub(permits, SeqCst);
            }
        }
        0
    });
    most.load(SeqCst) <= 2 && gate.in_flight() == 0
}

#[test]
fn no_more_than_the_limit_is_inside() {
    let _turn = turn();
    for threads in THREADS {
        assert!(at_a_gate(threads, calls()), "{threads} threads");
    }
    #[cfg(tidegate_seeded)]
    is_found_out(tidegate::sync::Bug::LostUpdate, || at_a_gate(4, 5_000));
}

/// With the bug planted, `holds` says no, or a thread panics, in one of some runs.
#[cfg(tidegate_seeded)]
fn is_found_out(bug: tidegate::sync::Bug, holds: impl Fn() -> bool) {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use tidegate::sync::seeds;
    seeds::shake(true);
    seeds::plant(Some(bug));
    let found = (0..200).any(|_| !catch_unwind(AssertUnwindSafe(&holds)).unwrap_or(false));
    seeds::plant(None);
    seeds::shake(false);
    assert!(found, "nothing shows {bug:?}");
}
