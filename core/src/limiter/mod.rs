//! `Limiter`: one quota, one algorithm, one place for its state.

mod builder;
mod change;
pub(crate) mod kept;
pub(crate) mod log;
pub(crate) mod place;
#[cfg(feature = "std")]
mod plain;
pub(crate) mod reservation;
mod ring;
mod word;

pub use builder::LimiterBuilder;
pub use change::{Carry, ReconfigureError, RestoreError, Snapshot};
#[cfg(feature = "std")]
pub use reservation::Reservation;
pub use reservation::{Refusal, Refused, Slot};
pub use ring::SlidingLog;
pub use word::{ForeignWord, Word, WordLimiter};

use change::Core;
use place::Place;

use crate::decision::{Decision, Verb};
use crate::quota::Quota;
#[cfg(feature = "std")]
use crate::quota::QuotaError;
use crate::rule::continuous::Continuous;
use crate::rule::{Algorithm, END, RETIRED, Rule};
use crate::time::ClockSource;

/// The configuration that this was asked of has been replaced; ask the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retired;

/// A rate limiter: one quota under one algorithm.
///
/// `Send`, `Sync`, no type parameters, `&self` everywhere. The state is 8 bytes for every algorithm but the sliding log, which keeps
/// 8 bytes a permit. Nothing is allocated after construction, but by `reconfigure` and `restore` (the state that follows; and once
/// in each thread that meets it), and for the snapshot of a sliding log.
///
/// Every verb has a twin with `_at`, which takes `now` in nanoseconds since an origin of the caller's choosing. A `now` that runs
/// late or backwards never refunds and never mints. Do not mix the twins and the plain verbs unless `now` is the limiter's clock's.
///
/// # Concurrency
/// Each verb is one atomic step: the limiter is linearizable against the definitions of `docs/semantics.md`. Verbs are lock-free; a
/// denied call writes nothing. No ordering is promised for other data: a grant does not publish what was written before it.
///
/// ```
/// use tidegate::{Algorithm, Limiter, Quota};
/// let limiter = Limiter::new(Algorithm::Gcra, "300/min burst 50".parse()?)?;
/// assert!(limiter.try_acquire(1));
///
/// let decision = limiter.take(1);
/// if !decision.is_allowed() {
///     println!("come back in {:?}", decision.retry_after());
/// }
/// # Ok::<(), tidegate::QuotaError>(())
/// ```
///
/// In a static, on a server or a microcontroller:
/// ```
/// use tidegate::{Algorithm, Limiter, Quota};
/// static GATE: Limiter = match Quota::per_second(100) {
///     Ok(quota) => Limiter::fixed(Algorithm::Gcra, quota),
///     Err(_) => panic!("bad quota"),
/// };
/// assert!(GATE.try_acquire_at(1_000, 1));
/// ```
#[derive(Debug)]
pub struct Limiter {
    core: Core,
    #[cfg(feature = "std")]
    succession: change::Succession,
    // Read by the verbs without `_at`, which need `std`.
    #[cfg_attr(not(feature = "std"), allow(dead_code))]
    clock: ClockSource,
}

impl Limiter {
    /// A limiter on the default clock.
    ///
    /// # Errors
    /// A quota that the algorithm cannot hold; the error names the bound.
    #[cfg(feature = "std")]
    pub fn new(algorithm: Algorithm, quota: Quota) -> Result<Limiter, QuotaError> {
        Limiter::builder(algorithm, quota).build()
    }

    /// A limiter with more to say: anchor, refill, initial fill, clock.
    pub const fn builder(algorithm: Algorithm, quota: Quota) -> LimiterBuilder {
        LimiterBuilder::new(algorithm, quota)
    }

    /// A limiter made at compile time, for a `static`. Any algorithm but the sliding log (see [`SlidingLog`] for that).
    ///
    /// # Panics
    /// If the algorithm cannot hold the quota, or holds it only by counting time from when the limiter is made (windows from first use, or
    /// with very large limits): in a `static` or `const` that is an error of compilation.
    #[cfg(not(tidegate_loom))]
    pub const fn fixed(algorithm: Algorithm, quota: Quota) -> Limiter {
        Limiter::builder(algorithm, quota).fixed()
    }

