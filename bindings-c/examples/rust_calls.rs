//! What a Rust program pays for the calls that `bench/calls.cpp` measures in C, as a library for it: the loops run here, inlined as Rust does it.
//!
//! And what is left of that behind a call into a shared library: a limiter whose calls do nothing but the Rust call.

#![allow(missing_docs, improper_ctypes_definitions)]

use std::hint::black_box;

use tidegate::{Algorithm, Limiter, Quota};

fn limiter(limit: u64, burst: u64) -> Limiter {
    let quota = Quota::per_second(limit).and_then(|quota| quota.burst(burst));
    match quota.and_then(|quota| Limiter::new(Algorithm::Gcra, quota)) {
        Ok(limiter) => limiter,
        Err(error) => panic!("{error}"),
    }
}

/// How many of so many calls said yes.
fn granted(calls: u64, mut call: impl FnMut(u64) -> bool) -> u64 {
    (0..calls).map(|n| u64::from(call(n))).sum()
}

/// Calls of `try_acquire_at`. Time goes on by `step` ns with each; with a step of 0 all but a burst are denied.
// SAFETY: nothing else in the benchmark, the only program that loads this, is called so.
#[unsafe(no_mangle)]
pub extern "C" fn rust_try_acquire_at(calls: u64, limit: u64, burst: u64, step: u64) -> u64 {
    let limiter = black_box(limiter(limit, burst));
    granted(calls, |n| black_box(limiter.try_acquire_at(black_box(n * step), 1)))
}

/// Calls of `take_at`, all figures of which are read.
// SAFETY: nothing else in the benchmark, the only program that loads this, is called so.
#[unsafe(no_mangle)]
pub extern "C" fn rust_take_at(calls: u64, limit: u64, burst: u64, step: u64) -> u64 {
    let limiter = black_box(limiter(limit, burst));
    granted(calls, |n| {
        let d = limiter.take_at(black_box(n * step), 1);
        black_box((d.is_allowed(), d.limit(), d.remaining(), d.retry_after_nanos(), d.reset_after_nanos())).0
    })
}

/// Calls of `try_acquire`, which reads the clock.
// SAFETY: nothing else in the benchmark, the only program that loads this, is called so.
#[unsafe(no_mangle)]
pub extern "C" fn rust_try_acquire(calls: u64, limit: u64, burst: u64) -> u64 {
    let limiter = black_box(limiter(limit, burst));
    granted(calls, |_| black_box(limiter.try_acquire(1)))
}

/// A limiter for `rust_limiter_try_acquire_at`.
// SAFETY: nothing else in the benchmark, the only program that loads this, is called so.
#[unsafe(no_mangle)]
pub extern "C" fn rust_limiter_new(limit: u64, burst: u64) -> Box<Limiter> {
    Box::new(limiter(limit, burst))
}

/// Ends it.
// SAFETY: nothing else in the benchmark, the only program that loads this, is called so.
#[unsafe(no_mangle)]
pub extern "C" fn rust_limiter_free(limiter: Box<Limiter>) {
    drop(limiter);
}

/// `try_acquire_at`, called from elsewhere.
// SAFETY: nothing else in the benchmark, the only program that loads this, is called so.
#[unsafe(no_mangle)]
pub extern "C" fn rust_limiter_try_acquire_at(limiter: &Limiter, now_ns: u64, cost: u64) -> bool {
    limiter.try_acquire_at(now_ns, cost)
}
