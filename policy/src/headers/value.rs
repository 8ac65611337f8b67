//! The value of a header field, written where the caller wants it: no allocation, ASCII only.

use std::fmt::{self, Write};
use std::time::{Duration, UNIX_EPOCH};

use super::report::{Report, ServiceLimit};
use super::{MOST, SECOND};

/// The value of one header field. Write it with `Display`, or into a buffer.
///
/// Visible ASCII and spaces only, whatever the names and scopes that it was made from.
///
/// ```
/// use tidegate_policy::headers::{Dialect, Report, ServiceLimit};
/// let limits = [ServiceLimit::new("hour", 100, 87, 1_500_000_000)];
/// let report = Report::new(0, &limits);
/// let (name, value) = Dialect::Draft08.encode(&report)?.next().unwrap();
/// let mut buffer = [0; 64];
/// let length = value.write_to(&mut buffer).unwrap();
/// assert_eq!((name, &buffer[..length]), ("RateLimit", &br#""hour";r=87;t=2"#[..]));
/// # Ok::<(), tidegate_policy::headers::EncodeError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HeaderValue<'a>(pub(super) Value<'a>);

/// What a value is made of. Times are whole seconds, already rounded up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Number(u64),
    Text(&'a str),
    /// Seconds since 1970.
    HttpDate(u64),
    /// Seconds since 1970.
    Iso8601(u64),
    /// Draft 07: the limit that binds.
    Dictionary(&'a ServiceLimit<'a>),
    /// Drafts 06 and 07: each number once.
    Quotas(Report<'a>),
    /// Drafts 08 to 11.
    Limits(Report<'a>),
    /// Drafts 08 to 11.
    Policies(Report<'a>),
}

/// A buffer that a value does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BufferTooSmall {
    needed: usize,
}

impl BufferTooSmall {
    /// The bytes that are needed.
    pub const fn needed(&self) -> usize {
        self.needed
    }
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the buffer is too small: {} bytes are needed", self.needed)
    }
}

impl std::error::Error for BufferTooSmall {}

impl HeaderValue<'_> {
    /// Writes the value into the front of a buffer and returns its length. No terminating zero.
    ///
    /// # Errors
    /// [`BufferTooSmall`] with the length that is needed; the buffer then holds as much as went in.
    pub fn write_to(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let mut cursor = Cursor::new(buffer);
        // A cursor never fails; it counts.
        let _ = write!(cursor, "{self}");
        cursor.finish()
    }
}

impl fmt::Display for HeaderValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Number(number) => write!(f, "{number}"),
            Value::Text(text) => f.write_str(text),
            Value::HttpDate(seconds) => {
                // Below the year 3140: now and wait are 64-bit nanoseconds. httpdate writes dates before the year 10000.
                write!(f, "{}", httpdate::HttpDate::from(UNIX_EPOCH + Duration::from_secs(seconds)))
            }
            Value::Iso8601(seconds) => {
                let seconds = i64::try_from(seconds).map_err(|_| fmt::Error)?;
                write!(f, "{}", jiff::Timestamp::from_second(seconds).map_err(|_| fmt::Error)?)
            }
            Value::Dictionary(limit) => write!(
                f,
                "limit={}, remaining={}, reset={}",
                integer(limit.limit()),
                integer(limit.remaining()),
                draft_reset(limit)
            ),
            Value::Quotas(report) => {
                let mut separator = "";
                for (place, limit) in report.binding_first().enumerate() {
                    let said = |other: &ServiceLimit<'_>| {
                        other.window_nanos().is_some() && integer(other.limit()) == integer(limit.limit())
                    };
                    if let Some(window) = limit.window_nanos()
                        && !report.binding_first().take(place).any(said)
                    {
                        write!(f, "{separator}{};w={}", integer(limit.limit()), window_seconds(window))?;
                        separator = ", ";
                    }
                }
                Ok(())
            }
            Value::Limits(report) => {
                list(f, report, |f, limit| write!(f, ";r={};t={}", integer(limit.remaining()), draft_reset(limit)))
            }
            Value::Policies(report) => list(f, report, |f, limit| {
                write!(f, ";q={}", integer(limit.limit()))?;
                limit.window_nanos().map_or(Ok(()), |window| write!(f, ";w={}", window_seconds(window)))
            }),
        }
    }
}

/// A list of strings with parameters (RFC 9651, sections 4.1.1 and 4.1.6).
fn list<'a>(
    f: &mut fmt::Formatter<'_>,
    report: Report<'a>,
    parameters: impl Fn(&mut fmt::Formatter<'_>, &ServiceLimit<'a>) -> fmt::Result,
) -> fmt::Result {
    for (place, limit) in report.limits().iter().enumerate() {
        f.write_str(if place == 0 { "\"" } else { ", \"" })?;
        for letter in limit.name().chars() {
            if matches!(letter, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(letter)?;
        }
        f.write_char('"')?;
        parameters(f, limit)?;
    }
    Ok(())
}

/// Down to what a structured field can hold: less is promised, never more.
pub(super) fn integer(number: u64) -> u64 {
    number.min(MOST)
}

/// The seconds until the quota is there again, as the drafts want them: for a limit that refuses, those of `Retry-After`.
pub(super) fn draft_reset(limit: &ServiceLimit<'_>) -> u64 {
    match limit.outcome_of_request() {
        super::Outcome::After(wait) => wait_seconds(wait),
        _ => limit.reset_after().div_ceil(SECOND),
    }
}

/// The seconds of a refusal: never 0.
pub(super) fn wait_seconds(wait: u64) -> u64 {
    wait.div_ceil(SECOND).max(1)
}

/// Drafts 09 to 11 refuse a window of 0. A longer window promises less.
fn window_seconds(window: u64) -> u64 {
    window.div_ceil(SECOND).max(1)
}

/// A buffer that goes on counting when it is full.
pub(super) struct Cursor<'a> {
    buffer: &'a mut [u8],
    length: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(buffer: &'a mut [u8]) -> Cursor<'a> {
        Cursor { buffer, length: 0 }
    }

    pub(super) fn finish(self) -> Result<usize, BufferTooSmall> {
        if self.length <= self.buffer.len() { Ok(self.length) } else { Err(BufferTooSmall { needed: self.length }) }
    }
}

impl Write for Cursor<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.buffer.get_mut(self.length.min(self.buffer.len())..).unwrap_or_default();
        for (place, byte) in room.iter_mut().zip(text.bytes()) {
            *place = byte;
        }
        self.length = self.length.saturating_add(text.len());
        Ok(())
    }
}
