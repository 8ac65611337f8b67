//! Windows of one unit in one zone, numbered one by one from the one in which 1970-01-01T00:00Z lies.
//!
//! A window begins at the first instant at which the zone's forward clock is in a new unit. Units that the clock skips (the date that
//! Apia went without, the hour that summer time takes away) have no window and no number. Hours have one rule more: an hour begins no
//! window as long as an earlier hour will come again, so that all that is ever called one hour lies within one window.

use alloc::vec::Vec;

use super::civil::CalendarUnit;
use super::zone::Zone;
use crate::rule::{END, bits};

const SECOND: u64 = 1_000_000_000;

#[derive(Debug)]
pub(super) struct Windows {
    pub(super) zone: &'static Zone,
    pub(super) unit: CalendarUnit,
    /// The number of the unit in which the first window lies.
    first: i64,
    /// In the order of time; apart from one another.
    absent: Vec<Absent>,
    /// The index of the window in which the clock ends.
    last_index: u64,
    /// No window is longer than this, in nanoseconds.
    pub(super) longest: u64,
}

/// Units that begin no window.
#[derive(Clone, Copy, Debug)]
struct Absent {
    first: i64,
    last: i64,
    /// The index of the window before them.
    index: i64,
}

impl Windows {
    pub(super) fn new(zone: &'static Zone, unit: CalendarUnit) -> Windows {
        let first = unit.number(zone.local(0));
        let mut ranges: Vec<(i64, i64)> = Vec::new();
        for change in zone.changes() {
            let (last, next) = (unit.number(change.last), unit.number(change.set_to));
            if next > last {
                // Skipped, if any lie between.
                ranges.push((last + 1, next - 1));
            } else if unit == CalendarUnit::Hour {
                // The hour that comes again, and those after it that have been, are one window.
                ranges.push((next.max(first) + 1, last));
            }
        }
        ranges.retain(|(from, to)| from <= to);
        ranges.sort_unstable();
        let mut absent: Vec<Absent> = Vec::new();
        for (from, to) in ranges {
            match absent.last_mut() {
                // Neighbours are one, so that the unit before each begins a window.
                Some(before) if from <= before.last + 1 => before.last = before.last.max(to),
                before => {
                    let (number, index) = before.map_or((first, 0), |before| (before.last, before.index));
                    absent.push(Absent { first: from, last: to, index: index + (from - 1 - number) });
                }
            }
        }
        // A clock set back shows that much once more. Hours between the first that comes again and the last that has been: at most as
        // many as the clock is set back by, and one in part.
        let set_back = zone.changes().map(|change| change.last + 1 - change.set_to).max().unwrap_or(0).max(0) as u64;
        let hours = if unit == CalendarUnit::Hour { set_back + 3_600 } else { 0 };
        let longest = (unit.longest_seconds() + set_back + hours) * SECOND;
        let mut windows = Windows { zone, unit, first, absent, last_index: 0, longest };
        windows.last_index = windows.index(END);
        windows
    }

    /// The bits that hold the index of every window.
    pub(super) const fn index_bits(&self) -> u32 {
        bits(self.last_index as u128)
    }

    /// The index of the window in which `now` lies. `now` is at most [`END`].
    pub(super) fn index(&self, now: u64) -> u64 {
        let number = self.unit.number(self.zone.local((now / SECOND) as i64));
        let before = self.absent.partition_point(|absent| absent.first <= number);
        let index = match self.absent.get(before.wrapping_sub(1)) {
            // Within them, the window before goes on.
            Some(absent) => absent.index + (number - absent.last).max(0),
            None => number - self.first,
        };
        // The forward clock never goes back, so no number is below the first.
        index as u64
    }

    /// The first nanosecond of a window; 0 for the first one, `u64::MAX` for those that begin after the end of the clock but for the very next.
    pub(super) fn start(&self, index: u64) -> u64 {
        if index == 0 {
            return 0;
        }
        if index > self.last_index + 1 {
            return u64::MAX;
        }
        let index = index as i64;
        let before = self.absent.partition_point(|absent| absent.index < index);
        let number = match self.absent.get(before.wrapping_sub(1)) {
            Some(absent) => absent.last + (index - absent.index),
            None => self.first + index,
        };
        // Within two years of the end of the clock, so below 2^64 nanoseconds.
        self.zone.first(self.unit.first_second(number)) as u64 * SECOND
    }
}
