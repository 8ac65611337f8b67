//! The quotas that are measured, in the words of each crate. All crates get the same numbers.
//!
//! * *Steady*: 1,000 a second, burst 1,000. A call a millisecond is granted for ever, and a full limiter stays full.
//! * *Ample*: 1,000 a second, burst 2^32 - 1 (the most that a peer holds). Every call is granted, however fast they come.
//! * *Drained*: one a day, burst 1,000, all of it spent before the first call. Every call is denied.

use core::num::NonZeroU32;
use core::time::Duration;

use tidegate::{Algorithm, Limiter, Quota};

/// Virtual time begins here: in the year 2027, at midnight.
pub const ORIGIN: u64 = 20_819 * DAY;
/// Nanoseconds.
pub const DAY: u64 = 86_400_000_000_000;
/// The emission interval of the steady quota.
pub const STEADY_STEP: u64 = 1_000_000;

const BURST: u64 = 1_000;

/// 1,000 a second.
pub fn steady() -> Quota {
    Quota::per_second(BURST).expect("within every bound")
}

/// 1,000 a second, and four thousand million at once.
pub fn ample() -> Quota {
    steady().burst(u64::from(u32::MAX)).expect("within every bound")
}

/// As many at once, for windows, which have no burst apart from their limit.
pub fn ample_window() -> Quota {
    Quota::per_day(u64::from(u32::MAX)).expect("within every bound")
}

/// A limiter of 1,000 in 1,000 days with nothing left at `now`.
pub fn drained(algorithm: Algorithm, now: u64) -> Limiter {
    let quota = Quota::from_nanos(BURST, BURST * DAY).expect("within every bound");
    let limiter = Limiter::builder(algorithm, quota).build_at(now).expect("within every bound");
    assert!(limiter.try_acquire_at(now, BURST));
    limiter
}

/// The same quotas in the words of governor.
pub mod in_governor {
    use super::{BURST, DAY, Duration, NonZeroU32};
    use governor::Quota;

    const LIMIT: NonZeroU32 = NonZeroU32::new(BURST as u32).unwrap();

    /// 1,000 a second.
    pub fn steady() -> Quota {
        Quota::per_second(LIMIT)
    }

    /// 1,000 a second, and four thousand million at once.
    pub fn ample() -> Quota {
        Quota::per_second(LIMIT).allow_burst(NonZeroU32::MAX)
    }

    /// One a day, burst 1,000.
    pub fn daily() -> Quota {
        Quota::with_period(Duration::from_nanos(DAY)).expect("not zero").allow_burst(LIMIT)
    }

    /// What drains [`daily`].
    pub const ALL: NonZeroU32 = LIMIT;
}

/// The same quotas in the words of ratelimit.
pub mod in_ratelimit {
    use super::{BURST, DAY, Duration};
    use ratelimit::{Clock, Ratelimiter};

    /// 1,000 a second.
    pub fn steady<C: Clock>(clock: C) -> Ratelimiter<C> {
        ratelimit::Builder::with_clock(BURST, clock).build().expect("within every bound")
    }

    /// 1,000 a second, and four thousand million at once.
    pub fn ample<C: Clock>(clock: C) -> Ratelimiter<C> {
        let burst = u64::from(u32::MAX);
        let builder = ratelimit::Builder::with_clock(BURST, clock).max_tokens(burst).initial_available(burst);
        builder.build().expect("within every bound")
    }

    /// One a day, with nothing to begin with.
    pub fn daily<C: Clock>(clock: C) -> Ratelimiter<C> {
        let builder = ratelimit::Builder::with_clock(1, clock).period(Duration::from_nanos(DAY)).max_tokens(BURST);
        builder.build().expect("within every bound")
    }
}

/// The same quotas in the words of gcra: a burst is a whole period's permits, so the period is as long as the burst lasts.
pub mod in_gcra {
    use super::{BURST, DAY, Duration};
    use gcra::RateLimit;

    /// 1,000 a second.
    pub fn steady() -> RateLimit {
        RateLimit::new(BURST as u32, Duration::from_secs(1))
    }

    /// 1,000 a second, and four thousand million at once.
    pub fn ample() -> RateLimit {
        RateLimit::new(u32::MAX, Duration::from_millis(u64::from(u32::MAX)))
    }

    /// One a day, burst 1,000.
    pub fn daily() -> RateLimit {
        RateLimit::new(ALL, Duration::from_nanos(BURST * DAY))
    }

    /// What drains [`daily`].
    pub const ALL: u32 = BURST as u32;
}

/// The same quotas in the words of throttlecrab.
pub mod in_throttlecrab {
    use super::{BURST, DAY};

    /// Burst, count, seconds.
    pub type Quota = (i64, i64, i64);

    /// 1,000 a second.
    pub const STEADY: Quota = (BURST as i64, BURST as i64, 1);
    /// 1,000 a second, and four thousand million at once.
    pub const AMPLE: Quota = (u32::MAX as i64, BURST as i64, 1);
    /// One a day, burst 1,000.
    pub const DAILY: Quota = (BURST as i64, 1, (DAY / 1_000_000_000) as i64);
}

/// The same quotas in the words of leaky-bucket, which adds whole permits at the end of whole intervals.
pub mod in_leaky_bucket {
    use super::{BURST, DAY, Duration};
    use leaky_bucket::RateLimiter;

    /// 1,000 a second, and four thousand million at once.
    pub fn ample() -> RateLimiter {
        let all = u32::MAX as usize;
        let interval = Duration::from_millis(1);
        RateLimiter::builder().refill(1).interval(interval).max(all).initial(all).build()
    }

    /// One a day, with nothing to begin with.
    pub fn daily() -> RateLimiter {
        let interval = Duration::from_nanos(DAY);
        RateLimiter::builder().refill(1).interval(interval).max(BURST as usize).initial(0).build()
    }
}
