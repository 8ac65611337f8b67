//! The floor of a hit: what no table with the same promise can be faster than on this machine, however its keys are hashed and found.
//!
//! A grant to one of many keys changes a word that nobody has touched for long: one line comes from memory, and one compare-and-swap
//! changes it. Here the line follows from the key by one multiplication, nothing is hashed, compared or computed, and the lines together
//! take the 22 bytes a key of tidegate's table. With a clock of its own a limiter also reads a counter for each call. Some processors read it
//! only when all loads before have come, and begin none meanwhile: then the lines of two calls are not on their way at once, while those of
//! calls that are told the time are. So the line is asked for by a prefetch, for which nothing waits, before the counter is read.

use core::hint::black_box;
use std::hash::{BuildHasher, RandomState};

use portable_atomic::{AtomicU128, Ordering::AcqRel, Ordering::Acquire};

use super::space::KeyType;
use super::subject::{Asked, Room, Subject};

/// The column.
pub const FLOOR: &str = "floor";
/// The column of the same, found by the keyed hash that keeps attackers from choosing keys which collide (SipHash-1-3, governor's too).
pub const HASHED: &str = "floor, with a keyed hash";

const BYTES_A_KEY: usize = 22;

#[repr(align(64))]
struct Line([AtomicU128; 4]);

struct Lines {
    lines: Box<[Line]>,
    counter: quanta::Clock,
    hash: RandomState,
}

impl Lines {
    fn new(keys: usize) -> Lines {
        let lines = (keys * BYTES_A_KEY).div_ceil(size_of::<Line>());
        let line = |_| Line(core::array::from_fn(|_| AtomicU128::new(0)));
        Lines { lines: (0..lines).map(line).collect(), counter: quanta::Clock::new(), hash: RandomState::new() }
    }

    #[inline(always)]
    fn word(&self, spread: u64) -> &AtomicU128 {
        let at = (u128::from(spread) * self.lines.len() as u128) >> 64;
        &self.lines[at as usize].0[0]
    }

    #[inline(always)]
    fn prefetch(&self, spread: u64) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a prefetch is a hint, and reads nothing that the program could see.
        unsafe {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch(core::ptr::from_ref(self.word(spread)).cast(), _MM_HINT_T0);
        }
        #[cfg(not(target_arch = "x86_64"))]
        black_box(self.word(spread).load(Acquire));
    }

    #[inline(always)]
    fn counted(&self, spread: u64) -> bool {
        self.prefetch(spread);
        black_box(self.counter.raw());
        self.change(spread)
    }

    #[inline(always)]
    fn change(&self, spread: u64) -> bool {
        let word = self.word(spread);
        let mut before = word.load(Acquire);
        loop {
            match word.compare_exchange_weak(before, before + 1, AcqRel, Acquire) {
                Ok(_) => return true,
                Err(seen) => before = seen,
            }
        }
    }
}

/// One line and a reading of the counter.
pub fn counted<K: KeyType>(room: Room) -> Box<dyn Subject<K>> {
    Box::new(Asked { table: Lines::new(room.keys), ask: |lines: &Lines, key: &K| lines.counted(key.spread()) })
}

/// The same, with a keyed hash.
pub fn hashed<K: KeyType>(room: Room) -> Box<dyn Subject<K>> {
    let ask = |lines: &Lines, key: &K| lines.counted(lines.hash.hash_one(key.asked()));
    Box::new(Asked { table: Lines::new(room.keys), ask })
}

/// One line.
pub fn told<K: KeyType>(room: Room) -> Box<dyn Subject<K>> {
    Box::new(Asked { table: Lines::new(room.keys), ask: |lines: &Lines, key: &K| lines.change(key.spread()) })
}
