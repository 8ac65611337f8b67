//! Each defect of another limiter that concerns a single limiter, as a test that the other would fail.
//!
//! The sentence above a test says whose defect it is and what it does there. Where every algorithm could have the defect, every
//! algorithm is asked. What other crates get wrong about backoff stands in `backoff_peers.rs`.

mod every;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use every::EVERY;
use tidegate::{Algorithm, Anchor, Clock, Decision, Limiter, MonotonicClock, Quota, QuotaErrorKind, Refill};

const MICRO: u64 = 1_000;
const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;

fn quota(limit: u64, period: u64) -> Quota {
    Quota::from_nanos(limit, period).expect("a legal quota")
}

fn limiter(algorithm: Algorithm, quota: Quota) -> Limiter {
    Limiter::builder(algorithm, quota).build_at(0).expect("a quota that it can hold")
}

/// Every rule with a capacity of `limit`.
fn every_rule(limit: u64, period: u64) -> impl Iterator<Item = (&'static str, Limiter)> {
    EVERY.into_iter().map(move |rule| (rule.name, rule.make(limit, period)))
}

/// Takes all that is there; how much that was.
fn drain(limiter: &Limiter, now: u64) -> u64 {
    let all = limiter.peek_at(now, 1).remaining();
    assert!(limiter.try_acquire_at(now, all) && !limiter.try_acquire_at(now, 1));
    all
}

/// governor multiplies before it tests: a burst of 10, one permit every 2^33 ns, admits a cost of 2^31 + 1.
#[test]
fn governor_a_cost_whose_product_overflows_is_denied() {
    let one_cell = quota(1, 1 << 33).burst(10).expect("a burst of 10");
    for algorithm in [Algorithm::Gcra, Algorithm::TokenBucket] {
        let limiter = limiter(algorithm, one_cell);
        let before = limiter.snapshot();
        for cost in [(1 << 31) + 1, (1 << 31) + 9, 1 << 31, 11, u64::MAX, u64::MAX / (1 << 33) + 2] {
            let decision = limiter.take_at(5, cost);
            assert!(!decision.is_allowed() && decision.is_never(), "{algorithm} admits {cost}: {decision:?}");
        }
        assert_eq!(limiter.snapshot(), before);
        assert!(limiter.try_acquire_at(5, 10));
    }
    // The same for every product that the other rules form.
    for (name, limiter) in every_rule(10, 1 << 33) {
        for bits in 4..64 {
            for cost in [(1 << bits) + 1, 1 << bits, (1u64 << bits).wrapping_mul(2).wrapping_sub(1)] {
                assert!(limiter.take_at(5, cost).is_never(), "{name} admits {cost}");
            }
        }
        assert_eq!(limiter.peek_at(5, 1).remaining(), 10, "{name}");
    }
}

/// governor silently shrinks a burst of 1,000,000 at one permit a day to 145,984.
#[test]
fn governor_a_burst_that_cannot_be_counted_is_refused_and_never_shrunk() {
    let quota = Quota::per_day(1).and_then(|quota| quota.burst(1_000_000)).expect("numbers alone");
    for algorithm in [Algorithm::Gcra, Algorithm::TokenBucket] {
        let refused = Limiter::new(algorithm, quota).expect_err("2,740 years do not fit the word");
        assert_eq!(refused.kind(), QuotaErrorKind::BurstTooLong);
        assert!(refused.to_string().contains("2^61"), "the error names its bound: {refused}");
    }
    // Where it can be counted, all of it is there; at the edge of what can, too.
    let bucket = Limiter::builder(Algorithm::TokenBucket, quota).refill(Refill::Interval).build_at(0).expect("fits");
    assert_eq!(drain(&bucket, 0), 1_000_000);
    let mut burst = 1_000_000;
    while Limiter::new(Algorithm::Gcra, quota.burst(burst).expect("above 0")).is_err() {
        burst /= 2;
    }
    let gcra = limiter(Algorithm::Gcra, quota.burst(burst).expect("above 0"));
    assert_eq!(gcra.peek_at(0, burst).limit(), burst);
    assert_eq!(drain(&gcra, 0), burst);
    assert_eq!(gcra.peek_at(DAY - 1, 1).remaining(), 0);
    assert_eq!(gcra.peek_at(DAY, 1).remaining(), 1);
}

