//! Quotas per unit of the calendar: `1000 per calendar day in Europe/Paris`.
//!
//! Text and its meaning only. Whether a zone exists, and when its days begin, is not known here.

use std::fmt;
use std::str::FromStr;

/// So many permits in each unit of the calendar: `1000 per calendar day in Europe/Paris`.
///
/// ```
/// use tidegate_policy::{CalendarQuota, CalendarUnit};
/// let quota: CalendarQuota = "5000 per calendar month in UTC".parse()?;
/// assert_eq!((quota.limit(), quota.unit(), quota.zone()), (5000, CalendarUnit::Month, Some("UTC")));
/// assert_eq!("5000 per calendar moon".parse::<CalendarQuota>().unwrap_err().position(), 18);
/// # Ok::<(), tidegate_policy::CalendarError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarQuota {
    limit: u64,
    unit: CalendarUnit,
    zone: Option<String>,
}

/// A unit of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CalendarUnit {
    /// From the top of the hour.
    Hour,
    /// From midnight.
    Day,
    /// From Monday, as ISO 8601 counts.
    Week,
    /// From the first of the month.
    Month,
    /// From the first of January.
    Year,
}

impl CalendarUnit {
    pub(crate) const ALL: [(CalendarUnit, &'static str, &'static [&'static str]); 5] = [
        (CalendarUnit::Hour, "hour", &["hour"]),
        (CalendarUnit::Day, "day", &["day", "daily", "midnight"]),
        (CalendarUnit::Week, "week", &["week"]),
        (CalendarUnit::Month, "month", &["month"]),
        (CalendarUnit::Year, "year", &["year"]),
    ];

    pub(crate) fn words(self) -> &'static [&'static str] {
        Self::ALL.iter().find(|(unit, ..)| *unit == self).map_or(&[], |(_, _, words)| words)
    }
}

impl fmt::Display for CalendarUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(unit, ..)| unit == self).map_or("", |(_, name, _)| name))
    }
}

impl CalendarQuota {
    /// Permits in each unit.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// The unit of the calendar.
    pub fn unit(&self) -> CalendarUnit {
        self.unit
    }

    /// The name of the time zone, as written; `None` for the customer's own.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }
}

/// A calendar quota that was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalendarError {
    position: usize,
    expected: &'static str,
}

impl CalendarError {
    /// The byte position in the text.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl fmt::Display for CalendarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at position {}: expected {}", self.position, self.expected)
    }
}

impl std::error::Error for CalendarError {}

impl FromStr for CalendarQuota {
    type Err = CalendarError;

    /// # Errors
    /// Anything else than `N per calendar UNIT` with an optional ` in ZONE`: the position, and what was expected there.
    /// Whether the zone exists is not asked here.
    fn from_str(text: &str) -> Result<CalendarQuota, CalendarError> {
        let mut words = Words { text, at: 0 };
        let (at, number) = words.next();
        let limit = number.parse().ok().filter(|limit| *limit > 0).ok_or(CalendarError {
            position: at,
            expected: "a whole number from 1, such as \"1000 per calendar day in UTC\"",
        })?;
        words.expect("per", "'per'")?;
        words.expect("calendar", "'calendar'")?;
        let (at, name) = words.next();
        let unit = CalendarUnit::ALL.iter().find(|(_, known, _)| *known == name).map(|(unit, ..)| *unit);
        let unit = unit.ok_or(CalendarError { position: at, expected: "hour, day, week, month or year" })?;
        let mut zone = None;
        if !words.rest().is_empty() {
            words.expect("in", "'in' and a time zone, or the end")?;
            let (at, name) = words.next();
            let plausible = |c: char| c.is_ascii_alphanumeric() || "/_+-".contains(c);
            if name.is_empty() || !name.chars().all(plausible) {
                return Err(CalendarError {
                    position: at,
                    expected: "a time zone, such as \"Europe/Paris\" or \"UTC\"",
                });
            }
            zone = Some(name.to_owned());
        }
        if !words.rest().is_empty() {
            return Err(CalendarError { position: words.next().0, expected: "the end" });
        }
        Ok(CalendarQuota { limit, unit, zone })
    }
}

impl fmt::Display for CalendarQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} per calendar {}", self.limit, self.unit)?;
        self.zone.as_ref().map_or(Ok(()), |zone| write!(f, " in {zone}"))
    }
}

/// The words of a text with their positions.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    fn rest(&self) -> &'a str {
        self.text[self.at..].trim()
    }

    /// The next word and where it begins; an empty one at the end.
    fn next(&mut self) -> (usize, &'a str) {
        let rest = &self.text[self.at..];
        let start = self.at + (rest.len() - rest.trim_start().len());
        let word = self.text[start..].split_whitespace().next().unwrap_or("");
        self.at = start + word.len();
        (start, word)
    }

    fn expect(&mut self, word: &str, expected: &'static str) -> Result<(), CalendarError> {
        let (position, found) = self.next();
        if found == word { Ok(()) } else { Err(CalendarError { position, expected }) }
    }
}
