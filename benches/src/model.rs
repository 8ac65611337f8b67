//! Beyond what two cores can measure: what a hit costs among a thousand million keys, and what 64 threads grant.
//!
//! Two formulas, whose constants are measured in the same run; `docs/scaling.md` states them and what they assume. Whatever comes from here
//! is marked as modelled wherever it is shown.

use crate::results::Results;
use crate::tables::{self, figure, grouped};
use crate::{floors, ours, threads};

/// Bytes a key of tidegate's table.
const BYTES_A_KEY: f64 = 22.0;
/// Entries of a page of the page table: a level is so much smaller than the one below.
const FAN_OUT: f64 = 512.0;
/// Permits that a lease takes at a time in the measurements.
const BATCH: f64 = 256.0;
/// Assumed: bytes a nanosecond between the cores and the memory of one processor.
const BANDWIDTH: f64 = 100.0;
/// A hit reads a line and writes one back.
const BYTES_A_HIT: f64 = 128.0;
/// Keys of the keyed threads.
const MANY: f64 = 1e6;

/// The row of the results that holds the size of the second-level cache.
pub const CACHE: (&str, &str, &str) = ("machine", "cache", "second level, of one core");

/// A hit among n keys: `base + miss * misses(n)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keys {
    /// Nanoseconds of a hit that finds all in the core's own caches.
    pub base: f64,
    /// Nanoseconds of a line that is not there.
    pub miss: f64,
    /// Bytes of the core's second-level cache.
    pub cache: f64,
    /// The greatest deviation from a measured point, as a part of it.
    pub error: f64,
}

impl Keys {
    /// Fitted to the measured numbers of keys by least squares of the relative deviation. `None` without measurements.
    pub fn fitted(results: &Results) -> Option<Keys> {
        let cache = results.row(CACHE.0, CACHE.1, CACHE.2)?.median;
        let points: Vec<(f64, f64)> = results
            .part(tables::SWEEP)
            .filter(|row| row.name == "tidegate")
            .filter_map(|row| Some((row.size?, row.median)))
            .collect();
        // Of each point the equation base/t + miss * m/t = 1.
        let (mut aa, mut ab, mut bb, mut a, mut b) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for &(keys, nanos) in &points {
            let (u, v) = (1.0 / nanos, misses(keys, cache) / nanos);
            aa += u * u;
            ab += u * v;
            bb += v * v;
            a += u;
            b += v;
        }
        let determinant = aa * bb - ab * ab;
        if determinant.abs() < 1e-18 {
            return None;
        }
        let (base, miss) = ((a * bb - b * ab) / determinant, (b * aa - a * ab) / determinant);
        let mut model = Keys { base, miss, cache, error: 0.0 };
        let off = |&(keys, nanos): &(f64, f64)| (model.hit(keys) / nanos - 1.0).abs();
        model.error = points.iter().map(off).fold(0.0, f64::max);
        Some(model)
    }

    /// Nanoseconds of a hit.
    pub fn hit(&self, keys: f64) -> f64 {
        self.base + self.miss * misses(keys, self.cache)
    }
}

/// Lines that a hit does not find in a cache of so many bytes: the slot itself, and, of tables so large that their page tables do not fit
/// either, the entries of the page tables on the way to it.
fn misses(keys: f64, cache: f64) -> f64 {
    let bytes = keys * BYTES_A_KEY;
    (0..3).map(|level| (1.0 - cache / (bytes / FAN_OUT.powi(level))).max(0.0)).sum()
}

/// Grants a nanosecond of n threads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threads {
    /// Nanoseconds of a grant of one thread alone.
    pub alone: f64,
    /// Nanoseconds of a grant while several threads grant on one word.
    pub contended: f64,
    /// Nanoseconds of a grant out of a lease.
    pub leased: f64,
    /// Nanoseconds of a hit among a million keys.
    pub hit: f64,
}

impl Threads {
    /// From the measurements on one thread and on two; `None` where there was one core.
    pub fn measured(results: &Results) -> Option<Threads> {
        let nanos = |name: &str, threads: usize| {
            results
                .part(tables::THREADS)
                .find(|row| row.name == name && row.threads == Some(threads))
                .map(|row| row.median)
        };
        let hit = results.part(tables::SWEEP).find(|row| row.name == "tidegate" && row.size == Some(MANY));
        let hit = hit.map(|row| row.median).or_else(|| Some(Keys::fitted(results)?.hit(MANY)))?;
        Some(Threads {
            alone: nanos(ours::GCRA, 1)?,
            contended: nanos(ours::GCRA, 2)?,
            leased: nanos(threads::LEASE, 1)?,
            hit,
        })
    }

