//! Figures as Markdown.

use crate::Group;
use crate::results::{Bound, Results, Row};

/// One limiter on one thread.
pub const DIRECT: &str = "direct";
/// One limiter on several threads.
pub const THREADS: &str = "threads";
/// Many keys.
pub const KEYS: &str = "keys";
/// A hit, by the number of keys.
pub const SWEEP: &str = "sweep";
/// How a cost grows.
pub const SCALING: &str = "scaling";
/// criterion's times.
pub const CRITERION: &str = "criterion";
/// callgrind's counts.
pub const INSTRUCTIONS: &str = "instructions";

/// The columns of many keys, in order.
const COLUMNS: [&str; 10] = [
    "floor",
    "floor, with a keyed hash",
    "tidegate",
    "tidegate, a stored instant",
    "governor",
    "gcra",
    "throttlecrab adaptive",
    "throttlecrab periodic",
    "throttlecrab probabilistic",
    "sharded map",
];
const OURS: &str = "tidegate";

/// What is wanted and what was measured, of one page.
pub fn bounds(results: &Results, page: &str) -> String {
    let mut text =
        String::from("| time of one to the other | wanted | median | middle half | |\n|---|---:|---:|---:|---|\n");
    for bound in results.bounds.iter().filter(|bound| bound.page == page) {
        let spread = spread(bound.low, bound.high);
        text += &format!(
            "| {} | {} | {} | {spread} | {} |\n",
            bound.says,
            bound.wanted(),
            ratio(bound.median),
            verdict(bound)
        );
    }
    text
}

/// The same of all pages, in short.
pub fn summary(results: &Results) -> String {
    let mut text = String::from("| one to the other, in one run | wanted | measured |\n|---|---:|---:|\n");
    for bound in &results.bounds {
        let missed = if bound.holds() == Some(false) { " (missed)" } else { "" };
        let page = match bound.page.as_str() {
            "keys" => "a million keys: ",
            _ => "",
        };
        let wanted = if bound.holds().is_none() { "(for comparison)".to_owned() } else { bound.wanted() };
        text += &format!("| {page}{} | {wanted} | {}{missed} |\n", bound.says, ratio(bound.median));
    }
    text
}

fn verdict(bound: &Bound) -> &'static str {
    match bound.holds() {
        Some(true) => "holds",
        Some(false) => "**missed**",
        None => "",
    }
}

/// One limiter on one thread.
pub fn speed(results: &Results) -> String {
    let mut text = String::from(
        "| | median ns | middle half | x floor | x tidegate gcra | middle half |\n|---|---:|---:|---:|---:|---:|\n",
    );
    for group in Group::ALL {
        let rows: Vec<&Row> = results.group(DIRECT, group.name()).collect();
        if rows.is_empty() {
            continue;
        }
        text += &format!("| **{}** | | | | | |\n", group.name());
        for row in rows {
            text += &format!("| {} | {} | {} | {} |\n", row.name, times(row), optional(row.floor), ratios(row));
        }
    }
    text
}

/// One limiter on several threads.
pub fn threads(results: &Results) -> String {
    let mut text = String::from(
        "| | threads | million grants/s | ns a grant | middle half | x tidegate gcra | middle half |\n|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in results.part(THREADS) {
        text += &format!(
            "| {} | {} | {} | {} | {} |\n",
            row.name,
            row.threads.unwrap_or(1),
            figure(1e3 / row.median),
            times(row),
            ratios(row)
        );
    }
    text
}

/// Many keys: a line a case, a column a subject.
pub fn keys(results: &Results) -> String {
    columns(results, KEYS, &COLUMNS, |row| {
        let threads = row.threads.map_or_else(String::new, |threads| threads.to_string());
        let kind = row.kind.as_deref().unwrap_or_default();
        format!("{} | {kind} | {} | {threads}", grouped(row.size.unwrap_or(0.0)), row.group)
    })
    .map_or_else(String::new, |body| {
        format!("| keys | type | case | threads |{}|---:|---|---|---:|{body}", head(&COLUMNS))
    })
}

