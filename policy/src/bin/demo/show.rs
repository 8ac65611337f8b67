//! The table: one line a row, one block a provider, and what its marks mean.

use std::fmt::Write;

use tidegate_policy::{Allowance, Limit, Policy, Scope};

use crate::replay::{Outcome, Replayed, Results};
use crate::rows::Mark;

const HEAD: [&str; 13] = [
    "line",
    "limit",
    "scope",
    "quota",
    "algorithm",
    "admitted",
    "denied",
    "retry_after",
    "reset_after",
    "again",
    "admitted",
    "denied",
    "longest run",
];

/// The cells that every row has; those after them are figures.
const NAMES: usize = 4;

pub fn table(policies: &[(String, Policy)], results: &Results) -> String {
    let mut out = String::new();
    for (file, policy) in policies {
        let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
        rows.extend(policy.limits().iter().map(|limit| line(limit, results)));
        let width = |n: usize| {
            let cells = rows.iter().filter(|row| n < NAMES || row.len() == HEAD.len()).map(|row| &row[n]);
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
        let span = |from: usize, to: usize| widths[from..to].iter().sum::<usize>() + 2 * (to - from - 1);
        let title = format!("{}  {file}", policy.provider().name());
        let (left, flood, steady) = (span(0, 5) + 2, span(5, 10), span(10, 12));
        let _ = writeln!(out, "{title:<left$}{:-^flood$}  {:-^steady$}", " 2x capacity at once ", " 1.25x rate ");
        for row in &rows {
            write_row(&mut out, row, &widths);
        }
        out.push('\n');
    }
    out.push_str(&summary(policies, results));
    out
}

fn write_row(out: &mut String, row: &[String], widths: &[usize]) {
    let mut text = String::new();
    for (n, (cell, width)) in row.iter().zip(widths).enumerate() {
        let _ = match n {
            NAMES if row.len() < widths.len() => write!(text, "{cell}"),
            0 | 5.. => write!(text, "{cell:>width$}  "),
            _ => write!(text, "{cell:<width$}  "),
        };
    }
    out.push_str(text.trim_end());
    out.push('\n');
}

fn line(limit: &Limit, results: &Results) -> Vec<String> {
    let mut cells = vec![limit.place().line().to_string(), limit.id().to_owned(), short(limit.scope())];
    match results.get(&limit.place().to_string()) {
        Some(Ok(Outcome::Replayed(row))) => cells.extend(figures(limit, row)),
        Some(Ok(Outcome::Skipped(reason))) => cells.extend([quota(limit.allowance()), format!("- {reason}")]),
        Some(Err(_)) => cells.extend([quota(limit.allowance()), "WRONG, see below".to_owned()]),
        None => cells.extend([quota(limit.allowance()), "not replayed".to_owned()]),
    }
    cells
}

fn short(scope: Scope) -> String {
    match scope {
        Scope::Organization => "org".to_owned(),
        Scope::SenderDomain => "domain".to_owned(),
        scope => scope.to_string(),
    }
}

/// A calendar period is written as a fixed one here; all of them are in UTC.
fn quota(allowance: &Allowance) -> String {
    match allowance {
        Allowance::Calendar(quota) => format!("{}/{}", quota.limit(), quota.unit().name()),
        allowance => allowance.to_string(),
    }
}

fn figures(limit: &Limit, row: &Replayed) -> [String; 10] {
    let quota = match row.mark {
        Mark::Published => quota(limit.allowance()),
        Mark::Example => format!("~ {}", limit.example().map_or_else(String::new, quota)),
        Mark::January => format!("* {}", quota(limit.allowance())),
    };
    [
        quota,
        row.algorithm.to_string(),
        grouped(row.flood.admitted),
        grouped(row.flood.denied),
        duration(row.retry_after),
        duration(row.reset_after),
        grouped(row.again),
        grouped(row.steady.admitted),
        grouped(row.steady.denied),
        grouped(row.longest),
    ]
}

fn summary(policies: &[(String, Policy)], results: &Results) -> String {
    let replayed = || {
        results.values().filter_map(|result| match result {
            Ok(Outcome::Replayed(row)) => Some(row),
            _ => None,
        })
    };
    let calls: u64 = replayed().map(|row| 2 * row.flood.total() + row.steady.total()).sum();
    let limits: usize = policies.iter().map(|(_, policy)| policy.limits().len()).sum();
    let wrong = results.values().filter(|result| result.is_err()).count();
    format!(
        "\
Providers: {}. Limits: {limits}, of them replayed {} (in {} calls), without a rate to replay {}, wrong {wrong}.
Virtual time from 2026-01-15T12:20:17Z. Every answer was judged by what its algorithm promises, and the same story in larger calls
was compared with the exact model: allowed, remaining, retry_after, reset_after.
  again        admitted of a second flood, at the instant that the first denial named
  longest run  the most permits in any half-open span of one period; promised for L permits and a burst of B:
               sliding-log L, gcra and token-bucket B + L, sliding-window below 2L, fixed-window 2L
  ~            the document states the window and not the number; this one is an example
  *            months are replayed as 31 days from 2026-01-01, which is the published window in January
",
        policies.len(),
        replayed().count(),
        grouped(calls),
        results.len() - replayed().count() - wrong,
    )
}

/// 2000000 as 2,000,000.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The two largest units: "11h 40m", "1s 200ms", "1h". Rounded to the nearest of the second unit.
fn duration(nanos: u64) -> String {
    const UNITS: [(&str, u64); 8] = [
        ("d", 86_400_000_000_000),
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
        ("", 1),
    ];
    let largest = |nanos: u64| UNITS.iter().position(|(_, size)| nanos >= *size);
    let Some(at) = largest(nanos) else { return "0s".to_owned() };
    let fine = UNITS[(at + 1).min(UNITS.len() - 1)].1;
    let nanos = nanos.saturating_add(fine / 2) / fine * fine;
    let at = largest(nanos).unwrap_or(at);
    let ((name, size), (second, fine)) = (UNITS[at], UNITS[(at + 1).min(UNITS.len() - 1)]);
    match nanos % size / fine {
        0 => format!("{}{name}", nanos / size),
        rest => format!("{}{name} {rest}{second}", nanos / size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        assert_eq!((grouped(0), grouped(999), grouped(2_000_000)), ("0".into(), "999".into(), "2,000,000".into()));
        assert_eq!(duration(0), "0s");
        assert_eq!(duration(42_000_000_000_000), "11h 40m");
        assert_eq!(duration(1_200_000_000), "1s 200ms");
        assert_eq!(duration(3_600_000_000_000), "1h");
        assert_eq!(duration(43_199_999), "43ms 200us");
        assert_eq!(duration(119_999_999), "120ms");
        assert_eq!(duration(59_999_999_999), "1m");
        assert_eq!(duration(7), "7ns");
    }
}
