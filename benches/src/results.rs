//! What a run has measured, as JSON: every program writes its part, and `bin/page.rs` puts them together into one file.
//!
//! Parts lie in `TIDEGATE_BENCH_OUT` (if not set, `target/bench`); the whole in `docs/results/bench.json`, from which the tables and charts of the
//! documentation are made. So they can be made again, and a test sees whether they are still those of the figures.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde::{Deserialize, Serialize};

use crate::interleave::{Middle, Series};

/// One figure, with its spread, beside its floor and ours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Row {
    /// The program that measured it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub part: String,
    /// What it is compared within.
    pub group: String,
    /// What was measured.
    pub name: String,
    /// The figure: nanoseconds a call, if `unit` says nothing else.
    #[serde(alias = "median_ns")]
    pub median: f64,
    /// A quarter of all rounds were below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// A quarter of all rounds were above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Over ours: the median of the ratios within a round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// A quarter of the ratios were below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio_low: Option<f64>,
    /// A quarter of the ratios were above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio_high: Option<f64>,
    /// Over the floor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// Other than nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// How many keys, limits, permits, nanoseconds of a period: whatever the group varies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<f64>,
    /// The type of keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// On so many threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
}

impl Row {
    /// A figure with the spread of its rounds.
    pub fn new(part: &str, group: &str, name: &str, series: &Series) -> Row {
        let Middle { median, low, high } = Middle::of(series.clone());
        let (part, group, name) = (part.to_owned(), group.to_owned(), name.to_owned());
        let (low, high) = (Some(rounded(low)), Some(rounded(high)));
        Row { part, group, name, median: rounded(median), low, high, ..Row::default() }
    }

    /// Its ratio to ours, if there is one to compare it with.
    pub fn to_ours(mut self, ratio: Option<Middle>) -> Row {
        if let Some(Middle { median, low, high }) = ratio {
            self.ratio = Some(rounded(median));
            (self.ratio_low, self.ratio_high) = (Some(rounded(low)), Some(rounded(high)));
        }
        self
    }

    /// Other languages' rows have the spread of the ratio where ours have that of the figure.
    pub fn settle(&mut self) {
        self.median = rounded(self.median);
        self.ratio = self.ratio.map(rounded);
        let around =
            |middle: f64| self.low.is_some_and(|low| low <= middle) && self.high.is_some_and(|high| middle <= high);
        if !around(self.median) && self.ratio.is_some_and(around) {
            (self.ratio_low, self.ratio_high) = (self.low.take().map(rounded), self.high.take().map(rounded));
        }
    }

    /// Its ratio to the floor.
    pub fn to_floor(mut self, ratio: Option<Middle>) -> Row {
        self.floor = ratio.map(|ratio| rounded(ratio.median));
        self
    }
}

/// A ratio that is promised or wanted, or only worth knowing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// One to the other.
    pub says: String,
    /// The page on which it stands.
    pub page: String,
    /// At least or at most so much, if anything is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// See `at_least`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// What was measured.
    pub median: f64,
    /// A quarter of the rounds were below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// A quarter of the rounds were above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

impl Bound {
    /// A ratio that is worth knowing.
    pub fn known(page: &str, says: &str, found: Middle) -> Bound {
        let Middle { median, low, high } = found;
        let (low, high) = (Some(rounded(low)), Some(rounded(high)));
        let (page, says) = (page.to_owned(), says.to_owned());
        Bound { says, page, at_least: None, at_most: None, median: rounded(median), low, high }
    }

    /// One that must be at least so much.
    pub fn at_least(page: &str, says: &str, least: f64, found: Middle) -> Bound {
        Bound { at_least: Some(least), ..Bound::known(page, says, found) }
    }

    /// One that must be at most so much.
    pub fn at_most(page: &str, says: &str, most: f64, found: Middle) -> Bound {
        Bound { at_most: Some(most), ..Bound::known(page, says, found) }
    }

    /// Whether it holds; `None` where nothing is wanted.
    pub fn holds(&self) -> Option<bool> {
        match (self.at_least, self.at_most) {
            (Some(least), _) => Some(self.median >= least),
            (_, Some(most)) => Some(self.median <= most),
            _ => None,
        }
    }

    /// What is wanted, in words.
    pub fn wanted(&self) -> String {
        match (self.at_least, self.at_most) {
            (Some(least), _) => format!("at least {least}"),
            (_, Some(most)) => format!("at most {most}"),
            _ => String::new(),
        }
    }
}

/// A line of a chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The chart.
    pub chart: String,
    /// In its legend.
    pub name: String,
    /// x and y.
    pub points: Vec<(f64, f64)>,
}

/// A part, or the whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Results {
    /// What it was measured on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub machine: Vec<String>,
    /// Ratios, wanted or known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bounds: Vec<Bound>,
    /// Figures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Row>,
    /// Lines of charts in virtual time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
}

