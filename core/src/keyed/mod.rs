//! `KeyedLimiter`: one quota for each of many keys, in a table that never grows.

mod builder;
mod change;
mod key;
mod many;
mod newcomer;
mod slot;
mod table;

use alloc::boxed::Box;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::time::Duration;

use siphasher::sip::SipHasher13;

pub use builder::{KeyedLimiterBuilder, KeyedLimiterError};
pub(crate) use key::Marked;
pub use key::{Key, KeyedReservation};
pub use many::KeyedSnapshot;
pub use newcomer::WhenFull;

use crate::decision::Decision;
use crate::limiter::kept::Kept;
use crate::limiter::place::Place;
use crate::limiter::{Refused, Slot};
use crate::quota::Quota;
use crate::rule::{Algorithm, Config, Rule, Step};
use crate::time::ClockSource;
use newcomer::Idle;
use table::Table;

/// A rate limiter for each key: per API key, per address, per account.
///
/// * **Bounded.** Memory is taken once, 22.2 bytes a key (plus at most 8 KiB), whatever the keys' type: keys are not kept, only their 64-bit
///   hashes. `len` never exceeds `max_keys`.
/// * **Nothing to schedule.** A key whose state is as good as new is *idle*, and its slot is reused by newcomers: each looks at no more than 112
///   slots. There is no sweep of the whole, no timer, no thread.
/// * **Strangers do not free the limited.** While there is a free slot in reach, or an idle one is found, nobody is forgotten (in reach: 48 slots;
///   with fewer than `max_keys` keys one in some hundred thousand finds none free, in tables of some hundred keys one in some thousand). Otherwise [`WhenFull`] decides; by default the
///   key goes that has least in use of 16 slots looked at (of up to 112, until one is found with at most one permit in use, and no more than
///   the newcomer spends), which forgives least, and [`KeyedLimiter::evictions`] counts it.
/// * **Late clocks.** A key that was forgotten as idle is new as of that moment, also for callers whose clock is behind it by no more than the
///   time in which a spent limiter is as good as new. Who is further behind meets a new key.
/// * **Hashes cannot be chosen.** SipHash-1-3 under a secret seed of the operating system's, one for each table. Two of a million keys share
///   a hash, and with it a limit, with a probability below 1 in 30 million.
///
/// Any algorithm but the sliding log, whose state is not one word.
///
/// # Concurrency
/// Finding and spending are lock-free; a newcomer takes a short lock that only other newcomers to the same part of the table wait for.
/// Each key is linearizable as a [`Limiter`](crate::Limiter) is. On processors without a 128-bit compare-and-swap, slots are guarded by
/// locks of `portable-atomic`.
///
/// ```
/// use tidegate::{Algorithm, KeyedLimiter, Quota};
/// let keyed: KeyedLimiter<str> =
///     KeyedLimiter::builder(Algorithm::SlidingWindow, Quota::per_minute(300)?).max_keys(1_000_000).build()?;
/// assert!(keyed.try_acquire("org_1", 300));
/// assert!(!keyed.try_acquire("org_1", 1));
/// assert!(keyed.try_acquire(&String::from("org_2"), 1));
/// assert_eq!(keyed.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KeyedLimiter<K: ?Sized> {
    keys: Keys,
    kind: PhantomData<fn(&K)>,
}

/// A keyed limiter, whatever its keys are.
pub(crate) struct Keys {
    config: Config,
    origin: u64,
    rule: Rule,
    table: Table,
    seed: [u64; 2],
    when_full: WhenFull,
    /// One for the keys that share it.
    kept: Box<[Kept]>,
    /// What newcomers share when there is no room for them.
    overflow: Place,
    clock: ClockSource,
}

/// A rule says what its words forgive.
impl Idle for Rule {
    fn permit(&self) -> u64 {
        self.unit()
    }

    #[inline]
    fn used(&self, word: u64, now: u64) -> u64 {
        Step::used(self, word, now)
    }

    fn idle_from(&self, word: u64, now: u64) -> u64 {
        self.renewed(word, now).unwrap_or(u64::MAX)
    }
}

