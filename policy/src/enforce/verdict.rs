//! `Verdict`: what a policy answered to one request, limit by limit.

use std::fmt;
use std::time::Duration;

use smallvec::SmallVec;

use super::group::Answer;
use super::in_flight::InFlight;
use super::report::{LimitReport, QuotaStatus, Report, in_headers};
use crate::headers::{Dialect, EncodeError, Report as HeaderReport, ServiceLimit};
use crate::limit::{Allowance, Limit, Scope};
use crate::policy::Policy;

/// The answer to one request.
///
/// All limits that the request met have counted it, or none has. While it is held, so are the places in limits of requests at the same
/// time (see [`Verdict::into_in_flight`]).
#[must_use = "a verdict says whether the request may go ahead"]
pub struct Verdict<'p> {
    pub(crate) policy: &'p Policy,
    pub(crate) now: u64,
    pub(crate) allowed: bool,
    pub(crate) entries: Entries,
    pub(crate) in_flight: InFlight,
}

pub(crate) type Entries = SmallVec<[Entry; 6]>;

#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub limit: u32,
    pub cost: u64,
    pub answer: Answer,
}

impl<'p> Verdict<'p> {
    /// Whether the request may go ahead.
    pub fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// The instant of the decision, in nanoseconds since 1970-01-01 UTC (or of the caller's own clock).
    pub fn now_nanos(&self) -> u64 {
        self.now
    }

