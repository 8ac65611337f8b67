//! `tidegate explain`: a policy file or a quota in plain words.

use std::io::Write;

use tidegate::{Algorithm, Anchor, Limiter, Quota, parse_list};
use tidegate_policy::{Allowance, Endpoints, Limit, Policy, Pool, Scope, Start};

use crate::Failure;
use crate::said::{count, instant, span, span_of_nanos};

pub fn run(what: &str, plan: Option<&str>, algorithm: Option<Algorithm>, out: &mut Vec<u8>) -> Result<(), Failure> {
    if crate::is_file(what) {
        if algorithm.is_some() {
            return Err(Failure::Usage("--algorithm goes with quotas: a policy file says its own".to_owned()));
        }
        let policy = Policy::from_file(what).map_err(Failure::input)?;
        return explain_policy(&policy, plan, out);
    }
    if plan.is_some() {
        return Err(Failure::Usage("--plan goes with a policy file".to_owned()));
    }
    let quotas: Result<Vec<Quota>, _> = parse_list(what).collect();
    let quotas = quotas.map_err(|error| Failure::Input(format!("`{what}` is neither a file nor a quota: {error}")))?;
    for (n, quota) in quotas.iter().enumerate() {
        if n > 0 {
            let _ = writeln!(out);
        }
        explain_quota(quota, algorithm, out)?;
    }
    if quotas.len() > 1 {
        let _ = writeln!(out, "\nAll of them hold: a request is counted by every one, or by none.");
    }
    Ok(())
}

fn explain_quota(quota: &Quota, algorithm: Option<Algorithm>, out: &mut Vec<u8>) -> Result<(), Failure> {
    let calendar = matches!(quota.anchored(), Anchor::Calendar(_));
    let first_use = quota.anchored() == Anchor::FirstUse;
    let algorithm = algorithm.unwrap_or(if calendar || first_use { Algorithm::FixedWindow } else { Algorithm::Gcra });
    let limiter = Limiter::new(algorithm, *quota)
        .map_err(|error| Failure::Input(format!("{algorithm} cannot hold `{quota}`: {error}")))?;
    let _ = writeln!(out, "{quota}, as {algorithm}");
    let _ = writeln!(out, "  {}", sentence(quota, Some(algorithm), "", "permits"));
    for line in promises(algorithm, quota) {
        let _ = writeln!(out, "  {line}");
    }
    if matches!(algorithm, Algorithm::FixedWindow | Algorithm::SlidingWindow)
        && let Some(window) = quota.window_at(limiter.now())
    {
        let _ = writeln!(out, "  The window now: {} to {}.", instant(window.start), instant(window.end));
    }
    Ok(())
}

/// How much in how long.
fn sentence(quota: &Quota, algorithm: Option<Algorithm>, who: &str, unit: &str) -> String {
    let limit = count(quota.limit());
    let period = match quota.anchored() {
        Anchor::Calendar(calendar) => format!("in each {} of the calendar in {}", calendar.unit(), calendar.zone()),
        _ => format!("in {}", span(quota.period())),
    };
    // A bucket holds its rate on average; windows and logs count.
    let average = matches!(algorithm, Some(Algorithm::Gcra | Algorithm::TokenBucket));
    let (most, mean) = if average { ("", " on average") } else { ("at most ", "") };
    let who = if who.is_empty() { String::new() } else { format!("{who}: ") };
    let burst = if quota.capacity() == quota.limit() {
        String::new()
    } else {
        format!(", up to {} at once", count(quota.capacity()))
    };
    let text = format!("{who}{most}{limit} {unit} {period}{mean}{burst}.");
    // A sentence of its own.
    text.strip_prefix("at ").map_or(text.clone(), |rest| format!("At {rest}"))
}

