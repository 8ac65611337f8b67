//! Leases: all hands and the shared word together are what the page says, call by call.

use tidegate::{Algorithm, Lease, Leased, Limiter, Quota};

use crate::checker::{Definition, Next};
use crate::reference::{self, Model, Snapshot, State};
use crate::threads::{History, Verdict, judge};
use crate::{Answer, holds_but_not_with, ours, theirs};

const PERIOD: u64 = 1 << 20;
const WORKERS: u64 = 2;

#[derive(Clone, Debug)]
enum Call {
    /// Asks for a lease, as the holder with this number.
    Lease {
        holder: usize,
        got: bool,
    },
    TryAcquire {
        holder: usize,
        now: u64,
        cost: u64,
        allowed: bool,
    },
    /// Returns so much.
    Return {
        holder: usize,
        returned: u64,
    },
    Drop {
        holder: usize,
    },
    /// Without a lease.
    Peek {
        now: u64,
        cost: u64,
        answer: Answer,
    },
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Hands {
    shared: Model,
    /// What each holder has in hand, and the latest time at which it has drawn.
    hands: Vec<Option<(u64, u64)>>,
    out: u64,
}

impl Hands {
    /// Lowers the theoretical arrival time, whatever the time is.
    fn give_back(&mut self, permits: u64) {
        let Snapshot { config, state } = self.shared.snapshot();
        let State::Arrival { tat } = state else { unreachable!("only family 1 is leased") };
        let tat = tat.saturating_sub(u128::from(permits) * self.shared.span());
        self.shared.restore(&Snapshot { config, state: State::Arrival { tat } }).expect("its own");
    }
}

struct Leases {
    batch: u64,
}

impl Definition for Leases {
    type Call = Call;
    type State = Hands;
    /// Whether a lease that is dropped has returned its hand, and has yet to make room.
    type Progress = bool;

    fn steps(&self, state: &Hands, _: usize, call: &Call, progress: &bool, found: &mut Vec<(Hands, Next<bool>)>) {
        let mut after = state.clone();
        let same = match *call {
            Call::Lease { holder, got } => {
                if got {
                    after.hands[holder] = Some((0, 0));
                    after.out += 1;
                }
                got == (state.out < WORKERS)
            }
            Call::TryAcquire { holder, now, cost, allowed } => {
                let (hand, last) = state.hands[holder].expect("holds one");
                let limit = state.shared.config().burst;
                if cost <= hand {
                    after.hands[holder] = Some((hand - cost, last));
                    allowed
                } else if cost > limit {
                    !allowed
                } else {
                    let (now, missing) = (now.max(last), cost - hand);
                    let there = state.shared.peek(now, 0).remaining;
                    if there >= missing {
                        let drawn = there.min(missing.max(self.batch));
                        after.shared.take(now, drawn);
                        after.hands[holder] = Some((drawn - missing, now));
                    }
                    allowed == (there >= missing)
                }
            }
            Call::Return { holder, returned } => {
                let (hand, last) = state.hands[holder].expect("holds one");
                after.give_back(hand);
                after.hands[holder] = Some((0, last));
                returned == hand
            }
            Call::Drop { holder } if !progress => {
                let (hand, _) = after.hands[holder].take().expect("holds one");
                after.give_back(hand);
                found.push((after, Next::At(true)));
                return;
            }
            Call::Drop { .. } => {
                after.out -= 1;
                true
            }
            Call::Peek { now, cost, answer } => theirs(&state.shared.peek(now, cost)) == answer,
        };
        if same {
            found.push((after, Next::Over));
        }
    }
}

fn peek(leased: &Leased, now: u64) -> Call {
    Call::Peek { now, cost: 1, answer: ours(leased.peek_at(now, 1)) }
}

/// Three threads and two leases.
fn hands(seed: u64) -> Verdict {
    let mut history = History::new(seed);
    let (burst, batch) = history.numbers().one_of(&[(8, 2), (7, 3), (5, 1), (12, 4)]);
    let quota = Quota::from_nanos(4, PERIOD).and_then(|quota| quota.burst(burst)).expect("legal");
    let leased = Limiter::builder(Algorithm::Gcra, quota).build_leased_at(0, WORKERS, batch).expect("legal");
    let model = Model::new(reference::Config::new(reference::Algorithm::Gcra, 4, PERIOD, burst - WORKERS * batch));
    let first = Hands { shared: model.expect("legal"), hands: vec![None; 3], out: 0 };
    history.at_once(3, |thread, recorder| {
        let holder = thread as usize;
        let mut lease: Option<Lease<'_>> = None;
        for _ in 0..5 {
            recorder.record(|numbers| {
                let now = numbers.one_of(&[PERIOD, PERIOD, PERIOD, PERIOD + 1, PERIOD + PERIOD / 4]);
                let Some(mine) = &mut lease else {
                    lease = leased.lease().ok();
                    return Call::Lease { holder, got: lease.is_some() };
                };
                match numbers.below(8) {
                    0 => Call::Return { holder, returned: mine.return_unused() },
                    1 => {
                        lease = None;
                        Call::Drop { holder }
                    }
                    2 => peek(&leased, now),
                    _ => {
                        let cost = numbers.one_of(&[0, 1, 1, 1, 2, 3]);
                        Call::TryAcquire { holder, now, cost, allowed: mine.try_acquire_at(now, cost) }
                    }
                }
            });
        }
        if lease.is_some() {
            recorder.record(|_| {
                lease = None;
                Call::Drop { holder }
            });
        }
    });
    history.alone(|recorder| {
        recorder.record(|_| peek(&leased, PERIOD));
        recorder.record(|_| peek(&leased, PERIOD + PERIOD / 4));
    });
    judge(&Leases { batch }, first, &history.events(), "leases")
}

#[test]
fn hands_and_the_shared_word_are_one_limiter() {
    holds_but_not_with!([LostUpdate, UnusedReturnedTwice, ReturnMints, LeaseFreedEarly, NothingHeldBack], hands);
}
