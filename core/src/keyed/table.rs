//! A bounded table of words: `{ keyed hash | word }` pairs of 128 bits, found without a lock, never scanned, never grown.
//!
//! The table knows no algorithm. Whoever asks brings a step on a word, and says when a word will be *idle*: as good as a new one, so
//! that forgetting it forgives nothing.
//!
//! ```text
//! slot  (128 bits) = { hash: 64 | word: 64 }       hash 0: never used, 1: forgotten, 2..: a key
//! block (128 bytes) = 8 slots                      a key lies in the first of its REACH blocks that had room
//! ```
//! Invariants:
//! * A slot that has been used never becomes *never used* again, and a block fills from its first slot. So a search ends at the first
//!   slot never used, and what lies behind cannot be the key.
//! * Every change of a slot exchanges both halves at once. A spend can thus not land on another key (the hash would differ), a key cannot be
//!   taken for idle while somebody spends on it (the word would differ), and equal pairs are the same key in the same
//!   state.
//! * A key is only brought in under the lock of its home block, after looking again. So it is in at most one slot. Finding and spending take no
//!   lock.
//! * `len` never exceeds the maximum: it is raised before a slot is used, by whoever then uses it.
//!
//! Ordering: a slot is its own message. Exchanges release and loads acquire only for `floor`: whoever sees that a key is gone also
//! sees the time up to which it was forgotten.

extern crate std;

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::sync::{
    AtomicU64, AtomicU128, Bug, Mutex,
    Ordering::{AcqRel, Acquire, Relaxed},
    seeded, stall,
};

/// Slots in a block: a pair of cache lines, which processors fetch together.
const WAYS: usize = 8;
/// Blocks in which a key may lie. When a large table is full, about a seventh of its blocks has no free slot, so
/// that one key in some hundred thousand finds none; in tables of a few hundred keys chance is coarser.
const REACH: usize = 6;
/// Slots for each 8 keys. More than a quarter of the slots stays free, so that a key finds room within reach until the table is full.
const SLOTS_FOR_8_KEYS: usize = 11;
/// Blocks that a newcomer to a full table looks at beyond its reach, for idle keys: at least, and as long as nobody is found who has as little in
/// use as the newcomer brings, or one permit.
const HAND: usize = 1;
/// And at most; also where nobody may be forgotten for a newcomer.
const LONG_HAND: usize = 8;
/// Blocks in reach that a newcomer to a full table chooses from: at least, likewise; at most all in reach.
const ENOUGH: usize = 1;

const NEVER_USED: u64 = 0;
const FORGOTTEN: u64 = 1;

/// The most keys that a table is asked for: more than there is memory for.
const MAX_KEYS: u64 = if usize::BITS >= 64 { 1 << 40 } else { 1 << 26 };

#[repr(align(128))]
#[derive(Debug)]
struct Block([AtomicU128; WAYS]);

#[derive(Debug)]
pub(crate) struct Table {
    blocks: Box<[Block]>,
    /// One for the home blocks that share it; taken only to bring a key in.
    locks: Box<[Mutex<()>]>,
    len: AtomicU64,
    max: u64,
    evictions: AtomicU64,
    /// The block at which the next newcomer to a full table begins to look for idle keys.
    hand: AtomicU64,
    /// The latest time at which an idle key was forgotten: a key that is not here is new as of then.
    floor: AtomicU64,
    /// The longest time for which a spend within capacity is remembered.
    memory: u64,
    /// The word of a key that is not here.
    first: u64,
}

/// What the search of a block ends with.
enum Search<'a> {
    Found(&'a AtomicU128, u64),
    /// The key is nowhere in the table.
    Nowhere,
    Further,
}

impl Block {
    #[inline(always)]
    fn search(&self, hash: u64) -> Search<'_> {
        for slot in &self.0 {
            let entry = Entry::unpack(slot.load(Acquire));
            if entry.hash == hash {
                return Search::Found(slot, entry.word);
            }
            if entry.hash == NEVER_USED {
                return Search::Nowhere;
            }
        }
        Search::Further
    }
}

/// A slot's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    hash: u64,
    word: u64,
}

impl Entry {
    fn pack(self) -> u128 {
        u128::from(self.hash) << 64 | u128::from(self.word)
    }

