//! 100,000 accounts on the plans of all providers, held in tables of one word an account, and a flood of strangers that frees nobody.
//!
//! Every plan's limit becomes a keyed limiter with two places for each of its accounts. In virtual time each account spends its capacity in three
//! calls and asks for one permit more; then strangers flood the table, five for each account; then the accounts ask again, at once and half a
//! period later. Nobody may have been freed, and what a sample of accounts is told must be what the exact model says.

use std::fmt::Write;

use tidegate::{Algorithm, KeyedLimiter, Quota};
use tidegate_policy::Policy;
use tidegate_reference::Model;

use crate::rows::{START, Work, work};
use crate::subject::{Subject, model};

const ACCOUNTS: usize = 100_000;
/// One account in so many is compared with the exact model.
const SAMPLE: u64 = 97;

struct Plan<'a> {
    name: String,
    place: String,
    algorithm: Algorithm,
    quota: Quota,
    policy: &'a str,
}

#[derive(Default)]
struct Tally {
    calls: u64,
    admitted: u64,
    denied: u64,
    checked: u64,
}

/// The table of plans, or what disagreed.
pub fn table(policies: &[(String, Policy)]) -> Result<String, String> {
    let plans = plans(policies);
    if plans.is_empty() {
        return Ok("\nNo limit fits one word an account: no accounts were made.\n".into());
    }
    let each = ACCOUNTS / plans.len();
    let mut out =
        format!("\n{ACCOUNTS} accounts on {} limits, two places for each, and a flood of strangers\n", plans.len());
    let _ = writeln!(
        out,
        "{:<10} {:<34} {:>18} {:<14} {:>8} {:>8} {:>9} {:>8} {:>8} {:>9}",
        "provider", "plan", "quota", "algorithm", "accounts", "calls", "admitted", "denied", "checked", "B a place"
    );
    let (mut accounts, mut bytes, mut total) = (0, 0, Tally::default());
    for (n, plan) in plans.iter().enumerate() {
        // The first plans have one account more, so that there are as many as were said.
        let count = each + usize::from(n < ACCOUNTS % plans.len());
        let (tally, memory) = run(plan, count).map_err(|fault| format!("{}: {}: {fault}", plan.place, plan.name))?;
        let _ = writeln!(
            out,
            "{:<10} {:<34} {:>18} {:<14} {:>8} {:>8} {:>9} {:>8} {:>8} {:>9.1}",
            plan.policy,
            plan.name,
            plan.quota.to_string(),
            plan.algorithm,
            count,
            tally.calls,
            tally.admitted,
            tally.denied,
            tally.checked,
            memory as f64 / (2 * count) as f64
        );
        accounts += count;
        bytes += memory;
        total.calls += tally.calls;
        total.admitted += tally.admitted;
        total.denied += tally.denied;
        total.checked += tally.checked;
    }
    let _ = writeln!(
        out,
        "{accounts} accounts in {bytes} bytes: {} calls, {} admitted, {} denied, {} answers compared with the exact model",
        total.calls, total.admitted, total.denied, total.checked
    );
    if total.checked == 0 {
        return Err("no account was compared with the exact model".into());
    }
    Ok(out)
}

/// The limits that one word an account can hold.
fn plans(policies: &[(String, Policy)]) -> Vec<Plan<'_>> {
    let mut plans = Vec::new();
    for (_, policy) in policies {
        for limit in policy.limits() {
            let (Work::Replay { quota, .. }, Some(window)) = (work(limit), limit.window()) else { continue };
            let algorithm = window.algorithm();
            if algorithm != Algorithm::SlidingLog {
                let (name, place) = (limit.id().to_owned(), limit.place().to_string());
                plans.push(Plan { name, place, algorithm, quota, policy: policy.provider().name() });
            }
        }
    }
    plans
}

fn run(plan: &Plan, count: usize) -> Result<(Tally, usize), String> {
    let keyed: KeyedLimiter<(u8, u64)> = KeyedLimiter::builder(plan.algorithm, plan.quota)
        .max_keys(2 * count)
        .build_at(START)
        .map_err(|error| error.to_string())?;
    let memory = keyed.memory();
    let capacity = plan.quota.capacity();
    let share = capacity.div_ceil(3);
    let half = START + plan.quota.period_nanos() / 2;
    let mut models: Vec<(u64, Model)> = Vec::new();
    for account in (0..count as u64).step_by(SAMPLE as usize) {
        models.push((account, model(plan.algorithm, plan.quota, START)?));
    }
    let mut tally = Tally::default();
    let mut everybody = |now: u64, cost: u64, tally: &mut Tally| -> Result<(), String> {
        for account in 0..count as u64 {
            let decision = keyed.take_at(&(0, account), now, cost);
            tally.calls += 1;
            *(if decision.is_allowed() { &mut tally.admitted } else { &mut tally.denied }) += 1;
            if account % SAMPLE == 0 {
                let (_, model) = &mut models[(account / SAMPLE) as usize];
                let exact = model.spend(now, cost);
                let ours = (
                    decision.is_allowed(),
                    decision.remaining(),
                    decision.retry_after_nanos(),
                    decision.reset_after_nanos(),
                );
                if ours != (exact.allowed, exact.remaining, exact.retry_after, exact.reset_after) {
                    return Err(format!(
                        "account {account}, {cost} at {now}: {decision:?}, and the model says {exact:?}"
                    ));
                }
                tally.checked += 1;
            }
        }
        Ok(())
    };
    // To the last permit, and one too many.
    let mut left = capacity;
    while left > 0 {
        let cost = share.min(left);
        everybody(START, cost, &mut tally)?;
        left -= cost;
    }
    everybody(START, 1, &mut tally)?;
    if tally.denied != count as u64 {
        return Err(format!("{} of {count} accounts were refused the permit after the last", tally.denied));
    }
    if keyed.evictions() > 0 {
        return Err(format!("{} of {count} accounts were forgotten with two places for each", keyed.evictions()));
    }
    // Strangers come and use little: they push out each other.
    for stranger in 0..5 * count as u64 {
        let _ = keyed.take_at(&(1, stranger), START, 1);
        tally.calls += 1;
    }
    if keyed.len() > 2 * count || keyed.memory() != memory || keyed.evictions() == 0 {
        return Err(format!("{} keys in {} bytes, {} evictions", keyed.len(), keyed.memory(), keyed.evictions()));
    }
    let denied = tally.denied;
    everybody(START, 1, &mut tally)?;
    if tally.denied - denied != count as u64 {
        return Err(format!("a flood of strangers freed {} of {count} accounts", count as u64 + denied - tally.denied));
    }
    everybody(half, share, &mut tally)?;
    Ok((tally, memory))
}
