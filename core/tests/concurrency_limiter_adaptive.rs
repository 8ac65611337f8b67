//! Adaptive concurrency: the three rules against their textbook formulas, at extremes, and before a simulated service; and their place.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tidegate::{
    Adaptive, AdaptiveConcurrency, AdaptiveError, AdaptivePermit, Aimd, Bounds, EnterError, Gradient2, ManualClock,
    Sample, Vegas,
};

const MAX_LIMIT: u64 = (1 << 31) - 1;
const MS: u64 = 1_000_000;

fn bounds(min: u64, initial: u64, max: u64) -> Bounds {
    Bounds::new(min, initial, max).expect("legal")
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let x = self.0 ^ self.0 >> 32;
        x.wrapping_mul(0xd6e8_feb8_6659_fd93) ^ x >> 29
    }
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
    /// Each order of magnitude as often as the others, and the ends.
    fn any(&mut self) -> u64 {
        match self.below(20) {
            0 => 0,
            1 => u64::MAX,
            _ => self.next() >> self.below(64),
        }
    }
}

/// The formulas as their sources have them, in floating point. Drops are left out where the rules depart.
mod textbook {
    pub struct Gradient2 {
        pub limit: f64,
        pub long: f64,
        pub sum: f64,
        pub count: u32,
        pub window: f64,
        pub tolerance: f64,
        pub smoothing: f64,
        pub queue: f64,
        pub min: f64,
        pub max: f64,
    }

    impl Gradient2 {
        pub fn update(&mut self, rtt: u64, in_flight: u64) {
            let short = rtt as f64;
            if self.count < 10 {
                self.count += 1;
                self.sum += short;
                self.long = self.sum / f64::from(self.count);
            } else {
                let factor = 2.0 / (self.window + 1.0);
                self.long = self.long * (1.0 - factor) + short * factor;
            }
            let long = self.long;
            if long / short > 2.0 {
                self.long *= 0.95;
            }
            if (in_flight as f64) < self.limit / 2.0 {
                return;
            }
            let gradient = (self.tolerance * long / short).clamp(0.5, 1.0);
            let new = self.limit * gradient + self.queue;
            let new = self.limit * (1.0 - self.smoothing) + new * self.smoothing;
            self.limit = new.clamp(self.min, self.max);
        }
    }

    pub struct Vegas {
        pub limit: f64,
        pub least: u64,
        pub smoothing: f64,
        pub max: f64,
    }

    impl Vegas {
        /// Without probes.
        pub fn update(&mut self, rtt: u64, in_flight: u64) {
            if self.least == 0 || rtt < self.least {
                self.least = rtt;
                return;
            }
            let queue = (self.limit * (1.0 - self.least as f64 / rtt as f64)).ceil();
            if in_flight as f64 * 2.0 < self.limit {
                return;
            }
            let log = self.limit.floor().log10().floor().max(1.0);
            let new = if queue <= log {
                self.limit + 6.0 * log
            } else if queue < 3.0 * log {
                self.limit + log
            } else if queue > 6.0 * log {
                self.limit - log
            } else {
                return;
            };
            let new = new.min(self.max).max(1.0);
            self.limit = (1.0 - self.smoothing) * self.limit + self.smoothing * new;
        }
    }
}

/// Within a millionth, seen through the rounding down to whole permits.
fn close(limit: u64, exact: f64) -> bool {
    let error = exact * 1e-6;
    limit as f64 <= exact + error && exact - error < limit as f64 + 1.0
}

