//! Groups: all or nothing, with other callers at their members.
//!
//! A group's call is a program of steps (docs/semantics.md, "Several limits at once"): a denial where a member denies; otherwise a spend on each member in
//! order, and if one denies meanwhile the earlier ones are given back, the newest first, each by the rules of a cancelled reservation. So a group that
//! was denied has left nothing behind, and one that was allowed has spent on every member; what others saw in between is in the history, too.

use tidegate::{Group, Limiter, Member};

use crate::checker::{Definition, Next};
use crate::every::{BUCKET, FIXED, GCRA, INTERVAL, LOG, Rule, SLIDING};
use crate::reference::{self, Model};
use crate::threads::{History, Verdict, judge};
use crate::{Answer, holds_but_not_with, ours, theirs};

const PERIOD: u64 = 1 << 20;
const NOW: u64 = PERIOD;

#[derive(Clone, Debug)]
enum Call {
    /// The members in this order, each with a cost.
    Together {
        members: Vec<(usize, u64)>,
        allowed: bool,
    },
    Take {
        member: usize,
        cost: u64,
        answer: Answer,
    },
    Peek {
        member: usize,
        cost: u64,
        answer: Answer,
    },
}

/// How far a group's call has come.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
enum Progress {
    #[default]
    New,
    /// What it has spent so far.
    Spending(Vec<(usize, reference::Slot)>),
    /// What it has yet to give back.
    RollingBack(Vec<(usize, reference::Slot)>),
}

struct Members;

impl Definition for Members {
    type Call = Call;
    type State = Vec<Model>;
    type Progress = Progress;

    fn steps(
        &self,
        state: &Vec<Model>,
        _: usize,
        call: &Call,
        progress: &Progress,
        found: &mut Vec<(Vec<Model>, Next<Progress>)>,
    ) {
        let mut models = state.clone();
        let (members, allowed) = match call {
            Call::Take { member, cost, answer } => {
                if theirs(&models[*member].take(NOW, *cost)) == *answer {
                    found.push((models, Next::Over));
                }
                return;
            }
            Call::Peek { member, cost, answer } => {
                if theirs(&models[*member].peek(NOW, *cost)) == *answer {
                    found.push((models, Next::Over));
                }
                return;
            }
            Call::Together { members, allowed } => (members, *allowed),
        };
        let spent = match progress {
            // Given back, the newest first.
            Progress::RollingBack(left) => {
                let mut left = left.clone();
                let (member, slot) = left.pop().expect("over when empty");
                models[member].cancel(NOW, slot);
                let next = if left.is_empty() { Next::Over } else { Next::At(Progress::RollingBack(left)) };
                found.push((models, next));
                return;
            }
            Progress::New => {
                // A denial is where the member that denies is read.
                if !allowed && members.iter().any(|&(member, cost)| !models[member].peek(NOW, cost).allowed) {
                    found.push((models.clone(), Next::Over));
                }
                Vec::new()
            }
            Progress::Spending(spent) => spent.clone(),
        };
        let (member, cost) = members[spent.len()];
        match models[member].reserve(NOW, cost, 0) {
            Ok(slot) => {
                let mut spent = spent;
                spent.push((member, slot));
                if spent.len() < members.len() {
                    found.push((models, Next::At(Progress::Spending(spent))));
                } else if allowed {
                    found.push((models, Next::Over));
                }
            }
            Err(_) if !allowed && !spent.is_empty() => found.push((models, Next::At(Progress::RollingBack(spent)))),
            Err(_) => {}
        }
    }
}

fn pair(rule: Rule, limit: u64) -> (Limiter, Model) {
    let mut config = reference::Config::new(crate::algorithm(rule.algorithm), limit, PERIOD, limit);
    if rule.refill == tidegate::Refill::Interval {
        config.refill = reference::Refill::Interval;
    }
    (rule.make(limit, PERIOD), Model::new(config).expect("legal"))
}

/// Three threads at two or three members: groups in either order, and single callers.
fn together(rules: &'static [Rule]) -> impl Fn(u64) -> Verdict {
    move |seed| {
        let mut history = History::new(seed);
        let (limiters, models): (Vec<_>, Vec<_>) = (0..2 + history.numbers().below(2))
            .map(|_| {
                let (rule, limit) = (history.numbers().one_of(rules), history.numbers().one_of(&[1, 2, 3]));
                pair(rule, limit)
            })
            .unzip();
        let count = limiters.len();
        history.at_once(3, |_, recorder| {
            for _ in 0..4 {
                recorder.record(|numbers| {
                    let (member, cost) = (numbers.below(count as u64) as usize, numbers.one_of(&[1, 1, 2]));
                    match numbers.below(8) {
                        0 => Call::Peek { member, cost, answer: ours(limiters[member].peek_at(NOW, cost)) },
                        1 | 2 => Call::Take { member, cost, answer: ours(limiters[member].take_at(NOW, cost)) },
                        _ => {
                            let (first, up) = (member, numbers.below(2) == 0);
                            let members: Vec<_> = (0..count)
                                .map(|nth| {
                                    (
                                        if up { first + nth } else { first + count - nth } % count,
                                        cost.min(1 + nth as u64),
                                    )
                                })
                                .collect();
                            let named: Vec<_> = members
                                .iter()
                                .map(|&(member, cost)| {
                                    Member::limiter(["a", "b", "c"][member], &limiters[member], cost)
                                })
                                .collect();
                            let allowed = Group::new(&named).expect("legal").try_acquire_at(NOW);
                            Call::Together { members, allowed }
                        }
                    }
                });
            }
        });
        history.alone(|recorder| {
            for (member, limiter) in limiters.iter().enumerate() {
                recorder.record(|_| Call::Peek { member, cost: 1, answer: ours(limiter.peek_at(NOW, 1)) });
            }
        });
        judge(&Members, models, &history.events(), "a group")
    }
}

#[test]
fn a_group_spends_on_all_or_none() {
    holds_but_not_with!([NoRollback, RollbackTooMuch, SpendUnchecked], together(&[GCRA]));
}

#[test]
fn a_group_of_any_rules_spends_on_all_or_none() {
    holds_but_not_with!(
        [NoRollback, RollbackTooMuch, SpendUnchecked],
        together(&[GCRA, BUCKET, INTERVAL, FIXED, SLIDING, LOG])
    );
}
