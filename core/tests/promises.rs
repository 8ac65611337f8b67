//! What the documentation promises, on random limiters and random lives.
//!
//! Every number is log-uniform, over what is legal and beyond it, and drawn to the edges that a quota has. 100 cases a promise;
//! `QUICKCHECK_TESTS` says how many otherwise. A failing case is shrunk and printed.

mod every;

use std::sync::Arc;
use std::time::Duration;

use every::{BUCKET, EVERY, FIXED, GCRA, INTERVAL, LOG, Rule, SLIDING};
use quickcheck::{Arbitrary, Gen, QuickCheck, Testable};
use tidegate::{Algorithm, Anchor, Carry, Decision, Limiter, ManualClock, Quota, Refusal, SlidingLog, Slot};

const SECOND: u64 = 1_000_000_000;
const YEAR: u64 = 31_557_600 * SECOND;

fn check<A: Testable>(promise: A) {
    QuickCheck::new().quickcheck(promise);
}

// Generators

/// Log-uniform over `0..2^bits`, with powers of two and their neighbours.
fn wide(g: &mut Gen, bits: u64) -> u64 {
    let width = u64::arbitrary(g) % (bits + 1);
    let top = if width == 0 { 0 } else { 1 << (width - 1) };
    match u8::arbitrary(g) % 4 {
        0 => top,
        1 => top.saturating_sub(u64::arbitrary(g) % 3),
        _ => top | u64::arbitrary(g) & top.saturating_sub(1),
    }
}

/// A legal limiter and how it is made.
#[derive(Clone, Copy, Debug)]
struct Setup {
    rule: Rule,
    quota: Quota,
    initial: Option<u64>,
    origin: u64,
}

impl Setup {
    fn arbitrary(g: &mut Gen, rule: Rule) -> Setup {
        loop {
            let bits = [3, 8, 20, 40][usize::arbitrary(g) % 4];
            let limit = wide(g, if rule == LOG { bits.min(9) } else { bits });
            let span = 10 + u64::arbitrary(g) % 50;
            let period = if u8::arbitrary(g) % 4 == 0 { limit.saturating_mul(1 + wide(g, 3)) } else { wide(g, span) };
            let burst = if rule.is_bucket() && bool::arbitrary(g) { wide(g, bits) } else { limit };
            let Ok(quota) = Quota::from_nanos(limit, period).and_then(|quota| quota.burst(burst)) else { continue };
            let anchored = matches!(rule.name, "fixed window" | "sliding window" | "token bucket, interval refill");
            let quota = match (rule.first_use, anchored && bool::arbitrary(g)) {
                (true, _) => quota.anchor(Anchor::FirstUse),
                (false, true) => quota.anchor(Anchor::Offset(wide(g, 64))),
                (false, false) => quota,
            };
            let fills = rule.algorithm == Algorithm::TokenBucket && u8::arbitrary(g) % 3 == 0;
            let initial = fills.then(|| u64::arbitrary(g) % (burst + 1));
            let origin = if bool::arbitrary(g) { 0 } else { wide(g, 62) };
            let setup = Setup { rule, quota, initial, origin };
            if setup.try_make().is_ok() {
                return setup;
            }
        }
    }

    fn builder(&self) -> tidegate::LimiterBuilder {
        let builder = self.rule.builder(self.quota);
        match self.initial {
            Some(permits) => builder.initial(permits),
            None => builder,
        }
    }

    fn try_make(&self) -> Result<Limiter, tidegate::QuotaError> {
        self.builder().build_at(self.origin)
    }

    fn make(&self) -> Limiter {
        self.try_make().expect("only legal ones are generated")
    }
}

/// A limiter of any rule.
#[derive(Clone, Copy, Debug)]
struct Any(Setup);

impl Arbitrary for Any {
    fn arbitrary(g: &mut Gen) -> Any {
        let rule = *g.choose(&EVERY).expect("eight");
        Any(Setup::arbitrary(g, rule))
    }
}

/// A limiter of one rule.
macro_rules! only {
    ($($name:ident: $rules:expr;)*) => {$(
        #[derive(Clone, Copy, Debug)]
        struct $name(Setup);

        impl Arbitrary for $name {
            fn arbitrary(g: &mut Gen) -> $name {
                let rule = *g.choose(&$rules).expect("some");
                $name(Setup::arbitrary(g, rule))
            }
        }
    )*};
}