#[test]
fn gradient2_is_the_textbook_formula() {
    let mut random = Random(1);
    for (smoothing, tolerance, queue, window) in [(200, 1500, 4, 600), (1000, 1000, 1, 1), (7, 2250, 90, 100_000)] {
        let limits = bounds(2, 20, 5_000);
        let mut ours = Gradient2::new().bounds(limits).smoothing(smoothing).unwrap().tolerance(tolerance).unwrap();
        ours = ours.queue(queue).unwrap().window(window).unwrap();
        let mut exact = textbook::Gradient2 {
            limit: 20.0,
            long: 0.0,
            sum: 0.0,
            count: 0,
            window: window as f64,
            tolerance: tolerance as f64 / 1000.0,
            smoothing: smoothing as f64 / 1000.0,
            queue: queue as f64,
            min: 2.0,
            max: 5_000.0,
        };
        let mut seen = [u64::MAX, 0];
        let mut load = MS;
        for call in 0..50_000 {
            if call % 500 == 0 {
                load = (MS / 100) << random.below(14);
            }
            let (rtt_nanos, in_flight) = (load + random.below(load), random.below(2 * ours.limit()));
            let limit = ours.update(Sample { rtt_nanos, in_flight, dropped: false });
            exact.update(rtt_nanos, in_flight);
            assert!(close(limit, exact.limit), "call {call}: {limit}, {}", exact.limit);
            let long = ours.long_rtt_nanos() as f64;
            assert!((long - exact.long).abs() <= 1.0 + exact.long * 1e-9, "call {call}: {long}, {}", exact.long);
            seen = [seen[0].min(limit), seen[1].max(limit)];
        }
        println!("gradient2: limits from {} to {}", seen[0], seen[1]);
        assert!(seen[1] > 2 * seen[0], "a limit that hardly moves shows nothing");
    }
}

#[test]
fn vegas_is_the_textbook_formula() {
    let mut random = Random(2);
    for smoothing in [1000, 300, 1] {
        // Probes so rarely that none comes.
        let mut ours = Vegas::new().bounds(bounds(1, 20, 50_000)).probe_multiplier(1_000_000).unwrap();
        ours = ours.smoothing(smoothing).unwrap();
        let mut exact = textbook::Vegas { limit: 20.0, least: 0, smoothing: smoothing as f64 / 1000.0, max: 50_000.0 };
        let (mut seen, mut capacity) = ([u64::MAX, 0], 50);
        for call in 0..20_000 {
            if call % 1_000 == 0 {
                capacity = 10 + random.below(20_000);
            }
            let in_flight = ours.limit() - random.below(ours.limit() * 2 / 3);
            let rtt_nanos = MS + random.below(MS / 50) + MS * in_flight.saturating_sub(capacity) / capacity;
            let limit = ours.update(Sample { rtt_nanos, in_flight, dropped: false });
            exact.update(rtt_nanos, in_flight);
            assert!(close(limit, exact.limit), "call {call}: {limit}, {}", exact.limit);
            assert_eq!(ours.least_rtt_nanos(), Some(exact.least));
            seen = [seen[0].min(limit), seen[1].max(limit)];
        }
        println!("vegas: limits from {} to {}", seen[0], seen[1]);
        assert!(seen[1] > seen[0]);
    }
}

#[test]
fn aimd_is_the_textbook_formula_to_the_unit() {
    for (thousandths, backoff) in [(900, 0.9), (500, 0.5), (750, 0.75)] {
        for start in 1..2_000 {
            let rule = Aimd::new().bounds(bounds(1, start, MAX_LIMIT)).backoff(thousandths).unwrap();
            let call = Sample { rtt_nanos: 5_000_000_000, in_flight: start, dropped: false };
            let after = |sample| rule.clone_update(sample);
            assert_eq!(after(Sample { dropped: true, ..call }), ((start as f64 * backoff) as u64).max(1));
            assert_eq!(after(Sample { rtt_nanos: 5_000_000_001, ..call }), ((start as f64 * backoff) as u64).max(1));
            assert_eq!(after(call), start + 1);
            for in_flight in [start / 2, start.div_ceil(2), start / 3] {
                let grows = in_flight * 2 >= start;
                assert_eq!(after(Sample { in_flight, ..call }), start + u64::from(grows));
            }
        }
    }
}

