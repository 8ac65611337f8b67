//! What is printed of an outcome: figures for people, JSON for programs.

use std::io::Write;

use serde_json::json;
use tidegate_policy::simulate::{Outcome, Shape};

use crate::said::{count, instant, percent, span, span_of_nanos};
use crate::simulate::Arguments;

/// The made-up load, in words.
pub fn load(arguments: &Arguments) -> String {
    let (rate, shape, bursts, length, clients) = arguments.told();
    let mut parts = Vec::new();
    if let Some(rate) = rate {
        let shape = match shape {
            Shape::Poisson => " by chance",
            Shape::Ramp => " at the end of a ramp",
            _ => "",
        };
        parts.push(format!("{rate}{shape}"));
    }
    if let Some(bursts) = bursts {
        parts.push(format!("{} at once every {}", count(bursts.size), span_of_nanos(bursts.every)));
    }
    let who = if clients > 1 { format!(" from {} clients", count(clients)) } else { String::new() };
    format!("{} for {}{who}", parts.join(" and "), span(length))
}

pub fn figures(what: &str, load: &str, outcome: &Outcome, out: &mut Vec<u8>) {
    let asked = outcome.asked();
    let mut line = |name: &str, text: String| {
        let _ = writeln!(out, "{name:<10}{text}");
    };
    let share = |part: u64| format!("{:>15}  {:>7}", count(part), percent(part, asked));
    line("limits", format!("  {what}"));
    line("load", format!("  {load}"));
    line("asked", format!("{:>15}", count(asked)));
    line("at once", share(outcome.at_once()));
    let waits = outcome.waits();
    let delayed = if outcome.delayed() == 0 {
        String::new()
    } else {
        let told =
            [("mean", waits.mean()), ("half within", waits.percentile(50)), ("99 % within", waits.percentile(99))];
        let told: Vec<String> = told.iter().map(|(name, wait)| format!("{name} {}", span(*wait))).collect();
        format!("   waits: {}, longest {}", told.join(", "), span(waits.longest()))
    };
    line("delayed", share(outcome.delayed()) + &delayed);
    let first = outcome.first_denied().map_or(String::new(), |at| {
        let since = at.saturating_sub(outcome.first().unwrap_or(at));
        format!("   the first at {}, {} in", instant(at), span_of_nanos(since))
    });
    line("denied", share(outcome.denied()) + &first);
    if outcome.turned_away() > 0 {
        line("", format!("  {} of them because too many were waiting", count(outcome.turned_away())));
    }
    if let Some(first) = outcome.first() {
        let took = span_of_nanos(outcome.last().saturating_sub(first));
        line("time", format!("  {} to {}, {took}", instant(first), instant(outcome.last())));
    }
    if outcome.out_of_order() > 0 {
        line(
            "order",
            format!(
                "  {} lines stood behind later ones; they were judged at the time of those",
                count(outcome.out_of_order())
            ),
        );
    }
    for (n, tally) in outcome.limits().iter().enumerate() {
        let name = if n == 0 { "by limit" } else { "" };
        let held = if tally.held_up() > 0 { format!(", held up {}", count(tally.held_up())) } else { String::new() };
        line(name, format!("  {}: denied {}{held}", tally.id(), count(tally.denied())));
    }
}

/// Waits in nanoseconds, instants in nanoseconds since 1970.
pub fn json(outcome: &Outcome, out: &mut Vec<u8>) {
    let nanos = |wait: std::time::Duration| u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
    let waits = outcome.waits();
    let limits: Vec<_> = outcome
        .limits()
        .iter()
        .map(|tally| json!({ "id": tally.id(), "denied": tally.denied(), "held_up": tally.held_up() }))
        .collect();
    let series = outcome.series();
    let bins: Vec<_> =
        series.bins().iter().map(|bin| json!([bin.asked, bin.at_once, bin.delayed, bin.denied])).collect();
    let figures = json!({
        "asked": outcome.asked(),
        "at_once": outcome.at_once(),
        "delayed": outcome.delayed(),
        "denied": outcome.denied(),
        "turned_away": outcome.turned_away(),
        "out_of_order": outcome.out_of_order(),
        "first_ns": outcome.first(),
        "last_ns": outcome.last(),
        "first_denied_ns": outcome.first_denied(),
        "waits_ns": {
            "mean": nanos(waits.mean()),
            "p50": nanos(waits.percentile(50)),
            "p99": nanos(waits.percentile(99)),
            "longest": nanos(waits.longest()),
        },
        "limits": limits,
        "series": {
            "start_ns": series.start(),
            "width_ns": series.width(),
            "columns": ["asked", "at_once", "delayed", "denied"],
            "bins": bins,
        },
    });
    let _ = writeln!(out, "{figures:#}");
}
