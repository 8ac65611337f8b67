//! `Trace`: recorded requests, as CSV with a head or as NDJSON, read line by line.
//!
//! | column or key | is |
//! |---|---|
//! | `time` (`timestamp`, `ts`, `at`) | when: RFC 3339, or a number since 1970 whose unit the first one tells; needed |
//! | `endpoint` | `POST /v1/x/send`; or `method` and `path` apart |
//! | `plan`, `customer`, `zone` | the caller's |
//! | `api-key`, `ip`, `account`, `organization`, `sender-domain` | who is asking (`_` may stand for `-`) |
//! | `cost` | what it takes of every limit; 1 if empty |
//! | `units.NAME` | how many of a unit it carries; NDJSON: an object `units` |
//!
//! Everything else is passed over. A line of more than a mebibyte is refused, so memory is bounded whatever the file is.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::de::DeserializeSeed;

use super::arrival::{Arrival, Source};
use super::column::{Column, short, told};
use super::instant::Instants;
use super::ndjson::{Object, json_message};

/// The longest line, in bytes.
const LONGEST: usize = 1 << 20;

/// How a trace is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Comma-separated values (RFC 4180) with a head.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// What is wrong with a trace, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    file: String,
    line: u64,
    message: String,
}

impl TraceError {
    /// The line, from 1; 0 if the file cannot be read at all. In CSV, blank lines before a record belong to it.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.message)
        } else {
            write!(f, "{}:{}: {}", self.file, self.line, self.message)
        }
    }
}

impl std::error::Error for TraceError {}

/// Recorded requests.
///
/// ```
/// use tidegate_policy::simulate::{Arrival, Format, Source, Trace};
/// let text = "time,ip,cost,status\n2026-01-01T00:00:00Z,10.0.0.1,2,200\n";
/// let mut trace = Trace::new(text.as_bytes(), "a.csv", Format::Csv)?;
/// assert_eq!(trace.unused(), ["status"]);
/// let mut arrival = Arrival::default();
/// assert!(trace.next(&mut arrival)?);
/// assert_eq!((arrival.at, arrival.cost), (1_767_225_600_000_000_000, 2));
/// assert!(!trace.next(&mut arrival)?);
/// # Ok::<(), tidegate_policy::simulate::TraceError>(())
/// ```
pub struct Trace<R> {
    file: String,
    rows: Rows<R>,
    instants: Instants,
    unused: Vec<String>,
}

enum Rows<R> {
    Csv { reader: csv::Reader<Lines<R>>, columns: Vec<Column>, record: csv::ByteRecord },
    Ndjson { reader: BufReader<Lines<R>>, line: Vec<u8>, number: u64 },
}

/// Nothing is left of the last request.
fn clear(arrival: &mut Arrival) {
    (arrival.at, arrival.cost) = (0, 1);
    for word in [&mut arrival.plan, &mut arrival.customer, &mut arrival.method, &mut arrival.path, &mut arrival.zone] {
        word.clear();
    }
    arrival.keys.iter_mut().for_each(String::clear);
    arrival.units.clear();
}

impl Trace<File> {
    /// Opens a trace: NDJSON if its name ends in `.ndjson`, `.jsonl` or `.json`, CSV otherwise.
    ///
    /// # Errors
    /// As [`Trace::new`], and a file that cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Trace<File>, TraceError> {
        let path = path.as_ref();
        let file = path.display().to_string();
        let json = ["ndjson", "jsonl", "json"];
        let is_json = path.extension().is_some_and(|own| json.iter().any(|json| own.eq_ignore_ascii_case(json)));
        match File::open(path) {
            Ok(opened) => Trace::new(opened, &file, if is_json { Format::Ndjson } else { Format::Csv }),
            Err(error) => Err(TraceError { file, line: 0, message: format!("cannot be opened: {error}") }),
        }
    }
}