trait CloneUpdate {
    fn clone_update(&self, sample: Sample) -> u64;
}

impl<T: Copy + Into<Adaptive>> CloneUpdate for T {
    fn clone_update(&self, sample: Sample) -> u64 {
        let mut rule: Adaptive = (*self).into();
        rule.update(sample)
    }
}

/// Every rule with settings at and between their ends.
fn any_rule(random: &mut Random) -> (Adaptive, Bounds) {
    let mut three = [0; 3].map(|_| 1 + random.any() % MAX_LIMIT);
    three.sort_unstable();
    let limits = bounds(three[0], three[1], three[2]);
    let end = |random: &mut Random, low: u64, high: u64| match random.below(3) {
        0 => low,
        1 => high,
        _ => low + random.any() % (high - low + 1),
    };
    let rule: Adaptive = match random.below(3) {
        0 => {
            let timeout = Duration::from_nanos(random.any().max(1));
            let backoff = end(random, 500, 999);
            Aimd::new().bounds(limits).backoff(backoff).unwrap().timeout(timeout).unwrap().into()
        }
        1 => {
            let (smoothing, multiplier) = (end(random, 1, 1000), end(random, 1, 1_000_000));
            Vegas::new().bounds(limits).smoothing(smoothing).unwrap().probe_multiplier(multiplier).unwrap().into()
        }
        _ => {
            let rule = Gradient2::new().bounds(limits).smoothing(end(random, 1, 1000)).unwrap();
            let rule = rule.tolerance(end(random, 1000, 100_000)).unwrap().queue(end(random, 1, MAX_LIMIT)).unwrap();
            rule.window(end(random, 1, 1_000_000)).unwrap().into()
        }
    };
    (rule, limits)
}

#[test]
fn nothing_overflows_and_no_bound_is_left() {
    let mut random = Random(3);
    for _ in 0..3_000 {
        let (mut rule, limits) = any_rule(&mut random);
        assert_eq!(rule.limit(), limits.initial());
        for _ in 0..100 {
            let in_flight = if random.below(2) == 0 { rule.limit() } else { random.any() };
            let sample = Sample { rtt_nanos: random.any(), in_flight, dropped: random.below(8) == 0 };
            let limit = rule.update(sample);
            assert!((limits.min()..=limits.max()).contains(&limit), "{limit} {limits:?}");
            assert_eq!(limit, rule.limit());
        }
    }
}

/// A drop never leaves more than a success, and a longer round trip never more than a shorter one.
#[test]
fn the_reaction_is_monotone() {
    let mut random = Random(4);
    let mut differed = 0;
    for _ in 0..3_000 {
        let (mut rule, limits) = any_rule(&mut random);
        for _ in 0..40 {
            let sample = Sample { rtt_nanos: random.any().max(1), in_flight: rule.limit(), dropped: false };
            let kept = rule.clone_update(sample);
            let (mut falling, drop) = (rule, Sample { dropped: true, ..sample });
            let dropped = falling.update(drop);
            assert!(dropped <= rule.limit().min(kept), "{rule:?}: {dropped}, {kept}");
            // By less than a permit a drop, if it is smoothed.
            let falls = dropped < rule.limit() || (0..2_000).any(|_| falling.update(drop) < rule.limit());
            assert!(falls || dropped == limits.min(), "{rule:?} does not fall");
            // Vegas holds still for one sample when a shorter round trip than ever becomes its measure, and when it probes.
            let comparable = match rule {
                Adaptive::Vegas(vegas) => vegas.least_rtt_nanos().is_some_and(|least| least <= sample.rtt_nanos),
                _ => true,
            };
            if comparable {
                let longer = Sample { rtt_nanos: sample.rtt_nanos.saturating_add(random.any()), ..sample };
                let after = rule.clone_update(longer);
                assert!(after <= kept, "{rule:?} {sample:?} {longer:?}: {kept}, {after}");
                differed += u64::from(after < kept);
            }
            rule.update(sample);
        }
    }
    assert!(differed > 1_000, "{differed}");
}

