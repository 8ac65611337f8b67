//! How the vectors are made: named boundaries, scripts of every verb, and seeded random sequences.
//!
//! Rule: nothing here knows an answer. A script says what is asked; the reference is asked, and its answer recorded.
//! The same build writes the same bytes on every machine.

mod boundaries;
mod random;
mod record;
mod verbs;

use crate::Vectors;

/// All vectors, in the order of the file.
pub fn vectors() -> Vectors {
    let mut book = record::Book::default();
    boundaries::write(&mut book);
    verbs::write(&mut book);
    random::write(&mut book);
    Vectors {
        format: 1,
        about: "What every tidegate limiter answers; written by tidegate-reference. See conformance/README.md.".into(),
        cases: book.cases,
        quota_errors: book.quota_errors,
    }
}

/// The text of the file: one step a line, so that a change reads as a change.
pub fn text(vectors: &Vectors) -> String {
    let json = |value: serde_json::Result<String>| value.unwrap_or_default();
    let mut out = format!(
        "{{\"format\":{},\"about\":{},\"cases\":[",
        vectors.format,
        json(serde_json::to_string(&vectors.about))
    );
    for (i, case) in vectors.cases.iter().enumerate() {
        let mut head = case.clone();
        head.steps.clear();
        // The head ends in `"steps":[]}`: the steps go into its brackets.
        let head = json(serde_json::to_string(&head));
        out.push_str(if i == 0 { "\n" } else { ",\n" });
        out.push_str(head.strip_suffix("]}").unwrap_or(&head));
        for (j, step) in case.steps.iter().enumerate() {
            out.push_str(if j == 0 { "\n" } else { ",\n" });
            out.push_str(&json(serde_json::to_string(step)));
        }
        out.push_str("]}");
    }
    out.push_str("],\n\"quota_errors\":[");
    for (i, refused) in vectors.quota_errors.iter().enumerate() {
        out.push_str(if i == 0 { "\n" } else { ",\n" });
        out.push_str(&json(serde_json::to_string(refused)));
    }
    out.push_str("]}\n");
    out
}
