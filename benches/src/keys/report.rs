//! `docs/keys.md`: one table, written between markers.

use std::path::PathBuf;
use std::{fs, io};

use tidegate_benches::interleave::{Middle, Series};

use super::floor::FLOOR;
use super::subject::{GOVERNOR, TIDEGATE};

/// The columns, in order.
pub const COLUMNS: [&str; 8] = [
    FLOOR,
    TIDEGATE,
    GOVERNOR,
    "gcra",
    "throttlecrab adaptive",
    "throttlecrab periodic",
    "throttlecrab probabilistic",
    "sharded map",
];

/// One line of the table.
pub struct Row {
    /// The number of keys.
    pub keys: usize,
    /// The type of keys.
    pub kind: &'static str,
    /// What is done.
    pub case: &'static str,
    /// On how many threads; 0 for bytes.
    pub threads: usize,
    /// By column, if it is measured there.
    pub cells: Vec<(&'static str, Series)>,
}

impl Row {
    fn series(&self, column: &str) -> Option<&Series> {
        self.cells.iter().find(|(name, _)| *name == column).map(|(_, series)| series)
    }

    /// The other's figure over ours, round by round.
    pub fn ratio(&self, column: &str) -> Option<Middle> {
        self.ratio_to(column, TIDEGATE)
    }

    /// One column's figure over another's, round by round.
    pub fn ratio_to(&self, column: &str, other: &str) -> Option<Middle> {
        Some(Middle::of_ratio(self.series(column)?, self.series(other)?))
    }

    fn markdown(&self) -> String {
        let threads = if self.threads == 0 { String::new() } else { self.threads.to_string() };
        let mut line = format!("| {} | {} | {} | {threads} |", grouped(self.keys), self.kind, self.case);
        for column in COLUMNS {
            let Some(series) = self.series(column) else {
                line += " |";
                continue;
            };
            let figure = Middle::of(series.clone()).median;
            let figure = if figure < 10.0 { format!("{figure:.1}") } else { format!("{figure:.0}") };
            line += &match self.ratio(column) {
                Some(ratio) if column != TIDEGATE => format!(" {figure} ({:.1}x) |", ratio.median),
                _ => format!(" **{figure}** |"),
            };
        }
        line + "\n"
    }
}

/// All lines, in one table.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from("| keys | type | case | threads |");
    for column in COLUMNS {
        text += &format!(" {column} |");
    }
    text += "\n|---:|---|---|---:|";
    text += &"---:|".repeat(COLUMNS.len());
    text.push('\n');
    text.extend(rows.iter().map(Row::markdown));
    text
}

/// A promised ratio or figure, and whether it was kept.
pub fn bound(says: &str, at_least: bool, bound: f64, found: Option<Middle>) -> String {
    let Some(found) = found else { return format!("| {says} | | not measured | | |\n") };
    let holds = if at_least { found.median >= bound } else { found.median <= bound };
    format!(
        "| {says} | at {} {bound} | {:.2} | {:.2} to {:.2} | {} |\n",
        if at_least { "least" } else { "most" },
        found.median,
        found.low,
        found.high,
        if holds { "holds" } else { "**missed**" }
    )
}

/// A ratio that nothing is promised about.
pub fn figure(says: &str, found: Option<Middle>) -> String {
    let Some(found) = found else { return format!("| {says} | | not measured | | |\n") };
    format!("| {says} | | {:.2} | {:.2} to {:.2} | |\n", found.median, found.low, found.high)
}

/// Replaces what lies between `<!-- part: begin -->` and `<!-- part: end -->`.
///
/// # Errors
/// The page cannot be read or written, or lacks the markers.
pub fn replace(part: &str, text: &str) -> io::Result<()> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/keys.md"));
    let page = fs::read_to_string(&path)?;
    let (begin, end) = (format!("<!-- {part}: begin -->\n"), format!("<!-- {part}: end -->"));
    let halves = page.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let Some((before, after)) = halves else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("no markers of `{part}`")));
    };
    fs::write(&path, format!("{before}{begin}{}\n{end}{after}", text.trim_end()))
}

/// 1000000 as 1,000,000.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let from_end = |n: usize| digits.len() - n;
    digits
        .char_indices()
        .flat_map(|(n, digit)| (n > 0 && from_end(n).is_multiple_of(3)).then_some(',').into_iter().chain([digit]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_the_others_over_ours() {
        let cells = vec![(TIDEGATE, vec![10.0, 20.0, 30.0]), (GOVERNOR, vec![30.0, 60.0, 90.0])];
        let row = Row { keys: 1_000_000, kind: "u64", case: "hit", threads: 1, cells };
        assert!((row.ratio(GOVERNOR).unwrap().median - 3.0).abs() < 1e-9);
        assert_eq!(row.markdown(), "| 1,000,000 | u64 | hit | 1 | | **20** | 60 (3.0x) | | | | | |\n");
        assert!(bound("b", true, 3.1, row.ratio(GOVERNOR)).contains("missed"));
        assert!(bound("b", false, 3.1, row.ratio(GOVERNOR)).contains("holds"));
    }
}