#[test]
fn stated_fixed_points() {
    // Vegas rests while 3 to 6 of 40 stand in the queue.
    for (rtt_nanos, rests) in [(1_000, false), (1_080, true), (1_170, true), (1_180, false)] {
        let mut vegas = Vegas::new().bounds(bounds(1, 40, 1_000)).seed(1);
        vegas.update(Sample { rtt_nanos: 1_000, in_flight: 40, dropped: false });
        let limit = vegas.update(Sample { rtt_nanos, in_flight: 40, dropped: false });
        assert_eq!(limit == 40, rests, "{rtt_nanos}: {limit}");
    }
    // Gradient2 at a gradient held to 1/2 and 3/4: 4 / (1 - g).
    for (times, limit) in [(3, 8), (2, 16)] {
        let mut rule = Gradient2::new().bounds(bounds(1, 100, 200)).window(1_000_000).unwrap();
        for _ in 0..10 {
            rule.update(Sample { rtt_nanos: MS, in_flight: 0, dropped: false });
        }
        for _ in 0..100 {
            rule.update(Sample { rtt_nanos: times * MS, in_flight: 200, dropped: false });
        }
        assert!(rule.limit().abs_diff(limit) <= 1, "{} for {limit}", rule.limit());
    }
    // And at 1 it grows by smoothing * queue, 0.8 a sample.
    let mut rule = Gradient2::new().bounds(bounds(1, 20, 10_000));
    for _ in 0..100 {
        rule.update(Sample { rtt_nanos: MS, in_flight: 10_000, dropped: false });
    }
    assert_eq!(rule.limit(), 99);
}

/// What came of a run, over its second half.
#[derive(Debug)]
struct Served {
    least: u64,
    most: u64,
    /// Of what the service can do.
    share: f64,
}

