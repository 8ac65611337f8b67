//! How much passes: what was earned, and never more, at any cadence and on any clock.

use quickcheck::{Arbitrary, Gen};
use tidegate::{Limiter, Quota};

use crate::every::{BUCKET, GCRA, INTERVAL};
use crate::lives::*;
use crate::{SECOND, YEAR, check};

/// Exactly, of the page: `tick(t) = floor(t * L * 2^k / W)`.
fn tick(t: u64, quota: &Quota) -> u128 {
    let k = (quota.period_nanos() / quota.limit()).ilog2();
    u128::from(t) * (u128::from(quota.limit()) << k) / u128::from(quota.period_nanos())
}

/// A rate from one a year to a thousand million a second, a bucket of at least two, and polls that come before it is full.
#[derive(Clone, Debug)]
struct LongRun {
    quota: Quota,
    start: u64,
    gaps: Vec<u64>,
}

impl Arbitrary for LongRun {
    fn arbitrary(g: &mut Gen) -> LongRun {
        let (limit, period) = loop {
            let (limit, any) = (wide(g, 30).max(1), wide(g, 55).max(1));
            let period = *g.choose(&[any, SECOND, YEAR]).expect("three");
            // At most a permit a nanosecond, at least a permit a year.
            if limit <= period && period / limit <= YEAR {
                break (limit, period);
            }
        };
        let emission = period / limit;
        let burst = (2 + wide(g, 20)).min((1 << 61) / (emission + 1));
        let quota = Quota::from_nanos(limit, period).and_then(|quota| quota.burst(burst)).expect("legal");
        // Less than it takes to fill what a drain leaves.
        let most = (u128::from(burst - 1) * u128::from(period) / u128::from(limit)).min(1 << 52) as u64;
        let cadence = wide(g, 52) % most.max(1) + 1;
        let even = bool::arbitrary(g);
        let gaps = (0..200).map(|_| if even { cadence } else { wide(g, 52) % most.max(1) + 1 }).collect();
        LongRun { quota, start: wide(g, 61), gaps }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = LongRun>> {
        let run = self.clone();
        Box::new((1..self.gaps.len()).map(move |n| LongRun { gaps: run.gaps[..n].to_vec(), ..run.clone() }))
    }
}

/// Takes all that is there.
fn drain(limiter: &Limiter, now: u64) -> u64 {
    let all = limiter.peek_at(now, 1).remaining();
    assert!(limiter.try_acquire_at(now, all));
    all
}

#[test]
fn a_bucket_admits_its_rate_at_any_cadence() {
    fn holds(run: LongRun) {
        let quota = run.quota;
        let k = (quota.period_nanos() / quota.limit()).ilog2();
        for rule in [GCRA, BUCKET] {
            let limiter = rule.builder(quota).build_at(run.start).expect("legal");
            let (mut now, mut admitted) = (run.start, 0);
            for gap in [0].iter().chain(&run.gaps) {
                now += gap;
                admitted += u128::from(drain(&limiter, now));
                // No permit lost, none minted, over the whole run: exactly what the ticks have earned.
                let earned = (tick(now, &quota) - tick(run.start, &quota)) >> k;
                assert_eq!(admitted, u128::from(quota.capacity()) + earned, "{} {quota} at {now}", rule.name);
                // And so within one permit of the ideal, and one tick.
                let elapsed = u128::from(now - run.start);
                let ideal = elapsed * u128::from(quota.limit()) / u128::from(quota.period_nanos());
                assert!(earned <= ideal + 1 && earned + 1 >= ideal, "{} {quota} at {now}", rule.name);
            }
        }
    }
    check(holds as fn(LongRun));
}

#[test]
fn a_bucket_of_intervals_admits_its_rate_at_any_cadence() {
    fn holds(run: LongRun) {
        let (limit, period) = (run.quota.limit(), run.quota.period_nanos());
        let quota = run.quota.burst(limit * 2).expect("at least 2");
        let Ok(limiter) = INTERVAL.builder(quota).build_at(run.start) else { return };
        let (mut now, mut admitted) = (run.start, 0);
        for gap in [0].iter().chain(&run.gaps) {
            // At most one interval, so that none is met full.
            now += gap % period + 1;
            if now > limiter.horizon() {
                return;
            }
            admitted += drain(&limiter, now);
            // The first drain may come an interval after the start; full is full.
            let intervals = now / period - (run.start + run.gaps.first().map_or(1, |_| 1)) / period;
            assert_eq!(admitted, 2 * limit + intervals * limit, "{quota} at {now}");
        }
    }
    check(holds as fn(LongRun));
}

/// What ran when: permits granted and booked, by the instants at which they may be used.
fn runs(setup: &Setup, steps: &[Step]) -> Vec<(u64, u64)> {
    let mut life = Life::new(setup);
    let mut runs = vec![];
    for step in steps.iter().filter(|step| matches!(step.verb, Verb::Take | Verb::TryAcquire | Verb::Reserve)) {
        let said = life.step(step);
        let (end, cost) = (life.limiter.horizon(), step.cost(&life.quota));
        match said {
            Said::Decision(said) if said.is_allowed() => runs.push((life.now.min(end), cost)),
            Said::Answer(true) => runs.push((life.now.min(end), cost)),
            Said::Booked(at) => runs.push((at.min(end), cost)),
            _ => {}
        }
    }
    runs
}

/// The most that ran in any span that begins and ends with a run: `(first, last, permits)`.
fn spans(mut runs: Vec<(u64, u64)>) -> Vec<(u64, u64, u128)> {
    runs.sort_unstable();
    let mut spans = vec![];
    for first in 0..runs.len() {
        let mut sum = 0;
        for &(last, cost) in &runs[first..] {
            sum += u128::from(cost);
            spans.push((runs[first].0, last, sum));
        }
    }
    spans
}

/// `B + floor(L * t / W)`, with t counted in ticks as everything is: whatever the clock does, and with reservations.
#[test]
fn a_bucket_keeps_its_envelope() {
    fn holds(Continuous(setup): Continuous, steps: Vec<Step>) {
        let quota = setup.quota;
        let k = (quota.period_nanos() / quota.limit()).ilog2();
        for (first, last, permits) in spans(runs(&setup, &steps)) {
            let earned = (tick(last, &quota) - tick(first, &quota)) >> k;
            assert!(permits <= u128::from(quota.capacity()) + earned, "{setup:?}: {permits} from {first} to {last}");
        }
    }
    check(holds as fn(Continuous, Vec<Step>));
}

/// Steps whose times never run backwards.
fn forward(steps: &[Step]) -> Vec<Step> {
    let backwards = |step: &Step| matches!(step.gap.0 % 16, 13..=15);
    steps.iter().map(|step| if backwards(step) { Step { gap: (5, step.gap.1), ..*step } } else { *step }).collect()
}

/// Fixed window: L in each. Interval refill: B, and L for each interval begun.
#[test]
fn windows_and_intervals_give_back_no_more_than_their_limit() {
    fn holds(Aligned(setup): Aligned, steps: Vec<Step>) {
        let (limit, period) = (u128::from(setup.quota.limit()), u128::from(setup.quota.period_nanos()));
        let offset = u128::from(offset(&setup.quota));
        let window = |at: u64| (u128::from(at) + period - offset) / period;
        for (first, last, permits) in spans(runs(&setup, &forward(&steps))) {
            let most = u128::from(setup.quota.capacity()) + limit * (window(last) - window(first));
            assert!(permits <= most, "{setup:?}: {permits} from {first} to {last}");
        }
    }
    check(holds as fn(Aligned, Vec<Step>));
}

/// Two counters: in any span of the period fewer than two limits, and no more than the limit in an aligned window.
#[test]
fn a_sliding_window_stays_below_two_limits() {
    fn holds(Sliding(setup): Sliding, steps: Vec<Step>) {
        let (limit, period) = (u128::from(setup.quota.limit()), setup.quota.period_nanos());
        for (first, last, permits) in spans(runs(&setup, &forward(&steps))) {
            assert!(last - first >= period || permits < 2 * limit, "{setup:?}: {permits} from {first} to {last}");
        }
    }
    check(holds as fn(Sliding, Vec<Step>));
}
