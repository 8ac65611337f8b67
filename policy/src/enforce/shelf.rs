//! `Shelf`: a bounded map of whole limiters, for those whose state is more than one word.
//!
//! A sliding log keeps 8 bytes a permit, so its keys cannot share the table of words. A shelf keeps one limiter a key, in parts that
//! are locked for a look-up and never while a limiter decides. It never holds more than its maximum: a newcomer to a full part takes the
//! place of the key that has least in use, of [`LOOKS`] that are looked at in turn; one that was idle is forgotten without loss.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::seeds::{Bug, seeded};

/// Keys that a newcomer chooses from.
const LOOKS: usize = 8;
/// Parts of a shelf of many keys.
const PARTS: usize = 16;

/// What stands on a shelf, and can tell how much of it is in use.
pub(crate) trait Kept {
    /// 0 when forgetting it forgives nothing; otherwise the more, the longer it is remembered.
    fn in_use(&self, now: u64) -> u64;
}

pub(crate) struct Shelf<T> {
    parts: Box<[Mutex<Part<T>>]>,
    part_max: usize,
    max_keys: usize,
    evictions: AtomicU64,
}

struct Part<T> {
    kept: HashMap<u64, Arc<T>, Hashed>,
    /// The same keys in a row, for newcomers to look at.
    row: Vec<u64>,
    /// Where the next newcomer begins to look.
    hand: usize,
}

type Hashed = std::hash::BuildHasherDefault<AlreadyHashed>;

/// Keys are keyed hashes already.
#[derive(Default)]
pub(crate) struct AlreadyHashed(u64);

impl std::hash::Hasher for AlreadyHashed {
    /// The map tells keys apart by the highest bits; those of one part have these in common.
    fn finish(&self) -> u64 {
        self.0.rotate_left(32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl<T: Kept> Shelf<T> {
    /// Room for at least 1 key.
    pub(crate) fn new(max_keys: usize) -> Shelf<T> {
        let parts = (max_keys / 64).clamp(1, PARTS);
        let part = || Mutex::new(Part { kept: HashMap::default(), row: Vec::new(), hand: 0 });
        Shelf {
            parts: (0..parts).map(|_| part()).collect(),
            part_max: (max_keys / parts).max(1),
            max_keys,
            evictions: AtomicU64::new(0),
        }
    }

    /// The limiter of a key; made by `new` for a newcomer, if it can be made.
    pub(crate) fn get(&self, key: u64, now: u64, new: impl FnOnce() -> Option<T>) -> Option<Arc<T>> {
        // At most 16 parts.
        let at = ((u128::from(key) * self.parts.len() as u128) >> 64) as usize;
        let mut part = self.parts[at].lock();
        if let Some(found) = part.kept.get(&key) {
            return Some(found.clone());
        }
        let made = Arc::new(new()?);
        if seeded(Bug::MadeTwice) {
            parking_lot::MutexGuard::unlocked(&mut part, std::thread::yield_now);
        }
        if part.kept.len() >= self.part_max {
            self.make_room(&mut part, now);
        }
        part.kept.insert(key, made.clone());
        part.row.push(key);
        Some(made)
    }

    #[cold]
    fn make_room(&self, part: &mut Part<T>, now: u64) {
        let len = part.row.len();
        let mut least: Option<(u64, usize)> = None;
        for step in 0..LOOKS.min(len) {
            let at = (part.hand + step) % len;
            let used = part.kept.get(&part.row[at]).map_or(0, |kept| kept.in_use(now));
            if least.is_none_or(|(best, _)| used < best) {
                least = Some((used, at));
            }
            if used == 0 {
                break;
            }
        }
        part.hand = (part.hand + LOOKS) % len.max(1);
        if let Some((used, at)) = least {
            let gone = part.row.swap_remove(at);
            part.kept.remove(&gone);
            if used > 0 {
                self.evictions.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The keys remembered.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.lock().kept.len()).sum()
    }

    /// Keys that were forgotten although they were in use.
    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    /// The most keys remembered, as it was asked for.
    pub(crate) fn max_keys(&self) -> usize {
        self.max_keys
    }

    /// Everything on the shelf, one part at a time.
    pub(crate) fn all(&self) -> Vec<(u64, Arc<T>)> {
        self.parts
            .iter()
            .flat_map(|part| part.lock().kept.iter().map(|(key, kept)| (*key, kept.clone())).collect::<Vec<_>>())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Used(u64);
    impl Kept for Used {
        fn in_use(&self, _: u64) -> u64 {
            self.0
        }
    }

    /// Spread over 64 bits, as hashes are.
    fn hash(n: u64) -> u64 {
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n << 32
    }

    #[test]
    fn it_never_holds_more_than_its_maximum() {
        for max in [1, 2, 63, 64, 129, 1000] {
            let shelf = Shelf::new(max);
            (0..5000).for_each(|n| drop(shelf.get(hash(n), 0, || Some(Used(1)))));
            assert!(shelf.len() <= max && shelf.len() > max * 3 / 4, "{} of {max}", shelf.len());
            assert_eq!(shelf.evictions() + shelf.len() as u64, 5000);
        }
    }

    #[test]
    fn whoever_has_nothing_in_use_goes_first_and_is_not_counted() {
        let shelf = Shelf::new(8);
        (1..8).for_each(|n| drop(shelf.get(hash(n), 0, || Some(Used(n)))));
        drop(shelf.get(hash(99), 0, || Some(Used(0))));
        drop(shelf.get(hash(100), 0, || Some(Used(50))));
        assert_eq!((shelf.evictions(), shelf.len()), (0, 8));
        drop(shelf.get(hash(101), 0, || Some(Used(60))));
        assert_eq!(shelf.evictions(), 1);
        // The least used of those in use went.
        assert!(shelf.all().iter().all(|(_, kept)| kept.0 != 1));
    }

    #[test]
    fn a_key_is_found_again() {
        let shelf = Shelf::new(1000);
        (0..500).for_each(|n| drop(shelf.get(hash(n), 0, || Some(Used(n)))));
        (0..500).for_each(|n| assert_eq!(shelf.get(hash(n), 0, || None).map(|kept| kept.0), Some(n)));
    }
}