/// A service with so many workers, each of which takes 10 ms a call, and a queue before them; callers who always have more to ask.
/// Calls longer than `timeout` are dropped.
fn serve(gate: AdaptiveConcurrency, workers: usize, timeout: u64) -> Served {
    const CALLS: u64 = 60_000;
    let clock = Arc::new(ManualClock::new(0));
    let gate = gate.shared_clock(clock.clone());
    // When each worker is free, and calls in the order in which they end.
    let mut free = vec![0u64; workers];
    let mut flying: BTreeMap<(u64, u64), (u64, AdaptivePermit<'_>)> = BTreeMap::new();
    let (mut number, mut now, mut half_time) = (0, 0, 0);
    let mut served = Served { least: u64::MAX, most: 0, share: 0.0 };
    for call in 0..CALLS {
        while let Some(permit) = gate.try_enter() {
            let next = free.iter_mut().min().expect("workers");
            *next = now.max(*next) + 10 * MS;
            flying.insert((*next, number), (now, permit));
            number += 1;
        }
        let ((end, _), (start, permit)) = flying.pop_first().expect("somebody is in flight");
        now = end;
        clock.set(now);
        if now - start > timeout {
            permit.dropped()
        } else {
            permit.success()
        }
        if call >= CALLS / 2 {
            served.least = served.least.min(gate.limit());
            served.most = served.most.max(gate.limit());
        } else {
            half_time = now;
        }
    }
    let capacity = workers as f64 * (now - half_time) as f64 / (10 * MS) as f64;
    served.share = (CALLS / 2) as f64 / capacity;
    served
}

#[test]
fn the_capacity_of_a_service_is_found() {
    let limits = bounds(1, 10, 10_000);
    for workers in [5, 30, 100] {
        let c = workers as u64;
        // A call is longer than 30 ms when more than three times as many are in flight as there are workers.
        let aimd = serve(AdaptiveConcurrency::new(Aimd::new().bounds(limits)), workers, 30 * MS);
        println!("aimd, {c} workers: {aimd:?}");
        assert!(aimd.least >= c && aimd.most <= 3 * c + c / 5 && aimd.share > 0.99);
        // Without a single drop: rests with 3 to 6 in the queue, twice as many from 100 on.
        let vegas = Vegas::new().bounds(limits).probe_multiplier(1_000_000).unwrap();
        let vegas = serve(AdaptiveConcurrency::new(vegas), workers, u64::MAX);
        println!("vegas, {c} workers: {vegas:?}");
        let log = u64::from(c.ilog10().max(1));
        assert!(c + 2 * log <= vegas.least && vegas.most <= c + 6 * log && vegas.share > 0.99);
        let gradient = serve(AdaptiveConcurrency::new(Gradient2::new().bounds(limits)), workers, u64::MAX);
        println!("gradient2, {c} workers: {gradient:?}");
        assert!(gradient.least >= c && gradient.most <= 20 * c && gradient.share > 0.99);
    }
}

/// Why the rule moves once in two round trips, and not with each call.
#[test]
fn moving_with_each_call_swings() {
    let limits = bounds(1, 10, 10_000);
    let vegas = Vegas::new().bounds(limits).probe_multiplier(1_000_000).unwrap();
    for (rule, timeout) in [(Adaptive::from(Aimd::new().bounds(limits)), 30 * MS), (vegas.into(), u64::MAX)] {
        let served = serve(AdaptiveConcurrency::new(rule).each_sample(), 100, timeout);
        println!("each sample: {served:?}");
        assert!(served.least < 100 && served.share < 0.9);
    }
}

#[test]
fn settings_that_cannot_be() {
    for (min, initial, max) in
        [(0, 1, 2), (2, 1, 3), (1, 4, 3), (1, 2, MAX_LIMIT + 1), (0, 0, 0), (u64::MAX, u64::MAX, u64::MAX)]
    {
        assert_eq!(Bounds::new(min, initial, max), Err(AdaptiveError::Bounds { min, initial, max }));
    }
    for wrong in [0, 499, 1000, u64::MAX] {
        assert_eq!(Aimd::new().backoff(wrong), Err(AdaptiveError::Backoff(wrong)));
    }
    assert_eq!(Aimd::new().timeout(Duration::ZERO), Err(AdaptiveError::ZeroTimeout));
    assert!(Aimd::new().timeout(Duration::MAX).is_ok());
    for wrong in [0, 1001, u64::MAX] {
        assert_eq!(Vegas::new().smoothing(wrong), Err(AdaptiveError::Smoothing(wrong)));
        assert_eq!(Gradient2::new().smoothing(wrong), Err(AdaptiveError::Smoothing(wrong)));
    }
    for wrong in [0, 999, 100_001, u64::MAX] {
        assert_eq!(Gradient2::new().tolerance(wrong), Err(AdaptiveError::Tolerance(wrong)));
    }
    for wrong in [0, 1_000_001, u64::MAX] {
        assert_eq!(Gradient2::new().window(wrong), Err(AdaptiveError::Window(wrong)));
        assert_eq!(Vegas::new().probe_multiplier(wrong), Err(AdaptiveError::ProbeMultiplier(wrong)));
    }
    for wrong in [0, MAX_LIMIT + 1, u64::MAX] {
        let error = Gradient2::new().queue(wrong).unwrap_err();
        assert_eq!(error, AdaptiveError::Queue(wrong));
        assert!(error.to_string().contains(&wrong.to_string()));
    }
}

#[test]
fn probes_measure_the_least_round_trip_anew() {
    let call = |rtt_nanos| Sample { rtt_nanos, in_flight: 0, dropped: false };
    for seed in 0..100 {
        let mut vegas = Vegas::new().bounds(bounds(1, 10, 10)).probe_multiplier(10).unwrap().seed(seed);
        vegas.update(call(5));
        let mut samples = 1u64;
        // Between half of 10 * 10 samples and all of them.
        while vegas.least_rtt_nanos() == Some(5) {
            samples += 1;
            vegas.update(call(1_000));
        }
        assert!((50..=100).contains(&samples), "{samples}");
        assert_eq!(vegas.least_rtt_nanos(), Some(1_000));
    }
    assert_ne!(Vegas::new(), Vegas::new(), "each has a seed of its own");
    assert_eq!(Vegas::new().seed(7), Vegas::new().seed(7));
    // What was dropped quickly is no measure.
    let mut vegas = Vegas::new();
    vegas.update(Sample { rtt_nanos: 1, in_flight: 20, dropped: true });
    assert_eq!((vegas.least_rtt_nanos(), vegas.limit()), (None, 19));
}

#[test]
fn every_end_gives_the_permit_back_once() {
    let clock = Arc::new(ManualClock::new(1_000));
    let gate = Arc::new(
        AdaptiveConcurrency::new(Aimd::new().bounds(bounds(1, 2, 10))).shared_clock(clock.clone()).each_sample(),
    );
    let (one, two) = (gate.try_enter().unwrap(), gate.try_enter_owned().unwrap());
    assert!(gate.try_enter().is_none());
    assert_eq!(gate.enter(Duration::ZERO).unwrap_err(), EnterError::TimedOut);
    let before = gate.rule();
    one.ignore();
    drop(two);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _call = gate.enter(Duration::MAX).unwrap();
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    assert_eq!((gate.in_flight(), gate.rule()), (0, before), "nothing was learned");
    // A clock that runs back.
    let call = gate.enter_owned(Duration::MAX).unwrap();
    clock.set(0);
    call.success();
    assert_eq!((gate.limit(), gate.in_flight()), (3, 0));
    // At most one less, and never below the least.
    for _ in 0..10 {
        gate.try_enter().unwrap().dropped();
    }
    assert_eq!((gate.limit(), gate.in_flight()), (1, 0));
    assert_eq!(format!("{gate:?}").split(',').next(), Some("AdaptiveConcurrency { gate: Concurrency { limit: 1"));
}

/// A limit that rises lets in who waits.
#[test]
fn who_waits_enters_under_a_higher_limit() {
    let gate = Arc::new(AdaptiveConcurrency::new(Aimd::new().bounds(bounds(1, 1, 10))));
    let first = gate.try_enter().unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting = [gate.enter_owned_async(), gate.enter_owned_async(), gate.enter_owned_async()].map(Box::pin);
    assert!(waiting.iter_mut().all(|call| call.as_mut().poll(&mut context).is_pending()));
    first.success();
    let mut ready: Vec<_> = waiting.iter_mut().map(|call| call.as_mut().poll(&mut context)).collect();
    assert_eq!(ready.iter().map(Poll::is_ready).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!((gate.limit(), gate.in_flight()), (2, 2));
    drop(ready.drain(..));
    let mut borrowed = pin!(gate.enter_async());
    assert!(borrowed.as_mut().poll(&mut context).is_ready());
    assert!(waiting[2].as_mut().poll(&mut context).is_ready());
}

#[test]
fn a_crowd_of_calls() {
    let rules: [Adaptive; 3] = [Aimd::new().into(), Vegas::new().into(), Gradient2::new().into()];
    for rule in rules {
        let gate = AdaptiveConcurrency::new(rule);
        std::thread::scope(|scope| {
            for worker in 0..4u64 {
                let gate = &gate;
                scope.spawn(move || {
                    for call in 0..2_000 {
                        let permit = gate.enter(Duration::MAX).expect("one fits");
                        match (call + worker) % 5 {
                            0 => permit.dropped(),
                            1 => permit.ignore(),
                            2 => drop(permit),
                            _ => permit.success(),
                        }
                    }
                });
            }
        });
        assert_eq!(gate.in_flight(), 0);
        assert_eq!(gate.limit(), gate.rule().limit());
    }
}
