//! Leases: one hot limiter, of which each worker draws some permits at a time and spends them alone.
//!
//! A word on which many cores grant is as fast as one cache line. A [`Lease`] takes a batch of k permits in one step and then spends them
//! without touching shared memory or reading a clock. The limit still holds, because the burst that W workers may hold in
//! hand is taken off the shared one: the shared word has the burst `B - W*k`. In any span, what is spent is at most what was in
//! hand when it began, at most `W*k`, and what was drawn in it, at most `B - W*k + floor(L*t/W)`.
//!
//! What is returned lowers the shared word by as much as its draw raised it, whatever the time. So what passes through that word in a
//! span, net of returns, obeys the same bound, and a return never mints (`docs/semantics.md`, "Leases", has the proof).

mod error;
mod worker;

pub use error::{AllLeased, LeaseError};
pub use worker::Lease;

use crate::decision::{Decision, Facts};
use crate::holder::Holder;
use crate::limiter::place::Place;
use crate::quota::Quota;
use crate::rule::{Algorithm, Config, END, Refill, Rule, Step};
use crate::sync::{AtomicU64, Bug, Ordering, seeded};
use crate::time::ClockSource;

/// A limiter that is leased out to workers, at most `batch` permits to each at a time.
///
/// In any span of time t the spends of all workers together are at most `burst + floor(limit*t/period)`, as of a plain limiter.
/// The price: of the burst, `workers * batch` permits can lie unused in the hands of workers who do not call.
///
/// | | |
/// |---|---|
/// | algorithms | GCRA; token bucket with continuous refill. Others are refused: permits in hand would outlive their windows |
/// | workers W | at least 1; at most so many leases at once |
/// | batch k | permits, at least 1, `W * k < burst` |
/// | largest cost | [`Leased::max_cost`], which is `burst - W*k` |
/// | unused at most | `W * k` permits; given back when a lease is dropped, or on [`Lease::return_unused`] |
///
/// `Send`, `Sync`, no allocation. Nobody waits in line here: a denied caller is told how long to pause, by [`Lease::take`].
///
/// ```
/// use tidegate::{Algorithm, Leased, Quota};
///
/// // A million a second; four workers, 100 permits at a time.
/// let leased = Leased::new(Algorithm::Gcra, Quota::per_second(1_000_000)?.burst(10_000)?, 4, 100)?;
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| {
///             let mut lease = leased.lease().expect("four workers, four leases");
///             for _ in 0..1_000 {
///                 if lease.try_acquire(1) {
///                     // work
///                 }
///             }
///         }); // what the lease has not used is given back here
///     }
/// });
/// assert_eq!(leased.leases(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Leased {
    /// The shared word, with the burst that is not held back.
    place: Place,
    /// Leases that are out.
    out: AtomicU64,
    quota: Quota,
    workers: u64,
    batch: u64,
    // Read by the verbs without `_at`, which need `std`.
    #[cfg_attr(not(feature = "std"), allow(dead_code))]
    clock: ClockSource,
}

impl Leased {
    /// A limiter on the default clock, for at most `workers` leases of at most `batch` permits each.
    ///
    /// # Errors
    /// No worker, no batch, `workers * batch` not below the burst, an algorithm other than GCRA and the token bucket, or a quota that it
    /// cannot hold.
    #[cfg(feature = "std")]
    pub fn new(algorithm: Algorithm, quota: Quota, workers: u64, batch: u64) -> Result<Leased, LeaseError> {
        crate::Limiter::builder(algorithm, quota).build_leased(workers, batch)
    }

    pub(crate) fn of_config(
        config: Config,
        clock: ClockSource,
        origin: u64,
        workers: u64,
        batch: u64,
    ) -> Result<Leased, LeaseError> {
        let quota = config.quota;
        let (config, rule) = shared(config, workers, batch)?;
        let word = rule.first_word(origin.min(END), config.initial);
        Ok(Leased { place: Place::new(rule, word), out: AtomicU64::new(0), quota, workers, batch, clock })
    }

