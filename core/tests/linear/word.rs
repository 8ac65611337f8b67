//! One word, and the ring of the log: every verb and every answer, against the model.

use tidegate::{Anchor, Carry, Limiter, Quota, Refill, Slot};

use crate::checker::{Definition, Next};
use crate::every::{BUCKET, EVERY, FIXED, FIXED_FIRST, GCRA, INTERVAL, INTERVAL_FIRST, LOG, Rule, SLIDING};
use crate::reference::{self, Model};
use crate::threads::{History, Numbers, Recorder, Verdict, judge};
use crate::{Answer, holds_but_not_with, ours, theirs};

const PERIOD: u64 = 1 << 20;

#[derive(Clone, Debug)]
pub struct Call {
    pub now: u64,
    pub asked: Asked,
}

#[derive(Clone, Debug)]
pub enum Asked {
    TryAcquire {
        cost: u64,
        allowed: bool,
    },
    Take {
        cost: u64,
        answer: Answer,
    },
    Peek {
        cost: u64,
        answer: Answer,
    },
    Charge {
        cost: u64,
        answer: Answer,
    },
    Refund {
        permits: u64,
    },
    /// The number of the slot, and its instant.
    Reserve {
        cost: u64,
        max_wait: u64,
        slot: usize,
        at: Result<u64, Answer>,
    },
    Cancel {
        slot: usize,
    },
    Settle {
        slot: usize,
        actual: u64,
        answer: Answer,
    },
    Reset,
    Reconfigure {
        limit: u64,
        done: bool,
    },
}

/// The model, and what it has booked.
pub struct Word;

impl Definition for Word {
    type Call = Call;
    type State = (Model, Vec<Option<reference::Slot>>);
    /// Whether a settling has given back, and has yet to look.
    type Progress = bool;

    fn steps(
        &self,
        state: &Self::State,
        _: usize,
        call: &Call,
        looks: &bool,
        found: &mut Vec<(Self::State, Next<bool>)>,
    ) {
        let (mut model, mut slots) = state.clone();
        let now = call.now;
        let same = match &call.asked {
            Asked::TryAcquire { cost, allowed } => model.take(now, *cost).allowed == *allowed,
            Asked::Take { cost, answer } => theirs(&model.take(now, *cost)) == *answer,
            Asked::Peek { cost, answer } => theirs(&model.peek(now, *cost)) == *answer,
            Asked::Charge { cost, answer } => theirs(&model.charge(now, *cost)) == *answer,
            Asked::Refund { permits } => {
                model.refund(now, *permits);
                true
            }
            Asked::Reserve { cost, max_wait, slot, at } => match (model.reserve(now, *cost, *max_wait), at) {
                (Ok(booked), Ok(at)) if booked.at == *at => {
                    slots[*slot] = Some(booked);
                    true
                }
                (Err(refused), Err(answer)) => theirs(&refused) == *answer,
                _ => false,
            },
            Asked::Cancel { slot } => match slots[*slot].take() {
                Some(booked) => {
                    model.cancel(now, booked);
                    true
                }
                None => false,
            },
            Asked::Settle { answer, .. } if *looks => theirs(&model.peek(now, 0)) == *answer,
            Asked::Settle { slot, actual, answer } => match slots[*slot].take() {
                // What gives back looks afterwards, in a step of its own.
                Some(booked) if *actual < booked.cost => {
                    model.settle(now, booked, *actual);
                    found.push(((model, slots), Next::At(true)));
                    return;
                }
                Some(booked) => theirs(&model.settle(now, booked, *actual)) == *answer,
                None => false,
            },
            Asked::Reset => {
                model.reset();
                true
            }
            Asked::Reconfigure { limit, done } => {
                model.reconfigure(now, *limit, PERIOD, *limit, reference::Carry::Permits).is_ok() == *done
            }
        };
        if same {
            found.push(((model, slots), Next::Over));
        }
    }
}

/// A limiter of the rule, its capacity, and its model.
fn pair(rule: Rule, limit: u64) -> (Limiter, Model) {
    let mut config = reference::Config::new(crate::algorithm(rule.algorithm), limit, PERIOD, limit);
    if rule.refill == Refill::Interval {
        config.refill = reference::Refill::Interval;
    }
    if rule.first_use {
        config.anchor = reference::Anchor::FirstUse;
    }
    (rule.make(limit, PERIOD), Model::new(config).expect("legal"))
}

/// Times at which something changes, and beside them; as often as not the one that most others have.
fn time(numbers: &mut Numbers, limit: u64) -> u64 {
    let interval = PERIOD / limit;
    let edges = [0, interval, 2 * interval, PERIOD, PERIOD + interval, 2 * PERIOD];
    match numbers.below(4) {
        0 | 1 => PERIOD,
        2 => numbers.one_of(&edges),
        _ => (numbers.one_of(&edges) + numbers.below(3)).saturating_sub(1),
    }
}

