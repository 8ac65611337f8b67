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
//! Types and constants bear the names that C programs type. Preconditions stand as `@pre`, for readers of the header.
#![allow(non_camel_case_types, clippy::missing_safety_doc)]

#[cfg(panic = "abort")]
compile_error!(
    "libtidegate must be built with panic = \"unwind\": a panic becomes a status and does not end the program"
);

mod choice;
mod decision;
mod guard;
mod limiter;
mod options;
mod quota;
mod status;
mod verbs;
mod version;
