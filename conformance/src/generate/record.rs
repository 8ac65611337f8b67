//! The recorder: a script asks, the reference answers, the step is written down.

use tidegate_reference::{self as reference, Config, Decision, Model, Slot, Snapshot};

use crate::{Algorithm, Anchor, Carry, Case, Expect, Op, Quota, QuotaError, Refill, Setup, Step, Verbs};

/// All that has been written.
#[derive(Default)]
pub(super) struct Book {
    pub(super) cases: Vec<Case>,
    pub(super) quota_errors: Vec<QuotaError>,
}

impl Book {
    /// A case on the limiter of `config`; where that is refused, the refusal is the vector.
    pub(super) fn case(&mut self, name: impl Into<String>, config: &Config, ask: impl FnOnce(&mut Script)) {
        let (name, setup) = (name.into(), setup(config));
        let Ok(model) = Model::new(config.clone()) else {
            self.quota_errors.push(QuotaError { name, setup, refused: true });
            return;
        };
        let mut script = Script { model, steps: Vec::new(), slots: Vec::new(), snapshot: None };
        ask(&mut script);
        let steps = script.steps;
        let basic = |step: &Step| matches!(step.op, Op::Take | Op::TryAcquire | Op::Peek);
        let verbs = if steps.iter().all(basic) { Verbs::Basic } else { Verbs::Full };
        self.cases.push(Case { name, setup, verbs, steps });
    }
}

/// One limiter that is asked.
pub(super) struct Script {
    pub(super) model: Model,
    steps: Vec<Step>,
    /// Given and not cancelled, by the step that gave it.
    slots: Vec<(usize, Slot)>,
    snapshot: Option<Snapshot>,
}

impl Script {
    fn step(&mut self, now: u64, op: Op, n: Option<u64>, expect: Expect) -> &mut Step {
        self.steps.push(Step { now, op, n, max_wait: None, slot: None, quota: None, carry: None, expect });
        let last = self.steps.len() - 1;
        &mut self.steps[last]
    }

    /// A verb that answers nothing: what the limiter looks like after it.
    fn after(&mut self, now: u64, op: Op, n: Option<u64>) -> &mut Step {
        let seen = decision(&self.model.peek(now, 0));
        self.step(now, op, n, seen)
    }

    pub(super) fn take(&mut self, now: u64, n: u64) -> Decision {
        let taken = self.model.take(now, n);
        self.step(now, Op::Take, Some(n), decision(&taken));
        taken
    }

    pub(super) fn try_acquire(&mut self, now: u64, n: u64) {
        let taken = self.model.take(now, n);
        self.step(now, Op::TryAcquire, Some(n), decision(&taken));
    }

    pub(super) fn peek(&mut self, now: u64, n: u64) -> Decision {
        let peeked = self.model.peek(now, n);
        self.step(now, Op::Peek, Some(n), decision(&peeked));
        peeked
    }

    /// `take(n)` one nanosecond before it is allowed, and when it is. Nothing if that is now or never.
    pub(super) fn wait_for(&mut self, now: u64, n: u64) -> u64 {
        match self.model.peek(now, n).retry_after {
            Some(wait) if wait > 0 => {
                self.take(now + wait - 1, n);
                self.take(now + wait, n);
                now + wait
            }
            _ => now,
        }
    }

    pub(super) fn charge(&mut self, now: u64, n: u64) -> Decision {
        let charged = self.model.charge(now, n);
        self.step(now, Op::Charge, Some(n), decision(&charged));
        charged
    }

    pub(super) fn refund(&mut self, now: u64, n: u64) {
        self.model.refund(now, n);
        self.after(now, Op::Refund, Some(n));
    }

    /// The number of the step if it was given.
    pub(super) fn reserve(&mut self, now: u64, n: u64, max_wait: u64) -> Option<usize> {
        let number = self.steps.len();
        let (expect, given) = match self.model.reserve(now, n, max_wait) {
            Ok(slot) => {
                let at = slot.at;
                self.slots.push((number, slot));
                (Expect::At { at }, Some(number))
            }
            Err(refused) => (decision(&refused), None),
        };
        self.step(now, Op::Reserve, Some(n), expect).max_wait = Some(max_wait);
        given
    }

    /// Nothing if that step gave no slot, or the slot was cancelled.
    pub(super) fn cancel(&mut self, now: u64, number: Option<usize>) {
        if let Some(place) = self.slots.iter().position(|slot| Some(slot.0) == number) {
            let (number, slot) = self.slots.remove(place);
            self.model.cancel(now, slot);
            self.after(now, Op::Cancel, None).slot = Some(number);
        }
    }

    /// The steps whose slots can be cancelled.
    pub(super) fn open(&self) -> Vec<usize> {
        self.slots.iter().map(|slot| slot.0).collect()
    }

    pub(super) fn reset(&mut self, now: u64) {
        self.model.reset();
        self.after(now, Op::Reset, None);
    }

    pub(super) fn reconfigure(&mut self, now: u64, limit: u64, period: u64, burst: u64, carry: Carry) {
        let kept = match carry {
            Carry::Permits => reference::Carry::Permits,
            Carry::Proportional => reference::Carry::Proportional,
            Carry::Time => reference::Carry::Time,
            Carry::Reset => reference::Carry::Reset,
        };
        let refused = self.model.reconfigure(now, limit, period, burst, kept).is_err();
        let step = self.after(now, Op::Reconfigure, None);
        step.quota = Some(Quota { limit, period, burst });
        step.carry = Some(carry);
        if refused {
            step.expect = Expect::Error { error: true };
        }
    }

    pub(super) fn snapshot(&mut self, now: u64) {
        self.snapshot = Some(self.model.snapshot());
        self.after(now, Op::Snapshot, None);
    }

    /// Nothing before the first snapshot. What was reserved since is forgotten with the state.
    pub(super) fn restore(&mut self, now: u64) {
        if let Some(snapshot) = &self.snapshot {
            let refused = self.model.restore(snapshot).is_err();
            let step = self.after(now, Op::Restore, None);
            if refused {
                step.expect = Expect::Error { error: true };
            }
            self.slots.clear();
        }
    }
}

fn decision(answer: &Decision) -> Expect {
    Expect::Decision {
        allowed: answer.allowed,
        limit: answer.limit,
        remaining: answer.remaining,
        retry_after: answer.retry_after,
        reset_after: answer.reset_after,
    }
}

fn setup(config: &Config) -> Setup {
    let (anchor, offset) = match config.anchor {
        reference::Anchor::Clock { offset } => (Anchor::Clock, offset),
        reference::Anchor::FirstUse => (Anchor::FirstUse, 0),
        reference::Anchor::Starts(_) => unreachable!("the generator makes no windows of the calendar"),
    };
    Setup {
        algorithm: match config.algorithm {
            reference::Algorithm::Gcra => Algorithm::Gcra,
            reference::Algorithm::TokenBucket => Algorithm::TokenBucket,
            reference::Algorithm::FixedWindow => Algorithm::FixedWindow,
            reference::Algorithm::SlidingWindow => Algorithm::SlidingWindow,
            reference::Algorithm::SlidingLog => Algorithm::SlidingLog,
        },
        quota: Quota { limit: config.limit, period: config.period, burst: config.burst },
        anchor,
        offset,
        refill: match config.refill {
            reference::Refill::Continuous => Refill::Continuous,
            reference::Refill::Interval => Refill::Interval,
        },
        initial: config.initial,
        origin: config.origin,
    }
}