    #[inline(always)]
    fn unpack(pair: u128) -> Entry {
        Entry { hash: (pair >> 64) as u64, word: pair as u64 }
    }

    fn is_key(self) -> bool {
        self.hash > FORGOTTEN
    }
}

/// What to do with a newcomer when every slot in its reach is used by a key that is not idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum WhenFull {
    /// Forget the key that would be idle first, which forgives the least, and count it as an eviction.
    #[default]
    EvictNearestIdle,
    /// Deny the newcomer, until a slot in its reach is idle.
    Refuse,
    /// Let all newcomers share one limiter, until slots are idle.
    Overflow,
}

/// There is no room for a newcomer before this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom {
    pub(crate) until: u64,
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

/// What forgetting a word would forgive.
pub(crate) trait Idle {
    /// How much of a word is used if one permit is.
    fn permit(&self) -> u64;
    /// How much of it is used at `now`; 0 if it is idle, as good as new.
    fn used(&self, word: u64, now: u64) -> u64;
    /// The first nanosecond from `now` on at which it is idle.
    fn idle_from(&self, word: u64, now: u64) -> u64;
}

/// What a newcomer finds in its reach.
struct Reach<'a> {
    /// The slot of an idle key.
    idle: Option<(&'a AtomicU128, Entry)>,
    /// A slot without a key.
    free: Option<(&'a AtomicU128, Entry)>,
    nearest: Nearest<'a>,
}

/// The key whose forgetting forgives least, so far: how much, and where it is.
#[derive(Clone, Copy, Default)]
struct Nearest<'a>(Option<(u64, &'a AtomicU128, Entry)>);

impl<'a> Nearest<'a> {
    /// Whether somebody is known who has no more than that in use.
    fn at_most(&self, used: u64) -> bool {
        self.0.is_some_and(|(least, ..)| least <= used)
    }

    fn offer(&mut self, used: u64, slot: &'a AtomicU128, seen: Entry) {
        if self.0.is_none_or(|(least, ..)| used < least) {
            self.0 = Some((used, slot, seen));
        }
    }
}

