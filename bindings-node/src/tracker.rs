//! `Tracker`: what the responses of one server said of its limits, and when the next request may therefore go out.

use std::cell::RefCell;
use std::time::Duration;

use napi::bindgen_prelude::{BigInt, External};
use napi_derive::napi;
use tidegate::{Clock as _, MonotonicClock, SystemClock};
use tidegate_policy::client::{SlowDown, Tracker};
use tidegate_policy::headers::Observed;

use crate::number::{Nanos, Permits, Time};

/// Of one thread: nothing else is called while it is borrowed.
type Shared = External<RefCell<Tracker>>;

/// Makes a tracker.
#[napi(catch_unwind)]
pub fn create_tracker(max_limits: Option<Permits>, max_wait: Option<Nanos>, slow_down: Option<Permits>) -> Shared {
    let mut tracker = Tracker::new();
    if let Some(most) = max_limits {
        tracker = tracker.max_limits(usize::try_from(most.0).unwrap_or(usize::MAX));
    }
    if let Some(wait) = max_wait {
        tracker = tracker.max_wait(wait.0);
    }
    if let Some(percent) = slow_down {
        tracker = tracker.slow_down(SlowDown::below_percent(percent.0));
    }
    External::new(RefCell::new(tracker))
}

fn at(now: Option<Time>) -> u64 {
    now.map_or_else(|| MonotonicClock.now(), |now| now.0)
}

/// A response came; `fields` are names and values by turns, resets are read in Unix time.
#[napi(catch_unwind)]
pub fn tracker_observe(
    tracker: &Shared,
    route: String,
    status: u16,
    fields: Vec<String>,
    unix: Option<Time>,
    now: Option<Time>,
) {
    let unix = unix.map_or_else(|| SystemClock.now(), |unix| unix.0);
    let pairs = fields.chunks_exact(2).map(|pair| (&pair[0], &pair[1]));
    tracker.borrow_mut().observe(&route, status, &Observed::parse(pairs, unix), at(now));
}

/// A request goes out.
#[napi(catch_unwind)]
pub fn tracker_sent(tracker: &Shared, route: String, now: Option<Time>) {
    tracker.borrow_mut().sent(&route, at(now));
}

/// Milliseconds until the next request to a route may go out.
#[napi(catch_unwind)]
pub fn tracker_delay(tracker: &Shared, route: String, now: Option<Time>) -> f64 {
    Duration::from_nanos(tracker.borrow().next_delay(&route, at(now))).as_secs_f64() * 1e3
}

/// A limit as it is known.
#[napi(object)]
pub struct Known {
    /// None: all.
    pub route: Option<String>,
    /// The server's.
    pub name: Option<String>,
    /// The server's.
    pub scope: Option<String>,
    /// The capacity.
    pub limit: Option<BigInt>,
    /// Less what was sent since.
    pub remaining: BigInt,
    /// Nanoseconds of the clock.
    pub until: BigInt,
}

/// The limits that are known and not over.
#[napi(catch_unwind)]
pub fn tracker_limits(tracker: &Shared) -> Vec<Known> {
    let tracker = tracker.borrow();
    let known = tracker.limits().map(|limit| Known {
        route: limit.route.map(Into::into),
        name: limit.name.map(Into::into),
        scope: limit.scope.map(Into::into),
        limit: limit.limit.map(BigInt::from),
        remaining: limit.remaining.into(),
        until: limit.until.into(),
    });
    known.collect()
}
