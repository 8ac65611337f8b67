//! `KeyedLimiterBuilder`: how many keys, and what to do when there are more.

extern crate std;

use core::fmt;
use core::hash::{BuildHasher, Hasher};
use core::marker::PhantomData;
use std::collections::hash_map::RandomState;

use super::newcomer::WhenFull;
use super::table::Table;
use super::{KeyedLimiter, KeyedSnapshot, Keys};
use crate::limiter::kept::Kept;
use crate::limiter::place::Place;
use crate::quota::{Anchor, Quota, QuotaError};
use crate::rule::{Algorithm, Config, END, Refill, Rule, Step};
use crate::time::ClockSource;

/// Builds a [`KeyedLimiter`].
///
/// ```
/// use tidegate::{Algorithm, KeyedLimiter, Quota, WhenFull};
/// let keyed: KeyedLimiter<std::net::IpAddr> = KeyedLimiter::builder(Algorithm::Gcra, Quota::per_second(20)?)
///     .max_keys(100_000)
///     .when_full(WhenFull::Refuse)
///     .build()?;
/// assert_eq!(keyed.max_keys(), 100_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "call `build`"]
pub struct KeyedLimiterBuilder<K: ?Sized> {
    config: Config,
    max_keys: usize,
    when_full: WhenFull,
    clock: ClockSource,
    keys: PhantomData<fn(&K)>,
}

/// Why a keyed limiter was not built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyedLimiterError {
    /// The algorithm cannot hold the quota in one word.
    Quota(QuotaError),
    /// `max_keys` was not said, or is 0.
    NoKeys,
    /// There is no memory for this many keys.
    TooManyKeys,
    /// A snapshot's entries do not belong to its quota, or do not fit.
    Corrupt,
    /// A snapshot was taken under another algorithm, quota, refill or initial fill than the builder's.
    OtherQuota,
}

impl From<QuotaError> for KeyedLimiterError {
    fn from(error: QuotaError) -> Self {
        KeyedLimiterError::Quota(error)
    }
}

impl fmt::Display for KeyedLimiterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyedLimiterError::Quota(error) => error.fmt(f),
            KeyedLimiterError::NoKeys => f.write_str("max_keys must be at least 1"),
            KeyedLimiterError::TooManyKeys => f.write_str("no memory for max_keys at 22 bytes a key"),
            KeyedLimiterError::OtherQuota => f.write_str("the snapshot was taken under another algorithm or quota"),
            KeyedLimiterError::Corrupt => f.write_str("the snapshot's entries do not belong to its quota or table"),
        }
    }
}

impl core::error::Error for KeyedLimiterError {}

impl<K: ?Sized> Clone for KeyedLimiterBuilder<K> {
    fn clone(&self) -> Self {
        KeyedLimiterBuilder { clock: self.clock.clone(), ..*self }
    }
}

impl<K: ?Sized> fmt::Debug for KeyedLimiterBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedLimiterBuilder")
            .field("config", &self.config)
            .field("max_keys", &self.max_keys)
            .field("when_full", &self.when_full)
            .field("clock", &self.clock)
            .finish()
    }
}

impl<K: ?Sized> KeyedLimiterBuilder<K> {
    pub(super) fn new(algorithm: Algorithm, quota: Quota) -> Self {
        KeyedLimiterBuilder {
            config: Config { algorithm, quota, refill: Refill::Continuous, initial: None },
            max_keys: 0,
            when_full: WhenFull::default(),
            clock: ClockSource::Default,
            keys: PhantomData,
        }
    }

    /// The most keys remembered at once. Memory for them, 22 bytes each, is taken when the limiter is built.
    pub fn max_keys(mut self, keys: usize) -> Self {
        self.max_keys = keys;
        self
    }

    /// What becomes of a newcomer when all slots in its reach are used by keys that are not idle.
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// Where windows begin.
    pub fn anchor(mut self, anchor: Anchor) -> Self {
        self.config.quota = self.config.quota.anchor(anchor);
        self
    }

    /// How a token bucket refills.
    pub fn refill(mut self, refill: Refill) -> Self {
        self.config.refill = refill;
        self
    }

