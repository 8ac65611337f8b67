//! Another quota for every key: a table that takes over what the keys of this one have used.

use super::KeyedLimiter;
use super::builder::KeyedLimiterError;
use crate::limiter::Carry;
use crate::quota::Quota;
use crate::rule::{Config, Step};

impl<K: ?Sized> KeyedLimiter<K> {
    /// A limiter for the same keys under another quota, with room for `max_keys`; `carry` says what becomes of the permits that are used.
    ///
    /// The algorithm, the clock and what happens when it is full stay; this limiter stays as it is. Each key is carried over as
    /// [`Limiter::reconfigure_at`](crate::Limiter::reconfigure_at) does it; one of which the new quota cannot count so much is used up there. Keys that
    /// find no room in a smaller table are forgotten, those with the least in use first.
    ///
    /// Walks over the whole table. What is spent on a key of this one after it was come to is not carried over: exchange the two, and few calls
    /// are forgotten, those that were under way.
    ///
    /// # Errors
    /// A quota that the algorithm cannot hold, no keys, or more than there is memory for.
    ///
    /// ```
    /// use tidegate::{Algorithm, Carry, KeyedLimiter, Quota};
    /// let before: KeyedLimiter<str> = KeyedLimiter::builder(Algorithm::Gcra, Quota::per_minute(60)?).max_keys(100).build_at(0)?;
    /// assert!(before.try_acquire_at("a", 0, 30));
    /// let after = before.reconfigured_at(0, Quota::per_minute(120)?, 200, Carry::Permits)?;
    /// assert_eq!((after.peek_at("a", 0, 1).remaining(), after.peek_at("b", 0, 1).remaining()), (90, 120));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reconfigured_at(
        &self,
        now: u64,
        quota: Quota,
        max_keys: usize,
        carry: Carry,
    ) -> Result<KeyedLimiter<K>, KeyedLimiterError> {
        let old = &self.keys;
        // Keys that have not been seen may still be waiting for their first permits; they go on doing so.
        let read = now.min(old.rule.end());
        let unseen = Step::used(&old.rule, old.table.first(), read);
        let config = Config { quota, initial: None, ..old.config };
        let initial = (unseen > 0).then(|| {
            let (unit, capacity) = (old.rule.unit(), quota.capacity());
            let used = carry.of(unseen, (unit, old.config.quota), (1, quota)).unwrap_or(capacity);
            capacity.saturating_sub(used)
        });
        let config = Config { initial, ..config };
        let next: KeyedLimiter<K> = KeyedLimiter::builder(config.algorithm, quota)
            .of_config(config)
            .max_keys(max_keys)
            .when_full(old.when_full)
            .clock_source(old.clock.clone())
            // Keys are their hashes, so the seed must stay.
            .build_with(now, old.seed)?;
        let new = &next.keys;
        let (from, to) = ((old.rule.unit(), old.config.quota), (new.rule.unit(), quota));
        // unit * capacity is at most 2^61, or the unit is 1.
        let full = to.0.saturating_mul(new.rule.capacity());
        let written = now.min(new.rule.end());
        for (hash, word) in old.table.entries() {
            let used = Step::used(&old.rule, word, read);
            let carried = if used == 0 { 0 } else { carry.of(used, from, to).unwrap_or(full) };
            if carried > 0
                && let Some(word) = new.rule.spent(written, carried).or_else(|| new.rule.spent(written, full))
            {
                new.table.restore(hash, word, &new.rule);
            }
        }
        // Who was idle here is new there, but not for a clock that is late.
        new.table.raise_floor(old.table.floor().max(written));
        Ok(next)
    }
}