    /// Spends `cost` permits if they fit; whether they did.
    ///
    /// A cost of 0 is always allowed; a cost above the capacity never is.
    ///
    /// ```
    /// # use tidegate::{Algorithm, Limiter, Quota};
    /// let limiter = Limiter::new(Algorithm::FixedWindow, Quota::per_second(2)?)?;
    /// assert!(limiter.try_acquire_at(0, 2));
    /// assert!(!limiter.try_acquire_at(999_999_999, 1));
    /// assert!(limiter.try_acquire_at(1_000_000_000, 1));
    /// # Ok::<(), tidegate::QuotaError>(())
    /// ```
    #[inline]
    pub fn try_acquire_at(&self, now: u64, cost: u64) -> bool {
        if cost == 0 {
            return true;
        }
        match self.try_acquire_at_once(now, cost) {
            Some(granted) => granted,
            None => self.try_acquire_elsewhere(now, cost),
        }
    }

    /// Spends `cost` permits if they fit, and says everything about it.
    #[inline]
    pub fn take_at(&self, now: u64, cost: u64) -> Decision {
        if cost == 0 {
            return self.peek_at(now, 0);
        }
        match self.spend_at_once(now, cost) {
            Some((rule, Ok(word))) => Decision::of_word(true, &Rule::Continuous(*rule), word, now, cost, Verb::Take),
            Some((rule, Err(word))) if word != RETIRED => {
                Decision::of_word(false, &Rule::Continuous(*rule), word, now, cost, Verb::Take)
            }
            _ => self.take_elsewhere(now, cost),
        }
    }

    /// What one step of the default algorithm says, if that is all there is to ask: its rule, and what became of the word.
    #[inline(always)]
    fn spend_at_once(&self, now: u64, cost: u64) -> Option<(&Continuous, Result<u64, u64>)> {
        if now > END {
            return None;
        }
        match cost {
            0 => None,
            // Told apart once, and here: the step has nothing left to ask.
            1 => self.core.place()?.spend_continuous(now, 1),
            _ => self.core.place()?.spend_continuous(now, cost),
        }
    }

    /// [`Limiter::try_acquire_at`] where one step of the default algorithm decides. `None`, and nothing has been done, where more is to be
    /// asked. For bindings, which guard what could panic: this is all inlined, and cannot.
    #[doc(hidden)]
    #[inline(always)]
    pub fn try_acquire_at_once(&self, now: u64, cost: u64) -> Option<bool> {
        match self.spend_at_once(now, cost)?.1 {
            Ok(_) => Some(true),
            Err(RETIRED) => None,
            Err(_) => Some(false),
        }
    }

    /// [`Limiter::take_at`], likewise, with all figures worked out.
    #[doc(hidden)]
    #[inline(always)]
    pub fn take_at_once(&self, now: u64, cost: u64) -> Option<Decision> {
        match self.spend_at_once(now, cost)? {
            (rule, Ok(word)) => Some(Decision::worked_out(true, rule, word, now, cost)),
            (_, Err(RETIRED)) => None,
            (rule, Err(word)) => Some(Decision::worked_out(false, rule, word, now, cost)),
        }
    }

    /// Under any algorithm.
    #[inline(never)]
    fn try_acquire_elsewhere(&self, now: u64, cost: u64) -> bool {
        if let Some(place) = self.core.place()
            && let Ok((allowed, _)) = place.spend(now.min(END), cost)
        {
            return allowed;
        }
        self.try_acquire_of_successor(now, cost)
    }

    /// Under any algorithm.
    #[inline(never)]
    fn take_elsewhere(&self, now: u64, cost: u64) -> Decision {
        if let Some(place) = self.core.place()
            && let Ok((allowed, word)) = place.spend(now.min(END), cost)
        {
            return Decision::of_word(allowed, &place.rule, word, now, cost, Verb::Take);
        }
        self.take_of_successor(now, cost)
    }

    /// From a sliding log, or a configuration that has followed.
    #[inline(never)]
    fn try_acquire_of_successor(&self, now: u64, cost: u64) -> bool {
        self.ask(now, |core, now| core.try_acquire(now, cost))
    }