/// A hit, by the number of keys.
pub fn sweep(results: &Results) -> String {
    let names = ["floor", OURS, "governor", "sharded map"];
    columns(results, SWEEP, &names, |row| grouped(row.size.unwrap_or(0.0)))
        .map_or_else(String::new, |body| format!("| keys |{}|---:|{body}", head(&names)))
}

fn head(names: &[&str]) -> String {
    names.iter().map(|name| format!(" {name} |")).collect::<String>() + "\n"
}

/// The rest of the line under the head, and all lines; rows of one line follow one another.
fn columns(results: &Results, part: &str, names: &[&str], first: impl Fn(&Row) -> String) -> Option<String> {
    let rows: Vec<&Row> = results.part(part).collect();
    let line = |row: &Row| (row.group.clone(), row.size.map(f64::to_bits), row.kind.clone(), row.threads);
    let mut text = "---:|".repeat(names.len()) + "\n";
    for cells in rows.chunk_by(|a, b| line(a) == line(b)) {
        text += &format!("| {} |", first(cells.first()?));
        for name in names {
            text += &match cells.iter().find(|cell| cell.name == *name) {
                None => " |".to_owned(),
                Some(cell) if cell.name == OURS => format!(" **{}** |", figure(cell.median)),
                Some(cell) => match cell.ratio {
                    Some(ratio) => format!(" {} ({ratio:.1}x) |", figure(cell.median)),
                    None => format!(" {} |", figure(cell.median)),
                },
            };
        }
        text.push('\n');
    }
    (!rows.is_empty()).then_some(text)
}

