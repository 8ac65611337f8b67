//! tidegate without the standard library, on a heap: what `alloc` adds, beside all that needs none.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::sync::Arc;

include!("../../answers.rs");
include!("../../heap.rs");
include!("../../hosted.rs");

#[global_allocator]
static HEAP: Heap<{ 1 << 16 }> = Heap::new();

/// The sliding log on the heap, and a clock that is shared.
fn with_a_heap(answers: &mut Answers) {
    match Limiter::builder(Algorithm::SlidingLog, TEN_A_SECOND).build_at(0) {
        Ok(mut limiter) => {
            answers.right(HEAP.pieces.load(Relaxed) > 0);
            answers.all_verbs(&mut limiter);
        }
        Err(_) => answers.right(false),
    }
    answers.right(HEAP.pieces.load(Relaxed) == 0);

    let clock = Arc::new(ManualClock::new(7));
    let shared =
        Limiter::builder(Algorithm::FixedWindow, TEN_A_SECOND).shared_clock(clock.clone()).build_at(clock.now());
    answers.right(shared.is_ok_and(|limiter| limiter.try_acquire_at(clock.now(), 10)));
}

// SAFETY: no other function of this program, and none of the C library, is called `main`.
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    exit_code(with_a_heap)
}
