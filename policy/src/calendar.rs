//! Quotas per unit of the calendar, in a zone that the file names or in the customer's own: "Daily: midnight (your timezone)".

use std::fmt;

use tidegate::{Anchor, Calendar, CalendarUnit, Quota, QuotaError};

/// So many permits in each unit of the calendar: `1000 per calendar day in Europe/Paris`.
///
/// Without a zone it runs in that of whoever is counted, which a request [names](crate::Request::zone); UTC if it does not.
///
/// ```
/// use tidegate_policy::{CalendarQuota, CalendarUnit};
/// let quota = CalendarQuota::new("5000 per calendar month in UTC".parse()?, false).unwrap();
/// assert_eq!((quota.limit(), quota.unit(), quota.zone()), (5000, CalendarUnit::Month, Some("UTC")));
/// let anywhere = CalendarQuota::new("5000 per calendar day".parse()?, true).unwrap();
/// assert_eq!(anywhere.zone(), None);
/// assert_eq!(anywhere.in_zone(Some("Asia/Tokyo"))?, "5000 per calendar day in Asia/Tokyo".parse()?);
/// # Ok::<(), tidegate::QuotaError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CalendarQuota {
    /// In UTC, or whatever it was written in, where the zone is the customer's.
    quota: Quota,
    calendar: Calendar,
    own_zone: bool,
}

impl CalendarQuota {
    /// A quota that is anchored at a calendar (`None` for any other), in its own zone or in whatever zone the customer has.
    pub fn new(quota: Quota, own_zone: bool) -> Option<CalendarQuota> {
        match quota.anchored() {
            Anchor::Calendar(calendar) => Some(CalendarQuota { quota, calendar, own_zone }),
            _ => None,
        }
    }

    /// As it was written: a zone is named after the word "in".
    pub(crate) fn as_written(quota: Quota, text: &str) -> Option<CalendarQuota> {
        CalendarQuota::new(quota, !text.split_whitespace().any(|word| word.eq_ignore_ascii_case("in")))
    }

    /// Permits in each unit.
    pub fn limit(&self) -> u64 {
        self.quota.limit()
    }

    /// The unit of the calendar.
    pub fn unit(&self) -> CalendarUnit {
        self.calendar.unit()
    }

    /// The name of the time zone; `None` for the customer's own.
    pub fn zone(&self) -> Option<&'static str> {
        (!self.own_zone).then(|| self.calendar.zone())
    }

    /// The quota in its own zone, or in this one if it has none; `None` for UTC.
    ///
    /// # Errors
    /// A zone that the time zone database does not have.
    pub fn in_zone(&self, zone: Option<&str>) -> Result<Quota, QuotaError> {
        match zone.filter(|_| self.own_zone) {
            None => Ok(self.quota),
            Some(zone) => Quota::per_calendar(self.limit(), Calendar::new(self.unit(), zone)?),
        }
    }
}

impl fmt::Display for CalendarQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.own_zone {
            write!(f, "{} per calendar {}", self.limit(), self.unit().name())
        } else {
            self.quota.fmt(f)
        }
    }
}

/// The words that name a unit in a document.
pub(crate) fn words(unit: CalendarUnit) -> &'static [&'static str] {
    match unit {
        CalendarUnit::Hour => &["hour"],
        CalendarUnit::Day => &["day", "daily", "midnight"],
        CalendarUnit::Week => &["week"],
        CalendarUnit::Month => &["month"],
        _ => &["year"],
    }
}