/// How a cost grows: a table for each group.
pub fn scaling(results: &Results) -> String {
    let rows: Vec<&Row> = results.part(SCALING).collect();
    let mut text = String::new();
    for rows in rows.chunk_by(|a, b| a.group == b.group) {
        let kind = rows[0].kind.as_deref().unwrap_or_default();
        let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        names.dedup();
        names.sort();
        names.dedup();
        let mut sizes: Vec<f64> = rows.iter().filter_map(|row| row.size).collect();
        sizes.sort_by(f64::total_cmp);
        sizes.dedup();
        text += &format!("**{}** (ns a call, middle half)\n\n| {kind} |{}|---:|", rows[0].group, head(&names));
        text += &("---:|".repeat(names.len()) + "\n");
        for size in sizes {
            text += &format!("| {} |", grouped(size));
            for name in &names {
                let cell = rows.iter().find(|row| row.name == *name && row.size == Some(size));
                text += &cell.map_or_else(
                    || " |".to_owned(),
                    |cell| format!(" {} ({}) |", figure(cell.median), spread(cell.low, cell.high)),
                );
            }
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

/// The figures of another language, as its benchmark has them.
pub fn language(results: &Results, part: &str) -> String {
    let rows: Vec<&Row> = results.part(part).collect();
    if rows.is_empty() {
        return "Not measured in this run.".to_owned();
    }
    let mut text = String::from("| | median ns | spread | ratio | spread |\n|---|---:|---:|---:|---:|\n");
    let mut group = "";
    for row in rows {
        if row.group != group {
            group = &row.group;
            text += &format!("| **{group}** | | | | |\n");
        }
        let unit = row.unit.as_ref().filter(|unit| *unit != "ns").map_or_else(String::new, |unit| format!(" {unit}"));
        text += &format!(
            "| {} | {}{unit} | {} | {} |\n",
            row.name,
            figure(row.median),
            spread(row.low, row.high),
            ratios(row)
        );
    }
    text
}

/// criterion's times.
pub fn criterion(results: &Results) -> String {
    let mut text = String::from("| | median ns | 95 % interval |\n|---|---:|---:|\n");
    let mut group = "";
    for row in results.part(CRITERION) {
        if row.group != group {
            group = &row.group;
            text += &format!("| **{group}** | | |\n");
        }
        text += &format!("| {} | {} | {} |\n", row.name, figure(row.median), spread(row.low, row.high));
    }
    text
}

/// callgrind's counts.
pub fn instructions(results: &Results) -> String {
    let mut text = String::from("| | instructions a call |\n|---|---:|\n");
    let mut group = "";
    for row in results.part(INSTRUCTIONS) {
        if row.group != group {
            group = &row.group;
            text += &format!("| **{group}** | |\n");
        }
        text += &format!("| {} | {:.0} |\n", row.name, row.median);
    }
    text
}

fn times(row: &Row) -> String {
    format!("{} | {}", figure(row.median), spread(row.low, row.high))
}

fn ratios(row: &Row) -> String {
    let ratio = |ratio: Option<f64>| ratio.map_or_else(String::new, self::ratio);
    let spread = match (row.ratio_low, row.ratio_high) {
        (Some(low), Some(high)) => format!("{} to {}", self::ratio(low), self::ratio(high)),
        _ => String::new(),
    };
    format!("{} | {spread}", ratio(row.ratio))
}

fn spread(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{} to {}", figure(low), figure(high)),
        _ => String::new(),
    }
}

fn optional(number: Option<f64>) -> String {
    number.map_or_else(String::new, ratio)
}

fn ratio(number: f64) -> String {
    format!("{number:.2}")
}

/// As many digits as say something.
pub fn figure(number: f64) -> String {
    match number.abs() {
        size if size >= 1_000.0 => grouped(number.round()),
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// 1000000 as 1,000,000.
pub fn grouped(number: f64) -> String {
    if number.fract() != 0.0 {
        return number.to_string();
    }
    let digits = format!("{number:.0}");
    let from_end = |n: usize| digits.len() - n;
    digits
        .char_indices()
        .flat_map(|(n, digit)| (n > 0 && from_end(n).is_multiple_of(3)).then_some(',').into_iter().chain([digit]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(part: &str, name: &str, median: f64, ratio: f64) -> Row {
        let (part, name) = (part.to_owned(), name.to_owned());
        Row { part, group: "hit".into(), name, median, ratio: Some(ratio), size: Some(1e6), ..Row::default() }
    }

    #[test]
    fn a_line_has_a_column_for_each() {
        let rows = vec![row(SWEEP, "tidegate", 20.0, 1.0), row(SWEEP, "governor", 60.0, 3.0)];
        let text = sweep(&Results { rows, ..Results::default() });
        assert_eq!(text.lines().last(), Some("| 1,000,000 | | **20.0** | 60.0 (3.0x) | |"));
        let columns = |line: &str| line.matches('|').count();
        assert!(text.lines().all(|line| columns(line) == columns(&text[..text.find('\n').unwrap()])), "{text}");
    }

    #[test]
    fn what_is_missed_is_said() {
        let found = |median| crate::interleave::Middle { median, low: median, high: median };
        let bounds =
            vec![Bound::at_least("p", "a to b", 1.5, found(1.2)), Bound::at_most("p", "c to d", 1.5, found(1.2))];
        let results = Results { bounds, ..Results::default() };
        let (page, short) = (self::bounds(&results, "p"), summary(&results));
        assert_eq!((page.matches("**missed**").count(), page.matches("holds").count()), (1, 1));
        assert_eq!(short.matches("(missed)").count(), 1);
    }

    #[test]
    fn digits_are_grouped() {
        assert_eq!([0.0, 0.001, 999.0, 1_000.0, 1e7].map(grouped), ["0", "0.001", "999", "1,000", "10,000,000"]);
        assert_eq!([0.123, 12.34, 123.4, 12_345.6].map(figure), ["0.12", "12.3", "123", "12,346"]);
    }
}
