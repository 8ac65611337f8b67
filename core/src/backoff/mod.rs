//! Backoff: how long to wait before the next retry, and whether to retry at all.
//!
//! * [`Backoff`] is a plain value that says how delays grow, how they are jittered and when to give up.
//! * [`Session`] walks through the delays of one call: `backoff.start()` or `backoff.delays()`.
//! * [`RetryBudget`] is shared by all calls of a client and refuses retries when too many of them fail.
//!
//! # The rule
//!
//! Everything is integer arithmetic on nanoseconds that saturates at `u64::MAX` (584 years). For retry `n = 0, 1, 2, ...`
//!
//! | schedule | `v(n)`, before the cap |
//! |---|---|
//! | constant | `base` |
//! | linear | `base + n * step` |
//! | exponential | `floor(u(n) / 2^64)` where `u(0) = base * 2^64` and `u(n+1) = floor(u(n) * factor)` |
//! | fibonacci | `base * F(n+1)`: 1, 1, 2, 3, 5, 8, ... times `base` |
//!
//! and `v = min(cap, v(n))`. The recurrence is normative. Its 64 fraction bits make `v(n)` equal to `floor(base * factor^n)` wherever
//! that product is a whole number of nanoseconds; elsewhere it is low by less than `1 + n * factor^n / 2^64` ns, which is to say by nothing
//! that a clock could show. The delay is `low + U(0, width)`, where `U(a, b)` is uniform over the whole numbers from a to b,
//! both included:
//!
//! | jitter | `low` | `width` | delay |
//! |---|---|---|---|
//! | none | `v` | 0 | `v` |
//! | full | 0 | `v` | `U(0, v)` |
//! | equal | `v - floor(v/2)` | `floor(v/2)` | half of `v`, and up to half again |
//! | additive `j` | `min(v, cap - width)` | `min(j, cap)` | `v + U(0, j)`, moved down to leave room under the cap |
//! | decorrelated | `min(base, cap)` | see below | `s = min(cap, U(base, max(base, 3s)))`, first s = `base`; the schedule is not used |
//!
//! **The cap includes the jitter**: without a hint no delay is longer than the cap. **A hint `h`** (a server's `Retry-After`)
//! **is a floor**: the delay is never shorter, and the jitter is added upwards, `max(low, h) + U(0, width)`.
//! * `h < cap`: the width shrinks to the room under the cap, `cap - max(low, h)`; the delay stays within `[h, cap]`.
//!   (Decorrelated: the sum is cut at the cap.)
//! * `h >= cap`: there is no room, so the hint wins and the jitter comes on top; the delay lies within `[h, h + width]`.
//!   (Decorrelated: on top comes `s - min(base, cap)`.) Clients that were sent away with one hint do not come back as one.
//!
//! A hint does not change the schedule: the next `v` and the next `s` are what they would have been.
//!
//! # Bounds
//!
//! A session ends (`None`, and `None` from then on) after `max_retries` delays, and at the first delay that would end later than
//! `max_elapsed` after the start. A delay is never shortened to fit: a shortened delay would undercut a hint.
//!
//! # Randomness
//!
//! Every delay with jitter takes one bounded draw from SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
//! generators", OOPSLA 2014): one seed gives one sequence in every language and release. Without a seed no two sessions
//! of a process share one; see [`Backoff::start`].
//!
//! ```
//! use core::time::Duration;
//! use tidegate::backoff::{Backoff, Jitter};
//!
//! let backoff = Backoff::exponential(Duration::from_millis(100))
//!     .max_delay(Duration::from_secs(2))
//!     .max_retries(6);
//! let millis: Vec<u128> = backoff.delays().map(|delay| delay.as_millis()).collect();
//! assert_eq!(millis, [100, 200, 400, 800, 1600, 2000]);
//!
//! let mut session = backoff.jitter(Jitter::Full).start();
//! let retry_after = Duration::from_millis(1500);
//! let delay = session.next_delay(Some(retry_after)).expect("the first of six");
//! assert!(delay >= retry_after && delay <= Duration::from_secs(2));
//! ```

mod budget;
mod config;
mod jitter;
mod ledger;
pub(crate) mod random;
mod retry_rule;
mod schedule;
pub(crate) mod seed;
mod session;

pub use budget::{RetryBudget, RetryPermit};
pub use config::{Backoff, BackoffError};
pub use jitter::Jitter;
pub use retry_rule::{Failure, RetryRule, RetryRuleError};
pub use seed::add_entropy;
pub use session::Session;
