//! Retry or give up: status, the server's hint, the backoff and the budget in one decision.

use std::time::Duration;

use tidegate::backoff::{Backoff, BackoffError, Failure, Jitter, RetryBudget, RetryPermit, Session};

use super::MAX_HINT;
use crate::advice::{Retry, Schedule};
use crate::headers::Observed;

/// How a client retries. A plain value; [`start_at`](RetryPlan::start_at) begins a call.
///
/// | status | |
/// |---|---|
/// | below 400 | done |
/// | 429; 503 with a hint; 403 with a hint or with nothing remaining (GitHub) | refused: retried |
/// | 408, 425, and 500 to 599 but 501 and 505 | failed for now: retried if the request is idempotent |
/// | others | final |
///
/// The hint (`Retry-After`, or the reset of a limit of which nothing remains) is a floor under the delay; jitter comes on top. One beyond
/// [`max_hint`](RetryPlan::max_hint) is not waited for.
///
/// ```
/// use std::time::Duration;
/// use tidegate::backoff::{Backoff, RetryBudget, RetryRule};
/// use tidegate_policy::client::{GiveUp, RetryDecision, RetryPlan};
/// use tidegate_policy::headers::Observed;
///
/// let budget = RetryBudget::new(RetryRule::AWS_2_1);
/// let plan = RetryPlan::new(Backoff::exponential(Duration::from_secs(1)).max_retries(3));
/// let mut call = plan.start_at(0, Some(&budget));
/// let refused = Observed::parse([("Retry-After", "23")], 0);
/// assert_eq!(call.after_response(429, &refused, 0), RetryDecision::Retry { delay: 23_000_000_000 });
/// let nothing = Observed::default();
/// assert_eq!(call.after_response(502, &nothing, 23_000_000_000), RetryDecision::Retry { delay: 2_000_000_000 });
/// assert_eq!(call.after_response(404, &nothing, 25_000_000_000), RetryDecision::GiveUp(GiveUp::Status));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPlan {
    backoff: Backoff,
    missing_hint: Option<u64>,
    max_hint: u64,
    idempotent: bool,
}

/// What to do after a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "it says whether to send again"]
pub enum RetryDecision {
    /// It went through.
    Done,
    /// Send again after so many nanoseconds.
    Retry {
        /// The wait, in nanoseconds.
        delay: u64,
    },
    /// Do not send again.
    GiveUp(GiveUp),
}

/// Why not to send again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GiveUp {
    /// The status is final, or the request must not be repeated.
    Status,
    /// The backoff is over: its retries or its time.
    Backoff,
    /// The budget that all calls share allows no retry.
    Budget,
    /// The server asks for a wait of so many nanoseconds, beyond what is heeded.
    HintTooLong(u64),
}

impl RetryPlan {
    /// Retries by a backoff, hints of up to [`MAX_HINT`], idempotent requests.
    pub const fn new(backoff: Backoff) -> RetryPlan {
        RetryPlan { backoff, missing_hint: None, max_hint: MAX_HINT, idempotent: true }
    }

    /// What a document advises. Where it gives no number: 1 s to begin with, doubled, 3 retries.
    ///
    /// `Retry-After` is a floor in every plan, also where the document's own example does not look at it.
    ///
    /// # Errors
    /// [`BackoffError`] for a factor that no schedule can have.
    ///
    /// ```
    /// use tidegate_policy::{Policy, client::{RetryDecision, RetryPlan}, headers::Observed};
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/mailpipe.toml");
    /// let policy = Policy::from_file(path)?;
    /// let plan = RetryPlan::from_advice(policy.retry().unwrap()).unwrap();
    /// let mut call = plan.start_at(0, None);
    /// // Retry-After, or 60 seconds if there is none, and up to one second of jitter.
    /// let RetryDecision::Retry { delay } = call.after_response(429, &Observed::default(), 0) else { panic!() };
    /// assert!((60_000_000_000..=61_000_000_000).contains(&delay));
    /// # Ok::<(), tidegate_policy::PolicyError>(())
    /// ```
    pub fn from_advice(retry: &Retry) -> Result<RetryPlan, BackoffError> {
        let base = match retry.schedule() {
            Schedule::Exponential => {
                let factor = retry.factor().unwrap_or(2);
                let first = u32::try_from(retry.first_exponent()).unwrap_or(u32::MAX);
                let millis = retry.base_delay_ms().unwrap_or(1000).saturating_mul(factor.saturating_pow(first));
                Backoff::exponential(Duration::from_millis(millis)).factor_ratio(factor, 1)?
            }
            Schedule::RetryAfter => Backoff::constant(Duration::ZERO),
        };
        let jitter = match retry.jitter_ms() {
            0 => Jitter::None,
            millis => Jitter::Additive(Duration::from_millis(millis)),
        };
        let retries = u32::try_from(retry.max_retries().unwrap_or(3)).unwrap_or(u32::MAX);
        let missing = retry.missing_retry_after_s().map(|seconds| seconds.saturating_mul(1_000_000_000));
        Ok(RetryPlan { missing_hint: missing, ..RetryPlan::new(base.jitter(jitter).max_retries(retries)) })
    }