impl<K: ?Sized> KeyedLimiter<K> {
    /// A builder; its `max_keys` must be said.
    pub fn builder(algorithm: Algorithm, quota: Quota) -> KeyedLimiterBuilder<K> {
        KeyedLimiterBuilder::new(algorithm, quota)
    }

    /// The keys remembered, idle ones included. At most [`KeyedLimiter::max_keys`].
    pub fn len(&self) -> usize {
        self.keys.table.len() as usize
    }

    /// Whether no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most keys remembered at once.
    pub fn max_keys(&self) -> usize {
        self.keys.table.max() as usize
    }

    /// How many keys were forgotten although they were not idle.
    pub fn evictions(&self) -> u64 {
        self.keys.table.evictions()
    }

    /// The bytes that the table takes, all of them since it was made.
    pub fn memory(&self) -> usize {
        self.keys.table.bytes() + size_of_val(&*self.keys.kept)
    }

    /// The quota of each key.
    pub fn quota(&self) -> Quota {
        self.keys.config.quota
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.keys.config.algorithm
    }

    pub(crate) fn clock(&self) -> &ClockSource {
        &self.keys.clock
    }

    pub(crate) fn rule(&self) -> &Rule {
        &self.keys.rule
    }

    /// The time of the limiter's clock, in nanoseconds.
    #[inline]
    pub fn now(&self) -> u64 {
        self.keys.clock.now()
    }
}

