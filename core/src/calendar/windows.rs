//! Windows of one unit in one zone, numbered one by one from the one in which 1970-01-01T00:00Z lies.
//!
//! A window begins at the first instant at which the zone's forward clock is in a new unit. Units that the clock skips (the date that
//! Apia went without, the hour that summer time takes away) have no window and no number. Hours have one rule more: an hour begins no
//! window as long as an earlier hour will come again, so that all that is ever called one hour lies within one window.

use alloc::vec::Vec;

use super::civil::CalendarUnit;
use super::zone::Zone;
use crate::rule::{END, bits};
use crate::sync::{AtomicU128, Ordering::Relaxed};

const SECOND: u64 = 1_000_000_000;

/// Of the callers for whom the window kept is another, those put theirs in its place whose nanosecond is a multiple of this: callers on
/// either side of a boundary, or one whose clock is far off, do not make the others wait for one word.
const SELDOM: u64 = 16;

/// What is asked again and again is the window of now: the one that was last looked up is kept.
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
    /// The window that was last looked up, or nearly. What it says of a window is true for ever, so it does not matter who wrote it,
    /// or when: `Relaxed`.
    looked_up: AtomicU128,
}

/// A window: its first second, that of the next, and its index.
///
/// ```text
/// 128 bits = { start: 40 | end: 40 | index: 48 }      seconds of Unix time; all 0: none
/// ```
#[derive(Clone, Copy)]
struct Known {
    start: u64,
    end: u64,
    index: u64,
}

impl Known {
    fn pack(self) -> u128 {
        u128::from(self.start) << 88 | u128::from(self.end) << 48 | u128::from(self.index)
    }

    fn unpack(packed: u128) -> Known {
        let low = |packed: u128, bits: u32| packed as u64 & ((1 << bits) - 1);
        Known { start: low(packed >> 88, 40), end: low(packed >> 48, 40), index: low(packed, 48) }
    }
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
        let looked_up = AtomicU128::new(0);
        let mut windows = Windows { zone, unit, first, absent, last_index: 0, longest, looked_up };
        windows.last_index = windows.find(END / SECOND);
        windows
    }

    /// The bits that hold the index of every window.
    pub(super) const fn index_bits(&self) -> u32 {
        bits(self.last_index as u128)
    }

    /// The index of the window in which `now` lies. `now` is at most [`END`].
    #[inline]
    pub(super) fn index(&self, now: u64) -> u64 {
        let second = now / SECOND;
        let known = Known::unpack(self.looked_up.load(Relaxed));
        if known.start <= second && second < known.end { known.index } else { self.look_up(now) }
    }

    #[cold]
    fn look_up(&self, now: u64) -> u64 {
        let index = self.find(now / SECOND);
        if now.is_multiple_of(SELDOM) {
            // Boundaries are whole seconds, within two years of the end of the clock: below 2^40.
            let (start, end) = (self.start(index) / SECOND, self.start(index + 1) / SECOND);
            self.looked_up.swap(Known { start, end, index }.pack(), Relaxed);
        }
        index
    }

    /// The index of the window in which a second lies.
    fn find(&self, second: u64) -> u64 {
        let number = self.unit.number(self.zone.local(second as i64));
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

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;
    use crate::calendar::registry::windows;

    /// Whatever window is kept, the answer is that of a look-up.
    #[test]
    fn what_is_kept_changes_no_answer() {
        for (unit, zone) in [
            (CalendarUnit::Hour, "Australia/Lord_Howe"),
            (CalendarUnit::Day, "Pacific/Apia"),
            (CalendarUnit::Month, "America/New_York"),
            (CalendarUnit::Year, "UTC"),
        ] {
            let windows = windows(unit, zone).expect("known");
            let mut kept = 0;
            let mut at: u64 = 1;
            for _ in 0..200_000 {
                // Near what was asked last, or anywhere; half of them replace what is kept.
                at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let now = if at >> 61 > 0 { (kept + (at >> 24)) & END } else { at >> 1 } & !7;
                let before = windows.looked_up.load(Relaxed);
                assert_eq!(windows.index(now), windows.find(now / SECOND), "{unit} in {zone} at {now}");
                if windows.looked_up.load(Relaxed) != before {
                    kept = now;
                }
            }
            let known = Known::unpack(windows.looked_up.load(Relaxed));
            assert!(known.start < known.end && windows.start(known.index) == known.start * SECOND);
            let last =
                Known { start: windows.start(windows.last_index) / SECOND, end: (1 << 40) - 1, index: (1 << 48) - 1 };
            let back = Known::unpack(last.pack());
            assert_eq!((back.start, back.end, back.index), (last.start, last.end, last.index));
        }
    }
}