/// What an algorithm makes of it.
fn promises(algorithm: Algorithm, quota: &Quota) -> Vec<String> {
    let interval = span_of_nanos(quota.period_nanos() / quota.limit());
    let full = u128::from(quota.period_nanos()) * u128::from(quota.capacity()) / u128::from(quota.limit());
    let full = span_of_nanos(u64::try_from(full).unwrap_or(u64::MAX));
    let (limit, capacity) = (quota.limit(), quota.capacity());
    match algorithm {
        Algorithm::FixedWindow => vec![
            match quota.anchored() {
                Anchor::FirstUse => {
                    "A window opens with the first request; what is left when it closes is gone.".to_owned()
                }
                _ => "The count starts anew at each boundary.".to_owned(),
            },
            format!("Around a boundary up to {} can pass within less than one window.", count(limit.saturating_mul(2))),
        ],
        Algorithm::SlidingWindow => vec![
            "Counted are this window and the share of the last one that still lies within the period.".to_owned(),
            format!("In any such span fewer than {} pass.", count(limit.saturating_mul(2))),
        ],
        Algorithm::SlidingLog => vec![
            format!(
                "Every permit's time is kept: never more than {} in any such span, wherever it begins.",
                count(limit)
            ),
            format!("Memory: {} bytes for each key.", count(limit.saturating_mul(8))),
        ],
        _ => vec![
            format!("From rest {} may come at once; then one every {interval}.", count(capacity)),
            format!(
                "In any span at most {} and those earned in it; from empty it is full again after {full}.",
                count(capacity)
            ),
        ],
    }
}

fn explain_policy(policy: &Policy, plan: Option<&str>, out: &mut Vec<u8>) -> Result<(), Failure> {
    let limits = policy.limits();
    let mut plans: Vec<Option<&str>> = vec![None];
    for limit in limits {
        if limit.plan().is_some() && !plans.contains(&limit.plan()) {
            plans.push(limit.plan());
        }
    }
    if let Some(plan) = plan {
        let plan = plan.to_lowercase();
        if !plans.contains(&Some(plan.as_str())) {
            let known: Vec<&str> = plans.iter().flatten().copied().collect();
            let known =
                if known.is_empty() { "it has none".to_owned() } else { format!("known are {}", known.join(", ")) };
            return Err(Failure::Usage(format!("the policy has no plan `{plan}`; {known}")));
        }
        plans.retain(|own| own.is_none() || *own == Some(plan.as_str()));
    }
    let provider = policy.provider();
    let _ = write!(out, "{}", provider.name());
    if let Some(api) = provider.api() {
        let _ = write!(out, " ({api})");
    }
    let _ = writeln!(out, ": {} limits.", limits.len());
    for plan in plans {
        let own: Vec<&Limit> = limits.iter().filter(|limit| limit.plan() == plan).collect();
        if own.is_empty() {
            continue;
        }
        let _ = match plan {
            Some(plan) => writeln!(out, "\nPlan {plan}"),
            None => writeln!(out, "\nFor everybody"),
        };
        for limit in own {
            let _ = writeln!(out, "  {}", told(limit));
            for more in beside(limit) {
                let _ = writeln!(out, "      {more}");
            }
        }
    }
    for line in algorithms(limits).into_iter().chain(answers(policy)) {
        let _ = writeln!(out, "{line}");
    }
    Ok(())
}

fn told(limit: &Limit) -> String {
    let who = match limit.scope() {
        Scope::Request => "One request".to_owned(),
        Scope::Endpoint => format!("Each {} on each endpoint", limit.counted_per().name()),
        scope => format!("Each {}", scope.name()),
    };
    let unit = limit.unit();
    let amount = match limit.allowance() {
        Allowance::Rate(quota) => sentence(quota, limit.window().map(|window| window.algorithm()), &who, unit),
        Allowance::Calendar(quota) => format!("{who}: at most {} {unit} {}.", count(quota.limit()), {
            let zone = quota.to_string();
            let zone =
                zone.split_once(" in ").map_or("the customer's own time zone".to_owned(), |(_, zone)| zone.to_owned());
            format!("in each {} of the calendar in {zone}", quota.unit())
        }),
        Allowance::Custom => format!("{who}: as agreed with each customer ({unit}); not enforced."),
        Allowance::Unlimited => format!("{who}: without limit ({unit})."),
        Allowance::Unstated => format!("{who}: limited, but the document states no number ({unit}); not enforced."),
        Allowance::Count(most) if limit.scope() == Scope::Request => format!("{who}: at most {} {unit}.", count(*most)),
        Allowance::Count(most) => format!("{who}: at most {} {unit} in all; not counted by requests.", count(*most)),
        Allowance::Concurrency(most) => format!("{who}: at most {} {unit} at the same time.", count(*most)),
        other => format!("{who}: {other}."),
    };
    format!("{amount}  [{}]", limit.id())
}

