//! From a report to header fields: which fields a dialect has, and what they say.

use std::fmt::{self, Write};

use super::SECOND;
use super::dialect::{Dialect, ResetStyle, RetryAfterStyle};
use super::report::{Outcome, Report, ServiceLimit};
use super::value::{BufferTooSmall, Cursor, HeaderValue, Value, draft_reset, integer, wait_seconds};

/// Why a report was not written. Nothing of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncodeError {
    /// The name of a policy has a character that a structured field's string cannot hold: only ASCII from space to `~` can be sent.
    Name,
    /// A scope is empty, begins or ends with a space, or has a character other than ASCII from space to `~`.
    Scope,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EncodeError::Name => "the name of a policy must be printable ASCII",
            EncodeError::Scope => "a scope must be printable ASCII without spaces around it",
        })
    }
}

impl std::error::Error for EncodeError {}

impl Dialect {
    /// The header fields of a report, `Retry-After` in seconds.
    ///
    /// Without a limit there are none. What never passes gets no `Retry-After`: there is no such time. Numbers above
    /// 999,999,999,999,999 are written as that in the drafts, whose integers have fifteen digits: limits and what remains of them are
    /// understated. Waits cannot come near it.
    ///
    /// # Errors
    /// [`EncodeError`] for a name or a scope that this dialect would send and no header can hold, so that nothing that is counted by name
    /// can smuggle a header into a response.
    ///
    /// ```
    /// use tidegate_policy::headers::{Dialect, Outcome, Report, ServiceLimit};
    ///
    /// let limits = [
    ///     ServiceLimit::new("burst", 10, 0, 900_000_000).window(1_000_000_000).outcome(Outcome::After(100_000_000)),
    ///     ServiceLimit::new("daily", 1000, 400, 40_000_000_000_000).window(86_400_000_000_000),
    /// ];
    /// let report = Report::new(0, &limits);
    /// let fields: Vec<_> = Dialect::Draft08.encode(&report)?.map(|(name, value)| (name, value.to_string())).collect();
    /// assert_eq!(fields, [
    ///     ("RateLimit", r#""burst";r=0;t=1, "daily";r=400;t=40000"#.to_string()),
    ///     ("RateLimit-Policy", r#""burst";q=10;w=1, "daily";q=1000;w=86400"#.to_string()),
    ///     ("Retry-After", "1".to_string()),
    /// ]);
    /// # Ok::<(), tidegate_policy::headers::EncodeError>(())
    /// ```
    pub fn encode<'a>(self, report: &Report<'a>) -> Result<Fields<'a>, EncodeError> {
        self.encode_with(report, RetryAfterStyle::Seconds)
    }

    /// As [`encode`](Dialect::encode), with a choice for `Retry-After`.
    ///
    /// # Errors
    /// As [`encode`](Dialect::encode).
    ///
    /// ```
    /// use tidegate_policy::headers::{Dialect, Outcome, Report, RetryAfterStyle, ServiceLimit};
    /// let limits = [ServiceLimit::new("", 1, 0, 0).outcome(Outcome::After(1_500_000_000))];
    /// let report = Report::new(784_111_775_000_000_000, &limits);
    /// let (name, value) = Dialect::RetryAfter.encode_with(&report, RetryAfterStyle::HttpDate)?.next().unwrap();
    /// assert_eq!((name, value.to_string().as_str()), ("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"));
    /// # Ok::<(), tidegate_policy::headers::EncodeError>(())
    /// ```
    pub fn encode_with<'a>(self, report: &Report<'a>, style: RetryAfterStyle) -> Result<Fields<'a>, EncodeError> {
        let mut fields = Fields { fields: [None; MOST_FIELDS], next: 0 };
        let Some(limit) = report.binding() else {
            return Ok(fields);
        };
        let number = Value::Number;
        match self {
            Dialect::XRateLimit { reset } => fields.x_rate_limit(report, limit, reset),
            Dialect::Mailiam => {
                fields.x_rate_limit(report, limit, ResetStyle::Unix);
                if let Some(seconds) = seconds_to_wait(limit) {
                    fields.push("X-RateLimit-RetryAfter", number(seconds));
                }
                if let Some(scope) = limit.scope_name() {
                    let spaced = scope.is_empty() || scope.starts_with(' ') || scope.ends_with(' ');
                    if spaced || !is_printable(scope) {
                        return Err(EncodeError::Scope);
                    }
                    fields.push("X-RateLimit-Scope", Value::Text(scope));
                }
                return Ok(fields);
            }
            Dialect::Draft06 => {
                fields.push("RateLimit-Limit", number(integer(limit.limit())));
                fields.push("RateLimit-Remaining", number(integer(limit.remaining())));
                fields.push("RateLimit-Reset", number(draft_reset(limit)));
            }
            Dialect::Draft07 => fields.push("RateLimit", Value::Dictionary(limit)),
            Dialect::Draft08 => {
                if !report.limits().iter().all(|limit| is_printable(limit.name())) {
                    return Err(EncodeError::Name);
                }
                fields.push("RateLimit", Value::Limits(*report));
                fields.push("RateLimit-Policy", Value::Policies(*report));
            }
            Dialect::RetryAfter => {}
        }
        if matches!(self, Dialect::Draft06 | Dialect::Draft07)
            && report.limits().iter().any(|limit| limit.window_nanos().is_some())
        {
            fields.push("RateLimit-Policy", Value::Quotas(*report));
        }
        if let Outcome::After(wait) = report.outcome() {
            fields.push(
                "Retry-After",
                match style {
                    RetryAfterStyle::Seconds => number(wait_seconds(wait)),
                    RetryAfterStyle::HttpDate => Value::HttpDate(instant(report.now(), wait.max(1))),
                },
            );
        }
        Ok(fields)
    }
}