    /// From a sliding log, or a configuration that has followed.
    #[inline(never)]
    fn take_of_successor(&self, now: u64, cost: u64) -> Decision {
        self.ask(now, |core, now| core.take(now, cost))
    }

    /// What [`Limiter::take_at`] would answer, without spending.
    pub fn peek_at(&self, now: u64, cost: u64) -> Decision {
        self.ask(now, |core, now| core.peek(now, cost))
    }

    /// Gives back up to `permits` of what is owed.
    ///
    /// Never lets more than the capacity through later. While reservations wait, or the limiter is in debt, nothing is given back,
    /// because those who wait hold instants that count on it; to give back a reservation, cancel its slot. The sliding log
    /// gives back its oldest permits.
    pub fn refund_at(&self, now: u64, permits: u64) {
        if permits > 0 {
            self.ask(now, |core, now| core.refund(now, permits));
        }
    }

    /// Spends `cost` although it does not fit, into a debt of at most one more capacity.
    ///
    /// Allowed means spent: then `retry_after` is how long to pause until the debt is paid (zero if there is none).
    /// Denied means that the debt would be too deep; nothing was spent. For work whose cost is known only afterwards.
    ///
    /// ```
    /// # use tidegate::{Algorithm, Limiter, Quota};
    /// # use std::time::Duration;
    /// let limiter = Limiter::new(Algorithm::Gcra, Quota::per_second(10)?)?;
    /// let decision = limiter.charge_at(0, 15);
    /// assert!(decision.is_allowed());
    /// assert_eq!(decision.retry_after(), Some(Duration::from_millis(500)));
    /// assert!(!limiter.charge_at(0, 6).is_allowed());
    /// # Ok::<(), tidegate::QuotaError>(())
    /// ```
    pub fn charge_at(&self, now: u64, cost: u64) -> Decision {
        if cost == 0 {
            return self.peek_at(now, 0);
        }
        self.ask(now, |core, now| core.charge(now, cost))
    }

    /// The one word of the first configuration, and which it is; it may have been retired.
    #[inline(always)]
    pub(crate) fn place(&self) -> Option<(&Place, u64)> {
        self.core.place().map(|place| (place, self.core.generation()))
    }

    /// As new and full. Reservations are forgotten: those who hold them go ahead at their instants, and should not cancel them any
    /// more (that would give back, a second time, up to as much of what has been spent since).
    pub fn reset(&self) {
        self.ask(0, |core, _| core.reset());
    }

    /// The quota in force.
    pub fn quota(&self) -> Quota {
        self.ask(0, |core, _| core.serving().map(|()| core.config.quota))
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.core.config.algorithm
    }

    /// The last nanosecond of its clock that this limiter tells from the one before: time stands still there.
    ///
    /// 2^63 - 1 (292 years) unless the quota leaves fewer bits for time; never less than ten years after the limiter was made.
    pub fn horizon(&self) -> u64 {
        self.ask(0, |core, _| core.serving().map(|()| core.end()))
    }

    /// Asks the configuration in force.
    fn ask<R>(&self, now: u64, verb: impl Fn(&Core, u64) -> Result<R, Retired>) -> R {
        match verb(&self.core, now.min(self.core.end())) {
            Ok(answer) => answer,
            Err(Retired) => self.ask_successor(now, verb),
        }
    }

    #[cfg(feature = "std")]
    #[cold]
    fn ask_successor<R>(&self, now: u64, verb: impl Fn(&Core, u64) -> Result<R, Retired>) -> R {
        loop {
            if let Ok(answer) = self.succession.ask(|core| verb(core, now.min(core.end()))) {
                return answer;
            }
            self.succession.settle();
            if let Ok(answer) = verb(&self.core, now.min(self.core.end())) {
                return answer;
            }
        }
    }

    /// Without `std` nothing retires a configuration: `reconfigure_mut_at` has the limiter to itself.
    #[cfg(not(feature = "std"))]
    #[cold]
    fn ask_successor<R>(&self, now: u64, verb: impl Fn(&Core, u64) -> Result<R, Retired>) -> R {
        loop {
            if let Ok(answer) = verb(&self.core, now.min(self.core.end())) {
                return answer;
            }
        }
    }
}
