//! What a Rust program pays for the calls that `bench/calls.cpp` measures in C, as a library for it: the loops run here, inlined as Rust does it.

#![allow(missing_docs)]

use std::hint::black_box;
use std::time::Instant;

use tidegate::{Algorithm, Limiter, Quota};

fn limiter(limit: u64, burst: u64) -> Limiter {
    let quota = Quota::per_second(limit).and_then(|quota| quota.burst(burst));
    match quota.and_then(|quota| Limiter::new(Algorithm::Gcra, quota)) {
        Ok(limiter) => limiter,
        Err(error) => panic!("{error}"),
    }
}

fn nanoseconds(calls: u64, mut call: impl FnMut(u64)) -> f64 {
    let start = Instant::now();
    for n in 0..calls {
        call(n);
    }
    start.elapsed().as_nanos() as f64 / calls as f64
}

/// Nanoseconds a call of `try_acquire_at`. Time goes on by `step` ns with each; with a step of 0 all but the first are denied.
#[unsafe(no_mangle)]
pub extern "C" fn rust_try_acquire_at(calls: u64, limit: u64, burst: u64, step: u64) -> f64 {
    let limiter = black_box(limiter(limit, burst));
    nanoseconds(calls, |n| {
        black_box(limiter.try_acquire_at(black_box(n * step), 1));
    })
}

/// Nanoseconds a call of `take_at` of which all figures are read.
#[unsafe(no_mangle)]
pub extern "C" fn rust_take_at(calls: u64, limit: u64, burst: u64, step: u64) -> f64 {
    let limiter = black_box(limiter(limit, burst));
    nanoseconds(calls, |n| {
        let d = limiter.take_at(black_box(n * step), 1);
        black_box((d.is_allowed(), d.limit(), d.remaining(), d.retry_after_nanos(), d.reset_after_nanos()));
    })
}

/// Nanoseconds a call of `try_acquire`, which reads the clock.
#[unsafe(no_mangle)]
pub extern "C" fn rust_try_acquire(calls: u64, limit: u64, burst: u64) -> f64 {
    let limiter = black_box(limiter(limit, burst));
    nanoseconds(calls, |_| {
        black_box(limiter.try_acquire(1));
    })
}
