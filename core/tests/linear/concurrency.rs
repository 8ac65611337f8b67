//! Concurrency limits: the count, the limit and the line, in the order in which everybody was answered.
//!
//! Who waits polls a future of its own, so that nothing blocks and every answer is in the history. Whoever leaves, raises the limit or steps out
//! of the line serves those who fit, one after the other: a program of steps.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tidegate::{Concurrency, Enter, Permit};

use crate::checker::{Definition, Next};
use crate::holds_but_not_with;
use crate::threads::{History, Verdict, judge};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Waits,
    Entered,
    Refused,
}

#[derive(Clone, Debug)]
enum Call {
    TryEnter {
        permits: u64,
        allowed: bool,
    },
    /// The first poll of a future, or a later one. `place` is its number.
    Join {
        place: usize,
        permits: u64,
        turn: Turn,
    },
    Poll {
        place: usize,
        turn: Turn,
    },
    /// A future is dropped before it was ready.
    StepOut {
        place: usize,
    },
    Leave {
        permits: u64,
    },
    SetLimit {
        limit: u64,
    },
    /// Both are read from one word.
    InFlight {
        seen: u64,
    },
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Gate {
    in_flight: u64,
    limit: u64,
    /// Who waits, first come first, and how many permits for.
    line: Vec<(usize, u64)>,
    /// What became of those who waited: whether they entered.
    answered: Vec<(usize, u64, bool)>,
}

impl Gate {
    fn fits(&self, permits: u64) -> bool {
        self.line.is_empty() && self.in_flight + permits <= self.limit
    }
}

struct Rules;

impl Definition for Rules {
    type Call = Call;
    type State = Gate;
    /// Whether a call has done what it was for, and serves the line.
    type Progress = bool;

    fn steps(&self, gate: &Gate, _: usize, call: &Call, serves: &bool, found: &mut Vec<(Gate, Next<bool>)>) {
        let mut after = gate.clone();
        if *serves {
            match gate.line.first() {
                Some(&(place, permits)) if permits > gate.limit || gate.in_flight + permits <= gate.limit => {
                    let enters = permits <= gate.limit;
                    after.line.remove(0);
                    after.in_flight += if enters { permits } else { 0 };
                    after.answered.push((place, permits, enters));
                    after.answered.sort_unstable();
                    found.push((after, Next::At(true)));
                }
                _ => found.push((after, Next::Over)),
            }
            return;
        }
        let answer_of = |place| gate.answered.iter().position(|&(one, ..)| one == place);
        let next = match *call {
            Call::TryEnter { permits, allowed } => {
                if allowed {
                    after.in_flight += permits;
                }
                (allowed == gate.fits(permits)).then_some(Next::Over)
            }
            Call::Join { place, permits, turn } => {
                let expected = if permits > gate.limit {
                    Turn::Refused
                } else if gate.fits(permits) {
                    after.in_flight += permits;
                    Turn::Entered
                } else {
                    after.line.push((place, permits));
                    Turn::Waits
                };
                (turn == expected).then_some(Next::Over)
            }
            Call::Poll { place, turn } => match answer_of(place) {
                Some(at) => {
                    let (_, _, entered) = after.answered.remove(at);
                    (turn == if entered { Turn::Entered } else { Turn::Refused }).then_some(Next::Over)
                }
                None => (turn == Turn::Waits).then_some(Next::Over),
            },
            Call::StepOut { place } => {
                match answer_of(place) {
                    // What it was given meanwhile, it gives back.
                    Some(at) => {
                        let (_, permits, entered) = after.answered.remove(at);
                        after.in_flight -= if entered { permits } else { 0 };
                    }
                    None => after.line.retain(|&(one, _)| one != place),
                }
                Some(Next::At(true))
            }
            Call::Leave { permits } => gate.in_flight.checked_sub(permits).map(|left| {
                after.in_flight = left;
                Next::At(true)
            }),
            Call::SetLimit { limit } => {
                after.limit = limit;
                Some(Next::At(true))
            }
            Call::InFlight { seen } => (seen == gate.in_flight).then_some(Next::Over),
        };
        found.extend(next.map(|next| (after, next)));
    }
}

/// What a thread holds.
#[derive(Default)]
struct Holds<'a> {
    permits: Vec<Permit<'a>>,
    waiting: Vec<(usize, Pin<Box<Enter<'a>>>)>,
    joined: usize,
}

impl<'a> Holds<'a> {
    /// Polls a future; one that is ready is dropped.
    fn poll(&mut self, place: usize, mut enter: Pin<Box<Enter<'a>>>) -> Turn {
        match enter.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => {
                self.waiting.push((place, enter));
                Turn::Waits
            }
            Poll::Ready(Ok(permit)) => {
                self.permits.push(permit);
                Turn::Entered
            }
            Poll::Ready(Err(_)) => Turn::Refused,
        }
    }
}

