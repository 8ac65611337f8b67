//! `Report`: a verdict in owned, plain figures.

use serde::{Serialize, Serializer};

use crate::headers::{Dialect, EncodeError, Outcome, Report as HeaderReport, ServiceLimit};
use crate::limit::Scope;

/// What a [`Verdict`](crate::Verdict) says, worked out and owned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Report {
    /// Whether the request may go ahead.
    pub allowed: bool,
    /// The instant of the decision, nanoseconds since 1970.
    pub now_nanos: u64,
    /// The place in `limits` of the one that binds.
    pub binding: Option<usize>,
    /// The wait until the same request is allowed; 0 if it is, `None` if never or not known.
    pub retry_after_nanos: Option<u64>,
    /// Whether it never is.
    pub never: bool,
    /// The provider's code for the refusal.
    pub code: Option<String>,
    /// The HTTP status.
    pub status: u16,
    /// Every limit that was met, those in shadow last.
    pub limits: Vec<LimitReport>,
}

impl Report {
    /// The limit that binds.
    pub fn binding(&self) -> Option<&LimitReport> {
        self.binding.and_then(|at| self.limits.get(at))
    }

    /// The header fields of the answer in a dialect: as [`Verdict::headers_in`](crate::Verdict::headers_in).
    ///
    /// # Errors
    /// As there.
    pub fn headers_in(&self, dialect: Dialect) -> Result<Vec<(&'static str, String)>, EncodeError> {
        let limits: Vec<_> = self.limits.iter().filter(|limit| !limit.shadow).map(LimitReport::service_limit).collect();
        let fields = dialect.encode(&HeaderReport::new(self.now_nanos, &limits))?;
        Ok(fields.map(|(name, value)| (name, value.to_string())).collect())
    }
}

/// What one limit said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LimitReport {
    /// Its id in the policy file.
    pub id: String,
    /// Whom it counts.
    pub scope: Scope,
    /// What its permits are.
    pub unit: String,
    /// Whether it allows the request.
    pub allowed: bool,
    /// Whether it is on trial and did not count.
    pub shadow: bool,
    /// Whether it never allows the request.
    pub never: bool,
    /// The permits asked of it.
    pub cost: u64,
    /// What is used and left after the verdict.
    pub quota: QuotaStatus,
    /// The wait until it allows the request; 0 if it does, `None` if never or not known.
    pub retry_after_nanos: Option<u64>,
    /// The wait until it is as good as new.
    pub reset_after_nanos: u64,
    /// The period, where it has one.
    #[serde(skip)]
    pub window_nanos: Option<u64>,
}

impl LimitReport {
    fn service_limit(&self) -> ServiceLimit<'_> {
        let QuotaStatus { limit, remaining, .. } = self.quota;
        let limit = ServiceLimit::new(&self.id, limit, remaining, self.reset_after_nanos);
        in_headers(limit, self.scope, self.allowed, self.retry_after_nanos, self.window_nanos)
    }
}

/// As the encoders of headers want it. An unknown wait is told as none is: as never.
pub(super) fn in_headers(
    limit: ServiceLimit<'_>,
    scope: Scope,
    allowed: bool,
    retry_after: Option<u64>,
    window: Option<u64>,
) -> ServiceLimit<'_> {
    let limit = limit.scope(scope.name()).outcome(match retry_after {
        _ if allowed => Outcome::Allowed,
        Some(wait) => Outcome::After(wait),
        None => Outcome::Never,
    });
    window.map_or(limit, |nanos| limit.window(nanos))
}

/// The answer to "check your current quota": `{"used": 42, "remaining": 58, "limit": 100, "resetsAt": "2024-01-15T13:00:00Z"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QuotaStatus {
    /// Permits used.
    pub used: u64,
    /// Permits left.
    pub remaining: u64,
    /// Permits in all.
    pub limit: u64,
    /// When all are left again, nanoseconds since 1970. Written as ISO 8601 in whole seconds, rounded up.
    #[serde(rename = "resetsAt", serialize_with = "iso_8601")]
    pub resets_at_nanos: u64,
}

impl QuotaStatus {
    /// The reset in Unix seconds, rounded up: never earlier than it is.
    pub fn resets_at_unix(&self) -> u64 {
        self.resets_at_nanos.div_ceil(1_000_000_000)
    }

    /// The reset as `2024-01-15T13:00:00Z`; `None` beyond the year 9999.
    pub fn resets_at_iso(&self) -> Option<String> {
        let seconds = i64::try_from(self.resets_at_unix()).ok()?;
        jiff::Timestamp::from_second(seconds).ok().map(|instant| instant.to_string())
    }
}

fn iso_8601<S: Serializer>(nanos: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    let status = QuotaStatus { used: 0, remaining: 0, limit: 0, resets_at_nanos: *nanos };
    status.resets_at_iso().serialize(serializer)
}