    /// A lease, with nothing in hand yet.
    ///
    /// # Errors
    /// As many are out as there are workers.
    pub fn lease(&self) -> Result<Lease<'_>, AllLeased> {
        self.claim()?;
        Ok(Lease::new(Holder::Borrowed(self)))
    }

    /// A lease that shares ownership of the limiter: for threads that outlive the one that made it.
    ///
    /// # Errors
    /// As [`Leased::lease`].
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tidegate::{Algorithm, Leased, Quota};
    /// let leased = Arc::new(Leased::new(Algorithm::Gcra, Quota::per_second(1_000)?, 2, 50)?);
    /// let mut lease = leased.lease_owned()?;
    /// std::thread::spawn(move || assert!(lease.try_acquire(1))).join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "alloc")]
    pub fn lease_owned(self: &alloc::sync::Arc<Self>) -> Result<Lease<'static>, AllLeased> {
        self.claim()?;
        Ok(Lease::new(Holder::Shared(self.clone())))
    }

    /// The whole quota, of all workers together.
    pub const fn quota(&self) -> Quota {
        self.quota
    }

    /// The most leases that can be out at once.
    pub const fn workers(&self) -> u64 {
        self.workers
    }

    /// The most permits in the hand of one lease.
    pub const fn batch(&self) -> u64 {
        self.batch
    }

    /// The largest cost that is ever allowed: the burst without what is held back for hands. Permits.
    pub fn max_cost(&self) -> u64 {
        self.place.rule.capacity()
    }

    /// The most permits that can lie unused in hands: `workers * batch`.
    pub const fn max_unused(&self) -> u64 {
        // Below the burst, as the constructor made sure.
        self.workers * self.batch
    }

    /// Leases that are out now.
    pub fn leases(&self) -> u64 {
        self.out.load(Ordering::Relaxed)
    }

    /// Spends from the shared word, without a lease: for callers who come too seldom to be a worker.
    pub fn try_acquire_at(&self, now: u64, cost: u64) -> bool {
        cost == 0 || self.place.try_acquire(now.min(END), cost).unwrap_or(false)
    }

    /// What a lease with nothing in hand would be told, without spending. What is in hands counts as spent.
    pub fn peek_at(&self, now: u64, cost: u64) -> Decision {
        self.foresee(now, cost, 0)
    }

    /// The decision that a holder of `hand` permits would get.
    fn foresee(&self, now: u64, cost: u64, hand: u64) -> Decision {
        let (now, word) = (now.min(END), self.word());
        let allowed = cost <= hand || cost <= self.max_cost() && self.place.rule.take(word, now, cost - hand).is_some();
        self.decision(word, now, cost, hand, allowed)
    }

    /// The decision on `cost` of a holder of `hand` permits (what is left of them, if it was allowed) when the shared word was `word`.
    fn decision(&self, word: u64, now: u64, cost: u64, hand: u64, allowed: bool) -> Decision {
        let (rule, limit) = (&self.place.rule, self.max_cost());
        let retry_after = if allowed {
            Some(0)
        } else if cost > limit {
            None
        } else {
            // Denied, so more than what is in hand.
            rule.earliest(word, now, cost - hand).map(|at| at - now)
        };
        // hand < limit: a draw takes at most the limit and spends of it at once.
        let remaining = (rule.remaining(word, now) + hand).min(limit);
        let reset_after = rule.renewed(word, now).map_or(u64::MAX, |at| at - now);
        Decision::of_facts(allowed, Facts { limit, remaining, retry_after, reset_after })
    }

    fn word(&self) -> u64 {
        // Nothing retires this place.
        self.place.word().unwrap_or(0)
    }

    /// One more lease is out.
    fn claim(&self) -> Result<(), AllLeased> {
        let mut out = self.out.load(Ordering::Relaxed);
        while out < self.workers {
            if seeded(Bug::LostUpdate) {
                self.out.swap(out + 1, Ordering::Acquire);
                return Ok(());
            }
            // Acquires what the last holder returned before it gave the lease up.
            match self.out.compare_exchange_weak(out, out + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(seen) => out = seen,
            }
        }
        Err(AllLeased { workers: self.workers })
    }

    /// One lease fewer is out. Its permits have been returned: otherwise the next holder's batch would come on top of them.
    fn give_up(&self) {
        let mut out = self.out.load(Ordering::Relaxed);
        while let Err(seen) = self.out.compare_exchange_weak(out, out - 1, Ordering::Release, Ordering::Relaxed) {
            out = seen;
        }
    }
}

/// The same verbs at the time of the limiter's own clock.
#[cfg(feature = "std")]
impl Leased {
    /// The time of the limiter's clock, in nanoseconds.
    #[inline]
    pub fn now(&self) -> u64 {
        self.clock.now().min(END)
    }

    /// [`Leased::try_acquire_at`], now.
    pub fn try_acquire(&self, cost: u64) -> bool {
        self.try_acquire_at(self.now(), cost)
    }

    /// [`Leased::peek_at`], now.
    pub fn peek(&self, cost: u64) -> Decision {
        self.peek_at(self.now(), cost)
    }
}

/// The configuration of the shared word, and its rule: the same quota, with the burst that is not held back.
fn shared(config: Config, workers: u64, batch: u64) -> Result<(Config, Rule), LeaseError> {
    if workers == 0 {
        return Err(LeaseError::ZeroWorkers);
    }
    if batch == 0 {
        return Err(LeaseError::ZeroBatch);
    }
    if !matches!(config.algorithm, Algorithm::Gcra | Algorithm::TokenBucket) {
        return Err(LeaseError::Algorithm(config.algorithm));
    }
    if config.refill != Refill::Continuous && config.algorithm == Algorithm::TokenBucket {
        return Err(LeaseError::IntervalRefill);
    }
    // What is wrong with the quota itself, or with an initial fill, is said first.
    Rule::new(&config, 0)?;
    let burst = config.quota.capacity();
    let held_back = workers.saturating_mul(batch);
    if held_back >= burst {
        return Err(LeaseError::BurstTooSmall { burst, held_back });
    }
    let left = if seeded(Bug::NothingHeldBack) { burst } else { burst - held_back };
    // Begins with at most what it can hold.
    let initial = config.initial.map(|fill| fill.min(left));
    let config = Config { quota: config.quota.burst(left)?, initial, ..config };
    Ok((config, Rule::new(&config, 0)?))
}
