//! The charts of the documentation, from the figures of a run.

use std::error::Error;

use crate::chart::{Axis, Bar, Curve, Stroke, Whose, bars, lines};
use crate::model;
use crate::results::{Results, Row};
use crate::{Group, burst, floors, tables, threads};

/// A file of `docs/charts/`.
pub struct Chart {
    /// Without `.svg`.
    pub name: &'static str,
    /// The document.
    pub svg: String,
}

/// All of them.
///
/// # Errors
/// None that is known; the library that draws could name one.
pub fn all(results: &Results) -> Result<Vec<Chart>, Box<dyn Error>> {
    let chart = |name, svg| Chart { name, svg };
    let mut all = vec![
        chart("latency", latency(results)?),
        chart("latency-clock", latency_with_a_clock(results)?),
        chart("threads", by_threads(results)?),
        chart("keys", by_keys(results)?),
        chart("bytes", bytes(results)?),
        chart("scaling-threads", scaling_threads(results)?),
        chart("scaling-keys", scaling_keys(results)?),
        chart("scaling-cost", scaling_cost(results)?),
    ];
    for (name, title, says_x) in [
        (burst::WINDOWS, "100 in 10 s, 200 requests a second from second 9 on: what each algorithm admits", "seconds"),
        (burst::PEERS, "100 in 10 s, 200 requests a second from second 9 on: what each crate admits", "seconds"),
        (burst::SLOW, "1 a second, asked every 1.9 microseconds: fractions that are dropped", "seconds"),
        (burst::FAST, "300,000,000 a second, asked every nanosecond: intervals that are rounded", "microseconds"),
    ] {
        all.push(chart(name, admitted(results, name, title, says_x)?));
    }
    Ok(all)
}

fn whose(name: &str) -> Whose {
    if name.starts_with("tidegate") { Whose::Ours } else { Whose::Peer }
}

fn bar(row: &Row, whose: Whose) -> Bar {
    Bar { name: row.name.clone(), value: row.median, low: row.low, high: row.high, whose }
}

/// A group of the table, without the variants that only read more figures; the floor first.
fn group(results: &Results, group: Group, floor: &str) -> (String, Vec<Bar>) {
    let floor = results.row(tables::DIRECT, Group::Floor.name(), floor).map(|row| bar(row, Whose::Floor));
    let rows = results.group(tables::DIRECT, group.name()).filter(|row| !row.name.contains("take"));
    let rows = rows.filter(|row| !row.name.contains("group of")).map(|row| bar(row, whose(&row.name)));
    (group.name().to_owned(), floor.into_iter().chain(rows).collect())
}

fn latency(results: &Results) -> Result<String, Box<dyn Error>> {
    let groups = [group(results, Group::GivenGrant, floors::CAS), group(results, Group::GivenDenial, floors::LOAD)];
    bars("Latency by algorithm: one call on one thread, the time given", "nanoseconds a call", &groups)
}

fn latency_with_a_clock(results: &Results) -> Result<String, Box<dyn Error>> {
    let groups = [
        group(results, Group::ClockGrant, floors::COUNTER_CAS),
        group(results, Group::ClockDenial, floors::COUNTER),
        group(results, Group::CoarseGrant, floors::CAS),
    ];
    bars("Latency with a clock: one call on one thread, each with its own clock", "nanoseconds a call", &groups)
}

fn names<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for row in rows {
        if !names.contains(&row.name.as_str()) {
            names.push(&row.name);
        }
    }
    names
}

fn curve(name: &str, points: Vec<(f64, f64)>, stroke: Stroke, color: Option<usize>) -> Curve {
    Curve { name: name.to_owned(), points, stroke, color }
}

/// Ours are blue, the floor is grey, the others take the colours in their order.
fn colored<'a>(names: &[&'a str]) -> Vec<(&'a str, Option<usize>)> {
    let mut next = 0;
    let mut ours = false;
    let color = |&name: &&'a str| {
        let color = match name {
            floors::CAS | "floor" => None,
            name if name.starts_with("tidegate") && !ours => {
                ours = true;
                Some(0)
            }
            _ => {
                next += 1;
                Some(next)
            }
        };
        (name, color)
    };
    names.iter().map(color).collect()
}

fn by_threads(results: &Results) -> Result<String, Box<dyn Error>> {
    let millions = |name: &str| -> Vec<(f64, f64)> {
        let rows = results.part(tables::THREADS).filter(|row| row.name == name);
        rows.filter_map(|row| Some((row.threads? as f64, 1e3 / row.median))).collect()
    };
    let curves: Vec<Curve> = colored(&names(results.part(tables::THREADS)))
        .into_iter()
        .map(|(name, color)| curve(name, millions(name), Stroke::Measured, color))
        .collect();
    let (x, y) = (THREADS, Axis { says: "million grants a second", log: true, whole: false });
    lines("Throughput by threads: grants on one limiter, default clock", x, y, &curves)
}

const X_KEYS: Axis = Axis { says: "keys", log: true, whole: false };
const THREADS: Axis = Axis { says: "threads", log: false, whole: true };

fn by_size(results: &Results, part: &str, name: &str) -> Vec<(f64, f64)> {
    results.part(part).filter(|row| row.name == name).filter_map(|row| Some((row.size?, row.median))).collect()
}

