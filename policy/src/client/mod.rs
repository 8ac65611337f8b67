//! The other side: living within somebody else's limits, by what his responses say.
//!
//! | type | answers | source |
//! |---|---|---|
//! | [`Tracker`] | when may the next request to this route go out? | mailiam's `RateLimitAwareClient` |
//! | [`SlowDown`] | how far apart, when little remains? | MigoSMTP: "slow down proactively … below 20% of the limit" |
//! | [`IntervalRule`] | how far apart, by how much is used? | mailiam's `AdaptiveRateClient` |
//! | [`Aimd`] | how fast, by success and refusal? | additive increase, multiplicative decrease: Chiu and Jain, 1989 |
//! | [`Cubic`] | the same | the adaptive retry mode of the AWS SDKs |
//! | [`UsageMonitor`] | how much is used, lately and now; is it time to worry? | mailiam's `RateLimitMonitor` |
//! | [`RetryPlan`] | retry, when, or give up? | all six documents |
//!
//! Nothing here sleeps, reads a clock, or allocates without a bound. The time is an argument: nanoseconds of any one clock that does not go
//! back, best a monotonic one; a late one is read as the latest seen. Only [`Observed::parse`](crate::headers::Observed::parse) needs to know what
//! the calendar says.
//!
//! **No server makes a client wait for ever.** A [`Tracker`] heeds a hint for at most [`MAX_HINT`] unless told otherwise, and then lets one try; a
//! [`RetryPlan`] gives up on a longer one. Names and scopes that responses invent take a bounded number of places.
//!
//! ```
//! use tidegate_policy::client::Tracker;
//! use tidegate_policy::headers::Observed;
//!
//! let (unix_now, now) = (1_705_320_000_000_000_000, 0);
//! let mut tracker = Tracker::new();
//! let headers = [("X-RateLimit-Limit", "300"), ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1705320023")];
//! tracker.observe("POST /email/send", 200, &Observed::parse(headers, unix_now), now);
//! assert_eq!(tracker.next_delay("POST /email/send", now), 23_000_000_000);
//! assert_eq!(tracker.next_delay("GET /reports", now), 0);
//! ```

mod aimd;
mod cubic;
mod interval;
mod monitor;
mod retry;
mod slow_down;
mod tracker;

pub use aimd::{Aimd, AimdError, AimdState};
pub use cubic::Cubic;
pub use interval::{IntervalError, IntervalRule, Spacing};
pub use monitor::{UsageLevel, UsageMonitor};
pub use retry::{GiveUp, RetryCall, RetryDecision, RetryPlan};
pub use slow_down::SlowDown;
pub use tracker::{Tracked, Tracker};

/// How long a server's hint is heeded unless another bound is given: a day, in nanoseconds.
pub const MAX_HINT: u64 = 86_400_000_000_000;

/// What became of a request, as far as its pace is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feedback {
    /// It was answered; also with an error that is not about limits.
    Success,
    /// It was refused for being one too many: status 429 and its like.
    Throttled,
}

/// Whether less than `percent` of `whole` is `part`. Exact.
fn is_below_percent(part: u64, whole: u64, percent: u64) -> bool {
    u128::from(part) * 100 < u128::from(whole) * u128::from(percent)
}
