//! The same questions for every language: fixed, one a line, answered with four integers and words.
//!
//! A line is tab-separated: `case algorithm quota now cost` and, when answered, `allowed remaining retry_after reset_after`.
//! Lines with one `case` are calls of `take(cost)` at `now` on one limiter, made new, full and at time 0 where the case begins. Times are
//! nanoseconds in decimal, `allowed` is `true` or `false`, `retry_after` may be `never`. A line that begins with `#` is a remark.
//! Another language reads `demo questions --ask`, appends its answers and must print exactly what `demo questions` prints.

use std::fmt::Write;

use tidegate::{Algorithm, Quota};

use crate::subject::{Subject, limiter, model};

const HEAD: &str = "# case\talgorithm\tquota\tnow\tcost";
const ANSWERS: &str = "\tallowed\tremaining\tretry_after\treset_after";

/// Algorithm, quota, and calls as (now, cost).
type Case = (&'static str, &'static str, &'static [(u64, u64)]);

/// Nothing, all, one too many, at the very instant, a nanosecond before it, across windows, backwards, more than fits ever.
const CASES: [Case; 6] = [
    (
        "gcra",
        "300/min burst 50",
        &[(0, 1), (0, 49), (0, 1), (199_999_999, 1), (200_000_000, 1), (100_000_000, 1), (0, 51), (60_000_000_000, 50)],
    ),
    (
        "token-bucket",
        "7/s burst 3",
        &[(5, 3), (5, 1), (142_857_147, 1), (142_857_148, 1), (1_000_000_000, 0), (1_000_000_000, 3)],
    ),
    (
        "fixed-window",
        "10/s",
        &[
            (900_000_000, 10),
            (900_000_000, 1),
            (999_999_999, 1),
            (1_000_000_000, 10),
            (1_000_000_000, 11),
            (2_500_000_000, 4),
        ],
    ),
    (
        "fixed-window",
        "3/s from first use",
        &[(400_000_000, 1), (1_399_999_999, 2), (1_399_999_999, 1), (1_400_000_001, 3)],
    ),
    (
        "sliding-window",
        "100/min",
        &[
            (30_000_000_000, 100),
            (30_000_000_000, 1),
            (90_000_000_000, 50),
            (90_000_000_000, 1),
            (90_600_000_000, 1),
            (300_000_000_000, 100),
        ],
    ),
    (
        "sliding-log",
        "5/10s",
        &[
            (1_000_000_000, 2),
            (4_000_000_000, 3),
            (4_000_000_000, 1),
            (10_999_999_999, 1),
            (11_000_000_000, 2),
            (9_000_000_000, 1),
            (13_999_999_999, 6),
        ],
    ),
];

/// The questions alone.
pub fn asked() -> String {
    let mut out = format!("{HEAD}\n");
    for (n, (algorithm, quota, calls)) in CASES.iter().enumerate() {
        for (now, cost) in *calls {
            let _ = writeln!(out, "{}\t{algorithm}\t{quota}\t{now}\t{cost}", n + 1);
        }
    }
    out
}

/// The questions with the answers of the limiter, which the exact model must confirm.
///
/// # Errors
/// An answer that the model does not give.
pub fn answered() -> Result<String, String> {
    let mut out = format!("{HEAD}{ANSWERS}\n");
    for (n, (name, text, calls)) in CASES.iter().enumerate() {
        let algorithm: Algorithm = name.parse().map_err(|_| format!("{name} is no algorithm"))?;
        let quota: Quota = text.parse().map_err(|error: tidegate::QuotaError| format!("{text}: {error}"))?;
        let mut gate = limiter(algorithm, quota, 0)?;
        let mut exact = model(algorithm, quota, 0)?;
        for (now, cost) in *calls {
            let (answer, confirmed) = (gate.spend(*now, *cost), exact.spend(*now, *cost));
            if answer != confirmed {
                return Err(format!("{name} {text} at {now} for {cost}: {answer:?}, and the model says {confirmed:?}"));
            }
            let wait = answer.retry_after.map_or("never".to_owned(), |wait| wait.to_string());
            let _ = writeln!(
                out,
                "{}\t{name}\t{text}\t{now}\t{cost}\t{}\t{}\t{wait}\t{}",
                n + 1,
                answer.allowed,
                answer.remaining,
                answer.reset_after
            );
        }
    }
    Ok(out)
}
