//! What a server has to say about its limits, before any dialect: plain numbers, nanoseconds, names.

use tidegate::Decision;

/// Whether one limit lets the request pass.
///
/// ```
/// # use tidegate_policy::headers::Outcome;
/// assert!(Outcome::Never.wait() > Outcome::After(u64::MAX).wait());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It passes.
    Allowed,
    /// The same request passes after so many nanoseconds.
    After(u64),
    /// The same request never passes: it costs more than the limit holds.
    Never,
}

impl Outcome {
    /// The wait as a number that can be compared: 0 for allowed, the longest for never. Nanoseconds.
    pub const fn wait(self) -> u128 {
        match self {
            Outcome::Allowed => 0,
            Outcome::After(wait) => wait as u128,
            Outcome::Never => u128::MAX,
        }
    }

    /// Whether the request is refused.
    pub const fn is_denied(self) -> bool {
        !matches!(self, Outcome::Allowed)
    }
}

/// Where one limit stands. The drafts call it a service limit.
///
/// ```
/// use tidegate_policy::headers::{Outcome, ServiceLimit};
///
/// let limit = ServiceLimit::new("hour", 1000, 0, 3_600_000_000_000)
///     .scope("api-key")
///     .window(3_600_000_000_000)
///     .outcome(Outcome::After(3_600_000_000_000));
/// assert_eq!((limit.limit(), limit.remaining()), (1000, 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServiceLimit<'a> {
    name: &'a str,
    scope: Option<&'a str>,
    limit: u64,
    remaining: u64,
    reset_after: u64,
    window: Option<u64>,
    outcome: Outcome,
}

impl<'a> ServiceLimit<'a> {
    /// A limit that lets the request pass: its capacity, what remains of it after this request, and the nanoseconds until all of it is
    /// there again.
    pub const fn new(name: &'a str, limit: u64, remaining: u64, reset_after: u64) -> ServiceLimit<'a> {
        ServiceLimit { name, scope: None, limit, remaining, reset_after, window: None, outcome: Outcome::Allowed }
    }

    /// What a limiter answered, under the name of its policy.
    ///
    /// ```
    /// use tidegate::{Algorithm, Limiter};
    /// use tidegate_policy::headers::{Outcome, ServiceLimit};
    ///
    /// let limiter = Limiter::new(Algorithm::FixedWindow, "10/min".parse()?)?;
    /// let _ = limiter.take_at(0, 10);
    /// let limit = ServiceLimit::from_decision("minute", &limiter.take_at(15_000_000_000, 1));
    /// assert_eq!(limit.outcome_of_request(), Outcome::After(45_000_000_000));
    /// # Ok::<(), tidegate::QuotaError>(())
    /// ```
    pub fn from_decision(name: &'a str, decision: &Decision) -> ServiceLimit<'a> {
        let outcome = match decision.retry_after_nanos() {
            _ if decision.is_allowed() => Outcome::Allowed,
            Some(wait) => Outcome::After(wait),
            None => Outcome::Never,
        };
        let reset_after = decision.reset_after_nanos();
        ServiceLimit::new(name, decision.limit(), decision.remaining(), reset_after).outcome(outcome)
    }

    /// Whom the limit counts: `api-key`, `ip`, `endpoint`.
    #[must_use]
    pub const fn scope(mut self, scope: &'a str) -> ServiceLimit<'a> {
        self.scope = Some(scope);
        self
    }

    /// The period of the quota in nanoseconds.
    #[must_use]
    pub const fn window(mut self, nanos: u64) -> ServiceLimit<'a> {
        self.window = Some(nanos);
        self
    }

    /// Whether the limit lets the request pass.
    #[must_use]
    pub const fn outcome(mut self, outcome: Outcome) -> ServiceLimit<'a> {
        self.outcome = outcome;
        self
    }

    /// The name of the policy.
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The scope, if one was given.
    pub const fn scope_name(&self) -> Option<&'a str> {
        self.scope
    }

    /// The capacity.
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// What remains.
    pub const fn remaining(&self) -> u64 {
        self.remaining
    }

    /// The nanoseconds until the limit is as good as new.
    pub const fn reset_after(&self) -> u64 {
        self.reset_after
    }

    /// The period in nanoseconds, if one was given.
    pub const fn window_nanos(&self) -> Option<u64> {
        self.window
    }

    /// Whether this limit lets the request pass.
    pub const fn outcome_of_request(&self) -> Outcome {
        self.outcome
    }

