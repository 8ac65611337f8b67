//! Many keys at once: `take_many`, walking over the live states, forgetting them all, and keeping them across a restart.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::hash::Hash;

use super::builder::KeyedLimiterError;
use super::newcomer::{Idle, WhenFull};
use super::{Key, KeyedLimiter};
use crate::decision::{Decision, Verb};
use crate::quota::Quota;
use crate::rule::{Algorithm, Config, Step};

/// How many keys ahead `take_many` asks memory for.
const AHEAD: usize = 16;

impl<K: ?Sized + Hash> KeyedLimiter<K> {
    /// [`KeyedLimiter::take_at`] for each of several keys, in their order.
    ///
    /// Each is a decision of its own: some may be allowed and others not. Faster than one by one where the table is larger
    /// than the cache, because the keys' slots are fetched together.
    ///
    /// ```
    /// # use tidegate::{Algorithm, KeyedLimiter, Quota};
    /// let keyed: KeyedLimiter<str> = KeyedLimiter::builder(Algorithm::Gcra, Quota::per_minute(1)?).max_keys(10).build()?;
    /// let decisions = keyed.take_many_at(&["a", "b", "a"], 0, 1);
    /// let allowed: Vec<bool> = decisions.iter().map(|decision| decision.is_allowed()).collect();
    /// assert_eq!(allowed, [true, true, false]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_many_at(&self, keys: &[&K], now: u64, cost: u64) -> Vec<Decision> {
        let mut decisions = Vec::with_capacity(keys.len());
        for keys in keys.chunks(AHEAD) {
            let handles: Vec<Key<'_, K>> = keys.iter().map(|key| self.key(key)).collect();
            handles.iter().for_each(Key::prefetch);
            decisions.extend(handles.iter().map(|key| key.take_at(now, cost)));
        }
        decisions
    }

    /// [`KeyedLimiter::take_many_at`], now.
    pub fn take_many(&self, keys: &[&K], cost: u64) -> Vec<Decision> {
        self.take_many_at(keys, self.now(), cost)
    }
}

