//! Calendars: windows of local hours, days, weeks, months and years in the time zones of the IANA database.
//!
//! `zone` is a time zone's forward clock, `windows` are the units on it, numbered; `registry` keeps both. A rule asks for nothing but
//! the number of the window in which an instant lies, and for the first instant of a window (`rule::calendar`).

mod civil;
mod registry;
mod windows;
mod zone;

use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Range;

pub use civil::CalendarUnit;

use crate::quota::{QuotaError, QuotaErrorKind};
use windows::Windows;

/// Hours, days, ISO weeks, months or years of an IANA time zone: the windows of a calendar quota.
///
/// A window begins at the first instant of its local date (hours: of the local hour). Days of 23 and 25 hours, midnights that do not exist
/// or exist twice and leap days need no care of the caller's; a date that a zone skipped (2011-12-30 in Pacific/Apia) has no window.
/// A local hour that comes twice when the clock is set back is *one* window, with whatever lies between, so that no more
/// than the limit passes in anything that is called that hour. The rule in full: `docs/semantics.md`, *Calendar windows*.
///
/// Times are nanoseconds since 1970-01-01T00:00Z. The first window, already under way then, is cut off at 0.
///
/// Small and `Copy`: what it stands for is made at its first use (about a millisecond a zone) and kept for the life of the process, at most
/// some 20 KiB a zone. It does not see updates of the time zone database that come later.
///
/// ```
/// use tidegate::{Calendar, CalendarUnit};
/// let days = Calendar::new(CalendarUnit::Day, "Europe/Paris")?;
/// // Summer time begins on 2026-03-29: a day of 23 hours.
/// let noon = 1_774_778_400_000_000_000;
/// let day = days.window_at(noon);
/// assert_eq!((day.end - day.start) / 3_600_000_000_000, 23);
///
/// let error = Calendar::new(CalendarUnit::Day, "Europe/Pariss").unwrap_err();
/// assert_eq!(error.to_string(), "there is no such time zone; did you mean \"Europe/Paris\"?");
/// # Ok::<(), tidegate::QuotaError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Calendar(&'static Windows);

impl Calendar {
    /// The calendar of a unit in an IANA time zone; the name may be in either case.
    ///
    /// # Errors
    /// A name that is not in the time zone database which this crate brings along: the error names one that is near, if any is.
    pub fn new(unit: CalendarUnit, zone: &str) -> Result<Calendar, QuotaError> {
        match registry::windows(unit, zone) {
            Some(windows) => Ok(Calendar(windows)),
            None => Err(QuotaError::new(QuotaErrorKind::UnknownZone).near(registry::near(zone))),
        }
    }

    /// The unit.
    pub const fn unit(&self) -> CalendarUnit {
        self.0.unit
    }

    /// The zone's name as the database spells it.
    pub const fn zone(&self) -> &'static str {
        self.0.zone.name
    }

    /// The window in which `now` lies, in nanoseconds: its first instant, and that of the next one. A `now` above `2^63 - 1` is read as that.
    pub fn window_at(&self, now: u64) -> Range<u64> {
        let index = self.index(now.min(crate::rule::END));
        self.start(index)..self.start(index + 1)
    }

    /// The index of the window in which `now` lies, from 0. `now` is at most `END`.
    pub(crate) fn index(&self, now: u64) -> u64 {
        self.0.index(now)
    }

    /// The first nanosecond of a window; `u64::MAX` if that is beyond what can be told.
    pub(crate) fn start(&self, index: u64) -> u64 {
        self.0.start(index)
    }

    /// No window is longer than this, in nanoseconds.
    pub(crate) const fn longest(&self) -> u64 {
        self.0.longest
    }

    /// The bits that hold the index of every window.
    pub(crate) const fn index_bits(&self) -> u32 {
        self.0.index_bits()
    }
}

/// There is one for each pair of unit and zone.
impl PartialEq for Calendar {
    fn eq(&self, other: &Calendar) -> bool {
        core::ptr::eq(self.0, other.0)
    }
}

impl Eq for Calendar {}

impl Hash for Calendar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.unit(), self.zone()).hash(state);
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Calendar({self})")
    }
}

/// As in a quota: `day in Europe/Paris`.
impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.unit(), self.zone())
    }
}