/// The most fields of any dialect.
const MOST_FIELDS: usize = 5;

/// The header fields of one response, in the order in which they are sent: an iterator over names and values.
///
/// Names are written as in HTTP/1.1; those who write HTTP/2 themselves put them in lower case. Cloning it is cheap; nothing is allocated.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    fields: [Option<(&'static str, Value<'a>)>; MOST_FIELDS],
    next: usize,
}

impl<'a> Fields<'a> {
    /// Writes the fields that are left as lines, `Name: value` and CR LF, into the front of a buffer and returns the length. No terminating zero.
    ///
    /// # Errors
    /// [`BufferTooSmall`] with the length that is needed; the buffer then holds as much as went in.
    ///
    /// ```
    /// use tidegate_policy::headers::{Dialect, Report, ServiceLimit};
    /// let limits = [ServiceLimit::new("", 100, 99, 60_000_000_000)];
    /// let mut buffer = [0; 128];
    /// let length = Dialect::Draft07.encode(&Report::new(0, &limits))?.write_lines(&mut buffer).unwrap();
    /// assert_eq!(&buffer[..length], b"RateLimit: limit=100, remaining=99, reset=60\r\n");
    /// # Ok::<(), tidegate_policy::headers::EncodeError>(())
    /// ```
    pub fn write_lines(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let mut cursor = Cursor::new(buffer);
        for (name, value) in self.clone() {
            // A cursor never fails; it counts.
            let _ = write!(cursor, "{name}: {value}\r\n");
        }
        cursor.finish()
    }

    fn push(&mut self, name: &'static str, value: Value<'a>) {
        if let Some(place) = self.fields.iter_mut().find(|place| place.is_none()) {
            *place = Some((name, value));
        }
    }

    fn x_rate_limit(&mut self, report: &Report<'a>, limit: &'a ServiceLimit<'a>, reset: ResetStyle) {
        self.push("X-RateLimit-Limit", Value::Number(limit.limit()));
        self.push("X-RateLimit-Remaining", Value::Number(limit.remaining()));
        let at = instant(report.now(), limit.reset_after());
        self.push(
            "X-RateLimit-Reset",
            match reset {
                ResetStyle::Unix => Value::Number(at),
                ResetStyle::Delta => Value::Number(limit.reset_after().div_ceil(SECOND)),
                ResetStyle::Iso8601 => Value::Iso8601(at),
            },
        );
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'static str, HeaderValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = (*self.fields.get(self.next)?)?;
        self.next = self.next.saturating_add(1);
        Some((name, HeaderValue(value)))
    }
}

impl std::iter::FusedIterator for Fields<'_> {}

/// mailiam's "seconds to wait before making another request", which stands on every response: none while something remains.
fn seconds_to_wait(limit: &ServiceLimit<'_>) -> Option<u64> {
    match limit.outcome_of_request() {
        Outcome::After(wait) => Some(wait_seconds(wait)),
        Outcome::Never => None,
        Outcome::Allowed if limit.remaining() > 0 => Some(0),
        Outcome::Allowed => Some(limit.reset_after().div_ceil(SECOND)),
    }
}

/// The first whole second, since 1970, that is not before `now + wait`. Below 2^65 / 10^9, the year 3139.
fn instant(now: u64, wait: u64) -> u64 {
    let nanos = u128::from(now) + u128::from(wait);
    nanos.div_ceil(u128::from(SECOND)) as u64
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}
