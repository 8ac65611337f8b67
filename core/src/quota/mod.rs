//! `Quota`: how many permits in how long, and how many at once.
//!
//! A quota is only numbers. Whether an algorithm can hold it is asked when a limiter is built, and the answer names the bound;
//! a quota is never rounded or shrunk to fit.

mod error;
mod grammar;

use core::fmt;
use core::ops::Range;
use core::time::Duration;

pub use error::{QuotaError, QuotaErrorKind};
pub use grammar::{QuotaList, parse_list};

#[cfg(feature = "calendar")]
use crate::calendar::Calendar;

/// The longest period: 2^62 nanoseconds, about 146 years.
pub const MAX_PERIOD_NANOS: u64 = 1 << 62;

/// `limit` permits per `period`, at most `burst` at once.
///
/// | field | unit | range |
/// |---|---|---|
/// | limit | permits | 1 to `u64::MAX` |
/// | period | nanoseconds | 1 to 2^62 (146 years) |
/// | burst | permits | 1 to `u64::MAX`; equals the limit unless set |
/// | anchor | where windows begin | multiples of the period (default), an offset from them, the first use, or a calendar |
///
/// The ratio is kept exactly. What an algorithm can hold is narrower and checked when the limiter is built.
///
/// ```
/// use tidegate::Quota;
/// let quota: Quota = "300/min burst 50".parse()?;
/// assert_eq!(quota, Quota::per_minute(300)?.burst(50)?);
/// assert_eq!(quota.to_string(), "300/min burst 50");
/// # Ok::<(), tidegate::QuotaError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    limit: u64,
    period: u64,
    burst: u64,
    anchor: Anchor,
}

/// Where the windows of a fixed window, a sliding window or an interval refill begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Anchor {
    /// At the multiples of the period on the limiter's clock (with the default clock: of Unix time in UTC).
    #[default]
    Clock,
    /// This many nanoseconds after those multiples; taken modulo the period.
    Offset(u64),
    /// At the first call that spends after everything spent before has been paid back.
    FirstUse,
    /// Where the calendar says; the period is then the mean length of its unit. Only for fixed windows, on a clock of Unix time.
    #[cfg(feature = "calendar")]
    Calendar(Calendar),
}

impl Quota {
    /// `limit` permits per `period`; the burst equals the limit.
    ///
    /// # Errors
    /// A limit of 0, a period of 0, a period above 2^62 ns.
    ///
    /// ```
    /// use core::time::Duration;
    /// let quota = tidegate::Quota::new(150, Duration::from_secs(10))?;
    /// assert_eq!(quota.period(), Duration::from_secs(10));
    /// assert!(tidegate::Quota::new(0, Duration::from_secs(10)).is_err());
    /// # Ok::<(), tidegate::QuotaError>(())
    /// ```
    pub const fn new(limit: u64, period: Duration) -> Result<Quota, QuotaError> {
        let nanos = period.as_nanos();
        if nanos > MAX_PERIOD_NANOS as u128 {
            return Err(QuotaError::new(QuotaErrorKind::PeriodTooLong));
        }
        Quota::from_nanos(limit, nanos as u64)
    }

    /// As [`Quota::new`], with the period in nanoseconds.
    ///
    /// # Errors
    /// As [`Quota::new`].
    pub const fn from_nanos(limit: u64, period_nanos: u64) -> Result<Quota, QuotaError> {
        if limit == 0 {
            return Err(QuotaError::new(QuotaErrorKind::ZeroLimit));
        }
        if period_nanos == 0 {
            return Err(QuotaError::new(QuotaErrorKind::ZeroPeriod));
        }
        if period_nanos > MAX_PERIOD_NANOS {
            return Err(QuotaError::new(QuotaErrorKind::PeriodTooLong));
        }
        Ok(Quota { limit, period: period_nanos, burst: limit, anchor: Anchor::Clock })
    }

    /// `limit` permits in each window of a calendar: each local day, each month of a time zone.
    ///
    /// Works as a fixed window, in one limiter or one a key; other algorithms refuse it when they are built. The period is the mean length of
    /// the unit, and counts only where a quota is changed for another ([`Carry::Time`](crate::Carry::Time)).
    ///
    /// A plan with "5,000 a month, `period_start` 2026-01-01, `period_end` 2026-01-31":
    /// ```
    /// use std::time::Duration;
    /// use tidegate::{Algorithm, Calendar, CalendarUnit, Limiter, Quota};
    /// let quota = Quota::per_calendar(5_000, Calendar::new(CalendarUnit::Month, "America/New_York")?)?;
    /// assert_eq!(quota, "5000 per calendar month in America/New_York".parse()?);
    ///
    /// let now = 1_768_500_000_000_000_000; // 2026-01-15T18:00:00Z
    /// let period = quota.window_at(now).expect("windows that the clock tells");
    /// assert_eq!(period.start, 1_767_243_600_000_000_000); // 2026-01-01T00:00:00-05:00
    /// assert_eq!(period.end, 1_769_922_000_000_000_000); // 2026-02-01T00:00:00-05:00, when the count starts anew
    ///
    /// let limiter = Limiter::new(Algorithm::FixedWindow, quota)?;
    /// assert!(limiter.try_acquire_at(now, 5_000));
    /// let denied = limiter.take_at(now, 1);
    /// assert_eq!(denied.retry_after(), Some(Duration::from_nanos(period.end - now)));
    /// # Ok::<(), tidegate::QuotaError>(())
    /// ```
    ///
    /// # Errors
    /// A limit of 0.
    #[cfg(feature = "calendar")]
    pub const fn per_calendar(limit: u64, calendar: Calendar) -> Result<Quota, QuotaError> {
        match Quota::from_nanos(limit, calendar.unit().mean_nanos()) {
            Ok(quota) => Ok(quota.anchor(Anchor::Calendar(calendar))),
            Err(error) => Err(error),
        }
    }

