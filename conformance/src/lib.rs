//! The conformance vectors: what every limiter answers, in one file that all languages read.
//!
//! Rule: `vectors.json` is written by the exact model (`tidegate-reference`) and never by hand. [`load`] gives it to Rust
//! tests; the other languages read the file itself. The format is described in `conformance/README.md`; 64-bit numbers
//! are decimal strings in it, because not every language reads them otherwise.
//!
//! ```
//! let vectors = tidegate_conformance::load();
//! assert!(vectors.cases.iter().all(|case| !case.steps.is_empty()));
//! ```

#![forbid(unsafe_code)]

pub mod generate;

use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Vectors {
    /// Changes when an old reader would misread the file.
    pub format: u32,
    /// What the file is.
    pub about: String,
    /// Sequences of calls, each on a limiter of its own.
    pub cases: Vec<Case>,
    /// Limiters that cannot be made.
    pub quota_errors: Vec<QuotaError>,
}

/// One limiter and what is asked of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Case {
    /// Unique; says what is at stake.
    pub name: String,
    /// How the limiter is made.
    #[serde(flatten)]
    pub setup: Setup,
    /// [`Verbs::Basic`]: only `take`, `try_acquire` and `peek`.
    pub verbs: Verbs,
    /// The calls in order.
    pub steps: Vec<Step>,
}

/// A limiter that must be refused when it is made.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct QuotaError {
    /// Unique; says what is at stake.
    pub name: String,
    /// How the limiter would be made.
    #[serde(flatten)]
    pub setup: Setup,
    /// Always true.
    pub refused: bool,
}

/// How a limiter is made.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Setup {
    /// The rule.
    pub algorithm: Algorithm,
    /// Its quota.
    pub quota: Quota,
    /// Where intervals and windows begin.
    pub anchor: Anchor,
    /// Offset of [`Anchor::Clock`], nanoseconds.
    #[serde(with = "decimal")]
    pub offset: u64,
    /// Refill of a token bucket.
    pub refill: Refill,
    /// Initial fill of a token bucket; absent is full.
    #[serde(with = "optional_decimal")]
    pub initial: Option<u64>,
    /// The clock when the limiter is made.
    #[serde(with = "decimal")]
    pub origin: u64,
}

/// Limit, period and burst.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Quota {
    /// Permits a period.
    #[serde(with = "decimal")]
    pub limit: u64,
    /// Nanoseconds.
    #[serde(with = "decimal")]
    pub period: u64,
    /// Capacity.
    #[serde(with = "decimal")]
    pub burst: u64,
}

/// The name of a rule, as users write it.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// `gcra`
    Gcra,
    /// `token-bucket`
    TokenBucket,
    /// `fixed-window`
    FixedWindow,
    /// `sliding-window`
    SlidingWindow,
    /// `sliding-log`
    SlidingLog,
}

/// Where intervals and windows begin.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anchor {
    /// `clock`: at multiples of the period plus the offset.
    Clock,
    /// `first-use`.
    FirstUse,
}

/// How a token bucket fills.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refill {
    /// `continuous`
    Continuous,
    /// `interval`
    Interval,
}

/// Which verbs a case uses.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verbs {
    /// `basic`: `take`, `try_acquire`, `peek`.
    Basic,
    /// `full`: all of them.
    Full,
}

/// One call and what it answers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// What the clock shows, nanoseconds.
    #[serde(with = "decimal")]
    pub now: u64,
    /// The verb.
    pub op: Op,
    /// Permits: cost, or what is given back.
    #[serde(with = "optional_decimal", default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
    /// `reserve`: the longest wait, nanoseconds.
    #[serde(with = "optional_decimal", default, skip_serializing_if = "Option::is_none")]
    pub max_wait: Option<u64>,
    /// `cancel`: the step (counted from 0) that reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<usize>,
    /// `reconfigure`: the new quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    /// `reconfigure`: what is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carry: Option<Carry>,
    /// What must come back.
    pub expect: Expect,
}

/// The verbs.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Spends `n`; expects its decision.
    Take,
    /// Spends `n`; expects `allowed` of the decision.
    TryAcquire,
    /// Expects the decision, spends nothing.
    Peek,
    /// Spends `n` even beyond the capacity; expects its decision.
    Charge,
    /// Gives `n` back; expects the decision of `peek(0)` after it.
    Refund,
    /// Expects the instant given, or the decision that refuses.
    Reserve,
    /// Gives back what step `slot` reserved; expects the decision of `peek(0)` after it.
    Cancel,
    /// Expects the decision of `peek(0)` after it.
    Reset,
    /// Expects the decision of `peek(0)` after it, or an error.
    Reconfigure,
    /// Remembers the state; expects the decision of `peek(0)`.
    Snapshot,
    /// Brings the last snapshot back; expects the decision of `peek(0)` after it, or an error.
    Restore,
}

/// What `reconfigure` keeps.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carry {
    /// `permits`
    Permits,
    /// `proportional`
    Proportional,
    /// `time`
    Time,
    /// `reset`
    Reset,
}

/// What a step answers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Expect {
    /// A decision.
    Decision {
        /// Whether the call may go ahead.
        allowed: bool,
        /// The capacity.
        #[serde(with = "decimal")]
        limit: u64,
        /// The largest cost that still fits.
        #[serde(with = "decimal")]
        remaining: u64,
        /// Nanoseconds; `null` is never.
        #[serde(with = "optional_decimal")]
        retry_after: Option<u64>,
        /// Nanoseconds; `2^64 - 1` is never.
        #[serde(with = "decimal")]
        reset_after: u64,
    },
    /// A reservation was given.
    At {
        /// Its instant, nanoseconds.
        #[serde(with = "decimal")]
        at: u64,
    },
    /// The call is an error and changes nothing.
    Error {
        /// Always true.
        error: bool,
    },
}

/// The committed vectors.
///
/// # Panics
/// When the committed file does not read, which a test of this crate excludes.
pub fn load() -> Vectors {
    match serde_json::from_str(TEXT) {
        Ok(vectors) => vectors,
        Err(error) => panic!("conformance/vectors.json: {error}"),
    }
}

/// The committed file.
pub const TEXT: &str = include_str!("../vectors.json");

mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

mod optional_decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(number: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match number {
            Some(number) => serializer.collect_str(number),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        match Option::<String>::deserialize(deserializer)? {
            Some(text) => text.parse().map(Some).map_err(D::Error::custom),
            None => Ok(None),
        }
    }
}