    /// The nanoseconds to assume after a refusal that gives no hint.
    #[must_use]
    pub const fn missing_hint(mut self, nanos: u64) -> RetryPlan {
        self.missing_hint = Some(nanos);
        self
    }

    /// The longest hint that is waited for, in nanoseconds.
    #[must_use]
    pub const fn max_hint(mut self, nanos: u64) -> RetryPlan {
        self.max_hint = nanos;
        self
    }

    /// Whether a request may be sent again that may have been carried out: an e-mail without an idempotency key may not. Refusals are retried either way.
    #[must_use]
    pub const fn idempotent(mut self, idempotent: bool) -> RetryPlan {
        self.idempotent = idempotent;
        self
    }

    /// The schedule of the delays.
    pub const fn backoff(&self) -> Backoff {
        self.backoff
    }

    /// Begins a call at `now`, in nanoseconds of any one clock: its first attempt is made. The budget is told of all that happens.
    pub fn start_at<'a>(&self, now: u64, budget: Option<&'a RetryBudget>) -> RetryCall<'a> {
        if let Some(budget) = budget {
            budget.request_at(now);
        }
        RetryCall { plan: *self, session: self.backoff.start_at(now), budget, permit: None }
    }
}

/// One call and its retries.
#[derive(Debug)]
pub struct RetryCall<'a> {
    plan: RetryPlan,
    session: Session,
    budget: Option<&'a RetryBudget>,
    permit: Option<RetryPermit>,
}

impl RetryCall<'_> {
    /// A response came.
    pub fn after_response(&mut self, status: u16, observed: &Observed, now: u64) -> RetryDecision {
        if status < 400 {
            if let Some(budget) = self.budget {
                budget.success_at(now, self.permit.take());
            }
            return RetryDecision::Done;
        }
        let hint = observed.refused_wait();
        let exhausted = observed.limits().iter().any(|limit| limit.is_exhausted());
        match status {
            429 => self.retry(Failure::Throttled, hint.or(self.plan.missing_hint), now),
            403 if hint.is_some() || exhausted => self.retry(Failure::Throttled, hint, now),
            503 if hint.is_some() => self.retry(Failure::Throttled, hint, now),
            501 | 505 => RetryDecision::GiveUp(GiveUp::Status),
            408 | 425 | 500..=599 if self.plan.idempotent => self.retry(Failure::Transient, hint, now),
            _ => RetryDecision::GiveUp(GiveUp::Status),
        }
    }

    /// No response came: a broken connection ([`Failure::Transient`]) or none in time ([`Failure::Timeout`]).
    pub fn after_error(&mut self, failure: Failure, now: u64) -> RetryDecision {
        if self.plan.idempotent { self.retry(failure, None, now) } else { RetryDecision::GiveUp(GiveUp::Status) }
    }

    /// How many retries were granted.
    pub fn retries(&self) -> u32 {
        self.session.retries()
    }

    fn retry(&mut self, failure: Failure, hint: Option<u64>, now: u64) -> RetryDecision {
        let give_up = |why| {
            if let Some(budget) = self.budget {
                budget.give_up_at(now);
            }
            RetryDecision::GiveUp(why)
        };
        if let Some(hint) = hint.filter(|hint| *hint > self.plan.max_hint) {
            return give_up(GiveUp::HintTooLong(hint));
        }
        let Some(delay) = self.session.next_delay_nanos_at(now, hint) else {
            return give_up(GiveUp::Backoff);
        };
        if let Some(budget) = self.budget {
            // Refused by the budget, the failure is already counted.
            let Some(permit) = budget.try_retry_at(now, failure) else {
                return RetryDecision::GiveUp(GiveUp::Budget);
            };
            self.permit = Some(permit);
        }
        RetryDecision::Retry { delay }
    }
}
