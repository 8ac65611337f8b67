//! The text of a quota: `300/min`, `150/10s`, `1 per 2 hours`, `100/minute burst 20`, `50/h from first use`.
//!
//! ```text
//! list   = quota *( ";" quota )
//! quota  = number ( "/" | "per" ) ( [ number ] unit | "calendar" date [ "in" zone ] ) *( suffix )
//! suffix = "burst" number | "offset" number unit | "from first use"
//! unit   = ns | us | ms | s sec second | m min minute | h hr hour | d day | w week        (and their plurals)
//! date   = hour | day | week | month | year
//! zone   = the name of an IANA time zone; UTC if none is given
//! ```
//! A calendar period has no offset and no first use.
//! White space is free between words, letters may be of either case, `_` may group the digits of a number.

use core::str::FromStr;

use super::{Anchor, Quota, QuotaError, QuotaErrorKind as Kind};

/// Units from the largest; the first name is the one that is written.
const UNITS: [(&[&str], u64); 8] = [
    (&["w", "week", "weeks"], 604_800_000_000_000),
    (&["d", "day", "days"], 86_400_000_000_000),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600_000_000_000),
    (&["min", "m", "mins", "minute", "minutes"], 60_000_000_000),
    (&["s", "sec", "secs", "second", "seconds"], 1_000_000_000),
    (&["ms", "millisecond", "milliseconds"], 1_000_000),
    (&["us", "\u{b5}s", "microsecond", "microseconds"], 1_000),
    (&["ns", "nanosecond", "nanoseconds"], 1),
];

/// The largest unit that divides `nanos`, and how many of it. Zero is "0ns".
pub(super) fn largest_unit(nanos: u64) -> (u64, &'static str) {
    UNITS
        .iter()
        .find(|(_, size)| nanos != 0 && nanos.is_multiple_of(*size))
        .map_or((nanos, "ns"), |(names, size)| (nanos / size, names.first().copied().unwrap_or("ns")))
}

impl FromStr for Quota {
    type Err = QuotaError;

    /// # Errors
    /// Text that is not a quota: the error has the byte position and what was expected there.
    fn from_str(text: &str) -> Result<Quota, QuotaError> {
        let mut reader = Reader { text, at: 0 };
        let quota = reader.quota()?;
        if reader.at < text.len() {
            return Err(QuotaError::at(Kind::TrailingText, reader.at));
        }
        Ok(quota)
    }
}

/// Several quotas in one text, separated by `;`.
///
/// The iterator yields each quota, or the first error (with its position in the whole text) and then ends. A text of white
/// space only yields one error.
///
/// ```
/// let quotas: Result<Vec<_>, _> = tidegate::parse_list("10/s; 100/min; 1000/day").collect();
/// assert_eq!(quotas?.len(), 3);
/// # Ok::<(), tidegate::QuotaError>(())
/// ```
pub fn parse_list(text: &str) -> QuotaList<'_> {
    QuotaList { reader: Some(Reader { text, at: 0 }) }
}

/// The iterator of [`parse_list`].
#[derive(Debug, Clone)]
pub struct QuotaList<'a> {
    reader: Option<Reader<'a>>,
}

impl Iterator for QuotaList<'_> {
    type Item = Result<Quota, QuotaError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.reader.take()?;
        let quota = reader.quota();
        if quota.is_ok() {
            if reader.eat(";") {
                // A trailing separator ends the list; it does not announce another quota.
                reader.skip_space();
                if reader.at < reader.text.len() {
                    self.reader = Some(reader);
                }
            } else if reader.at < reader.text.len() {
                return Some(Err(QuotaError::at(Kind::TrailingText, reader.at)));
            }
        }
        Some(quota)
    }
}

