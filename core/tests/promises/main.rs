//! What the documentation promises, on random limiters and random lives.
//!
//! Every number is log-uniform, over what is legal and beyond it, and drawn to the edges that a quota has. 100 cases a promise;
//! `QUICKCHECK_TESTS` says how many otherwise. A failing case is shrunk and printed.

#[path = "../every/mod.rs"]
mod every;
mod lives;

mod amounts;
mod asking;
mod decisions;
mod keeping;
mod logs;
mod returns;

const SECOND: u64 = 1_000_000_000;
const YEAR: u64 = 31_557_600 * SECOND;

/// 100 cases, or as many as `QUICKCHECK_TESTS` says.
fn check<A: quickcheck::Testable>(promise: A) {
    quickcheck::QuickCheck::new().quickcheck(promise);
}
