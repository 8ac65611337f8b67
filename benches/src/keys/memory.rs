//! Bytes a key, counted at the allocator: what was asked of it, without its own overhead.
//!
//! The count is off while anything is timed; then it costs a load of a flag that nobody writes.

use core::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::alloc::{GlobalAlloc, Layout, System};

use super::space::{KeyType, keys};
use super::subject::{Make, Room};

static COUNTING: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicI64 = AtomicI64::new(0);

/// The system's allocator and a count.
pub struct Counting;

fn note(bytes: usize, sign: i64) {
    if COUNTING.load(Relaxed) {
        LIVE.fetch_add(sign * bytes as i64, Relaxed);
    }
}

// SAFETY: every call is handed to the system's allocator as it came; the count touches no memory of the caller.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 1);
        // SAFETY: the caller's promise is the one that is needed.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 1);
        // SAFETY: the caller's promise is the one that is needed.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(layout.size(), -1);
        // SAFETY: the caller's promise is the one that is needed.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(layout.size(), -1);
        note(size, 1);
        // SAFETY: the caller's promise is the one that is needed.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// The bytes that a subject has taken when it knows `count` keys, over their number. It begins as its crate begins by default.
pub fn bytes_a_key<K: KeyType>(make: Make<K>, count: usize) -> f64 {
    let keys: Vec<K> = keys(0..count as u64);
    LIVE.store(0, Relaxed);
    COUNTING.store(true, Relaxed);
    let subject = make(Room { keys: count, at_once: false });
    assert_eq!(subject.spend(&keys), count as u64);
    COUNTING.store(false, Relaxed);
    let bytes = LIVE.load(Relaxed);
    drop(subject);
    bytes as f64 / count as f64
}