/// Three threads at one gate.
fn a_gate(seed: u64) -> Verdict {
    let mut history = History::new(seed);
    let limit = history.numbers().one_of(&[1, 1, 2, 3]);
    let gate = Concurrency::new(limit).expect("legal");
    let left = history.at_once(3, |thread, recorder| {
        let mut holds = Holds::default();
        for _ in 0..5 {
            recorder.record(|numbers| match numbers.below(16) {
                0..=2 => {
                    let permits = numbers.one_of(&[1, 1, 2]);
                    let permit = gate.try_enter_many(permits);
                    let allowed = permit.is_some();
                    holds.permits.extend(permit);
                    Call::TryEnter { permits, allowed }
                }
                3..=6 => {
                    let permits = numbers.one_of(&[1, 1, 1, 2]);
                    let place = thread as usize * 8 + holds.joined;
                    holds.joined += 1;
                    Call::Join { place, permits, turn: holds.poll(place, Box::pin(gate.enter_many_async(permits))) }
                }
                7 | 8 if !holds.waiting.is_empty() => {
                    let (place, enter) = holds.waiting.remove(0);
                    Call::Poll { place, turn: holds.poll(place, enter) }
                }
                9 | 10 if !holds.waiting.is_empty() => {
                    let (place, enter) = holds.waiting.pop().expect("not empty");
                    drop(enter);
                    Call::StepOut { place }
                }
                11 if thread == 0 => {
                    let limit = numbers.one_of(&[1, 2, 3]);
                    gate.set_limit(limit).expect("legal");
                    Call::SetLimit { limit }
                }
                12 => Call::InFlight { seen: gate.in_flight() },
                _ => match holds.permits.pop() {
                    Some(permit) => {
                        let permits = permit.permits();
                        drop(permit);
                        Call::Leave { permits }
                    }
                    None => Call::InFlight { seen: gate.in_flight() },
                },
            });
        }
        holds
    });
    // In the end whoever holds leaves, and whoever fits must have been let in: a wake-up that was lost shows here.
    history.alone(|recorder| {
        let mut waiting = Vec::new();
        for mut holds in left {
            while let Some(permit) = holds.permits.pop() {
                recorder.record(|_| {
                    let permits = permit.permits();
                    drop(permit);
                    Call::Leave { permits }
                });
            }
            waiting.append(&mut holds.waiting);
        }
        waiting.sort_by_key(|&(place, _)| place);
        for (place, enter) in waiting {
            let mut holds = Holds::default();
            recorder.record(|_| Call::Poll { place, turn: holds.poll(place, enter) });
            recorder.record(|_| Call::InFlight { seen: gate.in_flight() });
            for permit in holds.permits.drain(..) {
                recorder.record(|_| {
                    let permits = permit.permits();
                    drop(permit);
                    Call::Leave { permits }
                });
            }
            for (place, enter) in holds.waiting.drain(..) {
                recorder.record(|_| {
                    drop(enter);
                    Call::StepOut { place }
                });
            }
        }
        recorder.record(|_| Call::InFlight { seen: gate.in_flight() });
    });
    let first = Gate { in_flight: 0, limit, line: vec![], answered: vec![] };
    judge(&Rules, first, &history.events(), "a concurrency limit")
}

#[test]
fn a_gate_and_its_line() {
    holds_but_not_with!([LostUpdate, MissedWakeUp, WakeNotPassedOn, PermitLost, PermitGivenTwice], a_gate);
}
