//! What of a published limit can be replayed: the quota itself, an example of it, or nothing and why.

use tidegate::{Anchor, Quota};
use tidegate_policy::{Allowance, CalendarQuota, CalendarUnit, Limit};

/// 2026-01-15T12:20:17Z, where virtual time begins, in nanoseconds: inside a minute, an hour, a day and a month.
pub const START: u64 = 1_768_479_617 * SECOND;
const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;
/// 2026-01-01T00:00:00Z.
const NEW_YEAR: u64 = 1_767_225_600 * SECOND;

/// What to do with a row.
pub enum Work {
    /// Replay this quota.
    Replay { quota: Quota, mark: Mark },
    /// Nothing can be replayed: the reason.
    Skip(&'static str),
}

/// How the replayed quota stands to the published one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is the published one.
    Published,
    /// The document publishes the window and not the number: an example number.
    Example,
    /// Months of 31 days from 2026-01-01: the published window in January 2026 only.
    January,
}

pub fn work(limit: &Limit) -> Work {
    match (limit.allowance(), limit.window()) {
        (Allowance::Rate(quota), Some(_)) => Work::Replay { quota: *quota, mark: Mark::Published },
        (Allowance::Calendar(quota), Some(_)) => calendar(quota, Mark::Published),
        (Allowance::Unstated, Some(_)) => match limit.example() {
            Some(Allowance::Rate(quota)) => Work::Replay { quota: *quota, mark: Mark::Example },
            Some(Allowance::Calendar(quota)) => calendar(quota, Mark::Example),
            _ => Work::Skip("no number is published"),
        },
        (Allowance::Unstated, None) => Work::Skip("neither a number nor a window is published"),
        (Allowance::Custom, _) => Work::Skip("agreed with each customer"),
        (Allowance::Unlimited, _) => Work::Skip("nothing to limit"),
        (Allowance::Count(_), _) => Work::Skip("a stock, not a rate"),
        (Allowance::Concurrency(_), _) => Work::Skip("at the same time, not a rate"),
        _ => Work::Skip("not a rate"),
    }
}

/// A calendar quota in UTC as a window of fixed length, which it is but for months and years.
fn calendar(quota: &CalendarQuota, mark: Mark) -> Work {
    // The customer's own zone is UTC here.
    if quota.zone().is_some_and(|zone| zone != "UTC") {
        return Work::Skip("its time zone needs calendar windows");
    }
    let (period, offset, mark) = match quota.unit() {
        CalendarUnit::Hour => (HOUR, 0, mark),
        CalendarUnit::Day => (DAY, 0, mark),
        // Unix time began on a Thursday.
        CalendarUnit::Week => (7 * DAY, 4 * DAY, mark),
        CalendarUnit::Month => (31 * DAY, NEW_YEAR % (31 * DAY), Mark::January),
        _ => return Work::Skip("needs calendar windows"),
    };
    match Quota::from_nanos(quota.limit(), period) {
        Ok(whole) => {
            Work::Replay { quota: whole.anchor(if offset == 0 { Anchor::Clock } else { Anchor::Offset(offset) }), mark }
        }
        Err(_) => Work::Skip("too large"),
    }
}