/// Each verb as [`Limiter`](crate::Limiter) has it, for one key.
impl<K: ?Sized + Hash> KeyedLimiter<K> {
    /// A handle for a key, which has been hashed once.
    ///
    /// ```
    /// # use tidegate::{Algorithm, KeyedLimiter, Quota};
    /// let keyed: KeyedLimiter<u64> = KeyedLimiter::builder(Algorithm::Gcra, Quota::per_second(5)?).max_keys(100).build()?;
    /// let key = keyed.key(&17);
    /// assert_eq!((0..10).filter(|_| key.try_acquire_at(0, 1)).count(), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn key(&self, key: &K) -> Key<'_, K> {
        let mut hasher = SipHasher13::new_with_keys(self.keys.seed[0], self.keys.seed[1]);
        key.hash(&mut hasher);
        Key::new(&self.keys, Table::hash(hasher.finish()))
    }

    /// A handle for a key that the caller has hashed, once for several limiters: `hash` must be a keyed 64-bit hash under a secret seed of theirs,
    /// such as the standard library's `RandomState` makes.
    ///
    /// Two keys of one hash share a limit, so who can choose hashes can choose whose. Not the handle that [`KeyedLimiter::key`] makes of the same key: use
    /// one of the two for a limiter.
    ///
    /// ```
    /// use std::hash::{BuildHasher, RandomState};
    /// # use tidegate::{Algorithm, Group, KeyedLimiter, Member, Quota};
    /// let keyed = |quota| KeyedLimiter::<str>::builder(Algorithm::Gcra, quota).max_keys(100).build();
    /// let (second, hour) = (keyed(Quota::per_second(2)?)?, keyed(Quota::per_hour(9)?)?);
    /// let hash = RandomState::new().hash_one("alice");
    /// let keys = [second.key_of_hash(hash), hour.key_of_hash(hash)];
    /// keys.iter().for_each(|key| key.prefetch());
    /// let members = [Member::key("second", keys[0], 1), Member::key("hour", keys[1], 1)];
    /// let group = Group::new(&members)?;
    /// assert_eq!((0..9).filter(|_| group.take_at(0).is_allowed()).count(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn key_of_hash(&self, hash: u64) -> Key<'_, K> {
        Key::new(&self.keys, Table::hash(hash))
    }

    /// The key that [`Key::into_raw`] of this limiter made a number of.
    pub fn key_from_raw(&self, raw: u64) -> Key<'_, K> {
        Key::new(&self.keys, Table::hash(raw))
    }

    /// See [`Limiter::try_acquire_at`](crate::Limiter::try_acquire_at).
    #[inline]
    pub fn try_acquire_at(&self, key: &K, now: u64, cost: u64) -> bool {
        self.key(key).try_acquire_at(now, cost)
    }

    /// See [`Limiter::take_at`](crate::Limiter::take_at).
    #[inline]
    pub fn take_at(&self, key: &K, now: u64, cost: u64) -> Decision {
        self.key(key).take_at(now, cost)
    }

    /// See [`Limiter::peek_at`](crate::Limiter::peek_at). A key that is not remembered is new, and stays so.
    pub fn peek_at(&self, key: &K, now: u64, cost: u64) -> Decision {
        self.key(key).peek_at(now, cost)
    }

    /// See [`Limiter::refund_at`](crate::Limiter::refund_at).
    pub fn refund_at(&self, key: &K, now: u64, permits: u64) {
        self.key(key).refund_at(now, permits);
    }

    /// See [`Limiter::charge_at`](crate::Limiter::charge_at).
    pub fn charge_at(&self, key: &K, now: u64, cost: u64) -> Decision {
        self.key(key).charge_at(now, cost)
    }

    /// See [`Limiter::reserve_at`](crate::Limiter::reserve_at).
    ///
    /// # Errors
    /// As there; also if there is no room for the key.
    pub fn reserve_at(&self, key: &K, now: u64, cost: u64, max_wait_nanos: u64) -> Result<Slot, Refused> {
        self.key(key).reserve_at(now, cost, max_wait_nanos)
    }

    /// See [`Limiter::cancel_at`](crate::Limiter::cancel_at). The key must be the one of the reservation.
    pub fn cancel_at(&self, key: &K, now: u64, slot: Slot) {
        self.key(key).cancel_at(now, slot);
    }

    /// See [`Limiter::settle_at`](crate::Limiter::settle_at). The key must be the one of the reservation.
    pub fn settle_at(&self, key: &K, now: u64, slot: Slot, actual: u64) -> Decision {
        self.key(key).settle_at(now, slot, actual)
    }

    /// Forgets a key: it is new and full. Whether it was remembered.
    pub fn reset(&self, key: &K) -> bool {
        self.key(key).reset()
    }

    /// [`KeyedLimiter::try_acquire_at`], now.
    #[inline]
    pub fn try_acquire(&self, key: &K, cost: u64) -> bool {
        // Hashed first: some processors read their counter only when all loads before are done, and meanwhile the hash is made.
        self.key(key).try_acquire(cost)
    }

    /// [`KeyedLimiter::take_at`], now.
    #[inline]
    pub fn take(&self, key: &K, cost: u64) -> Decision {
        self.key(key).take(cost)
    }

    /// [`KeyedLimiter::peek_at`], now.
    pub fn peek(&self, key: &K, cost: u64) -> Decision {
        self.peek_at(key, self.now(), cost)
    }

    /// [`KeyedLimiter::refund_at`], now.
    pub fn refund(&self, key: &K, permits: u64) {
        self.refund_at(key, self.now(), permits);
    }

    /// [`KeyedLimiter::charge_at`], now.
    pub fn charge(&self, key: &K, cost: u64) -> Decision {
        self.charge_at(key, self.now(), cost)
    }

    /// [`KeyedLimiter::reserve_at`], now, and held with its key: see [`Key::reserve`].
    ///
    /// # Errors
    /// As [`KeyedLimiter::reserve_at`].
    pub fn reserve(&self, key: &K, cost: u64, max_wait: Duration) -> Result<KeyedReservation<'_, K>, Refused> {
        self.key(key).reserve(cost, max_wait)
    }

    /// [`KeyedLimiter::settle_at`], now.
    pub fn settle(&self, key: &K, slot: Slot, actual: u64) -> Decision {
        self.key(key).settle(slot, actual)
    }

    /// [`KeyedLimiter::cancel_at`], now.
    pub fn cancel(&self, key: &K, slot: Slot) {
        self.cancel_at(key, self.now(), slot);
    }
}

impl<K: ?Sized> fmt::Debug for KeyedLimiter<K> {
    /// The seed is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedLimiter")
            .field("algorithm", &self.keys.config.algorithm)
            .field("quota", &self.keys.config.quota)
            .field("len", &self.len())
            .field("max_keys", &self.max_keys())
            .field("evictions", &self.evictions())
            .finish_non_exhaustive()
    }
}
