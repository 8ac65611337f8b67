//! When something ends, as a header says it: a wait or an instant. The rules for what could be either.

use std::time::UNIX_EPOCH;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::fmt::temporal::Pieces;

use super::SECOND;
use super::number::{Decimal, duration};

/// How a time was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeForm {
    /// Seconds from now: `23`, `64.57`.
    Delta,
    /// Milliseconds from now.
    DeltaMillis,
    /// A number with units, from now: `6m0s`, `20ms`.
    Duration,
    /// Seconds since 1970, perhaps with a fraction.
    Unix,
    /// Milliseconds, microseconds or nanoseconds since 1970.
    UnixFine,
    /// `2024-01-15T12:00:00Z`.
    Iso8601,
    /// `Sun, 06 Nov 1994 08:49:37 GMT`, or one of the two obsolete forms of RFC 9110.
    HttpDate,
}

/// A wait, or an instant in Unix nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    In(u128),
    At(u128),
}

impl Moment {
    /// The wait as seen from `base`, in Unix nanoseconds: 0 for the past.
    pub(super) fn wait(self, base: u64) -> u64 {
        let wait = match self {
            Moment::In(wait) => wait,
            Moment::At(instant) => instant.saturating_sub(u128::from(base)),
        };
        u64::try_from(wait).unwrap_or(u64::MAX)
    }
}

/// The last end that was told: as a wait, and as an instant.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Latest {
    wait: Option<(u128, TimeForm)>,
    instant: Option<(u128, TimeForm)>,
}

impl Latest {
    pub(super) fn tell(&mut self, (moment, form): (Moment, TimeForm)) {
        let (place, value) = match moment {
            Moment::In(wait) => (&mut self.wait, wait),
            Moment::At(instant) => (&mut self.instant, instant),
        };
        if place.is_none_or(|(known, _)| known < value) {
            *place = Some((value, form));
        }
    }

    /// The longer wait as seen from `base`.
    pub(super) fn from(self, base: u64) -> Option<(u64, TimeForm)> {
        let wait = self.wait.map(|(wait, form)| (Moment::In(wait).wait(base), form));
        let instant = self.instant.map(|(instant, form)| (Moment::At(instant).wait(base), form));
        match (wait, instant) {
            (Some(wait), Some(instant)) if wait.0 < instant.0 => Some(instant),
            (wait, instant) => wait.or(instant),
        }
    }
}

/// The value of a header that says when a limit is reset. A bare number may be a wait or an instant: its size tells.
///
/// | number | read as |
/// |---|---|
/// | below 10^9 | seconds from now (10^9 s are 31 years) |
/// | below 10^11 | seconds since 1970 (from 2001 to 5138) |
/// | below 10^14 | milliseconds since 1970 (from 1973) |
/// | below 10^17 | microseconds since 1970 (from 1973) |
/// | above | nanoseconds since 1970 (from 1973) |
///
/// An instant before 2001 read as a wait is a longer wait, never a shorter one.
pub(super) fn reset(text: &str) -> Option<(Moment, TimeForm)> {
    let Some(decimal) = Decimal::parse(text) else {
        return written(text);
    };
    let (unit, form) = match decimal.whole() {
        _ if decimal.is_negative() => return Some((Moment::In(0), TimeForm::Delta)),
        0..1_000_000_000 => return Some((Moment::In(decimal.nanos(SECOND)), TimeForm::Delta)),
        1_000_000_000..100_000_000_000 => (SECOND, TimeForm::Unix),
        100_000_000_000..100_000_000_000_000 => (1_000_000, TimeForm::UnixFine),
        100_000_000_000_000..100_000_000_000_000_000 => (1_000, TimeForm::UnixFine),
        _ => (1, TimeForm::UnixFine),
    };
    Some((Moment::At(decimal.nanos(unit)), form))
}

/// The value of `Retry-After` and its like, where a bare number is always a wait in seconds (RFC 9110, section 10.2.3).
pub(super) fn wait(text: &str) -> Option<(Moment, TimeForm)> {
    match Decimal::parse(text) {
        Some(decimal) => Some((Moment::In(decimal.nanos(SECOND)), TimeForm::Delta)),
        None => written(text),
    }
}

/// A wait in milliseconds.
pub(super) fn millis(text: &str) -> Option<(Moment, TimeForm)> {
    Decimal::parse(text).map(|decimal| (Moment::In(decimal.nanos(1_000_000)), TimeForm::DeltaMillis))
}

/// What is not a bare number.
fn written(text: &str) -> Option<(Moment, TimeForm)> {
    if text.len() > 64 {
        return None;
    }
    if let Some(nanos) = duration(text) {
        return Some((Moment::In(nanos), TimeForm::Duration));
    }
    if let Some(at) = iso8601(text) {
        return Some((Moment::At(at), TimeForm::Iso8601));
    }
    http_date(text).map(|at| (Moment::At(at), TimeForm::HttpDate))
}

/// RFC 3339 and ISO 8601 with a zone, to the end of the year 9999. An instant before 1970 is 1970.
fn iso8601(text: &str) -> Option<u128> {
    const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    with_leap_second(text, |text| {
        // Not as a timestamp, which ends a day before the year 9999 does: servers write that for "never".
        let pieces = Pieces::parse(text).ok()?;
        let local = pieces.date().to_datetime(pieces.time()?).duration_since(EPOCH);
        let offset = SignedDuration::from_secs(i64::from(pieces.to_numeric_offset()?.seconds()));
        Some(u128::try_from(local.checked_sub(offset)?.as_nanos()).unwrap_or(0))
    })
}