impl Results {
    /// The rows of a part.
    pub fn part<'a>(&'a self, part: &'a str) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().filter(move |row| row.part == part)
    }

    /// The rows of a group of a part.
    pub fn group<'a>(&'a self, part: &'a str, group: &'a str) -> impl Iterator<Item = &'a Row> {
        self.part(part).filter(move |row| row.group == group)
    }

    /// One row.
    pub fn row(&self, part: &str, group: &str, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| (row.part.as_str(), row.group.as_str(), row.name.as_str()) == (part, group, name))
    }

    /// Takes in another part.
    pub fn merge(&mut self, other: Results) {
        if self.machine.is_empty() {
            self.machine = other.machine;
        }
        self.bounds.extend(other.bounds);
        self.rows.extend(other.rows);
        self.lines.extend(other.lines);
    }

    /// Writes a part where the others are.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save_part(&self, name: &str) -> io::Result<()> {
        fs::create_dir_all(folder())?;
        self.save(&folder().join(format!("{name}.json")))
    }

    /// Writes it, a figure a line, so that two runs can be compared.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        fn lines<T: Serialize>(name: &str, all: &[T]) -> io::Result<String> {
            let lines: Result<Vec<String>, _> = all.iter().map(serde_json::to_string).collect();
            Ok(format!("\"{name}\":[\n{}\n]", lines?.join(",\n")))
        }
        let parts = [
            lines("machine", &self.machine)?,
            lines("bounds", &self.bounds)?,
            lines("rows", &self.rows)?,
            lines("lines", &self.lines)?,
        ];
        fs::write(path, format!("{{\n{}\n}}\n", parts.join(",\n")))
    }

    /// Reads what [`Results::save`] has written, or a list of rows alone.
    ///
    /// # Errors
    /// The file cannot be read, or is neither.
    pub fn read(path: &Path) -> io::Result<Results> {
        Results::parse(&fs::read_to_string(path)?)
    }

    fn of(mut rest: serde_json::Value) -> io::Result<Results> {
        rest["rows"] = serde_json::Value::Array(Vec::new());
        Ok(serde_json::from_value(rest)?)
    }

    fn parse(text: &str) -> io::Result<Results> {
        let mut value: serde_json::Value = serde_json::from_str(text)?;
        let rows = if value.is_array() { value.take() } else { value["rows"].take() };
        // Of another language's rows, those that are figures.
        let rows = rows.as_array().into_iter().flatten().filter_map(figure).collect();
        let rest = if value.is_null() { Results::default() } else { Results::of(value)? };
        Ok(Results { rows, ..rest })
    }
}

/// A row as JSON, if it is one. Bytes stand where they are called so.
fn figure(row: &serde_json::Value) -> Option<Row> {
    let mut row = row.clone();
    if row["bytes"].is_number() {
        row["median_ns"] = row["bytes"].take();
        row["unit"] = "bytes".into();
    }
    serde_json::from_value(row).ok()
}

/// Where parts are written.
pub fn folder() -> PathBuf {
    if let Some(folder) = env::var_os("TIDEGATE_BENCH_OUT") {
        return folder.into();
    }
    target().join("bench")
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The source tree that this was built from.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Whether `TIDEGATE_BENCH_QUICK` asks for a run that shows that everything works, and whose figures are worth little.
pub fn quick() -> bool {
    env::var_os("TIDEGATE_BENCH_QUICK").is_some_and(|value| !value.is_empty() && value != "0")
}

/// Four figures: more say nothing, and two runs are compared more easily.
pub fn rounded(figure: f64) -> f64 {
    if figure == 0.0 || !figure.is_finite() {
        return 0.0;
    }
    let unit = 10f64.powi(3 - figure.abs().log10().floor() as i32);
    (figure * unit).round() / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_read() {
        let series = vec![10.0, 20.0, 30.0];
        let row = Row::new("direct", "grant", "ours", &series).to_ours(Some(Middle::of(vec![1.0]))).to_floor(None);
        let bound = Bound::at_least("benchmarks", "one to the other", 1.5, Middle::of(vec![1.25, 1.3, 1.4]));
        assert_eq!(bound.holds(), Some(false));
        let line = Line { chart: "c".into(), name: "n".into(), points: vec![(0.0, 1.5)] };
        let results = Results { machine: vec!["m".into()], bounds: vec![bound], rows: vec![row], lines: vec![line] };
        let path = env::temp_dir().join(format!("tidegate-results-{}.json", std::process::id()));
        results.save(&path).unwrap();
        let again = Results::read(&path);
        fs::remove_file(path).unwrap();
        assert_eq!(again.unwrap(), results);
    }

    #[test]
    fn rows_of_other_languages_are_read() {
        let text = r#"[{"group": "g", "name": "n", "median_ns": 12.5, "ratio": 1.0, "low": 12, "high": 13, "version": "x"},
            {"group": "g", "name": "m", "median_ns": 2, "ratio": null, "low": null, "high": null},
            {"group": "g", "name": "keys", "median_ns": null, "bytes": 22.0},
            {"group": "g", "name": "not measured", "median_ns": null}]"#;
        let rows = Results::parse(text).unwrap().rows;
        assert_eq!((rows[0].median, rows[0].ratio, rows[0].high), (12.5, Some(1.0), Some(13.0)));
        assert_eq!((rows.len(), rows[1].median, rows[1].ratio), (3, 2.0, None));
        assert_eq!((rows[2].median, rows[2].unit.as_deref()), (22.0, Some("bytes")));
        assert_eq!(Results::parse(&format!("{{\"rows\": {text}}}")).unwrap().rows, rows);
        assert!(Results::parse("{").is_err());
        assert!(Results::parse("{\"bounds\": 1}").is_err());
    }

    #[test]
    fn the_spread_of_a_ratio_is_told_from_that_of_a_time() {
        let row = |median, ratio, low, high| {
            let mut row = Row { median, ratio: Some(ratio), low: Some(low), high: Some(high), ..Row::default() };
            row.settle();
            (row.low, row.ratio_low)
        };
        assert_eq!(row(50.0, 2.0, 1.9, 2.1), (None, Some(1.9)));
        assert_eq!(row(50.0, 2.0, 49.0, 52.0), (Some(49.0), None));
    }

    #[test]
    fn four_figures_are_kept() {
        assert_eq!([12_345.6, 0.123_456, 0.0, f64::NAN].map(rounded), [12_350.0, 0.1235, 0.0, 0.0]);
    }
}
