// A heap for programs without one: pieces of a static, one after another, and all of it anew once nothing of it is in use.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The strictest alignment that is given.
const ALIGNED: usize = 64;

/// For one thread only.
#[repr(align(64))]
struct Heap<const SIZE: usize> {
    memory: UnsafeCell<[u8; SIZE]>,
    /// Bytes handed out since the heap was last empty.
    used: AtomicUsize,
    /// Pieces that have not come back.
    pieces: AtomicUsize,
}

impl<const SIZE: usize> Heap<SIZE> {
    const fn new() -> Heap<SIZE> {
        Heap { memory: UnsafeCell::new([0; SIZE]), used: AtomicUsize::new(0), pieces: AtomicUsize::new(0) }
    }
}

// SAFETY: `used` gives each byte of `memory` to one caller at most; the programs that include this have one thread.
unsafe impl<const SIZE: usize> Sync for Heap<SIZE> {}

// SAFETY: pieces in use are disjoint, lie within `memory`, and are aligned as asked: `used` falls back to 0 only when none is in use.
unsafe impl<const SIZE: usize> GlobalAlloc for Heap<SIZE> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let from = self.used.load(Relaxed).next_multiple_of(layout.align());
        let Some(to) = from.checked_add(layout.size()).filter(|&to| to <= SIZE && layout.align() <= ALIGNED) else {
            return core::ptr::null_mut();
        };
        self.used.store(to, Relaxed);
        self.pieces.fetch_add(1, Relaxed);
        // SAFETY: `from <= to <= SIZE`, and `memory` is aligned to `ALIGNED`.
        unsafe { self.memory.get().cast::<u8>().add(from) }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {
        if self.pieces.fetch_sub(1, Relaxed) == 1 {
            self.used.store(0, Relaxed);
        }
    }
}
