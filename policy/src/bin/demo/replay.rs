//! One row: a flood of twice the capacity at once, another when the first denial said to come back, and a steady load of 1.25
//! times the rate. Every answer is judged; then the same story is told in larger bites to the limiter and to the exact model.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tidegate::{Algorithm, Quota};
use tidegate_policy::Limit;

use crate::judge::Judge;
use crate::rows::{Mark, START, Work, work};
use crate::subject::{Subject, limiter, model};

/// What a row showed.
pub enum Outcome {
    Replayed(Replayed),
    Skipped(&'static str),
}

pub struct Replayed {
    pub algorithm: Algorithm,
    pub mark: Mark,
    pub flood: Count,
    pub retry_after: u64,
    pub reset_after: u64,
    /// Admitted of a second flood, `retry_after` later.
    pub again: u64,
    pub steady: Count,
    pub longest: u64,
}

#[derive(Clone, Copy, Default)]
pub struct Count {
    pub admitted: u64,
    pub denied: u64,
}

impl Count {
    pub fn total(self) -> u64 {
        self.admitted + self.denied
    }
}

/// By the place of the limit in its file: its outcome, or where and how it failed.
pub type Results = HashMap<String, Result<Outcome, String>>;

/// Replays all rows on all cores.
pub fn all(limits: Vec<&Limit>) -> Results {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(HashMap::new());
    let workers = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(limit) = limits.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = row(limit).map_err(|fault| format!("{}: {}: {fault}", limit.place(), limit.id()));
                    results
                        .lock()
                        .unwrap_or_else(|poison| poison.into_inner())
                        .insert(limit.place().to_string(), outcome);
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(|poison| poison.into_inner())
}

fn row(limit: &Limit) -> Result<Outcome, String> {
    let (quota, mark) = match work(limit) {
        Work::Replay { quota, mark } => (quota, mark),
        Work::Skip(reason) => return Ok(Outcome::Skipped(reason)),
    };
    let algorithm = limit.window().map_or(Algorithm::Gcra, |window| window.algorithm());
    let (flood, retry_after, reset_after, again, run) = flood(algorithm, quota)?;
    let (steady, steady_run) = steady(algorithm, quota)?;
    compare(algorithm, quota)?;
    let longest = run.max(steady_run);
    Ok(Outcome::Replayed(Replayed { algorithm, mark, flood, retry_after, reset_after, again, steady, longest }))
}

fn judge(algorithm: Algorithm, quota: Quota) -> Result<Judge, String> {
    Judge::new(algorithm, quota).ok_or_else(|| "windows from first use are not replayed".to_owned())
}

fn flood(algorithm: Algorithm, quota: Quota) -> Result<(Count, u64, u64, u64, u64), String> {
    let mut gate = limiter(algorithm, quota, START)?;
    let mut judge = judge(algorithm, quota)?;
    let offered = quota.capacity().saturating_mul(2);
    let first = pour(&gate, &mut judge, START, offered)?;

    let denied = gate.look(START, 1);
    let wait = match denied.retry_after {
        Some(wait) if !denied.allowed && wait > 0 => wait,
        other => return Err(format!("after a flood the wait is {other:?}")),
    };
    let reset = denied.reset_after;
    for (what, right) in [
        ("retry_after is too long", !gate.look(START + wait - 1, 1).allowed),
        ("retry_after is too short", gate.look(START + wait, 1).allowed),
        ("reset_after is too long", gate.look(START + reset - 1, 1).remaining < quota.capacity()),
        ("reset_after is too short", gate.look(START + reset, 1).remaining == quota.capacity()),
        ("a flood did not fill it to capacity", first.admitted == quota.capacity()),
    ] {
        if !right {
            return Err(format!("{what} (retry_after {wait} ns, reset_after {reset} ns)"));
        }
    }
    let second = pour(&gate, &mut judge, START + wait, offered)?;
    Ok((first, wait, reset, second.admitted, judge.longest()))
}

/// `calls` calls of one permit at one instant.
fn pour(gate: &tidegate::Limiter, judge: &mut Judge, now: u64, calls: u64) -> Result<Count, String> {
    let mut count = Count::default();
    for _ in 0..calls {
        let allowed = gate.try_acquire_at(now, 1);
        judge.hear(now, 1, allowed)?;
        if allowed { count.admitted += 1 } else { count.denied += 1 }
    }
    Ok(count)
}

/// The periods of a steady load: so many that a bucket runs dry, which takes it `4 B / L` of them.
fn periods(algorithm: Algorithm, quota: Quota) -> u64 {
    match algorithm {
        Algorithm::Gcra | Algorithm::TokenBucket => 3 + 4 * quota.capacity().div_ceil(quota.limit()),
        _ => 3,
    }
}

/// The instant of the n-th call of a load of 1.25 times the rate, in calls of `cost`.
fn instant(quota: Quota, n: u64, cost: u64) -> u64 {
    let nanos =
        u128::from(n) * u128::from(cost) * u128::from(quota.period_nanos()) * 4 / (u128::from(quota.limit()) * 5);
    START + u64::try_from(nanos).unwrap_or(u64::MAX / 4)
}

fn steady(algorithm: Algorithm, quota: Quota) -> Result<(Count, u64), String> {
    let gate = limiter(algorithm, quota, START)?;
    let mut judge = judge(algorithm, quota)?;
    let mut count = Count::default();
    for n in 0..periods(algorithm, quota) * quota.limit() * 5 / 4 {
        let now = instant(quota, n, 1);
        let allowed = gate.try_acquire_at(now, 1);
        judge.hear(now, 1, allowed)?;
        if allowed { count.admitted += 1 } else { count.denied += 1 }
    }
    Ok((count, judge.longest()))
}

/// Calls of up to this share of the limit: the model searches for every figure that it gives, and a row must not take seconds.
const BITES: u64 = 200;

fn compare(algorithm: Algorithm, quota: Quota) -> Result<(), String> {
    let mut gate = limiter(algorithm, quota, START)?;
    let mut exact = model(algorithm, quota, START)?;
    let bite = quota.limit().div_ceil(BITES);
    let mut ask = |now: u64, cost: u64| {
        let (left, right) = (gate.spend(now, cost), exact.spend(now, cost));
        if left == right {
            return Ok(left.retry_after);
        }
        Err(format!("a call of {cost} at {now} ns: the limiter says {left:?}, the model says {right:?}"))
    };
    let mut now = START;
    for _ in 0..2 {
        for _ in 0..quota.capacity().saturating_mul(2).div_ceil(bite) {
            ask(now, bite)?;
        }
        for cost in [1, 1, 0, quota.capacity(), quota.capacity().saturating_add(1)] {
            ask(now, cost)?;
        }
        now += ask(now, bite)?.unwrap_or(0);
    }
    let later = now - START;
    for n in 0..periods(algorithm, quota) * BITES.min(quota.limit()) * 5 / 4 {
        ask(instant(quota, n, bite) + later, bite)?;
    }
    Ok(())
}