impl<K: ?Sized> KeyedLimiter<K> {
    /// Calls `visit` with a handle and a decision (a [`peek`](Key::peek_at) of one permit) for each key that is not idle at `now`.
    ///
    /// Walks over the whole table. Keys that change meanwhile are seen before or after; keys themselves are not kept, so a handle is all there is.
    pub fn for_each_at(&self, now: u64, mut visit: impl FnMut(Key<'_, K>, Decision)) {
        let now = now.min(self.keys.rule.end());
        for (hash, word) in self.keys.table.entries() {
            if Idle::used(&self.keys.rule, word, now) > 0 {
                let allowed = self.keys.rule.take(word, now, 1).is_some();
                visit(
                    Key::new(&self.keys, hash),
                    Decision::of_word(allowed, &self.keys.rule, word, now, 1, Verb::Take),
                );
            }
        }
    }

    /// [`KeyedLimiter::for_each_at`], now.
    pub fn for_each(&self, visit: impl FnMut(Key<'_, K>, Decision)) {
        self.for_each_at(self.now(), visit);
    }

    /// Forgets every key that is there when it is come to.
    pub fn clear(&self) {
        for (hash, _) in self.keys.table.entries() {
            self.keys.table.forget(hash);
        }
    }

    /// The quota, the keys that are not idle at `now`, and the seed of their hashes. Keep it as you would keep a secret: who knows the
    /// seed can choose keys that collide.
    pub fn snapshot_at(&self, now: u64) -> KeyedSnapshot {
        let now = now.min(self.keys.rule.end());
        let used = |word| Idle::used(&self.keys.rule, word, now);
        let mut entries: Vec<(u64, u64)> = self.keys.table.entries().filter(|&(_, word)| used(word) > 0).collect();
        // Who was forgotten during the walk and came back was met twice: what was seen last holds.
        entries.reverse();
        entries.sort_by_key(|&(hash, _)| hash);
        entries.dedup_by_key(|&mut (hash, _)| hash);
        // And who gave way during the walk was met beside who came: those with the least in use go.
        if entries.len() > self.max_keys() {
            entries.sort_by_key(|&(_, word)| Reverse(used(word)));
            entries.truncate(self.max_keys());
        }
        KeyedSnapshot {
            config: self.keys.config,
            origin: self.keys.origin,
            seed: self.keys.seed,
            max_keys: self.max_keys(),
            when_full: self.keys.when_full,
            floor: self.keys.table.floor().max(now),
            entries,
        }
    }

    /// [`KeyedLimiter::snapshot_at`], now.
    pub fn snapshot(&self) -> KeyedSnapshot {
        self.snapshot_at(self.now())
    }

    /// A limiter with the keys of a snapshot, on the default clock; for another clock see [`restore`](crate::KeyedLimiterBuilder::restore).
    ///
    /// # Errors
    /// A snapshot that was tampered with, or no memory for its table.
    ///
    /// ```
    /// # use tidegate::{Algorithm, KeyedLimiter, Quota};
    /// let before: KeyedLimiter<str> = KeyedLimiter::builder(Algorithm::Gcra, Quota::per_hour(5)?).max_keys(10).build()?;
    /// before.try_acquire_at("a", 0, 5);
    /// let after = KeyedLimiter::<str>::from_snapshot(&before.snapshot_at(0))?;
    /// assert!(!after.try_acquire_at("a", 1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_snapshot(snapshot: &KeyedSnapshot) -> Result<KeyedLimiter<K>, KeyedLimiterError> {
        let config = snapshot.config;
        KeyedLimiter::builder(config.algorithm, config.quota)
            .of_config(config)
            .when_full(snapshot.when_full)
            .restore(snapshot)
    }
}

/// The keys and states of a [`KeyedLimiter`], to be kept across a restart.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct KeyedSnapshot {
    pub(super) config: Config,
    pub(super) origin: u64,
    pub(super) seed: [u64; 2],
    pub(super) max_keys: usize,
    pub(super) when_full: WhenFull,
    /// Keys that are not among the entries are new as of then.
    #[cfg_attr(feature = "serde", serde(default))]
    pub(super) floor: u64,
    pub(super) entries: Vec<(u64, u64)>,
}

impl KeyedSnapshot {
    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The quota that it was taken under.
    pub const fn quota(&self) -> Quota {
        self.config.quota
    }

    /// The algorithm that it was taken under.
    pub const fn algorithm(&self) -> Algorithm {
        self.config.algorithm
    }
}

/// Without the seed.
impl core::fmt::Debug for KeyedSnapshot {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("KeyedSnapshot")
            .field("quota", &self.config.quota)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries that no table can have had: hashes that mean no key, words of new keys and of no rule, a key twice, more than there may be.
    #[test]
    fn a_snapshot_that_was_tampered_with_is_refused() {
        let quota = Quota::per_hour(5).unwrap();
        let keyed = KeyedLimiter::<u64>::builder(Algorithm::Gcra, quota).max_keys(2).build_at(0).unwrap();
        assert!(keyed.try_acquire_at(&1, 0, 1));
        let kept = keyed.snapshot_at(0);
        let (hash, word) = kept.entries[0];
        let restored = |entries: &[(u64, u64)]| {
            let snapshot = KeyedSnapshot { entries: entries.into(), ..kept.clone() };
            KeyedLimiter::<u64>::from_snapshot(&snapshot).map(|limiter| limiter.len())
        };
        assert_eq!(restored(&[]), Ok(0));
        assert_eq!(restored(&[(hash, word)]), Ok(1));
        // The least hash of a key.
        assert_eq!(restored(&[(2, word), (hash, word)]), Ok(2));
        for entries in [
            &[(0, word)][..],
            &[(1, word)],
            &[(hash, 0)],
            &[(hash, u64::MAX)],
            &[(hash, word), (hash, word)],
            &[(2, word), (3, word), (hash, word)],
        ] {
            assert_eq!(restored(entries), Err(KeyedLimiterError::Corrupt), "{entries:?}");
        }
    }
}