/// governor runs 300 M/s at 333 M/s and 600 M/s at 1 G/s, because it rounds the emission interval to whole nanoseconds.
#[test]
fn governor_hundreds_of_millions_a_second_run_at_their_rate() {
    for rate in [300_000_000, 600_000_000, 333_333_333, 999_999_999, 1_000_000_000] {
        for algorithm in [Algorithm::Gcra, Algorithm::TokenBucket] {
            // What was spent at 0 is back after a second, not a nanosecond earlier.
            let whole = limiter(algorithm, quota(rate, SECOND));
            assert_eq!(drain(&whole, 0), rate);
            let almost = (u128::from(rate) * u128::from(SECOND - 1) / u128::from(SECOND)) as u64;
            assert_eq!(whole.peek_at(SECOND - 1, 1).remaining(), almost, "{algorithm} at {rate}/s");
            assert_eq!(whole.peek_at(SECOND, 1).remaining(), rate, "{algorithm} at {rate}/s");

            // Polled at every nanosecond. A burst of 2, because one cell alone would lose the fraction of its nanosecond.
            let polled = limiter(algorithm, quota(rate, SECOND).burst(2).expect("2"));
            let span = 30_000;
            let granted: u64 = (0..=span).map(|now| u64::from(polled.try_acquire_at(now, 1))).sum();
            let ideal = 2 + rate * span / SECOND;
            assert!(granted <= ideal && granted + 2 >= ideal, "{algorithm} at {rate}/s: {granted} of {ideal}");
        }
    }
}

/// governor's default clock is not monotonic across cores: a core that lags is denied at random.
#[test]
fn governor_a_core_that_lags_is_not_denied_what_is_there() {
    const LAG: u64 = 50;
    for (name, limiter) in every_rule(4, 4 * MILLI) {
        // Two cores take turns below the rate, one of them a little behind.
        for turn in 1..2_000 {
            let now = turn * 2 * MILLI - LAG * (turn % 2);
            let decision = limiter.take_at(now, 1);
            assert!(decision.is_allowed(), "{name}, turn {turn}: {decision:?}");
        }
    }
    // And the default clock itself: all calls fit within the capacity with a permit (a millisecond) to spare, so none is denied.
    let calls = 20_000;
    let gate = limiter(Algorithm::Gcra, quota(1_000, SECOND).burst(4 * calls + 1).expect("a burst"));
    MonotonicClock.now();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..calls).for_each(|call| assert!(gate.try_acquire(1), "call {call} denied")));
        }
    });
}

/// ratelimit drops the fraction of a token at each refill: polled every 1.9 intervals it grants 52.6 % of its rate. leaky-bucket
/// does the same with the fraction of a millisecond: 47 % are lost at an interval of 1 ms.
#[test]
fn ratelimit_and_leaky_bucket_no_fraction_is_dropped_at_a_refill() {
    for unit in [MICRO, MILLI, SECOND] {
        for algorithm in [Algorithm::Gcra, Algorithm::TokenBucket] {
            let bucket = limiter(algorithm, quota(1, unit).burst(10).expect("10"));
            let mut granted = 0;
            for poll in 0..=10_000 {
                let now = poll * unit / 10 * 19;
                granted += drain(&bucket, now);
                assert_eq!(granted, 10 + now / unit, "{algorithm}, one in {unit} ns, at {now}");
            }
        }
        for anchor in [Anchor::Clock, Anchor::FirstUse] {
            let quota = quota(1, unit).burst(10).expect("10").anchor(anchor);
            let Ok(bucket) = Limiter::builder(Algorithm::TokenBucket, quota).refill(Refill::Interval).build_at(0)
            else {
                // 1 us is too short for 10 bits of interval.
                assert_eq!((anchor, unit), (Anchor::FirstUse, MICRO));
                continue;
            };
            let mut granted = 0;
            for poll in 0..=10_000 {
                let now = poll * unit / 10 * 19;
                granted += drain(&bucket, now);
                // A tick of `from first use` is a few nanoseconds.
                let ideal = [10 + now.saturating_sub(8) / unit, 10 + now / unit];
                assert!(ideal.contains(&granted), "interval refill {anchor:?}, one in {unit} ns, at {now}: {granted}");
            }
        }
    }
}

/// ratelimit, at one permit a second polled every 1.9 us: half of them never come.
#[test]
fn ratelimit_one_a_second_polled_every_microsecond_comes_every_second() {
    const SECONDS: u64 = 1;
    for (name, limiter) in every_rule(1, SECOND) {
        let (mut grants, mut now) = (Vec::new(), 0);
        while now <= SECONDS * SECOND + 2 * MICRO {
            if limiter.try_acquire_at(now, 1) {
                grants.push(now);
            }
            now += 1_900;
        }
        // Two counters wait for the first permit to have left the second window as well.
        let due = if name == "sliding window" { 1 } else { SECONDS + 1 };
        assert_eq!(grants.len() as u64, due, "{name}: {grants:?}");
        for (nth, at) in grants.iter().enumerate() {
            assert!((nth as u64 * SECOND..nth as u64 * SECOND + 2 * MICRO).contains(at), "{name}: {grants:?}");
        }
    }
}

