//! Interleaved slices: each round times a slice of the same calls on every subject, in changing turn.
//!
//! A slice is a number of calls, not a time, so that all do the same calls in the same round.

use core::hint::spin_loop;
use core::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tidegate_benches::interleave::{Middle, Series};

use super::space::KeyType;
use super::subject::Subject;

/// A slice on one thread is timed in parts of at most so many calls.
const PART: usize = 2_500;
/// No peer's slice takes much longer: there is one with work in proportion to the number of keys at every thousandth call.
const LONGEST: Duration = Duration::from_millis(300);

/// As [`slice`], but on one thread the median of short parts: the time of whoever interrupted one is not taken for work, and the middle ones
/// find the caches as the ones before left them.
pub fn steady_slice<K: KeyType>(name: &str, subject: &dyn Subject<K>, keys: &[K], threads: usize) -> f64 {
    if threads > 1 {
        return slice(name, subject, keys, threads);
    }
    let start = Instant::now();
    // Ours is never cut short, so that it is known how many newcomers came.
    let in_time = |_: &&[K]| subject.counts_evictions() || start.elapsed() < LONGEST;
    let parts = keys.chunks(PART).take_while(in_time).map(|part| slice(name, subject, part, 1));
    Middle::of(parts.collect()).median
}

/// Nanoseconds a call over all threads; whoever admits another number than asked is refused.
///
/// # Panics
/// If a call was denied: then whatever was measured is worth nothing.
pub fn slice<K: KeyType>(name: &str, subject: &dyn Subject<K>, keys: &[K], threads: usize) -> f64 {
    let (nanos, admitted) = match threads {
        1 => {
            let start = Instant::now();
            let admitted = subject.spend(keys);
            (start.elapsed().as_nanos(), admitted)
        }
        _ => two(subject, keys),
    };
    assert_eq!(admitted, keys.len() as u64, "{name}: {} keys, {threads} threads", K::NAME);
    nanos as f64 / keys.len() as f64
}

/// Half of the calls on each of two cores, from the first start to the last end.
fn two<K: KeyType>(subject: &dyn Subject<K>, keys: &[K]) -> (u128, u64) {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let ready = AtomicU32::new(0);
    let (left, right) = keys.split_at(keys.len() / 2);
    let half = |index: usize, keys: &[K]| {
        if let Some(&core) = cores.get(index) {
            core_affinity::set_for_current(core);
        }
        ready.fetch_add(1, Ordering::AcqRel);
        while ready.load(Ordering::Acquire) < 2 {
            spin_loop();
        }
        let start = Instant::now();
        let admitted = subject.spend(keys);
        (start, Instant::now(), admitted)
    };
    let (one, two) = std::thread::scope(|scope| {
        let (one, two) = (scope.spawn(|| half(0, left)), scope.spawn(|| half(1, right)));
        (one.join().expect("no panic"), two.join().expect("no panic"))
    });
    ((one.1.max(two.1) - one.0.min(two.0)).as_nanos(), one.2 + two.2)
}

/// `rounds` rounds; `time(round, index)` times a slice of the subject with this index.
pub fn interleaved(rounds: usize, subjects: usize, mut time: impl FnMut(usize, usize) -> f64) -> Vec<Series> {
    let mut series = vec![Series::with_capacity(rounds); subjects];
    for round in 0..rounds {
        for turn in 0..subjects {
            // Nobody always follows the same one.
            let turn = (turn + round) % subjects;
            let index = if round % 2 == 0 { turn } else { subjects - 1 - turn };
            series[index].push(time(round, index));
        }
    }
    series
}
