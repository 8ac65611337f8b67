//! What is wanted of the other languages, out of the rows that their benchmarks leave.

use crate::interleave::Middle;
use crate::results::{Bound, Results, Row};

/// A peer's time to ours: the first row of each whose name has all of these words, in one group.
struct Wanted {
    part: &'static str,
    says: &'static str,
    least: f64,
    group: &'static [&'static str],
    peer: &'static [&'static str],
    ours: &'static [&'static str],
}

const WANTED: [Wanted; 3] = [
    Wanted {
        part: "c",
        says: "C++ with one atomic double to tidegate's C, a grant, time given, each behind a call",
        least: 1.0,
        group: &["grant"],
        peer: &["one atomic double", "shared library"],
        ours: &["tidegate_limiter_try_acquire_at"],
    },
    Wanted {
        part: "python",
        says: "Python: limits (fixed window) to tidegate, a key",
        least: 40.0,
        group: &[],
        peer: &["limits", "fixed"],
        ours: &["tidegate", "keyed", "try_acquire"],
    },
    Wanted {
        part: "node",
        says: "Node.js: rate-limiter-flexible to tidegate, a string key, granted",
        least: 3.0,
        group: &["string keys", "granted"],
        peer: &["rate-limiter-flexible 1"],
        ours: &["tidegate tryAcquire(key)"],
    },
];

/// The bounds that the rows can tell of.
pub fn bounds(results: &Results) -> Vec<Bound> {
    let has = |text: &str, words: &[&str]| words.iter().all(|word| text.contains(word));
    let found = |wanted: &Wanted| {
        let row = |words: &[&str], group: Option<&str>| -> Option<&Row> {
            let mut rows = results.part(wanted.part).filter(|row| has(&row.group, wanted.group));
            rows.find(|row| has(&row.name, words) && group.is_none_or(|group| row.group == group))
        };
        let ours = row(wanted.ours, None)?;
        let ratio = row(wanted.peer, Some(&ours.group))?.median / ours.median;
        let found = Middle { median: ratio, low: ratio, high: ratio };
        Some(Bound { low: None, high: None, ..Bound::at_least("benchmarks", wanted.says, wanted.least, found) })
    };
    WANTED.iter().filter_map(found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_compared_within_its_group() {
        let row = |group: &str, name: &str, median| Row {
            part: "node".into(),
            group: group.into(),
            name: name.into(),
            median,
            ..Row::default()
        };
        let rows = vec![
            row("a thousand string keys, denied", "rate-limiter-flexible 11.4 consume", 1_800.0),
            row("a thousand string keys, granted", "tidegate tryAcquire(key)", 100.0),
            row("a thousand string keys, granted", "tidegate/rate-limiter-flexible consume", 150.0),
            row("a thousand string keys, granted", "rate-limiter-flexible 11.4 consume", 350.0),
        ];
        let bounds = bounds(&Results { rows, ..Results::default() });
        assert_eq!(bounds.len(), 1, "of the others nothing is known");
        assert_eq!((bounds[0].median, bounds[0].holds()), (3.5, Some(true)));
    }
}
