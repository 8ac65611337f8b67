//! All policies enforced: the scenarios of their documents, then two hours of recorded-style traffic each, with verdicts and headers.
//!
//! The traffic is drawn from a seed: eighteen callers of unequal appetite on the policy's plans, at its endpoints, in bursts. What each limit
//! admitted is then judged by that limit's promise alone, key by key: no policy may have let more through than any one of its limits.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::Path;

use tidegate_policy::scenario::Scenarios;
use tidegate_policy::{Allowance, Endpoints, Limit, Policy, Request, Scope, Segment, Verdict};

use crate::judge::Judge;
use crate::rows::START;

const REQUESTS: usize = 20_000;
const CALLERS: u64 = 18;
/// The mean gap: twenty thousand requests are two hours.
const GAP: u64 = 360_000_000;
/// Refusals shown of each policy.
const SHOWN: usize = 2;

/// The table, or what disagreed.
pub fn table(files: &[std::path::PathBuf]) -> Result<String, String> {
    let mut out = String::from("\nEnforced: the scenarios of each document, and two hours of traffic\n");
    for file in files {
        let policy = Policy::builder().enforce_examples(true).max_keys(1_000).from_file(file);
        let policy = policy.map_err(|error| error.to_string())?;
        let _ = writeln!(out, "\n{}", policy.provider().name());
        scenarios(file, &mut out)?;
        traffic(&policy, &mut out).map_err(|fault| format!("{}: {fault}", file.display()))?;
    }
    Ok(out)
}

fn scenarios(policy: &Path, out: &mut String) -> Result<(), String> {
    let file = policy.with_file_name("scenarios").join(policy.file_name().unwrap_or_default());
    if !file.is_file() {
        return Ok(());
    }
    let played =
        Scenarios::from_file(&file).and_then(|scenarios| scenarios.play()).map_err(|error| error.to_string())?;
    let acts = || played.scenes().iter().flat_map(|scene| &scene.acts);
    let calls: u64 = acts().map(|act| act.calls).sum();
    let _ = writeln!(out, "  {} scenarios, {calls} calls: as the document says", played.scenes().len());
    Ok(())
}

/// One caller's request.
struct Call {
    now: u64,
    caller: u64,
    line: String,
    emails: u64,
}

fn traffic(policy: &Policy, out: &mut String) -> Result<(), String> {
    let mut plans: Vec<&str> = policy.limits().iter().filter_map(Limit::plan).collect();
    plans.dedup();
    let batches = policy.limits().iter().any(|limit| limit.unit() == "emails" && limit.scope() == Scope::Request);
    let mut judges: HashMap<(String, String), Judge> = HashMap::new();
    let mut refused: BTreeMap<String, u64> = BTreeMap::new();
    let mut admitted = 0;
    for call in calls(policy) {
        let Call { now, caller, line, emails } = &call;
        let keys = [
            (Scope::ApiKey, format!("key_{caller}")),
            (Scope::Ip, format!("192.0.2.{}", caller % 7)),
            (Scope::Account, format!("acc_{}", caller / 2)),
            (Scope::Organization, format!("org_{caller}")),
            (Scope::SenderDomain, format!("d{}.example", caller % 5)),
        ];
        let mut request = Request::new().request_line(line);
        if let Some(plan) = plans.get(*caller as usize % plans.len().max(1)) {
            request = request.plan(plan);
        }
        for (scope, key) in &keys {
            request = request.scope(*scope, key);
        }
        if batches && line.contains("batch") {
            request = request.units("emails", *emails);
        }
        let verdict = policy.take_at(*now, &request).map_err(|error| error.to_string())?;
        if verdict.is_allowed() {
            admitted += 1;
            for limit in verdict.limits() {
                let key = keys.iter().find(|(scope, _)| *scope == limit.of().counted_per()).map(|(_, key)| key.clone());
                heard(&mut judges, limit.of(), key.unwrap_or_default(), *now, limit.cost())
                    .map_err(|fault| format!("{}: {}: {fault}", limit.of().place(), limit.id()))?;
            }
            continue;
        }
        let Some(binding) = verdict.binding() else { return Err(format!("{line} was denied by nobody")) };
        if binding.is_allowed() {
            return Err(format!("{line}: {} binds and allows", binding.id()));
        }
        let times = refused.entry(binding.id().to_owned()).or_default();
        *times += 1;
        if *times == 1 && refused.len() <= SHOWN {
            show(out, &call, &keys[0].1, &verdict)?;
        }
    }
    let denied: u64 = refused.values().sum();
    let reasons: Vec<String> = refused.iter().map(|(id, times)| format!("{id} {times}")).collect();
    let _ = writeln!(out, "  {REQUESTS} requests: {admitted} admitted, {denied} denied ({})", reasons.join(", "));
    let _ = writeln!(out, "  {} counts judged by their promise alone", judges.len());
    if judges.is_empty() || denied == 0 {
        return Err("the traffic went nowhere near its limits".to_owned());
    }
    Ok(())
}

