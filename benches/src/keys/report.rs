//! One line of the table of many keys, as it is measured and as it is kept.

use tidegate_benches::interleave::{Middle, Series};
use tidegate_benches::results;
use tidegate_benches::tables;

use super::floor::FLOOR;
use super::subject::TIDEGATE;

/// A figure that is no time.
pub const BYTES: &str = "bytes a key";
/// Not a time, but the ratio of two.
pub const OVER_HIT: &str = "insert, evicting, over a uniform hit";

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

    /// A row for each cell.
    pub fn results(&self, part: &str) -> Vec<results::Row> {
        let unit = match self.case {
            BYTES => Some("bytes".to_owned()),
            OVER_HIT => Some("ratio".to_owned()),
            _ => None,
        };
        let row = |(column, series): &(&'static str, Series)| results::Row {
            unit: unit.clone(),
            size: Some(self.keys as f64),
            kind: Some(self.kind.to_owned()),
            threads: (self.threads > 0).then_some(self.threads),
            ..results::Row::new(part, self.case, column, series)
                .to_ours(self.ratio(column))
                .to_floor(self.ratio_to(column, FLOOR))
        };
        self.cells.iter().map(row).collect()
    }
}

/// All rows, of the part that the page's table shows.
pub fn results(rows: &[Row]) -> Vec<results::Row> {
    rows.iter().flat_map(|row| row.results(tables::KEYS)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_the_others_over_ours() {
        let cells = vec![(TIDEGATE, vec![10.0, 20.0, 30.0]), ("governor", vec![30.0, 60.0, 90.0])];
        let row = Row { keys: 1_000_000, kind: "u64", case: "hit", threads: 1, cells };
        assert!((row.ratio("governor").unwrap().median - 3.0).abs() < 1e-9);
        let kept = row.results("keys");
        assert_eq!((kept[0].median, kept[0].ratio, kept[0].floor), (20.0, Some(1.0), None));
        assert_eq!((kept[1].median, kept[1].ratio, kept[1].threads), (60.0, Some(3.0), Some(1)));
    }
}
