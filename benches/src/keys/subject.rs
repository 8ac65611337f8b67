//! What is asked: the trait, our limiter, and the plainest thing that would do the same.

use core::hash::{BuildHasher, Hash};
use core::hint::black_box;
use std::collections::hash_map::RandomState;

use hashbrown::HashTable;
use parking_lot::Mutex;
use tidegate::{Algorithm, Clock, KeyedLimiter, MonotonicClock, Quota};
use tidegate_benches::coarse::STORED_INSTANT;

use super::floor::{self, FLOOR};
use super::space::KeyType;
use super::{BURST, INTERVAL};

/// Something with a limiter for each key.
pub trait Subject<K>: Sync {
    /// Asks for one permit of each key, in turn, and returns how many were admitted.
    fn spend(&self, keys: &[K]) -> u64;
    /// How many keys were forgotten before they were idle.
    fn evictions(&self) -> u64 {
        0
    }
    /// Whether it can say so.
    fn counts_evictions(&self) -> bool {
        false
    }
}

/// How many keys there will be, and whether memory for them may be taken at once by those who can.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Keys.
    pub keys: usize,
    /// `false`: begin as small as the crate does by default. Ours always takes its memory at once.
    pub at_once: bool,
}

impl Room {
    /// The capacity to ask for, if any.
    pub fn capacity(self) -> usize {
        if self.at_once { self.keys } else { 0 }
    }
}

/// Makes a subject.
pub type Make<K> = fn(Room) -> Box<dyn Subject<K>>;

/// Ours, in the table.
pub const TIDEGATE: &str = "tidegate";
/// Ours, on a clock that its user has chosen: an instant that is stored now and then.
pub const STORED: &str = "tidegate, a stored instant";
/// The peer of the targets.
pub const GOVERNOR: &str = "governor";
/// The plainest thing that would do the same.
pub const SHARDED: &str = "sharded map";