    /// On one word: the line goes from core to core, one grant at a time, however many want it.
    pub fn one_word(&self, threads: f64) -> f64 {
        if threads < 2.0 { 1.0 / self.alone } else { 1.0 / self.contended }
    }

    /// Out of leases: each thread alone, until their draws fill the line.
    pub fn leased(&self, threads: f64) -> f64 {
        (threads / self.leased).min(BATCH / self.contended)
    }

    /// On a million keys: each thread alone, until the memory is busy.
    pub fn keyed(&self, threads: f64) -> f64 {
        (threads / self.hit).min(BANDWIDTH / BYTES_A_HIT)
    }
}

/// Numbers of keys that are modelled.
pub const KEYS: [f64; 3] = [1e7, 1e8, 1e9];
/// Numbers of threads that are modelled.
pub const THREADS: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// What is modelled, as Markdown.
pub fn keys_table(results: &Results) -> String {
    let Some(model) = Keys::fitted(results) else { return "Not measured.".to_owned() };
    let mut text = format!(
        "base {} ns, miss {} ns, second-level cache {} bytes; the measured points are met within {:.0} %.\n\n| keys | ns a hit, **modelled** | memory |\n|---:|---:|---:|\n",
        figure(model.base),
        figure(model.miss),
        grouped(model.cache),
        model.error * 100.0
    );
    for keys in KEYS {
        let memory = keys * BYTES_A_KEY / 1e9;
        text += &format!("| {} | {} | {} GB |\n", grouped(keys), figure(model.hit(keys)), figure(memory));
    }
    text
}

/// What is modelled, as Markdown.
pub fn threads_table(results: &Results) -> String {
    let Some(model) = Threads::measured(results) else { return "Not measured: one core.".to_owned() };
    let cas = results.part(tables::THREADS).find(|row| row.name == floors::CAS && row.threads == Some(2));
    let floor = cas.map_or_else(String::new, |row| format!(" (a bare compare-and-swap: {} ns)", figure(row.median)));
    let mut text = format!(
        "alone {} ns, contended {} ns{floor}, leased {} ns, a hit among a million keys {} ns.\n\n| threads | one word, million grants/s | leases of 256 | a million keys | |\n|---:|---:|---:|---:|---|\n",
        figure(model.alone),
        figure(model.contended),
        figure(model.leased),
        figure(model.hit),
    );
    for threads in THREADS {
        let millions = |grants: f64| figure(grants * 1e3);
        let how = if threads < 2.0 { "measured" } else { "**modelled**" };
        text += &format!(
            "| {threads} | {} | {} | {} | {how} |\n",
            millions(model.one_word(threads)),
            millions(model.leased(threads)),
            millions(model.keyed(threads)),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Row;

    fn row(part: &str, name: &str, size: f64, median: f64) -> Row {
        Row { part: part.into(), name: name.into(), size: Some(size), median, ..Row::default() }
    }

    #[test]
    fn a_curve_of_the_form_is_found_again() {
        let truth = Keys { base: 50.0, miss: 80.0, cache: 2e6, error: 0.0 };
        let mut results = Results::default();
        let (part, group, name) = CACHE;
        results.rows.push(Row { group: group.into(), ..row(part, name, 0.0, truth.cache) });
        let sizes = [1e2, 1e3, 1e4, 1e5, 1e6, 1e7];
        results.rows.extend(sizes.map(|keys| row(tables::SWEEP, "tidegate", keys, truth.hit(keys))));
        let found = Keys::fitted(&results).unwrap();
        assert!(
            (found.base - 50.0).abs() < 1e-6 && (found.miss - 80.0).abs() < 1e-6 && found.error < 1e-6,
            "{found:?}"
        );
        assert!(found.hit(1e9) > found.hit(1e7), "page tables that fit nowhere");
    }

    #[test]
    fn without_measurements_there_is_no_model() {
        assert!(Keys::fitted(&Results::default()).is_none() && Threads::measured(&Results::default()).is_none());
        assert!(keys_table(&Results::default()).contains("Not measured"));
        assert!(threads_table(&Results::default()).contains("Not measured"));
    }

    #[test]
    fn a_word_does_not_scale_and_leases_do() {
        let model = Threads { alone: 25.0, contended: 50.0, leased: 0.5, hit: 150.0 };
        assert!(model.one_word(64.0) < model.one_word(1.0));
        assert!(model.leased(64.0) > 2.0 * model.leased(1.0) && model.leased(1e6) <= BATCH / 50.0);
        assert!(model.keyed(64.0) > 60.0 * model.keyed(1.0) && model.keyed(1e6) <= BANDWIDTH / BYTES_A_HIT);
    }
}
