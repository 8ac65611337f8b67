//! What the fuzz targets do with their bytes: functions of any bytes that return, or panic over a broken promise.
//!
//! `fuzz_targets/` hands them to libFuzzer (nightly); `tests/replay.rs` runs the committed corpus and regressions through them, and mutants of
//! those, in a plain `cargo test`. One file a target, one row of [`TARGETS`] each.

pub mod c_calls;
pub mod headers_in;
pub mod headers_out;
pub mod keyed;
pub mod policy_file;
pub mod quota_text;
pub mod steps;

/// A target's name, which is also that of its folder of inputs, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 7] = [
    ("steps", steps::run),
    ("keyed", keyed::run),
    ("quota_text", quota_text::run),
    ("policy_file", policy_file::run),
    ("headers_in", headers_in::run),
    ("headers_out", headers_out::run),
    ("c_calls", c_calls::run),
];
