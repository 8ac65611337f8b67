//! The table of `docs/benchmarks.md`: floors, tidegate and its peers, interleaved in short slices, within a minute.
//!
//! `cargo run --release -p tidegate-benches --bin table` measures, prints the parts and writes them into the page; with `--print`
//! it leaves the page alone.

use std::io;
use std::time::Duration;

use tidegate_benches::interleave::{self, Middle, Series};
use tidegate_benches::{Candidate, Group, candidates, floors, machine, ours, page, peers, threads};

const ROUNDS: u32 = 601;
const SLICE: Duration = Duration::from_micros(250);
const PAIR_ROUNDS: u32 = 601;
const PAIR_SLICE: Duration = Duration::from_millis(4);

fn main() -> io::Result<()> {
    let write = !std::env::args().any(|argument| argument == "--print");
    let machine: String = machine::description().iter().map(|line| format!("* {line}\n")).collect();
    let one = OneThread::measure();
    let two = TwoThreads::measure();
    for (part, text) in [
        ("machine", machine),
        ("bounds", bounds(&one, two.as_ref())),
        ("speed", one.table()),
        ("threads", two.as_ref().map_or_else(|| "Not measured: one core.".to_owned(), TwoThreads::table)),
    ] {
        println!("{text}");
        if write {
            page::replace(part, &text)?;
        }
    }
    Ok(())
}

/// The figures of one thread.
struct OneThread {
    candidates: Vec<Candidate>,
    series: Vec<Series>,
}

impl OneThread {
    fn measure() -> OneThread {
        let mut candidates = candidates();
        let series = interleave::candidates(&mut candidates, ROUNDS, SLICE);
        OneThread { candidates, series }
    }

    fn get(&self, group: Group, name: &str) -> &Series {
        let found = self.candidates.iter().position(|candidate| (candidate.group, candidate.name) == (group, name));
        &self.series[found.expect("a candidate of this name")]
    }

    /// What a group is compared with: the floor and, where there is one, the same call of ours on the default algorithm.
    fn yardsticks(&self, group: Group) -> (&Series, Option<&Series>) {
        let floor = match group {
            Group::Floor | Group::GivenGrant => floors::CAS,
            Group::GivenDenial => floors::LOAD,
            Group::ClockGrant => floors::COUNTER_CAS,
            Group::ClockDenial => floors::COUNTER,
        };
        let ours = (group != Group::Floor).then(|| self.get(group, ours::GCRA));
        (self.get(Group::Floor, floor), ours)
    }

    fn table(&self) -> String {
        let mut text = String::from(
            "| | median ns | middle half | x floor | x tidegate gcra | middle half |\n|---|---:|---:|---:|---:|---:|\n",
        );
        for group in Group::ALL {
            text += &format!("| **{}** | | | | | |\n", group.name());
            let (floor, ours) = self.yardsticks(group);
            for (candidate, series) in self.candidates.iter().zip(&self.series) {
                if candidate.group != group {
                    continue;
                }
                let ns = Middle::of(series.clone());
                let to_floor = Middle::of_ratio(series, floor);
                let to_ours = match ours.map(|ours| Middle::of_ratio(series, ours)) {
                    Some(ratio) => format!("{:.2} | {:.2} to {:.2}", ratio.median, ratio.low, ratio.high),
                    None => " | ".to_owned(),
                };
                text += &format!(
                    "| {} | {:.1} | {:.1} to {:.1} | {:.2} | {to_ours} |\n",
                    candidate.name, ns.median, ns.low, ns.high, to_floor.median
                );
            }
        }
        text
    }
}

/// The figures of two threads on one limiter.
struct TwoThreads {
    names: Vec<&'static str>,
    series: Vec<Series>,
}

impl TwoThreads {
    /// `None` where there are no two cores.
    fn measure() -> Option<TwoThreads> {
        if std::thread::available_parallelism().is_ok_and(|cores| cores.get() < 2) {
            return None;
        }
        let mut pairs = threads::pairs();
        let series = interleave::pairs(&mut pairs, PAIR_ROUNDS, PAIR_SLICE);
        Some(TwoThreads { names: pairs.iter().map(|pair| pair.name).collect(), series })
    }

