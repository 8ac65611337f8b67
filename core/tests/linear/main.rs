//! Linearizability: what real threads were answered could have been answered one call after the other, by the reference model.
//!
//! Threads record each call, with a stamp before and a stamp after it; [`checker`] looks for an order of the calls that respects the stamps and in
//! which the sequential definition gives every answer. Thousands of short histories a place: `TIDEGATE_CASES` each (500).
//! Under `--cfg tidegate_seeded` the threads also give way in the middle of calls, and each test must refuse a history of the bugs that stand
//! beside it. loom explores small programs wholly (`loom*.rs`); this looks at longer ones, with every verb and every answer.
//!
//! One call is one step everywhere but where the page says otherwise: a settling that gives back looks afterwards (`word.rs`), a group spends on its
//! members one after the other (`group.rs`), a permit that leaves serves the line behind it (`concurrency.rs`), a lease that is dropped returns and
//! then makes room (`lease.rs`). Those are small programs of steps.

#[path = "../every/mod.rs"]
mod every;

mod checker;
mod concurrency;
mod group;
mod keyed;
mod lease;
mod threads;
mod word;

use tidegate_reference as reference;

/// The model's answer, in the shape in which both sides' are compared.
type Answer = (bool, u64, u64, Option<u64>, u64);

fn ours(decision: tidegate::Decision) -> Answer {
    (
        decision.is_allowed(),
        decision.limit(),
        decision.remaining(),
        decision.retry_after_nanos(),
        decision.reset_after_nanos(),
    )
}

fn theirs(decision: &reference::Decision) -> Answer {
    (decision.allowed, decision.limit, decision.remaining, decision.retry_after, decision.reset_after)
}

fn algorithm(algorithm: tidegate::Algorithm) -> reference::Algorithm {
    match algorithm {
        tidegate::Algorithm::Gcra => reference::Algorithm::Gcra,
        tidegate::Algorithm::TokenBucket => reference::Algorithm::TokenBucket,
        tidegate::Algorithm::FixedWindow => reference::Algorithm::FixedWindow,
        tidegate::Algorithm::SlidingWindow => reference::Algorithm::SlidingWindow,
        tidegate::Algorithm::SlidingLog => reference::Algorithm::SlidingLog,
        _ => unreachable!("an algorithm without a reference"),
    }
}
