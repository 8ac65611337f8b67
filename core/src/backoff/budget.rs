//! `RetryBudget`: one atomic word that all calls of a client share, and a rule that says when it allows a retry.
//!
//! Backoff spreads retries in time; only a budget bounds their number when everything fails at once.

use core::fmt;

use super::retry_rule::{Failure, RetryRule};
use crate::sync::{AtomicU64, Ordering};

/// Decides which failed attempts may be retried, across all calls of a client.
///
/// Tell it of every first attempt, every failure and every success; it answers whether a failed attempt may be retried. The [`RetryRule`]
/// says how it counts. It never delays and never touches first attempts. Times are nanoseconds of one clock; only
/// the rules made by [`RetryRule::share`] look at them, the others may be given 0.
///
/// Eight bytes of state, no allocation, no lock. Each call is one atomic step: calls from any number of threads have the
/// effect of some one order, no token is lost or spent twice. No memory ordering beyond that is promised.
///
/// ```
/// use tidegate::backoff::{Failure, RetryBudget, RetryRule};
///
/// static BUDGET: RetryBudget = RetryBudget::new(RetryRule::AWS_2_1);
///
/// fn call(mut attempt: impl FnMut() -> Result<u32, Failure>, now: u64) -> Result<u32, Failure> {
///     let mut retry = None;
///     BUDGET.request_at(now);
///     for attempts_left in (0..3).rev() {
///         match attempt() {
///             Ok(answer) => {
///                 BUDGET.success_at(now, retry);
///                 return Ok(answer);
///             }
///             Err(failure) if attempts_left == 0 => {
///                 BUDGET.give_up_at(now);
///                 return Err(failure);
///             }
///             Err(failure) => match BUDGET.try_retry_at(now, failure) {
///                 Some(permit) => retry = Some(permit), // wait for the backoff, then go on
///                 None => return Err(failure),
///             },
///         }
///     }
///     unreachable!()
/// }
///
/// let mut failures = [Failure::Transient, Failure::Throttled].into_iter();
/// assert_eq!(call(|| failures.next().map_or(Ok(7), Err), 0), Ok(7));
/// assert_eq!(BUDGET.tokens_at(0), 500 - 14); // of 14 + 5, the last retry's 5 came back
/// ```
pub struct RetryBudget {
    rule: RetryRule,
    word: AtomicU64,
}

/// A retry that a [`RetryBudget`] allowed. Hand the last one of a call to [`RetryBudget::success_at`] if the call succeeds.
///
/// ```
/// use tidegate::backoff::{Failure, RetryBudget, RetryPermit, RetryRule};
///
/// let budget = RetryBudget::new(RetryRule::AWS_2_0);
/// let permit = budget.try_retry_at(0, Failure::Transient).unwrap();
/// assert_eq!(RetryPermit::with_cost(permit.cost()), permit);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryPermit {
    cost: u32,
}

impl RetryPermit {
    /// The tokens that the retry cost; 0 under rules that give nothing back.
    ///
    /// ```
    /// # use tidegate::backoff::RetryPermit;
    /// assert_eq!(RetryPermit::with_cost(14).cost(), 14);
    /// ```
    pub const fn cost(&self) -> u32 {
        self.cost
    }

    /// A permit with this cost, for callers that kept the number. Whatever is given back, a budget never holds more than it
    /// began with.
    ///
    /// ```
    /// # use tidegate::backoff::{RetryBudget, RetryPermit, RetryRule};
    /// let budget = RetryBudget::new(RetryRule::AWS_2_1);
    /// budget.success_at(0, Some(RetryPermit::with_cost(u32::MAX)));
    /// assert_eq!(budget.tokens_at(0), 500);
    /// ```
    pub const fn with_cost(cost: u32) -> RetryPermit {
        RetryPermit { cost }
    }
}

impl RetryBudget {
    /// A fresh budget. Const, so that it can be a `static`.
    ///
    /// ```
    /// # use tidegate::backoff::{RetryBudget, RetryRule};
    /// static BUDGET: RetryBudget = RetryBudget::new(RetryRule::FINAGLE);
    /// assert_eq!(BUDGET.tokens_at(0), 100);
    /// ```
    #[cfg(not(tidegate_loom))]
    pub const fn new(rule: RetryRule) -> RetryBudget {
        RetryBudget { rule, word: AtomicU64::new(0) }
    }

    /// A fresh budget.
    #[cfg(tidegate_loom)]
    pub fn new(rule: RetryRule) -> RetryBudget {
        RetryBudget { rule, word: AtomicU64::new(0) }
    }

