//! A bounded table of words: `{ keyed hash | word }` pairs of 128 bits, found without a lock, never scanned, never grown.
//!
//! The table knows no algorithm. Whoever asks brings a step on a word, and says when a word will be *idle*: as good as a new one, so
//! that forgetting it forgives nothing.
//!
//! A key lies in one of its REACH blocks: in its *home*, or *away*. No block before it on its path has a slot that was never used.
//!
//! Invariants:
//! * Every change of a slot exchanges both halves at once. A spend can thus not land on another key (the hash would differ), a key cannot be
//!   taken for idle while somebody spends on it (the word would differ), and equal pairs are the same key in the same
//!   state.
//! * A key is only brought in under the lock of its home block, after looking again. So it is in at most one slot. Finding and spending take no
//!   lock.
//! * For each block it is counted how many keys whose home it is lie away. A key is counted before it can be met away, and until it is gone: where
//!   the count is 0, a search ends at home.
//! * `len` never exceeds the maximum: it is raised before a slot is used, by whoever then uses it.
//!
//! Ordering: a slot is its own message. Exchanges release and loads acquire only for `floor`: whoever sees that a key is gone, in its slot
//! or from the count, also sees the time up to which it was forgotten.

extern crate std;

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::newcomer::{Idle, NoRoom, Spot, WhenFull};
use super::slot::{Block, Entry, FORGOTTEN, Search, WAYS};
use crate::sync::{
    AtomicU8, AtomicU64, AtomicU128, Bug, Mutex,
    Ordering::{AcqRel, Acquire, Relaxed},
    seeded, stall,
};

/// Blocks in which a key may lie. When a large table is full, about a seventh of its blocks has no free slot, so
/// that one key in some hundred thousand finds none; in tables of a few hundred keys chance is coarser.
pub(super) const REACH: usize = 6;
/// Slots for each 8 keys. More than a quarter of the slots stays free, so that a key finds room within reach until the table is full.
const SLOTS_FOR_8_KEYS: usize = 11;
/// A count of keys away that is no longer kept: such a home is searched in full from then on. Hashes that nobody chose never come near it.
const MANY: u8 = u8::MAX;
/// The most keys that a table is asked for: more than there is memory for.
const MAX_KEYS: u64 = if usize::BITS >= 64 { 1 << 40 } else { 1 << 26 };

#[derive(Debug)]
pub(crate) struct Table {
    pub(super) blocks: Box<[Block]>,
    /// For each block how many keys lie away from it whose home it is; from [`MANY`] on no longer counted.
    away: Box<[AtomicU8]>,
    /// One for the home blocks that share it; taken only to bring a key in.
    pub(super) locks: Box<[Mutex<()>]>,
    pub(super) len: AtomicU64,
    pub(super) max: u64,
    pub(super) evictions: AtomicU64,
    /// The block at which the next newcomer to a full table begins to look for idle keys.
    pub(super) hand: AtomicU64,
    /// The latest time at which an idle key was forgotten: a key that is not here is new as of then.
    floor: AtomicU64,
    /// The longest time for which a spend within capacity is remembered.
    memory: u64,
    /// The word of a key that is not here.
    first: u64,
}

/// What became of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The step was taken.
    Stepped { before: u64, after: u64 },
    /// The step said no to this word.
    Denied { word: u64 },
    /// The step would have been taken, but there is no room for its word.
    NoRoom(NoRoom),
}

impl Table {
    /// A table for at most `max` keys, each with the word `first` until it is here, and idle `memory` nanoseconds after its last spend; `None` if `max` is 0 or memory for it cannot be had.
    pub(crate) fn new(max: usize, memory: u64, first: u64) -> Option<Table> {
        if max == 0 || max as u64 > MAX_KEYS {
            return None;
        }
        let count = next_prime((max * SLOTS_FOR_8_KEYS).div_ceil(8 * WAYS));
        let blocks = boxed(count, Block::new)?;
        let away = boxed(count, || AtomicU8::new(0))?;
        // Enough that newcomers seldom meet, little beside the slots.
        let locks = (0..count.next_power_of_two().min(1024)).map(|_| Mutex::new(())).collect();
        Some(Table {
            blocks,
            away,
            locks,
            len: AtomicU64::new(0),
            max: max as u64,
            evictions: AtomicU64::new(0),
            hand: AtomicU64::new(0),
            floor: AtomicU64::new(0),
            memory,
            first,
        })
    }

