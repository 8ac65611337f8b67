//! libtidegate: the C interface of tidegate.
//!
//! No rule of a limiter lives here: every function checks its pointers, converts, calls the core, converts back. What C sees is
//! `include/tidegate.h`, generated from these files by cbindgen and committed; `tests/header.rs` fails when the two differ.
//!
//! House rules of every entry:
//! * pointers are checked for NULL and alignment before anything else happens;
//! * an out-parameter is written on success only, and nothing is spent when it is missing;
//! * what C passes as an enum is taken as `i32` (any value can arrive) and refused when it is unknown;
//! * no panic leaves: [`guard`] turns one into a status.
//!
//! Two libraries come of it: `libtidegate` (feature `std`), and `libtidegate_bare`, without the standard library, a heap and libc, which has
//! what lives in memory of the caller's: quotas, words and rules, decisions, backoff.
//!
//! Types and constants bear the names that C programs type.
//!
//! # Safety
//! Of every entry: a pointer is NULL, misaligned, or points at what its type says, which may be read, and written if it is `*mut`, until the call
//! returns; a handle has not been freed. What is needed beyond that stands as `@pre`, and under `Thread safety` who else may use it meanwhile, for readers
//! of the header.
#![cfg_attr(not(feature = "std"), no_std)]
#![allow(non_camel_case_types, clippy::missing_safety_doc)]

#[cfg(all(feature = "std", panic = "abort"))]
compile_error!(
    "libtidegate must be built with panic = \"unwind\": a panic becomes a status and does not end the program"
);

mod backoff;
mod choice;
mod decision;
mod gcra;
mod guard;
mod options;
mod quota;
mod reservation;
mod sized;
mod status;
mod text;
mod verbs_of_word;
mod version;
mod word;

#[cfg(not(feature = "std"))]
mod bare;
#[cfg(feature = "std")]
mod budget;
#[cfg(feature = "std")]
mod calendar;
#[cfg(feature = "std")]
mod change;
#[cfg(feature = "std")]
mod concurrency;
#[cfg(feature = "std")]
mod group;
#[cfg(feature = "std")]
mod handle;
#[cfg(feature = "std")]
mod headers;
#[cfg(feature = "std")]
mod headers_read;
#[cfg(feature = "std")]
mod keyed;
#[cfg(feature = "std")]
mod keyed_verbs;
#[cfg(feature = "std")]
mod lease;
#[cfg(feature = "std")]
mod leased;
#[cfg(feature = "std")]
mod limiter;
#[cfg(feature = "std")]
mod reserve;
#[cfg(feature = "std")]
mod verbs;
#[cfg(feature = "std")]
mod wait;
