//! Units of the civil calendar on a local clock: seconds since 1970-01-01 00:00 as a clock on the wall counts them.
//!
//! Each unit is numbered: hours and days from 1970-01-01, weeks from the Monday before it (ISO 8601), months and years from year 0 of the
//! proleptic Gregorian calendar. Source of the day count: E. G. Richards, "Calendars", in the Explanatory Supplement to the Astronomical
//! Almanac, 3rd edition (2013), 15.11; years begin with March there, so that the leap day is the last one.

use core::fmt;

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;
/// Days in 400 years and in 4.
const DAYS_OF_400: i64 = 146_097;
const DAYS_OF_4: i64 = 1_461;

/// A unit of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CalendarUnit {
    /// From the top of the local hour.
    Hour,
    /// From local midnight.
    Day,
    /// From Monday's midnight, as ISO 8601 counts.
    Week,
    /// From the midnight of the first of the month.
    Month,
    /// From the midnight of 1 January.
    Year,
}

impl CalendarUnit {
    /// All units, the shortest first.
    pub const ALL: [CalendarUnit; 5] =
        [CalendarUnit::Hour, CalendarUnit::Day, CalendarUnit::Week, CalendarUnit::Month, CalendarUnit::Year];

    /// The name in text: `hour`, `day`, `week`, `month`, `year`.
    pub const fn name(self) -> &'static str {
        match self {
            CalendarUnit::Hour => "hour",
            CalendarUnit::Day => "day",
            CalendarUnit::Week => "week",
            CalendarUnit::Month => "month",
            CalendarUnit::Year => "year",
        }
    }

    /// Its mean length in nanoseconds: months and years are those of the Gregorian calendar, of 365.2425 days a year.
    pub const fn mean_nanos(self) -> u64 {
        1_000_000_000
            * match self {
                CalendarUnit::Hour => 3_600,
                CalendarUnit::Day => 86_400,
                CalendarUnit::Week => 604_800,
                CalendarUnit::Month => 2_629_746,
                CalendarUnit::Year => 31_556_952,
            }
    }

    /// The longest that it is on a clock that is never set.
    pub(super) const fn longest_seconds(self) -> u64 {
        match self {
            CalendarUnit::Hour => 3_600,
            CalendarUnit::Day => 86_400,
            CalendarUnit::Week => 7 * 86_400,
            CalendarUnit::Month => 31 * 86_400,
            CalendarUnit::Year => 366 * 86_400,
        }
    }

    /// The number of the unit in which a local second lies. From 1969 to the year 10,000 at least.
    pub(super) const fn number(self, local: i64) -> i64 {
        match self {
            CalendarUnit::Hour => local.div_euclid(HOUR),
            CalendarUnit::Day => local.div_euclid(DAY),
            // 1970-01-01 was a Thursday, three days after its Monday.
            CalendarUnit::Week => (local.div_euclid(DAY) + 3).div_euclid(7),
            CalendarUnit::Month => month_of(local.div_euclid(DAY)),
            CalendarUnit::Year => month_of(local.div_euclid(DAY)).div_euclid(12),
        }
    }

    /// The first local second of the unit with that number.
    pub(super) const fn first_second(self, number: i64) -> i64 {
        match self {
            CalendarUnit::Hour => number * HOUR,
            CalendarUnit::Day => number * DAY,
            CalendarUnit::Week => (number * 7 - 3) * DAY,
            CalendarUnit::Month => first_of(number) * DAY,
            CalendarUnit::Year => first_of(number * 12) * DAY,
        }
    }
}

impl fmt::Display for CalendarUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The month in which a day lies: months since January of year 0.
const fn month_of(day: i64) -> i64 {
    let day = day + EPOCH;
    let century = (4 * day + 3).div_euclid(DAYS_OF_400);
    let day = day - (DAYS_OF_400 * century).div_euclid(4);
    let year = (4 * day + 3).div_euclid(DAYS_OF_4);
    let day = day - (DAYS_OF_4 * year).div_euclid(4);
    // From March on, five months are 153 days.
    let month = (5 * day + 2).div_euclid(153);
    12 * (100 * century + year) + month + 2
}

/// The first day of a month.
const fn first_of(month: i64) -> i64 {
    let since_march = month - 2;
    let (year, month) = (since_march.div_euclid(12), since_march.rem_euclid(12));
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 - EPOCH
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every day from 1969 to 2270, against the library.
    #[test]
    fn every_day_is_in_its_units() {
        let mut date = jiff::civil::date(1969, 1, 1);
        let mut day = -365;
        while date.year() < 2270 {
            for second in [0, DAY - 1] {
                let local = day * DAY + second;
                let month = i64::from(date.year()) * 12 + i64::from(date.month()) - 1;
                assert_eq!(CalendarUnit::Day.number(local), day, "{date}");
                assert_eq!(CalendarUnit::Month.number(local), month, "{date}");
                assert_eq!(CalendarUnit::Year.number(local), i64::from(date.year()), "{date}");
                let week = CalendarUnit::Week.number(local);
                let monday = CalendarUnit::Week.first_second(week);
                assert_eq!(local - monday, i64::from(date.weekday().to_monday_zero_offset()) * DAY + second, "{date}");
                for unit in CalendarUnit::ALL {
                    let number = unit.number(local);
                    assert!(
                        unit.first_second(number) <= local && local < unit.first_second(number + 1),
                        "{date} {unit}"
                    );
                    assert_eq!(unit.number(unit.first_second(number)), number, "{date} {unit}");
                    assert_eq!(unit.number(unit.first_second(number) - 1), number - 1, "{date} {unit}");
                }
            }
            date = date.tomorrow().expect("in range");
            day += 1;
        }
    }

    #[test]
    fn lengths_are_those_of_400_years() {
        let years = 400 * CalendarUnit::Year.mean_nanos();
        assert_eq!(u128::from(years), DAYS_OF_400 as u128 * DAY as u128 * 1_000_000_000);
        assert_eq!(12 * CalendarUnit::Month.mean_nanos(), CalendarUnit::Year.mean_nanos());
    }
}
