//! A time zone as a table of stretches with one offset from UTC, and on it the *forward clock*: the local clock that never goes back.
//!
//! When a local clock is set back, the forward clock stands still until the local clock has caught up with what it had reached. So
//! it is monotone, and the first instant at which it shows a local time is the first instant of that time: of one that exists
//! twice the earlier, of one that does not exist the end of the gap.
//!
//! The table is made once, from `jiff`; afterwards an instant is looked up in it by halving, and no library is asked.

extern crate std;

use alloc::vec::Vec;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Beyond the end of the clock (2262-04-11) by more than a year, so that the last window has its end.
const LAST_SECOND: i64 = 9_223_372_036 + 2 * 366 * 86_400;

/// A time zone from 1970 on.
#[derive(Debug)]
pub(super) struct Zone {
    pub(super) name: &'static str,
    /// In the order of time, at least one, the first from 1970-01-01T00:00Z.
    spans: Vec<Span>,
}

/// A stretch of time with one offset.
#[derive(Clone, Copy, Debug)]
struct Span {
    /// Its first second, in Unix time.
    from: i64,
    /// Seconds that local time is ahead of UTC.
    offset: i64,
    /// The local second up to which the local clock had run before (exclusive).
    reached: i64,
}

/// What happens to the forward clock where one span ends and the next begins.
pub(super) struct Change {
    /// The last local second that was shown before.
    pub(super) last: i64,
    /// The local second that the local clock is set to.
    pub(super) set_to: i64,
}

impl Zone {
    pub(super) fn new(name: &'static str, zone: &TimeZone) -> Zone {
        let epoch = Timestamp::UNIX_EPOCH;
        let first = i64::from(zone.to_offset(epoch).seconds());
        let mut spans = alloc::vec![Span { from: 0, offset: first, reached: i64::MIN }];
        let mut last = spans[0];
        for change in zone.following(epoch) {
            let (from, offset) = (change.timestamp().as_second(), i64::from(change.offset().seconds()));
            if from > LAST_SECOND {
                break;
            }
            // Only the name may have changed.
            if offset != last.offset && from > last.from {
                last = Span { from, offset, reached: last.reached.max(from + last.offset) };
                spans.push(last);
            }
        }
        Zone { name, spans }
    }

    fn span(&self, index: usize) -> Span {
        // `index` is a partition point, of which the first span is always within.
        self.spans[index.saturating_sub(1)]
    }

    /// What the forward clock shows at a second of Unix time, from 0 on.
    pub(super) fn local(&self, second: i64) -> i64 {
        let span = self.span(self.spans.partition_point(|span| span.from <= second));
        (second + span.offset).max(span.reached.saturating_sub(1))
    }

    /// The first second, from 0 on, at which the forward clock shows `local` or more.
    pub(super) fn first(&self, local: i64) -> i64 {
        // In later spans it has been shown before; in earlier ones it is not yet.
        let span = self.span(self.spans.partition_point(|span| span.reached <= local));
        (local - span.offset).max(span.from)
    }

    /// Each time at which the local clock is set.
    pub(super) fn changes(&self) -> impl Iterator<Item = Change> {
        self.spans.iter().skip(1).map(|span| Change { last: span.reached - 1, set_to: span.from + span.offset })
    }
}
