//! Slots of the key table: `{ keyed hash | word }` pairs of 128 bits, eight to a block.
//!
//! ```text
//! slot  (128 bits) = { hash: 64 | word: 64 }       hash 0: never used, 1: forgotten, 2..: a key
//! block (128 bytes) = 8 slots
//! ```
//! A slot that has been used never becomes *never used* again, and a block fills from its first slot. So a search ends with the first block
//! whose last slot was never used, and what lies behind cannot be the key.

use crate::sync::{AtomicU128, Bug, Ordering::Acquire, half, seeded, stall};

/// Slots in a block: a pair of cache lines, which processors fetch together. In models two, or there would be too much to explore.
pub(super) const WAYS: usize = if cfg!(tidegate_loom) { 2 } else { 8 };

pub(super) const NEVER_USED: u64 = 0;
pub(super) const FORGOTTEN: u64 = 1;

#[repr(align(128))]
#[derive(Debug)]
pub(super) struct Block(pub(super) [AtomicU128; WAYS]);

/// What the search of a block ends with.
pub(super) enum Search<'a> {
    Found(&'a AtomicU128, u64),
    /// The key is nowhere in the table.
    Nowhere,
    Further,
}

impl Block {
    pub(super) fn new() -> Block {
        Block(core::array::from_fn(|_| AtomicU128::new(0)))
    }

    /// Asks memory for the block's two lines, and waits for nothing.
    #[inline(always)]
    #[cfg(all(target_arch = "x86_64", not(tidegate_loom), not(miri)))]
    #[allow(unsafe_code)]
    pub(super) fn prefetch(&self) {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        for slot in [&self.0[0], &self.0[WAYS / 2]] {
            // SAFETY: a hint, for any address; every x86-64 processor has it.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(slot).cast()) };
        }
    }

    /// Asks memory for the block.
    #[inline(always)]
    #[cfg(not(all(target_arch = "x86_64", not(tidegate_loom), not(miri))))]
    pub(super) fn prefetch(&self) {
        core::hint::black_box(self.0[0].load(crate::sync::Ordering::Relaxed));
    }

    #[inline(always)]
    pub(super) fn search(&self, hash: u64) -> Search<'_> {
        loop {
            // Without a branch on where the key lies: the processor could not foresee it.
            let mut met = 0_u32;
            let mut last = NEVER_USED;
            for (n, slot) in self.0.iter().enumerate() {
                last = half::upper(slot);
                met |= u32::from(last == hash) << n;
            }
            if met == 0 {
                return if last == NEVER_USED { Search::Nowhere } else { Search::Further };
            }
            stall();
            let slot = &self.0[met.trailing_zeros() as usize % WAYS];
            let entry = Entry::unpack(slot.load(Acquire));
            // Otherwise it was forgotten meanwhile, and perhaps another key has its slot.
            if entry.hash == hash || seeded(Bug::FoundUnchecked) {
                return Search::Found(slot, entry.word);
            }
        }
    }
}

/// A slot's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) hash: u64,
    pub(super) word: u64,
}

impl Entry {
    /// No key any more.
    pub(super) const GONE: Entry = Entry { hash: FORGOTTEN, word: 0 };

    /// What is in a slot, the hash perhaps of an earlier moment than the word: enough for whoever compares both before a change.
    #[inline(always)]
    pub(super) fn glimpse(slot: &AtomicU128) -> Entry {
        let (hash, word) = half::both(slot);
        Entry { hash, word }
    }

    pub(super) fn pack(self) -> u128 {
        u128::from(self.hash) << 64 | u128::from(self.word)
    }

    #[inline(always)]
    pub(super) fn unpack(pair: u128) -> Entry {
        Entry { hash: (pair >> 64) as u64, word: pair as u64 }
    }

    pub(super) fn is_key(self) -> bool {
        self.hash > FORGOTTEN
    }
}