/// One call of any verb; what was booked by this thread is given back by it.
fn any_verb(
    limiter: &Limiter,
    log: bool,
    recorder: &mut Recorder<'_, Call>,
    mine: &mut Vec<(usize, Slot)>,
    next: &mut usize,
) {
    recorder.record(|numbers| {
        let capacity = limiter.quota().capacity();
        let now = time(numbers, capacity);
        let cost = numbers.one_of(&[0, 1, 1, 1, 2, capacity, capacity + 1]);
        let asked = match numbers.below(16) {
            0..=2 => Asked::TryAcquire { cost, allowed: limiter.try_acquire_at(now, cost) },
            3..=5 => Asked::Take { cost, answer: ours(limiter.take_at(now, cost)) },
            6 => Asked::Peek { cost, answer: ours(limiter.peek_at(now, cost)) },
            7 => Asked::Charge { cost, answer: ours(limiter.charge_at(now, cost)) },
            8 | 9 => {
                limiter.refund_at(now, cost);
                Asked::Refund { permits: cost }
            }
            10..=12 => {
                let max_wait = numbers.one_of(&[0, PERIOD, u64::MAX]);
                let at = match limiter.reserve_at(now, cost, max_wait) {
                    Ok(slot) => {
                        let at = slot.at_nanos();
                        mine.push((*next, slot));
                        Ok(at)
                    }
                    Err(refused) => Err(ours(refused.decision())),
                };
                *next += 1;
                Asked::Reserve { cost, max_wait, slot: *next - 1, at }
            }
            13 | 14 if !mine.is_empty() => {
                let (slot, booked) = mine.swap_remove(numbers.below(mine.len() as u64) as usize);
                if numbers.below(2) == 0 {
                    limiter.cancel_at(now, booked);
                    Asked::Cancel { slot }
                } else {
                    let actual = numbers.below(booked.cost() + 2);
                    Asked::Settle { slot, actual, answer: ours(limiter.settle_at(now, booked, actual)) }
                }
            }
            // A log that happens to be as the reservation left it looks untouched to the model, not to the ring.
            15 if !log => {
                limiter.reset();
                Asked::Reset
            }
            _ => Asked::Peek { cost, answer: ours(limiter.peek_at(now, cost)) },
        };
        Call { now, asked }
    });
}

/// Three threads, four to six calls each, of every verb.
fn every_verb(rule: Rule) -> impl Fn(u64) -> Verdict {
    move |seed| {
        let mut history = History::new(seed);
        let limit = history.numbers().one_of(&[1, 2, 4]);
        let (limiter, model) = pair(rule, limit);
        let calls = 4 + history.numbers().below(3) as usize;
        history.at_once(3, |thread, recorder| {
            let (mut mine, mut next) = (Vec::new(), thread as usize * 8);
            for _ in 0..calls {
                any_verb(&limiter, rule == LOG, recorder, &mut mine, &mut next);
            }
        });
        history.alone(|recorder| peek(&limiter, recorder));
        judge(&Word, (model, vec![None; 24]), &history.events(), rule.name)
    }
}

/// What is left in the end, as everybody sees it.
fn peek(limiter: &Limiter, recorder: &mut Recorder<'_, Call>) {
    recorder.record(|_| {
        let now = 2 * PERIOD;
        Call { now, asked: Asked::Peek { cost: 1, answer: ours(limiter.peek_at(now, 1)) } }
    });
}

/// A log so short that its ring is gone round, and a stalled claim is met again.
fn laps(seed: u64) -> Verdict {
    let mut history = History::new(seed);
    let limit = history.numbers().one_of(&[1, 2]);
    let (limiter, model) = pair(LOG, limit);
    let times = history.numbers().one_of(&[[PERIOD; 3], [0, PERIOD, 2 * PERIOD]]);
    history.at_once(3, |_, recorder| {
        for _ in 0..5 {
            recorder.record(|numbers| {
                let now = numbers.one_of(&times);
                Call { now, asked: Asked::Take { cost: 1, answer: ours(limiter.take_at(now, 1)) } }
            });
        }
    });
    history.alone(|recorder| peek(&limiter, recorder));
    judge(&Word, (model, vec![]), &history.events(), "laps of a log")
}

/// Takes while the quota changes under them.
fn change_of_quota(rule: Rule) -> impl Fn(u64) -> Verdict {
    move |seed| {
        let mut history = History::new(seed);
        let limit = history.numbers().one_of(&[2, 4]);
        let (limiter, model) = pair(rule, limit);
        history.at_once(3, |thread, recorder| {
            for nth in 0..4 {
                recorder.record(|numbers| {
                    let now = PERIOD;
                    let asked = if thread == 0 && nth % 2 == 1 {
                        let limit = numbers.one_of(&[1, 2, 4, 8]);
                        let quota = Quota::from_nanos(limit, PERIOD).expect("legal");
                        let quota = if rule.first_use { quota.anchor(Anchor::FirstUse) } else { quota };
                        let done = limiter.reconfigure_at(now, quota, Carry::Permits).is_ok();
                        Asked::Reconfigure { limit, done }
                    } else {
                        Asked::Take { cost: 1, answer: ours(limiter.take_at(now, 1)) }
                    };
                    Call { now, asked }
                });
            }
        });
        history.alone(|recorder| peek(&limiter, recorder));
        judge(&Word, (model, vec![]), &history.events(), rule.name)
    }
}

macro_rules! every_verb {
    ($($name:ident: $rule:ident, [$($bug:ident),*];)*) => {$(
        #[test]
        fn $name() {
            holds_but_not_with!([$($bug),*], every_verb($rule));
        }
    )*};
}

every_verb! {
    gcra: GCRA, [LostUpdate];
    continuous_token_bucket: BUCKET, [LostUpdate];
    interval_token_bucket: INTERVAL, [LostUpdate];
    interval_token_bucket_from_first_use: INTERVAL_FIRST, [LostUpdate];
    fixed_window: FIXED, [LostUpdate];
    fixed_window_from_first_use: FIXED_FIRST, [LostUpdate];
    sliding_window: SLIDING, [LostUpdate];
    sliding_log: LOG, [StaleDecision];
}

#[test]
fn laps_of_a_log() {
    holds_but_not_with!([UnfinishedClaim], laps);
}

#[test]
fn a_change_of_quota() {
    for rule in EVERY {
        println!("{}", rule.name);
        holds_but_not_with!([CopiedState], change_of_quota(rule));
    }
}
