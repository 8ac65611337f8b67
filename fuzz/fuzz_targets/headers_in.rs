//! Any response headers: reading them never panics, and what is read stays within its bounds.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tidegate_fuzz_bodies::headers_in::run(bytes));