impl<R: Read> Trace<R> {
    /// A trace out of a reader; `file` is the name that errors carry.
    ///
    /// # Errors
    /// A CSV head that cannot be read, or has no column for the time.
    pub fn new(reader: R, file: &str, format: Format) -> Result<Trace<R>, TraceError> {
        let lines = Lines { reader, run: 0 };
        let file = file.to_owned();
        if format == Format::Ndjson {
            let rows = Rows::Ndjson { reader: BufReader::with_capacity(1 << 16, lines), line: Vec::new(), number: 0 };
            return Ok(Trace { file, rows, instants: Instants::default(), unused: Vec::new() });
        }
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).buffer_capacity(1 << 16).from_reader(lines);
        let head = match reader.headers() {
            Ok(head) => head.clone(),
            Err(error) => return Err(csv_error(file, &error)),
        };
        let head: Vec<&str> = head.iter().map(|name| name.trim_start_matches('\u{feff}')).collect();
        let columns: Vec<Column> = head.iter().map(|name| Column::named(name)).collect();
        let mut seen = HashSet::new();
        let mut known = columns.iter().filter(|column| **column != Column::Unused);
        if let Some(twice) = known.find(|column| !seen.insert(*column)) {
            return Err(TraceError { file, line: 1, message: format!("two columns are the {}", told(twice)) });
        }
        if !columns.contains(&Column::Time) {
            let message =
                format!("the first line names the columns, and none of them is `time`: `{}`", short(&head.join(",")));
            return Err(TraceError { file, line: 1, message });
        }
        let unused = head.iter().zip(&columns).filter(|(_, column)| **column == Column::Unused);
        let unused = unused.map(|(name, _)| (*name).to_owned()).collect();
        let rows = Rows::Csv { reader, columns, record: csv::ByteRecord::new() };
        Ok(Trace { file, rows, instants: Instants::default(), unused })
    }

    /// The columns of a CSV trace that are passed over.
    pub fn unused(&self) -> &[String] {
        &self.unused
    }

    fn line(&self) -> u64 {
        match &self.rows {
            Rows::Csv { record, .. } => record.position().map_or(0, csv::Position::line),
            Rows::Ndjson { number, .. } => *number,
        }
    }

    fn error(&self, message: String) -> TraceError {
        TraceError { file: self.file.clone(), line: self.line(), message }
    }
}

fn csv_error(file: String, error: &csv::Error) -> TraceError {
    let line = error.position().map_or(0, csv::Position::line);
    let message = match error.kind() {
        csv::ErrorKind::Io(error) => format!("cannot be read: {error}"),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} cells, and the first line names {expected_len} columns")
        }
        csv::ErrorKind::Utf8 { .. } => "this line is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    TraceError { file, line, message }
}

impl<R: Read> Source for Trace<R> {
    fn next(&mut self, arrival: &mut Arrival) -> Result<bool, TraceError> {
        clear(arrival);
        let instants = &mut self.instants;
        let outcome = match &mut self.rows {
            Rows::Csv { reader, columns, record } => {
                match reader.read_byte_record(record) {
                    Ok(true) => {}
                    Ok(false) => return Ok(false),
                    Err(error) => return Err(csv_error(self.file.clone(), &error)),
                }
                let cells = columns.iter().zip(record.iter());
                cells.into_iter().try_for_each(|(column, cell)| {
                    if *column == Column::Unused {
                        return Ok(());
                    }
                    let Ok(cell) = std::str::from_utf8(cell) else {
                        return Err(format!("{}: this cell is not UTF-8", told(column)));
                    };
                    column
                        .set(cell.trim_ascii(), arrival, instants)
                        .map_err(|wrong| format!("{}: {wrong}", told(column)))
                })
            }
            Rows::Ndjson { reader, line, number } => {
                loop {
                    line.clear();
                    *number += 1;
                    match reader.read_until(b'\n', line) {
                        Ok(0) => return Ok(false),
                        Ok(_) if line.iter().all(u8::is_ascii_whitespace) => {}
                        Ok(_) => break,
                        Err(error) => return Err(self.error(format!("cannot be read: {error}"))),
                    }
                }
                let mut json = serde_json::Deserializer::from_slice(line);
                let mut timed = false;
                let read = Object { arrival, instants, timed: &mut timed }.deserialize(&mut json);
                match read.and_then(|()| json.end()) {
                    Ok(()) if timed => Ok(()),
                    Ok(()) => Err("the object has no `time`".to_owned()),
                    Err(error) => Err(json_message(&error)),
                }
            }
        };
        outcome.map_err(|message| self.error(message))?;
        Ok(true)
    }

    fn place(&self) -> Option<String> {
        Some(format!("{}:{}", self.file, self.line()))
    }
}

/// A reader that refuses lines without end.
struct Lines<R> {
    reader: R,
    /// Bytes since the last end of a line.
    run: usize,
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        let mut longest = self.run;
        match (bytes.iter().position(|byte| *byte == b'\n'), bytes.iter().rposition(|byte| *byte == b'\n')) {
            // A buffer is shorter than the longest line, so only the first can be too long.
            (Some(first), Some(last)) => {
                longest += first;
                self.run = read - last - 1;
            }
            _ => {
                longest += read;
                self.run += read;
            }
        }
        if longest > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line of more than 1 MiB"));
        }
        Ok(read)
    }
}