fn by_keys(results: &Results) -> Result<String, Box<dyn Error>> {
    let curves: Vec<Curve> = colored(&names(results.part(tables::SWEEP)))
        .into_iter()
        .map(|(name, color)| curve(name, by_size(results, tables::SWEEP, name), Stroke::Measured, color))
        .collect();
    let y = Axis { says: "nanoseconds a hit", log: false, whole: false };
    lines("A hit by the number of keys: u64, in random order, one thread, default clock", X_KEYS, y, &curves)
}

fn bytes(results: &Results) -> Result<String, Box<dyn Error>> {
    let mut groups: Vec<(String, Vec<Bar>)> = Vec::new();
    let rows = || results.group(tables::KEYS, "bytes a key");
    let most = rows().filter_map(|row| row.size).fold(0.0, f64::max);
    for row in rows().filter(|row| row.size == Some(most)) {
        let heading = format!("{} keys, {}", tables::grouped(most), row.kind.as_deref().unwrap_or_default());
        let bar = Bar { low: None, high: None, ..bar(row, whose(&row.name)) };
        match groups.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, bars)) => bars.push(bar),
            None => groups.push((heading, vec![bar])),
        }
    }
    bars("Memory: what each asks of the allocator", "bytes a key", &groups)
}

fn admitted(results: &Results, chart: &str, title: &str, says_x: &'static str) -> Result<String, Box<dyn Error>> {
    let mut next = 0;
    let line = |line: &crate::results::Line| {
        if line.name == burst::EARNED {
            return curve(&line.name, line.points.clone(), Stroke::Dashed, None);
        }
        next += 1;
        // Lines that lie upon one another are told apart by where they end.
        let last = line.points.last().map_or(0.0, |point| point.1);
        let name = format!("{}: {}", line.name, tables::grouped(last));
        curve(&name, line.points.clone(), Stroke::Plain, Some(next - 1))
    };
    // Of lines that lie upon one another the first is drawn last.
    let mut curves: Vec<Curve> = results.lines.iter().filter(|line| line.chart == chart).map(line).collect();
    curves.reverse();
    let (x, y) =
        (Axis { says: says_x, log: false, whole: false }, Axis { says: "permits admitted", log: false, whole: false });
    lines(title, x, y, &curves)
}

fn scaling_threads(results: &Results) -> Result<String, Box<dyn Error>> {
    let mut curves = Vec::new();
    for (name, color) in [(crate::ours::GCRA, 0), (threads::LEASE, 1)] {
        let rows = results.part(tables::THREADS).filter(|row| row.name == name);
        let points = rows.filter_map(|row| Some((row.threads? as f64, 1e3 / row.median))).collect();
        curves.push(curve(&format!("{name}, measured"), points, Stroke::Measured, Some(color)));
    }
    if let Some(model) = model::Threads::measured(results) {
        type Rate = fn(&model::Threads, f64) -> f64;
        let all: [(&str, Rate, usize); 3] = [
            ("one word, modelled", model::Threads::one_word, 0),
            ("leases of 256, modelled", model::Threads::leased, 1),
            ("a million keys, modelled", model::Threads::keyed, 2),
        ];
        for (name, rate, color) in all {
            let points = model::THREADS.map(|threads| (threads, rate(&model, threads) * 1e3)).into();
            curves.push(curve(name, points, Stroke::Dashed, Some(color)));
        }
    }
    let (x, y) = (THREADS, Axis { says: "million grants a second", log: true, whole: false });
    lines("To 64 threads: measured and modelled", x, y, &curves)
}

fn scaling_keys(results: &Results) -> Result<String, Box<dyn Error>> {
    let mut curves = vec![curve("measured", by_size(results, tables::SWEEP, "tidegate"), Stroke::Measured, Some(0))];
    if let Some(model) = model::Keys::fitted(results) {
        let points = (8..=36).map(|quarter| 10f64.powf(f64::from(quarter) / 4.0)).map(|keys| (keys, model.hit(keys)));
        curves.push(curve("modelled", points.collect(), Stroke::Dashed, Some(1)));
    }
    lines(
        "To a thousand million keys: measured and modelled",
        X_KEYS,
        Axis { says: "nanoseconds a hit", log: false, whole: false },
        &curves,
    )
}

fn scaling_cost(results: &Results) -> Result<String, Box<dyn Error>> {
    let group = "permits a call";
    let rows = || results.group(tables::SCALING, group);
    let points =
        |name: &str| rows().filter(|row| row.name == name).filter_map(|row| Some((row.size?, row.median))).collect();
    let curves: Vec<Curve> = names(rows())
        .into_iter()
        .enumerate()
        .map(|(n, name)| curve(name, points(name), Stroke::Measured, Some(n)))
        .collect();
    let (x, y) = (
        Axis { says: "permits a call", log: true, whole: false },
        Axis { says: "nanoseconds a call", log: true, whole: false },
    );
    lines("By the cost of a call: only a log touches a slot for each permit", x, y, &curves)
}

#[cfg(test)]
mod tests {
    /// Without figures there are empty charts, and no panic.
    #[test]
    fn every_chart_can_be_drawn_of_nothing() {
        let charts = super::all(&crate::results::Results::default()).unwrap();
        let mut names: Vec<_> = charts.iter().map(|chart| chart.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), charts.len());
        assert!(charts.iter().all(|chart| chart.svg.starts_with("<svg")));
    }
}
