//! What the responses of one server said of its limits, and when the next request may therefore go out.
//!
//! Source: mailiam, `RateLimitAwareClient`. Departures: there, limits are kept by scope and looked up by endpoint, so that none is ever found;
//! here a limit is kept for the route of its response, or for all routes if its scope says so. Requests on their way count.

use super::{MAX_HINT, SlowDown};
use crate::headers::{Observed, ObservedLimit, Seen};

/// Tracks the limits of one server by its responses.
///
/// A *route* is whatever the server counts apart, in the caller's words: an endpoint, a category, `""` for all. A limit holds for the route
/// of the response that told it; one with a scope other than `endpoint` (`api-key`, `ip`, `account`, Discord's `global`) for all routes.
///
/// Until its reset a limit allows what remained; after it, anything, until a response says more. `Retry-After` closes the route (or all, if the
/// server says that it is global) until it is over.
///
/// Memory: at most [`max_limits`](Tracker::max_limits) places, whatever responses invent; when all are taken, the limit that ends first is forgotten.
/// One server, one tracker: a hostile one then harms nobody else.
///
/// ```
/// use tidegate_policy::client::Tracker;
/// use tidegate_policy::headers::Observed;
///
/// let mut tracker = Tracker::new();
/// let refusal = Observed::parse([("Retry-After", "23")], 0);
/// tracker.observe("send", 429, &refusal, 1_000_000_000);
/// assert_eq!(tracker.next_delay("send", 1_000_000_000), 23_000_000_000);
/// assert_eq!(tracker.next_delay("send", 24_000_000_000), 0);
///
/// // Scopes: a key that is used up closes every route.
/// let headers = [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "5"), ("X-RateLimit-Scope", "api-key")];
/// tracker.observe("send", 200, &Observed::parse(headers, 0), 30_000_000_000);
/// assert_eq!(tracker.next_delay("domains", 30_000_000_000), 5_000_000_000);
/// ```
#[derive(Clone, Debug)]
pub struct Tracker {
    entries: Vec<Entry>,
    most: usize,
    max_wait: u64,
    slow_down: Option<SlowDown>,
    latest: u64,
    forgotten: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    /// `None`: all routes.
    route: Option<Box<str>>,
    /// `None`: a gate that `Retry-After` closed.
    seen: Option<Seen>,
    name: Option<Box<str>>,
    scope: Option<Box<str>>,
    limit: Option<u64>,
    remaining: u64,
    /// The end of what is known, at most `max_wait` after it was told.
    until: u64,
    /// While slowing down.
    not_before: u64,
}

/// A limit as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracked<'a> {
    /// The route that it holds for; `None` for all.
    pub route: Option<&'a str>,
    /// Its name, if the server gave one.
    pub name: Option<&'a str>,
    /// Its scope, if the server gave one.
    pub scope: Option<&'a str>,
    /// The capacity, if the server told it.
    pub limit: Option<u64>,
    /// What remains, less what was sent since.
    pub remaining: u64,
    /// The end of what is known, in nanoseconds of the caller's clock.
    pub until: u64,
}

impl Default for Tracker {
    fn default() -> Tracker {
        Tracker::new()
    }
}

impl Tracker {
    /// At most 64 limits, hints heeded for at most [`MAX_HINT`], no slowing down.
    pub const fn new() -> Tracker {
        Tracker { entries: Vec::new(), most: 64, max_wait: MAX_HINT, slow_down: None, latest: 0, forgotten: 0 }
    }

    /// Keeps at most so many limits, at least one.
    #[must_use]
    pub fn max_limits(mut self, most: usize) -> Tracker {
        self.most = most.max(1);
        self.entries.truncate(self.most);
        self
    }

    /// Heeds what a response says for at most so many nanoseconds; after that, one may try.
    #[must_use]
    pub fn max_wait(mut self, nanos: u64) -> Tracker {
        self.max_wait = nanos;
        self
    }

    /// Spreads what remains when little does.
    #[must_use]
    pub fn slow_down(mut self, rule: SlowDown) -> Tracker {
        self.slow_down = Some(rule);
        self
    }