    /// A hash as the table uses it.
    #[inline]
    pub(crate) fn hash(hash: u64) -> u64 {
        if hash > FORGOTTEN { hash } else { hash + 2 }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len.load(Relaxed)
    }

    pub(crate) fn max(&self) -> u64 {
        self.max
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.load(Relaxed)
    }

    /// Bytes of memory, all of them taken when the table is made.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.blocks) + size_of_val(&*self.away) + size_of_val(&*self.locks)
    }

    #[inline(always)]
    pub(super) fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.blocks.len() as u128) >> 64) as usize
    }

    /// The blocks in reach of a hash, in the order of search: its home, and some that other keys of that home do not share.
    #[inline(always)]
    pub(super) fn path(&self, hash: u64) -> impl Iterator<Item = usize> {
        let blocks = self.blocks.len();
        // The low bits of the hash had no say in the home. The blocks are a prime number, so that no stride comes back too soon.
        let low = u128::from(hash << 32);
        let stride = if blocks > REACH { 1 + ((low * (blocks - 1) as u128) >> 64) as usize } else { 1 };
        let mut index = self.home(hash);
        (0..REACH.min(blocks)).map(move |_| {
            let block = index;
            index += stride;
            if index >= blocks {
                index -= blocks;
            }
            block
        })
    }

    #[inline(always)]
    pub(super) fn find(&self, hash: u64) -> Option<Spot<'_>> {
        let home = self.home(hash);
        match self.blocks[home].search(hash) {
            Search::Found(slot, word) => Some(Spot { block: home, slot, seen: Entry { hash, word } }),
            Search::Further if self.away[home].load(Acquire) > 0 => self.find_away(hash),
            Search::Further | Search::Nowhere => None,
        }
    }

    /// Beyond the home block, where few keys lie.
    #[inline(never)]
    fn find_away(&self, hash: u64) -> Option<Spot<'_>> {
        for block in self.path(hash).skip(1) {
            match self.blocks[block].search(hash) {
                Search::Found(slot, word) => return Some(Spot { block, slot, seen: Entry { hash, word } }),
                Search::Nowhere => return None,
                Search::Further => {}
            }
        }
        None
    }

    /// A key of this home is about to lie away.
    pub(super) fn count_away(&self, home: usize) {
        self.recount_away(home, |count| count.saturating_add(1));
    }

    /// A key of this home that lay away is gone.
    pub(super) fn uncount_away(&self, home: usize) {
        self.recount_away(home, |count| if count == MANY { MANY } else { count.saturating_sub(1) });
    }

    fn recount_away(&self, home: usize, recount: impl Fn(u8) -> u8) {
        let mut count = self.away[home].load(Relaxed);
        while let Err(seen) = self.away[home].compare_exchange_weak(count, recount(count), AcqRel, Relaxed) {
            count = seen;
        }
    }

    /// Asks memory for the home block of a hash.
    #[inline(always)]
    pub(crate) fn prefetch(&self, hash: u64) {
        self.blocks[self.home(hash)].prefetch();
    }

    /// The word of a key at a time, or that of a new one.
    pub(crate) fn look(&self, hash: u64, now: u64) -> (u64, u64) {
        match self.find(hash) {
            Some(spot) => (spot.seen.word, now),
            None => (self.first, self.judged(now)),
        }
    }

    /// The word of a key that is not here.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The latest time at which an idle key was forgotten.
    pub(super) fn floor(&self) -> u64 {
        self.floor.load(Acquire)
    }

    /// Idle keys may be forgotten at this time. Said before it can be seen that they are gone.
    pub(super) fn raise_floor(&self, now: u64) {
        self.floor.fetch_max(now, AcqRel);
    }

    /// The time as of which a key that is not here is new: not before the last time at which a key was forgotten as idle, since it may be
    /// that one, so that a late clock does not meet a full limiter again. But no further ahead than a spend is remembered at all: one
    /// caller with a clock far ahead must not hold up all newcomers.
    pub(super) fn judged(&self, now: u64) -> u64 {
        now.max(self.floor().min(now.saturating_add(self.memory)))
    }

    /// Applies `step(word, now)` to the word of a key; a key that is not here has the first word.
    ///
    /// A step that says no, or leaves a new key's word as it is, brings nothing in.
    #[inline]
    pub(crate) fn update(
        &self,
        hash: u64,
        now: u64,
        idle: &impl Idle,
        when_full: WhenFull,
        step: impl Fn(u64, u64) -> Option<u64>,
    ) -> Outcome {
        loop {
            let Some(Spot { slot, seen: mut before, .. }) = self.find(hash) else {
                let judged = self.judged(now);
                let before = self.first;
                let Some(after) = step(before, judged) else { return Outcome::Denied { word: before } };
                if after == before {
                    return Outcome::Stepped { before, after };
                }
                match self.bring_in(Entry { hash, word: after }, now, judged, idle, when_full) {
                    Ok(true) => return Outcome::Stepped { before, after },
                    Ok(false) => continue,
                    Err(no_room) => return Outcome::NoRoom(no_room),
                }
            };
            loop {
                let Some(after) = step(before.word, now) else { return Outcome::Denied { word: before.word } };
                if after == before.word {
                    return Outcome::Stepped { before: after, after };
                }
                match self.exchange(slot, before, Entry { hash, word: after }) {
                    Ok(()) => return Outcome::Stepped { before: before.word, after },
                    Err(seen) if seen.hash == hash => before = seen,
                    // Forgotten meanwhile: look again.
                    Err(_) => break,
                }
            }
        }
    }

    #[inline(always)]
    fn exchange(&self, slot: &AtomicU128, before: Entry, after: Entry) -> Result<(), Entry> {
        if seeded(Bug::SpendOnAnotherKey) {
            // Only the word is compared, as if the two halves were two atomics.
            let seen = Entry::unpack(slot.load(Acquire));
            stall();
            if seen.word == before.word || !after.is_key() {
                slot.swap(Entry { hash: seen.hash, word: after.word }.pack(), AcqRel);
                return Ok(());
            }
            return Err(seen);
        }
        slot.compare_exchange_weak(before.pack(), after.pack(), AcqRel, Acquire).map(drop).map_err(Entry::unpack)
    }

    /// Forgets a key. Whether it was here.
    pub(crate) fn forget(&self, hash: u64) -> bool {
        while let Some(spot) = self.find(hash) {
            if self.place(spot, Entry::GONE) {
                self.shrink();
                return true;
            }
        }
        false
    }

    /// Brings a key in with a given word, into a table of its only owner. Whether there was room.
    pub(crate) fn restore(&self, hash: u64, word: u64, idle: &impl Idle) -> bool {
        hash > FORGOTTEN
            && word != 0
            && self.find(hash).is_none()
            && self.bring_in(Entry { hash, word }, 0, 0, idle, WhenFull::EvictNearestIdle) == Ok(true)
    }

    /// Every key's hash and word, each read at some moment meanwhile.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u64, u64)> {
        self.blocks
            .iter()
            .flat_map(|block| block.0.iter())
            .map(|slot| Entry::unpack(slot.load(Acquire)))
            .filter(|entry| entry.is_key())
            .map(|entry| (entry.hash, entry.word))
    }
}

/// So many of what `make` makes, or `None` if there is no memory for them.
fn boxed<T>(count: usize, make: impl Fn() -> T) -> Option<Box<[T]>> {
    let mut all = Vec::new();
    all.try_reserve_exact(count).ok()?;
    all.extend((0..count).map(|_| make()));
    Some(all.into_boxed_slice())
}

/// The least prime that is not below `n`, or 1. Primes lie close together: for `n` up to 2^40 the next is less than 1,000 away.
fn next_prime(n: usize) -> usize {
    let is_prime = |n: &usize| (2..).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
    (n..).find(is_prime).unwrap_or(n)
}