    /// The limit that binds. Denied: the one with the longest wait. Allowed: the one with the smallest share left. Of several alike
    /// the first in the file. `None` if the request met no limit with a number. Limits in shadow never bind.
    pub fn binding(&self) -> Option<LimitDecision<'p>> {
        let enforced = self.limits().filter(|limit| !limit.is_shadow());
        if self.allowed {
            return enforced.reduce(|best, next| if next.share_below(&best) { next } else { best });
        }
        let denying = enforced.filter(|limit| !limit.is_allowed());
        denying.reduce(|best, next| if next.wait() > best.wait() { next } else { best })
    }

    /// The scope of the limit that binds.
    pub fn scope(&self) -> Option<Scope> {
        self.binding().map(|limit| limit.scope())
    }

    /// How long to wait until the same request is allowed, if nobody else asks: the longest wait of those limits that deny. Zero if
    /// allowed. `None` if it never is, or if a limit of requests at the same time denies: then nobody knows.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_nanos().map(Duration::from_nanos)
    }

    /// As [`Verdict::retry_after`], in nanoseconds.
    pub fn retry_after_nanos(&self) -> Option<u64> {
        if self.allowed {
            return Some(0);
        }
        let mut denying = self.limits().filter(|limit| !limit.is_shadow() && !limit.is_allowed());
        denying.try_fold(0, |longest, limit| limit.retry_after_nanos().map(|wait| wait.max(longest)))
    }

    /// Whether the same request can never be allowed.
    pub fn is_never(&self) -> bool {
        self.limits().any(|limit| !limit.is_shadow() && !limit.is_allowed() && limit.is_never())
    }

    /// The provider's code for this refusal: that of the limit that binds, or of its scope, or of all refusals. `None` if allowed or if
    /// the policy has no codes.
    pub fn code(&self) -> Option<&'p str> {
        let binding = self.binding().filter(|_| !self.allowed)?;
        binding.of().code().or_else(|| self.policy.refusal()?.code(binding.scope()))
    }

    /// The HTTP status of the answer: the policy's for refusals (429 if it does not say), 200 otherwise.
    pub fn status(&self) -> u16 {
        if self.allowed { 200 } else { self.policy.refusal().map_or(429, |refusal| refusal.status()) }
    }

    /// Every limit that the request met and that has a number, in the order of the file, those in shadow last.
    pub fn limits(&self) -> impl ExactSizeIterator<Item = LimitDecision<'p>> + '_ {
        let limits = self.policy.limits();
        // Entries are made from the policy's own limits.
        self.entries.iter().map(|entry| LimitDecision { limit: &limits[entry.limit as usize], entry: *entry })
    }

    /// The decision of the limit with this id.
    pub fn limit(&self, id: &str) -> Option<LimitDecision<'p>> {
        self.limits().find(|limit| limit.id() == id)
    }

    /// "Check your current quota", for the limit that binds.
    pub fn quota(&self) -> Option<QuotaStatus> {
        self.binding().map(|limit| limit.quota(self.now))
    }

    /// The header fields that the provider sends with this answer, in the dialect of its policy; none if the policy names none.
    ///
    /// # Errors
    /// As [`Verdict::headers_in`].
    pub fn headers(&self) -> Result<Vec<(&'static str, String)>, EncodeError> {
        self.policy.headers().and_then(Dialect::of).map_or(Ok(Vec::new()), |dialect| self.headers_in(dialect))
    }

    /// The header fields of this answer in a dialect.
    ///
    /// # Errors
    /// An id or a scope that no header can hold (see [`EncodeError`]).
    ///
    /// ```
    /// # use tidegate_policy::{Policy, Request, Scope, headers::Dialect};
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/mailtrap.toml");
    /// let policy = Policy::from_file(path)?;
    /// let request = Request::new().request_line("GET /api/x").scope(Scope::ApiKey, "t");
    /// let headers = policy.take(&request)?.headers_in(Dialect::Draft08)?;
    /// assert_eq!(headers[0], ("RateLimit", "\"general/all\";r=149;t=10".to_owned()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn headers_in(&self, dialect: Dialect) -> Result<Vec<(&'static str, String)>, EncodeError> {
        let limits = self.service_limits();
        let fields = dialect.encode(&HeaderReport::new(self.now, &limits))?;
        Ok(fields.map(|(name, value)| (name, value.to_string())).collect())
    }

    /// What there is to say in headers: the limits in force, not those in shadow.
    pub fn service_limits(&self) -> SmallVec<[ServiceLimit<'p>; 6]> {
        self.limits().filter(|limit| !limit.is_shadow()).map(|limit| limit.service_limit()).collect()
    }

    /// The policy that was asked.
    pub fn policy(&self) -> &'p Policy {
        self.policy
    }

    /// The places that the request holds in limits of requests at the same time, to be kept while it runs. Dropping the verdict, or what
    /// this returns, gives them back.
    pub fn into_in_flight(self) -> InFlight {
        self.in_flight
    }

    /// Everything that the verdict says, owned: to be kept, serialized, or handed to another language.
    pub fn report(&self) -> Report {
        let limits: Vec<LimitReport> = self.limits().map(|limit| limit.report(self.now)).collect();
        let binding = self.binding().and_then(|binding| limits.iter().position(|limit| limit.id == binding.id()));
        Report {
            allowed: self.allowed,
            now_nanos: self.now,
            binding,
            retry_after_nanos: self.retry_after_nanos(),
            never: self.is_never(),
            code: self.code().map(str::to_owned),
            status: self.status(),
            limits,
        }
    }
}

impl fmt::Debug for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verdict")
            .field("allowed", &self.allowed)
            .field("binding", &self.binding().map(|limit| limit.id()))
            .field("retry_after", &self.retry_after())
            .field("limits", &self.limits().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// What one limit said to a request.
#[derive(Clone, Copy)]
pub struct LimitDecision<'p> {
    limit: &'p Limit,
    entry: Entry,
}