    fn get(&self, name: &str) -> &Series {
        let found = self.names.iter().position(|&known| known == name);
        &self.series[found.expect("a pair of this name")]
    }

    fn table(&self) -> String {
        let mut text = String::from(
            "| | million grants/s | ns a grant | middle half | x tidegate gcra | middle half |\n|---|---:|---:|---:|---:|---:|\n",
        );
        for (name, series) in self.names.iter().zip(&self.series) {
            let (ns, ratio) = (Middle::of(series.clone()), Middle::of_ratio(series, self.get(ours::GCRA)));
            text += &format!(
                "| {name} | {:.1} | {:.1} | {:.1} to {:.1} | {:.2} | {:.2} to {:.2} |\n",
                1e3 / ns.median,
                ns.median,
                ns.low,
                ns.high,
                ratio.median,
                ratio.low,
                ratio.high
            );
        }
        text
    }
}

/// A ratio that this project promises.
struct Bound {
    says: &'static str,
    ratio: Middle,
    at_most: Option<f64>,
    at_least: Option<f64>,
}

/// What is promised, and what was measured.
fn bounds(one: &OneThread, two: Option<&TwoThreads>) -> String {
    let ours = |group| one.get(group, ours::GCRA);
    let at_most = |says, ratio, bound| Bound { says, ratio, at_most: Some(bound), at_least: None };
    let at_least = |says, ratio, bound| Bound { says, ratio, at_most: None, at_least: Some(bound) };
    let mut all = vec![
        at_most(
            "A grant, `now` given, to a bare compare-and-swap loop",
            Middle::of_ratio(ours(Group::GivenGrant), one.get(Group::Floor, floors::CAS)),
            1.25,
        ),
        at_most(
            "A denial, `now` given, to a grant",
            Middle::of_ratio(ours(Group::GivenDenial), ours(Group::GivenGrant)),
            0.25,
        ),
        at_least(
            "governor to tidegate, a grant, each with its default clock",
            Middle::of_ratio(one.get(Group::ClockGrant, peers::GOVERNOR), ours(Group::ClockGrant)),
            1.2,
        ),
        at_least(
            "ratelimit to tidegate, a grant, each with its default clock",
            Middle::of_ratio(one.get(Group::ClockGrant, peers::RATELIMIT), ours(Group::ClockGrant)),
            2.0,
        ),
    ];
    if let Some(two) = two {
        all.push(at_least(
            "governor to tidegate, two threads on one limiter",
            Middle::of_ratio(two.get(peers::GOVERNOR), two.get(ours::GCRA)),
            1.0,
        ));
        all.push(at_least(
            "One word to leases, two threads on one limiter",
            Middle::of_ratio(two.get(ours::GCRA), two.get(threads::LEASE)),
            5.0,
        ));
        all.push(at_least(
            "governor to tidegate's leases, two threads on one limiter",
            Middle::of_ratio(two.get(peers::GOVERNOR), two.get(threads::LEASE)),
            5.0,
        ));
    }
    let mut text =
        String::from("| time of one to the other | bound | median | middle half | |\n|---|---:|---:|---:|---|\n");
    for Bound { says, ratio, at_most, at_least } in all {
        let (bound, holds) = match (at_most, at_least) {
            (Some(most), _) => (format!("at most {most}"), ratio.median <= most),
            (_, Some(least)) => (format!("at least {least}"), ratio.median >= least),
            _ => continue,
        };
        let verdict = if holds { "holds" } else { "**missed**" };
        text += &row(says, &bound, ratio, verdict);
    }
    let says = "*For comparison:* governor with its default clock to the floor of such a grant, the raw counter and a bare loop";
    let floor = one.get(Group::Floor, floors::COUNTER_CAS);
    text + &row(says, "", Middle::of_ratio(one.get(Group::ClockGrant, peers::GOVERNOR), floor), "")
}

fn row(says: &str, bound: &str, ratio: Middle, verdict: &str) -> String {
    format!("| {says} | {bound} | {:.2} | {:.2} to {:.2} | {verdict} |\n", ratio.median, ratio.low, ratio.high)
}
