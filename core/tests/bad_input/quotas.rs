//! Quotas that are none, or that an algorithm cannot hold: an error that names the bound.

use std::time::Duration;

use quickcheck::{QuickCheck, TestResult};
use tidegate::QuotaErrorKind as Kind;
use tidegate::{Algorithm, Anchor, Limiter, MAX_PERIOD_NANOS, Quota, QuotaError, Refill, SlidingLog};

use crate::every::{self, BUCKET, EVERY, FIXED_FIRST, GCRA, LOG, Rule, SLIDING};
use crate::{END, SECOND, Wide, quota};

/// What no quota can be.
#[test]
fn a_quota_out_of_range_is_an_error_that_names_the_range() {
    let cases: [(Result<Quota, QuotaError>, Kind, &str); 12] = [
        (Quota::from_nanos(0, SECOND), Kind::ZeroLimit, "at least 1 permit"),
        (Quota::per_second(0), Kind::ZeroLimit, "at least 1 permit"),
        (Quota::per_minute(0), Kind::ZeroLimit, "at least 1 permit"),
        (Quota::per_hour(0), Kind::ZeroLimit, "at least 1 permit"),
        (Quota::per_day(0), Kind::ZeroLimit, "at least 1 permit"),
        (Quota::from_nanos(1, 0), Kind::ZeroPeriod, "at least 1 nanosecond"),
        (Quota::new(1, Duration::ZERO), Kind::ZeroPeriod, "at least 1 nanosecond"),
        (Quota::from_nanos(1, MAX_PERIOD_NANOS + 1), Kind::PeriodTooLong, "2^62 nanoseconds"),
        (Quota::from_nanos(1, u64::MAX), Kind::PeriodTooLong, "2^62 nanoseconds"),
        // 2^64 nanoseconds and one: the low 64 bits alone would look legal.
        (Quota::new(1, Duration::from_nanos(u64::MAX) + Duration::from_nanos(2)), Kind::PeriodTooLong, "2^62"),
        (Quota::new(1, Duration::MAX), Kind::PeriodTooLong, "2^62 nanoseconds"),
        (Quota::per_second(1).and_then(|quota| quota.burst(0)), Kind::ZeroBurst, "at least 1 permit"),
    ];
    for (refused, kind, bound) in cases {
        let error = refused.expect_err("out of range");
        assert_eq!((error.kind(), error.position()), (kind, None));
        assert!(error.to_string().contains(bound), "{error}");
    }
    assert!(Quota::from_nanos(u64::MAX, MAX_PERIOD_NANOS).is_ok());
}

/// What an algorithm cannot hold, and beside it the nearest that it can.
#[test]
fn a_quota_that_an_algorithm_cannot_hold_is_an_error_that_names_the_bound() {
    const YEAR: u64 = 31_557_600 * SECOND;
    let with_burst = |limit, period, burst| quota(limit, period).burst(burst).expect("legal");
    let interval = every::INTERVAL;
    let cases: [(Rule, Quota, Quota, Kind, &str); 19] = [
        (GCRA, quota(1_001, 1_000), quota(1_000, 1_000), Kind::RateTooHigh, "one permit per nanosecond"),
        (BUCKET, quota(2, 1), quota(1, 1), Kind::RateTooHigh, "one permit per nanosecond"),
        (GCRA, quota(u64::MAX, MAX_PERIOD_NANOS), quota(1 << 61, 1 << 61), Kind::RateTooHigh, "per nanosecond"),
        (SLIDING, quota(4, 7), quota(3, 7), Kind::RateTooHigh, "sliding window: per two"),
        (GCRA, with_burst(1, 1, (1 << 61) + 1), with_burst(1, 1, 1 << 61), Kind::BurstTooLong, "2^61 ticks"),
        (BUCKET, with_burst(1, 1 << 62, 1), with_burst(1, (1 << 62) - 1, 1), Kind::BurstTooLong, "2^61 ticks"),
        (GCRA, with_burst(1, SECOND, u64::MAX), with_burst(1, SECOND, 1 << 32), Kind::BurstTooLong, "2^61 ticks"),
        (every::FIXED, with_burst(5, SECOND, 6), quota(5, SECOND), Kind::BurstUnsupported, "no burst"),
        (SLIDING, with_burst(5, SECOND, 4), quota(5, SECOND), Kind::BurstUnsupported, "no burst"),
        (LOG, with_burst(5, SECOND, 6), quota(5, SECOND), Kind::BurstUnsupported, "no burst"),
        (every::FIXED, quota(1 << 34, SECOND), quota(1 << 33, SECOND), Kind::LimitTooLarge, "ten years"),
        (every::FIXED, quota(u64::MAX, YEAR), quota(1 << 58, YEAR), Kind::LimitTooLarge, "ten years"),
        (interval, with_burst(1, SECOND, u64::MAX), with_burst(1, SECOND, 1 << 33), Kind::LimitTooLarge, "ten years"),
        (FIXED_FIRST, quota(1, 2_047), quota(1, 1 << 15), Kind::LimitTooLarge, "64 bits"),
        (FIXED_FIRST, quota(u64::MAX, YEAR), quota(1 << 30, YEAR), Kind::LimitTooLarge, "64 bits"),
        (SLIDING, quota(1 << 31, YEAR), quota((1 << 29) - 1, YEAR), Kind::LimitTooLarge, "ten years"),
        (LOG, quota(1 << 18, SECOND), quota((1 << 18) - 1, SECOND), Kind::LogTooLong, "2^18 - 1"),
        (GCRA, quota(5, SECOND).anchor(Anchor::FirstUse), quota(5, SECOND), Kind::AnchorUnsupported, "anchored"),
        (LOG, quota(5, SECOND).anchor(Anchor::Offset(1)), quota(5, SECOND), Kind::AnchorUnsupported, "anchored"),
    ];
    for (rule, bad, good, kind, bound) in cases {
        for origin in [0, SECOND, END, u64::MAX] {
            let error = rule.builder(bad).build_at(origin).expect_err("cannot be held");
            assert_eq!(error.kind(), kind, "{} {bad}", rule.name);
            assert!(error.to_string().contains(bound), "{error}");
            let held = rule.builder(good).build_at(origin);
            assert!(held.is_ok(), "{} {good}: {held:?}", rule.name);
        }
    }
}

