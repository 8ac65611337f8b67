//! The dialects that responses are written in, each with its names and its source.

use std::fmt;
use std::str::FromStr;

use crate::advice;

/// A way to write a [`Report`](super::Report) as header fields.
///
/// | dialect | fields | source |
/// |---|---|---|
/// | [`XRateLimit`](Dialect::XRateLimit) | `X-RateLimit-Limit`, `-Remaining`, `-Reset` | custom of many providers |
/// | [`Mailiam`](Dialect::Mailiam) | the same with a Unix reset, `X-RateLimit-RetryAfter`, `-Scope` | mailiam |
/// | [`Draft06`](Dialect::Draft06) | `RateLimit-Limit`, `-Remaining`, `-Reset`, `-Policy` | draft-ietf-httpapi-ratelimit-headers-06 |
/// | [`Draft07`](Dialect::Draft07) | `RateLimit` (a dictionary), `RateLimit-Policy` | draft -07 |
/// | [`Draft08`](Dialect::Draft08) | `RateLimit`, `RateLimit-Policy` (lists of named policies) | drafts -08 to -11 |
/// | [`RetryAfter`](Dialect::RetryAfter) | none of its own | RFC 9110, section 10.2.3; RFC 6585, section 4 |
///
/// On a refusal all but [`Mailiam`](Dialect::Mailiam) add `Retry-After`. In the drafts the reset of a limit that refuses is the wait
/// itself, so that it names the same instant as `Retry-After`, as they ask; elsewhere a reset is when the limit is whole again.
///
/// As text: `x-ratelimit` (with `-unix`, `-delta` or `-iso8601`), `mailiam`, `draft-06` to `draft-11`, `retry-after`.
///
/// ```
/// use tidegate_policy::headers::{Dialect, ResetStyle};
/// assert_eq!("draft-10".parse(), Ok(Dialect::Draft08));
/// assert_eq!("x-ratelimit".parse(), Ok(Dialect::XRateLimit { reset: ResetStyle::Unix }));
/// assert!("draft-12".parse::<Dialect>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// `X-RateLimit-Limit`, `X-RateLimit-Remaining`, `X-RateLimit-Reset`.
    XRateLimit {
        /// How the reset is written.
        reset: ResetStyle,
    },
    /// mailiam: as above with a Unix reset; `X-RateLimit-RetryAfter` on every response instead of `Retry-After`, `X-RateLimit-Scope`.
    Mailiam,
    /// Draft 06: three fields and, where a period is known, `RateLimit-Policy`.
    Draft06,
    /// Draft 07: `RateLimit: limit=, remaining=, reset=`.
    Draft07,
    /// Drafts 08, 09, 10 and 11, whose fields are written alike: `RateLimit: "name";r=;t=` and `RateLimit-Policy: "name";q=;w=`.
    Draft08,
    /// `Retry-After` on a refusal, and nothing else.
    RetryAfter,
}

/// How the instant of a reset is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResetStyle {
    /// Seconds since 1970-01-01T00:00:00Z, rounded up.
    Unix,
    /// Seconds from now, rounded up.
    Delta,
    /// `2024-01-15T12:00:00Z`, rounded up to the second.
    Iso8601,
}

/// How `Retry-After` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryAfterStyle {
    /// Whole seconds, rounded up, at least 1.
    #[default]
    Seconds,
    /// An HTTP-date (RFC 9110, section 5.6.7), rounded up to the second: `Sun, 06 Nov 1994 08:49:37 GMT`. It relies on the
    /// client's clock.
    HttpDate,
}

/// A name that is no dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnknownDialect;

impl fmt::Display for UnknownDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "expected x-ratelimit, x-ratelimit-unix, x-ratelimit-delta, x-ratelimit-iso8601, mailiam, draft-06 to draft-11, or retry-after",
        )
    }
}

impl std::error::Error for UnknownDialect {}

const NAMES: [(&str, Dialect); 12] = [
    ("x-ratelimit-unix", Dialect::XRateLimit { reset: ResetStyle::Unix }),
    ("x-ratelimit", Dialect::XRateLimit { reset: ResetStyle::Unix }),
    ("x-ratelimit-delta", Dialect::XRateLimit { reset: ResetStyle::Delta }),
    ("x-ratelimit-iso8601", Dialect::XRateLimit { reset: ResetStyle::Iso8601 }),
    ("mailiam", Dialect::Mailiam),
    ("draft-06", Dialect::Draft06),
    ("draft-07", Dialect::Draft07),
    ("draft-08", Dialect::Draft08),
    ("draft-09", Dialect::Draft08),
    ("draft-10", Dialect::Draft08),
    ("draft-11", Dialect::Draft08),
    ("retry-after", Dialect::RetryAfter),
];

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Dialect, UnknownDialect> {
        NAMES.iter().find(|(name, _)| *name == text).map(|(_, dialect)| *dialect).ok_or(UnknownDialect)
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, dialect)| dialect == self).map_or("", |(name, _)| name);
        f.pad(name)
    }
}

impl Dialect {
    /// The dialect of a provider's published headers; `None` for names or a reset that no dialect writes.
    ///
    /// ```
    /// use tidegate_policy::{Policy, headers::{Dialect, ResetStyle}};
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/mailpipe.toml");
    /// let policy = Policy::from_file(path)?;
    /// let dialect = policy.headers().and_then(Dialect::of);
    /// assert_eq!(dialect, Some(Dialect::XRateLimit { reset: ResetStyle::Iso8601 }));
    /// # Ok::<(), tidegate_policy::PolicyError>(())
    /// ```
    pub fn of(headers: &advice::Headers) -> Option<Dialect> {
        let is = |name: Option<&str>, text: &str| name.is_some_and(|name| name.eq_ignore_ascii_case(text));
        let waits = is(headers.retry_after(), "Retry-After");
        if headers.limit().is_none() && headers.remaining().is_none() && headers.reset().is_none() {
            return waits.then_some(Dialect::RetryAfter);
        }
        let named = |prefix: &str| {
            let part = |name: Option<&str>, part: &str| is(name, &format!("{prefix}-{part}"));
            part(headers.limit(), "Limit") && part(headers.remaining(), "Remaining") && part(headers.reset(), "Reset")
        };
        let reset = match headers.reset_form()? {
            advice::ResetForm::Unix => ResetStyle::Unix,
            advice::ResetForm::Iso8601 => ResetStyle::Iso8601,
            advice::ResetForm::Delta => ResetStyle::Delta,
        };
        if named("X-RateLimit") {
            return match headers.scope() {
                None if waits || headers.retry_after().is_none() => Some(Dialect::XRateLimit { reset }),
                Some(_) if is(headers.scope(), "X-RateLimit-Scope") && reset == ResetStyle::Unix => {
                    is(headers.retry_after(), "X-RateLimit-RetryAfter").then_some(Dialect::Mailiam)
                }
                _ => None,
            };
        }
        (named("RateLimit") && reset == ResetStyle::Delta && waits).then_some(Dialect::Draft06)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_has_a_name_that_reads_back() {
        for (_, dialect) in NAMES {
            assert_eq!(dialect.to_string().parse(), Ok(dialect));
        }
        assert_eq!("X-RateLimit".parse::<Dialect>(), Err(UnknownDialect));
    }
}