only! {
    Continuous: [GCRA, BUCKET];
    Log: [LOG];
    Aligned: [FIXED, INTERVAL];
    Sliding: [SLIDING];
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Verb {
    Take,
    TryAcquire,
    Peek,
    Charge,
    Refund,
    Reserve,
    Cancel,
    Reset,
}

/// One call: when, seen from the call before, and how much. The raw numbers mean something only under a quota.
#[derive(Clone, Copy, Debug)]
struct Step {
    verb: Verb,
    gap: (u8, u64),
    cost: (u8, u64),
}

impl Arbitrary for Step {
    fn arbitrary(g: &mut Gen) -> Step {
        use Verb::*;
        let verbs = [Take, Take, Take, Take, TryAcquire, Peek, Charge, Refund, Reserve, Reserve, Cancel, Cancel, Reset];
        let verb = *g.choose(&verbs).expect("some");
        // New again too often, and nothing else happens.
        let verb = if verb == Reset && u8::arbitrary(g) % 4 != 0 { Take } else { verb };
        Step { verb, gap: (u8::arbitrary(g), wide(g, 64)), cost: (u8::arbitrary(g), wide(g, 64)) }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Step>> {
        let step = *self;
        let gaps = step.gap.1.shrink().map(move |raw| Step { gap: (step.gap.0, raw), ..step });
        Box::new(gaps.chain(step.cost.1.shrink().map(move |raw| Step { cost: (step.cost.0, raw), ..step })))
    }
}

impl Step {
    /// The time of this call after one at `now`.
    fn time(&self, now: u64, quota: &Quota) -> u64 {
        let (kind, raw) = self.gap;
        let period = quota.period_nanos();
        match kind % 16 {
            0..=3 => now,
            4 => now.saturating_add(raw % 3),
            5..=8 => now.saturating_add(raw % (period / quota.limit() + 2)),
            9..=11 => now.saturating_add(raw % period.saturating_add(2)),
            // About the start of the next window.
            12 => (now / period).saturating_add(1).saturating_mul(period).saturating_sub(1).saturating_add(raw % 3),
            13 => now.saturating_sub(raw % 3),
            14 => now.saturating_sub(raw % period.saturating_add(2)),
            _ if raw % 8 == 0 => raw,
            _ => now.saturating_add(raw % period.saturating_mul(4)),
        }
    }

    fn cost(&self, quota: &Quota) -> u64 {
        let (kind, raw) = self.cost;
        match kind % 8 {
            0..=2 => 1,
            3 => raw % 4,
            4..=5 => raw % quota.capacity().saturating_add(1),
            6 => quota.capacity(),
            _ => raw,
        }
    }
}

/// What a call answered.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Said {
    Decision(Decision),
    Answer(bool),
    Booked(u64),
    Refused(Refusal, Decision),
    Nothing,
}

/// A limiter in the course of its life.
struct Life {
    limiter: Limiter,
    quota: Quota,
    now: u64,
    /// The latest that `now` has been.
    latest: u64,
    slots: Vec<Slot>,
}

impl Life {
    fn new(setup: &Setup) -> Life {
        Life::of(setup.make(), setup.origin)
    }

    fn of(limiter: Limiter, now: u64) -> Life {
        let quota = limiter.quota();
        Life { limiter, quota, now, latest: now, slots: vec![] }
    }

    fn step(&mut self, step: &Step) -> Said {
        self.now = step.time(self.now, &self.quota);
        self.latest = self.latest.max(self.now);
        let (limiter, now, cost) = (&self.limiter, self.now, step.cost(&self.quota));
        match step.verb {
            Verb::Take => Said::Decision(limiter.take_at(now, cost)),
            Verb::TryAcquire => Said::Answer(limiter.try_acquire_at(now, cost)),
            Verb::Peek => Said::Decision(limiter.peek_at(now, cost)),
            Verb::Charge => Said::Decision(limiter.charge_at(now, cost)),
            Verb::Refund => {
                limiter.refund_at(now, cost);
                Said::Nothing
            }
            Verb::Reserve => {
                // Half of the callers wait for a period or two at most.
                let max_wait =
                    if step.cost.0 & 64 == 0 { u64::MAX } else { step.cost.1 % self.quota.period_nanos() * 2 };
                match limiter.reserve_at(now, cost, max_wait) {
                    Ok(slot) => {
                        let at = slot.at_nanos();
                        self.slots.push(slot);
                        Said::Booked(at)
                    }
                    Err(refused) => Said::Refused(refused.refusal(), refused.decision()),
                }
            }
            Verb::Cancel => {
                if !self.slots.is_empty() {
                    let slot = self.slots.swap_remove(step.cost.1 as usize % self.slots.len());
                    limiter.cancel_at(now, slot);
                }
                Said::Nothing
            }
            Verb::Reset => {
                limiter.reset();
                self.slots.clear();
                Said::Nothing
            }
        }
    }

    fn live(&mut self, steps: &[Step]) {
        for step in steps {
            self.step(step);
        }
    }

    /// Another limiter in the same state.
    fn copy(&self) -> Limiter {
        Limiter::from_snapshot(&self.limiter.snapshot()).expect("a state that it reached itself")
    }
}

/// A test of the generators: what they make meets every answer of every rule.
#[test]
fn lives_meet_every_answer() {
    let mut g = Gen::new(60);
    for rule in EVERY {
        let (mut granted, mut denied, mut never, mut booked, mut late, mut debts) = (0, 0, 0, 0, 0, 0);
        for _ in 0..200 {
            let mut life = Life::new(&Setup::arbitrary(&mut g, rule));
            for _ in 0..40 {
                let (before, step) = (life.now, Step::arbitrary(&mut g));
                match life.step(&step) {
                    Said::Decision(said) if step.verb == Verb::Charge && said.is_allowed() => {
                        debts += u32::from(said.retry_after_nanos() != Some(0));
                    }
                    Said::Decision(said) if said.is_allowed() => granted += 1,
                    Said::Decision(said) if said.is_never() => never += 1,
                    Said::Decision(_) => denied += 1,
                    Said::Booked(at) => booked += u32::from(at > life.now),
                    _ => {}
                }
                late += u32::from(life.now < before);
            }
        }
        let met = [granted, denied, never, booked, late, debts];
        assert!(met.iter().all(|&met| met >= 20), "{}: {met:?}", rule.name);
    }
}

// Decisions

#[test]
fn gcra_and_the_continuous_token_bucket_are_one() {
    fn holds(Continuous(setup): Continuous, steps: Vec<Step>) {
        let as_bucket = Setup { rule: BUCKET, initial: None, ..setup };
        let (mut gcra, mut bucket) = (Life::new(&Setup { rule: GCRA, ..as_bucket }), Life::new(&as_bucket));
        for step in &steps {
            assert_eq!(gcra.step(step), bucket.step(step), "{setup:?} {step:?}");
        }
        let other = Quota::from_nanos(setup.quota.limit().div_ceil(2), setup.quota.period_nanos()).expect("legal");
        for carry in [Carry::Time, Carry::Permits, Carry::Proportional] {
            let changed = [&gcra, &bucket].map(|life| life.limiter.reconfigure_at(life.now, other, carry));
            assert_eq!(changed[0], changed[1]);
            assert_eq!(gcra.limiter.peek_at(gcra.now, 1), bucket.limiter.peek_at(gcra.now, 1));
        }
    }
    check(holds as fn(Continuous, Vec<Step>));
}

/// Denied at every earlier nanosecond, allowed exactly then; as good as new at `reset_after`, and not a nanosecond earlier.
#[test]
fn waits_are_minimal() {
    fn holds(Any(setup): Any, steps: Vec<Step>, next: Step, within: u64) {
        let mut life = Life::new(&setup);
        life.live(&steps);
        let (now, limiter) = (next.time(life.now, &life.quota), &life.limiter);
        let end = limiter.horizon();
        for cost in [1, next.cost(&life.quota), life.quota.capacity()] {
            let told = limiter.peek_at(now, cost);
            let allowed = |at| limiter.peek_at(at, cost).is_allowed();
            match told.retry_after_nanos() {
                Some(0) => assert!(told.is_allowed() && life.copy().try_acquire_at(now, cost)),
                Some(wait) => {
                    assert!(!told.is_allowed() && now + wait <= end, "{setup:?} {told:?}");
                    assert!(!allowed(now + wait - 1) && !allowed(now + within % wait), "{setup:?} at {now}: {told:?}");
                    assert!(allowed(now + wait), "{setup:?} at {now}: {told:?}");
                    assert!(life.copy().try_acquire_at(now + wait, cost));
                }
                None => assert!(!allowed(now) && !allowed(end) && !allowed(u64::MAX), "{setup:?} at {now}: {told:?}"),
            }

            let charge = |at| life.copy().charge_at(at, cost);
            let told = charge(now);
            match told.retry_after_nanos() {
                // Until the debt is paid: until then nobody gets anything.
                Some(wait) if told.is_allowed() => {
                    let charged = life.copy();
                    assert!(charged.charge_at(now, cost).is_allowed());
                    assert!(wait == 0 || !charged.peek_at(now + wait - 1, 1).is_allowed(), "{setup:?} {told:?}");
                }
                Some(wait) => {
                    assert!(wait > 0 && !charge(now + wait - 1).is_allowed(), "{setup:?} at {now}: {told:?}");
                    assert!(!charge(now + within % wait).is_allowed() && charge(now + wait).is_allowed(), "{setup:?}");
                }
                None => assert!(told.is_allowed() || !charge(end).is_allowed(), "{setup:?} at {now}: {told:?}"),
            }
        }

        let remaining = |at| limiter.peek_at(at, 1).remaining();
        let capacity = life.quota.capacity();
        match limiter.peek_at(now, 1).reset_after_nanos() {
            0 => assert_eq!(remaining(now), capacity),
            u64::MAX => assert!(remaining(end) < capacity && remaining(u64::MAX) < capacity),
            wait => {
                assert!(
                    remaining(now + wait - 1) < capacity && remaining(now + wait) == capacity,
                    "{setup:?} at {now}"
                );
            }
        }
    }
    check(holds as fn(Any, Vec<Step>, Step, u64));
}

/// `remaining` is what fits, and the next one does not.
#[test]
fn remaining_is_the_largest_cost_that_fits() {
    fn holds(Any(setup): Any, steps: Vec<Step>, next: Step) {
        let mut life = Life::new(&setup);
        life.live(&steps);
        let now = next.time(life.now, &life.quota);
        for said in [life.limiter.peek_at(now, 1), life.limiter.take_at(now, 1)] {
            let all = life.limiter.peek_at(now, 0).remaining();
            assert!(all <= said.limit() && said.limit() == life.quota.capacity());
            assert!(life.limiter.peek_at(now, all).is_allowed(), "{setup:?} {said:?}");
            assert!(!life.limiter.peek_at(now, all + 1).is_allowed(), "{setup:?} {said:?}");
        }
    }
    check(holds as fn(Any, Vec<Step>, Step));
}

#[test]
fn a_denial_and_a_look_write_nothing() {
    fn holds(Any(setup): Any, steps: Vec<Step>) {
        let mut life = Life::new(&setup);
        for step in &steps {
            let before = life.limiter.snapshot();
            let said = life.step(step);
            let unchanged = match said {
                Said::Decision(said) => step.verb == Verb::Peek || !said.is_allowed(),
                Said::Answer(allowed) => !allowed,
                Said::Refused(..) => true,
                Said::Booked(_) | Said::Nothing => false,
            };
            if unchanged || step.cost(&life.quota) == 0 && !matches!(step.verb, Verb::Cancel | Verb::Reset) {
                assert_eq!(life.limiter.snapshot(), before, "{setup:?} {step:?}: {said:?}");
            } else if matches!(said, Said::Decision(_) | Said::Answer(true) | Said::Booked(_)) {
                assert_ne!(life.limiter.snapshot(), before, "a grant changes the state: {setup:?} {step:?}");
            }
        }
    }
    check(holds as fn(Any, Vec<Step>));
}

// How much passes

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
        let offset = match setup.quota.anchored() {
            Anchor::Offset(offset) => u128::from(offset) % period,
            _ => 0,
        };
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

/// The permits of a log, by the times at which they are logged: a caller who is late is judged, and logged, at the newest time.
struct Logged {
    times: Vec<u64>,
    last: u64,
    held: bool,
}

impl Logged {
    fn log(&mut self, now: u64, at: u64, cost: u64) {
        if cost > 0 {
            self.held = at > now;
            self.last = self.last.max(at);
            self.times.extend((0..cost).map(|_| self.last));
        }
    }

    /// Forgets some of the live permits, whichever `choice` says. As many as the log gives back, which knows the oldest only.
    fn refund(&mut self, now: u64, permits: u64, period: u64, choice: u64) -> u64 {
        let t = self.last.max(now);
        if self.held && now < self.last {
            return permits;
        }
        let live: Vec<usize> =
            (0..self.times.len()).filter(|&nth| self.times[nth].saturating_add(period) > t).collect();
        let back = permits.min(live.len() as u64);
        let from = if live.is_empty() { 0 } else { choice as usize % live.len() };
        let mut gone: Vec<usize> = (0..back as usize).map(|nth| live[(from + nth) % live.len()]).collect();
        gone.sort_unstable();
        for nth in gone.into_iter().rev() {
            self.times.remove(nth);
        }
        if back > 0 {
            self.last = t;
        }
        back
    }

    fn within_limit(&mut self, limit: u64, period: u64) -> bool {
        self.times.sort_unstable();
        // L + 1 permits in a row span at least the period.
        self.times.windows(limit as usize + 1).all(|some| some[limit as usize] - some[0] >= period)
    }
}

/// Whatever the clock does: late calls, debts, reservations, and refunds, whichever permits were meant.
#[test]
fn a_sliding_log_never_lets_more_than_its_limit_into_any_span() {
    fn holds(Log(setup): Log, steps: Vec<Step>) {
        let (limit, period) = (setup.quota.limit(), setup.quota.period_nanos());
        let mut life = Life::new(&setup);
        let mut logged = Logged { times: vec![], last: 0, held: false };
        for step in &steps {
            let cost = step.cost(&life.quota);
            let verb = match step.verb {
                // They forget what was logged.
                Verb::Cancel | Verb::Reset => Verb::Take,
                verb => verb,
            };
            if verb == Verb::Refund {
                // At most what is still live: the log trusts whoever gives back.
                let now = step.time(life.now, &life.quota).min(life.limiter.horizon());
                let back = logged.refund(now, cost.min(limit), period, step.cost.1);
                life.now = now;
                life.limiter.refund_at(now, back);
                continue;
            }
            let said = life.step(&Step { verb, ..*step });
            let now = life.now.min(life.limiter.horizon());
            match said {
                Said::Decision(said) if said.is_allowed() && verb == Verb::Charge => {
                    logged.log(now, now + said.retry_after_nanos().expect("a debt is paid some day"), cost);
                }
                Said::Decision(said) if said.is_allowed() && verb == Verb::Take => logged.log(now, now, cost),
                Said::Answer(true) => logged.log(now, now, cost),
                Said::Booked(at) => logged.log(now, at.min(life.limiter.horizon()), cost),
                _ => {}
            }
        }
        assert!(logged.within_limit(limit, period), "{setup:?}: {:?}", logged.times);
    }
    check(holds as fn(Log, Vec<Step>));
}

// Giving back

/// At one instant, whatever was taken and returned in between: what is there is what was there, less what was kept.
#[test]
fn a_refund_gives_back_what_was_taken_and_no_more() {
    fn holds(Any(setup): Any, steps: Vec<Step>, calls: Vec<(bool, u64)>) {
        let mut life = Life::new(&setup);
        life.live(&steps);
        // (A sliding window gives a caller who comes before its window less back than he took in it.)
        let (limiter, now) = (&life.limiter, life.latest);
        let before = limiter.peek_at(now, 0).remaining();
        let mut kept = 0;
        for (take, raw) in calls {
            if take {
                let cost = raw % (before - kept + 2);
                if limiter.try_acquire_at(now, cost) {
                    kept += cost;
                }
            } else {
                let back = raw % (kept + 1);
                limiter.refund_at(now, back);
                kept -= back;
            }
            assert_eq!(limiter.peek_at(now, 0).remaining(), before - kept, "{setup:?} at {now}");
        }
        // Of whatever else is given back, at most a capacity is there.
        limiter.refund_at(now, u64::MAX);
        let all = limiter.peek_at(now, 0).remaining();
        assert!(all <= life.quota.capacity() && limiter.try_acquire_at(now, all) && !limiter.try_acquire_at(now, 1));
    }
    check(holds as fn(Any, Vec<Step>, Vec<(bool, u64)>));
}

/// A reservation that is cancelled at once was never made.
#[test]
fn a_cancelled_reservation_leaves_no_trace() {
    fn holds(Any(setup): Any, steps: Vec<Step>, next: Step) {
        let mut life = Life::new(&setup);
        life.live(&steps);
        let (limiter, now) = (&life.limiter, life.now);
        let costs = [1, life.quota.capacity(), next.cost(&life.quota)];
        let look = || costs.map(|cost| limiter.peek_at(now, cost));
        let before = (limiter.snapshot(), look());
        if let Ok(slot) = limiter.reserve_at(now, next.cost(&life.quota), u64::MAX) {
            let (waits, at) = (slot.at_nanos() > now, slot.at_nanos());
            limiter.cancel_at(now, slot);
            // The log's `last` stays where a waiting reservation set it: nobody is served before, and nothing is minted.
            if setup.rule != LOG {
                assert_eq!((limiter.snapshot(), look()), before, "{setup:?} at {now}, booked for {at}");
            } else if !waits {
                assert_eq!(look(), before.1, "{setup:?} at {now}");
            } else {
                assert_eq!(limiter.peek_at(at, 1).is_allowed(), life.quota.capacity() > 0, "{setup:?} at {now}");
            }
        }
    }
    check(holds as fn(Any, Vec<Step>, Step));
}

// Keeping

#[test]
fn a_snapshot_goes_on_as_the_limiter_would() {
    fn holds(Any(setup): Any, steps: Vec<Step>, more: Vec<Step>) {
        let mut life = Life::new(&setup);
        life.live(&steps);
        life.slots.clear();
        let kept = life.limiter.snapshot();
        assert_eq!((kept.quota(), kept.algorithm()), (setup.quota, setup.rule.algorithm));
        let mut copy = Life::of(life.copy(), life.now);
        assert_eq!(copy.limiter.snapshot(), kept, "{setup:?}");
        assert_eq!(copy.limiter.horizon(), life.limiter.horizon());
        for step in &more {
            assert_eq!(copy.step(step), life.step(step), "{setup:?} {step:?}");
        }
        assert_eq!(copy.limiter.snapshot(), life.limiter.snapshot(), "{setup:?}");
        life.limiter.restore(&kept).expect("its own");
        assert_eq!(life.limiter.snapshot(), kept, "{setup:?}");
    }
    check(holds as fn(Any, Vec<Step>, Vec<Step>));
}

/// After a change, everything that can be asked is of the new quota.
#[test]
fn a_changed_limiter_says_so() {
    fn holds(Any(setup): Any, steps: Vec<Step>, scale: u8) {
        let mut life = Life::new(&setup);
        life.live(&steps);
        let old = setup.quota;
        let (limit, period) = (old.limit() / 2 + u64::from(scale), old.period_nanos() / 2 + u64::from(scale));
        let Ok(quota) = Quota::from_nanos(limit, period).map(|quota| quota.anchor(old.anchored())) else { return };
        let mut alone = Life::of(life.copy(), life.now);
        let changed = life.limiter.reconfigure_at(life.now, quota, Carry::Time);
        assert_eq!(alone.limiter.reconfigure_mut_at(life.now, quota, Carry::Time), changed, "{setup:?} {quota}");
        let new = Setup { quota, initial: None, origin: life.now, ..setup };
        let expected = if changed.is_ok() { new } else { setup };
        life.quota = expected.quota;
        alone.quota = expected.quota;
        for limiter in [&life.limiter, &alone.limiter] {
            assert_eq!(limiter.quota(), expected.quota);
            assert_eq!(limiter.snapshot().quota(), expected.quota);
            assert_eq!(limiter.horizon(), expected.make().horizon(), "{setup:?} {quota}");
            assert_eq!(limiter.algorithm(), setup.rule.algorithm);
            assert_eq!(limiter.take_at(life.now, 0).limit(), expected.quota.capacity());
        }
        for step in steps.iter().filter(|step| step.verb != Verb::Cancel) {
            assert_eq!(life.step(step), alone.step(step), "{setup:?} {quota} {step:?}");
        }
        assert_eq!(life.limiter.snapshot(), alone.limiter.snapshot());
    }
    check(holds as fn(Any, Vec<Step>, u8));
}

#[cfg(feature = "serde")]
#[test]
fn a_snapshot_reads_back_as_it_was_written() {
    fn holds(Any(setup): Any, steps: Vec<Step>) {
        let mut life = Life::new(&setup);
        life.live(&steps);
        let kept = life.limiter.snapshot();
        let text = serde_json::to_string(&kept).expect("it writes");
        let read = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(kept, read, "{text}");
        assert_eq!(Limiter::from_snapshot(&read).expect("sound").snapshot(), kept, "{text}");
        let quota = serde_json::to_string(&setup.quota).expect("it writes");
        assert_eq!(serde_json::from_str::<Quota>(&quota).expect("it reads"), setup.quota);
        // A word is all there is to keep, but of a log.
        let state = serde_json::to_value(&kept).expect("it writes")["state"].clone();
        assert_eq!(state["Word"].is_u64(), setup.rule != LOG, "{state}");
    }
    check(holds as fn(Any, Vec<Step>));
}

// One limiter, several ways to ask

/// The verbs that read a clock are those that are told the time.
#[test]
fn the_plain_verbs_are_the_told_ones_at_the_time_of_the_clock() {
    fn holds(Any(setup): Any, steps: Vec<Step>) {
        let clock = Arc::new(ManualClock::new(setup.origin));
        let reads = setup.builder().shared_clock(clock.clone()).build().expect("legal");
        let mut told = Life::new(&setup);
        let mut booked = vec![];
        for step in &steps {
            let said = told.step(step);
            let cost = step.cost(&told.quota);
            clock.set(told.now);
            assert_eq!(reads.now(), told.now);
            let ours = match step.verb {
                Verb::Take => Said::Decision(reads.take(cost)),
                Verb::TryAcquire => Said::Answer(reads.try_acquire(cost)),
                Verb::Peek => Said::Decision(reads.peek(cost)),
                Verb::Charge => Said::Decision(reads.charge(cost)),
                Verb::Refund => {
                    reads.refund(cost);
                    Said::Nothing
                }
                Verb::Reserve => {
                    let period = told.quota.period_nanos();
                    let max_wait = if step.cost.0 & 64 == 0 { u64::MAX } else { step.cost.1 % period * 2 };
                    match reads.reserve(cost, Duration::from_nanos(max_wait)) {
                        Ok(reservation) => {
                            let at = reservation.at_nanos();
                            assert_eq!(reservation.delay(), Duration::from_nanos(at.saturating_sub(told.now)));
                            booked.push(reservation);
                            Said::Booked(at)
                        }
                        Err(refused) => Said::Refused(refused.refusal(), refused.decision()),
                    }
                }
                Verb::Cancel => {
                    if !booked.is_empty() {
                        booked.swap_remove(step.cost.1 as usize % booked.len()).cancel();
                    }
                    Said::Nothing
                }
                Verb::Reset => {
                    reads.reset();
                    booked.clear();
                    Said::Nothing
                }
            };
            assert_eq!(ours, said, "{setup:?} {step:?}");
            assert_eq!(reads.snapshot(), told.limiter.snapshot());
        }
    }
    check(holds as fn(Any, Vec<Step>));
}

/// The log in an array is the log on the heap.
#[test]
fn a_log_in_an_array_is_the_log_on_the_heap() {
    fn same<const N: usize>(period: u64, steps: &[Step]) {
        let log = SlidingLog::<N>::new(Duration::from_nanos(period)).expect("legal");
        let mut life = Life::of(LOG.make(N as u64, period), 0);
        let mut slots = vec![];
        for step in steps {
            let said = life.step(step);
            let (now, cost) = (life.now, step.cost(&life.quota));
            let ours = match step.verb {
                Verb::Take => Said::Decision(log.take_at(now, cost)),
                Verb::TryAcquire => Said::Answer(log.try_acquire_at(now, cost)),
                Verb::Peek => Said::Decision(log.peek_at(now, cost)),
                Verb::Charge => Said::Decision(log.charge_at(now, cost)),
                Verb::Refund => {
                    log.refund_at(now, cost);
                    Said::Nothing
                }
                Verb::Reserve => {
                    let max_wait = if step.cost.0 & 64 == 0 { u64::MAX } else { step.cost.1 % period * 2 };
                    match log.reserve_at(now, cost, max_wait) {
                        Ok(slot) => {
                            let at = slot.at_nanos();
                            slots.push(slot);
                            Said::Booked(at)
                        }
                        Err(refused) => Said::Refused(refused.refusal(), refused.decision()),
                    }
                }
                Verb::Cancel => {
                    if !slots.is_empty() {
                        log.cancel_at(now, slots.swap_remove(step.cost.1 as usize % slots.len()));
                    }
                    Said::Nothing
                }
                Verb::Reset => {
                    log.reset();
                    slots.clear();
                    Said::Nothing
                }
            };
            assert_eq!(ours, said, "{N} in {period} ns, {step:?}");
        }
    }
    fn holds(Log(setup): Log, steps: Vec<Step>) {
        let period = setup.quota.period_nanos();
        same::<1>(period, &steps);
        same::<2>(period, &steps);
        same::<7>(period, &steps);
        same::<64>(period, &steps);
    }
    check(holds as fn(Log, Vec<Step>));
}

/// For statics: every rule whose word tells every time, made by the compiler. (A window from first use counts from when it is made.)
const TEN_A_SECOND: Quota = match Quota::per_second(10) {
    Ok(quota) => quota,
    Err(_) => panic!("10 is a limit"),
};
static STATIC: [Limiter; 4] = [
    Limiter::fixed(Algorithm::Gcra, TEN_A_SECOND),
    Limiter::fixed(Algorithm::TokenBucket, TEN_A_SECOND),
    Limiter::fixed(Algorithm::FixedWindow, TEN_A_SECOND),
    Limiter::fixed(Algorithm::SlidingWindow, TEN_A_SECOND),
];
static STATIC_LOG: SlidingLog<10> = match SlidingLog::new(Duration::from_secs(1)) {
    Ok(log) => log,
    Err(_) => panic!("10 is a limit"),
};

#[test]
fn a_static_limiter_is_one_that_was_built() {
    let steps: Vec<Step> = (0..400).map(|_| Step::arbitrary(&mut Gen::new(100))).collect();
    for limiter in &STATIC {
        let built = Limiter::builder(limiter.algorithm(), limiter.quota()).build_at(0).expect("legal");
        let mut life = Life::of(built, 0);
        for step in steps.iter().filter(|step| matches!(step.verb, Verb::Take | Verb::Peek | Verb::Charge)) {
            let Said::Decision(said) = life.step(step) else { panic!("decisions alone") };
            let (now, cost) = (life.now, step.cost(&TEN_A_SECOND));
            let ours = match step.verb {
                Verb::Take => limiter.take_at(now, cost),
                Verb::Charge => limiter.charge_at(now, cost),
                _ => limiter.peek_at(now, cost),
            };
            assert_eq!(ours, said, "{}", limiter.algorithm());
        }
        assert_eq!(limiter.snapshot(), life.limiter.snapshot());
        limiter.reset();
        assert_eq!(limiter.peek_at(0, 1).remaining(), 10);
    }
    assert!(STATIC_LOG.try_acquire_at(5, 10) && !STATIC_LOG.try_acquire_at(SECOND + 4, 1));
    assert!(STATIC_LOG.try_acquire_at(SECOND + 5, 1));
}

/// The state is one word; the sliding log's is one word a permit and two.
#[test]
fn sizes_are_as_promised() {
    // A snapshot of a word under test is one number (`a_snapshot_reads_back_as_it_was_written`), kept in one 64-bit atomic.
    assert_eq!(size_of::<std::sync::atomic::AtomicU64>(), 8);
    assert_eq!(size_of::<SlidingLog<1000>>() - size_of::<SlidingLog<10>>(), 990 * 8);
    // `N * 8 + 16`, and the numbers of its quota.
    assert!(size_of::<SlidingLog<10>>() <= 10 * 8 + 16 + 32, "{}", size_of::<SlidingLog<10>>());
    // The rule and its exact grid, the quota, the clock, the successor: none of it grows with use. Three cache lines and a bit.
    assert!(size_of::<Limiter>() <= 304, "{}", size_of::<Limiter>());
    assert!(size_of::<Decision>() <= 128, "{}", size_of::<Decision>());
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Limiter>();
    shared::<SlidingLog<3>>();
    shared::<Decision>();
    shared::<Slot>();
}
