//! Quotas cross as text, which keeps them exactly; their numbers as bigints.

use napi::bindgen_prelude::{BigInt, Either};
use napi_derive::napi;
use tidegate::{Quota, QuotaError};

use crate::number::{Nanos, Permits};

/// A quota for JavaScript to look at.
#[napi(object)]
pub struct QuotaParts {
    /// As the core writes it and reads it again.
    pub text: String,
    /// Permits per period.
    pub limit: BigInt,
    /// Nanoseconds.
    pub period: BigInt,
    /// The most permits at once.
    pub burst: BigInt,
}

/// Why a quota was refused.
#[napi(object)]
pub struct Refusal {
    /// The kind of [`QuotaError`], in kebab case.
    pub kind: String,
    /// For people.
    pub message: String,
    /// In UTF-16 units, as JavaScript counts in strings.
    pub position: Option<u32>,
}

/// Reads a quota.
#[napi(catch_unwind)]
pub fn parse_quota(text: String) -> Either<QuotaParts, Refusal> {
    match text.parse::<Quota>() {
        Ok(quota) => Either::A(parts(&quota)),
        Err(error) => Either::B(refusal(&error, &text)),
    }
}

/// Makes a quota of numbers; the burst is the limit if not said.
#[napi(catch_unwind)]
pub fn make_quota(limit: Permits, period: Nanos, burst: Option<Permits>) -> Either<QuotaParts, Refusal> {
    let quota =
        Quota::from_nanos(limit.0, period.0).and_then(|quota| quota.burst(burst.map_or(limit.0, |burst| burst.0)));
    match quota {
        Ok(quota) => Either::A(parts(&quota)),
        Err(error) => Either::B(refusal(&error, "")),
    }
}

fn parts(quota: &Quota) -> QuotaParts {
    QuotaParts {
        text: quota.to_string(),
        limit: quota.limit().into(),
        period: quota.period_nanos().into(),
        burst: quota.capacity().into(),
    }
}

/// `text` is what was read; the core's positions count its bytes.
pub(crate) fn refusal(error: &QuotaError, text: &str) -> Refusal {
    let mut message = error.to_string();
    let position = error.position().map(|bytes| {
        let units = text.get(..bytes).map_or(bytes, |read| read.encode_utf16().count());
        if let Some((_, reason)) = message.split_once(": ") {
            message = format!("at position {units}: {reason}");
        }
        u32::try_from(units).unwrap_or(u32::MAX)
    });
    Refusal { kind: kebab(&format!("{:?}", error.kind())), message, position }
}

/// `ExpectedUnit` as `expected-unit`.
fn kebab(name: &str) -> String {
    let mut out = String::new();
    for (at, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