    /// Whether this limit binds rather than another: refused, the longer wait; allowed, the lesser share that remains.
    fn binds_before(&self, other: &ServiceLimit<'_>) -> bool {
        match (self.outcome.wait(), other.outcome.wait()) {
            (one, two) if one != two => one > two,
            _ if self.outcome.is_denied() != other.outcome.is_denied() => self.outcome.is_denied(),
            // Both products are below 2^128. A limit of nothing has nothing left.
            _ => {
                u128::from(self.remaining) * u128::from(other.limit.max(1))
                    < u128::from(other.remaining) * u128::from(self.limit.max(1))
            }
        }
    }
}

/// Where all limits of one request stand at one instant.
///
/// One of them *binds*: if the request is refused, the one with the longest wait; if it passes, the one of which the least share is left;
/// among equals the first. Dialects that speak of one limit speak of that one.
///
/// ```
/// use tidegate_policy::headers::{Outcome, Report, ServiceLimit};
///
/// let limits = [
///     ServiceLimit::new("minute", 60, 12, 20_000_000_000),
///     ServiceLimit::new("hour", 1000, 100, 900_000_000_000),
/// ];
/// let report = Report::new(0, &limits);
/// assert_eq!(report.binding().map(|limit| limit.name()), Some("hour")); // 10 % is less than 20 %
/// assert_eq!(report.outcome(), Outcome::Allowed);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    now: u64,
    limits: &'a [ServiceLimit<'a>],
    binding: usize,
}

impl<'a> Report<'a> {
    /// The limits that applied to a request, at `now` in Unix nanoseconds. No limits: no headers.
    pub fn new(now: u64, limits: &'a [ServiceLimit<'a>]) -> Report<'a> {
        let mut binding = 0;
        for (index, limit) in limits.iter().enumerate() {
            if limits.get(binding).is_some_and(|best| limit.binds_before(best)) {
                binding = index;
            }
        }
        Report { now, limits, binding }
    }

    /// The instant of the report, in Unix nanoseconds.
    pub const fn now(&self) -> u64 {
        self.now
    }

    /// The limits, in the order given.
    pub const fn limits(&self) -> &'a [ServiceLimit<'a>] {
        self.limits
    }

    /// The limit that binds; `None` if there is none at all.
    pub fn binding(&self) -> Option<&'a ServiceLimit<'a>> {
        self.limits.get(self.binding)
    }

    /// Whether the request passes: that of the limit that binds.
    pub fn outcome(&self) -> Outcome {
        self.binding().map_or(Outcome::Allowed, |limit| limit.outcome)
    }

    /// The limits with the binding one first.
    pub(super) fn binding_first(&self) -> impl Iterator<Item = &'a ServiceLimit<'a>> + use<'a> {
        let (limits, binding) = (self.limits, self.binding);
        let others = limits.iter().enumerate().filter(move |(index, _)| *index != binding).map(|(_, limit)| limit);
        limits.get(binding).into_iter().chain(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(limit: u64, remaining: u64, outcome: Outcome) -> ServiceLimit<'static> {
        ServiceLimit::new("", limit, remaining, 7).outcome(outcome)
    }

    fn binding(limits: &[ServiceLimit<'_>]) -> usize {
        Report::new(0, limits).binding
    }

    #[test]
    fn the_longest_wait_binds_then_the_least_share_then_the_first() {
        use Outcome::{After, Allowed, Never};
        assert_eq!(binding(&[]), 0);
        assert_eq!(binding(&[limit(9, 0, Allowed), limit(9, 9, After(1))]), 1);
        assert_eq!(binding(&[limit(9, 0, Allowed), limit(9, 9, After(0))]), 1);
        assert_eq!(binding(&[limit(9, 9, After(2)), limit(9, 9, After(u64::MAX)), limit(9, 9, Never)]), 2);
        assert_eq!(binding(&[limit(10, 5, Allowed), limit(4, 2, Allowed)]), 0);
        assert_eq!(binding(&[limit(10, 5, Allowed), limit(4, 1, Allowed)]), 1);
        assert_eq!(binding(&[limit(u64::MAX, u64::MAX, Allowed), limit(u64::MAX, u64::MAX - 1, Allowed)]), 1);
        assert_eq!(binding(&[limit(1, 1, Allowed), limit(0, 0, Allowed)]), 1);
    }

    #[test]
    fn the_binding_limit_comes_first_and_none_twice() {
        let limits = [1, 0, 2].map(|left| limit(3, left, Outcome::Allowed));
        let report = Report::new(0, &limits);
        assert!(report.binding_first().map(|limit| limit.remaining).eq([0, 1, 2]));
        assert_eq!(Report::new(0, &[]).binding_first().count(), 0);
    }
}
