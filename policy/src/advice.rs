//! What a document says around its limits: the headers of its responses, its refusals, and its advice to clients.
//!
//! Recorded as published. Whoever speaks these headers or obeys this advice reads it from here.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::limit::Scope;

/// The rate-limit headers of a provider's responses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Headers {
    pub(crate) sent: Sent,
    pub(crate) limit: Option<String>,
    pub(crate) remaining: Option<String>,
    pub(crate) reset: Option<String>,
    pub(crate) reset_form: Option<ResetForm>,
    pub(crate) retry_after: Option<String>,
    pub(crate) retry_after_sent: Option<Sent>,
    pub(crate) scope: Option<String>,
    #[serde(default)]
    pub(crate) source: Vec<Spanned<String>>,
}

impl Headers {
    /// On which responses limit, remaining and reset stand.
    pub fn sent(&self) -> Sent {
        self.sent
    }

    /// The name of the header with the limit.
    pub fn limit(&self) -> Option<&str> {
        self.limit.as_deref()
    }

    /// The name of the header with what remains.
    pub fn remaining(&self) -> Option<&str> {
        self.remaining.as_deref()
    }

    /// The name of the header with the instant of the reset.
    pub fn reset(&self) -> Option<&str> {
        self.reset.as_deref()
    }

    /// How that instant is written.
    pub fn reset_form(&self) -> Option<ResetForm> {
        self.reset_form
    }

    /// The name of the header with the seconds to wait.
    pub fn retry_after(&self) -> Option<&str> {
        self.retry_after.as_deref()
    }

    /// On which responses the seconds to wait stand.
    pub fn retry_after_sent(&self) -> Option<Sent> {
        self.retry_after_sent
    }

    /// The name of the header that names the scope of the limit.
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }
}

/// Which responses carry a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Sent {
    /// Every response.
    Always,
    /// Refusals only.
    Refused,
}

/// How the instant of a reset is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ResetForm {
    /// Seconds since 1970-01-01T00:00:00Z.
    Unix,
    /// `2024-01-15T12:00:00Z`.
    #[serde(rename = "iso-8601")]
    Iso8601,
    /// Seconds from now.
    Delta,
}

/// What a provider answers when a limit is exceeded.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) scope_codes: BTreeMap<Scope, String>,
}

impl Refusal {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The error code of the body for a limit of this scope.
    pub fn code(&self, scope: Scope) -> Option<&str> {
        self.scope_codes.get(&scope).or(self.code.as_ref()).map(String::as_str)
    }

    /// The message of the body, as in the document's example.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

/// How a document tells its clients to retry.
#[derive(Clone, Debug)]
pub struct Retry {
    pub(crate) schedule: Schedule,
    pub(crate) max_retries: Option<u64>,
    pub(crate) base_delay_ms: Option<u64>,
    pub(crate) factor: Option<u64>,
    pub(crate) first_exponent: u64,
    pub(crate) jitter_ms: u64,
    pub(crate) missing_retry_after_s: Option<u64>,
    pub(crate) retry_after_is_floor: bool,
    pub(crate) note: Option<String>,
}

/// What the delays of a retry follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Schedule {
    /// `base * factor^n`, plus jitter.
    Exponential,
    /// What the response says, plus jitter.
    RetryAfter,
}

impl Retry {
    /// What the delays follow.
    pub fn schedule(&self) -> Schedule {
        self.schedule
    }

    /// Retries after the first attempt; `None` where no number is published. A document that counts attempts has one retry less.
    pub fn max_retries(&self) -> Option<u64> {
        self.max_retries
    }

    /// The base delay in milliseconds.
    pub fn base_delay_ms(&self) -> Option<u64> {
        self.base_delay_ms
    }

    /// The factor from one delay to the next.
    pub fn factor(&self) -> Option<u64> {
        self.factor
    }

    /// The exponent of the first delay: the delay before retry n (from 0) is `base * factor^(n + this)`.
    pub fn first_exponent(&self) -> u64 {
        self.first_exponent
    }

    /// The most jitter, in milliseconds, that is added to a delay; 0 for none.
    pub fn jitter_ms(&self) -> u64 {
        self.jitter_ms
    }

    /// The seconds to assume when the response does not say how long to wait.
    pub fn missing_retry_after_s(&self) -> Option<u64> {
        self.missing_retry_after_s
    }

    /// Whether the response's wait is a lower bound of the delay before jitter.
    pub fn retry_after_is_floor(&self) -> bool {
        self.retry_after_is_floor
    }

    /// A remark of the policy file.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }
}

/// How a document tells its clients to pace themselves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    pub(crate) slow_down_below_percent: Option<u64>,
    pub(crate) warn_below_percent: Option<u64>,
    pub(crate) alert_above_percent: Option<u64>,
    pub(crate) pacing: Option<Pacing>,
    #[serde(default)]
    pub(crate) source: Vec<Spanned<String>>,
}

impl Client {
    /// Slow down when less than this share of the limit remains.
    pub fn slow_down_below_percent(&self) -> Option<u64> {
        self.slow_down_below_percent
    }

    /// Warn when less than this share of the limit remains.
    pub fn warn_below_percent(&self) -> Option<u64> {
        self.warn_below_percent
    }

    /// Raise an alert when more than this share of the limit is used.
    pub fn alert_above_percent(&self) -> Option<u64> {
        self.alert_above_percent
    }

    /// The interval between requests, and how it follows use.
    pub fn pacing(&self) -> Option<&Pacing> {
        self.pacing.as_ref()
    }
}

/// An interval between requests that follows the share of the limit that is used.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pacing {
    pub(crate) start_ms: u64,
    pub(crate) min_ms: u64,
    pub(crate) max_ms: u64,
    pub(crate) steps: Vec<PacingStep>,
    #[serde(default)]
    pub(crate) source: Vec<Spanned<String>>,
}

impl Pacing {
    /// The interval to begin with, in milliseconds.
    pub fn start_ms(&self) -> u64 {
        self.start_ms
    }

    /// The shortest interval, in milliseconds.
    pub fn min_ms(&self) -> u64 {
        self.min_ms
    }

    /// The longest interval, in milliseconds.
    pub fn max_ms(&self) -> u64 {
        self.max_ms
    }

    /// The steps; the first one that applies is taken.
    pub fn steps(&self) -> &[PacingStep] {
        &self.steps
    }
}

/// One step of a [`Pacing`]: above or below a share of use, multiply the interval.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PacingStep {
    pub(crate) above_percent: Option<u64>,
    pub(crate) below_percent: Option<u64>,
    pub(crate) factor: String,
}

impl PacingStep {
    /// Applies when more than this share is used.
    pub fn above_percent(&self) -> Option<u64> {
        self.above_percent
    }

    /// Applies when less than this share is used.
    pub fn below_percent(&self) -> Option<u64> {
        self.below_percent
    }

    /// The factor, as a decimal number in text: "1.5".
    pub fn factor(&self) -> &str {
        &self.factor
    }
}
