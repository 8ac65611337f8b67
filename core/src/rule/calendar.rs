//! Fixed windows of the calendar: the family of [`interval`](super::interval), where a tick is a window of a [`Calendar`].
//!
//! Windows of a calendar differ in length and are numbered one by one, so the rule is that of fixed windows aligned to the clock, to the
//! letter: only what a tick is, is asked of the calendar. The word tells every time of the clock; windows need 9 bits (years) to
//! 22 (hours), and the rest counts permits.

use super::interval::{Interval, Ticks};
use super::{Algorithm, Config, END, bits};
use crate::calendar::Calendar;
use crate::quota::{QuotaError, QuotaErrorKind};

impl Ticks for Calendar {
    #[inline]
    fn tick(&self, now: u64) -> u64 {
        self.index(now)
    }

    fn first_nanosecond(&self, tick: u128) -> u64 {
        u64::try_from(tick).map_or(u64::MAX, |tick| self.start(tick))
    }
}

impl Interval<Calendar> {
    pub(crate) const fn of_calendar(config: &Config, calendar: Calendar) -> Result<Self, QuotaError> {
        if !matches!(config.algorithm, Algorithm::FixedWindow) {
            return Err(QuotaError::new(QuotaErrorKind::CalendarNeedsWindow));
        }
        let (limit, capacity) = (config.quota.limit(), config.quota.capacity());
        let used_bits = 64 - calendar.index_bits();
        if bits(capacity as u128 * 2) > used_bits {
            return Err(QuotaError::new(QuotaErrorKind::LimitTooLarge));
        }
        Ok(Interval { ticks: calendar, sub: 0, used_bits, limit, capacity, end: END })
    }
}
