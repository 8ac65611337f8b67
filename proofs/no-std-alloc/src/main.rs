//! tidegate without the standard library, on a heap: what `alloc` adds, beside all that needs none.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::sync::Arc;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

include!("../../answers.rs");

const HEAP: usize = 1 << 16;

/// Hands out one piece of memory after another and takes none back.
#[repr(align(64))]
struct Bump {
    memory: UnsafeCell<[u8; HEAP]>,
    used: AtomicUsize,
}

// SAFETY: `used` gives each byte of `memory` to one caller at most.
unsafe impl Sync for Bump {}

// SAFETY: the pieces are disjoint, lie within `memory`, and are aligned as asked (up to the alignment of `Bump`).
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let room = layout.size() + layout.align();
        let from = self.used.fetch_add(room, Relaxed);
        if layout.align() > 64 || from > HEAP - room {
            return core::ptr::null_mut();
        }
        // SAFETY: `from` rounded up to the alignment, plus the size, is within `from + room <= HEAP`.
        unsafe { self.memory.get().cast::<u8>().add(from.next_multiple_of(layout.align())) }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static BUMP: Bump = Bump { memory: UnsafeCell::new([0; HEAP]), used: AtomicUsize::new(0) };

/// The sliding log on the heap, and a clock that is shared.
fn with_a_heap(answers: &mut Answers) {
    let before = BUMP.used.load(Relaxed);
    match Limiter::builder(Algorithm::SlidingLog, TEN_A_SECOND).build_at(0) {
        Ok(mut limiter) => answers.all_verbs(&mut limiter),
        Err(_) => answers.right(false),
    }
    answers.right(BUMP.used.load(Relaxed) > before);

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
