//! The rate-limit headers of HTTP responses: written for clients, and read from servers.
//!
//! * **Out.** A [`Report`] says where the limits of a request stand; a [`Dialect`] writes it as header fields. A wait is
//!   rounded up, never down: nobody is told to come earlier than he is let in. What remains is rounded down.
//! * **In.** The same dialects and those of large providers are read by one parser; the tables are in `docs/headers.md`.
//!
//! Everything takes the time as an argument: nanoseconds since 1970-01-01T00:00:00Z, as an unsigned 64-bit number (until 2554).
//!
//! ```
//! use tidegate_policy::headers::{Dialect, Report, ResetStyle, ServiceLimit};
//!
//! let now = 1_705_320_000_250_000_000; // 2024-01-15T12:00:00.25Z
//! let limits = [ServiceLimit::new("requests", 500, 485, 59_000_000_000)];
//! let report = Report::new(now, &limits);
//! let dialect = Dialect::XRateLimit { reset: ResetStyle::Unix };
//! let headers: Vec<String> = dialect.encode(&report)?.map(|(name, value)| format!("{name}: {value}")).collect();
//! assert_eq!(headers, ["X-RateLimit-Limit: 500", "X-RateLimit-Remaining: 485", "X-RateLimit-Reset: 1705320060"]);
//! # Ok::<(), tidegate_policy::headers::EncodeError>(())
//! ```

mod dialect;
mod draft;
mod encode;
mod moment;
mod number;
mod observed;
mod parse;
mod report;
mod value;

pub use dialect::{Dialect, ResetStyle, RetryAfterStyle, UnknownDialect};
pub use encode::{EncodeError, Fields};
pub use moment::TimeForm;
pub use observed::{Observed, ObservedLimit, Seen};
pub use report::{Outcome, Report, ServiceLimit};
pub use value::{BufferTooSmall, HeaderValue};

const SECOND: u64 = 1_000_000_000;

/// The largest integer of a structured field (RFC 9651, section 3.3.1): fifteen digits.
const MOST: u64 = 999_999_999_999_999;
