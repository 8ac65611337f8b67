//! What models share: exploring, and showing that they catch the bug that stands beside them.
//!
//! Where a model bounds preemptions, `TIDEGATE_PREEMPTIONS` more are allowed (0; the long run says 2). Bugs must be caught without.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tidegate::sync::{Bug, seeds};

/// Models share the switch of the seeded bugs, so they take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Every interleaving, and how many there are.
fn explore(preemptions: Option<usize>, model: impl Fn() + Send + Sync + 'static) -> u64 {
    static EXECUTIONS: AtomicU64 = AtomicU64::new(0);
    EXECUTIONS.store(0, Relaxed);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(move || {
        EXECUTIONS.fetch_add(1, Relaxed);
        model();
    });
    EXECUTIONS.load(Relaxed)
}

/// The model holds. (Some programs have none without a bug.)
#[allow(dead_code)]
pub fn holds(preemptions: Option<usize>, model: impl Fn() + Send + Sync + 'static) {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    holds_in_turn(preemptions, model);
}

fn holds_in_turn(preemptions: Option<usize>, model: impl Fn() + Send + Sync + 'static) {
    let more = std::env::var("TIDEGATE_PREEMPTIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    seeds::plant(None);
    let executions = explore(preemptions.map(|most| most + more), model);
    println!("{executions} executions");
    assert!(executions > 1, "a model of one execution shows nothing");
}

/// The model holds, and fails when one of the bugs is planted.
pub fn holds_but_not_with(bugs: &[Bug], preemptions: Option<usize>, model: impl Fn() + Send + Sync + Clone + 'static) {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    holds_in_turn(preemptions, model.clone());
    for &bug in bugs {
        seeds::plant(Some(bug));
        let model = model.clone();
        let caught = catch_unwind(AssertUnwindSafe(|| explore(preemptions, model))).is_err();
        seeds::plant(None);
        assert!(caught, "the model does not catch {bug:?}");
    }
}
