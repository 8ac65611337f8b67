//! Every case of `conformance/vectors.json`, answered by this crate: all verbs, all numbers.
//!
//! Each case is run through the `_at` verbs, through the plain verbs on a clock that the case moves, and, if it has no verb that only
//! [`Limiter`] has, through a rule and a word apart or a log in an array of one of the sizes compiled here. A run of no case fails.

// A refusal is a decision, by value, as in the crate itself.
#![allow(clippy::result_large_err)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tidegate::{
    Algorithm, Anchor, Carry, Decision, Limiter, LimiterBuilder, ManualClock, Quota, QuotaError, Refill, Slot, Snapshot,
};
use tidegate_conformance::{self as vectors, Case, Expect, Op, Setup, Step, Vectors};

#[path = "common/subject.rs"]
mod subject;
use subject::{Apart, Subject, Told};

/// Reads its own clock.
struct Reads {
    limiter: Limiter,
    clock: Arc<ManualClock>,
}

impl Reads {
    fn at(&self, now: u64) -> &Limiter {
        self.clock.set(now);
        &self.limiter
    }
}

impl Subject for Reads {
    fn take(&mut self, now: u64, cost: u64) -> Decision {
        self.at(now).take(cost)
    }
    fn try_acquire(&mut self, now: u64, cost: u64) -> bool {
        self.at(now).try_acquire(cost)
    }
    fn peek(&mut self, now: u64, cost: u64) -> Decision {
        self.at(now).peek(cost)
    }
    fn charge(&mut self, now: u64, cost: u64) -> Decision {
        self.at(now).charge(cost)
    }
    fn refund(&mut self, now: u64, permits: u64) {
        self.at(now).refund(permits);
    }
    fn reserve(&mut self, now: u64, cost: u64, max_wait: u64) -> Result<Slot, Decision> {
        let booked = self.at(now).reserve(cost, Duration::from_nanos(max_wait));
        booked.map(|reservation| reservation.into_slot()).map_err(|refused| refused.decision())
    }
    fn cancel(&mut self, now: u64, slot: Slot) {
        self.at(now).cancel_at(now, slot);
    }
    fn reset(&mut self) {
        self.limiter.reset();
    }
    fn reconfigure(&mut self, now: u64, quota: Quota, carry: Carry) -> bool {
        self.at(now).reconfigure(quota, carry).is_ok()
    }
    fn snapshot(&mut self) -> Snapshot {
        self.limiter.snapshot()
    }
    fn restore(&mut self, snapshot: &Snapshot) -> bool {
        self.limiter.restore(snapshot).is_ok()
    }
}

fn builder(setup: &Setup) -> Result<LimiterBuilder, QuotaError> {
    let algorithm = match setup.algorithm {
        vectors::Algorithm::Gcra => Algorithm::Gcra,
        vectors::Algorithm::TokenBucket => Algorithm::TokenBucket,
        vectors::Algorithm::FixedWindow => Algorithm::FixedWindow,
        vectors::Algorithm::SlidingWindow => Algorithm::SlidingWindow,
        vectors::Algorithm::SlidingLog => Algorithm::SlidingLog,
    };
    let anchor = match setup.anchor {
        vectors::Anchor::Clock => Anchor::Offset(setup.offset),
        vectors::Anchor::FirstUse => Anchor::FirstUse,
    };
    let refill = match setup.refill {
        vectors::Refill::Continuous => Refill::Continuous,
        vectors::Refill::Interval => Refill::Interval,
    };
    let builder = Limiter::builder(algorithm, quota(&setup.quota)?).anchor(anchor).refill(refill);
    Ok(match setup.initial {
        Some(permits) => builder.initial(permits),
        None => builder,
    })
}

fn quota(quota: &vectors::Quota) -> Result<Quota, QuotaError> {
    Quota::from_nanos(quota.limit, quota.period)?.burst(quota.burst)
}

fn carry(carry: vectors::Carry) -> Carry {
    match carry {
        vectors::Carry::Permits => Carry::Permits,
        vectors::Carry::Proportional => Carry::Proportional,
        vectors::Carry::Time => Carry::Time,
        vectors::Carry::Reset => Carry::Reset,
    }
}

fn said(decision: Decision) -> Expect {
    Expect::Decision {
        allowed: decision.is_allowed(),
        limit: decision.limit(),
        remaining: decision.remaining(),
        retry_after: decision.retry_after_nanos(),
        reset_after: decision.reset_after_nanos(),
    }
}

