//! The native half of the npm package `tidegate`: converts what JavaScript gives, calls the core, converts back. No rule lives here.
//!
//! JavaScript never sees these functions, only the classes of `lib/`. The verbs of a limiter are closures that own it (a class method
//! made by the `#[napi]` macro costs ten times as much), each made when it is first called (making one takes microseconds); a decision
//! comes back as one small number and four words in an array that both sides know (an object made through Node-API costs a microsecond).
//!
//! Wrong arguments are a `RangeError` or a `TypeError` with a `code`; a refused quota is returned as a `Refusal`, for
//! which JavaScript throws its own error class; a panic is caught and becomes an `Error`.

// A refusal carries its whole decision by value, as in the core.
#![allow(clippy::result_large_err)]

mod backoff;
mod call;
mod concurrency;
mod group;
mod headers;
mod keyed;
mod limiter;
mod number;
mod output;
mod policy;
mod probe;
mod quota;
mod tracker;
mod verbs;

use napi_derive::napi;

/// The version that this was built from; the package compares it with its own.
#[napi(catch_unwind)]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
