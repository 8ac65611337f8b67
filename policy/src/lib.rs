//! The limits of an API as a file: enforced for every plan, scope and endpoint, exchanged while it is asked, checked against the
//! provider's own words.
//!
//! [`Policy::take`] counts a [`Request`] against every limit that it meets, all or nothing, and answers with a [`Verdict`]: which limit
//! binds, how long to wait, the provider's code and headers. [`PolicyHandle`] reloads a file under its callers. The format is described in
//! `policies/README.md`, what is promised in `docs/policies.md`.
//!
//! ```
//! use tidegate_policy::{Policy, Request, Scope};
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/mailiam.toml");
//! let policy = Policy::from_file(path)?;
//! let request = Request::new().plan("free").endpoint("POST", "/v1/example.com/send").scope(Scope::ApiKey, "key_1");
//! let now = 1_768_480_200_000_000_000; // 2026-01-15T12:30:00Z
//! assert_eq!((0..100).filter(|_| policy.take_at(now, &request).is_ok_and(|verdict| verdict.is_allowed())).count(), 60);
//! let verdict = policy.take_at(now, &request)?;
//! assert_eq!((verdict.status(), verdict.code()), (429, Some("ENDPOINT_RATE_LIMIT")));
//! assert_eq!(verdict.headers()?[3], ("X-RateLimit-RetryAfter", "60".to_owned()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The published policies hold the tables and sentences of a provider's document, each beside the quota that was read out of it. Loading one
//! believes nothing: the number, the period and the scope of every quota must stand in the quotation next to it, every cell of a table must be
//! accounted for, unknown keys are refused. An error names file, line and column.
//!
//! ```
//! use tidegate_policy::{Allowance, Policy};
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/mailtrap.toml");
//! let policy = Policy::from_file(path)?;
//! let stats = policy.limit("api/stats").expect("Mailtrap limits its Stats API");
//! assert_eq!(stats.allowance(), &Allowance::Rate("10/min".parse().unwrap()));
//! let limiter = stats.limiter().expect("a rate").unwrap();
//! assert_eq!((0..20).filter(|_| limiter.try_acquire(1)).count(), 10);
//! # Ok::<(), tidegate_policy::PolicyError>(())
//! ```

#![forbid(unsafe_code)]

mod advice;
mod calendar;
mod check;
pub mod client;
mod endpoint;
mod enforce;
mod evidence;
mod file;
mod handle;
pub mod headers;
mod limit;
mod load;
mod place;
mod policy;
#[cfg(test)]
mod races;
pub mod scenario;
mod seeds;
#[cfg(feature = "simulate")]
pub mod simulate;

pub use advice::{Client, Headers, Pacing, PacingStep, Refusal, ResetForm, Retry, Schedule, Sent};
pub use calendar::CalendarQuota;
pub use endpoint::{Endpoint, EndpointError, Endpoints, Segment};
pub use enforce::{
    InFlight, LimitDecision, LimitReport, QuotaStatus, Report, Request, RequestError, TableStatus, Verdict,
};
pub use file::Provider;
pub use handle::PolicyHandle;
pub use limit::{Allowance, Limit, Pool, Scope, Start, UnknownScope, Window};
pub use load::PolicyBuilder;
pub use place::{Place, PolicyError};
pub use policy::{Cost, Policy, TableInfo};
pub use tidegate::CalendarUnit;