/// What a case keeps between its steps.
#[derive(Default)]
struct Kept {
    slots: BTreeMap<usize, Slot>,
    snapshot: Option<Snapshot>,
}

/// Asks one step. `Err` if the step itself makes no sense.
fn answer(
    subject: &mut dyn Subject,
    kept: &mut Kept,
    number: usize,
    step: &Step,
    setup: &Setup,
) -> Result<Expect, &'static str> {
    let now = step.now;
    let n = step.n.ok_or("no n");
    match step.op {
        Op::Take => return Ok(said(subject.take(now, n?))),
        Op::Peek => return Ok(said(subject.peek(now, n?))),
        Op::Charge => return Ok(said(subject.charge(now, n?))),
        Op::TryAcquire => {
            let allowed = subject.try_acquire(now, n?);
            // Only the one word is answered; the rest of the expectation is for those who would see it.
            return match step.expect.clone() {
                Expect::Decision { limit, remaining, retry_after, reset_after, .. } => {
                    Ok(Expect::Decision { allowed, limit, remaining, retry_after, reset_after })
                }
                _ => Err("try_acquire expects a decision"),
            };
        }
        Op::Reserve => match subject.reserve(now, n?, step.max_wait.ok_or("no max_wait")?) {
            Ok(slot) => {
                let at = slot.at_nanos();
                kept.slots.insert(number, slot);
                return Ok(Expect::At { at });
            }
            Err(decision) => return Ok(said(decision)),
        },
        Op::Refund => subject.refund(now, n?),
        Op::Cancel => {
            let slot = kept.slots.remove(&step.slot.ok_or("no slot")?).ok_or("a slot that nobody booked")?;
            subject.cancel(now, slot);
        }
        Op::Reset => subject.reset(),
        Op::Reconfigure => {
            let asked = quota(&step.quota.ok_or("no quota")?);
            let anchor = match setup.anchor {
                vectors::Anchor::Clock => Anchor::Offset(setup.offset),
                vectors::Anchor::FirstUse => Anchor::FirstUse,
            };
            let carry = carry(step.carry.ok_or("no carry")?);
            if !asked.is_ok_and(|quota| subject.reconfigure(now, quota.anchor(anchor), carry)) {
                return Ok(Expect::Error { error: true });
            }
        }
        Op::Snapshot => kept.snapshot = Some(subject.snapshot()),
        Op::Restore => {
            if !subject.restore(kept.snapshot.as_ref().ok_or("no snapshot")?) {
                return Ok(Expect::Error { error: true });
            }
        }
    }
    Ok(said(subject.peek(now, 0)))
}

/// Runs a case; what it ran is counted by verb.
fn run(case: &Case, subject: &mut dyn Subject, counts: &mut BTreeMap<String, usize>) {
    let mut kept = Kept::default();
    for (number, step) in case.steps.iter().enumerate() {
        match answer(subject, &mut kept, number, step, &case.setup) {
            Ok(answer) => assert_eq!(answer, step.expect, "{}: step {number}: {step:?}", case.name),
            Err(nonsense) => panic!("{}: step {number}: {nonsense}: {step:?}", case.name),
        }
        *counts.entry(format!("{:?}", step.op)).or_default() += 1;
    }
}

/// The subject for a log in an array, if the case needs no verb that only `Limiter` has.
fn in_an_array(case: &Case) -> Option<Box<dyn Subject>> {
    if !matches!(case.setup.algorithm, vectors::Algorithm::SlidingLog) || of_limiters_only(case) {
        return None;
    }
    subject::in_an_array(case.setup.quota.limit, case.setup.quota.period)
}

fn of_limiters_only(case: &Case) -> bool {
    case.steps.iter().any(|step| matches!(step.op, Op::Reconfigure | Op::Snapshot | Op::Restore))
}

fn load() -> Vectors {
    let vectors = vectors::load();
    assert_eq!(vectors.format, 1, "a format that this reader does not know");
    vectors
}

/// At least this many verbs must have been met: all of them.
const VERBS: usize = 11;

