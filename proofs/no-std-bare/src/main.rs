//! tidegate without the standard library and without a heap: every algorithm, from statics and from the stack.
//!
//! There is no allocator in this program: whatever asked for one would not link.

#![no_std]
#![no_main]

include!("../../answers.rs");
include!("../../hosted.rs");

/// A log needs memory that only the array has here.
fn no_heap(answers: &mut Answers) {
    let refused = Limiter::builder(Algorithm::SlidingLog, TEN_A_SECOND).build_at(0);
    answers.right(refused.is_err_and(|error| error.kind() == tidegate::QuotaErrorKind::NeedsMemory));
}

// SAFETY: no other function of this program, and none of the C library, is called `main`.
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    exit_code(no_heap)
}