/// ratelimit begins full, although it was made empty, where the clock counts from the boot of the machine.
#[test]
fn ratelimit_what_begins_empty_is_empty_on_every_clock() {
    for origin in [0, 1, 5 * SECOND, 90 * DAY, 1_700_000_000 * SECOND, 1 << 62] {
        for refill in [Refill::Continuous, Refill::Interval] {
            let quota = quota(10, SECOND);
            let empty = Limiter::builder(Algorithm::TokenBucket, quota).refill(refill).initial(0);
            let empty = empty.build_at(origin).expect("legal");
            let first = empty.peek_at(origin, 1);
            assert_eq!((first.is_allowed(), first.remaining()), (false, 0), "{refill:?} from {origin}");
            let wait = first.retry_after_nanos().expect("not never");
            let due = if refill == Refill::Interval { SECOND - origin % SECOND } else { SECOND / 10 };
            // Continuous: the origin may lie within a tick, which lasts up to 2 ns.
            assert!(wait <= due && wait + 2 > due, "{refill:?} from {origin}: {wait} of {due}");
            assert!(!empty.try_acquire_at(origin + wait - 1, 1) && empty.try_acquire_at(origin + wait, 1));

            // And what begins full is full, no more.
            let full = Limiter::builder(Algorithm::TokenBucket, quota).refill(refill).build_at(origin).expect("legal");
            assert_eq!(drain(&full, origin), 10);
        }
    }
}

/// throttlecrab, after idling, admits 197 with a burst of 100 and says that 196 remain.
#[test]
fn throttlecrab_idling_saves_up_no_second_burst() {
    for idle in [1, SECOND, 100 * SECOND, DAY, 3_650 * DAY, 100_000 * DAY] {
        for (name, limiter) in every_rule(100, SECOND) {
            drain(&limiter, 7);
            let now = 2 * SECOND + idle;
            assert_eq!(limiter.peek_at(now, 1).remaining(), 100, "{name} after {idle} ns");
            for spent in 1..=100 {
                let decision = limiter.take_at(now, 1);
                assert_eq!((decision.is_allowed(), decision.remaining()), (true, 100 - spent), "{name}");
            }
            let more = limiter.take_at(now, 1);
            assert_eq!((more.is_allowed(), more.remaining()), (false, 0), "{name} after {idle} ns");
        }
    }
}

/// throttlecrab promises a time for a cost above the burst, at which it is denied again.
#[test]
fn throttlecrab_what_can_never_fit_gets_no_time() {
    for (name, limiter) in every_rule(100, SECOND) {
        for (now, spent) in [(0, 0), (5, 60), (9, 40)] {
            assert!(limiter.try_acquire_at(now, spent));
            for cost in [101, 102, 200, 1_000_000, u64::MAX] {
                for decision in [limiter.take_at(now, cost), limiter.peek_at(now, cost)] {
                    assert!(decision.is_never() && decision.retry_after().is_none(), "{name}, {cost}: {decision:?}");
                }
            }
        }
    }
}

/// golang.org/x/time/rate: calls whose `now` is out of order mint tokens, 3.7 times the rate.
#[test]
fn golang_calls_out_of_order_mint_nothing() {
    const LIMIT: u64 = 10;
    for (name, limiter) in every_rule(LIMIT, SECOND) {
        let mut granted = 0;
        let span = 20 * SECOND;
        for step in 0..20_000 {
            let now = step * MILLI;
            // A caller in time, one a little late, one a second late, one from the beginning.
            for late in [0, 3 * MILLI, SECOND, now] {
                granted += u64::from(limiter.try_acquire_at(now.saturating_sub(late), 1));
            }
        }
        // A full capacity, and L for each period: of windows, as many as are touched.
        let most = LIMIT + LIMIT * span / SECOND;
        assert!(granted <= most, "{name}: {granted} of at most {most}");
        // Two counters never let more through, but less: they weight what may have left the period already.
        let least = if name == "sliding window" { most - most / 5 } else { most - 2 * LIMIT };
        assert!(granted >= least, "{name}: only {granted} of {most}");
    }
}