/// Any legal HTTP-date (RFC 9110, section 5.6.7): IMF-fixdate, RFC 850, asctime. A wrong day of the week is not legal. Of two digits of a
/// year, 70 to 99 are the past century.
pub(super) fn http_date(text: &str) -> Option<u128> {
    with_leap_second(text, |text| {
        let date = httpdate::parse_http_date(text).ok()?;
        Some(date.duration_since(UNIX_EPOCH).ok()?.as_nanos())
    })
}

/// The grammars have a second 60, which the libraries refuse or read as 59: it is read as the second after 59.
fn with_leap_second(text: &str, parse: impl Fn(&str) -> Option<u128>) -> Option<u128> {
    match text.find(":60") {
        // Hours and minutes have no 60, so that the first one stands for the seconds or nothing is legal.
        Some(place) if text.get(..place)?.contains(':') => {
            let before = text.get(..place)?;
            let after = text.get(place.checked_add(3)?..)?;
            // A fraction of the second is cut off: the second after has begun.
            let after = after.trim_start_matches(|letter: char| letter == '.' || letter.is_ascii_digit());
            let instant = parse(&format!("{before}:59{after}"))?;
            Some(instant + u128::from(SECOND))
        }
        _ => parse(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u128 = SECOND as u128;

    #[test]
    fn the_size_of_a_number_tells() {
        assert_eq!(reset("999999999"), Some((Moment::In(999_999_999 * S), TimeForm::Delta)));
        assert_eq!(reset("1000000000"), Some((Moment::At(1_000_000_000 * S), TimeForm::Unix)));
        assert_eq!(reset("1470173023.123"), Some((Moment::At(1_470_173_023_123_000_000), TimeForm::Unix)));
        let (million, thousand) = (1_000_000, 1_000);
        assert_eq!(reset("99999999999"), Some((Moment::At(99_999_999_999 * S), TimeForm::Unix)));
        assert_eq!(reset("100000000000"), Some((Moment::At(100_000_000_000 * million), TimeForm::UnixFine)));
        assert_eq!(reset("99999999999999"), Some((Moment::At(99_999_999_999_999 * million), TimeForm::UnixFine)));
        assert_eq!(reset("100000000000000"), Some((Moment::At(100_000_000_000_000 * thousand), TimeForm::UnixFine)));
        assert_eq!(
            reset("99999999999999999"),
            Some((Moment::At(99_999_999_999_999_999 * thousand), TimeForm::UnixFine))
        );
        assert_eq!(reset("100000000000000000"), Some((Moment::At(100_000_000_000_000_000), TimeForm::UnixFine)));
        assert_eq!(reset("1705320060000"), Some((Moment::At(1_705_320_060 * S), TimeForm::UnixFine)));
        assert_eq!(reset("1705320060000000"), Some((Moment::At(1_705_320_060 * S), TimeForm::UnixFine)));
        assert_eq!(reset("1705320060000000000"), Some((Moment::At(1_705_320_060 * S), TimeForm::UnixFine)));
        assert_eq!(reset("-7"), Some((Moment::In(0), TimeForm::Delta)));
        assert_eq!(wait("1705320060"), Some((Moment::In(1_705_320_060 * S), TimeForm::Delta)));
        assert_eq!(Moment::In(u128::MAX).wait(0), u64::MAX);
        assert_eq!(Moment::At(5).wait(7), 0);
    }

    #[test]
    fn dates_in_all_their_forms() {
        let then = Some(784_111_777 * S);
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(http_date(text), then, "{text}");
            assert_eq!(wait(text).map(|(_, form)| form), Some(TimeForm::HttpDate));
        }
        assert_eq!(reset("1994-11-06T08:49:37Z"), then.map(|at| (Moment::At(at), TimeForm::Iso8601)));
        assert_eq!(reset("1994-11-06T09:49:37+01:00"), then.map(|at| (Moment::At(at), TimeForm::Iso8601)));
        let end = 253_402_300_799 * S;
        assert_eq!(reset("9999-12-31T23:59:59Z"), Some((Moment::At(end), TimeForm::Iso8601)));
        assert_eq!(wait("Fri, 31 Dec 9999 23:59:59 GMT"), Some((Moment::At(end), TimeForm::HttpDate)));
        assert_eq!(iso8601("1994-11-06T08:49:37.000000001-00:30"), Some((784_111_777 + 1800) * S + 1));
        assert_eq!(reset("1969-01-01T00:00:00Z"), Some((Moment::At(0), TimeForm::Iso8601)));
        for bad in [
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Thu, 01 Jan 1969 00:00:00 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "1994-11-06T08:49:37",
            "tomorrow",
            "",
        ] {
            assert_eq!(wait(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_leap_second_is_the_second_after() {
        let midnight = Some(1_483_228_800 * S);
        assert_eq!(http_date("Sat, 31 Dec 2016 23:59:60 GMT"), midnight);
        assert_eq!(http_date("Saturday, 31-Dec-16 23:59:60 GMT"), midnight);
        assert_eq!(http_date("Sat Dec 31 23:59:60 2016"), midnight);
        assert_eq!(iso8601("2016-12-31T23:59:60Z"), midnight);
        assert_eq!(iso8601("2016-12-31T23:59:60.9Z"), midnight);
        assert_eq!(http_date("Sat, 31 Dec 2016 23:60:00 GMT"), None);
        assert_eq!(http_date(":60"), None);
        assert_eq!(http_date("::60"), None);
    }
}
