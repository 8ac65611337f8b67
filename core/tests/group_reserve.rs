//! Reservations not before an instant, by the definitions of the algorithms alone: who runs when, and how much that is in any span.

mod common;

use common::Numbers;
use tidegate::{Algorithm, Anchor, Limiter, LimiterGroup, Quota, Refill, Slot};

fn cases() -> u64 {
    std::env::var("TIDEGATE_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

/// What ran, or will: (instant, permits).
type Runs = Vec<(u64, u64)>;

fn within(runs: &Runs, from: u64, until: u64) -> u64 {
    runs.iter().filter(|(at, _)| (from..=until).contains(at)).map(|(_, cost)| cost).sum()
}

/// The most that the definition lets through between two instants, both included.
fn most(limiter: &Limiter, refill: Refill, offset: u64, from: u64, until: u64) -> Option<u64> {
    let quota = limiter.quota();
    let (limit, period, burst) = (quota.limit(), quota.period_nanos(), quota.capacity());
    let window = |t: u64| (t + period - offset) / period;
    match limiter.algorithm() {
        Algorithm::TokenBucket if refill == Refill::Interval => Some(burst + limit * (window(until) - window(from))),
        Algorithm::Gcra | Algorithm::TokenBucket => {
            // B + L*t/W; the tick, of less than 2 ns, is seen at both ends.
            Some(burst + (limit * (until - from + 4)).div_euclid(period))
        }
        Algorithm::FixedWindow => (window(from) == window(until)).then_some(limit),
        Algorithm::SlidingWindow => (until - from < period).then_some(2 * limit - 1),
        Algorithm::SlidingLog => (until - from < period).then_some(limit),
        _ => unreachable!("an algorithm without a definition here"),
    }
}

/// Takes, reservations near and far, and cancellations before their instant, at times that go forward: no span ever has more than it may.
fn exceeds_no_limit(algorithm: Algorithm, refill: Refill) {
    let (mut later, mut cancelled) = (0, 0);
    for seed in 0..2 * cases() {
        let mut numbers = Numbers::new(seed);
        let limit = numbers.below(5) + 1;
        let period = numbers.below(40) + 2 * limit;
        let bucket = matches!(algorithm, Algorithm::Gcra | Algorithm::TokenBucket);
        let burst = if bucket { numbers.below(8) + 1 } else { limit };
        let windows =
            refill == Refill::Interval || matches!(algorithm, Algorithm::FixedWindow | Algorithm::SlidingWindow);
        let offset = if windows { numbers.below(period) } else { 0 };
        let quota = Quota::from_nanos(limit, period).unwrap().burst(burst).unwrap().anchor(Anchor::Offset(offset));
        let limiter = Limiter::builder(algorithm, quota).refill(refill).build_at(0).unwrap();
        let (mut now, mut runs, mut waiting): (u64, Runs, Vec<Slot>) = (0, Vec::new(), Vec::new());
        for _ in 0..40 {
            now += if numbers.below(3) == 0 { 0 } else { numbers.below(period) };
            let cost = numbers.below(burst) + 1;
            runs.extend(
                waiting.extract_if(.., |slot| slot.at_nanos() <= now).map(|slot| (slot.at_nanos(), slot.cost())),
            );
            match numbers.below(5) {
                0 => {
                    let from = now + numbers.below(4 * period);
                    // A word of few bits cannot count every queue.
                    let Ok(slot) = limiter.reserve_from_at(now, from, cost, u64::MAX) else { continue };
                    assert!(slot.at_nanos() >= from);
                    later += 1;
                    waiting.push(slot);
                }
                1 => waiting.extend(limiter.reserve_at(now, cost, u64::MAX).ok()),
                2 if !waiting.is_empty() => {
                    limiter.cancel_at(now, waiting.swap_remove(numbers.below(waiting.len() as u64) as usize));
                    cancelled += 1;
                }
                _ => {
                    if limiter.try_acquire_at(now, cost) {
                        if numbers.below(4) == 0 {
                            // It did not go ahead after all.
                            limiter.refund_at(now, cost);
                        } else {
                            runs.push((now, cost));
                        }
                    }
                }
            }
        }
        runs.extend(waiting.iter().map(|slot| (slot.at_nanos(), slot.cost())));
        for &(from, _) in &runs {
            for &(until, _) in runs.iter().filter(|(until, _)| *until >= from) {
                if let Some(most) = most(&limiter, refill, offset, from, until) {
                    let ran = within(&runs, from, until);
                    assert!(ran <= most, "seed {seed}: {ran} of {most} from {from} to {until}: {quota:?} {runs:?}");
                }
            }
        }
    }
    assert!(later > cases() && cancelled > cases());
}

#[test]
fn gcra() {
    exceeds_no_limit(Algorithm::Gcra, Refill::Continuous);
}

#[test]
fn interval_token_bucket() {
    exceeds_no_limit(Algorithm::TokenBucket, Refill::Interval);
}

#[test]
fn fixed_window() {
    exceeds_no_limit(Algorithm::FixedWindow, Refill::Continuous);
}

#[test]
fn sliding_window() {
    exceeds_no_limit(Algorithm::SlidingWindow, Refill::Continuous);
}

#[test]
fn sliding_log() {
    exceeds_no_limit(Algorithm::SlidingLog, Refill::Continuous);
}

/// The reason for one common instant: members that kept their own would let a burst through at the last one.
#[test]
fn a_group_does_not_bunch() {
    let second = 1_000_000_000;
    let make = |algorithm, limit, period| {
        Limiter::builder(algorithm, Quota::from_nanos(limit, period).unwrap()).build_at(0).unwrap()
    };
    let pace = Limiter::builder(Algorithm::Gcra, Quota::from_nanos(10, second).unwrap().burst(1).unwrap());
    let group = LimiterGroup::new([
        ("pace", pace.build_at(0).unwrap()),
        ("minute", make(Algorithm::SlidingLog, 5, 60 * second)),
    ])
    .unwrap();
    let at: Vec<u64> = (0..12).map(|_| group.reserve_at(0, 1, u64::MAX).unwrap().at_nanos()).collect();
    // Five, a tenth apart; five more a minute after the first five; and so on.
    let expected: Vec<u64> = (0..12).map(|n| n / 5 * 60 * second + n % 5 * second / 10).collect();
    assert_eq!(at, expected);
}