    /// A response came: its route, its status, its headers, the time in nanoseconds of the caller's clock.
    ///
    /// Statuses 429 and 503 are refusals. What the newest response says of a limit replaces what was known; of two `Retry-After` the later
    /// end counts. In one response `Retry-After` takes precedence over the reset of a limit of which nothing remains.
    pub fn observe(&mut self, route: &str, status: u16, observed: &Observed, now: u64) {
        let now = self.see(now);
        // Retry-After takes precedence over the reset of a limit of which nothing remains, as the drafts say.
        let (asked, wait) = match status {
            429 | 503 => (observed.asked_wait(), observed.refused_wait()),
            _ => (observed.retry_after(), observed.retry_after()),
        };
        for limit in observed.limits() {
            let Some(remaining) = limit.remaining() else {
                continue;
            };
            let reset_after = match asked {
                Some(asked) if remaining == 0 => asked,
                _ => limit.reset_after().unwrap_or(0),
            };
            self.put(Entry {
                route: (!is_for_all(limit)).then(|| route.into()),
                seen: Some(limit.seen()),
                name: limit.name().map(Into::into),
                scope: limit.scope().map(Into::into),
                limit: limit.limit(),
                remaining,
                until: now.saturating_add(reset_after.min(self.max_wait)),
                not_before: now,
            });
        }
        if let Some(wait) = wait {
            let for_all = observed.is_global() || observed.binding().is_some_and(is_for_all);
            self.put(Entry {
                route: (!for_all).then(|| route.into()),
                seen: None,
                name: None,
                scope: None,
                limit: None,
                remaining: 0,
                until: now.saturating_add(wait.min(self.max_wait)),
                not_before: now,
            });
        }
        if let Some(rule) = self.slow_down {
            self.entries.iter_mut().for_each(|entry| entry.slow_down(rule, now));
        }
    }

    /// A request goes out now: what remains is one less until a response says more.
    pub fn sent(&mut self, route: &str, now: u64) {
        let now = self.see(now);
        let rule = self.slow_down;
        for entry in self.entries.iter_mut().filter(|entry| entry.holds_for(route) && entry.until > now) {
            entry.remaining = entry.remaining.saturating_sub(1);
            if let Some(rule) = rule {
                entry.slow_down(rule, now);
            }
        }
    }

    /// The wait before the next request to a route, in nanoseconds; 0 to go on. At most [`max_wait`](Tracker::max_wait).
    ///
    /// Call [`sent`](Tracker::sent) for each request that goes out, so that requests at the same time do not count on the same permit.
    pub fn next_delay(&self, route: &str, now: u64) -> u64 {
        let now = self.latest.max(now);
        let waits = self.entries.iter().filter(|entry| entry.holds_for(route)).map(|entry| {
            let until = if entry.remaining == 0 { entry.until } else { entry.not_before.min(entry.until) };
            until.saturating_sub(now)
        });
        waits.max().unwrap_or(0)
    }

    /// The limits that are known and not yet over at the latest time told.
    pub fn limits(&self) -> impl Iterator<Item = Tracked<'_>> {
        self.entries.iter().filter(|entry| entry.seen.is_some() && entry.until > self.latest).map(|entry| Tracked {
            route: entry.route.as_deref(),
            name: entry.name.as_deref(),
            scope: entry.scope.as_deref(),
            limit: entry.limit,
            remaining: entry.remaining,
            until: entry.until,
        })
    }

    /// How many limits were forgotten for want of room before they were over.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn see(&mut self, now: u64) -> u64 {
        self.latest = self.latest.max(now);
        self.latest
    }

    fn put(&mut self, entry: Entry) {
        if let Some(known) = self.entries.iter_mut().find(|known| known.is_same(&entry)) {
            // A wait that was asked for is kept, whatever a response that overtook it asks for.
            let until = if entry.seen.is_none() { known.until.max(entry.until) } else { entry.until };
            *known = Entry { until, ..entry };
            return;
        }
        if self.entries.len() < self.most {
            self.entries.push(entry);
            return;
        }
        if let Some(first) = self.entries.iter_mut().min_by_key(|known| known.until) {
            self.forgotten = self.forgotten.saturating_add(u64::from(first.until > self.latest));
            *first = entry;
        }
    }
}

impl Entry {
    fn holds_for(&self, route: &str) -> bool {
        self.route.as_deref().is_none_or(|of| of == route)
    }

    fn is_same(&self, other: &Entry) -> bool {
        self.seen == other.seen && self.route == other.route && self.name == other.name && self.scope == other.scope
    }

    fn slow_down(&mut self, rule: SlowDown, now: u64) {
        if let Some(limit) = self.limit {
            let delay = rule.delay(limit, self.remaining, self.until.saturating_sub(now));
            self.not_before = now.saturating_add(delay);
        }
    }
}

/// Whether a limit counts more than the route of its response.
fn is_for_all(limit: &ObservedLimit) -> bool {
    match (limit.seen(), limit.scope()) {
        (Seen::Discord, scope) => scope == Some("global"),
        (_, scope) => scope.is_some_and(|scope| !scope.eq_ignore_ascii_case("endpoint")),
    }
}
