//! The floor of a hit: what no table with the same promise can be faster than on this machine, however its keys are hashed and found.
//!
//! A grant to one of many keys changes a word that nobody has touched for long: one line comes from memory, and one compare-and-swap
//! changes it. Here the line follows from the key by one multiplication, nothing is hashed, compared or computed, and the lines together
//! take the 22 bytes a key of tidegate's table. With a clock of its own a limiter also reads a counter for each call: in between, as
//! tidegate does, which is the quickest, because some processors read it only when all loads before have come. So the lines of two calls
//! cannot be on their way at once, whatever a table does, while those of calls that are told the time can.

use core::hint::black_box;

use portable_atomic::{AtomicU128, Ordering::AcqRel, Ordering::Acquire};

use super::space::KeyType;
use super::subject::{Asked, Room, Subject};

/// The column.
pub const FLOOR: &str = "floor";

const BYTES_A_KEY: usize = 22;

#[repr(align(64))]
struct Line([AtomicU128; 4]);

struct Lines {
    lines: Box<[Line]>,
    counter: quanta::Clock,
}

impl Lines {
    fn new(keys: usize) -> Lines {
        let lines = (keys * BYTES_A_KEY).div_ceil(size_of::<Line>());
        let line = |_| Line(core::array::from_fn(|_| AtomicU128::new(0)));
        Lines { lines: (0..lines).map(line).collect(), counter: quanta::Clock::new() }
    }

    #[inline(always)]
    fn change(&self, spread: u64, meanwhile: impl FnOnce()) -> bool {
        let at = (u128::from(spread) * self.lines.len() as u128) >> 64;
        let word = &self.lines[at as usize].0[0];
        let mut before = word.load(Acquire);
        meanwhile();
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
    let ask = |lines: &Lines, key: &K| {
        lines.change(key.spread(), || {
            black_box(lines.counter.raw());
        })
    };
    Box::new(Asked { table: Lines::new(room.keys), ask })
}

/// One line.
pub fn told<K: KeyType>(room: Room) -> Box<dyn Subject<K>> {
    Box::new(Asked { table: Lines::new(room.keys), ask: |lines: &Lines, key: &K| lines.change(key.spread(), || ()) })
}
