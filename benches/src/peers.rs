//! Other crates with one limiter, doing the same work under the same quotas.
//!
//! The interfaces of governor and ratelimit take no `now`, but both let the caller supply a clock. The cheapest possible one is used: a
//! plain cell that is set before each call, so that "now given" costs a peer no more than it must. gcra and throttlecrab take the time
//! as an argument and a `&mut`; like any such limiter they are shared behind a mutex. leaky-bucket can be told nothing, so it has no row there.

use core::cell::Cell;
use core::time::Duration;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use governor::clock::Clock as GovernorClock;
use governor::nanos::Nanos;
use governor::{DefaultDirectRateLimiter, RateLimiter};
use parking_lot::Mutex;
use ratelimit::StdClock;
use throttlecrab::PeriodicStore;

use crate::candidate::{Candidate, Group, count, count_in_time};
use crate::quotas::{ORIGIN, STEADY_STEP, in_gcra, in_governor, in_leaky_bucket, in_ratelimit, in_throttlecrab};

/// The name of governor's call.
pub const GOVERNOR: &str = "governor: check";
/// The name of ratelimit's call.
pub const RATELIMIT: &str = "ratelimit: try_wait";

/// The time that the caller has set.
pub(crate) struct Given(Cell<u64>);

impl Given {
    pub(crate) fn new(now: u64) -> Given {
        Given(Cell::new(now))
    }

    #[inline(always)]
    pub(crate) fn set(&self, now: u64) {
        self.0.set(now);
    }
}

impl GovernorClock for Given {
    type Instant = Nanos;

    #[inline]
    fn now(&self) -> Nanos {
        Nanos::new(self.0.get())
    }
}

