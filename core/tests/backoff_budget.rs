//! Retry budgets against the numbers that their sources publish, and under four threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quickcheck::quickcheck;
use tidegate::backoff::{BackoffError, Failure, RetryBudget, RetryPermit, RetryRule, RetryRuleError};

const SECOND: u64 = 1_000_000_000;

fn try_retries(budget: &RetryBudget, now: u64, count: u32) -> u32 {
    (0..count).filter(|_| budget.try_retry_at(now, Failure::Transient).is_some()).count() as u32
}

// --- AWS: the numbers of the reference guide and of the SDKs' own tests of the quota.

#[test]
fn aws_2_1_costs_and_returns() {
    for (failure, cost, left) in
        [(Failure::Transient, 14, 486), (Failure::Timeout, 14, 486), (Failure::Throttled, 5, 495)]
    {
        let budget = RetryBudget::new(RetryRule::AWS_2_1);
        let permit = budget.try_retry_at(0, failure).expect("500 tokens");
        assert_eq!((permit.cost(), budget.tokens_at(0)), (cost, left), "{failure:?}");
        budget.success_at(0, Some(permit));
        assert_eq!(budget.tokens_at(0), 500, "{failure:?}");
    }
}

#[test]
fn aws_2_1_drains_by_14_and_gains_1() {
    let budget = RetryBudget::new(RetryRule::AWS_2_1);
    for left in [486, 472, 458] {
        assert!(budget.try_retry_at(0, Failure::Transient).is_some());
        assert_eq!(budget.tokens_at(0), left);
    }
    budget.give_up_at(0);
    assert_eq!(budget.tokens_at(0), 458);
    budget.success_at(0, None);
    assert_eq!(budget.tokens_at(0), 459);
}

#[test]
fn aws_2_0_costs_and_returns() {
    let budget = RetryBudget::new(RetryRule::AWS_2_0);
    let first = budget.try_retry_at(0, Failure::Transient);
    assert_eq!(budget.tokens_at(0), 495);
    let second = budget.try_retry_at(0, Failure::Timeout);
    assert_eq!(budget.tokens_at(0), 485);
    assert_eq!((first.map(|p| p.cost()), second.map(|p| p.cost())), (Some(5), Some(10)));
    // The call succeeds at its second retry: the last cost comes back, the first does not.
    budget.success_at(0, second);
    assert_eq!(budget.tokens_at(0), 495);
    for _ in 0..9 {
        budget.success_at(0, None);
    }
    assert_eq!(budget.tokens_at(0), 500);
}

#[test]
fn aws_refuses_when_the_tokens_do_not_cover_the_cost() {
    let budget = RetryBudget::new(RetryRule::tokens(14, 14, 14, 5, 1).unwrap());
    assert!(budget.try_retry_at(0, Failure::Transient).is_some());
    assert_eq!(budget.try_retry_at(0, Failure::Transient), None);
    assert_eq!(budget.tokens_at(0), 0);
    let budget = RetryBudget::new(RetryRule::AWS_2_1);
    assert_eq!(try_retries(&budget, 0, 1000), 500 / 14);
    // 10 tokens are left: too few for a transient failure, enough for two throttled ones.
    assert_eq!(budget.tokens_at(0), 10);
    assert!(budget.try_retry_at(0, Failure::Throttled).is_some());
    assert!(budget.try_retry_at(0, Failure::Throttled).is_some());
    assert_eq!(budget.try_retry_at(0, Failure::Throttled), None);
}

/// Calls of at most three attempts, each failing independently with `per_mille`; how many retries the budget refused.
fn refused(failure: Failure, per_mille: u64, calls: u32) -> u32 {
    let budget = RetryBudget::new(RetryRule::AWS_2_1);
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    // xorshift64: any generator that is not the one under test.
    let mut fails = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) % 1000 < per_mille
    };
    let mut refused = 0;
    for _ in 0..calls {
        let mut last = None;
        for attempts_left in (0..3).rev() {
            if !fails() {
                budget.success_at(0, last);
                break;
            }
            if attempts_left == 0 {
                budget.give_up_at(0);
                break;
            }
            last = budget.try_retry_at(0, failure);
            if last.is_none() {
                refused += 1;
                break;
            }
        }
    }
    refused
}

/// By the reference guide the quota begins to drain when more than about 22 % of the requests fail transiently, or about 32 % are
/// throttled, with three attempts. A full bucket rides out what noise there is below.
#[test]
fn aws_2_1_drains_where_the_guide_says() {
    assert_eq!(refused(Failure::Transient, 190, 100_000), 0);
    assert!(refused(Failure::Transient, 250, 100_000) > 1_000);
    assert_eq!(refused(Failure::Throttled, 290, 100_000), 0);
    assert!(refused(Failure::Throttled, 360, 100_000) > 1_000);
}

