//! What an API provider publishes about its limits, as data that is checked against the provider's own words.
//!
//! A policy file holds the tables and sentences of a provider's document, each beside the quota that was read out of it.
//! [`Policy::from_file`] loads one and believes nothing: the number, the period and the scope of every quota must stand in the
//! quotation next to it, every cell of a table must be accounted for, unknown keys are refused. An error names file, line and
//! column. The format is described in `policies/README.md`.
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
pub mod scenario;
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
