//! Any sequence of verbs, on any limiter: the core says what the reference model says.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tidegate_fuzz_bodies::steps::run(bytes));