    /// The rule.
    ///
    /// ```
    /// # use tidegate::backoff::{RetryBudget, RetryRule};
    /// assert_eq!(RetryBudget::new(RetryRule::GRPC).rule(), RetryRule::GRPC);
    /// ```
    pub const fn rule(&self) -> RetryRule {
        self.rule
    }

    /// A call begins: its first attempt is made. Earns a share of a retry under [`RetryRule::share`], nothing elsewhere.
    ///
    /// ```
    /// # use tidegate::backoff::{RetryBudget, RetryRule};
    /// let budget = RetryBudget::new(RetryRule::FINAGLE);
    /// (0..50).for_each(|_| budget.request_at(0));
    /// assert_eq!(budget.tokens_at(0), 110);
    /// ```
    pub fn request_at(&self, now: u64) {
        self.step(|word| (self.rule.request(word, now), ()));
    }

    /// An attempt failed in a way worth retrying: spends and returns a permit, or returns `None` if it must not be retried.
    ///
    /// ```
    /// # use tidegate::backoff::{Failure, RetryBudget, RetryRule};
    /// let budget = RetryBudget::new(RetryRule::AWS_2_0);
    /// let retries = (0..1000).filter(|_| budget.try_retry_at(0, Failure::Timeout).is_some()).count();
    /// assert_eq!(retries, 50);
    /// ```
    pub fn try_retry_at(&self, now: u64, failure: Failure) -> Option<RetryPermit> {
        self.step(|word| self.rule.retry(word, now, failure)).map(RetryPermit::with_cost)
    }

    /// An attempt failed and is not retried for a reason of its own: no attempts left, or the server said not to. Under
    /// [`RetryRule::throttle`] it counts as a failure; elsewhere nothing happens.
    ///
    /// ```
    /// # use tidegate::backoff::{RetryBudget, RetryRule};
    /// let budget = RetryBudget::new(RetryRule::GRPC);
    /// budget.give_up_at(0);
    /// assert_eq!(budget.tokens_at(0), 9_000);
    /// ```
    pub fn give_up_at(&self, now: u64) {
        let _ = now;
        self.step(|word| (self.rule.give_up(word), ()));
    }

    /// A call succeeded; `last_retry` is the permit of its last retry, if it needed one.
    ///
    /// ```
    /// # use tidegate::backoff::{Failure, RetryBudget, RetryRule};
    /// let budget = RetryBudget::new(RetryRule::AWS_2_1);
    /// budget.try_retry_at(0, Failure::Transient); // a call that failed for good
    /// budget.success_at(0, None); // one that succeeded at once
    /// assert_eq!(budget.tokens_at(0), 487);
    /// ```
    pub fn success_at(&self, now: u64, last_retry: Option<RetryPermit>) {
        let _ = now;
        let cost = last_retry.map(|permit| permit.cost);
        self.step(|word| (self.rule.success(word, cost), ()));
    }

    /// What is left, spending nothing: tokens ([`RetryRule::tokens`]), thousandths of a token ([`RetryRule::throttle`]), or
    /// whole retries ([`RetryRule::share`]).
    ///
    /// ```
    /// # use tidegate::backoff::{RetryBudget, RetryRule};
    /// assert_eq!(RetryBudget::new(RetryRule::AWS_2_0).tokens_at(0), 500);
    /// assert_eq!(RetryBudget::new(RetryRule::GRPC).tokens_at(0), 10_000);
    /// assert_eq!(RetryBudget::new(RetryRule::FINAGLE).tokens_at(0), 100);
    /// ```
    pub fn tokens_at(&self, now: u64) -> u64 {
        self.rule.left(self.word.load(Ordering::Relaxed), now)
    }

    /// As new.
    ///
    /// ```
    /// # use tidegate::backoff::{Failure, RetryBudget, RetryRule};
    /// let budget = RetryBudget::new(RetryRule::AWS_2_0);
    /// budget.try_retry_at(0, Failure::Transient);
    /// budget.reset();
    /// assert_eq!(budget.tokens_at(0), 500);
    /// ```
    pub fn reset(&self) {
        self.step(|_| (0, ()));
    }

    /// Relaxed suffices: the word carries the whole state, and the promise is about it alone. Equal words are equal states, so
    /// a word that went away and came back does no harm. A step that changes nothing writes nothing.
    fn step<T>(&self, rule: impl Fn(u64) -> (u64, T)) -> T {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let (next, answer) = rule(word);
            if next == word {
                return answer;
            }
            match self.word.compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return answer,
                Err(seen) => word = seen,
            }
        }
    }
}

impl fmt::Debug for RetryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryBudget").field("rule", &self.rule).finish_non_exhaustive()
    }
}
