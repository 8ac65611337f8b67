//! Writes the conformance vectors as lines, for a reader without JSON: `tests/conformance.c`.
//!
//! ```text
//! case     name algorithm limit period burst anchor offset refill initial origin     a limiter, then its steps
//! <verb>   now n allowed limit remaining retry_after reset_after                     one call and its answer
//! refused  name algorithm limit period burst anchor offset refill initial origin     a limiter that cannot be made
//! end      cases steps refused left_out                                              the totals
//! ```
//! Fields are parted by tabs, numbers are decimal; `initial` is `-` for full, `retry_after` is `never` for never. A case with a verb
//! that C does not have is left out; a case of the basic verbs never is.

#![allow(missing_docs)]

use std::io::{self, Write};

use tidegate_conformance::{Algorithm, Anchor, Case, Expect, Op, Refill, Setup, Step, Verbs, load};

fn main() -> io::Result<()> {
    let vectors = load();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let (mut cases, mut steps, mut left_out) = (0, 0, 0);
    for case in &vectors.cases {
        let Some(lines) = lines(case) else {
            assert_eq!(case.verbs, Verbs::Full, "{}: a case of the basic verbs has others", case.name);
            left_out += 1;
            continue;
        };
        writeln!(out, "case\t{}", setup(&case.name, &case.setup))?;
        for line in &lines {
            writeln!(out, "{line}")?;
        }
        cases += 1;
        steps += lines.len();
    }
    for refused in &vectors.quota_errors {
        writeln!(out, "refused\t{}", setup(&refused.name, &refused.setup))?;
    }
    writeln!(out, "end\t{cases}\t{steps}\t{}\t{left_out}", vectors.quota_errors.len())?;
    out.flush()
}

/// `None` if a step is one that C cannot make.
fn lines(case: &Case) -> Option<Vec<String>> {
    case.steps.iter().map(line).collect()
}

fn line(step: &Step) -> Option<String> {
    let verb = match step.op {
        Op::Take => "take",
        Op::TryAcquire => "try_acquire",
        Op::Peek => "peek",
        Op::Charge => "charge",
        Op::Refund => "refund",
        Op::Reset => "reset",
        Op::Reserve | Op::Cancel | Op::Reconfigure | Op::Snapshot | Op::Restore => return None,
    };
    let Expect::Decision { allowed, limit, remaining, retry_after, reset_after } = step.expect else { return None };
    let retry_after = retry_after.map_or("never".to_owned(), |wait| wait.to_string());
    let (now, n) = (step.now, step.n.unwrap_or(0));
    Some(format!("{verb}\t{now}\t{n}\t{allowed}\t{limit}\t{remaining}\t{retry_after}\t{reset_after}"))
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
    let initial = setup.initial.map_or("-".to_owned(), |permits| permits.to_string());
    let name = name.replace(['\t', '\n'], " ");
    let quota = setup.quota;
    format!(
        "{name}\t{algorithm}\t{}\t{}\t{}\t{anchor}\t{}\t{refill}\t{initial}\t{}",
        quota.limit, quota.period, quota.burst, setup.offset, setup.origin
    )
}