/// Everybody who takes keys of this type. Ours is the first.
pub fn all<K: KeyType>() -> Vec<(&'static str, Make<K>)> {
    let mut all: Vec<(&'static str, Make<K>)> =
        vec![(TIDEGATE, ours::<K>), (GOVERNOR, super::peers::governor::<K>), ("gcra", super::peers::gcra::<K>)];
    all.extend(K::own_peers());
    all.push((SHARDED, sharded::<K>));
    all
}

/// Those who can be told the time, each told the same one at every call. Ours is the first.
pub fn told<K: KeyType>() -> Vec<(&'static str, Make<K>)> {
    vec![
        (TIDEGATE, ours_told::<K>),
        (GOVERNOR, super::peers::governor_told::<K>),
        ("gcra", super::peers::gcra_told::<K>),
        (SHARDED, sharded_told::<K>),
        (FLOOR, floor::told::<K>),
    ]
}

/// A table and how to ask it.
pub struct Asked<T, F> {
    /// The table.
    pub table: T,
    /// Asks for one permit.
    pub ask: F,
}

impl<K: Sync, T: Sync, F: Fn(&T, &K) -> bool + Sync> Subject<K> for Asked<T, F> {
    fn spend(&self, keys: &[K]) -> u64 {
        count(&self.table, keys, &self.ask)
    }
}

/// The table is hidden from the optimizer at each call, as if the calls were apart.
#[inline(always)]
fn count<K, T>(table: &T, keys: &[K], ask: impl Fn(&T, &K) -> bool) -> u64 {
    keys.iter().map(|key| u64::from(ask(black_box(table), key))).sum()
}

struct Ours<K: KeyType>(KeyedLimiter<K::Asked>);

impl<K: KeyType> Subject<K> for Ours<K> {
    fn spend(&self, keys: &[K]) -> u64 {
        count(&self.0, keys, |keyed, key| keyed.try_acquire(key.asked(), 1))
    }

    fn evictions(&self) -> u64 {
        self.0.evictions()
    }

    fn counts_evictions(&self) -> bool {
        true
    }
}

/// Ours, told the time.
fn ours_told<K: KeyType>(room: Room) -> Box<dyn Subject<K>> {
    let table = (limiter_of::<K>(busy(), room.keys), MonotonicClock.now());
    let ask = |(keyed, now): &(KeyedLimiter<K::Asked>, u64), key: &K| keyed.try_acquire_at(key.asked(), *now, 1);
    Box::new(Asked { table, ask })
}

fn busy() -> Quota {
    Quota::from_nanos(1, INTERVAL).and_then(|quota| quota.burst(BURST.into())).expect("within every bound")
}

/// Ours, of `max_keys` keys.
fn ours<K: KeyType>(room: Room) -> Box<dyn Subject<K>> {
    limiter::<K>(busy(), room.keys)
}

/// A table of ours whose keys are idle again at once: every newcomer takes the slot of an idle key.
pub fn of_idle_keys<K: KeyType>(max_keys: usize) -> Box<dyn Subject<K>> {
    limiter::<K>(Quota::from_nanos(1, 1).expect("within every bound"), max_keys)
}

/// A table of ours as in all the other measurements; full, every newcomer evicts.
pub fn of_busy_keys<K: KeyType>(max_keys: usize) -> Box<dyn Subject<K>> {
    ours::<K>(Room { keys: max_keys, at_once: true })
}

/// Ours, on a clock that is a load.
pub fn stored<K: KeyType>(max_keys: usize) -> Box<dyn Subject<K>> {
    let builder = KeyedLimiter::builder(Algorithm::Gcra, busy()).max_keys(max_keys).clock(&STORED_INSTANT);
    Box::new(Ours::<K>(builder.build().expect("memory")))
}

fn limiter_of<K: KeyType>(quota: Quota, max_keys: usize) -> KeyedLimiter<K::Asked> {
    KeyedLimiter::builder(Algorithm::Gcra, quota).max_keys(max_keys).build().expect("memory")
}

fn limiter<K: KeyType>(quota: Quota, max_keys: usize) -> Box<dyn Subject<K>> {
    Box::new(Ours::<K>(limiter_of::<K>(quota, max_keys)))
}

const SHARDS: usize = 64;

/// A shard on cache lines of its own.
#[repr(align(128))]
struct Shard<K>(Mutex<HashTable<(K, u64)>>);

/// Maps of words behind `parking_lot` mutexes, under the standard library's hasher, which is keyed like ours. It hashes once.
struct Sharded<K> {
    shards: Box<[Shard<K>]>,
    hasher: RandomState,
}

impl<K> Sharded<K> {
    fn new(room: Room) -> Sharded<K> {
        let shard = |_| Shard(Mutex::new(HashTable::with_capacity(room.capacity() / SHARDS * 9 / 8)));
        Sharded { shards: (0..SHARDS).map(shard).collect(), hasher: RandomState::new() }
    }
}

fn sharded<K: KeyType>(room: Room) -> Box<dyn Subject<K>> {
    let ask = |table: &Sharded<K>, key: &K| table.try_acquire(key, MonotonicClock.now());
    Box::new(Asked { table: Sharded::new(room), ask })
}

fn sharded_told<K: KeyType>(room: Room) -> Box<dyn Subject<K>> {
    let table = (Sharded::new(room), MonotonicClock.now());
    Box::new(Asked { table, ask: |(table, now): &(Sharded<K>, u64), key: &K| table.try_acquire(key, *now) })
}

impl<K: Hash + Eq + Clone> Sharded<K> {
    /// GCRA in nanoseconds.
    fn try_acquire(&self, key: &K, now: u64) -> bool {
        let hash = self.hasher.hash_one(key);
        // The map uses the lowest and the seven highest bits.
        let mut shard = self.shards[(hash >> 32) as usize % SHARDS].0.lock();
        let entry = shard.entry(hash, |(known, _)| known == key, |(known, _)| self.hasher.hash_one(known));
        let mut entry = entry.or_insert_with(|| (key.clone(), 0));
        let arrival = &mut entry.get_mut().1;
        let next = (*arrival).max(now) + INTERVAL;
        let admitted = next - now <= INTERVAL * u64::from(BURST);
        if admitted {
            *arrival = next;
        }
        admitted
    }
}
