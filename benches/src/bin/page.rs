//! Tables and charts of the documentation, from the figures of a run.
//!
//! * `page --collect` puts the parts that the programs of this run have left together into `docs/results/bench.json`, then makes the pages;
//! * `page` makes the pages from that file again;
//! * `page --check` changes nothing; the exit status is 1 if a page or a chart is not what the file and the code make of it;
//! * `--draft` with any of them: beside the parts, not in the source tree.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

use serde_json::Value;
use tidegate_benches::results::{Results, Row, folder, root, rounded, target};
use tidegate_benches::{documents, languages, machine, model, tables};

/// What other languages' benchmarks leave, and its part.
const LANGUAGES: [&str; 3] = ["c", "python", "node"];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = |name: &str| arguments.iter().any(|argument| argument == name);
    let mut to = root();
    if asked("--draft") {
        to = folder().join("draft");
    }
    let file = to.join(documents::FIGURES);
    let mut stale = Vec::new();
    if asked("--collect") {
        let results = collect()?;
        fs::create_dir_all(file.parent().unwrap_or(&to))?;
        results.save(&file)?;
    }
    let files = documents::all(&Results::read(&file)?)?;
    for (name, text) in &files {
        let path = to.join(name);
        if !asked("--check") {
            fs::create_dir_all(path.parent().unwrap_or(&to))?;
            fs::write(path, text)?;
        } else if fs::read_to_string(path).ok().as_ref() != Some(text) {
            stale.push(name);
        }
    }
    for name in &stale {
        println!(
            "{name} is not what {} makes of it: `cargo run --release -p tidegate-benches --bin page`",
            documents::FIGURES
        );
    }
    println!("{} pages and charts of {}", files.len(), file.display());
    Ok(if stale.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All parts of this run. One that is missing is said, and left out.
fn collect() -> io::Result<Results> {
    let mut results = Results { machine: machine::description(), ..Results::default() };
    results.rows.extend(machine::second_level_cache().map(|bytes| {
        let (part, group, name) = model::CACHE;
        Row {
            part: part.into(),
            group: group.into(),
            name: name.into(),
            median: bytes as f64,
            unit: Some("bytes".into()),
            ..Row::default()
        }
    }));
    for part in ["direct", "keys", "scaling", "burst", tables::INSTRUCTIONS].into_iter().chain(LANGUAGES) {
        match Results::read(&folder().join(format!("{part}.json"))) {
            Err(error) => eprintln!("no figures of `{part}`: {error}"),
            Ok(mut found) => {
                for row in found.rows.iter_mut().filter(|row| row.part.is_empty()) {
                    row.part = part.to_owned();
                    row.settle();
                    if part == tables::INSTRUCTIONS {
                        row.unit = Some("instructions".to_owned());
                    }
                }
                results.merge(found);
            }
        }
    }
    let wanted = languages::bounds(&results);
    results.bounds.extend(wanted);
    results.rows.extend(criterion(&target().join("criterion"))?);
    Ok(results)
}

/// The medians that criterion has left, by group and name.
fn criterion(folder: &Path) -> io::Result<Vec<Row>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() && path.file_name().is_some_and(|name| name == "new") {
                if let Some(row) = estimate(&path) {
                    found.insert((row.group.clone(), row.name.clone()), row);
                }
            } else if path.is_dir() {
                folders.push(path);
            }
        }
    }
    if found.is_empty() {
        eprintln!("no figures of `{}`", tables::CRITERION);
    }
    Ok(found.into_values().collect())
}

fn estimate(folder: &Path) -> Option<Row> {
    let read = |name: &str| serde_json::from_str::<Value>(&fs::read_to_string(folder.join(name)).ok()?).ok();
    let (about, estimates) = (read("benchmark.json")?, read("estimates.json")?);
    let median = &estimates["median"];
    let bound = |name: &str| median["confidence_interval"][name].as_f64().map(rounded);
    // An iteration is a call on each thread.
    Some(Row {
        part: tables::CRITERION.to_owned(),
        group: about["group_id"].as_str()?.to_owned(),
        name: about["function_id"].as_str()?.to_owned(),
        median: rounded(median["point_estimate"].as_f64()?),
        low: bound("lower_bound"),
        high: bound("upper_bound"),
        ..Row::default()
    })
}