// --- gRPC: the sequence of the test of its C++ core (4 tokens, 1.6 for a success), and the text of gRFC A6.

#[test]
fn grpc_four_tokens_and_1_6_a_success() {
    let budget = RetryBudget::new(RetryRule::throttle(4, 1600).unwrap());
    let failure = |allowed: bool, left: u64| {
        assert_eq!(budget.try_retry_at(0, Failure::Transient).is_some(), allowed, "at {left}");
        assert_eq!(budget.tokens_at(0), left);
    };
    let success = |left: u64| {
        budget.success_at(0, None);
        assert_eq!(budget.tokens_at(0), left);
    };
    failure(true, 3000);
    success(4000);
    failure(true, 3000);
    failure(false, 2000);
    failure(false, 1000);
    failure(false, 0);
    failure(false, 0);
    success(1600);
    success(3200);
    failure(true, 2200);
    failure(false, 1200);
    success(2800);
    failure(false, 1800);
    success(3400);
    failure(true, 2400);
}

#[test]
fn grpc_counts_failures_that_are_not_retried() {
    let budget = RetryBudget::new(RetryRule::GRPC);
    for _ in 0..4 {
        budget.give_up_at(0);
    }
    assert_eq!(budget.tokens_at(0), 6_000);
    // 5 of 10 is not more than half.
    assert_eq!(budget.try_retry_at(0, Failure::Transient), None);
    for _ in 0..11 {
        budget.success_at(0, None);
    }
    assert_eq!(budget.tokens_at(0), 6_100);
    // 5.1 is.
    assert!(budget.try_retry_at(0, Failure::Transient).is_some());
    assert_eq!(budget.try_retry_at(0, Failure::Transient), None);
    for _ in 0..1000 {
        budget.success_at(0, None);
    }
    assert_eq!(budget.tokens_at(0), 10_000);
    budget.give_up_at(0);
    budget.reset();
    assert_eq!(budget.tokens_at(0), 10_000);
}

#[test]
fn grpc_ranges_are_those_of_the_proposal() {
    for (most, gain) in [(0, 1), (1001, 1), (10, 0), (10, 1_000_001), (u32::MAX, u32::MAX)] {
        assert_eq!(RetryRule::throttle(most, gain), Err(RetryRuleError::Throttle));
    }
    for (most, gain) in [(1, 1), (1000, 1), (1, 1_000_000), (1000, 1_000_000)] {
        assert!(RetryRule::throttle(most, gain).is_ok());
    }
}

// --- Finagle: what its tests of RetryBudget and of the bucket under it state.

/// 10,000 requests at one instant, each followed by an attempted retry: the share of them, and the reserve besides.
#[test]
fn finagle_share_and_reserve() {
    let shares = [
        (60, 0, 10, 100),
        (60, 0, 50, 100),
        (60, 0, 25, 100),
        (60, 0, 75, 100),
        (60, 0, 99, 100),
        (60, 0, 999, 1000),
        (60, 0, 9_999, 10_000),
        (60, 0, 1, 100),
        (60, 0, 1, 1_000),
        (60, 0, 1, 10_000),
        (1, 10, 0, 1),
        (2, 5, 0, 1),
        (1, 10, 10, 100),
        (2, 5, 50, 100),
        (10, 10, 20, 100),
    ];
    for (ttl, min, numerator, denominator) in shares {
        let rule = RetryRule::share(Duration::from_secs(ttl), min, numerator, denominator).unwrap();
        let budget = RetryBudget::new(rule);
        let reserve = min * ttl as u32;
        assert_eq!(budget.tokens_at(0), u64::from(reserve));
        if reserve == 0 {
            assert_eq!(budget.try_retry_at(0, Failure::Transient), None);
        }
        let mut retried = 0;
        for _ in 0..10_000 {
            budget.request_at(0);
            match budget.try_retry_at(0, Failure::Transient) {
                Some(_) => retried += 1,
                None => assert_eq!(budget.tokens_at(0), 0),
            }
        }
        // Finagle allows itself an error of one; here it is exact.
        assert_eq!(retried, 10_000 * numerator / denominator + reserve, "{numerator}/{denominator}");
    }
}

#[test]
fn finagle_two_retries_a_request() {
    let budget = RetryBudget::new(RetryRule::share(Duration::from_secs(60), 0, 2, 1).unwrap());
    assert_eq!(budget.try_retry_at(0, Failure::Transient), None);
    (0..10_000).for_each(|_| budget.request_at(0));
    assert_eq!(budget.tokens_at(0), 20_000);
}