/// ratelimit keeps its clock to itself, so this one lives for ever and is shared with it.
#[derive(Clone, Copy)]
pub(crate) struct Shared(pub(crate) &'static Cell<u64>);

impl Shared {
    pub(crate) fn new(now: u64) -> Shared {
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
    all.extend(gcras());
    all.extend(throttlecrabs());
    all.extend(leaky_buckets());
    all
}

fn governors() -> Vec<Candidate> {
    let steady = RateLimiter::direct_with_clock(in_governor::steady(), Given::new(ORIGIN));
    let drained = RateLimiter::direct_with_clock(in_governor::daily(), Given::new(ORIGIN));
    assert!(matches!(drained.check_n(in_governor::ALL), Ok(Ok(()))));
    let drained_by_clock = DefaultDirectRateLimiter::direct(in_governor::daily());
    assert!(matches!(drained_by_clock.check_n(in_governor::ALL), Ok(Ok(()))));
    let ample = DefaultDirectRateLimiter::direct(in_governor::ample());
    let (mut a, mut b) = (ORIGIN, ORIGIN);
    vec![
        Candidate::new(Group::GivenGrant, GOVERNOR, move |calls| {
            count_in_time(&steady, calls, &mut a, STEADY_STEP, |limiter, now| {
                limiter.clock().set(now);
                limiter.check().is_ok()
            })
        }),
        Candidate::new(Group::GivenDenial, GOVERNOR, move |calls| {
            count_in_time(&drained, calls, &mut b, 1, |limiter, now| {
                limiter.clock().set(now);
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

/// The name of gcra's call.
pub const GCRA: &str = "gcra: check_and_modify, behind a mutex";
/// The name of throttlecrab's call.
pub const THROTTLECRAB: &str = "throttlecrab: rate_limit, one key, behind a mutex";
/// The name of leaky-bucket's call.
pub const LEAKY_BUCKET: &str = "leaky-bucket: try_acquire";

type GcraState = Mutex<gcra::GcraState>;

fn gcras() -> Vec<Candidate> {
    let state = || (GcraState::default(), in_gcra::steady());
    let drained = |now: Instant| {
        let (state, quota) = (GcraState::default(), in_gcra::daily());
        assert!(state.lock().check_and_modify_at(&quota, now, in_gcra::ALL).is_ok());
        (state, quota)
    };
    let origin = Instant::now();
    let at = move |now: u64| origin + Duration::from_nanos(now);
    let (given, given_drained) = (state(), drained(origin));
    let (ample, by_clock_drained) = ((GcraState::default(), in_gcra::ample()), drained(Instant::now()));
    let (mut a, mut b) = (0, 0);
    vec![
        Candidate::new(Group::GivenGrant, GCRA, move |calls| {
            count_in_time(&given, calls, &mut a, STEADY_STEP, |(state, quota), now| {
                state.lock().check_and_modify_at(quota, at(now), 1).is_ok()
            })
        }),
        Candidate::new(Group::GivenDenial, GCRA, move |calls| {
            count_in_time(&given_drained, calls, &mut b, 1, |(state, quota), now| {
                state.lock().check_and_modify_at(quota, at(now), 1).is_ok()
            })
        }),
        Candidate::new(Group::ClockGrant, GCRA, move |calls| {
            count(&ample, calls, |(state, quota)| state.lock().check_and_modify(quota, 1).is_ok())
        }),
        Candidate::new(Group::ClockDenial, GCRA, move |calls| {
            count(&by_clock_drained, calls, |(state, quota)| state.lock().check_and_modify(quota, 1).is_ok())
        }),
    ]
}

type Throttlecrab = Mutex<throttlecrab::RateLimiter<PeriodicStore>>;

fn throttlecrabs() -> Vec<Candidate> {
    let new = || Throttlecrab::new(throttlecrab::RateLimiter::new(PeriodicStore::new()));
    let ask = |limiter: &Throttlecrab, (burst, count, seconds): in_throttlecrab::Quota, cost: i64, now: SystemTime| {
        matches!(limiter.lock().rate_limit("key", burst, count, seconds, cost, now), Ok((true, _)))
    };
    let at = |now: u64| UNIX_EPOCH + Duration::from_nanos(now);
    // It keeps a permit of the burst until an emission interval after the first call: a day here.
    let drained = |now: SystemTime| {
        let limiter = new();
        while ask(&limiter, in_throttlecrab::DAILY, 1, now) {}
        limiter
    };
    let (steady, ample) = (new(), new());
    let (given_drained, by_clock_drained) = (drained(at(ORIGIN)), drained(SystemTime::now()));
    let (mut a, mut b) = (ORIGIN, ORIGIN);
    vec![
        Candidate::new(Group::GivenGrant, THROTTLECRAB, move |calls| {
            count_in_time(&steady, calls, &mut a, STEADY_STEP, |limiter, now| {
                ask(limiter, in_throttlecrab::STEADY, 1, at(now))
            })
        }),
        Candidate::new(Group::GivenDenial, THROTTLECRAB, move |calls| {
            count_in_time(&given_drained, calls, &mut b, 1, |limiter, now| {
                ask(limiter, in_throttlecrab::DAILY, 1, at(now))
            })
        }),
        Candidate::new(Group::ClockGrant, THROTTLECRAB, move |calls| {
            count(&ample, calls, |limiter| ask(limiter, in_throttlecrab::AMPLE, 1, SystemTime::now()))
        }),
        Candidate::new(Group::ClockDenial, THROTTLECRAB, move |calls| {
            count(&by_clock_drained, calls, |limiter| ask(limiter, in_throttlecrab::DAILY, 1, SystemTime::now()))
        }),
    ]
}

/// Fair, as by default: each call takes a lock and looks at the clock.
fn leaky_buckets() -> Vec<Candidate> {
    let (ample, drained) = (in_leaky_bucket::ample(), in_leaky_bucket::daily());
    vec![
        Candidate::new(Group::ClockGrant, LEAKY_BUCKET, move |calls| {
            count(&ample, calls, |limiter| limiter.try_acquire(1))
        }),
        Candidate::new(Group::ClockDenial, LEAKY_BUCKET, move |calls| {
            count(&drained, calls, |limiter| limiter.try_acquire(1))
        }),
    ]
}
