//! `LimiterBuilder`: a limiter with more to say than a quota.

use crate::lease::{LeaseError, Leased};
use crate::limiter::Limiter;
use crate::limiter::change::Core;
#[cfg(feature = "std")]
use crate::limiter::change::Succession;
#[cfg(not(tidegate_loom))]
use crate::limiter::place::Place;
use crate::limiter::word::{Word, WordLimiter};
use crate::quota::{Anchor, Quota, QuotaError};
use crate::rule::{Algorithm, Config, END, Refill, Rule};
use crate::time::ClockSource;

/// Builds a [`Limiter`].
///
/// ```
/// use tidegate::{Algorithm, Limiter, Quota, Refill};
/// let limiter = Limiter::builder(Algorithm::TokenBucket, Quota::per_minute(60)?)
///     .refill(Refill::Interval)
///     .initial(0)
///     .build_at(0)?;
/// assert!(!limiter.try_acquire_at(59_999_999_999, 1));
/// assert!(limiter.try_acquire_at(60_000_000_000, 60));
/// # Ok::<(), tidegate::QuotaError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `build`"]
pub struct LimiterBuilder {
    config: Config,
    clock: ClockSource,
}

impl LimiterBuilder {
    pub(crate) const fn new(algorithm: Algorithm, quota: Quota) -> LimiterBuilder {
        let config = Config { algorithm, quota, refill: Refill::Continuous, initial: None };
        LimiterBuilder { config, clock: ClockSource::Default }
    }

    /// Where windows begin (fixed window, sliding window, token bucket with interval refill).
    pub fn anchor(mut self, anchor: Anchor) -> LimiterBuilder {
        self.config.quota = self.config.quota.anchor(anchor);
        self
    }

    /// How a token bucket refills.
    pub fn refill(mut self, refill: Refill) -> LimiterBuilder {
        self.config.refill = refill;
        self
    }

    /// How many tokens a bucket begins with (all, if not said), counted from the time at which it is built.
    pub fn initial(mut self, permits: u64) -> LimiterBuilder {
        self.config.initial = Some(permits);
        self
    }

    /// A clock of your own, for every verb without `_at`.
    pub fn clock(mut self, clock: &'static dyn crate::Clock) -> LimiterBuilder {
        self.clock = ClockSource::Static(clock);
        self
    }

    /// A shared clock of your own: a [`ManualClock`](crate::ManualClock) in a test, say.
    ///
    /// ```
    /// use std::{sync::Arc, time::Duration};
    /// use tidegate::{Algorithm, Limiter, ManualClock, Quota};
    /// let clock = Arc::new(ManualClock::new(0));
    /// let limiter = Limiter::builder(Algorithm::Gcra, Quota::per_second(1)?).shared_clock(clock.clone()).build()?;
    /// assert!(limiter.try_acquire(1) && !limiter.try_acquire(1));
    /// clock.advance(Duration::from_secs(1));
    /// assert!(limiter.try_acquire(1));
    /// # Ok::<(), tidegate::QuotaError>(())
    /// ```
    #[cfg(feature = "alloc")]
    pub fn shared_clock(mut self, clock: alloc::sync::Arc<dyn crate::Clock>) -> LimiterBuilder {
        self.clock = ClockSource::Shared(clock);
        self
    }

    /// The limiter, made at the time of its clock.
    ///
    /// # Errors
    /// A quota, an anchor, a refill or an initial fill that the algorithm cannot hold.
    #[cfg(feature = "std")]
    pub fn build(self) -> Result<Limiter, QuotaError> {
        let origin = self.clock.now();
        self.build_at(origin)
    }

    /// The limiter, made at `origin` (nanoseconds of the clock that the `_at` verbs will be given).
    ///
    /// # Errors
    /// As `build`; without the feature `alloc` also a sliding log, which needs memory.
    pub fn build_at(self, origin: u64) -> Result<Limiter, QuotaError> {
        let core = Core::new(self.config, origin)?;
        Ok(Limiter {
            core,
            #[cfg(feature = "std")]
            succession: Succession::new(),
            clock: self.clock,
        })
    }

    /// The limiter apart from its word, which the caller keeps (see [`WordLimiter`]); made at `origin`. A clock plays no part.
    ///
    /// # Errors
    /// As [`LimiterBuilder::build_at`]; any sliding log, which has more than a word.
    pub fn word_at(self, origin: u64) -> Result<(WordLimiter, Word), QuotaError> {
        let origin = origin.min(END);
        let rule = Rule::new(&self.config, origin)?;
        Ok((WordLimiter::new(rule), Word::new(rule.first_word(origin, self.config.initial))))
    }

    /// A limiter that is leased out to `workers` workers, at most `batch` permits to each, made at the time of its clock.
    ///
    /// # Errors
    /// As [`Leased::new`](crate::Leased::new).
    #[cfg(feature = "std")]
    pub fn build_leased(self, workers: u64, batch: u64) -> Result<Leased, LeaseError> {
        let origin = self.clock.now();
        self.build_leased_at(origin, workers, batch)
    }

    /// As `build_leased`, made at `origin` (nanoseconds of the clock that the `_at` verbs will be given).
    ///
    /// # Errors
    /// As `build_leased`.
    pub fn build_leased_at(self, origin: u64, workers: u64, batch: u64) -> Result<Leased, LeaseError> {
        Leased::of_config(self.config, self.clock, origin, workers, batch)
    }

    #[cfg(not(tidegate_loom))]
    pub(crate) const fn fixed(self) -> Limiter {
        let config = self.config;
        // Nothing to drop in the default clock, but the compiler does not know.
        #[allow(clippy::forget_non_drop)]
        core::mem::forget(self);
        let rule = Rule::fixed(&config);
        Limiter {
            core: Core::of_place(config, 0, Place::new(rule, rule.first_word(0, config.initial))),
            #[cfg(feature = "std")]
            succession: Succession::new(),
            clock: ClockSource::Default,
        }
    }
}
