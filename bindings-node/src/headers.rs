//! Header fields of a response, written from decisions. They cross as names and values by turns.

use napi::{Env, Result};
use napi_derive::napi;
use tidegate::{Clock as _, SystemClock};
use tidegate_policy::headers::{Dialect, EncodeError, Outcome, Report, RetryAfterStyle, ServiceLimit, UnknownDialect};

use crate::number::{Nanos, Permits, Time, range_error};

/// What one limit answered.
#[napi(object, object_to_js = false)]
pub struct Told {
    /// Of the limit.
    pub name: String,
    /// Whom it counts.
    pub scope: Option<String>,
    /// Whether it allows the request.
    pub allowed: bool,
    /// The capacity.
    pub limit: Permits,
    /// Permits left.
    pub remaining: Permits,
    /// If denied, the wait; never if there is none.
    pub retry_after: Option<Nanos>,
    /// Until it is as good as new.
    pub reset_after: Nanos,
    /// The period.
    pub window: Option<Nanos>,
}

/// The header fields of a response; `now` in Unix time is the system's if not said.
#[napi(catch_unwind)]
pub fn write_headers(
    env: &Env,
    limits: Vec<Told>,
    dialect: String,
    http_date: bool,
    now: Option<Time>,
) -> Result<Vec<String>> {
    let dialect = self::dialect(env, &dialect)?;
    let told = limits.iter().map(|told| {
        let outcome = match &told.retry_after {
            _ if told.allowed => Outcome::Allowed,
            Some(wait) => Outcome::After(wait.0),
            None => Outcome::Never,
        };
        let mut limit =
            ServiceLimit::new(&told.name, told.limit.0, told.remaining.0, told.reset_after.0).outcome(outcome);
        if let Some(scope) = &told.scope {
            limit = limit.scope(scope);
        }
        told.window.map_or(limit, |window| limit.window(window.0))
    });
    let told: Vec<ServiceLimit<'_>> = told.collect();
    let now = now.map_or_else(|| SystemClock.now(), |now| now.0);
    let style = if http_date { RetryAfterStyle::HttpDate } else { RetryAfterStyle::Seconds };
    match dialect.encode_with(&Report::new(now, &told), style) {
        Ok(fields) => Ok(flat(fields.map(|(name, value)| (name, value.to_string())))),
        Err(error) => Err(refused(env, &error)),
    }
}

/// # Errors
/// A `RangeError` with the known names.
pub(crate) fn dialect(env: &Env, name: &str) -> Result<Dialect> {
    let unknown = |error: UnknownDialect| {
        range_error(env, "ERR_INVALID_ARG_VALUE", &format!("unknown dialect {name:?}: {error}"))
    };
    name.parse().map_err(unknown)
}

/// A name or a scope that no header can hold.
pub(crate) fn refused(env: &Env, error: &EncodeError) -> napi::Error {
    range_error(env, "ERR_INVALID_ARG_VALUE", &error.to_string())
}

/// Names and values by turns.
pub(crate) fn flat<N: Into<String>>(fields: impl IntoIterator<Item = (N, String)>) -> Vec<String> {
    fields.into_iter().flat_map(|(name, value)| [name.into(), value]).collect()
}