    /// `limit` permits a second.
    ///
    /// # Errors
    /// A limit of 0.
    pub const fn per_second(limit: u64) -> Result<Quota, QuotaError> {
        Quota::from_nanos(limit, 1_000_000_000)
    }

    /// `limit` permits a minute.
    ///
    /// # Errors
    /// A limit of 0.
    pub const fn per_minute(limit: u64) -> Result<Quota, QuotaError> {
        Quota::from_nanos(limit, 60_000_000_000)
    }

    /// `limit` permits an hour of 3,600 seconds.
    ///
    /// # Errors
    /// A limit of 0.
    pub const fn per_hour(limit: u64) -> Result<Quota, QuotaError> {
        Quota::from_nanos(limit, 3_600_000_000_000)
    }

    /// `limit` permits a day of 86,400 seconds.
    ///
    /// # Errors
    /// A limit of 0.
    pub const fn per_day(limit: u64) -> Result<Quota, QuotaError> {
        Quota::from_nanos(limit, 86_400_000_000_000)
    }

    /// The same quota with `burst` permits at once: the capacity of a bucket.
    ///
    /// The window algorithms have no burst of their own and refuse one that differs from the limit when a limiter is built.
    ///
    /// # Errors
    /// A burst of 0.
    pub const fn burst(mut self, burst: u64) -> Result<Quota, QuotaError> {
        if burst == 0 {
            return Err(QuotaError::new(QuotaErrorKind::ZeroBurst));
        }
        self.burst = burst;
        Ok(self)
    }

    /// The same quota with its windows anchored elsewhere. At a calendar, the period becomes the mean length of its unit.
    pub const fn anchor(mut self, anchor: Anchor) -> Quota {
        self.anchor = anchor;
        #[cfg(feature = "calendar")]
        if let Anchor::Calendar(calendar) = anchor {
            self.period = calendar.unit().mean_nanos();
        }
        self
    }

    /// Permits per period.
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// The period.
    pub const fn period(&self) -> Duration {
        Duration::from_nanos(self.period)
    }

    /// The period in nanoseconds.
    pub const fn period_nanos(&self) -> u64 {
        self.period
    }

    /// The most permits at once.
    pub const fn capacity(&self) -> u64 {
        self.burst
    }

    /// Where windows begin.
    pub const fn anchored(&self) -> Anchor {
        self.anchor
    }

    /// The window in which `now` lies, for algorithms with windows, in nanoseconds of the limiter's clock: its first instant, and that of the next
    /// window. `None` if windows begin at the first use, which a quota cannot know.
    ///
    /// Cut off at 0 and at `u64::MAX`; a `now` above `2^63 - 1` is read as that.
    ///
    /// ```
    /// let quota: tidegate::Quota = "100/h".parse()?;
    /// let minute = 60_000_000_000;
    /// assert_eq!(quota.window_at(90 * minute), Some(60 * minute..120 * minute));
    /// # Ok::<(), tidegate::QuotaError>(())
    /// ```
    pub fn window_at(&self, now: u64) -> Option<Range<u64>> {
        let now = now.min(crate::rule::END);
        let offset = match self.anchor {
            Anchor::Clock => 0,
            Anchor::Offset(offset) => offset % self.period,
            Anchor::FirstUse => return None,
            #[cfg(feature = "calendar")]
            Anchor::Calendar(calendar) => return Some(calendar.window_at(now)),
        };
        // now < 2^63 and the period is at most 2^62: no sum here reaches 2^64.
        let elapsed = (now + (self.period - offset)) % self.period;
        Some(now.saturating_sub(elapsed)..now + (self.period - elapsed))
    }
}

/// Writes the quota in the grammar that [`str::parse`] reads, in the largest unit that keeps it whole.
impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = grammar::largest_unit(self.period);
        match self.anchor {
            #[cfg(feature = "calendar")]
            Anchor::Calendar(calendar) => write!(f, "{} per calendar {calendar}", self.limit)?,
            _ if count == 1 => write!(f, "{}/{unit}", self.limit)?,
            _ => write!(f, "{}/{count}{unit}", self.limit)?,
        }
        if self.burst != self.limit {
            write!(f, " burst {}", self.burst)?;
        }
        match self.anchor {
            Anchor::Clock => Ok(()),
            Anchor::Offset(nanos) => {
                let (count, unit) = grammar::largest_unit(nanos);
                write!(f, " offset {count}{unit}")
            }
            Anchor::FirstUse => f.write_str(" from first use"),
            #[cfg(feature = "calendar")]
            Anchor::Calendar(_) => Ok(()),
        }
    }
}

#[cfg(feature = "serde")]
mod as_text {
    //! A quota travels as its text: `"300/min burst 50"`.
    use super::Quota;
    use core::fmt;

    impl serde::Serialize for Quota {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de> serde::Deserialize<'de> for Quota {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Text;
            impl serde::de::Visitor<'_> for Text {
                type Value = Quota;
                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a quota such as \"300/min burst 50\"")
                }
                fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Quota, E> {
                    text.parse().map_err(E::custom)
                }
            }
            deserializer.deserialize_str(Text)
        }
    }
}