/// bucket4j rounds the wait down: it waits 3 ns and gets no token.
#[test]
fn bucket4j_who_waits_as_told_gets_in_and_nobody_earlier() {
    // One permit in 10/3 ns, 1000/7 ns, and in what no unit divides.
    for (limit, period) in [(3, 10), (7, 1_000), (11, 1_000_003), (997, SECOND), (3, DAY)] {
        for algorithm in Algorithm::ALL {
            for cost in 1..=limit.min(20) {
                let make = || {
                    let limiter = limiter(algorithm, quota(limit, period));
                    drain(&limiter, 1);
                    limiter
                };
                let wait = make().take_at(1, cost).retry_after_nanos().expect("the cost fits some day");
                assert!(wait > 0);
                assert!(!make().try_acquire_at(wait, cost), "{algorithm} {limit}/{period}: {cost} at {wait}");
                assert!(make().try_acquire_at(1 + wait, cost), "{algorithm} {limit}/{period}: {cost} after {wait}");
            }
        }
    }
}

/// redis_rate admits half an emission interval early.
#[test]
fn redis_rate_nobody_gets_in_half_a_cell_early() {
    let one_a_second = quota(1, SECOND);
    for (name, limiter) in every_rule(1, SECOND) {
        assert!(limiter.try_acquire_at(0, 1), "{name}");
        for now in [1, SECOND / 2 - 1, SECOND / 2, SECOND / 2 + 1, SECOND - 2, SECOND - 1] {
            assert!(!limiter.try_acquire_at(now, 1), "{name} at {now}");
        }
        assert_eq!(limiter.try_acquire_at(SECOND, 1), name != "sliding window", "{name}");
    }
    // In the middle of a run as well.
    let gcra = limiter(Algorithm::Gcra, one_a_second.burst(5).expect("5"));
    drain(&gcra, 0);
    for second in 1..100 {
        for early in [SECOND / 2, SECOND / 2 - 1, 1] {
            assert!(!gcra.try_acquire_at(second * SECOND - early, 1));
        }
        assert!(gcra.try_acquire_at(second * SECOND, 1));
    }
}

/// limits (Python): 8 threads on one key end in a RuntimeError.
#[test]
fn limits_eight_threads_on_one_limiter_share_it_exactly() {
    for (name, limiter) in every_rule(1_000, SECOND) {
        let granted = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        granted.fetch_add(u64::from(limiter.try_acquire_at(5, 1)), Relaxed);
                    }
                });
            }
        });
        assert_eq!(granted.into_inner(), 1_000, "{name}");
        assert_eq!(limiter.peek_at(5, 1).remaining(), 0, "{name}");
    }
}

/// limits (Python): a cost of -5 gives five permits back. Here a cost has no sign; what arrives as one is never allowed.
#[test]
fn limits_a_negative_cost_refunds_nothing() {
    for (name, limiter) in every_rule(10, SECOND) {
        assert!(limiter.try_acquire_at(1, 8));
        let before = limiter.snapshot();
        for cost in [-5i64 as u64, -1i64 as u64, i64::MIN as u64] {
            assert!(limiter.take_at(2, cost).is_never(), "{name}");
            assert!(!limiter.try_acquire_at(2, cost), "{name}");
            assert!(limiter.charge_at(2, cost).is_never(), "{name}");
            assert!(limiter.reserve_at(2, cost, u64::MAX).is_err(), "{name}");
        }
        assert_eq!(limiter.snapshot(), before, "{name}");
    }
}

/// limits (Python): a hit that is rejected because its cost is too high burns the whole window.
#[test]
fn limits_a_rejected_cost_burns_nothing() {
    for (name, limiter) in every_rule(10, SECOND) {
        let new = limiter.snapshot();
        for cost in [11, 1_000] {
            assert!(!limiter.try_acquire_at(1, cost), "{name}");
        }
        assert_eq!(limiter.snapshot(), new, "{name}");
        assert!(limiter.try_acquire_at(2, 4));
        let partly = limiter.snapshot();
        for cost in [7, 10, 11] {
            assert!(!limiter.try_acquire_at(3, cost), "{name}");
            assert!(!limiter.take_at(3, cost).is_allowed(), "{name}");
        }
        assert_eq!(limiter.snapshot(), partly, "{name}");
        assert!(limiter.try_acquire_at(4, 6), "{name}");
    }
}

