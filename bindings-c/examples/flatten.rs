//! Writes the conformance vectors as lines, for a reader without JSON: `tests/conformance.c`, or with `backoff` `tests/backoff.c`.
//!
//! ```text
//! case     name algorithm limit period burst anchor offset refill initial origin       a limiter, then its steps
//! <verb>   now n x limit period burst  decision allowed limit remaining retry_after reset_after
//! <verb>   now n x limit period burst  at instant                                       a reservation that is booked
//! <verb>   now n x limit period burst  error                                            refused, and nothing changed
//! refused  name algorithm limit period burst anchor offset refill initial origin       a limiter that cannot be made
//! end      cases steps refused                                                         the totals
//! ```
//! `x` is the longest wait of `reserve`, the step that `cancel` gives back, the carry of `reconfigure`, whose quota follows.
//!
//! ```text
//! case     name schedule base step numerator denominator max_delay jitter jitter_width max_retries max_elapsed seed start
//! next     hint now delay                                                              `never` to give up
//! end      cases delays
//! ```
//! Fields are parted by tabs, numbers are decimal; `-` is what is not given, `never` for never.

#![allow(missing_docs)]

use std::env;
use std::io::{self, Write};

use serde_json::Value;
use tidegate_conformance::{Algorithm, Anchor, Carry, Expect, Op, Refill, Setup, Step, load};

fn main() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    if env::args().nth(1).as_deref() == Some("backoff") {
        backoff(&mut out)?
    } else {
        limiters(&mut out)?
    }
    out.flush()
}

fn limiters(out: &mut impl Write) -> io::Result<()> {
    let vectors = load();
    let mut steps = 0;
    for case in &vectors.cases {
        writeln!(out, "case\t{}", setup(&case.name, &case.setup))?;
        for step in &case.steps {
            writeln!(out, "{}", line(step))?;
            steps += 1;
        }
    }
    for refused in &vectors.quota_errors {
        writeln!(out, "refused\t{}", setup(&refused.name, &refused.setup))?;
    }
    writeln!(out, "end\t{}\t{steps}\t{}", vectors.cases.len(), vectors.quota_errors.len())
}

fn line(step: &Step) -> String {
    let verb = match step.op {
        Op::Take => "take",
        Op::TryAcquire => "try_acquire",
        Op::Peek => "peek",
        Op::Charge => "charge",
        Op::Refund => "refund",
        Op::Reset => "reset",
        Op::Reserve => "reserve",
        Op::Cancel => "cancel",
        Op::Reconfigure => "reconfigure",
        Op::Snapshot => "snapshot",
        Op::Restore => "restore",
    };
    let carry = step.carry.map(|carry| match carry {
        Carry::Time => "time",
        Carry::Permits => "permits",
        Carry::Proportional => "proportional",
        Carry::Reset => "reset",
    });
    let x = carry.map_or_else(|| given(step.max_wait.or(step.slot.map(|slot| slot as u64))), str::to_owned);
    let quota =
        step.quota.map_or("-\t-\t-".to_owned(), |quota| format!("{}\t{}\t{}", quota.limit, quota.period, quota.burst));
    let answer = match step.expect {
        Expect::Decision { allowed, limit, remaining, retry_after, reset_after } => {
            let retry_after = retry_after.map_or("never".to_owned(), |wait| wait.to_string());
            format!("decision\t{allowed}\t{limit}\t{remaining}\t{retry_after}\t{reset_after}")
        }
        Expect::At { at } => format!("at\t{at}"),
        Expect::Error { .. } => "error".to_owned(),
    };
    format!("{verb}\t{}\t{}\t{x}\t{quota}\t{answer}", step.now, given(step.n))
}

fn given(number: Option<u64>) -> String {
    number.map_or("-".to_owned(), |number| number.to_string())
}

fn setup(name: &str, setup: &Setup) -> String {
    let algorithm = match setup.algorithm {
        Algorithm::Gcra => "gcra",
        Algorithm::TokenBucket => "token-bucket",
        Algorithm::FixedWindow => "fixed-window",
        Algorithm::SlidingWindow => "sliding-window",
        Algorithm::SlidingLog => "sliding-log",
    };
    let anchor = match setup.anchor {
        Anchor::Clock => "clock",
        Anchor::FirstUse => "first-use",
    };
    let refill = match setup.refill {
        Refill::Continuous => "continuous",
        Refill::Interval => "interval",
    };
    let initial = given(setup.initial);
    let name = name.replace(['\t', '\n'], " ");
    let quota = setup.quota;
    format!(
        "{name}\t{algorithm}\t{}\t{}\t{}\t{anchor}\t{}\t{refill}\t{initial}\t{}",
        quota.limit, quota.period, quota.burst, setup.offset, setup.origin
    )
}

fn backoff(out: &mut impl Write) -> io::Result<()> {
    let file: Value = serde_json::from_str(include_str!("../../conformance/backoff.json"))?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let (mut cases, mut delays) = (0, 0);
    for case in list(&file["cases"]) {
        let (numerator, denominator) = case["factor"].as_str().map_or(("-".into(), "-".into()), ratio);
        let fields = ["name", "schedule", "base", "step"].map(|key| text(&case[key])).join("\t");
        let more = ["max_delay", "jitter", "jitter_width", "max_retries", "max_elapsed", "seed", "start"];
        let more = more.map(|key| text(&case[key])).join("\t");
        writeln!(out, "case\t{fields}\t{numerator}\t{denominator}\t{more}")?;
        let (hints, nows) = (list(&case["hints"]), list(&case["nows"]));
        for (n, delay) in list(&case["delays"]).iter().enumerate() {
            let delay = if delay.is_null() { "never".to_owned() } else { text(delay) };
            let at = |list: &[Value]| list.get(n).map_or("-".to_owned(), text);
            writeln!(out, "next\t{}\t{}\t{delay}", at(&hints), at(&nows))?;
            delays += 1;
        }
        cases += 1;
    }
    writeln!(out, "end\t{cases}\t{delays}")
}

/// Decimal text as a ratio of whole numbers.
fn ratio(factor: &str) -> (String, String) {
    let (whole, fraction) = factor.split_once('.').unwrap_or((factor, ""));
    (format!("{whole}{fraction}"), format!("1{}", "0".repeat(fraction.len())))
}