    /// How many tokens each key's bucket holds at the time at which the limiter is built (all, if not said): from then on they refill,
    /// whether the key has been seen or not. Token buckets only.
    ///
    /// ```
    /// use tidegate::{Algorithm, KeyedLimiter, Quota};
    /// let keyed: KeyedLimiter<str> = KeyedLimiter::builder(Algorithm::TokenBucket, Quota::per_second(10)?)
    ///     .initial(0)
    ///     .max_keys(100)
    ///     .build_at(0)?;
    /// assert!(!keyed.try_acquire_at("early", 99_999_999, 1));
    /// assert!(keyed.try_acquire_at("early", 100_000_000, 1));
    /// assert!(keyed.try_acquire_at("late", 1_000_000_000, 10));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn initial(mut self, permits: u64) -> Self {
        self.config.initial = Some(permits);
        self
    }

    /// A clock of your own, for every verb without `_at`.
    pub fn clock(mut self, clock: &'static dyn crate::Clock) -> Self {
        self.clock = ClockSource::Static(clock);
        self
    }

    /// A shared clock of your own.
    pub fn shared_clock(mut self, clock: alloc::sync::Arc<dyn crate::Clock>) -> Self {
        self.clock = ClockSource::Shared(clock);
        self
    }

    /// The limiter, made at the time of its clock.
    ///
    /// # Errors
    /// A quota that one word cannot hold, no keys, or more than there is memory for.
    pub fn build(self) -> Result<KeyedLimiter<K>, KeyedLimiterError> {
        let origin = self.clock.now();
        self.build_at(origin)
    }

    /// The limiter, made at `origin` (nanoseconds of the clock that the `_at` verbs will be given).
    ///
    /// # Errors
    /// As [`KeyedLimiterBuilder::build`].
    pub fn build_at(self, origin: u64) -> Result<KeyedLimiter<K>, KeyedLimiterError> {
        self.build_with(origin, fresh_seed())
    }

    /// The limiter of a snapshot, on this builder's clock. The algorithm, quota, refill and initial fill must be those of the snapshot; what
    /// becomes of newcomers to a full table is this builder's to say, and how many keys there may be, unless it does not.
    ///
    /// # Errors
    /// A snapshot of another algorithm or quota, one that was tampered with, one with more keys than `max_keys`, or no memory for its table.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tidegate::{Algorithm, KeyedLimiter, ManualClock, Quota};
    /// let quota = Quota::per_hour(5)?;
    /// let builder = KeyedLimiter::<str>::builder(Algorithm::Gcra, quota).shared_clock(Arc::new(ManualClock::new(0)));
    /// let before = builder.clone().max_keys(10).build()?;
    /// before.try_acquire("a", 5);
    /// let after = builder.restore(&before.snapshot())?;
    /// assert!(!after.try_acquire("a", 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn restore(mut self, snapshot: &KeyedSnapshot) -> Result<KeyedLimiter<K>, KeyedLimiterError> {
        if self.config != snapshot.config {
            return Err(KeyedLimiterError::OtherQuota);
        }
        if self.max_keys == 0 {
            self.max_keys = snapshot.max_keys;
        }
        if snapshot.entries.len() > self.max_keys {
            return Err(KeyedLimiterError::Corrupt);
        }
        let limiter = self.build_with(snapshot.origin, snapshot.seed)?;
        let Keys { table, rule, .. } = &limiter.keys;
        for &(hash, word) in &snapshot.entries {
            if !rule.holds(word) || !table.restore(hash, word, rule) {
                return Err(KeyedLimiterError::Corrupt);
            }
        }
        // Only now: what is restored was spent before.
        table.raise_floor(snapshot.floor);
        Ok(limiter)
    }

    pub(super) fn build_with(self, origin: u64, seed: [u64; 2]) -> Result<KeyedLimiter<K>, KeyedLimiterError> {
        let origin = origin.min(END);
        let rule = Rule::new(&self.config, origin)?;
        if self.max_keys == 0 {
            return Err(KeyedLimiterError::NoKeys);
        }
        let first = rule.first_word(origin, self.config.initial);
        let memory = remembered(&rule, &self.config.quota, origin);
        let keys = Keys {
            config: self.config,
            origin,
            rule,
            table: Table::new(self.max_keys, memory, first).ok_or(KeyedLimiterError::TooManyKeys)?,
            seed,
            when_full: self.when_full,
            // Enough that keys with reservations seldom meet, little beside the slots.
            kept: (0..self.max_keys.div_ceil(64).min(512)).map(|_| Kept::new(0)).collect(),
            overflow: Place::new(rule, first),
            clock: self.clock,
        };
        Ok(KeyedLimiter { keys, kind: PhantomData })
    }

    pub(super) fn clock_source(mut self, clock: ClockSource) -> Self {
        self.clock = clock;
        self
    }

    pub(super) fn of_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }
}

/// The longest time, in nanoseconds, from a spend within capacity until it is forgotten.
fn remembered(rule: &Rule, quota: &Quota, origin: u64) -> u64 {
    #[cfg(feature = "calendar")]
    if let Anchor::Calendar(calendar) = quota.anchored() {
        return calendar.longest();
    }
    // From wholly used to as good as new; where windows are aligned, from the very beginning of one.
    let from = quota.window_at(origin).map_or(origin, |window| window.start);
    let used = rule.spent(from, rule.unit().saturating_mul(rule.capacity()));
    let renewed = used.and_then(|word| rule.renewed(word, from));
    renewed.map_or(u64::MAX, |at| at.saturating_sub(from))
}

/// Two words that nobody can guess: hashes under a key that the standard library draws from the operating system.
fn fresh_seed() -> [u64; 2] {
    let random = RandomState::new();
    [0u64, 1].map(|which| {
        let mut hasher = random.build_hasher();
        hasher.write_u64(which);
        hasher.finish()
    })
}