#[test]
fn every_case_with_the_time_told() {
    let (mut ran, mut counts) = (0, BTreeMap::new());
    for case in &load().cases {
        let limiter = builder(&case.setup).and_then(|builder| builder.build_at(case.setup.origin));
        let limiter = limiter.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        run(case, &mut Told(limiter), &mut counts);
        ran += 1;
    }
    println!("{ran} cases, {counts:?}");
    assert!(ran > 0, "no case ran");
    assert_eq!(counts.len(), VERBS, "{counts:?}");
}

#[test]
fn every_case_with_the_time_read() {
    let (mut ran, mut counts) = (0, BTreeMap::new());
    for case in &load().cases {
        let clock = Arc::new(ManualClock::new(case.setup.origin));
        let limiter = builder(&case.setup).and_then(|builder| builder.shared_clock(clock.clone()).build());
        let limiter = limiter.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        run(case, &mut Reads { limiter, clock }, &mut counts);
        ran += 1;
    }
    println!("{ran} cases, {counts:?}");
    assert!(ran > 0, "no case ran");
    assert_eq!(counts.len(), VERBS, "{counts:?}");
}

#[test]
fn every_case_of_a_log_in_an_array() {
    let (mut ran, mut counts) = (0, BTreeMap::new());
    for case in &load().cases {
        if let Some(mut log) = in_an_array(case) {
            run(case, &mut *log, &mut counts);
            ran += 1;
        }
    }
    println!("{ran} cases, {counts:?}");
    assert!(ran >= 80, "only {ran} cases ran");
    assert_eq!(counts.len(), VERBS - 3, "{counts:?}");
}

#[test]
fn every_case_of_a_word_apart() {
    let (mut ran, mut counts) = (0, BTreeMap::new());
    for case in load().cases.iter().filter(|case| !of_limiters_only(case)) {
        let made = builder(&case.setup).and_then(|builder| builder.word_at(case.setup.origin));
        match made {
            Ok((rule, word)) => run(case, &mut Apart(rule, word), &mut counts),
            Err(_) if matches!(case.setup.algorithm, vectors::Algorithm::SlidingLog) => continue,
            Err(error) => panic!("{}: {error}", case.name),
        }
        ran += 1;
    }
    println!("{ran} cases, {counts:?}");
    assert!(ran >= 800, "only {ran} cases ran");
    assert_eq!(counts.len(), VERBS - 3, "{counts:?}");
}

#[test]
fn every_limiter_that_must_not_be_made_is_refused() {
    let mut refused = 0;
    for case in &load().quota_errors {
        let limiter = builder(&case.setup).and_then(|builder| builder.build_at(case.setup.origin));
        assert!(case.refused && limiter.is_err(), "{} was made", case.name);
        refused += 1;
    }
    println!("{refused} refused");
    assert!(refused > 0, "no case ran");
}

/// The reader is strict: a verb that it does not know is no verb that it skips.
#[test]
fn an_unknown_verb_does_not_read() {
    let known = vectors::TEXT.replacen("\"op\":\"take\"", "\"op\":\"fly\"", 1);
    assert_ne!(known, vectors::TEXT);
    assert!(serde_json::from_str::<Vectors>(vectors::TEXT).is_ok());
    assert!(serde_json::from_str::<Vectors>(&known).is_err());
}

/// The runner finds a limiter that is wrong by one permit, one nanosecond, or one verb.
#[test]
fn a_wrong_limiter_is_found() {
    type Wrong = fn(&mut Case);
    let wrong: [(&str, Wrong); 4] = [
        ("one more permit", |case| case.setup.quota.burst += 1),
        ("one nanosecond more", |case| case.setup.quota.period += 1),
        ("asked a nanosecond late", |case| {
            case.steps.iter_mut().for_each(|step| step.now = step.now.saturating_add(1))
        }),
        ("peeks instead of taking", |case| {
            case.steps.iter_mut().filter(|step| step.op == Op::Take).for_each(|step| step.op = Op::Peek)
        }),
    ];
    for (what, wrong) in wrong {
        let found = load().cases.into_iter().any(|mut case| {
            wrong(&mut case);
            let Ok(limiter) = builder(&case.setup).and_then(|builder| builder.build_at(case.setup.origin)) else {
                return false;
            };
            let (mut subject, mut kept) = (Told(limiter), Kept::default());
            case.steps.iter().enumerate().any(|(number, step)| {
                answer(&mut subject, &mut kept, number, step, &case.setup).is_ok_and(|answer| answer != step.expect)
            })
        });
        assert!(found, "no vector finds: {what}");
    }
}
