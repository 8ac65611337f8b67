//! Random limiters, and random calls in the course of their lives.

use quickcheck::{Arbitrary, Gen};
use tidegate::{Algorithm, Anchor, Decision, Limiter, Quota, Refusal, Slot};

use crate::every::{BUCKET, EVERY, FIXED, GCRA, INTERVAL, LOG, Rule, SLIDING};

/// Log-uniform over `0..2^bits`, with powers of two and their neighbours.
pub fn wide(g: &mut Gen, bits: u64) -> u64 {
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
pub struct Setup {
    pub rule: Rule,
    pub quota: Quota,
    pub initial: Option<u64>,
    pub origin: u64,
}

impl Setup {
    pub fn arbitrary(g: &mut Gen, rule: Rule) -> Setup {
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

    pub fn builder(&self) -> tidegate::LimiterBuilder {
        let builder = self.rule.builder(self.quota);
        match self.initial {
            Some(permits) => builder.initial(permits),
            None => builder,
        }
    }

    pub fn try_make(&self) -> Result<Limiter, tidegate::QuotaError> {
        self.builder().build_at(self.origin)
    }

    pub fn make(&self) -> Limiter {
        self.try_make().expect("only legal ones are generated")
    }
}

/// A limiter of any rule.
#[derive(Clone, Copy, Debug)]
pub struct Any(pub Setup);

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
        pub struct $name(pub Setup);

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
pub enum Verb {
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
pub struct Step {
    pub verb: Verb,
    pub gap: (u8, u64),
    pub cost: (u8, u64),
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
    pub fn time(&self, now: u64, quota: &Quota) -> u64 {
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

    pub fn cost(&self, quota: &Quota) -> u64 {
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

/// Where its windows begin, in nanoseconds after a multiple of the period.
pub fn offset(quota: &Quota) -> u64 {
    match quota.anchored() {
        Anchor::Offset(offset) => offset % quota.period_nanos(),
        _ => 0,
    }
}

/// What a call answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Said {
    Decision(Decision),
    Answer(bool),
    Booked(u64),
    Refused(Refusal, Decision),
    Nothing,
}

/// A limiter in the course of its life.
pub struct Life {
    pub limiter: Limiter,
    pub quota: Quota,
    pub now: u64,
    /// The latest that `now` has been.
    pub latest: u64,
    pub slots: Vec<Slot>,
}

impl Life {
    pub fn new(setup: &Setup) -> Life {
        Life::of(setup.make(), setup.origin)
    }

    pub fn of(limiter: Limiter, now: u64) -> Life {
        let quota = limiter.quota();
        Life { limiter, quota, now, latest: now, slots: vec![] }
    }

    pub fn step(&mut self, step: &Step) -> Said {
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

    pub fn live(&mut self, steps: &[Step]) {
        for step in steps {
            self.step(step);
        }
    }

    /// Another limiter in the same state.
    pub fn copy(&self) -> Limiter {
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
