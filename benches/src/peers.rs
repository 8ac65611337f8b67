//! governor and ratelimit, doing the same work under the same quotas.
//!
//! Their interfaces take no `now`, but both let the caller supply a clock. The cheapest possible one is used: a plain cell that is
//! set before each call, so that "now given" costs a peer no more than it must.

use core::cell::Cell;
use core::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::nanos::Nanos;
use governor::{DefaultDirectRateLimiter, RateLimiter};
use ratelimit::StdClock;

use crate::candidate::{Candidate, Group, count, count_in_time};
use crate::quotas::{ORIGIN, STEADY_STEP, in_governor, in_ratelimit};

/// The name of governor's call.
pub const GOVERNOR: &str = "governor: check";
/// The name of ratelimit's call.
pub const RATELIMIT: &str = "ratelimit: try_wait";

/// The time that the caller has set.
struct Given(Cell<u64>);

impl GovernorClock for Given {
    type Instant = Nanos;

    #[inline]
    fn now(&self) -> Nanos {
        Nanos::new(self.0.get())
    }
}

/// ratelimit keeps its clock to itself, so this one lives for ever and is shared with it.
#[derive(Clone, Copy)]
struct Shared(&'static Cell<u64>);

impl Shared {
    fn new(now: u64) -> Shared {
        Shared(Box::leak(Box::new(Cell::new(now))))
    }
}

impl ratelimit::Clock for Shared {
    #[inline]
    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.0.get())
    }
}

/// All calls on both peers.
pub fn candidates() -> Vec<Candidate> {
    let mut all = governors();
    all.extend(ratelimits());
    all
}

fn governors() -> Vec<Candidate> {
    let steady = RateLimiter::direct_with_clock(in_governor::steady(), Given(Cell::new(ORIGIN)));
    let drained = RateLimiter::direct_with_clock(in_governor::daily(), Given(Cell::new(ORIGIN)));
    assert!(matches!(drained.check_n(in_governor::ALL), Ok(Ok(()))));
    let drained_by_clock = DefaultDirectRateLimiter::direct(in_governor::daily());
    assert!(matches!(drained_by_clock.check_n(in_governor::ALL), Ok(Ok(()))));
    let ample = DefaultDirectRateLimiter::direct(in_governor::ample());
    let (mut a, mut b) = (ORIGIN, ORIGIN);
    vec![
        Candidate::new(Group::GivenGrant, GOVERNOR, move |calls| {
            count_in_time(&steady, calls, &mut a, STEADY_STEP, |limiter, now| {
                limiter.clock().0.set(now);
                limiter.check().is_ok()
            })
        }),
        Candidate::new(Group::GivenDenial, GOVERNOR, move |calls| {
            count_in_time(&drained, calls, &mut b, 1, |limiter, now| {
                limiter.clock().0.set(now);
                limiter.check().is_ok()
            })
        }),
        Candidate::new(Group::ClockGrant, GOVERNOR, move |calls| {
            count(&ample, calls, |limiter| limiter.check().is_ok())
        }),
        Candidate::new(Group::ClockDenial, GOVERNOR, move |calls| {
            count(&drained_by_clock, calls, |limiter| limiter.check().is_ok())
        }),
    ]
}

fn ratelimits() -> Vec<Candidate> {
    let (steady_clock, daily_clock) = (Shared::new(0), Shared::new(0));
    let steady = in_ratelimit::steady(steady_clock);
    let daily = in_ratelimit::daily(daily_clock);
    let daily_by_clock = in_ratelimit::daily(StdClock::new());
    let ample = in_ratelimit::ample(StdClock::new());
    let (mut a, mut b) = (0, 0);
    vec![
        Candidate::new(Group::GivenGrant, RATELIMIT, move |calls| {
            count_in_time(&steady, calls, &mut a, STEADY_STEP, |limiter, now| {
                steady_clock.0.set(now);
                limiter.try_wait().is_ok()
            })
        }),
        Candidate::new(Group::GivenDenial, RATELIMIT, move |calls| {
            count_in_time(&daily, calls, &mut b, 1, |limiter, now| {
                daily_clock.0.set(now);
                limiter.try_wait().is_ok()
            })
        }),
        Candidate::new(Group::ClockGrant, RATELIMIT, move |calls| {
            count(&ample, calls, |limiter| limiter.try_wait().is_ok())
        }),
        Candidate::new(Group::ClockDenial, RATELIMIT, move |calls| {
            count(&daily_by_clock, calls, |limiter| limiter.try_wait().is_ok())
        }),
    ]
}