/// rate-limiter-flexible lets 19 pass at 10/s within 250 ms.
#[test]
fn rate_limiter_flexible_no_nineteen_at_ten_a_second_in_250_ms() {
    // Whoever begins at any phase, after one call at `first`, and tries each millisecond.
    let worst = |algorithm: Algorithm| {
        let mut worst = 0;
        for begin in (0..2_000).step_by(25) {
            let limiter = limiter(algorithm, quota(10, SECOND));
            let mut grants = vec![];
            assert!(limiter.try_acquire_at(0, 1));
            for ms in begin..begin + 1_500 {
                while limiter.try_acquire_at(ms * MILLI, 1) {
                    grants.push(ms);
                }
            }
            let within = |from: u64| grants.iter().filter(|&&at| (from..from + 250).contains(&at)).count();
            worst = worst.max(grants.iter().map(|&from| within(from)).max().unwrap_or(0));
        }
        worst
    };
    assert_eq!(worst(Algorithm::SlidingLog), 10);
    // A full burst and a quarter of a second: B + floor(L * t / W).
    assert_eq!(worst(Algorithm::Gcra), 12);
    assert_eq!(worst(Algorithm::TokenBucket), 12);
    // At most L * (1 + e/W) with e the time since the boundary.
    assert!((10..=12).contains(&worst(Algorithm::SlidingWindow)));
    // The fixed window says of itself that it lets two limits through around a boundary: which is why it is not the default.
    assert_eq!(worst(Algorithm::FixedWindow), 20);
}

/// rate-limiter-flexible forgets a window of 30 days after 20 ms: its timer overflows.
#[test]
fn rate_limiter_flexible_thirty_days_are_thirty_days() {
    const MONTH: u64 = 30 * DAY;
    for (name, limiter) in every_rule(1, MONTH) {
        assert!(limiter.try_acquire_at(0, 1), "{name}");
        // 2^31 ms are 24.8 days; what overflows it comes back after 20 ms.
        let overflows = [(1 << 31) * MILLI, (1 << 32) * MICRO, (1 << 32) * MILLI % MONTH];
        for now in [MILLI, 20 * MILLI, SECOND, DAY, 24 * DAY, 25 * DAY, MONTH - 1].into_iter().chain(overflows) {
            assert!(!limiter.try_acquire_at(now, 1), "{name} at {now}");
        }
        let due = limiter.peek_at(MONTH - 1, 1).retry_after_nanos().expect("some day") + MONTH - 1;
        assert!((MONTH..=2 * MONTH).contains(&due), "{name}: {due}");
        assert!(limiter.try_acquire_at(due, 1), "{name}");
    }
}

/// rate-limiter-flexible throws a denial. Here it is a value, and the verbs cannot fail.
#[test]
fn rate_limiter_flexible_a_denial_is_a_value() {
    let verbs: [fn(&Limiter, u64, u64) -> Decision; 3] = [Limiter::take_at, Limiter::peek_at, Limiter::charge_at];
    for (name, limiter) in every_rule(1, SECOND) {
        assert!(limiter.charge_at(0, 2).is_allowed() || limiter.charge_at(0, 1).is_allowed(), "{name}");
        let _ = limiter.charge_at(0, 1);
        for verb in verbs {
            let denied = verb(&limiter, 0, 1);
            assert!(
                !denied.is_allowed() && denied.retry_after() > Some(core::time::Duration::ZERO),
                "{name}: {denied:?}"
            );
        }
    }
}

/// ratelimit, praxis, crabka, rustcommon and leaky-bucket claim on one word and credit on another: permits are lost or doubled.
/// Here both are one step on one word. `loom.rs` shows it for every interleaving (the models `one_instant` and `sliding_log`,
/// each with the seeded bug that they catch) and `concurrency.rs` at length; this is the smallest native form.
#[test]
fn two_atomics_a_claim_and_a_credit_are_one_step() {
    const CALLS: u64 = 3_000;
    for (name, limiter) in every_rule(1_000, SECOND) {
        let (taken, returned) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for worker in 0..3 {
                let (limiter, taken, returned) = (&limiter, &taken, &returned);
                scope.spawn(move || {
                    for call in 0..CALLS {
                        let cost = 1 + (call + worker) % 7;
                        if limiter.try_acquire_at(5, cost) {
                            taken.fetch_add(cost, Relaxed);
                            if call % 3 != 0 {
                                limiter.refund_at(5, cost);
                                returned.fetch_add(cost, Relaxed);
                            }
                        }
                    }
                });
            }
        });
        let kept = taken.into_inner() - returned.into_inner();
        assert!(kept <= 1_000, "{name}: {kept}");
        assert_eq!(limiter.peek_at(5, 1).remaining(), 1_000 - kept, "{name}");
    }
}
