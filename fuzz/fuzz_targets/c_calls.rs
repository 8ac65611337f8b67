//! Any sequence of calls of the C interface: never an internal error, and never another answer than the core's.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tidegate_fuzz_bodies::c_calls::run(bytes));
