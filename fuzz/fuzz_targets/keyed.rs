//! Any sequence of calls on a key table: each key is the reference model's, or has been forgotten and counted.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tidegate_fuzz_bodies::keyed::run(bytes));
