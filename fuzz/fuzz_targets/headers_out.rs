//! Any report in any dialect: what is written is fit to be a header, and read back it tells no shorter wait and no larger rest.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tidegate_fuzz_bodies::headers_out::run(bytes));