/// "A leaky bucket is leaky": what was deposited is gone after the ttl.
#[test]
fn finagle_deposits_expire() {
    let budget = RetryBudget::new(RetryRule::share(Duration::from_secs(3), 0, 1, 1).unwrap());
    (0..100).for_each(|_| budget.request_at(0));
    assert!(budget.try_retry_at(0, Failure::Transient).is_some());
    assert_eq!(budget.tokens_at(SECOND), 99);
    assert_eq!(budget.tokens_at(3 * SECOND), 0);
    assert_eq!(budget.try_retry_at(3 * SECOND, Failure::Transient), None);
}

/// "Provisions reserves": a reserve that was eaten at once is back when its withdrawals are forgotten, not earlier.
#[test]
fn finagle_reserve_comes_back_after_the_ttl() {
    let rule = RetryRule::share(Duration::from_secs(4), 25, 1, 1).unwrap();
    let budget = RetryBudget::new(rule);
    assert_eq!(try_retries(&budget, 0, 1000), 100);
    budget.request_at(0);
    assert_eq!(try_retries(&budget, 0, 2), 1);
    assert_eq!(try_retries(&budget, SECOND, 1), 0);
    assert_eq!(try_retries(&budget, 3 * SECOND, 1), 0);
    assert_eq!(try_retries(&budget, 4 * SECOND, 50), 50);
    assert_eq!(try_retries(&budget, 8 * SECOND, 1000), 100);
}

#[test]
fn finagle_ranges() {
    let ttl = Duration::from_secs;
    assert_eq!(RetryRule::share(Duration::ZERO, 5, 1, 10), Err(RetryRuleError::TimeToLive));
    assert_eq!(RetryRule::share(ttl(61), 5, 1, 10), Err(RetryRuleError::TimeToLive));
    assert_eq!(RetryRule::share(Duration::MAX, 5, 1, 10), Err(RetryRuleError::TimeToLive));
    assert_eq!(RetryRule::share(ttl(10), 5, 1, 0), Err(RetryRuleError::Ratio));
    assert_eq!(RetryRule::share(ttl(10), 5, 1001, 1), Err(RetryRuleError::Ratio));
    assert_eq!(RetryRule::share(ttl(10), 0, 0, 1), Err(RetryRuleError::Empty));
    assert_eq!(RetryRule::share(ttl(10), u32::MAX, 1, u32::MAX), Err(RetryRuleError::TooLarge));
    assert_eq!(RetryRule::share(ttl(10), 0, 1, 1 << 19), Err(RetryRuleError::TooLarge));
    assert!(RetryRule::share(ttl(10), 0, 1, (1 << 19) - 1).is_ok());
    // The ends of each range, and what lies just beyond.
    let nanosecond = Duration::from_nanos(1);
    assert_eq!(RetryRule::share(ttl(1) - nanosecond, 5, 1, 10), Err(RetryRuleError::TimeToLive));
    assert_eq!(RetryRule::share(ttl(60) + nanosecond, 5, 1, 10), Err(RetryRuleError::TimeToLive));
    assert!(RetryRule::share(ttl(1), 5, 1, 10).is_ok() && RetryRule::share(ttl(60), 5, 1, 10).is_ok());
    assert!(RetryRule::share(ttl(10), 5, 1000, 1).is_ok());
    assert!(RetryRule::share(ttl(10), 1, 0, 1).is_ok() && RetryRule::share(ttl(10), 0, 1, 1).is_ok());
    // Each of the three that must fit 19 bits, with the other two far below: the reserve, and the terms of the ratio.
    assert!(RetryRule::share(ttl(1), (1 << 19) - 1, 1, 1).is_ok());
    assert_eq!(RetryRule::share(ttl(1), 1 << 19, 1, 1), Err(RetryRuleError::TooLarge));
    assert!(RetryRule::share(ttl(1), 1, (1 << 19) - 1, 999).is_ok());
    assert_eq!(RetryRule::share(ttl(1), 1, 1 << 19, 999), Err(RetryRuleError::TooLarge));
}

/// Every reason has words of its own, and a budget shows its rule.
#[test]
fn what_is_printed() {
    use RetryRuleError::{Empty, Ratio, Throttle, TimeToLive, TooLarge};
    for (error, says) in
        [(Empty, "never"), (TimeToLive, "60 seconds"), (Ratio, "1000"), (TooLarge, "524287"), (Throttle, "1 to 1000")]
    {
        assert!(error.to_string().contains(says), "{error:?}: {error}");
    }
    for (error, says) in [
        (BackoffError::FactorTooSmall, "1.001"),
        (BackoffError::FactorUnsupported, "exponential"),
        (BackoffError::FactorText, "decimal"),
    ] {
        assert!(error.to_string().contains(says), "{error:?}: {error}");
    }
    let printed = format!("{:?}", RetryBudget::new(RetryRule::GRPC));
    assert!(printed.starts_with("RetryBudget { rule: ") && printed.contains(&format!("{:?}", RetryRule::GRPC)));
}

