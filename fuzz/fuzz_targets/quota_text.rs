//! Any text: a quota that is written and read again is the same, its windows hold the time that they were asked of, and nothing panics.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tidegate_fuzz_bodies::quota_text::run(bytes));
