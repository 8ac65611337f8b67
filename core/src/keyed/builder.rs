//! `KeyedLimiterBuilder`: how many keys, and what to do when there are more.

extern crate std;

use core::fmt;
use core::hash::{BuildHasher, Hasher};
use core::marker::PhantomData;
use std::collections::hash_map::RandomState;

use super::table::{Table, WhenFull};
use super::{KeyedLimiter, Keys};
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
#[derive(Debug)]
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
            KeyedLimiterError::Corrupt => f.write_str("the snapshot's entries do not belong to its quota or table"),
        }
    }
}

impl core::error::Error for KeyedLimiterError {}

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

    pub(super) fn build_with(self, origin: u64, seed: [u64; 2]) -> Result<KeyedLimiter<K>, KeyedLimiterError> {
        let origin = origin.min(END);
        let rule = Rule::new(&self.config, origin)?;
        if self.max_keys == 0 {
            return Err(KeyedLimiterError::NoKeys);
        }
        let memory = remembered(&rule, &self.config.quota, origin);
        let keys = Keys {
            config: self.config,
            origin,
            rule,
            table: Table::new(self.max_keys, memory).ok_or(KeyedLimiterError::TooManyKeys)?,
            seed,
            when_full: self.when_full,
            // Enough that keys with reservations seldom meet, little beside the slots.
            kept: (0..self.max_keys.div_ceil(64).min(512)).map(|_| Kept::new(0)).collect(),
            overflow: Place::new(rule, 0),
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