#[derive(Debug, Clone)]
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn quota(&mut self) -> Result<Quota, QuotaError> {
        let (limit, limit_at) = self.number()?;
        if !self.eat("/") && !self.eat_word("per") {
            return Err(QuotaError::at(Kind::ExpectedPer, self.at));
        }
        self.skip_space();
        let period_at = self.at;
        let calendar = self.eat_word("calendar");
        let quota = if calendar { self.calendar(limit, period_at) } else { self.rate(limit, period_at) };
        let mut quota =
            quota.map_err(|error| if error.kind() == Kind::ZeroLimit { error.moved_to(limit_at) } else { error })?;
        // Burst and anchor. A calendar is an anchor.
        let mut seen = [false, calendar];
        loop {
            self.skip_space();
            let at = self.at;
            if self.eat_word("burst") {
                let (burst, burst_at) = self.number()?;
                once(&mut seen[0], at)?;
                quota = quota.burst(burst).map_err(|error| QuotaError::at(error.kind(), burst_at))?;
            } else if self.eat_word("offset") {
                let (count, count_at) = self.number()?;
                // Any offset will do: it is taken modulo the period.
                let nanos = self.span(count, count_at, Kind::NumberTooLarge)?;
                once(&mut seen[1], at)?;
                quota = quota.anchor(Anchor::Offset(nanos));
            } else if self.eat_word("from") {
                if !(self.eat_word("first") && self.eat_word("use")) {
                    return Err(QuotaError::at(Kind::TrailingText, at));
                }
                once(&mut seen[1], at)?;
                quota = quota.anchor(Anchor::FirstUse);
            } else {
                return Ok(quota);
            }
        }
    }

    /// A period of so many units.
    fn rate(&mut self, limit: u64, at: usize) -> Result<Quota, QuotaError> {
        let count = if self.peek().is_some_and(|byte| byte.is_ascii_digit()) { self.number()?.0 } else { 1 };
        let period = self.span(count, at, Kind::PeriodTooLong)?;
        Quota::from_nanos(limit, period).map_err(|error| error.moved_to(at))
    }

    /// What follows the word "calendar", which stands at `at`.
    #[cfg(not(feature = "calendar"))]
    fn calendar(&mut self, _: u64, at: usize) -> Result<Quota, QuotaError> {
        Err(QuotaError::at(Kind::CalendarUnsupported, at))
    }

    /// What follows the word "calendar", which stands at `at`.
    #[cfg(feature = "calendar")]
    fn calendar(&mut self, limit: u64, at: usize) -> Result<Quota, QuotaError> {
        use crate::calendar::{Calendar, CalendarUnit};
        let unit = CalendarUnit::ALL.into_iter().find(|unit| self.eat_word(unit.name()));
        let unit = unit.ok_or(QuotaError::at(Kind::ExpectedCalendarUnit, self.at))?;
        let mut zone = "UTC";
        let mut zone_at = at;
        if self.eat_word("in") {
            self.skip_space();
            let rest = self.text.get(self.at..).unwrap_or_default();
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "/_+-".contains(c))).unwrap_or(rest.len());
            (zone, zone_at) = (rest.get(..end).unwrap_or_default(), self.at);
            if zone.is_empty() {
                return Err(QuotaError::at(Kind::ExpectedZone, zone_at));
            }
        }
        let calendar = Calendar::new(unit, zone).map_err(|error| error.moved_to(zone_at))?;
        if zone_at > at {
            self.at = zone_at + zone.len();
        }
        Quota::per_calendar(limit, calendar).map_err(|error| error.moved_to(at))
    }

    /// `count` of the unit that stands next, in nanoseconds; the error `beyond` if 64 bits do not hold them.
    fn span(&mut self, count: u64, at: usize, beyond: Kind) -> Result<u64, QuotaError> {
        let unit = self.unit()?;
        count.checked_mul(unit).ok_or(QuotaError::at(beyond, at))
    }

    fn unit(&mut self) -> Result<u64, QuotaError> {
        self.skip_space();
        let word = self.word();
        for (names, size) in UNITS {
            if names.iter().any(|name| name.eq_ignore_ascii_case(word)) {
                self.at += word.len();
                return Ok(size);
            }
        }
        Err(QuotaError::at(Kind::ExpectedUnit, self.at))
    }

    /// A number and its position.
    fn number(&mut self) -> Result<(u64, usize), QuotaError> {
        self.skip_space();
        let start = self.at;
        let mut value: u64 = 0;
        while let Some(byte) = self.peek() {
            match byte {
                b'0'..=b'9' => {
                    value = value
                        .checked_mul(10)
                        .and_then(|tens| tens.checked_add(u64::from(byte - b'0')))
                        .ok_or(QuotaError::at(Kind::NumberTooLarge, start))?;
                }
                // Only between digits.
                b'_' if self.at > start
                    && self.text.as_bytes()[self.at - 1].is_ascii_digit()
                    && self.text.as_bytes().get(self.at + 1).is_some_and(u8::is_ascii_digit) => {}
                _ => break,
            }
            self.at += 1;
        }
        if self.at == start {
            return Err(QuotaError::at(Kind::ExpectedNumber, start));
        }
        Ok((value, start))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// The letters that stand here (not consumed).
    fn word(&self) -> &str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    }

    /// Consumes a mark, after white space.
    fn eat(&mut self, mark: &str) -> bool {
        self.skip_space();
        let found = self.text.get(self.at..).unwrap_or_default().starts_with(mark);
        if found {
            self.at += mark.len();
        }
        found
    }

    /// Consumes a whole word, after white space, in either case.
    fn eat_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let found = self.word().eq_ignore_ascii_case(word);
        if found {
            self.at += word.len();
        }
        found
    }
}

fn once(seen: &mut bool, at: usize) -> Result<(), QuotaError> {
    if core::mem::replace(seen, true) { Err(QuotaError::at(Kind::Repeated, at)) } else { Ok(()) }
}