impl Table {
    /// A table for at most `max` keys, each with the word `first` until it is here, and idle `memory` nanoseconds after its last spend; `None` if `max` is 0 or memory for it cannot be had.
    pub(crate) fn new(max: usize, memory: u64, first: u64) -> Option<Table> {
        if max == 0 || max as u64 > MAX_KEYS {
            return None;
        }
        let count = next_prime((max * SLOTS_FOR_8_KEYS).div_ceil(8 * WAYS));
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(count).ok()?;
        blocks.extend((0..count).map(|_| Block(core::array::from_fn(|_| AtomicU128::new(0)))));
        // Enough that newcomers seldom meet, little beside the slots.
        let locks = (0..count.next_power_of_two().min(1024)).map(|_| Mutex::new(())).collect();
        Some(Table {
            blocks: blocks.into_boxed_slice(),
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
        size_of_val(&*self.blocks) + size_of_val(&*self.locks)
    }

    #[inline(always)]
    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.blocks.len() as u128) >> 64) as usize
    }

    /// The blocks in reach of a hash, in the order of search: its home, and some that other keys of that home do not share.
    #[inline(always)]
    fn path(&self, hash: u64) -> impl Iterator<Item = &Block> {
        let blocks = self.blocks.len();
        // The low bits of the hash had no say in the home. The blocks are a prime number, so that no stride comes back too soon.
        let low = u128::from(hash << 32);
        let stride = if blocks > REACH { 1 + ((low * (blocks - 1) as u128) >> 64) as usize } else { 1 };
        let mut index = self.home(hash);
        (0..REACH.min(blocks)).map(move |_| {
            let block = &self.blocks[index];
            index += stride;
            if index >= blocks {
                index -= blocks;
            }
            block
        })
    }

    #[inline(always)]
    fn find(&self, hash: u64) -> Option<(&AtomicU128, u64)> {
        match self.blocks[self.home(hash)].search(hash) {
            Search::Found(slot, word) => Some((slot, word)),
            Search::Nowhere => None,
            Search::Further => self.find_further(hash),
        }
    }

    /// Beyond the home block, where few keys lie.
    #[inline(never)]
    fn find_further(&self, hash: u64) -> Option<(&AtomicU128, u64)> {
        for block in self.path(hash).skip(1) {
            match block.search(hash) {
                Search::Found(slot, word) => return Some((slot, word)),
                Search::Nowhere => return None,
                Search::Further => {}
            }
        }
        None
    }

    /// Brings the home block of a hash into the cache.
    pub(crate) fn touch(&self, hash: u64) {
        let _ = core::hint::black_box(self.blocks[self.home(hash)].0[0].load(Relaxed));
    }

    /// The word of a key at a time, or that of a new one.
    pub(crate) fn look(&self, hash: u64, now: u64) -> (u64, u64) {
        match self.find(hash) {
            Some((_, word)) => (word, now),
            None => (self.first, self.judged(now)),
        }
    }

    /// The word of a key that is not here.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The time as of which a key that is not here is new: not before the last time at which a key was forgotten as idle, since it may be
    /// that one, so that a late clock does not meet a full limiter again. But no further ahead than a spend is remembered at all: one
    /// caller with a clock far ahead must not hold up all newcomers.
    fn judged(&self, now: u64) -> u64 {
        now.max(self.floor.load(Acquire).min(now.saturating_add(self.memory)))
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
            let Some((slot, word)) = self.find(hash) else {
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
            let mut before = Entry { hash, word };
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

    /// Brings a key in with its first word. `Ok(false)`: somebody else has, look again.
    #[cold]
    fn bring_in(
        &self,
        new: Entry,
        now: u64,
        judged: u64,
        idle: &impl Idle,
        when_full: WhenFull,
    ) -> Result<bool, NoRoom> {
        let lock = &self.locks[self.home(new.hash) % self.locks.len()];
        let _alone = (!seeded(Bug::InsertedTwice)).then(|| lock.lock());
        // Somebody has brought it in; or it came and went, and is new as of later than its first word was made for.
        if !seeded(Bug::InsertedTwice) && (self.find(new.hash).is_some() || self.judged(now) != judged) {
            return Ok(false);
        }
        // Somebody with so little in use may go without a longer look. No more than a permit, or newcomers that spend all at once
        // would drive out others who have as much in use, though there are some with less.
        let evicts = when_full == WhenFull::EvictNearestIdle;
        // Where nobody may be forgotten, nothing but somebody idle ends the look.
        let little = if evicts { idle.used(new.word, judged).min(idle.permit()) } else { 0 };
        loop {
            let reach = self.look_around(new.hash, now, idle, little);
            if let Some((slot, seen)) = reach.idle {
                // Before the key is seen to be gone.
                self.floor.fetch_max(now, AcqRel);
                if self.place(slot, seen, new) {
                    return Ok(true);
                }
                continue;
            }
            if let Some((slot, seen)) = reach.free {
                match self.settle(slot, seen, new) {
                    Some(true) => return Ok(true),
                    Some(false) => continue,
                    None => {}
                }
                // The table is full, though not here: somebody idle elsewhere makes room, or somebody nearly so is known.
                let mut far = Nearest::default();
                let least = if evicts { HAND } else { LONG_HAND };
                if self.sweep_on(least, now, idle, &mut far, |far| far.at_most(little) || reach.nearest.at_most(little))
                {
                    continue;
                }
                if let Some((used, distant, there)) = far.0
                    && reach.nearest.0.is_none_or(|(least, ..)| used < least)
                    && (evicts || reach.nearest.0.is_none())
                {
                    if !evicts {
                        return Err(NoRoom { until: idle.idle_from(there.word, now) });
                    }
                    // Not in its place, which may lie where a search for the newcomer does not come: the free slot here is used.
                    if self.place(distant, there, Entry { hash: FORGOTTEN, word: 0 }) {
                        self.shrink();
                        self.evictions.fetch_add(1, Relaxed);
                        if self.settle(slot, seen, new) == Some(true) {
                            return Ok(true);
                        }
                    }
                    continue;
                }
            }
            let Some((_, slot, seen)) = reach.nearest.0 else { continue };
            if !evicts {
                return Err(NoRoom { until: idle.idle_from(seen.word, now) });
            }
            if self.place(slot, seen, new) {
                self.evictions.fetch_add(1, Relaxed);
                return Ok(true);
            }
        }
    }

    /// The slots in reach of a newcomer, up to the first that was never used; of a full table only the home block, if somebody there
    /// has little in use.
    fn look_around(&self, hash: u64, now: u64, idle: &impl Idle, little: u64) -> Reach<'_> {
        let mut found = Reach { idle: None, free: None, nearest: Nearest::default() };
        let enough = if self.len() < self.max { REACH } else { ENOUGH };
        'reach: for (n, block) in self.path(hash).enumerate() {
            if n >= enough && found.nearest.at_most(little) {
                break;
            }
            for slot in &block.0 {
                let seen = Entry::unpack(slot.load(Acquire));
                if seen.is_key() {
                    match idle.used(seen.word, now) {
                        0 => {
                            found.idle = Some((slot, seen));
                            break 'reach;
                        }
                        used => found.nearest.offer(used, slot, seen),
                    }
                } else {
                    found.free = found.free.or(Some((slot, seen)));
                    if seen.hash == NEVER_USED {
                        break 'reach;
                    }
                }
            }
        }
        found
    }

    /// Looks at the next few blocks of the whole table, in turn, and forgets the idle keys there. Whether there were any.
    fn sweep_on<'a>(
        &'a self,
        least: usize,
        now: u64,
        idle: &impl Idle,
        nearest: &mut Nearest<'a>,
        enough: impl Fn(&Nearest<'a>) -> bool,
    ) -> bool {
        let mut forgot = false;
        for n in 0..LONG_HAND.min(self.blocks.len()) {
            if n >= least && (forgot || enough(nearest)) {
                break;
            }
            let hand = self.hand.fetch_add(1, Relaxed) % self.blocks.len() as u64;
            for slot in &self.blocks[hand as usize].0 {
                let seen = Entry::unpack(slot.load(Acquire));
                if !seen.is_key() {
                    continue;
                }
                let used = idle.used(seen.word, now);
                if used > 0 {
                    nearest.offer(used, slot, seen);
                    continue;
                }
                self.floor.fetch_max(now, AcqRel);
                if self.place(slot, seen, Entry { hash: FORGOTTEN, word: 0 }) {
                    self.shrink();
                    forgot = true;
                }
            }
        }
        forgot
    }

    /// Brings a key into a free slot. `Some(false)`: the slot has changed meanwhile. `None`: the table is full.
    fn settle(&self, slot: &AtomicU128, seen: Entry, new: Entry) -> Option<bool> {
        if !self.grow() {
            return None;
        }
        let settled = self.place(slot, seen, new);
        if !settled {
            self.shrink();
        }
        Some(settled)
    }

    fn place(&self, slot: &AtomicU128, seen: Entry, new: Entry) -> bool {
        if seeded(Bug::EvictedUnderSpend) {
            slot.swap(new.pack(), AcqRel);
            return true;
        }
        slot.compare_exchange_weak(seen.pack(), new.pack(), AcqRel, Relaxed).is_ok()
    }

    /// One key more, if the maximum allows it.
    fn grow(&self) -> bool {
        let mut len = self.len.load(Relaxed);
        while len < self.max || seeded(Bug::LastPlaceTwice) {
            match self.len.compare_exchange_weak(len, len + 1, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(seen) => len = seen,
            }
        }
        false
    }

    fn shrink(&self) {
        let mut len = self.len.load(Relaxed);
        while let Err(seen) = self.len.compare_exchange_weak(len, len - 1, Relaxed, Relaxed) {
            len = seen;
        }
    }

    /// Forgets a key. Whether it was here.
    pub(crate) fn forget(&self, hash: u64) -> bool {
        while let Some((slot, word)) = self.find(hash) {
            if self.exchange(slot, Entry { hash, word }, Entry { hash: FORGOTTEN, word: 0 }).is_ok() {
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

/// The least prime that is not below `n`, or 1. Primes lie close together: for `n` up to 2^40 the next is less than 1,000 away.
fn next_prime(n: usize) -> usize {
    let is_prime = |n: &usize| (2..).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
    (n..).find(is_prime).unwrap_or(n)
}
