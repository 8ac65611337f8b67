//! `Decision`: the answer to "may this go ahead, and if not, when?".
//!
//! A decision of a one-word algorithm keeps the word and the rule and works out its figures when they are asked for: a caller who only
//! wants yes or no pays for nothing else.

use core::fmt;
use core::time::Duration;

use crate::rule::{Rule, Step};

/// What a limiter answered.
///
/// ```
/// use tidegate::{Algorithm, Limiter, Quota};
/// let limiter = Limiter::new(Algorithm::Gcra, Quota::per_second(10)?)?;
/// let now = 0;
/// let decision = limiter.take_at(now, 10);
/// assert!(decision.is_allowed());
/// assert_eq!((decision.limit(), decision.remaining()), (10, 0));
///
/// let denied = limiter.take_at(now, 1);
/// assert!(!denied.is_allowed());
/// assert_eq!(denied.retry_after(), Some(std::time::Duration::from_millis(100)));
///
/// assert!(limiter.take_at(now, 11).is_never());
/// # Ok::<(), tidegate::QuotaError>(())
/// ```
#[derive(Clone, Copy)]
#[must_use = "a decision says whether the call may go ahead"]
pub struct Decision {
    allowed: bool,
    source: Source,
}

#[derive(Clone, Copy)]
enum Source {
    /// The word after the decision, and the call.
    Word {
        rule: Rule,
        word: u64,
        now: u64,
        cost: u64,
        verb: Verb,
    },
    Facts(Facts),
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Take,
    Charge,
}

/// A decision worked out. Nanoseconds; `retry_after` is `None` for never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    pub(crate) retry_after: Option<u64>,
    pub(crate) reset_after: u64,
}

impl Decision {
    /// `now` may lie beyond the rule's end; what is told is told as of that end.
    #[inline(always)]
    pub(crate) fn of_word(allowed: bool, rule: &Rule, word: u64, now: u64, cost: u64, verb: Verb) -> Decision {
        Decision { allowed, source: Source::Word { rule: *rule, word, now, cost, verb } }
    }

    /// The answer to a take, as [`Decision::of_word`] would give it, for callers who want every figure of it. `now` is at most the rule's end.
    #[inline(always)]
    pub(crate) fn worked_out(allowed: bool, rule: &impl Step, word: u64, now: u64, cost: u64) -> Decision {
        let retry_after = if allowed { Some(0) } else { rule.earliest(word, now, cost).map(|at| at - now) };
        let facts = Facts {
            limit: rule.capacity(),
            remaining: rule.remaining(word, now),
            retry_after,
            reset_after: rule.renewed(word, now).map_or(u64::MAX, |at| at - now),
        };
        Decision::of_facts(allowed, facts)
    }

    #[inline]
    pub(crate) fn of_facts(allowed: bool, facts: Facts) -> Decision {
        Decision { allowed, source: Source::Facts(facts) }
    }

    /// Whether the call may go ahead. What it cost has then been spent (by `take` and `charge`, not by `peek`).
    #[inline]
    pub const fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// The capacity: the burst of a bucket, the limit of a window. Permits.
    #[inline]
    pub fn limit(&self) -> u64 {
        match &self.source {
            Source::Word { rule, .. } => rule.capacity(),
            Source::Facts(facts) => facts.limit,
        }
    }

    /// The largest cost that would be allowed right after this decision, at the same time. Permits.
    #[inline]
    pub fn remaining(&self) -> u64 {
        match &self.source {
            Source::Word { rule, word, now, .. } => rule.remaining(*word, (*now).min(rule.end())),
            Source::Facts(facts) => facts.remaining,
        }
    }

    /// How long to wait until the same call is allowed, if nobody else calls: denied at every earlier nanosecond, allowed exactly then.
    ///
    /// Zero if this call was allowed (for a charge: until the debt is paid). `None` means *never*: the cost is above the
    /// capacity, or the time lies beyond the end of the clock.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_nanos().map(Duration::from_nanos)
    }

    /// As [`Decision::retry_after`], in nanoseconds.
    #[inline]
    pub fn retry_after_nanos(&self) -> Option<u64> {
        match &self.source {
            Source::Word { rule, word, now, cost, verb } => {
                let now = &(*now).min(rule.end());
                let at = match (verb, self.allowed) {
                    (Verb::Take, true) => return Some(0),
                    (Verb::Take, false) => rule.earliest(*word, *now, *cost),
                    (Verb::Charge, true) => rule.earliest(*word, *now, 0),
                    (Verb::Charge, false) => rule.earliest_charge(*word, *now, *cost),
                };
                // No step answers with a time before `now`.
                at.map(|at| at - now)
            }
            Source::Facts(facts) => facts.retry_after,
        }
    }

    /// Whether the same call can never be allowed: waiting for it would be an error.
    pub fn is_never(&self) -> bool {
        self.retry_after_nanos().is_none()
    }

    /// How long until the limiter is as good as new, if nobody else calls. `u64::MAX` nanoseconds if that is beyond the end of the clock.
    pub fn reset_after(&self) -> Duration {
        Duration::from_nanos(self.reset_after_nanos())
    }

    /// As [`Decision::reset_after`], in nanoseconds.
    #[inline]
    pub fn reset_after_nanos(&self) -> u64 {
        match &self.source {
            Source::Word { rule, word, now, .. } => {
                let now = (*now).min(rule.end());
                rule.renewed(*word, now).map_or(u64::MAX, |at| at - now)
            }
            Source::Facts(facts) => facts.reset_after,
        }
    }

    /// The same denial, for a caller who does not want to go ahead before `wait` nanoseconds from now.
    pub(crate) fn not_before(self, wait: u64) -> Decision {
        match self.retry_after_nanos() {
            Some(known) if known < wait => {
                Decision::of_facts(self.allowed, Facts { retry_after: Some(wait), ..self.facts() })
            }
            _ => self,
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        Facts {
            limit: self.limit(),
            remaining: self.remaining(),
            retry_after: self.retry_after_nanos(),
            reset_after: self.reset_after_nanos(),
        }
    }
}

/// Two decisions are equal when all that they say is equal.
impl PartialEq for Decision {
    fn eq(&self, other: &Decision) -> bool {
        self.allowed == other.allowed && self.facts() == other.facts()
    }
}

impl Eq for Decision {}

impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("allowed", &self.allowed)
            .field("limit", &self.limit())
            .field("remaining", &self.remaining())
            .field("retry_after", &self.retry_after())
            .field("reset_after", &self.reset_after())
            .finish()
    }
}
