//! How much of a limit is used: now, as a level, and lately, as an average.
//!
//! Source: mailiam, `RateLimitMonitor` (the last 1,000 responses, the average of an hour, an alert above 80 %) and its logging of use (a warning below
//! 10 % remaining). Departures: exact in millionths; an average of nothing is `None`, there 0; a limit of 0 is all used, there no number.

use std::collections::VecDeque;

use super::is_below_percent;
use crate::advice::Client;

/// How worrying the use of a limit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UsageLevel {
    /// Nothing to say.
    Normal,
    /// More than the share that calls for an alert is used.
    High,
    /// Less than the share that calls for a warning remains.
    NearlyExhausted,
    /// Nothing remains.
    Exhausted,
}

/// Remembers the use that the last responses told, and says when to worry.
///
/// ```
/// use tidegate_policy::client::{UsageLevel, UsageMonitor};
///
/// let minute = 60_000_000_000;
/// let mut monitor = UsageMonitor::new();
/// assert_eq!(monitor.record(1000, 847, 0), UsageLevel::Normal);
/// assert_eq!(monitor.record(1000, 199, minute), UsageLevel::High);
/// assert_eq!(monitor.record(1000, 99, 2 * minute), UsageLevel::NearlyExhausted);
/// assert_eq!(monitor.average_millionths(2 * minute), Some(618_333)); // 15.3 %, 80.1 %, 90.1 %
/// assert_eq!(monitor.average_millionths(61 * minute), Some(901_000)); // the first two are an hour old
/// ```
#[derive(Clone, Debug)]
pub struct UsageMonitor {
    records: VecDeque<(u64, u32)>,
    most: usize,
    window: u64,
    alert_above: u64,
    warn_below: u64,
    latest: u64,
}

impl Default for UsageMonitor {
    fn default() -> UsageMonitor {
        UsageMonitor::new()
    }
}

impl UsageMonitor {
    /// mailiam's: 1,000 responses, an hour, alert above 80 % of use, warning below 10 % remaining.
    pub const fn new() -> UsageMonitor {
        UsageMonitor {
            records: VecDeque::new(),
            most: 1000,
            window: 3_600_000_000_000,
            alert_above: 80,
            warn_below: 10,
            latest: 0,
        }
    }

    /// With the shares that a document publishes in place of mailiam's.
    pub fn from_advice(client: &Client) -> UsageMonitor {
        let monitor = UsageMonitor::new();
        let alert = client.alert_above_percent().unwrap_or(monitor.alert_above);
        let warn = client.warn_below_percent().unwrap_or(monitor.warn_below);
        monitor.alert_above_percent(alert).warn_below_percent(warn)
    }

    /// Remembers at most so many responses, 16 bytes each; the oldest is forgotten first.
    #[must_use]
    pub fn max_records(mut self, most: usize) -> UsageMonitor {
        self.most = most;
        self
    }

    /// The average is over so many nanoseconds.
    #[must_use]
    pub fn window(mut self, nanos: u64) -> UsageMonitor {
        self.window = nanos;
        self
    }

    /// [`UsageLevel::High`] above this share of use.
    #[must_use]
    pub fn alert_above_percent(mut self, percent: u64) -> UsageMonitor {
        self.alert_above = percent;
        self
    }

    /// [`UsageLevel::NearlyExhausted`] below this share remaining.
    #[must_use]
    pub fn warn_below_percent(mut self, percent: u64) -> UsageMonitor {
        self.warn_below = percent;
        self
    }

    /// A response told a limit and what remains of it, at `now` in nanoseconds. The level is that of this response.
    pub fn record(&mut self, limit: u64, remaining: u64, now: u64) -> UsageLevel {
        self.latest = self.latest.max(now);
        let used = limit.saturating_sub(remaining);
        // At most a million.
        let millionths = if limit == 0 { 1_000_000 } else { u128::from(used) * 1_000_000 / u128::from(limit) };
        while self.records.len() >= self.most.max(1) {
            self.records.pop_front();
        }
        if self.most > 0 {
            self.records.push_back((self.latest, millionths as u32));
        }
        if remaining == 0 {
            UsageLevel::Exhausted
        } else if is_below_percent(remaining, limit, self.warn_below) {
            UsageLevel::NearlyExhausted
        } else if u128::from(used) * 100 > u128::from(limit) * u128::from(self.alert_above) {
            UsageLevel::High
        } else {
            UsageLevel::Normal
        }
    }

    /// The average use of the responses less than a window old, in millionths of the limit; `None` without any. Linear in the number
    /// of those remembered.
    pub fn average_millionths(&self, now: u64) -> Option<u32> {
        let now = self.latest.max(now);
        let young = self.records.iter().rev().take_while(|(at, _)| now - at < self.window);
        let (count, sum) = young.fold((0_u64, 0_u64), |(count, sum), (_, use_)| (count + 1, sum + u64::from(*use_)));
        // An average of millionths is at most a million.
        sum.checked_div(count).map(|average| average as u32)
    }

    /// How many responses are remembered.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}