/// A clock that starts anywhere, and one that steps back: no retry is minted.
#[test]
fn finagle_clock_starts_huge_and_runs_backwards() {
    for start in [0, 1 << 62, u64::MAX - 20 * SECOND] {
        let budget = RetryBudget::new(RetryRule::FINAGLE);
        assert_eq!(try_retries(&budget, start + 10 * SECOND, 1000), 100);
        assert_eq!(try_retries(&budget, start, 1000), 0);
        assert_eq!(try_retries(&budget, start + 10 * SECOND, 1000), 0);
        assert_eq!(try_retries(&budget, start + 20 * SECOND, 1000), 100);
    }
}

/// Asked every nanosecond-ish or once: nothing is lost to rounding. Over a long run exactly the minimum rate gets through.
#[test]
fn finagle_polling_changes_nothing() {
    for step in [SECOND / 1000, SECOND / 7, SECOND, 3 * SECOND] {
        let budget = RetryBudget::new(RetryRule::FINAGLE);
        let (mut retried, mut now) = (0, 0);
        while now < 1000 * SECOND {
            while budget.try_retry_at(now, Failure::Transient).is_some() {
                retried += 1;
            }
            now += step;
        }
        assert_eq!(retried, 100 * 100, "step {step}");
    }
}

quickcheck! {
    /// Over any history the withdrawals stay within the share of all requests plus the minimum rate, rounded up to whole ttls.
    fn finagle_never_allows_more(gaps: Vec<(u16, u8, u8)>) -> bool {
        let budget = RetryBudget::new(RetryRule::FINAGLE);
        let (mut now, mut requests, mut retried) = (0u64, 0u64, 0u64);
        for (gap, arrivals, attempts) in gaps {
            now += u64::from(gap) * SECOND / 2000;
            (0..arrivals).for_each(|_| budget.request_at(now));
            requests += u64::from(arrivals);
            retried += u64::from(try_retries(&budget, now, u32::from(attempts)));
        }
        retried <= requests / 5 + 100 * (now / (10 * SECOND) + 2)
    }

    /// Whatever happens, a token budget holds between nothing and what it began with.
    fn token_budgets_stay_in_range(events: Vec<(u8, u32)>) -> bool {
        let budget = RetryBudget::new(RetryRule::AWS_2_1);
        let throttle = RetryBudget::new(RetryRule::GRPC);
        events.into_iter().all(|(event, cost)| {
            for budget in [&budget, &throttle] {
                match event % 5 {
                    0 => drop(budget.try_retry_at(0, Failure::Transient)),
                    1 => drop(budget.try_retry_at(0, Failure::Throttled)),
                    2 => budget.success_at(0, None),
                    3 => budget.success_at(0, Some(RetryPermit::with_cost(cost))),
                    _ => budget.give_up_at(0),
                }
            }
            budget.tokens_at(0) <= 500 && throttle.tokens_at(0) <= 10_000
        })
    }
}

/// Four threads spend and return; what is missing afterwards is what they kept, to the token.
#[test]
fn four_threads_lose_no_token() {
    static BUDGET: RetryBudget = RetryBudget::new(RetryRule::AWS_2_1);
    let kept = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let kept = &kept;
            scope.spawn(move || {
                for i in 0..50_000u32 {
                    let failure = if (i ^ thread) % 3 == 0 { Failure::Throttled } else { Failure::Transient };
                    if let Some(permit) = BUDGET.try_retry_at(0, failure) {
                        if i % 5_000 == 0 {
                            kept.fetch_add(u64::from(permit.cost()), Ordering::Relaxed);
                        } else {
                            BUDGET.success_at(0, Some(permit));
                        }
                    }
                }
            });
        }
    });
    let kept = kept.into_inner();
    assert!(kept > 0);
    assert_eq!(BUDGET.tokens_at(0), 500 - kept);
}

/// Four threads withdraw from one reserve at one instant: together they get exactly what is there.
#[test]
fn four_threads_get_the_reserve_once() {
    let budget = RetryBudget::new(RetryRule::share(Duration::from_secs(60), 800, 1, 5).unwrap());
    let got: u32 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    (0..20_000).map(|_| budget.request_at(0)).count();
                    try_retries(&budget, 0, 60_000)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert_eq!(got, 60 * 800 + 4 * 20_000 / 5);
    assert_eq!(budget.tokens_at(0), 0);
}
