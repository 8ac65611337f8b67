//! The pages and charts that follow from the figures of a run: the same figures, the same files.

use std::error::Error;
use std::io;

use crate::page::Page;
use crate::results::Results;
use crate::{charts, model, tables};

/// The figures of the last whole run.
pub const FIGURES: &str = "docs/results/bench.json";

/// Every file that follows from the figures, by its path in the source tree.
///
/// # Errors
/// A page that is not there, or lacks the markers.
pub fn all(results: &Results) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let machine: String = results.machine.iter().map(|line| format!("* {line}\n")).collect();
    let mut files = Vec::new();
    let mut page = |path: &str, parts: &[(&str, String)]| -> io::Result<()> {
        let mut page = Page::open(path)?;
        for (part, text) in parts {
            page.replace(part, text)?;
        }
        files.push((path.to_owned(), page.into_text()));
        Ok(())
    };
    page(
        "docs/benchmarks.md",
        &[
            ("machine", machine.clone()),
            ("bounds", tables::bounds(results, "benchmarks")),
            ("speed", tables::speed(results)),
            ("threads", tables::threads(results)),
            ("c", tables::language(results, "c")),
            ("python", tables::language(results, "python")),
            ("node", tables::language(results, "node")),
            ("criterion", tables::criterion(results)),
            ("instructions", tables::instructions(results)),
        ],
    )?;
    page(
        "docs/keys.md",
        &[
            ("machine", machine),
            ("bounds", tables::bounds(results, "keys")),
            ("keys", tables::keys(results)),
            ("sweep", tables::sweep(results)),
        ],
    )?;
    page(
        "docs/scaling.md",
        &[
            ("scaling", tables::scaling(results)),
            ("keys", model::keys_table(results)),
            ("threads", model::threads_table(results)),
        ],
    )?;
    page("README.md", &[("speed", tables::summary(results))])?;
    page("COMPARE.md", &[("speed", tables::summary(results))])?;
    for chart in charts::all(results)? {
        files.push((format!("docs/charts/{}.svg", chart.name), chart.svg));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::root;

    /// Every page that a run writes into has its markers.
    #[test]
    fn every_page_has_its_markers() {
        all(&Results::default()).unwrap();
    }

    /// Tables and charts come from the committed figures and the committed code, and from nobody's hand.
    #[test]
    fn what_is_committed_follows_from_the_figures() {
        let file = root().join(FIGURES);
        if !file.exists() {
            // No whole run has been committed yet.
            return;
        }
        let results = Results::read(&file).unwrap();
        for (name, text) in all(&results).unwrap() {
            let committed = std::fs::read_to_string(root().join(&name)).unwrap_or_default();
            assert!(committed == text, "{name}: `cargo run --release -p tidegate-benches --bin page` makes it again");
        }
    }
}