#[test]
fn options_that_mean_nothing_are_errors() {
    let five = quota(5, SECOND);
    for rule in EVERY {
        let made = |builder: tidegate::LimiterBuilder| builder.build_at(0).map(|_| ()).map_err(|error| error.kind());
        let bucket = rule.algorithm == Algorithm::TokenBucket;
        let interval = rule.builder(five).refill(Refill::Interval);
        // (GCRA and the windows have no refill to choose.)
        assert_eq!(made(interval), if bucket { Ok(()) } else { Err(Kind::RefillUnsupported) }, "{}", rule.name);
        for fill in [0, 5] {
            let filled = made(rule.builder(five).initial(fill));
            assert_eq!(filled, if bucket { Ok(()) } else { Err(Kind::InitialUnsupported) }, "{}", rule.name);
        }
        for fill in [6, 1 << 32, u64::MAX] {
            assert_eq!(made(rule.builder(five).initial(fill)), Err(Kind::InitialUnsupported), "{}", rule.name);
        }
    }
}

#[test]
fn an_array_of_no_permits_or_too_many_is_an_error() {
    let second = Duration::from_secs(1);
    assert_eq!(SlidingLog::<0>::new(second).expect_err("0").kind(), Kind::ZeroLimit);
    assert_eq!(SlidingLog::<1>::new(Duration::ZERO).expect_err("0").kind(), Kind::ZeroPeriod);
    assert_eq!(SlidingLog::<1>::new(Duration::MAX).expect_err("long").kind(), Kind::PeriodTooLong);
    assert!(SlidingLog::<1>::new(Duration::from_nanos(MAX_PERIOD_NANOS)).is_ok());
}

/// Any numbers at all make a limiter that works, or an error.
#[test]
fn any_numbers_make_a_limiter_or_an_error() {
    fn holds(numbers: (Wide, Wide, Wide, Wide, Wide), offset: Option<Wide>, initial: Option<Wide>) -> TestResult {
        let (limit, period, burst, origin, now) = numbers;
        let Ok(quota) = Quota::from_nanos(limit.0, period.0).and_then(|quota| quota.burst(burst.0)) else {
            return TestResult::from_bool(limit.0 == 0 || period.0 == 0 || period.0 > 1 << 62 || burst.0 == 0);
        };
        for rule in EVERY {
            let quota = if rule.is_bucket() { quota } else { quota.burst(quota.limit()).expect("at least 1") };
            if rule == LOG && quota.limit() > 100_000 {
                continue;
            }
            let mut builder = rule.builder(quota);
            if let (Some(offset), false) = (offset, rule.first_use) {
                builder = builder.anchor(Anchor::Offset(offset.0));
            }
            if let Some(initial) = initial {
                builder = builder.initial(initial.0);
            }
            let limiter = match builder.build_at(origin.0) {
                Ok(limiter) => limiter,
                Err(error) if error.to_string().is_empty() => return TestResult::failed(),
                Err(_) => continue,
            };
            let all = limiter.peek_at(now.0, 1).remaining();
            let spent = limiter.try_acquire_at(now.0, all);
            if all > quota.capacity() || !spent || limiter.take_at(now.0, 1).is_allowed() {
                return TestResult::error(format!("{} {quota}: {all} at {now:?}", rule.name));
            }
        }
        TestResult::passed()
    }
    // More than elsewhere, unless the long run says how many.
    let check = QuickCheck::new();
    let mut check = if std::env::var_os("QUICKCHECK_TESTS").is_some() { check } else { check.tests(500) };
    check.quickcheck(holds as fn((Wide, Wide, Wide, Wide, Wide), Option<Wide>, Option<Wide>) -> TestResult);
}

/// A limiter made at compile time cannot say when that was. What counts time from then is refused there, and nothing else is.
#[test]
fn a_fixed_limiter_tells_every_time() {
    const HOUR: u64 = 3_600 * SECOND;
    let (mut made, mut refused) = (0, 0);
    for algorithm in Algorithm::ALL {
        for limit in [1, 1 << 18, 1 << 19, 1 << 20, 1 << 40, 1 << 41] {
            for anchor in [Anchor::Clock, Anchor::FirstUse] {
                let quota = quota(limit, HOUR).anchor(anchor);
                let built = Limiter::builder(algorithm, quota).build_at(0);
                let tells = algorithm != Algorithm::SlidingLog && built.is_ok_and(|limiter| limiter.horizon() == END);
                let fixed = std::panic::catch_unwind(|| drop(Limiter::fixed(algorithm, quota))).is_ok();
                assert_eq!(fixed, tells, "{algorithm} {quota} {anchor:?}");
                *(if fixed { &mut made } else { &mut refused }) += 1;
            }
        }
    }
    assert!(made > 10 && refused > 10, "{made} {refused}");
}