impl<'p> LimitDecision<'p> {
    /// The limit.
    pub fn of(&self) -> &'p Limit {
        self.limit
    }

    /// Its id.
    pub fn id(&self) -> &'p str {
        self.limit.id()
    }

    /// Whom it counts.
    pub fn scope(&self) -> Scope {
        self.limit.scope()
    }

    /// Whether it is on trial: what it says did not count for the verdict.
    pub fn is_shadow(&self) -> bool {
        self.limit.is_shadow()
    }

    /// Whether it allows the request.
    pub fn is_allowed(&self) -> bool {
        self.entry.answer.is_allowed()
    }

    /// The permits that the request asked of it.
    pub fn cost(&self) -> u64 {
        self.entry.cost
    }

    /// Its capacity: the burst of a bucket, the limit of a window. Permits.
    pub fn limit(&self) -> u64 {
        match &self.entry.answer {
            Answer::Decided(decision) => decision.limit(),
            Answer::Stock { limit, .. } => *limit,
        }
    }

    /// What is left after the verdict. Permits.
    pub fn remaining(&self) -> u64 {
        match &self.entry.answer {
            Answer::Decided(decision) => decision.remaining(),
            Answer::Stock { remaining, .. } => *remaining,
        }
    }

    /// What is used after the verdict. Permits.
    pub fn used(&self) -> u64 {
        self.limit().saturating_sub(self.remaining())
    }

    /// How long until this limit allows the request. Zero if it does; `None` if never, or if nobody knows.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_nanos().map(Duration::from_nanos)
    }

    /// As [`LimitDecision::retry_after`], in nanoseconds.
    pub fn retry_after_nanos(&self) -> Option<u64> {
        match &self.entry.answer {
            Answer::Decided(decision) => decision.retry_after_nanos(),
            Answer::Stock { allowed, .. } => allowed.then_some(0),
        }
    }

    /// Whether this limit never allows the request: it asks for more than its capacity.
    pub fn is_never(&self) -> bool {
        match &self.entry.answer {
            Answer::Decided(decision) => decision.is_never(),
            Answer::Stock { allowed, never, .. } => !*allowed && *never,
        }
    }

    /// How long until the limit is as good as new: for a window, until it resets. Zero for limits that are no rate.
    pub fn reset_after(&self) -> Duration {
        Duration::from_nanos(self.reset_after_nanos())
    }

    /// As [`LimitDecision::reset_after`], in nanoseconds.
    pub fn reset_after_nanos(&self) -> u64 {
        match &self.entry.answer {
            Answer::Decided(decision) => decision.reset_after_nanos(),
            Answer::Stock { .. } => 0,
        }
    }

    /// "Check your current quota", as of `now` nanoseconds since 1970.
    pub fn quota(&self, now: u64) -> QuotaStatus {
        QuotaStatus {
            used: self.used(),
            remaining: self.remaining(),
            limit: self.limit(),
            resets_at_nanos: now.saturating_add(self.reset_after_nanos()),
        }
    }

    fn service_limit(&self) -> ServiceLimit<'p> {
        let limit = ServiceLimit::new(self.id(), self.limit(), self.remaining(), self.reset_after_nanos());
        in_headers(limit, self.scope(), self.is_allowed(), self.retry_after_nanos(), self.window_nanos())
    }

    fn window_nanos(&self) -> Option<u64> {
        match (self.limit.allowance(), self.limit.example()) {
            (Allowance::Rate(quota), _) | (Allowance::Unstated, Some(Allowance::Rate(quota))) => {
                Some(quota.period_nanos())
            }
            _ => None,
        }
    }

    fn report(&self, now: u64) -> LimitReport {
        LimitReport {
            id: self.id().to_owned(),
            scope: self.scope(),
            unit: self.limit.unit().to_owned(),
            allowed: self.is_allowed(),
            shadow: self.is_shadow(),
            never: self.is_never(),
            cost: self.cost(),
            quota: self.quota(now),
            retry_after_nanos: self.retry_after_nanos(),
            reset_after_nanos: self.reset_after_nanos(),
            window_nanos: self.window_nanos(),
        }
    }

    /// Never is longer than unknown, unknown longer than any wait.
    fn wait(&self) -> (bool, u64) {
        (self.is_never(), self.retry_after_nanos().unwrap_or(u64::MAX))
    }

    /// Whether a smaller share of this one is left.
    fn share_below(&self, other: &LimitDecision<'_>) -> bool {
        u128::from(self.remaining()) * u128::from(other.limit())
            < u128::from(other.remaining()) * u128::from(self.limit())
    }
}

impl fmt::Debug for LimitDecision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitDecision")
            .field("id", &self.id())
            .field("allowed", &self.is_allowed())
            .field("shadow", &self.is_shadow())
            .field("limit", &self.limit())
            .field("remaining", &self.remaining())
            .field("retry_after", &self.retry_after())
            .field("reset_after", &self.reset_after())
            .finish()
    }
}
