//! Any text as a policy file, in TOML and in JSON: refused with a place in it, or enforced without a panic and never beyond a capacity.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tidegate_fuzz_bodies::policy_file::run(bytes));