fn heard(
    judges: &mut HashMap<(String, String), Judge>,
    limit: &Limit,
    key: String,
    now: u64,
    cost: u64,
) -> Result<(), String> {
    let (Some(Allowance::Rate(quota)), Some(window)) =
        (Some(limit.example().unwrap_or(limit.allowance())), limit.window())
    else {
        return Ok(());
    };
    let of = (limit.id().to_owned(), key);
    if let Some(judge) = judges.get_mut(&of) {
        return judge.hear(now, cost, true);
    }
    let Some(judge) = Judge::new(window.algorithm(), *quota) else { return Ok(()) };
    judges.entry(of).or_insert(judge).hear(now, cost, true)
}

fn show(out: &mut String, call: &Call, who: &str, verdict: &Verdict<'_>) -> Result<(), String> {
    let seconds = (call.now - START) as f64 / 1e9;
    let wait = verdict.retry_after().map_or_else(|| "never".to_owned(), |wait| format!("{:.3} s", wait.as_secs_f64()));
    let binding = verdict.binding().map_or("", |binding| binding.id());
    let code = verdict.code().map_or_else(String::new, |code| format!(" {code}"));
    let _ =
        writeln!(out, "  +{seconds:.3}s {who} {} -> {}{code}, {binding}, retry in {wait}", call.line, verdict.status());
    for (name, value) in verdict.headers().map_err(|error| error.to_string())? {
        let _ = writeln!(out, "      {name}: {value}");
    }
    Ok(())
}

/// The traffic of a policy: always the same.
fn calls(policy: &Policy) -> Vec<Call> {
    let mut lines: Vec<String> = vec!["GET /something/else".to_owned()];
    for limit in policy.limits() {
        if let Endpoints::Matching(patterns) = limit.endpoints() {
            lines.extend(patterns.iter().map(|pattern| {
                let method = pattern.methods().first().map_or("GET", String::as_str);
                let segment = |segment: &Segment| match segment {
                    Segment::Text(text) => format!("/{text}"),
                    Segment::Rest => String::new(),
                    _ => "/7".to_owned(),
                };
                format!("{method} {}", pattern.path().iter().map(segment).collect::<String>())
            }));
        }
    }
    lines.sort();
    lines.dedup();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    // Marsaglia's xorshift64.
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut now = START;
    (0..REQUESTS)
        .map(|_| {
            // Mostly close together, now and then a pause.
            now += if random(8) == 0 { random(9 * GAP) } else { random(GAP) };
            // The smaller of two draws: the first callers ask most.
            let caller = random(CALLERS).min(random(CALLERS)).min(random(CALLERS));
            let line = lines[(random(lines.len() as u64)) as usize].clone();
            Call { now, caller, line, emails: 1 + random(100) }
        })
        .collect()
}