/// Endpoints, algorithm and options, where there is something to say.
fn beside(limit: &Limit) -> Vec<String> {
    let mut lines = Vec::new();
    match limit.endpoints() {
        Endpoints::Others => lines.push("Counts all requests that no other row of its table counts.".to_owned()),
        Endpoints::Matching(patterns) => {
            let patterns: Vec<String> = patterns.iter().map(|pattern| pattern.to_string()).collect();
            let pool = if limit.pool() == Pool::PerEndpoint && patterns.len() > 1 { ", each by itself" } else { "" };
            lines.push(format!("Counts {}{pool}.", patterns.join(", ")));
        }
        // Endpoints::All: nothing to say.
        _ => {}
    }
    if let Some(customer) = limit.customer() {
        lines.push(format!("Only for the customer {customer}, instead of the usual limit."));
    }
    if let Some(window) =
        limit.window().filter(|_| matches!(limit.allowance(), Allowance::Rate(_) | Allowance::Calendar(_)))
    {
        let start = match (window.algorithm(), window.start()) {
            (Algorithm::FixedWindow | Algorithm::SlidingWindow, Start::Clock) => ", windows aligned to the clock (UTC)",
            (_, Start::FirstUse) => ", windows from the first request",
            _ => "",
        };
        lines.push(format!("As {}{start}.", window.algorithm()));
    }
    if limit.is_shadow() {
        lines.push("On trial: counted and reported, never a reason to deny.".to_owned());
    }
    if limit.is_optional() {
        lines.push("Passed over for requests that do not name whom it counts.".to_owned());
    }
    lines
}

/// What the algorithms that were named mean, once each.
fn algorithms(limits: &[Limit]) -> Vec<String> {
    let used = |algorithm: Algorithm| {
        limits.iter().any(|limit| limit.window().is_some_and(|window| window.algorithm() == algorithm))
    };
    let mut lines = vec![String::new(), "The words for how a limit counts".to_owned()];
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| used(*algorithm)) {
        lines.push(format!("  {algorithm}: {}.", match algorithm {
            Algorithm::Gcra => "permits come back one by one, at equal distances",
            Algorithm::TokenBucket => "a bucket of permits that fills up as time goes on",
            Algorithm::FixedWindow => "the count starts anew at each boundary; around one, up to twice the limit can pass",
            Algorithm::SlidingWindow => "this window and the share of the last one that still counts; less than twice the limit in any span",
            _ => "every permit's time is kept; never more than the limit in any span",
        }));
    }
    if lines.len() > 2 { lines } else { Vec::new() }
}

/// What a client is answered and told.
fn answers(policy: &Policy) -> Vec<String> {
    let mut lines = vec![String::new(), "Who is over a limit".to_owned()];
    let status = policy.refusal().map_or(429, |refusal| refusal.status());
    lines.push(format!("  is answered with status {status}; the request is counted by no limit."));
    if let Some(refusal) = policy.refusal() {
        let codes: Vec<String> = Scope::ALL
            .into_iter()
            .filter_map(|scope| refusal.code(scope).map(|code| format!("{code} ({})", scope.name())))
            .collect();
        if !codes.is_empty() {
            lines.push(format!("  Codes: {}.", codes.join(", ")));
        }
    }
    if let Some(headers) = policy.headers() {
        let names: Vec<&str> =
            [headers.limit(), headers.remaining(), headers.reset(), headers.retry_after(), headers.scope()]
                .into_iter()
                .flatten()
                .collect();
        if !names.is_empty() {
            lines.push(format!("  Headers: {}.", names.join(", ")));
        }
    }
    lines
}
