//! `Counts`: where the permits of one limit are counted, a bounded table of keys whatever the algorithm.
//!
//! One word a key (22 bytes) for GCRA, token bucket, fixed and sliding window; whole limiters on a [`Shelf`] for the sliding log
//! and for windows in each key's own time zone; places for requests at the same time. Keys are hashes under the policy's secret seed.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tidegate::{Algorithm, Carry, KeyedLimiter, Limiter, Quota, QuotaError};

use super::group::OfKey;
use super::in_flight::Places;
use super::shelf::{Kept, Shelf};
use crate::calendar::CalendarQuota;
use crate::seeds::{Bug, seeded};

/// Keys of a limit that does not say how many.
pub(crate) const DEFAULT_KEYS: u32 = 100_000;
/// What the logs of one limit may take by default, in bytes.
const LOG_BYTES: u64 = 64 << 20;
/// What a log takes besides its permits.
const LOG_OVERHEAD: u64 = 256;

/// What a limit counts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Rate {
        algorithm: Algorithm,
        quota: Quota,
    },
    /// A calendar quota in the zone of whoever is counted.
    OwnZone(CalendarQuota),
    Concurrency {
        limit: u64,
    },
}

impl Measure {
    /// The keys that a limit remembers if neither it nor its file says how many.
    pub(crate) fn default_keys(&self) -> u32 {
        match self {
            Measure::Rate { algorithm: Algorithm::SlidingLog, quota } => {
                let each = quota.limit().saturating_mul(8).saturating_add(LOG_OVERHEAD);
                u32::try_from(LOG_BYTES / each).unwrap_or(u32::MAX).clamp(16, DEFAULT_KEYS)
            }
            _ => DEFAULT_KEYS,
        }
    }
}

// One for each limit, behind an `Arc`: its size does not matter, one step less to a word does.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Counts {
    Words(KeyedLimiter<u64>),
    Whole { shelf: Shelf<Limiter>, algorithm: Algorithm, quota: Quota },
    OwnZone { shelf: Shelf<Limiter>, quota: CalendarQuota },
    Places(Arc<Places>),
}

impl Kept for Limiter {
    fn in_use(&self, now: u64) -> u64 {
        self.peek_at(now, 0).reset_after_nanos()
    }
}

impl Counts {
    /// A table for `max_keys` keys; for half as many, again and again, where there is no memory for them. `None` if not even for one.
    pub(crate) fn new(measure: &Measure, max_keys: u32, now: u64) -> Option<Counts> {
        let max_keys = usize::try_from(max_keys).unwrap_or(usize::MAX);
        match *measure {
            Measure::Concurrency { limit } => Some(Counts::Places(Arc::new(Places::new(limit, max_keys)))),
            Measure::OwnZone(quota) => Some(Counts::OwnZone { shelf: Shelf::new(max_keys), quota }),
            Measure::Rate { algorithm: algorithm @ Algorithm::SlidingLog, quota } => {
                Some(Counts::Whole { shelf: Shelf::new(max_keys), algorithm, quota })
            }
            Measure::Rate { algorithm, quota } => std::iter::successors(Some(max_keys), |keys| Some(keys / 2))
                .take_while(|keys| *keys > 0)
                .find_map(|keys| KeyedLimiter::builder(algorithm, quota).max_keys(keys).build_at(now).ok())
                .map(Counts::Words),
        }
    }

    /// The counts of a limit that was changed to this measure; `None` if it is to be counted anew.
    pub(crate) fn carried(
        old: &Arc<Counts>,
        measure: &Measure,
        max_keys: u32,
        now: u64,
        carry: Carry,
    ) -> Option<Arc<Counts>> {
        let max_keys = usize::try_from(max_keys).unwrap_or(usize::MAX);
        let new = match (&**old, *measure) {
            (Counts::Words(words), Measure::Rate { algorithm, quota }) if words.algorithm() == algorithm => {
                if (words.quota(), words.max_keys()) == (quota, max_keys) && !seeded(Bug::CopiedTable) {
                    return Some(old.clone());
                }
                Counts::Words(words.reconfigured_at(now, quota, max_keys, carry).ok()?)
            }
            (Counts::Whole { shelf, algorithm, quota }, Measure::Rate { algorithm: next, quota: changed })
                if *algorithm == next =>
            {
                if (*quota, shelf.max_keys()) == (changed, max_keys) && !seeded(Bug::CopiedTable) {
                    return Some(old.clone());
                }
                let carried = Shelf::new(max_keys);
                for (key, limiter) in shelf.all() {
                    // The old one goes on counting for those who still ask it.
                    let copy = Limiter::from_snapshot(&limiter.snapshot()).ok();
                    if let Some(copy) = copy.filter(|copy| copy.reconfigure_at(now, changed, carry).is_ok()) {
                        carried.get(key, now, || Some(copy));
                    }
                }
                Counts::Whole { shelf: carried, algorithm: next, quota: changed }
            }
            (Counts::OwnZone { shelf, quota }, Measure::OwnZone(same))
                if (*quota, shelf.max_keys()) == (same, max_keys) =>
            {
                return Some(old.clone());
            }
            (Counts::Places(_), _) if seeded(Bug::PlacesAnew) => return None,
            (Counts::Places(places), Measure::Concurrency { limit }) => {
                Counts::Places(Arc::new(places.with_limit(limit, max_keys)))
            }
            _ => return None,
        };
        Some(Arc::new(new))
    }

    /// One key's place in the table; `zone` is its own.
    ///
    /// # Errors
    /// A zone that does not exist.
    pub(crate) fn of_key(
        &self,
        key: u64,
        now: u64,
        zone: Option<&str>,
        seed: &RandomState,
    ) -> Result<OfKey<'_>, QuotaError> {
        // The loader has built a limiter like these, so building one does not fail.
        let whole = |shelf: &Shelf<Limiter>, key, algorithm, quota| {
            let made = shelf.get(key, now, || Limiter::builder(algorithm, quota).build_at(now).ok());
            made.map_or(OfKey::Nowhere, OfKey::Whole)
        };
        Ok(match self {
            Counts::Words(words) => OfKey::Word(words.key_of_hash(key)),
            Counts::Whole { shelf, algorithm, quota } => whole(shelf, key, *algorithm, *quota),
            Counts::OwnZone { shelf, quota } => {
                let quota = quota.in_zone(zone)?;
                // A key that moves to another zone is counted anew.
                whole(shelf, seed.hash_one((key, quota)), Algorithm::FixedWindow, quota)
            }
            Counts::Places(places) => OfKey::Places { places, key },
        })
    }

    /// The keys remembered.
    pub(crate) fn len(&self) -> usize {
        match self {
            Counts::Words(words) => words.len(),
            Counts::Whole { shelf, .. } | Counts::OwnZone { shelf, .. } => shelf.len(),
            Counts::Places(places) => places.len(),
        }
    }

    /// Keys that were forgotten although they had permits in use.
    pub(crate) fn evictions(&self) -> u64 {
        match self {
            Counts::Words(words) => words.evictions(),
            Counts::Whole { shelf, .. } | Counts::OwnZone { shelf, .. } => shelf.evictions(),
            Counts::Places(_) => 0,
        }
    }
}
